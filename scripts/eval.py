"""Evaluates a checkpoint beside Lead and Oracle, writes results.json, predictions.jsonl and report.html.

python scripts/eval.py                                      # the newest run under runs/
python scripts/eval.py --config cnndm --split test          # the best checkpoint of that config's run
python scripts/eval.py --checkpoint runs/cnndm/checkpoints/step_001000 --split test
python scripts/eval.py --config cnndm --average 3           # mean of the 3 best checkpoints, as in the papers
python scripts/eval.py --config cnndm --baselines-only      # Lead and Oracle, without a model
python scripts/eval.py --compare a/predictions.jsonl b/predictions.jsonl    # paired bootstrap test
"""

import bertsum
from bertsum.command_line import load_config, parse, parser, run
from bertsum.evaluation.compare import compare, comparison_table
from bertsum.runs import Run


def main() -> None:
    arguments = parser(__doc__)
    what = arguments.add_mutually_exclusive_group()
    what.add_argument("--checkpoint", help="a checkpoint folder or hub id; by default the best of the run")
    what.add_argument("--average", type=int, metavar="N", help="the mean of the N best checkpoints of the run")
    what.add_argument("--baselines-only", action="store_true", help="only Lead and Oracle; needs no checkpoint")
    what.add_argument("--compare", nargs=2, metavar=("A", "B"), help="two predictions.jsonl of the same documents")
    arguments.add_argument("--split", help="train, validation or test; by default evaluation.split")
    options, overrides = parse(arguments)
    if options.compare:
        if options.config or options.split or overrides:
            raise bertsum.BertsumError("--compare: takes two files of predictions and no other option")
        a, b = options.compare
        print(f"a: {a}\nb: {b}\n{comparison_table(compare(a, b))}")
        return
    if options.config is not None:
        config = load_config(options, overrides, training=False)
    elif options.checkpoint is not None:
        config = Run.with_checkpoint(options.checkpoint).config(overrides)
    else:
        given = [value for key, _, value in (override.partition("=") for override in overrides) if key == "output_dir"]
        run = Run.newest(*given[-1:])
        print(f"Evaluating the newest run, {run.folder}")
        config = run.config(overrides)
    # what takes seconds to import, when all else is known to be right
    from bertsum.evaluation.evaluate import evaluate_average, evaluate_baselines

    if options.baselines_only:
        evaluation = evaluate_baselines(config, options.split)
    elif options.average is not None:
        evaluation = evaluate_average(config, options.average, options.split)
    else:
        evaluation = bertsum.evaluate(config, options.checkpoint, options.split)
    print(f"\n{evaluation}")
    for system, checkpoint in evaluation.checkpoints.items():
        print(f"{'Checkpoint' if system == 'model' else system}: {checkpoint}")
    print(f"Results: {evaluation.folder}\nReport: {evaluation.report}")


if __name__ == "__main__":
    run(main)
