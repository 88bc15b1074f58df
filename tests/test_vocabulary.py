"""Tokenizers made for a run: what they keep, that they are the same each time, and where they stay."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, write_jsonl
from transformers import PreTrainedTokenizerFast

from bertsum.data.fingerprints import describe_tokenizer
from bertsum.data.targets import TargetEncoder
from bertsum.data.vocabulary import is_learned, learned_source, target_tokenizer
from bertsum.errors import BertsumError

SPECIAL = ["[PAD]", "[unused0]", "[unused1]", "[unused2]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
SEQ2SEQ = ("model.kind=seq2seq", "train.loss_reduction=token", "data.train=sample/english.train.jsonl")


def pieces_of(tokenizer: PreTrainedTokenizerFast) -> list[str]:
    assert sorted(tokenizer.get_vocab().values()) == list(range(len(tokenizer)))
    pieces = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    assert pieces[:8] == SPECIAL
    assert (tokenizer.pad_token_id, tokenizer.unk_token, tokenizer.cls_token) == (0, "[UNK]", "[CLS]")
    return pieces


def test_which_are_made_here(config_of, tokenizer) -> None:
    assert [is_learned(name) for name in ("cut", "wordpiece", "unigram", "bert-base-cased", None)] == [True] * 3 + [
        False
    ] * 2
    for name in ("null", "bert-base-cased"):
        assert target_tokenizer(config_of(*SEQ2SEQ, f"decoder.tokenizer={name}"), tokenizer) is None


def test_cut_to_the_summaries(config_of, tokenizer) -> None:
    config = config_of(*SEQ2SEQ, "decoder.tokenizer=cut", "decoder.vocabulary=150")
    made = target_tokenizer(config, tokenizer)
    pieces, original = pieces_of(made), tokenizer.get_vocab()
    numbers = [original[piece] for piece in pieces[8:]]
    assert len(pieces) == 150
    assert numbers == sorted(numbers)
    assert "the" in pieces
    target = TargetEncoder(made, 140)
    texts = ["The town council, it rained."]
    assert made.unk_token_id not in target.encode(texts)
    assert target.decode(target.encode(texts)) == ["the town council , it rained ."]
    few = pieces_of(target_tokenizer(config.override({"decoder.vocabulary": 20}), tokenizer))
    assert len(few) == 20
    assert {len(piece.removeprefix("##")) for piece in few[8:]} == {1}  # characters first
    every = pieces_of(target_tokenizer(config.override({"decoder.vocabulary": 16_000}), tokenizer))
    assert 150 < len(every) < len(tokenizer)


def test_nothing_to_cut(config_of, byte_tokenizer) -> None:
    with pytest.raises(
        BertsumError, match=r"decoder\.tokenizer: got cut with an encoder whose tokenizer is of the kind BPE"
    ):
        target_tokenizer(config_of(*SEQ2SEQ, "decoder.tokenizer=cut"), byte_tokenizer)


def test_wordpiece_keeps_capitals_and_accents(config_of, tokenizer, tmp_path) -> None:
    path = write_jsonl(
        tmp_path / "a.jsonl", [{"document": "Words", "summary": ["Das Café in Zürich öffnet.", "今天"]}] * 3
    )
    config = config_of(*SEQ2SEQ, f"data.train={path}", "decoder.tokenizer=wordpiece", "decoder.vocabulary=200")
    made = target_tokenizer(config, tokenizer)
    pieces = pieces_of(made)
    assert {"Café", "Zürich", "今", "##a", "."} <= set(pieces)
    assert not {"##今", "##.", "cafe"} & set(pieces)
    target = TargetEncoder(made, 140)
    assert target.decode(target.encode(["Zürich öffnet.", "今天"])) == ["Zürich öffnet .", "今 天"]
    least = pieces_of(target_tokenizer(config.override({"decoder.vocabulary": 16}), tokenizer))
    assert len(least) == 16


def test_learned_for_words_between_spaces(config_of, tokenizer, tmp_path) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", [{"document": "a 71-year-old, too", "summary": "so - so"}] * 3)
    config = config_of(*SEQ2SEQ, f"data.train={path}", "encoding.words=spaces", "model.scratch_vocabulary=100")
    made = learned_source(config)
    target = TargetEncoder(made, 140, words="spaces")
    assert target.decode(target.encode(["a 71-year-old, old"])) == ["a 71-year-old, old"]


def test_unigram_keeps_every_character(config_of, tokenizer) -> None:
    config = config_of(*SEQ2SEQ, "decoder.tokenizer=unigram", "decoder.vocabulary=600")
    made = target_tokenizer(config, tokenizer)
    pieces = pieces_of(made)
    assert len(pieces) == 600
    target = TargetEncoder(made, 140)
    texts = [
        "The council's  plan – [unused2] [SEP] <0x41> costs €3m in Zürich.",
        "\ufb01t 今天,\tnaïve 🙂",
        "It rained.",
    ]
    ids = target.encode(texts)
    assert target.decode(ids) == texts
    assert ids.count(target.separator_id) == 2
    assert not {*target.specials} & {*ids[1:]}
    begins = [piece for piece, goes_on in zip(pieces, target.continues, strict=True) if not goes_on]
    assert {"▁", "▁the"} <= set(begins) <= {*SPECIAL, *(piece for piece in pieces if piece.startswith("▁"))}
    with pytest.raises(BertsumError, match=r"decoder\.vocabulary: got 100, expected 512 or more"):
        target_tokenizer(config.override({"decoder.vocabulary": 100}), tokenizer)
    with pytest.raises(BertsumError, match=r"encoding\.words: got spaces with a tokenizer of the kind Unigram"):
        TargetEncoder(made, 140, words="spaces")


RUN = """
import sys
from bertsum.config import Config
from bertsum.data.fingerprints import describe_tokenizer
from bertsum.data.vocabulary import learned_source, target_tokenizer
for kind in ("wordpiece", "unigram"):
    config = Config.load(None, ["model.kind=seq2seq", "train.loss_reduction=token",
        "data.train=sample/english.train.jsonl",
        f"decoder.tokenizer={kind}", "decoder.vocabulary=1000", f"data.prepared_dir={sys.argv[1]}"])
    print(describe_tokenizer(target_tokenizer(config, None)))
