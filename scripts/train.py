"""Trains a model: prepares the data if needed, trains, prints the validation table and where everything lies.

python scripts/train.py --config quickstart
python scripts/train.py --config cnndm --train.max_steps 1000 --name try
accelerate launch --num_processes 3 scripts/train.py --config cnndm
"""

import bertsum
from bertsum.allocation import keep_freed_memory
from bertsum.command_line import load_config, parse, parser, run, start_processes


def main() -> None:
    options, overrides = parse(parser(__doc__))
    config = load_config(options, overrides)  # a mistake in it is said before what takes seconds to import
    import torch

    if not torch.accelerator.is_available():
        keep_freed_memory()
    result = bertsum.train(config)
    if not result.main_process:
        return
    if result.evaluation is not None:
        print(f"\nA document of the validation data, with the chosen sentences marked:\n{result.evaluation.example}")
        print(f"\n{result.evaluation}\n\nPredictions: {result.evaluation.folder}")
        print(f"Report: {result.evaluation.report}")
    print(f"Best checkpoint: {result.checkpoint} -> {result.checkpoint.resolve().name} (of {result.step} updates)")
    print(f"Metrics: {result.run_dir / 'metrics.jsonl'}\nCurves: {result.run_dir / 'curves.svg'}")


if __name__ == "__main__":
    start_processes()
    run(main)
