"""Every encoder family of transformers that has a fast tokenizer works, or is refused by name."""

from __future__ import annotations

import itertools
import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from conftest import ROOT, comparable_metrics, sentences_of, write_jsonl
from families import LONGEST, REFUSED, WORKS, save_tiny, works_row
from transformers import AutoModel, EsmTokenizer, PreTrainedTokenizerFast
from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES
from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES
from transformers.models.auto.tokenization_auto import TOKENIZER_MAPPING_NAMES, tokenizer_class_from_name

import bertsum
from bertsum.compression.onnx import export_onnx
from bertsum.config import Config, EncodingConfig, ModelConfig, TrainConfig
from bertsum.encoders.check import check_encoder
from bertsum.encoders.load import load_tokenizer
from bertsum.encoders.tensors import read_tensors
from bertsum.models.extractive import BertSum
from bertsum.models.storage import SavedConfig
from bertsum.runs import Run
from bertsum.training import distributed
from bertsum.training.optim import build_optimizer

DOC = (ROOT / "docs" / "encoders.md").read_text(encoding="utf-8")
FAMILIES = {**WORKS, **REFUSED}
HEAD = {"head_heads": 4, "head_feedforward": 16, "head_layers": 1}


# These stand for all: with shared layers, relative positions, shorter sequences in between, local attention,
# recurrence, experts. The others run with --slow.
STANDING = ("albert", "bert", "deberta-v2", "funnel", "longformer", "modernbert", "xlnet", "openai_privacy_filter")


def known(families: dict[str, Any]) -> list[Any]:
    """Those that the installed version of transformers has."""
    standing = (*STANDING, *REFUSED)
    return [
        pytest.param(family, marks=() if family in standing else pytest.mark.slow)
        for family in families
        if family in CONFIG_MAPPING_NAMES
    ]


@pytest.fixture(scope="module")
def made(tmp_path_factory, tokenizer):
    """The folder of a tiny encoder of a family, made once."""
    folder = tmp_path_factory.mktemp("families")

    def make(family: str) -> Path:
        if not (folder / family).is_dir():
            save_tiny(folder / family, family, tokenizer, FAMILIES[family])
        return folder / family

    return make


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Path:
    """Where all families find their training documents prepared: they have one tokenizer."""
    folder = tmp_path_factory.mktemp("documents")
    draw = random.Random(0)
    documents = [sentences_of(draw, draw.randint(2, 5)) for _ in range(6)]
    records = [{"id": str(n), "document": texts, "summary": texts[1]} for n, texts in enumerate(documents)]
    write_jsonl(folder / "train.jsonl", records)
    return folder


def rows_of(model: BertSum) -> list[dict]:
    """A short document, one of LONGEST tokens, and one between them."""
    encoder = model.document_encoder()
    draw = random.Random(1)
    encodings = [encoder.encode(sentences_of(draw, count)) for count in (2, 80, 9)]
    return [{"input_ids": e.input_ids, "cls_positions": e.cls_positions} for e in encodings]


@pytest.mark.parametrize("family", known(WORKS))
def test_scores_alone_in_a_batch_in_bf16_and_saved(family, made, tmp_path) -> None:
    settings = ModelConfig(str(made(family)), **HEAD)
    torch.manual_seed(1)
    model = BertSum.from_config(SavedConfig(settings, EncodingConfig(max_length=LONGEST))).eval()
    rows = rows_of(model)
    assert len(rows[1]["input_ids"]) == LONGEST
    alone = [next(model.score([row]))[1] for row in rows]
    together = dict(model.score(rows, max_tokens_per_batch=10_000))
    mixed = dict(model.score(rows, max_tokens_per_batch=10_000, precision="bf16"))
    for index, scores in enumerate(alone):
        assert torch.isfinite(scores).all()
        assert torch.allclose(scores, together[index], atol=1e-5)
        close = (scores.sigmoid() - mixed[index].sigmoid()).abs() < 0.05
        assert close.float().mean() > 0.9  # in bf16 a mixture of experts may send a token to another one
    assert alone[1].std() > 0.01  # sentences are told apart
    model.save_pretrained(tmp_path / "saved", card=False)
    loaded = BertSum.from_pretrained(tmp_path / "saved")
    assert torch.equal(next(loaded.score([rows[1]]))[1], alone[1])
    assert works_row(family, model.encoder) in DOC
    model.train()
    model(**model.collate(rows).inputs()).sum().backward()
    without = [name for name, weight in model.named_parameters() if weight.requires_grad and weight.grad is None]
    assert not without or getattr(model.encoder.config, "layerdrop", 0.0)  # DDP would wait for them


