"""BertSum: scores that do not depend on the batch, loss, saving, and folders that are not whole."""

from __future__ import annotations

import itertools
import json
import shutil

import pytest
import torch
from models import build, rows_of
from torch.nn import functional as F

import bertsum
from bertsum import device
from bertsum.config import EncodingConfig, ModelConfig
from bertsum.encoders.vectors import sentence_means, tokens_of_sentences
from bertsum.models.extractive import BertSum
from bertsum.models.losses import cross_entropy
from bertsum.models.storage import SavedConfig, read_model

HEADS = ("linear", "transformer", "lstm")


DOCUMENTS = [
    ["The council met."],
    ["The council met on Monday evening.", "It rained all night over the harbour.", "No one spoke."],
    [f"Sentence {n} of the long report about farming." for n in range(12)],
]


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("vectors", ["cls", "mean"])
def test_a_document_scores_the_same_alone_and_in_any_batch(encoder_folder, head, vectors) -> None:
    model = build(encoder_folder, head=head, sentence_vectors=vectors, sentence_norm=vectors == "mean")
    rows = rows_of(model, DOCUMENTS)
    alone = [next(model.score([row]))[1] for row in rows]
    assert [len(scores) for scores in alone] == [len(row["cls_positions"]) for row in rows]
    for order in ([0, 1, 2], [2, 0, 1]):
        for place, scores in model.score([rows[index] for index in order], max_tokens_per_batch=10_000):
            assert torch.allclose(scores, alone[order[place]], atol=1e-5)


def test_forward_shape(encoder_folder) -> None:
    model = build(encoder_folder)
    batch = model.collate(rows_of(model, DOCUMENTS[:1]))
    assert model(**batch.inputs()).shape == (1, 1)
    batch = model.collate(rows_of(model, DOCUMENTS))
    assert model(**batch.inputs()).shape == (3, len(rows_of(model, DOCUMENTS)[2]["cls_positions"]))


def test_interval_segments_matter_where_they_are_used(encoder_folder) -> None:
    model, without = build(encoder_folder), build(encoder_folder, interval_segments=False)
    without.load_state_dict(model.state_dict())
    inputs = model.collate(rows_of(model, DOCUMENTS[1:2])).inputs()
    zeros = {**inputs, "token_type_ids": torch.zeros_like(inputs["token_type_ids"])}
    assert not torch.allclose(model(**inputs), model(**zeros))
    assert torch.equal(without(**inputs), without(**zeros))


def test_sentence_means_against_a_loop(encoder_folder) -> None:
    model = build(encoder_folder)
    batch = model.collate(rows_of(model, DOCUMENTS), packed=False)
    hidden = torch.randn(*batch.input_ids.shape, 5)
    means = sentence_means(hidden, tokens_of_sentences(batch.attention_mask, batch.cls_positions, batch.sentence_mask))
    for number in range(3):
        length = int(batch.attention_mask[number].sum())
        starts = [*batch.cls_positions[number][batch.sentence_mask[number]].tolist(), length]
        for sentence, (start, end) in enumerate(itertools.pairwise(starts)):
            expected = hidden[number, start + 1 : end - 1].mean(dim=0)  # without [CLS] and [SEP]
            assert torch.allclose(means[number, sentence], expected, atol=1e-6)
    assert (means[~batch.sentence_mask] == 0).all()


def test_loss_against_a_loop() -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(3, 4), torch.randint(0, 2, (3, 4)).float()
    mask = torch.tensor([[True] * 4, [True, False, False, False], [True, True, False, False]])
    expected = sum(
        F.binary_cross_entropy_with_logits(logits[i, j], labels[i, j]) * (3.0 if labels[i, j] else 1.0)
        for i in range(3)
        for j in range(4)
        if mask[i, j]
    )
    assert torch.allclose(cross_entropy(logits, labels, mask, positive_weight=3.0), expected)
    logits[~mask] = float("inf")
    assert torch.isfinite(cross_entropy(logits, labels, mask))


def test_save_and_load(encoder_folder, tmp_path) -> None:
    model = build(encoder_folder, head="lstm", sentence_vectors="mean", sentence_norm=True)
    model.save_pretrained(tmp_path / "m")
    loaded = bertsum.BertSum.from_pretrained(tmp_path / "m")
    assert loaded.config == model.config
    assert not loaded.training
    rows = rows_of(model, DOCUMENTS)
    for (_, a), (_, b) in zip(model.score(rows), loaded.score(rows), strict=True):
        assert torch.equal(a, b)
    assert {file.name for file in (tmp_path / "m").iterdir()} >= {"config.json", "model.safetensors", "tokenizer.json"}


