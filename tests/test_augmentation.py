"""Training documents made more like those to come."""

from __future__ import annotations

import json

import pytest

import bertsum
from bertsum.data.augmentation import detokenize, random_of_id
from bertsum.data.prepare import prepare
from bertsum.encoders.load import load_tokenizer
from bertsum.files import SAMPLE_FOLDER


def prepared_rows(config: bertsum.Config, split: str = "train") -> list[dict]:
    rows: list[dict] = prepare(config, split, load_tokenizer(config.model.encoder)).dataset.to_list()
    return rows


def test_draws() -> None:
    draws = [random_of_id(f"document {number}") for number in range(1000)]
    assert 250 < sum(value < 0.3 for value in draws) < 350
    assert min(draws) >= 0 and max(draws) < 1
    assert random_of_id("a") == random_of_id("a") != random_of_id("b")


def test_detokenize() -> None:
    assert detokenize(["he did n't go , he said .", "the dogs ' house ( red ) ."]) == [
        "he didn't go, he said.",
        "the dogs' house (red).",
    ]


def test_joined(config_of) -> None:
    settings = ["encoding.long_documents=window", "data.labels=soft", "data.soft_temperature=0.05"]
    alone = prepared_rows(config_of(*settings))
    joined = prepared_rows(config_of(*settings, "data.joined=0.5"))
    assert [row["id"] for row in joined] == [row["id"] for row in alone]
    longer = 0
    for place, (before, after) in enumerate(zip(alone, joined, strict=True)):
        if before == after:
            continue
        longer += 1
        expected = before
        others = 0
        while len(expected["input_ids"]) < len(after["input_ids"]):
            others += 1
            other = alone[(place + others) % len(alone)]
            tokens, sentences = len(expected["input_ids"]), len(expected["sentences"])
            expected = {
                **expected,
                "input_ids": expected["input_ids"] + other["input_ids"],
                "cls_positions": expected["cls_positions"] + [tokens + one for one in other["cls_positions"]],
                "sentence_indices": expected["sentence_indices"]
                + [sentences + one for one in other["sentence_indices"]],
                "labels": expected["labels"] + [0.0] * len(other["labels"]),
                "sentences": expected["sentences"] + other["sentences"],
            }
        assert after == {**expected, "length": len(expected["input_ids"]), "cut": after["cut"]}
        assert 2 <= others <= 5
    assert 0 < longer < len(alone)


def test_only_training_documents_are_joined(config_of) -> None:
    settings = ["encoding.long_documents=window", "data.joined=1"]
    lines = (SAMPLE_FOLDER / "english.validation.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(prepared_rows(config_of(*settings), "validation")) == len(lines)
    own = [row["sentences"] for row in prepared_rows(config_of(*settings), "validation")]
    assert own == [row["sentences"] for row in prepared_rows(config_of(), "validation")]
    assert json.loads(lines[0])["id"] == prepared_rows(config_of(*settings))[0]["id"]


def test_a_single_document_stays_alone(config_of) -> None:
    settings = ["encoding.long_documents=window", "data.limit=1"]
    assert prepared_rows(config_of(*settings, "data.joined=1")) == prepared_rows(config_of(*settings))


def test_joined_documents_are_long(config_of) -> None:
    with pytest.raises(bertsum.BertsumError, match=r"data.joined: is set, but long documents are not read whole"):
        config_of("data.joined=0.3")
    with pytest.raises(bertsum.BertsumError, match=r"data.joined: got 1.5, expected a share from 0 to 1"):
        config_of("data.joined=1.5", "encoding.long_documents=window")
    result = bertsum.train(config_of("data.joined=0.5", "encoding.long_documents=window"))
    assert result.checkpoint.is_dir()
