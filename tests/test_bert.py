"""Encoders of weights alone: transformers' names, and the scores of the whole model."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from conftest import SHAPE
from test_packed import FAMILIES
from transformers import AutoConfig, AutoModel, PreTrainedModel

import bertsum
from bertsum.compression.onnx import export_onnx
from bertsum.encoders.bert import Bert
from bertsum.errors import BertsumError
from bertsum.models.extractive import BertSum
from bertsum.models.storage import SavedConfig

TEXT = "Rain fell on the hills. The river rose by a metre. Nobody was hurt. The road stays closed until Friday."


@pytest.mark.parametrize("family", FAMILIES)
def test_the_names_are_those_of_transformers(family: str) -> None:
    config = AutoConfig.for_model(family, vocab_size=60, max_position_embeddings=80, type_vocab_size=2, **SHAPE)
    own = Bert(config).state_dict()
    expected = {
        name: tensor.shape
        for name, tensor in AutoModel.from_config(config).state_dict().items()
        if not name.startswith("pooler.")
    }
    assert {name: tensor.shape for name, tensor in own.items()} == expected


def test_scores_are_those_of_the_whole_model(trained_run) -> None:
    checkpoint = trained_run[1].checkpoint
    whole, alone = BertSum.from_pretrained(checkpoint), BertSum.from_pretrained(checkpoint, only_score=True)
    assert isinstance(whole.encoder, PreTrainedModel)
    assert isinstance(alone.encoder, Bert)
    encoding = whole.document_encoder().encode(bertsum.split_sentences(TEXT))
    rows = [{"input_ids": encoding.input_ids, "cls_positions": encoding.cls_positions}]
    assert all(torch.equal(one[1], other[1]) for one, other in zip(whole.score(rows), alone.score(rows), strict=True))
    assert whole.state_dict().keys() == alone.state_dict().keys()
    assert alone.reader.packs_on(torch.device("cuda"))  # wherever it may be moved to


def test_it_can_be_saved_but_not_exported(trained_run, tmp_path: Path) -> None:
    checkpoint = trained_run[1].checkpoint
    alone = bertsum.Summarizer.from_pretrained(checkpoint).model
    alone.save_pretrained(tmp_path / "again")
    again = BertSum.from_pretrained(tmp_path / "again")
    assert all(torch.equal(again.state_dict()[name], tensor) for name, tensor in alone.state_dict().items())
    pytest.importorskip("onnx")
    with pytest.raises(BertsumError, match=r"^export: the model was read to score only, expected one that BertSum"):
        export_onnx(alone, tmp_path / "out")


def test_other_encoders_and_ways_keep_their_classes(tmp_path: Path, encoder_folder: Path) -> None:
    for number, settings in enumerate(({"attention": "eager"}, {})):
        config = bertsum.Config.from_dict({"model": {"encoder": str(encoder_folder), **settings}})
        BertSum.from_config(SavedConfig.of(config)).save_pretrained(tmp_path / str(number))
    read = [BertSum.from_pretrained(tmp_path / name, only_score=True).encoder for name in "01"]
    assert [isinstance(encoder, Bert) for encoder in read] == [False, True]


@pytest.mark.skipif(tuple(map(int, torch.__version__.split(".")[:2])) < (2, 8), reason="older torch imports more")
def test_a_summary_does_without_the_classes_of_transformers(trained_run) -> None:
    """They take seconds to import, and so does much that torch imports only when it is asked to."""
    code = """
import sys, bertsum
bertsum.Summarizer.from_pretrained(sys.argv[1])(sys.argv[2])
print(*sorted({"transformers.modeling_utils", "torch._dynamo", "sympy", "scipy", "peft"} & sys.modules.keys()))
"""
    command = [sys.executable, "-c", code, str(trained_run[1].checkpoint), TEXT]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() == []
