"""The authors' abstractive checkpoints in the reference data: how to read them, and what belongs to each."""

from __future__ import annotations

import functools
import json
import lzma
import re
from pathlib import Path
from typing import Any

import torch
from conftest import SHARED
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import AutoConfig, PreTrainedTokenizerFast

from bertsum.models.presumm_abs import _JOINED, _OTHERS, _PARTS
from bertsum.models.seq2seq import BertSumAbs

FOLDER = SHARED / "golden" / "presumm_abs"
VARIANTS = ("abs", "abs_full", "extabs", "long", "frozen", "baseline")


@functools.cache
def golden(name: str) -> Any:
    """One of the JSON files."""
    return json.loads((FOLDER / f"{name}.json").read_text())


@functools.cache
def tokenizer() -> PreTrainedTokenizerFast:
    """The tokenizer of the checkpoints' vocabulary."""
    words = (FOLDER / "vocab.txt").read_text().split()
    made = Tokenizer(models.WordPiece({word: place for place, word in enumerate(words)}, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]",
               "mask_token": "[MASK]"}  # fmt: skip
    return PreTrainedTokenizerFast(tokenizer_object=made, **special)


def checkpoint(name: str, folder: Path) -> Path:
    """The file of a checkpoint; a packed one is unpacked into the folder."""
    path = FOLDER / f"{name}.pt"
    if path.is_file():
        return path
    unpacked = folder / path.name
    if not unpacked.exists():
        unpacked.write_bytes(lzma.decompress(path.with_suffix(".pt.xz").read_bytes()))
    return unpacked


def encoder_config(name: str) -> Any:
    """The configuration of a variant's encoder."""
    values = dict(golden(name)["bert_config"])
    return AutoConfig.for_model(values.pop("model_type"), **values)


def read(name: str, folder: Path) -> BertSumAbs:
    """A variant's model."""
    return BertSumAbs.from_presumm(checkpoint(name, folder), encoder_config(name), tokenizer=tokenizer())


def authors_weights(model: BertSumAbs) -> dict[str, torch.Tensor]:
    """The model's weights by the authors' names; ours join some of their projections."""
    named: dict[str, torch.Tensor] = {}
    for name, tensor in model.named_parameters():
        layer = re.fullmatch(r"decoder\.layers\.(\d+)\.(.+)\.(weight|bias)", name)
        if name.startswith("encoder."):
            named[f"bert.model.{name.removeprefix('encoder.')}"] = tensor
        elif layer is None:
            named[{ours: theirs for theirs, ours in _OTHERS.items()}[name]] = tensor
        else:
            parts = _JOINED.get(layer[2]) or [theirs for theirs, ours in _PARTS.items() if ours == layer[2]]
            for part, value in zip(parts, tensor.chunk(len(parts)), strict=True):
                named[f"decoder.transformer_layers.{layer[1]}.{part}.{layer[3]}"] = value
    return named