"""


def test_each_process_learns_the_same(tmp_path) -> None:
    """The trainers count in an order that differs from process to process."""
    learned = set()
    for name in "ab":
        done = subprocess.run(
            [sys.executable, "-c", RUN, str(tmp_path / name)], cwd=ROOT, capture_output=True, text=True, timeout=300,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        learned.add(tuple(line for line in done.stdout.splitlines() if not line.startswith("Learned")))
    assert len(learned) == 1
    assert len(set(*learned)) == 2


def test_learned_once(config_of, tmp_path, capsys) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", [{"document": "Words of a document", "summary": "Words"}] * 3)
    config = config_of(*SEQ2SEQ, f"data.train={path}", "model.scratch_vocabulary=40")
    first = learned_source(config)
    assert capsys.readouterr().out.startswith(f"Learned {len(first)} tokens of documents in ")
    assert describe_tokenizer(learned_source(config)) == describe_tokenizer(first)
    assert capsys.readouterr().out == ""
    (folder,) = Path(config.data.prepared_dir).glob("tokenizer-*")
    write_jsonl(path, [{"document": "Other words", "summary": "Words"}] * 3)
    assert describe_tokenizer(learned_source(config)) != describe_tokenizer(first)
    assert len(list(folder.parent.glob("tokenizer-*"))) == 2
    shutil.rmtree(folder)
    folder.mkdir()
    write_jsonl(path, [{"document": "Words of a document", "summary": "Words"}] * 3)
    with pytest.raises(BertsumError, match=r"is broken: .*remove it, and it is learned again"):
        learned_source(config)


def test_nothing_to_learn_from(config_of, tokenizer, tmp_path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"document": "", "summary": "a"}) + "\n", encoding="utf-8")
    for kind in ("cut", "wordpiece", "unigram"):
        config = config_of(*SEQ2SEQ, f"data.train={path}", f"decoder.tokenizer={kind}")
        with pytest.raises(BertsumError, match=r"data\.train: has no text to learn a vocabulary from"):
            target_tokenizer(config, tokenizer)
    assert not list(Path(config.data.prepared_dir).glob("*tokenizer-*[!k]"))  # nothing but locks
    blocked = config_of(*SEQ2SEQ, f"data.prepared_dir={path}")
    with pytest.raises(BertsumError, match=r"data\.prepared_dir: .* cannot be written"):
        learned_source(blocked)
