"""The authors' abstractive checkpoints in the reference data: how to read them, and what belongs to each."""

from __future__ import annotations

import functools
import json
import lzma
from pathlib import Path
from typing import Any

from conftest import SHARED
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import AutoConfig, PreTrainedTokenizerFast

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
