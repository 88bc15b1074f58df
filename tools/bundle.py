"""Makes the model that comes with the package from finished runs.

python tools/bundle.py runs/a/mean runs/b/mean runs/c/mean runs/d/mean runs/e/mean --shares 2 2 2 3 3

The weights are the mean of trainings that began with each other: it keeps what each has learned (arXiv 2109.01903).
A weight that only some of them have (model.answer_spans) is the mean of theirs.
The script writes config.json and model.safetensors to bertsum/models/bundled; the file holds, of the encoder, only what
training changed (:mod:`bertsum.encoders.changes`). `bertsum calibrate` then fits how the model chooses, and sets its
thresholds. The model card is written by hand from the runs' figures.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

import torch

from bertsum.config import SelectionConfig
from bertsum.encoders.changes import as_changes
from bertsum.encoders.int8 import CHANGES_FILE, INT8_FILE, stored
from bertsum.encoders.load import load_encoder
from bertsum.encoders.tensors import write_tensors
from bertsum.errors import BertsumError
from bertsum.models.extractive import BertSum
from bertsum.models.fitted import FITTED
from bertsum.models.start import folded
from bertsum.models.storage import CONFIG_FILE, PACKAGED, WEIGHTS_FILE, find_model, read_model
from bertsum.program import run

MOST_BYTES = 8_000_000
SELECTION = SelectionConfig(
    sentences=3, candidates=20, place_weight=1.0, word_weight=0.25, similarity_weight=8.0, query_threshold=0.3
)


def _mean(name: str, weights: Sequence[Mapping[str, torch.Tensor]], shares: Sequence[float]) -> torch.Tensor:
    """A weight's mean over the checkpoints that have it."""
    having = [(share, one[name].float()) for share, one in zip(shares, weights, strict=True) if name in one]
    total = torch.zeros_like(having[0][1])
    for share, own in having:
        total += share * own
    return total / sum(share for share, _ in having)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("checkpoints", nargs="+", help="the last one's settings are taken")
    arguments.add_argument("--shares", nargs="+", type=float, help="how much each one counts (default: all the same)")
    options = arguments.parse_args()
    given = options.shares or [1.0] * len(options.checkpoints)
    if len(given) != len(options.checkpoints) or min(given) <= 0:
        raise BertsumError(f"--shares: got {given}, expected a number above 0 for each checkpoint")
    shares = [share / sum(given) for share in given]
    saved = [folded(read_model(find_model(name)))[0] for name in options.checkpoints]
    weights = [one.weights for one in saved]
    shapes = [{name: own.shape for name, own in one.items() if name not in BertSum.optional} for one in weights]
    for name, own in zip(options.checkpoints, shapes, strict=True):
        if own != shapes[-1]:
            raise BertsumError(f"'{name}': its weights are not those of '{options.checkpoints[-1]}', one by one")
    mean = {name: _mean(name, weights, shares) for name in weights[-1]}
    config = saved[-1].config
    pretrained = load_encoder(config.model, config.encoding.max_length)
    setattr(pretrained.config, INT8_FILE, True)
    kept = stored(as_changes(pretrained, mean), pretrained.config)
    size = sum(tensor.numel() * tensor.element_size() for tensor in kept.values())
    if size > MOST_BYTES:
        raise BertsumError(f"{size:,} bytes, expected at most {MOST_BYTES:,}")
    described = json.loads((find_model(options.checkpoints[-1]) / CONFIG_FILE).read_text(encoding="utf-8"))
    described["encoder"] |= {INT8_FILE: True, CHANGES_FILE: True}
    described["encoding"] = asdict(replace(config.encoding, long_documents="window"))
    described["selection"] = asdict(SELECTION)
    for fitted in FITTED:  # to other weights
        described.pop(fitted, None)
    folder = PACKAGED["bundled"]
    folder.mkdir(exist_ok=True)
    write_tensors(folder / WEIGHTS_FILE, kept)
    (folder / CONFIG_FILE).write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")
    print(f"{folder}: {size:,} bytes of weights")


if __name__ == "__main__":
    run(main)
