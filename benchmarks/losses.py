"""Compares losses of extractive models by the ROUGE of validation documents; recipe and number of updates are equal.

python benchmarks/losses.py --config cnndm-minilm --updates 400 --output runs/losses

Fields of the recipe are options, as for training (--data.train FILE, --data.labels greedy). Each loss is a run in the
output folder. The same command resumes after an interruption: it trains what is not trained yet, and prints the
table. The table is Markdown: ROUGE F1 with 95% bootstrap intervals over documents, and a paired bootstrap test of
ROUGE-1 against plain cross-entropy with the same seed. A test over documents does not tell how much another seed would
change; several (--seeds 0 1 2) do.
"""

import argparse
import inspect
from collections.abc import Iterator
from pathlib import Path

import bertsum
from bertsum.config import Config
from bertsum.config.arguments import overrides_from_arguments
from bertsum.errors import BertsumError
from bertsum.evaluation.compare import compare
from bertsum.program import keep_freed_memory, run
from bertsum.results import METRICS, RESULTS_FILE, Results
from bertsum.runs import Run

PLAIN = "cross_entropy"
VARIANTS = {
    PLAIN: ["train.loss=cross_entropy"],
    "weight-2": ["train.loss=cross_entropy", "train.positive_weight=2"],
    "weight-4": ["train.loss=cross_entropy", "train.positive_weight=4"],
    "weight-balanced": ["train.loss=cross_entropy", "train.positive_weight=balanced"],
    "focal": ["train.loss=focal"],
    "focal-balanced": ["train.loss=focal", "train.positive_weight=balanced"],
    "listwise": ["train.loss=listwise"],
}
SPLIT = "validation"
# Fields that a training resolves for its machine: a finished run may say bf16 where the recipe says auto.
_SETTLED = ("train.precision", "model.attention", "train.resume", "train.overwrite")


def recipe(config: str, variant: str, seed: int, updates: int, output: str, overrides: list[str]) -> Config:
    """The config of one run. No run has a threshold, because listwise scores take none."""
    budget = [f"train.max_steps={updates}", "train.epochs=null", "selection.threshold=null"]
    named = [f"name={variant}-{seed}", f"output_dir={output}", f"seed={seed}"]
    return Config.load(config, [*overrides, *budget, *named, *VARIANTS[variant]])


def is_finished(config: Config) -> bool:
    """Whether a run with exactly this config is trained to its end, and evaluated."""
    there = Run.of(config)
    checkpoint = there.last_checkpoint()
    if not (results_folder(config) / RESULTS_FILE).is_file() or checkpoint is None:
        return False
    before, now = there.config().flat(), config.flat()
    same = all(before[name] == value for name, value in now.items() if name not in _SETTLED)
    return same and checkpoint == there.checkpoint(config.train.max_steps or 0)


def results_folder(config: Config) -> Path:
    return config.run_dir / "eval" / SPLIT


def table(runs: dict[tuple[str, int], Config]) -> Iterator[str]:
    """The lines of the table of finished runs."""
    yield "| loss | seed | ROUGE-1 | ROUGE-2 | ROUGE-L | ROUGE-1 against cross-entropy | p |"
    yield "|---|---|---|---|---|---|---|"
    for (variant, seed), config in runs.items():
        if not is_finished(config):
            continue
        (cells,) = (
            row.cells for row in Results.read(results_folder(config) / RESULTS_FILE).rows() if row.system == "model"
        )
        rouge = [f"{mean:.2f} ({low:.2f}-{high:.2f})" for mean, low, high in (cells[metric] for metric in METRICS)]
        plain = runs.get((PLAIN, seed))
        difference, p_value = "", ""
        if variant != PLAIN and plain is not None and is_finished(plain):
            files = [results_folder(one) / "predictions.jsonl" for one in (plain, config)]
            test = compare(*files)["rouge1"]
            low, high = test.interval
            difference, p_value = f"{test.mean:+.2f} ({low:+.2f} to {high:+.2f})", f"{test.p_value:.4f}"
        yield f"| `{variant}` | {seed} | {' | '.join(rouge)} | {difference} | {p_value} |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=inspect.getdoc(inspect.getmodule(main)),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--config", required=True, help="the recipe: a file, or a name of configs/")
    parser.add_argument("--updates", type=int, required=True, help="updates of each training")
    parser.add_argument("--output", default="runs/losses", help="folder of the runs")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="each loss is trained with each seed")
    parser.add_argument("--losses", nargs="+", choices=VARIANTS, default=list(VARIANTS), help="which; all by default")
    given, rest = parser.parse_known_args()
    overrides = overrides_from_arguments(rest)
    runs = {
        (variant, seed): recipe(given.config, variant, seed, given.updates, given.output, overrides)
        for seed in given.seeds
        for variant in given.losses
    }
    if not next(iter(runs.values())).data.has_split(SPLIT):
        raise BertsumError(f"data.{SPLIT}: is not set, expected documents to compare the losses on")
    keep_freed_memory()
    for config in runs.values():
        if not is_finished(config):
            bertsum.train(config)
            print("\n".join(table(runs)), flush=True)
    print("\n".join(table(runs)), flush=True)


if __name__ == "__main__":
    run(main)
