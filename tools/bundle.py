"""Makes the model that comes with the package from finished runs of configs/bundled.yaml and bundled-long.yaml.

python tools/bundle.py runs/bundled-long/best --before runs/bundled/best

With --before the weights are a mean of the weights before and after the second training, which keeps what the first
training has learned (arXiv 2109.01903). The script writes config.json and model.safetensors (in half precision) to
bertsum/models/bundled; the model card beside them is written by hand from the runs' figures.
"""

import argparse
import json
from pathlib import Path

import torch

from bertsum.encoders.tensors import read_tensors, write_tensors
from bertsum.errors import BertsumError
from bertsum.models.storage import CONFIG_FILE, PACKAGED, WEIGHTS_FILE
from bertsum.program import run

MOST_BYTES = 8_000_000


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("checkpoint", type=Path, help="a checkpoint that was trained with model.adapters")
    arguments.add_argument("--before", metavar="CHECKPOINT", type=Path, help="the one that its training started from")
    arguments.add_argument("--share", type=float, default=0.8, help="weight of the later one in the mean (%(default)s)")
    options = arguments.parse_args()
    checkpoint = options.checkpoint
    text = (checkpoint / CONFIG_FILE).read_text(encoding="utf-8")
    if json.loads(text)["model"]["adapters"] is None:
        raise BertsumError(f"'{checkpoint}' has the whole encoder in it, expected a model with adapters")
    weights = read_tensors(checkpoint / WEIGHTS_FILE)
    if options.before is not None:
        before = read_tensors(options.before / WEIGHTS_FILE)
        if {name: tensor.shape for name, tensor in before.items()} != {
            name: tensor.shape for name, tensor in weights.items()
        }:
            raise BertsumError(f"'{options.before}': its weights are not those of '{checkpoint}', one by one")
        weights = {name: torch.lerp(before[name].float(), weights[name].float(), options.share) for name in weights}
    halves = {name: tensor.half() for name, tensor in weights.items()}
    size = sum(tensor.numel() * tensor.element_size() for tensor in halves.values())
    if size > MOST_BYTES:
        raise BertsumError(f"'{checkpoint}': {size:,} bytes in half precision, expected at most {MOST_BYTES:,}")
    folder = PACKAGED["bundled"]
    folder.mkdir(exist_ok=True)
    write_tensors(folder / WEIGHTS_FILE, halves)
    (folder / CONFIG_FILE).write_text(text, encoding="utf-8")
    print(f"{folder}: {size:,} bytes of weights")


if __name__ == "__main__":
    run(main)
