"""The commands for a trained model: ``calibrate`` and ``compress`` change it, ``export`` and ``push`` hand it on."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bertsum.config.arguments import add_config, load_config, overrides_from_arguments


def add_calibrate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="the checkpoint folder; its config.json is changed")
    parser.add_argument("predictions", nargs="?", help="for queries: predictions.jsonl of its evaluation on such data")
    add_config(parser)


def calibrate(options: argparse.Namespace, rest: list[str]) -> None:
    """Fits how a trained model chooses, on held-back documents, and saves it with the model.

    Summaries, on the validation documents of a config: which sentences have the best expected ROUGE together. A
    training with selection.candidates ends with this:
    bertsum calibrate runs/cnndm/best --config cnndm

    Answers to queries: the thresholds that keep an answer in nearly all records (0.95, 0.98).

    bertsum eval --checkpoint runs/ask/best --split validation --evaluation.metrics '[answers]'
    bertsum calibrate runs/ask/best runs/ask/eval/validation/predictions.jsonl
    """
    from bertsum.evaluation.calibration import calibrate
    from bertsum.evaluation.fitting import fit_selection

    if options.predictions is None:
        fitted = fit_selection(options.model, load_config(options, rest, training=False))
        print(f"Fitted on {fitted.documents:,} documents: {options.model} now chooses by expected ROUGE")
    else:
        print(*calibrate(options.model, options.predictions), sep="\n")


def add_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="a checkpoint folder or hub id")
    parser.add_argument("folder", help="a new folder")


def export(options: argparse.Namespace, _: list[str]) -> None:
    """Writes a trained extractive model as ONNX, with its tokenizer, into a new folder.

    bertsum export runs/cnndm/best exported
    """
    from bertsum.compression.onnx import TOLERANCE, export_onnx
    from bertsum.models.base import Model

    export_onnx(Model.from_pretrained(options.model), options.folder)
    print(f"Wrote {options.folder}/model.onnx; its scores are within {TOLERANCE} of the model's")


def add_compress(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="the larger model: a checkpoint folder, a hub id, or bundled")
    parser.add_argument("run_folder", help="folder of the smaller model's run, such as runs/cnndm-3")
    parser.add_argument("--layers", type=int, metavar="N", help="keep N layers of the encoder, chosen evenly")
    parser.add_argument("--heads", type=float, default=1.0, metavar="SHARE", help="keep this share of attention heads")
    parser.add_argument(
        "--feedforward", type=float, default=1.0, metavar="SHARE", help="keep this share of feed-forward units"
    )
    parser.add_argument("--untrained", action="store_true", help="only make the model smaller, without a training")
    kept = parser.add_mutually_exclusive_group()
    for option, what in (
        ("--int8", "compute in eight bits where this changes few summaries"),
        ("--int8-file", "store the file in eight bits, and compute as before"),
        ("--changes-file", "store what training changed in model.encoder, in one to three bits, and compute as before"),
    ):
        kept.add_argument(option, dest="stored", action="store_const", const=option, help=what)
    parser.add_argument(
        "--equal",
        type=float,
        default=0.99,
        metavar="SHARE",
        help="with --int8: share of summaries that stay the same (0.99)",
    )
    add_config(parser)


def compress(options: argparse.Namespace, rest: list[str]) -> None:
    """Makes a smaller model of a trained one, trains it on the larger one's scores, and compares the two.

    bertsum compress runs/cnndm/best runs/cnndm-3 --layers 3
    bertsum compress runs/cnndm/best runs/cnndm-narrow --heads 0.5 --feedforward 0.5 --train.max_steps 400
    bertsum compress bundled runs/small --layers 4 --config cnndm-minilm
    bertsum compress runs/cnndm-3/best runs/cnndm-3-int8 --int8
    bertsum compress runs/cnndm-3/best runs/cnndm-3-small --int8-file
    bertsum compress runs/cnndm-minilm/best runs/cnndm-changes --changes-file

    Data and training are those of the larger model's run, or of --config; any field can be overridden. Heads and
    feed-forward units that change the loss of validation documents least are left out. An interrupted command
    resumes.
    """
    folder = Path(options.run_folder)
    names = [f"name={folder.name}", f"output_dir={folder.parent}"]
    if options.config is not None:
        config = load_config(options, [*rest, "--name", folder.name, "--output_dir", str(folder.parent)])
    else:
        from bertsum.runs import Run

        config = Run.with_checkpoint(options.model).config([*overrides_from_arguments(rest), *names])
    from bertsum.compression.compress import Cut, compress, to_eight_bits, to_small_file

    if options.stored:
        if options.layers is not None or options.heads != 1 or options.feedforward != 1 or options.untrained:
            options.parser.error(f"{options.stored}: cuts nothing; make the smaller model first, then store that")
        if options.stored == "--int8":
            comparison = to_eight_bits(options.model, config, equal=options.equal)
        else:
            comparison = to_small_file(options.model, config, changes=options.stored == "--changes-file")
    else:
        cut = Cut(options.layers, options.heads, options.feedforward)
        comparison = compress(options.model, config, cut, trained=not options.untrained)
    print(f"\n{comparison}\n\nSmaller model: {folder / 'best'}")


def add_push(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="a checkpoint folder")
    parser.add_argument("repo_id", help="the repository, such as me/my-model; created if it does not exist")
    parser.add_argument("--private", action="store_true", help="a new repository is private")
    parser.add_argument("--license", help="licence of the weights, by the hub's name for it, such as apache-2.0")
    parser.add_argument("--branch", help="branch to push to; main by default")
    parser.add_argument("--dry-run", action="store_true", help="print the card, and push nothing")


def push(options: argparse.Namespace, _: list[str]) -> None:
    """Pushes a trained model to the hub, with a model card that describes its run.

    bertsum push runs/cnndm/best me/bertsum-cnndm --private --license apache-2.0
    bertsum push runs/cnndm/best me/bertsum-cnndm --dry-run > card.md   # the card alone, nothing is pushed

    The card has the figures of bertsum eval for this checkpoint. A README.md of your own in the checkpoint's folder is
    pushed instead.
    """
    from bertsum.models.base import Model

    model = Model.from_pretrained(options.model)
    card = model.generate_model_card(options.repo_id, options.license)
    if not getattr(card.data, "eval_results", None):
        print("The card has no figures: evaluate this checkpoint first (bertsum eval --checkpoint)", file=sys.stderr)
    if options.dry_run:
        print(card)
        return
    private = True if options.private else None  # None: as the owner has set
    pushed = model.push_to_hub(options.repo_id, license=options.license, private=private, branch=options.branch)
    print(f"Pushed: {pushed}")