@pytest.mark.parametrize("family", known(WORKS))
def test_training_and_resuming_in_bf16(family, made, prepared, tmp_path) -> None:
    def run(name: str, steps: int) -> Path:
        options = {
            "name": name, "output_dir": tmp_path / "runs", "data.prepared_dir": prepared / "prepared",
            "data.train": prepared / "train.jsonl", "data.workers": 1, "model.encoder": made(family),
            "encoding.max_length": 48, "train.max_tokens_per_batch": 64, "train.max_steps": steps,
            "train.schedule": "constant", "train.warmup_steps": 0, "train.learning_rate": 1e-3, "train.log_every": 1,
            "train.precision": "bf16", "tracking.trackers": "[]",
            **{f"model.{field}": value for field, value in HEAD.items()},
        }  # fmt: skip
        config = Config.load(None, [f"{field}={value}" for field, value in options.items()])
        assert bertsum.train(config).step == steps
        return config.run_dir

    straight = run("straight", 2 if family in STANDING else 1)
    final = read_tensors(Run(straight).last_checkpoint() / "model.safetensors")
    begun = BertSum.from_config(SavedConfig(ModelConfig(str(made(family)), **HEAD))).encoder.state_dict()
    assert any(not torch.equal(tensor, final[f"encoder.{name}"]) for name, tensor in begun.items())
    assert all(bool(torch.isfinite(tensor).all()) for tensor in final.values())
    if family not in STANDING:  # whether it resumes to the same bits is a matter of the loop, hardly of the encoder
        return
    interrupted = run("interrupted", 1)
    run("interrupted", 2)
    for file in ("model.safetensors", "state/tensors.safetensors"):
        one, other = (read_tensors(Run(folder).last_checkpoint() / file) for folder in (straight, interrupted))
        assert one.keys() == other.keys()
        for name, tensor in one.items():
            assert torch.equal(tensor, other[name]), name
    assert comparable_metrics(straight) == comparable_metrics(interrupted)


@pytest.mark.parametrize("family", known(REFUSED))
def test_refused_by_name(family, made) -> None:
    settings = ModelConfig(str(made(family)), **HEAD)
    with pytest.raises(bertsum.BertsumError, match=rf"model\.encoder: .*\b{family}\b.* expected"):
        BertSum.from_config(SavedConfig(settings, EncodingConfig(max_length=128)))
    assert f"| `{family}` |" in DOC


def test_every_encoder_with_a_fast_tokenizer_is_here() -> None:
    encoders = {family for family in MODEL_FOR_MASKED_LM_MAPPING_NAMES if has_fast_tokenizer(family)}
    assert encoders <= FAMILIES.keys()


def has_fast_tokenizer(family: str) -> bool:
    name = TOKENIZER_MAPPING_NAMES.get(family)
    kind = tokenizer_class_from_name(name) if isinstance(name, str) else None
    return kind is not None and issubclass(kind, PreTrainedTokenizerFast)


def test_a_tokenizer_that_is_not_fast(tmp_path) -> None:
    (tmp_path / "vocab.txt").write_text("<cls>\n<pad>\n<eos>\n<unk>\nA\nB\n<mask>\n")
    EsmTokenizer(str(tmp_path / "vocab.txt")).save_pretrained(tmp_path)
    with pytest.raises(bertsum.BertsumError, match=r"EsmTokenizer, which is not a fast tokenizer; expected"):
        load_tokenizer(str(tmp_path))


@pytest.mark.parametrize("family", ["albert", "xlm"])
def test_what_needs_a_list_of_layers(family, made) -> None:
    def make(**settings: Any) -> BertSum:
        return BertSum.from_config(SavedConfig(ModelConfig(str(made(family)), **HEAD, **settings)))

    with pytest.raises(bertsum.BertsumError, match=rf"model\.freeze_layers: encoder type {family} .* expected 0"):
        make(freeze_layers=1)
    with pytest.raises(bertsum.BertsumError, match=rf"model\.adapters: encoder type {family} .* expected null"):
        make(adapters=2)
    with pytest.raises(bertsum.BertsumError, match=rf"train\.layer_decay: encoder type {family} .* expected 1\.0"):
        build_optimizer(make(), TrainConfig(layer_decay=0.9))
    with pytest.raises(bertsum.BertsumError, match=r"model\.adapters: encoder type squeezebert has no linear layers"):
        BertSum.from_config(SavedConfig(ModelConfig(str(made("squeezebert")), **HEAD, adapters=2)))


def test_adapters_only_where_they_learn(made) -> None:
    settings = ModelConfig(str(made("longformer")), **HEAD, adapters=2)
    model = BertSum.from_config(SavedConfig(settings, EncodingConfig(max_length=LONGEST)))
    model(**model.collate(rows_of(model)).inputs()).sum().backward()
    trained = {name: weight.grad for name, weight in model.named_parameters() if weight.requires_grad}
    assert sum("lora_A" in name for name in trained) == 2 * 6  # two layers; query, key, value, and three others
    assert all(gradient is not None for gradient in trained.values())


def test_where_documents_cannot_be_read_one_by_one(made, tmp_path) -> None:
    model = BertSum.from_config(SavedConfig(ModelConfig(str(made("fnet")), **HEAD)))
    with pytest.raises(bertsum.BertsumError, match=r"train\.fsdp: .* encoder type fnet, which reads documents one by"):
        distributed._shard(model, SimpleNamespace(), "fp32")
    pytest.importorskip("onnx")
    with pytest.raises(bertsum.BertsumError, match="export: encoder type fnet reads documents one by one"):
        export_onnx(model, tmp_path / "onnx")


def test_vectors_that_depend_on_what_was_read_before(made) -> None:
    encoder = AutoModel.from_pretrained(made("electra"))
    passes = itertools.count(1)

    def grow(_: Any, __: Any, output: Any) -> Any:
        return type(output)(last_hidden_state=output.last_hidden_state * next(passes))

    encoder.register_forward_hook(grow)
    with pytest.raises(bertsum.BertsumError, match="electra gives one document other vectors the second time"):
        check_encoder(encoder, ModelConfig(), 48)
