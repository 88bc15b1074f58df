"""Makes the model that comes with the package from finished runs.

python tools/bundle.py runs/1.0.0 runs/questions/best runs/ask/best --shares 0.4 0.3 0.3

The weights are the mean of several trainings that began with each other: it keeps what each has learned (arXiv
2109.01903). Then low-rank adapters take the place of what has changed in the encoder. Their matrices are kept
in eight bits. The script writes config.json and model.safetensors to bertsum/models/bundled; `bertsum calibrate` then
fits how it chooses and sets its thresholds, and the model card is written by hand from the runs' figures.
"""

import argparse
import json
from dataclasses import asdict, replace

from bertsum.config import Config
from bertsum.encoders.int8 import INT8_FILE, stored
from bertsum.encoders.load import load_encoder
from bertsum.encoders.low_rank import SCALE, unfold_adapters
from bertsum.encoders.tensors import write_tensors
from bertsum.errors import BertsumError
from bertsum.models.fitted import FITTED
from bertsum.models.start import folded
from bertsum.models.storage import CONFIG_FILE, PACKAGED, SCALE_FIELD, WEIGHTS_FILE, find_model, read_model
from bertsum.program import run

MOST_BYTES = 8_000_000


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("checkpoints", nargs="+", help="the last one's settings are taken")
    arguments.add_argument("--shares", nargs="+", type=float, default=[1.0], help="a weight for each; they add up to 1")
    arguments.add_argument("--rank", type=int, default=136, help="of the adapters (%(default)s)")
    options = arguments.parse_args()
    if len(options.shares) != len(options.checkpoints) or abs(sum(options.shares) - 1) > 1e-6:
        raise BertsumError(f"--shares: got {options.shares}, expected a weight for each checkpoint, 1 in all")
    saved = [folded(read_model(find_model(name)))[0] for name in options.checkpoints]
    shapes = [{name: tensor.shape for name, tensor in one.weights.items()} for one in saved]
    for name, own in zip(options.checkpoints, shapes, strict=True):
        if own != shapes[-1]:
            raise BertsumError(f"'{name}': its weights are not those of '{options.checkpoints[-1]}', one by one")
    mean = {
        name: sum(share * one.weights[name].float() for share, one in zip(options.shares, saved, strict=True))
        for name in shapes[-1]
    }
    config = saved[-1].config
    model = replace(config.model, adapters=options.rank, freeze_layers=0, freeze_encoder=False)
    encoder = load_encoder(model, config.encoding.max_length)
    weights = unfold_adapters(encoder, mean, options.rank)
    setattr(encoder.config, INT8_FILE, True)
    kept = stored(weights, encoder.config)
    size = sum(tensor.numel() * tensor.element_size() for tensor in kept.values())
    if size > MOST_BYTES:
        raise BertsumError(f"{size:,} bytes, expected at most {MOST_BYTES:,}")
    # Documents are read, and summaries chosen, as bundled-long.yaml and bundled.yaml say, not as in the last training.
    chosen = replace(Config.load("bundled").selection, query_threshold=config.selection.query_threshold)
    described = json.loads((find_model(options.checkpoints[-1]) / CONFIG_FILE).read_text(encoding="utf-8"))
    described |= {"model": asdict(model), "selection": asdict(chosen), SCALE_FIELD: SCALE}
    described["encoding"] = asdict(Config.load("bundled-long").encoding)
    described["encoder"][INT8_FILE] = True
    for fitted in FITTED:  # to other weights
        described.pop(fitted, None)
    folder = PACKAGED["bundled"]
    folder.mkdir(exist_ok=True)
    write_tensors(folder / WEIGHTS_FILE, kept)
    (folder / CONFIG_FILE).write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")
    print(f"{folder}: {size:,} bytes of weights")


if __name__ == "__main__":
    run(main)
