"""What raises the logits of sentences that may answer a query: shared words, and the pretrained encoder."""

from __future__ import annotations

import json
import math
import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import torch
from models import build
from transformers import AutoModel

import bertsum
from bertsum.encoders.load import load_encoder
from bertsum.errors import BertsumError
from bertsum.models import similarity
from bertsum.models.contract import PredictOptions
from bertsum.models.shared_words import shared_words
from bertsum.models.similarity import AskedDocument, Similarity

TEXT = "The old bridge\nis closed. It reopens in May. Farmers wait for rain. Nobody was surprised."
SENTENCES = ["The old bridge is closed.", "It reopens in May.", "Farmers wait for rain.", "Nobody was surprised."]
QUERY = "When does the bridge reopen?"


@pytest.fixture
def summarizer(encoder_folder) -> bertsum.Summarizer:
    model = build(encoder_folder, 128)
    model.config = replace(model.config, selection=replace(model.config.selection, query_threshold=0.5))
    return bertsum.Summarizer(model)


def weighted(summarizer: bertsum.Summarizer, **weights: float) -> bertsum.Summarizer:
    """A summarizer of the same model, with these fields of ``selection``."""
    model = summarizer.model
    model.config = replace(model.config, selection=replace(model.config.selection, **weights))
    return bertsum.Summarizer(model)


def test_shared_words_raise_the_logits_of_answers(summarizer) -> None:
    shared = shared_words(QUERY, SENTENCES)
    assert shared == pytest.approx([2 * math.log(4), math.log(4), 0, 0])  # the and bridge; reopens; nothing
    assert shared_words("The wind", ["The rain.", "the wind"]) == pytest.approx([0, math.log(2)])
    assert shared_words("何时通车？", ["大桥通车", "下雨"]) == pytest.approx([2 * math.log(2), 0])
    before, generic = (summarizer(TEXT, **given).document_scores for given in ({"query": QUERY}, {}))
    again = weighted(summarizer, word_weight=0.5)
    expected = torch.tensor(before).logit() + 0.5 * torch.tensor(shared)
    torch.testing.assert_close(torch.tensor(again(TEXT, query=QUERY).document_scores).logit(), expected)
    (page,) = again.prune(QUERY, [TEXT], threshold=0.0)
    assert page.score == pytest.approx(float(expected.sigmoid().max()))
    assert again(TEXT).document_scores == generic


def test_similarity_is_that_of_texts_that_the_pretrained_encoder_reads_alone(summarizer) -> None:
    model = summarizer.model
    reader = model.document_encoder()
    ids = reader.encode(SENTENCES, QUERY)
    logits = torch.tensor([0.5, -4.0, 2.0, -0.9])  # the second is more than 3 below the best
    pretrained = Similarity(model.config.model, 128, torch.device("cpu"))
    (raised,) = pretrained.raised(
        [AskedDocument(logits, ids.input_ids, ids.cls_positions)], 2.0, PredictOptions(precision="fp32")
    )
    encoder = AutoModel.from_pretrained(model.config.model.encoder).eval()

    def vector(text: str) -> torch.Tensor:
        tokens = [reader.cls_id, *model.tokenizer(text)["input_ids"], reader.sep_id]
        with torch.no_grad():
            return encoder(torch.tensor([tokens])).last_hidden_state[0].mean(dim=0)

    expected = logits.clone()
    for place in (0, 2, 3):
        cosine = torch.cosine_similarity(vector(SENTENCES[place]), vector(QUERY), dim=0)
        expected[place] += 2.0 * (cosine - 0.3)
    torch.testing.assert_close(raised, expected, rtol=0, atol=1e-5)
    again = pretrained.raised(
        [AskedDocument(logits, ids.input_ids, ids.cls_positions)] * 2, 2.0, PredictOptions(precision="fp32")
    )  # from what is kept
    assert all(torch.equal(one, raised) for one in again)
    for lower, read in ((6.5, [2]), (7.5, [])):  # what is below -5 is not read again
        low = AskedDocument(logits - lower, ids.input_ids, ids.cls_positions)
        (same,) = pretrained.raised([low], 2.0, PredictOptions(precision="fp32"))
        assert [place for place in range(4) if same[place] != low.logits[place]] == read


def test_similarity_raises_scores_of_answers_alone(summarizer) -> None:
    generic, before = summarizer(TEXT), summarizer(TEXT, query=QUERY, threshold=0.0)
    model = summarizer.model
    again = weighted(summarizer, similarity_weight=4.0)
    assert again(TEXT).document_scores == generic.document_scores
    asked = again(TEXT, query=QUERY, threshold=0.0)
    row = model.document_encoder().encode(SENTENCES, QUERY)
    logits = torch.tensor(before.document_scores).logit()
    pretrained = Similarity(model.config.model, 128, torch.device("cpu"))
    (expected,) = pretrained.raised([AskedDocument(logits, row.input_ids, row.cls_positions)], 4.0, PredictOptions())
    torch.testing.assert_close(torch.tensor(asked.document_scores).logit(), expected, rtol=0, atol=1e-2)
    assert asked.document_scores != before.document_scores


def test_threads_share_the_pretrained_encoder_and_it_does_not_travel(summarizer, monkeypatch) -> None:
    loaded = []
    monkeypatch.setattr(similarity, "load_encoder", lambda *a, **k: loaded.append(1) or load_encoder(*a, **k))
    asked = weighted(summarizer, similarity_weight=4.0)
    size = len(pickle.dumps(asked.model))
    with ThreadPoolExecutor(4) as pool:
        [*pool.map(lambda _: asked(TEXT, query=QUERY), range(4))]
    assert (len(loaded), len(pickle.dumps(asked.model))) == (1, size)


def test_without_the_pretrained_encoder_only_queries_fail(summarizer, tmp_path) -> None:
    weighted(summarizer, similarity_weight=4.0).model.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config["model"]["encoder"] = "/nowhere/encoder"
    (tmp_path / "config.json").write_text(json.dumps(config))
    asked = bertsum.Summarizer.from_pretrained(tmp_path)
    assert asked(TEXT).sentences
    with pytest.raises(BertsumError, match="selection.similarity_weight: needs the pretrained encoder; .*nowhere"):
        asked(TEXT, query=QUERY)


def test_many_documents_are_raised_as_each_alone(summarizer) -> None:
    asked = weighted(summarizer, similarity_weight=4.0, word_weight=0.25)
    texts = [f"{TEXT} Ferry {number} runs until then." for number in range(150)]
    queries = [QUERY if number % 3 else None for number in range(150)]
    together = asked(texts, query=queries, threshold=0.0)
    for number in (0, 1, 77, 149):
        alone = bertsum.Summarizer(asked.model)(texts[number], query=queries[number], threshold=0.0)
        assert together[number].document_scores == pytest.approx(alone.document_scores, abs=2e-3)


def test_a_lack_of_memory_names_the_setting_to_lower(summarizer, monkeypatch) -> None:
    asked = weighted(summarizer, similarity_weight=4.0)

    def none_left(*_: object) -> torch.Tensor:
        raise MemoryError

    monkeypatch.setattr(Similarity, "_means", none_left)
    with pytest.raises(BertsumError, match="out of memory for 4 documents x .* lower max_tokens_per_batch"):
        asked(TEXT, query=QUERY)