def test_longer_positions_are_saved(encoder_folder, tmp_path) -> None:
    config = SavedConfig(ModelConfig(str(encoder_folder), head_heads=4), EncodingConfig(max_length=300))
    BertSum.from_config(config).save_pretrained(tmp_path / "m")
    loaded = BertSum.from_pretrained(tmp_path / "m")
    assert loaded.encoder.embeddings.position_embeddings.num_embeddings == 300


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer_config.json"])
def test_a_missing_file(encoder_folder, tmp_path, name) -> None:
    build(encoder_folder).save_pretrained(tmp_path / "m")
    (tmp_path / "m" / name).unlink()
    with pytest.raises(bertsum.BertsumError, match=f"{name} is missing"):
        BertSum.from_pretrained(tmp_path / "m")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("config.json", b"{", "config.json is broken"),
        ("config.json", b"[]", "not one of bertsum's"),
        ("config.json", b'{"library": "bertsum"}', "config.json is broken"),
        ("config.json", b"\xff\xfe", "config.json is broken"),
        ("model.safetensors", b"\x08\x00\x00\x00\x00\x00\x00\x00{broken}", "model.safetensors is broken"),
        ("model.safetensors", b"", "model.safetensors is broken"),
        ("tokenizer.json", b"{}", "tokenizer files are broken"),
    ],
)
def test_a_broken_file(encoder_folder, tmp_path, name, content, message) -> None:
    build(encoder_folder).save_pretrained(tmp_path / "m")
    (tmp_path / "m" / name).write_bytes(content)
    with pytest.raises(bertsum.BertsumError, match=message):
        BertSum.from_pretrained(tmp_path / "m")


def test_weights_of_another_architecture(encoder_folder, tmp_path) -> None:
    build(encoder_folder, head="linear").save_pretrained(tmp_path / "a")
    build(encoder_folder, head="lstm").save_pretrained(tmp_path / "b")
    shutil.copy(tmp_path / "a" / "model.safetensors", tmp_path / "b" / "model.safetensors")
    with pytest.raises(bertsum.BertsumError, match=r"another architecture: missing head\.forward_cell"):
        BertSum.from_pretrained(tmp_path / "b")
    described = json.loads((tmp_path / "a" / "config.json").read_text())
    described["encoder"]["intermediate_size"] = 40
    (tmp_path / "a" / "config.json").write_text(json.dumps(described))
    with pytest.raises(bertsum.BertsumError, match=r"expected \(40, 32\)"):
        BertSum.from_pretrained(tmp_path / "a")


def test_an_unknown_model() -> None:
    with pytest.raises(bertsum.BertsumError, match="no such folder, and the hub cannot give it"):
        BertSum.from_pretrained("someone/no-such-model")
    with pytest.raises(bertsum.BertsumError, match="no such folder, and the hub cannot give it"):
        BertSum.from_pretrained("x" * 5000)
    with pytest.raises(bertsum.BertsumError, match="model: is empty, expected a folder or the id of a model"):
        bertsum.Summarizer.from_pretrained("")
    with pytest.raises(bertsum.BertsumError, match="model: got int, expected a folder or the id of a model"):
        BertSum.from_pretrained(5)  # type: ignore[arg-type]


def test_a_second_tokenizer_of_the_model_before_is_not_read(encoder_folder, tmp_path) -> None:
    model = build(encoder_folder)
    model.target_tokenizer = model.tokenizer
    model.save_pretrained(tmp_path, card=False)
    assert read_model(tmp_path).target_tokenizer is not None
    model.target_tokenizer = None
    model.save_pretrained(tmp_path, card=False)
    assert read_model(tmp_path).target_tokenizer is None


@pytest.mark.parametrize("instructions", [True, False])
def test_auto_is_bf16_only_where_the_processor_has_it(encoder_folder, monkeypatch, instructions) -> None:
    monkeypatch.setattr(device, "_processor_has_bf16", lambda: instructions)
    expected = "bf16" if instructions else "fp32"
    assert device.settle_precision("auto", torch.device("cpu")) == expected
    assert device.settle_precision("fp16", torch.device("cpu")) == "fp16"
    model = build(encoder_folder)
    rows = rows_of(model, DOCUMENTS)
    for (_, auto), (_, asked) in zip(
        model.score(rows, precision="auto"), model.score(rows, precision=expected), strict=True
    ):
        assert torch.equal(auto, asked)
