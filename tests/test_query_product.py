"""``model.query_product``: what a sentence has in common with the query."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from models import build
from test_queries import QUERY, SENTENCES

from bertsum.config import Config
from bertsum.data.encoding import DocumentEncoder
from bertsum.data.windows import windows
from bertsum.encoders.vectors import query_mean, sentence_means, tokens_of_sentences
from bertsum.errors import BertsumError
from bertsum.models.extractive import BertSum


@pytest.fixture(params=["packed", "eager"])
def model(encoder_folder, request) -> BertSum:
    """An untrained model whose product has an effect."""
    made = with_product(encoder_folder, attention=request.param)
    assert made.query_product is not None
    torch.nn.init.normal_(made.query_product.weight, std=0.3)
    return made


def with_product(encoder_folder, **values) -> BertSum:
    return build(encoder_folder, 64, sentence_vectors="mean", sentence_norm=True, query_product=True, **values)


def encoded(model: BertSum, sentences: list[str], query: str = "") -> dict:
    encoder = DocumentEncoder(model.tokenizer, replace(model.config.encoding, long_documents="window"))
    return vars(encoder.encode(sentences, query))


def plain(model: BertSum, row: dict) -> torch.Tensor:
    """The logits of a document with a query, by a loop over its windows and sentences."""
    bounds = [*row["cls_positions"], len(row["input_ids"])]
    asked = row["input_ids"][: bounds[0]]
    vectors = []
    for window in windows(row["cls_positions"], len(row["input_ids"]), 64):
        ids, places = [*asked], []
        for index in range(*window.sentences):
            places.append(len(ids))
            ids += row["input_ids"][bounds[index] : bounds[index + 1]]
        batch = model.collate([{"input_ids": ids, "cls_positions": places}], packed=False)
        with torch.no_grad():
            tokens, _ = model.reader.tokens(batch.input_ids, batch.attention_mask, batch.token_type_ids)
        query = tokens[1 : len(asked) - 2].mean(dim=0)
        query = (query - query.mean()) / (query.var(unbiased=False) + 1e-5).sqrt()
        for index in range(*window.taken):
            begin = places[index - window.sentences[0]]
            own = model.sentence_norm(tokens[begin + 1 : begin + bounds[index + 1] - bounds[index] - 1].mean(dim=0))
            vectors.append(own + model.query_product.weight @ (own * query))
    mask = torch.ones(1, len(vectors), dtype=torch.bool)
    return model.head(torch.stack(vectors)[None], mask)[0]


@pytest.mark.parametrize("times", [1, 18])
def test_logits_are_those_of_a_plain_version(model, times) -> None:
    row = encoded(model, SENTENCES[:2] * times, QUERY)
    assert (len(row["input_ids"]) > 64) == (times > 1)
    rows = [row, encoded(model, SENTENCES), encoded(model, ["A."], "b")]
    with torch.no_grad():
        assert torch.allclose(dict(model.score(rows))[0], plain(model, row), atol=2e-5)


def test_without_a_query_nothing_changes(model, encoder_folder) -> None:
    without = build(encoder_folder, 64, sentence_vectors="mean", sentence_norm=True).eval()
    without.load_state_dict({name: value for name, value in model.state_dict().items() if name not in model.optional})
    asked, alone = encoded(model, SENTENCES, QUERY), encoded(model, SENTENCES * 9)
    ours, theirs = (dict(one.score([asked, alone])) for one in (model, without))
    assert torch.allclose(ours[1], theirs[1], atol=2e-5)
    assert not torch.allclose(ours[0], theirs[0], atol=1e-3)


def test_a_model_without_it_is_trained_on(encoder_folder, tmp_path) -> None:
    without = build(encoder_folder, 64, sentence_vectors="mean", sentence_norm=True)
    without.save_pretrained(tmp_path / "without")
    config = with_product(encoder_folder).config
    started = BertSum.from_config(config, str(tmp_path / "without")).train()
    row = {**encoded(started, SENTENCES, QUERY), "labels": [0.0, 1.0, 0.0, 0.0]}
    assert torch.allclose(dict(started.eval().score([row]))[0], dict(without.score([row]))[0], atol=1e-5)
    batch = started.collate([row])
    started.loss(started(**batch.inputs()), batch).backward()
    assert started.query_product.weight.grad.abs().max() > 0

    torch.nn.init.normal_(started.query_product.weight)
    started.save_pretrained(tmp_path / "with")
    again = BertSum.from_pretrained(tmp_path / "with")
    assert torch.equal(dict(again.score([row]))[0], dict(started.eval().score([row]))[0])
    with pytest.raises(BertsumError, match="left over query_product.weight"):
        BertSum.from_config(without.config, str(tmp_path / "with"))


def test_means_of_queries() -> None:
    hidden = torch.arange(16.0).reshape(2, 8, 1)  # [CLS] q [SEP] [SEP] [CLS] a b [SEP], and a document without a query
    positions = torch.tensor([[4, 0], [0, 4]])
    assert query_mean(hidden, positions).tolist() == [[1.0], [0.0]]
    means = sentence_means(
        hidden, tokens_of_sentences(torch.ones(2, 8), positions, torch.tensor([[True, False], [True, True]]))
    )
    assert means[..., 0].tolist() == [[5.5, 0.0], [9.5, 13.5]]


@pytest.mark.parametrize("values", [["model.sentence_vectors=cls"], ["model.kind=seq2seq"], ["model.kind=masked_lm"]])
def test_where_it_cannot_be(values) -> None:
    with pytest.raises(BertsumError, match=r"model\.query_product: got true, expected false unless"):
        Config.load("quickstart", ["model.sentence_vectors=mean", "model.query_product=true", *values])
