"""Does an adapted encoder help a summarizer? Trains one with it and one without, for several seeds, and compares them.

python benchmarks/adapt.py --plain scisummnet/train.jsonl.gz scitldr/train.jsonl.gz \\
    --held-out scitldr/validation.jsonl.gz --train scitldr/train.jsonl.gz --test scitldr/validation.jsonl.gz

First, the encoder of configs/adapt.yaml is pretrained further (adapted) on the documents of --plain. Then --config is
trained from the adapted encoder and from the original one, with the seeds 0, 1, 2. Each training is judged by its last
checkpoint, so that the documents of --test choose nothing. The script prints the perplexity of --held-out before and
after the adaptation, the ROUGE of each seed, and the difference of the means over the seeds, with its interval over
documents. The same command resumes after an interruption.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import bertsum
from bertsum.config import Config
from bertsum.errors import BertsumError
from bertsum.evaluation.compare import compare, comparison_table
from bertsum.evaluation.evaluate import evaluate_untrained
from bertsum.program import keep_freed_memory, run
from bertsum.results import METRICS

SIDES = {"original": "without", "adapted": "with"}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--plain", nargs="+", required=True, help="documents to adapt to; summaries are not read")
    arguments.add_argument("--held-out", required=True, help="documents for the perplexity")
    arguments.add_argument("--train", required=True, help="documents with summaries")
    arguments.add_argument("--test", required=True, help="documents with summaries, to evaluate on")
    arguments.add_argument("--config", default="scitldr", help="config of the summarizer (%(default)s)")
    arguments.add_argument("--seeds", type=int, default=3, help="trainings of each side (%(default)s)")
    arguments.add_argument("--adapt", nargs="*", default=[], metavar="FIELD=VALUE", help="fields of the adaptation")
    arguments.add_argument("--tune", nargs="*", default=[], metavar="FIELD=VALUE", help="fields of the summarizer")
    arguments.add_argument("--output", default="runs/adapt-benchmark", help="folder of the runs (%(default)s)")
    options = arguments.parse_args()
    if options.seeds < 1:
        raise BertsumError(f"--seeds: got {options.seeds}, expected at least 1")
    keep_freed_memory()
    for line in measure(options):
        print(line, flush=True)


def measure(options: argparse.Namespace) -> Iterator[str]:
    """Trains everything, and yields the lines of the report."""
    adaptation = Config.load(
        "adapt",
        [
            "name=adapt",
            f"output_dir={options.output}",
            f"data.train={json.dumps(options.plain)}",
            f"data.validation={options.held_out}",
            *options.adapt,
        ],
    )
    adapted = bertsum.train(adaptation)
    assert adapted.evaluation is not None
    before = evaluate_untrained(adaptation, "validation")
    yield f"\nPerplexity of {options.held_out}\nbefore, with a new head where the encoder has none:\n{before.table()}"
    yield f"after:\n{adapted.evaluation.table()}\n"
    files: dict[str, list[Path]] = {side: [] for side in SIDES}
    for seed in range(options.seeds):
        for side in SIDES:
            encoder = str(adapted.checkpoint.resolve()) if side == "adapted" else adaptation.model.encoder
            config = Config.load(
                options.config,
                [
                    f"name={side}-{seed}",
                    f"output_dir={options.output}",
                    f"seed={seed}",
                    f"data.train={options.train}",
                    "data.validation=null",
                    f"data.test={options.test}",
                    f"model.encoder={encoder}",
                    *options.tune,
                ],
            )
            bertsum.train(config)
            evaluation = bertsum.evaluate(config, split="test")
            files[side].append(evaluation.folder / "predictions.jsonl")
            rouge = " / ".join(f"{100 * evaluation.systems['model'][metric].fmeasure:.2f}" for metric in METRICS)
            yield f"seed {seed}, {SIDES[side]} adaptation: ROUGE-1 / 2 / L {rouge}"
    means = [write_means(files[side], Path(options.output) / f"{side}.jsonl") for side in SIDES]
    yield f"\nMeans over {options.seeds} seeds; a: without adaptation, b: with it"
    yield comparison_table(compare(*means))


def write_means(files: Sequence[Path], output: Path) -> Path:
    """Predictions with the mean ROUGE of several trainings, document by document."""
    seeds = [[json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] for file in files]
    lines = []
    for documents in zip(*seeds, strict=True):
        rouge = {metric: sum(one["rouge"][metric] for one in documents) / len(documents) for metric in METRICS}
        lines.append(json.dumps({"id": documents[0]["id"], "rouge": rouge}) + "\n")
    output.write_text("".join(lines), encoding="utf-8")
    return output


if __name__ == "__main__":
    run(main)
