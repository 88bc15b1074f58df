"""What holds for any input: a right answer or our own error, never another exception, never a wrong length.

Each property is tried on a few dozen inputs, the same ones every time. The long form tries others, over 10,000 of them:
``BERTSUM_EXAMPLES=1000 pytest -n 0 -s tests/test_properties.py tests/test_properties_of_files.py``.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from strategies import languages, sentence_lists, several, texts, tried
from transformers import BertModel

import bertsum
from bertsum.config import Config, EncodingConfig, ModelConfig
from bertsum.data.batching import collate
from bertsum.data.documents import Document
from bertsum.data.encoding import DocumentEncoder, interval_segments
from bertsum.data.oracle import greedy_oracle, soft_oracle
from bertsum.data.prepare import _ChunkPreparer
from bertsum.data.rows import ExtractiveRows
from bertsum.data.sentences import split_sentences
from bertsum.errors import BertsumError
from bertsum.evaluation.rouge import document_rouge, tokenizer_for
from bertsum.models.extractive import BertSum
from bertsum.models.heads import build_head
from bertsum.models.selection import select_sentences
from bertsum.models.storage import SavedConfig


@pytest.fixture(scope="module", autouse=True)
def count_them() -> Iterator[None]:
    yield
    print(f"\n{tried.total():,} inputs: {dict(tried)}")


@several
@given(texts, languages)
def test_splitting(text: str, language: str) -> None:
    tried["splitting"] += 1
    sentences = split_sentences(text, language)
    assert "".join(sentences) == text
    assert all(sentence.strip() for sentence in sentences) or len(sentences) == 1


@several
@given(
    sentence_lists,
    st.one_of(texts, sentence_lists, st.lists(sentence_lists, min_size=1, max_size=3)),
    st.integers(1, 5),
)
def test_oracle(sentences: list[str], summary: Any, most: int) -> None:
    tried["oracle"] += 1
    for mode in ("unicode", "paper"):
        try:
            chosen = greedy_oracle(sentences, summary, most, mode)
            soft = soft_oracle(sentences, summary, most, 0.1, mode)
        except BertsumError:
            return
        assert chosen == sorted(set(chosen))
        assert len(chosen) <= most
        assert all(0 <= index < len(sentences) for index in chosen)
        assert len(soft) == len(sentences)
        assert all(0 <= label <= 1 + 1e-9 for label in soft)


limits = st.builds(
    EncodingConfig,
    max_length=st.integers(3, 60),
    max_sentences=st.integers(1, 8),
    min_sentence_words=st.integers(0, 4),
    max_sentence_words=st.integers(1, 20),
)


@several
@given(sentence_lists, limits)
def test_encoding(tokenizer, sentences: list[str], config: EncodingConfig) -> None:
    tried["encoding"] += 1
    encoder = DocumentEncoder(tokenizer, config)
    encoding = encoder.encode(sentences)
    count = len(encoding.sentence_indices)
    assert len(encoding.cls_positions) == count <= config.max_sentences
    assert len(encoding.input_ids) <= config.max_length
    assert encoding.sentence_indices == sorted(set(encoding.sentence_indices))
    assert all(0 <= index < len(sentences) for index in encoding.sentence_indices)
    bounds = [*encoding.cls_positions, len(encoding.input_ids)]
    for start, end in itertools.pairwise(bounds):
        assert end - start >= 3  # a token of its own between [CLS] and [SEP]
        assert encoding.input_ids[start] == encoder.cls_id
        assert encoding.input_ids[end - 1] == encoder.sep_id
    segments = interval_segments(encoding.cls_positions, len(encoding.input_ids))
    assert len(segments) == len(encoding.input_ids)
    assert [segments[position] for position in encoding.cls_positions] == [number % 2 for number in range(count)]
    unread = encoder.unread_share(sentences, encoding)
    assert 0 <= unread <= 1
    assert encoding.cut or unread == 0


@several
@given(texts | sentence_lists, st.lists(texts | sentence_lists, min_size=1, max_size=3), st.booleans())
def test_rows(tokenizer, text: Any, references: list[Any], soft: bool) -> None:
    """Text to a row of the training data: labels are 0 or 1 (or a share) and aligned, and nothing is lost."""
    tried["rows"] += 1
    labels = ["data.labels=soft", "data.soft_temperature=0.1"] if soft else []
    config = Config.load(None, ["encoding.max_length=64", "data.min_sentences=1", *labels])
    prepare_chunk = _ChunkPreparer(config, ExtractiveRows(config, tokenizer, "test"))
    clean = [
        part.encode("utf-8", "replace").decode()
        if isinstance(part, str)
        else [s.encode("utf-8", "replace").decode() for s in part]
        for part in (text, *references)
    ]
    chunk = prepare_chunk([Document("x", clean[0], clean[1:], "here")])
    if chunk.rejected:
        assert [rejected.reason for rejected in chunk.rejected] == ["no tokens"]
        return
    (row,) = chunk.rows.to_pylist()
    count = len(row["cls_positions"])
    assert len(row["labels"]) == len(row["sentence_indices"]) == count > 0
    assert row["length"] == len(row["input_ids"])
    assert all(0 <= label <= 1 + 1e-9 if soft else label in (0, 1) for label in row["labels"])
    assert all(index < len(row["sentences"]) for index in row["sentence_indices"])
    if isinstance(clean[0], str):
        assert "".join("".join(row["sentences"]).split()) == "".join(clean[0].split())


encoded = st.lists(st.lists(st.integers(1, 6), min_size=1, max_size=5), min_size=1, max_size=5)


def rows_of(documents: list[list[int]]) -> list[dict[str, Any]]:
    """Documents with sentences of so many tokens between [CLS] = 2 and [SEP] = 3."""
    rows = []
    for number, lengths in enumerate(documents):
        ids: list[int] = []
        positions = []
        for place, length in enumerate(lengths):
            positions.append(len(ids))
            ids += [2, *((7 * number + 3 * place + n) % 90 + 5 for n in range(length)), 3]
        rows.append({"input_ids": ids, "cls_positions": positions, "labels": [n % 2 for n in range(len(lengths))]})
    return rows


@several
@given(encoded, st.integers(0, 4))
def test_batching(documents: list[list[int]], pad: int) -> None:
    tried["batching"] += 1
    rows = rows_of(documents)
    batch = collate(rows, pad)
    for number, row in enumerate(rows):
        length, count = len(row["input_ids"]), len(row["cls_positions"])
        assert batch.sentence_mask[number].tolist() == [place < count for place in range(batch.sentence_mask.shape[1])]
        assert batch.attention_mask[number].tolist() == [
            int(place < length) for place in range(batch.attention_mask.shape[1])
        ]
        assert batch.input_ids[number, :length].tolist() == row["input_ids"]
        assert set(batch.input_ids[number, length:].tolist()) <= {pad}
        assert batch.labels[number, :count].tolist() == row["labels"]
        assert not batch.labels[number, count:].any()


@pytest.fixture(scope="module")
def models(bert_shape) -> list[BertSum]:
    made = []
    for head in ("linear", "transformer", "lstm"):
        for vectors in ("cls", "mean"):
            torch.manual_seed(0)
            config = ModelConfig(head=head, head_heads=4, head_feedforward=32, sentence_vectors=vectors)
            encoder = BertModel(bert_shape, add_pooling_layer=False)
            made.append(BertSum(SavedConfig(model=config), encoder, build_head(config, 32), None).eval())
    return made


@several
@given(encoded, st.integers(0, 5), st.integers(1, 60))
def test_padding_never_changes_a_score(models, documents: list[list[int]], which: int, budget: int) -> None:
    tried["scores"] += 1
    rows = rows_of(documents)
    together = dict(models[which].score(rows, budget))
    assert together.keys() == set(range(len(rows)))
    for number, row in enumerate(rows):
        ((_, alone),) = models[which].score([row])
        assert alone.shape == together[number].shape == (len(row["cls_positions"]),)
        assert torch.allclose(alone, together[number], atol=1e-5)


@several
@given(
    st.lists(st.tuples(st.floats(), texts), max_size=10),
    st.none() | st.integers(1, 12),
    st.none() | st.floats(0.01, 1),
    st.none() | st.integers(1, 60),
    st.none() | st.floats(0, 1),
    st.booleans(),
    st.sampled_from(["document", "score"]),
)
def test_selection(pairs, sentences, ratio, max_words, threshold, blocking, order) -> None:
    tried["selection"] += 1
    scores, candidates = [score for score, _ in pairs], [text for _, text in pairs]
    options = {"sentences": sentences, "ratio": ratio, "max_words": max_words, "threshold": threshold}
    try:
        chosen = select_sentences(scores, candidates, **options, trigram_blocking=blocking, order=order)
    except BertsumError:
        assert any(map(math.isnan, scores))
        return
    assert len(set(chosen)) == len(chosen)
    assert all(0 <= index < len(candidates) for index in chosen)
    assert order == "score" or chosen == sorted(chosen)
    assert sentences is None or len(chosen) <= sentences
    assert (
        max_words is None
        or sum(len(candidates[index].split()) for index in chosen) <= max_words
        or any(not candidates[index].isascii() for index in chosen)
    )
    assert not candidates or chosen or max_words is not None


@several
@given(
    st.lists(st.tuples(texts | sentence_lists, texts | sentence_lists), min_size=1, max_size=4),
    languages,
    st.booleans(),
)
def test_rouge(pairs: list[tuple[Any, Any]], language: str, limit: bool) -> None:
    tried["ROUGE"] += 1
    candidates, references = [a for a, _ in pairs], [b for _, b in pairs]
    # whatever is in them, also what is no English
    scores = document_rouge(candidates, references, language, limit_to_reference=limit, language_known=True)
    assert scores.shape == (len(pairs), 3, 3)
    assert ((scores >= 0) & (scores <= 1)).all()
    own = document_rouge(candidates, candidates, language, language_known=True)
    for candidate, figures in zip(candidates, own, strict=True):
        lines = candidate.splitlines() if isinstance(candidate, str) else candidate
        words = [tokenizer_for(language).tokenize(line) for line in lines]
        assert (figures[0] == (1 if any(words) else 0)).all()
        assert (figures[2] == (1 if any(words) else 0)).all()
        assert (figures[1] == (1 if len([w for ws in words for w in ws]) > 1 else 0)).all()


@pytest.fixture(scope="module")
def summarizer(trained_run) -> bertsum.Summarizer:
    config, _ = trained_run
    return bertsum.Summarizer.from_pretrained(config.run_dir / "best")


@several
@given(texts | sentence_lists, languages | st.text(max_size=8), st.integers(-1, 4))
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_summarizer(summarizer, text: Any, language: str, count: int) -> None:
    tried["Summarizer"] += 1
    try:
        summary = summarizer([text], language=language, sentences=count)[0]
    except BertsumError:
        return
    assert 1 <= len(summary.sentences) <= count
    assert summary.indices == sorted(set(summary.indices))
    assert [summary.document[index] for index in summary.indices] == summary.sentences
    assert all(
        sentence in text if isinstance(text, str) else sentence in [t.strip() for t in text]
        for sentence in summary.sentences
    )
    assert len(summary.document_scores) == len(summary.document)
