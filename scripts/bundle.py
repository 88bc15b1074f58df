"""Makes the model that comes with the package from a finished run of configs/bundled.yaml.

python scripts/bundle.py runs/bundled/best

Writes config.json and model.safetensors (in half precision) to bertsum/models/bundled; the model card beside them is
written by hand from the run's figures.
"""

import argparse
import json
from pathlib import Path

from bertsum.command_line import run
from bertsum.errors import BertsumError
from bertsum.models.saved import BUNDLED_FOLDER, CONFIG_FILE, WEIGHTS_FILE, read_tensors, write_tensors

MOST_BYTES = 8_000_000


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("checkpoint", type=Path, help="a checkpoint that was trained with model.adapters")
    checkpoint = arguments.parse_args().checkpoint
    text = (checkpoint / CONFIG_FILE).read_text(encoding="utf-8")
    if json.loads(text)["model"]["adapters"] is None:
        raise BertsumError(f"'{checkpoint}' has the whole encoder in it, expected a model with adapters")
    halves = {name: tensor.half() for name, tensor in read_tensors(checkpoint / WEIGHTS_FILE).items()}
    size = sum(tensor.numel() * tensor.element_size() for tensor in halves.values())
    if size > MOST_BYTES:
        raise BertsumError(f"'{checkpoint}': {size:,} bytes in half precision, expected at most {MOST_BYTES:,}")
    BUNDLED_FOLDER.mkdir(exist_ok=True)
    write_tensors(BUNDLED_FOLDER / WEIGHTS_FILE, halves)
    (BUNDLED_FOLDER / CONFIG_FILE).write_text(text, encoding="utf-8")
    print(f"{BUNDLED_FOLDER}: {size:,} bytes of weights")


if __name__ == "__main__":
    run(main)
