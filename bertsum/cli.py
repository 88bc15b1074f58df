"""The command ``bertsum``; each of the scripts is one of its subcommands.

Modules that take seconds to import are imported only after all arguments are checked.
"""

from __future__ import annotations

import argparse
import inspect
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bertsum.commands import (
    add_explain,
    add_generate,
    add_summarize,
    explain,
    generate,
    summarize,
)
from bertsum.config.arguments import ConfigParser, add_config, load_config, overrides_from_arguments
from bertsum.errors import BertsumError
from bertsum.program import keep_freed_memory, run
from bertsum.rouge_command import add_rouge, rouge
from bertsum.serving import add_demo, add_serve, demo, serve
from bertsum.trained import add_calibrate, add_compress, add_export, add_push, calibrate, compress, export, push

if TYPE_CHECKING:
    from bertsum.config import Config
    from bertsum.evaluation.evaluate import Evaluation

    Command = Callable[[argparse.Namespace, list[str]], None]


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command with these arguments (by default the program's), and exits as in :func:`run`."""
    run(lambda: _main(argv))


def command_parser() -> ConfigParser:
    """The parser of all commands; arguments that it does not know are fields of a config."""
    arguments = ConfigParser(
        prog="bertsum", description="Summaries, chosen from a text or written.", allow_abbrev=False
    )
    arguments.add_argument("--version", action="store_true", help="print the version")
    commands = arguments.add_subparsers(metavar="COMMAND")
    for name, (add, command) in COMMANDS.items():
        description = inspect.getdoc(command) or ""
        parser = commands.add_parser(
            name,
            help=description.partition("\n")[0].rstrip("."),
            description=description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        parser.set_defaults(command=command, parser=parser)
        add(parser)
    return arguments


def _main(argv: Sequence[str] | None) -> None:
    arguments = command_parser()
    options, rest = arguments.parse_known_args(argv)
    if options.version:
        from importlib.metadata import version

        print(f"bertsum {version('bertsum')}")
    elif "command" not in options:
        arguments.print_help()
    elif rest and "takes_config" not in options:
        several = getattr(options, "file", None) is not None and not any(each.startswith("-") for each in rest)
        hint = "; expected one file, a folder, or a pattern in quotes such as 'notes/*.md'" if several else ""
        options.parser.error(f"unrecognized arguments: {' '.join(rest)}{hint}")
    else:
        options.command(options, rest)


# ---- commands with a config


def _train(options: argparse.Namespace, rest: list[str]) -> None:
    """Trains a model: prepares the data if needed, trains, evaluates, and prints the paths of all files.

    bertsum train --config quickstart
    bertsum train --config cnndm --train.max_steps 1000 --name try
    accelerate launch --num_processes 3 scripts/train.py --config cnndm
    """
    config = load_config(options, rest)
    from bertsum.device import default_device
    from bertsum.training.train import train

    if default_device().type == "cpu":
        keep_freed_memory()
    result = train(config)
    if not result.main_process:
        return
    if result.evaluation is not None and result.evaluation.example:
        chosen = "with the chosen sentences marked" if result.evaluation.selection else "beside its written summary"
        print(f"\nA document of the validation data, {chosen}:\n{result.evaluation.example}")
    if result.evaluation is not None:
        print(f"\n{result.evaluation}\n\nPredictions: {result.evaluation.folder}")
        _tell_report(result.evaluation)
    print(f"Best checkpoint: {result.checkpoint} -> {result.checkpoint.resolve().name} (of {result.step} updates)")
    print(f"Metrics: {result.run_dir / 'metrics.jsonl'}\nCurves: {result.run_dir / 'curves.svg'}")


def _tell_report(evaluation: Evaluation) -> None:
    if evaluation.report.is_file():
        print(f"Report: {evaluation.report}")


def _add_eval(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--checkpoint", help="a checkpoint folder or hub id; by default the best of the run")
    what.add_argument("--average", type=int, metavar="N", help="the mean of the N best checkpoints of the run")
    what.add_argument("--untrained", action="store_true", help="the model that the config's training begins with")
    what.add_argument("--baselines-only", action="store_true", help="only Lead and Oracle; needs no checkpoint")
    what.add_argument("--compare", nargs=2, metavar=("A", "B"), help="two predictions.jsonl of the same documents")
    parser.add_argument("--split", help="train, validation or test; by default evaluation.split")


def _eval(options: argparse.Namespace, rest: list[str]) -> None:
    """Evaluates a checkpoint beside Lead and Oracle; writes results.json, predictions.jsonl and report.html.

    bertsum eval                                      # the newest run under runs/
    bertsum eval --config cnndm --split test          # the best checkpoint of that config's run
    bertsum eval --checkpoint runs/cnndm/checkpoints/step_001000 --split test
    bertsum eval --config cnndm --average 3           # mean of the 3 best checkpoints, as in the papers
    bertsum eval --config cnndm --baselines-only      # Lead and Oracle, without a model
    bertsum eval --config adapt --untrained           # the model before its training, for its perplexity
    bertsum eval --compare a/predictions.jsonl b/predictions.jsonl    # paired bootstrap test
    """
    if options.compare:
        _compare(options, rest)
        return
    config = _config_of_evaluation(options, rest)
    from bertsum.evaluation.evaluate import evaluate, evaluate_average, evaluate_baselines, evaluate_untrained

    if options.baselines_only:
        evaluation = evaluate_baselines(config, options.split)
    elif options.untrained:
        evaluation = evaluate_untrained(config, options.split)
    elif options.average is not None:
        evaluation = evaluate_average(config, options.average, options.split)
    else:
        evaluation = evaluate(config, options.checkpoint, options.split)
    print(f"\n{evaluation}")
    for system, checkpoint in evaluation.checkpoints.items():
        print(f"{'Checkpoint' if system == 'model' else system}: {checkpoint}")
    print(f"Results: {evaluation.folder}")
    _tell_report(evaluation)


def _compare(options: argparse.Namespace, rest: list[str]) -> None:
    from bertsum.evaluation.compare import compare, comparison_table

    if options.config or options.split or rest:
        raise BertsumError("--compare: takes two files of predictions and no other option")
    a, b = options.compare
    print(f"a: {a}\nb: {b}\n{comparison_table(compare(a, b))}")


def _config_of_evaluation(options: argparse.Namespace, rest: list[str]) -> Config:
    """The named config, else the config of the checkpoint's run, else of the newest run."""
    from bertsum.runs import Run

    if options.config is not None:
        return load_config(options, rest, training=False)
    overrides = overrides_from_arguments(rest)
    if options.checkpoint is not None:
        return Run.with_checkpoint(options.checkpoint).config(overrides)
    given = [value for key, _, value in (override.partition("=") for override in overrides) if key == "output_dir"]
    newest = Run.newest(*given[-1:])
    print(f"Evaluating the newest run, {newest.folder}")
    return newest.config(overrides)


def _prepare(options: argparse.Namespace, rest: list[str]) -> None:
    """Prepares the data of a config: sentences, labels and encoder input, as Arrow files.

    bertsum prepare --config cnndm
    """
    config = load_config(options, rest)
    from bertsum.data.prepare import prepare
    from bertsum.models.base import model_class

    tokenizers = model_class(config.model.kind).load_tokenizers(config)
    for split in ("train", "validation", "test"):
        if config.data.has_split(split):
            prepared = prepare(config, split, *tokenizers)
            print(f"{split}: {prepared.report.kept:,} documents in {prepared.folder}")


def _add_convert(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checkpoint", help="the authors' file, such as model_step_18000.pt")
    parser.add_argument("run_folder", help="folder to write, such as runs/presumm")
    parser.add_argument(
        "--encoder", required=True, help="the encoder that it was trained from: a hub name, a folder, or minilm"
    )
    parser.add_argument(
        "--heads", type=int, help="attention heads of the head or decoder, if its options were not saved"
    )
    add_config(parser)


def _convert(options: argparse.Namespace, rest: list[str]) -> None:
    """Converts a checkpoint of the authors' code (PreSumm or BertSum) into a run, to be evaluated like one.

    bertsum convert model_step_18000.pt runs/presumm --encoder bert-base-uncased
    bertsum eval --checkpoint runs/presumm/best --split test

    The checkpoint may be extractive or abstractive. The run is configured as cnndm or cnndm-abs, or as --config
    says; any field can be overridden, such as --data.test FILE.
    """
    from bertsum.models.extractive import BertSum
    from bertsum.models.presumm import is_abstractive
    from bertsum.models.seq2seq import BertSumAbs
    from bertsum.training.resume import write_model_as_run

    folder = Path(options.run_folder)
    abstractive = is_abstractive(options.checkpoint)
    kind: type[BertSum | BertSumAbs] = BertSumAbs if abstractive else BertSum
    options.config = options.config or ("cnndm-abs" if abstractive else "cnndm")
    names = ["--name", folder.name, "--output_dir", str(folder.parent)]
    config = load_config(options, [*rest, *names], training=False)
    step = re.search(r"step_(\d+)", Path(options.checkpoint).name)
    model = kind.from_presumm(options.checkpoint, options.encoder, heads=options.heads)
    checkpoint = write_model_as_run(config, model, int(step[1]) if step else 0)
    print(f"Checkpoint: {folder / 'best'} -> {checkpoint.name}\nEvaluate it: bertsum eval --checkpoint {folder}/best")


# ---- pages and pictures


def _add_plot(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=["positions", "curves"], help="positions of chosen sentences, learning curves")
    parser.add_argument("output", help="picture to write, an .svg")
    parser.add_argument("files", nargs="+", help="predictions.jsonl files, or run folders for curves")
    parser.add_argument(
        "--metric", default="rouge1", help="what the curves show: loss, perplexity, rouge1 ... rouge_mean"
    )


def _plot(options: argparse.Namespace, _: list[str]) -> None:
    """Draws figures: where in documents sentences were chosen, or learning curves.

    bertsum plot positions positions.svg runs/cnndm/eval/test/predictions.jsonl    # one or several
    bertsum plot curves curves.svg runs/cnndm runs/other --metric rouge1
    """
    from bertsum.pages.plots import plot_curves, plot_positions

    if options.what == "positions":
        plot_positions(options.files, options.output)
    else:
        plot_curves(options.files, options.output, options.metric)
    print(f"Picture: {options.output}")


# By name: a function that adds a command's options, and the command. The command's docstring is the help text.
COMMANDS: dict[str, tuple[Callable[[argparse.ArgumentParser], None], Command]] = {
    "train": (add_config, _train),
    "eval": (_add_eval, _eval),
    "calibrate": (add_calibrate, calibrate),
    "prepare": (add_config, _prepare),
    "summarize": (add_summarize, summarize),
    "explain": (add_explain, explain),
    "generate": (add_generate, generate),
    "rouge": (add_rouge, rouge),
    "convert": (_add_convert, _convert),
    "compress": (add_compress, compress),
    "export": (add_export, export),
    "push": (add_push, push),
    "plot": (_add_plot, _plot),
    "demo": (add_demo, demo),
    "serve": (add_serve, serve),
}
