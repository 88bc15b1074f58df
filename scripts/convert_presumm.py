"""Converts a checkpoint of the authors' code (PreSumm or BertSum) into a run that eval.py and summarize.py take.

python scripts/convert_presumm.py model_step_18000.pt runs/presumm --encoder bert-base-uncased
python scripts/eval.py --checkpoint runs/presumm/best --split test

The run is configured as cnndm, or as --config says; any field can be overridden, such as --data.test FILE.
"""

import re
from pathlib import Path

import bertsum
from bertsum.command_line import parse, parser, run
from bertsum.training.run_folder import write_model_as_run


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("checkpoint", help="the authors' file, such as model_step_18000.pt")
    arguments.add_argument("run_folder", help="folder to write, such as runs/presumm")
    arguments.add_argument("--encoder", required=True, help="what it was trained from: a hub name, a folder, or minilm")
    arguments.add_argument("--heads", type=int, help="attention heads of the head, where its options were not saved")
    options, overrides = parse(arguments)
    folder = Path(options.run_folder)
    step = re.search(r"step_(\d+)", Path(options.checkpoint).name)
    config = bertsum.Config.load(
        options.config or "cnndm", [*overrides, f"name={folder.name}", f"output_dir={folder.parent}"], training=False
    )
    model = bertsum.BertSum.from_presumm(options.checkpoint, options.encoder, heads=options.heads)
    checkpoint = write_model_as_run(config, model, int(step[1]) if step else 0)
    print(
        f"Checkpoint: {folder / 'best'} -> {checkpoint.name}\nEvaluate it: scripts/eval.py --checkpoint {folder}/best"
    )


if __name__ == "__main__":
    run(main)
