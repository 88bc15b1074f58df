"""Evaluates a checkpoint beside Lead and Oracle, writes results.json and predictions.jsonl, prints the table.

python scripts/eval.py                                      # the newest run under runs/
python scripts/eval.py --config cnndm --split test          # the best checkpoint of that config's run
python scripts/eval.py --checkpoint runs/cnndm/checkpoints/step_001000 --split test
"""

import bertsum
from bertsum.command_line import load_config, parse, parser, run
from bertsum.evaluation.evaluate import newest_run, run_config, run_of


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--checkpoint", help="a checkpoint folder or hub id; by default the best of the run")
    arguments.add_argument("--split", help="train, validation or test; by default evaluation.split")
    options, overrides = parse(arguments)
    if options.config is not None:
        config = load_config(options, overrides)
    elif options.checkpoint is not None:
        config = run_config(run_of(options.checkpoint), overrides)
    else:
        given = [value for key, _, value in (override.partition("=") for override in overrides) if key == "output_dir"]
        run_folder = newest_run(*given[-1:])
        print(f"Evaluating the newest run, {run_folder}")
        config = run_config(run_folder, overrides)
    evaluation = bertsum.evaluate(config, options.checkpoint, options.split)
    print(f"\n{evaluation}\nCheckpoint: {evaluation.checkpoint}\nResults: {evaluation.folder}")


if __name__ == "__main__":
    run(main)
