"""Tiny untrained models of the paper's kind, and documents as they read them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from bertsum.config import EncodingConfig, ModelConfig, SelectionConfig
from bertsum.data.encoding import DocumentEncoder
from bertsum.models.extractive import BertSum
from bertsum.models.storage import SavedConfig


def build(encoder_folder: Path, max_length: int = 128, **values: Any) -> BertSum:
    """A model with a random head, and these values of ``model`` in its config."""
    torch.manual_seed(0)
    settings = ModelConfig(str(encoder_folder), head_heads=4, head_feedforward=16, **values)
    encoding = EncodingConfig(max_length=max_length)
    return BertSum.from_config(SavedConfig(settings, encoding, SelectionConfig(sentences=2))).eval()


def rows_of(model: BertSum, documents: list[list[str]], **values: Any) -> list[dict[str, Any]]:
    """Documents as the model reads them, with these values of ``encoding`` changed."""
    encoder = DocumentEncoder(model.tokenizer, replace(model.config.encoding, **values))
    encodings = [encoder.encode(document) for document in documents]
    assert encoder.config.long_documents != "window" or not any(encoding.cut for encoding in encodings)
    return [{"input_ids": e.input_ids, "cls_positions": e.cls_positions} for e in encodings]
