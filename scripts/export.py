"""Writes a trained model as ONNX, with its tokenizer, into a new folder.

python scripts/export.py runs/cnndm/best exported
"""

import argparse

from bertsum.command_line import run
from bertsum.compression.onnx import TOLERANCE, export_onnx
from bertsum.models.extractive import BertSum


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("model", help="a checkpoint folder or hub id")
    arguments.add_argument("folder", help="a folder that is not there yet")
    options = arguments.parse_args()
    export_onnx(BertSum.from_pretrained(options.model), options.folder)
    print(f"Wrote {options.folder}/model.onnx; its scores are within {TOLERANCE} of the model's")


if __name__ == "__main__":
    run(main)
