"""Encoder families, longer positions, dropout, freezing, names that do not exist."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
import transformers
from conftest import SHAPE, save_encoder
from models import build
from safetensors.torch import load_file, save_file

from bertsum.config import EncodingConfig, ModelConfig
from bertsum.encoders.load import encoder_layers, load_encoder, load_tokenizer, resolve_encoder
from bertsum.errors import BertsumError
from bertsum.models.extractive import BertSum
from bertsum.models.storage import SavedConfig

FAMILIES = {
    "bert": {"max_position_embeddings": 128, **SHAPE},
    "electra": {"max_position_embeddings": 128, "embedding_size": 16, **SHAPE},
    "distilbert": {"max_position_embeddings": 128, "dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 48},
    "roberta": {"max_position_embeddings": 130, "type_vocab_size": 1, **SHAPE},
    "xlm-roberta": {"max_position_embeddings": 130, "type_vocab_size": 1, **SHAPE},
    "deberta-v2": {
        "max_position_embeddings": 128, "relative_attention": True, "position_biased_input": False,
        "pos_att_type": ["p2c", "c2p"], "position_buckets": 16, **SHAPE,
    },
    "modernbert": {"max_position_embeddings": 256, "global_attn_every_n_layers": 2, "local_attention": 32, **SHAPE},
}  # fmt: skip


def family_folder(family, tmp_path, tokenizer, byte_tokenizer):
    chosen = byte_tokenizer if family in ("roberta", "xlm-roberta") else tokenizer
    return save_encoder(tmp_path / family, chosen, family, **FAMILIES[family])


@pytest.mark.parametrize("family", FAMILIES)
def test_family(family, tmp_path, tokenizer, byte_tokenizer) -> None:
    folder = family_folder(family, tmp_path, tokenizer, byte_tokenizer)
    longest = 200  # beyond the pretrained positions of all but ModernBERT
    only_eager = ("deberta-v2",) if int(transformers.__version__.split(".")[0]) >= 5 else ("deberta-v2", "electra")
    attention = "eager" if family in only_eager else "sdpa"
    settings = ModelConfig(
        str(folder), attention=attention, head_heads=4, head_feedforward=16, hidden_dropout=0.0, attention_dropout=0.2
    )
    torch.manual_seed(1)
    model = BertSum.from_config(SavedConfig(settings, EncodingConfig(max_length=longest))).eval()
    encoder = model.document_encoder()
    texts = [["The council met on Monday.", "It rained."], [f"Sentence {n} is about the harbour." for n in range(60)]]
    rows = [{"input_ids": (e := encoder.encode(t)).input_ids, "cls_positions": e.cls_positions} for t in texts]
    assert 190 < len(rows[1]["input_ids"]) <= longest
    alone = [next(model.score([row]))[1] for row in rows]
    together = dict(model.score(rows, max_tokens_per_batch=10_000))
    for index, scores in enumerate(alone):
        assert torch.isfinite(scores).all()
        assert torch.allclose(scores, together[index], atol=1e-5)
    model.train()
    logits = model(**model.collate(rows).inputs())
    logits.sum().backward()
    unused = [name for name, parameter in model.named_parameters() if parameter.grad is None]
    assert not unused  # DDP would wait for them
    model.eval().save_pretrained(tmp_path / "saved")
    loaded = BertSum.from_pretrained(tmp_path / "saved")
    assert torch.equal(next(loaded.score([rows[1]]))[1], alone[1])


def test_longer_positions_are_copies_of_the_last(encoder_folder) -> None:
    settings = ModelConfig(str(encoder_folder))
    short, long = load_encoder(settings, 128), load_encoder(settings, 1024)
    table = long.embeddings.position_embeddings.weight
    assert table.shape == (1024, 32)
    assert torch.equal(table[:128], short.embeddings.position_embeddings.weight)
    assert (table[128:] == table[127]).all()


def test_too_long_for_positions_that_cannot_be_extended(tmp_path, tokenizer) -> None:
    folder = save_encoder(tmp_path / "m", tokenizer, "modernbert", **FAMILIES["modernbert"])
    with pytest.raises(BertsumError, match=r"encoding\.max_length: got 512, expected at most 256"):
        load_encoder(ModelConfig(str(folder)), 512)


def test_dropout(encoder_folder) -> None:
    encoder = load_encoder(ModelConfig(str(encoder_folder), hidden_dropout=0.3, attention_dropout=0.2), 128)
    assert (encoder.config.hidden_dropout_prob, encoder.config.attention_probs_dropout_prob) == (0.3, 0.2)
    assert encoder.embeddings.dropout.p == 0.3
    assert load_encoder(ModelConfig(str(encoder_folder)), 128).config.hidden_dropout_prob == 0.1


@pytest.mark.parametrize(("frozen", "layers"), [(False, 1), (False, 2), (True, 0)])
def test_freezing(encoder_folder, frozen, layers) -> None:
    settings = ModelConfig(str(encoder_folder), head_heads=4, freeze_encoder=frozen, freeze_layers=layers)
    model = BertSum.from_config(SavedConfig(settings))
    trained = {name.split(".")[0] for name, parameter in model.named_parameters() if parameter.requires_grad}
    stack = encoder_layers(model.encoder)
    assert "head" in trained
    assert ("encoder" in trained) == (not frozen and layers < 2)
    if layers:
        assert not any(p.requires_grad for p in stack[0].parameters())
        assert not any(p.requires_grad for p in model.encoder.embeddings.parameters())
    with pytest.raises(BertsumError, match="the encoder has 2 layers"):
        BertSum.from_config(SavedConfig(ModelConfig(str(encoder_folder), head_heads=4, freeze_layers=3)))


def test_names_that_do_not_exist(tmp_path) -> None:
    for load in (lambda name: load_encoder(ModelConfig(name), 128), load_tokenizer):
        with pytest.raises(BertsumError, match="model.encoder: 'no-such-model' cannot be loaded"):
            load("no-such-model")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BertsumError, match="not a complete encoder"):
        load_tokenizer(str(tmp_path / "empty"))


def test_folders_that_are_not_whole(tmp_path, encoder_folder, tokenizer, byte_tokenizer) -> None:
    def broken(name: str) -> Path:
        return Path(shutil.copytree(encoder_folder, tmp_path / name))

    renamed = broken("renamed")
    weights = load_file(renamed / "model.safetensors")
    save_file({f"foo.{name}": w for name, w in weights.items()}, renamed / "model.safetensors", {"format": "pt"})
    with pytest.raises(BertsumError, match="its weights lack embeddings"):
        load_encoder(ModelConfig(str(renamed)), 128)
    truncated = broken("truncated")
    (truncated / "model.safetensors").write_bytes((truncated / "model.safetensors").read_bytes()[:1000])
    with pytest.raises(BertsumError, match=r"model\.encoder"):
        load_encoder(ModelConfig(str(truncated)), 128)
    wordless = broken("wordless")
    (wordless / "tokenizer.json").unlink()
    with pytest.raises(BertsumError, match=r"none of tokenizer\.json"):
        load_tokenizer(str(wordless))
    small = save_encoder(tmp_path / "small", tokenizer, "bert", **{**FAMILIES["bert"], "vocab_size": 20})
    with pytest.raises(BertsumError, match="tokens, the encoder embeddings for 20"):
        BertSum.from_config(SavedConfig(ModelConfig(str(small), head_heads=4)))


def test_attention_that_an_encoder_does_not_have(tmp_path, tokenizer) -> None:
    folder = save_encoder(tmp_path / "d", tokenizer, "deberta-v2", **FAMILIES["deberta-v2"])
    with pytest.raises(BertsumError, match=r"model\.attention.*use eager"):
        load_encoder(ModelConfig(str(folder), attention="flash_attention_2"), 128)


def test_heads_that_do_not_divide(encoder_folder) -> None:
    with pytest.raises(BertsumError, match=r"model\.head_heads: got 5, expected a divisor"):
        BertSum.from_config(SavedConfig(ModelConfig(str(encoder_folder), head_heads=5)))


def test_an_encoder_of_another_kind(tmp_path, tokenizer) -> None:
    folder = save_encoder(tmp_path / "t5", tokenizer, "t5", d_model=16, num_layers=1, num_heads=2, d_kv=8, d_ff=16)
    with pytest.raises(BertsumError, match="not a BERT-like encoder"):
        load_encoder(ModelConfig(str(folder)), 64)


def test_minilm_without_its_package(monkeypatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert resolve_encoder("minilm") == "sentence-transformers/all-MiniLM-L6-v2"
    assert resolve_encoder("bert-base-uncased") == "bert-base-uncased"


@pytest.mark.parametrize("weights_alone", [False, True])
def test_a_checkpoint_that_has_changed_is_no_encoder(encoder_folder, tmp_path, weights_alone) -> None:
    build(encoder_folder).save_pretrained(tmp_path / "m")
    weights = tmp_path / "m" / "model.safetensors"
    written = bytearray(weights.read_bytes())
    written[-3000:-2000] = bytes(1000)
    weights.write_bytes(written)
    with pytest.raises(BertsumError, match=r"model\.safetensors is broken: it is not what was written"):
        load_encoder(ModelConfig(encoder=str(tmp_path / "m")), 64, weights_alone)
