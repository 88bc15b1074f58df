"""Schedules against their formulas; optimiser groups."""

from __future__ import annotations

import pytest
import torch
from conftest import all_kinds

from bertsum.config import Config, EncodingConfig, ModelConfig, TrainConfig
from bertsum.models.base import model_class
from bertsum.models.extractive import BertSum
from bertsum.models.seq2seq import BertSumAbs
from bertsum.models.storage import SavedConfig
from bertsum.training.distributed import ParallelModel, start_accelerator
from bertsum.training.optim import build_optimizer, schedule, set_learning_rate


@pytest.mark.parametrize("step", [1, 5000, 10_000, 50_000])
def test_noam_of_the_paper(step: int) -> None:
    train = Config.load("cnndm").train
    rate = train.learning_rate * schedule(train, step, train.max_steps or 0)
    assert rate == pytest.approx(2e-3 * min(step**-0.5, step * 10_000**-1.5), rel=1e-12)


def test_linear_cosine_constant() -> None:
    def rates(kind: str) -> list[float]:
        config = TrainConfig(schedule=kind, warmup_steps=2)  # type: ignore[arg-type]
        return [schedule(config, step, 6) for step in range(1, 8)]

    assert rates("linear") == pytest.approx([0.5, 1.0, 0.8, 0.6, 0.4, 0.2, 0.0])
    assert rates("constant") == [0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    cosine = rates("cosine")
    assert cosine[:2] == [0.5, 1.0]
    assert cosine == sorted(cosine[:2]) + sorted(cosine[2:], reverse=True)
    assert cosine[-1] == pytest.approx(0.0)
    assert schedule(TrainConfig(schedule="linear", warmup_steps=0), 1, 9) == pytest.approx(0.9)


def test_groups(encoder_folder) -> None:
    model = BertSum.from_config(
        SavedConfig(ModelConfig(str(encoder_folder), head_heads=4, freeze_layers=1), EncodingConfig(max_length=64))
    )
    train = TrainConfig(
        optimizer="adamw",
        learning_rate=1e-3,
        encoder_learning_rate=1e-4,
        weight_decay=0.1,
        schedule="constant",
        warmup_steps=10,
    )
    optimizer = build_optimizer(model, train)
    assert isinstance(optimizer, torch.optim.AdamW)
    assert {(group["peak"], group["weight_decay"]) for group in optimizer.param_groups} == {
        (1e-3, 0.1), (1e-3, 0.0), (1e-4, 0.1), (1e-4, 0.0)
    }  # fmt: skip
    trained = {id(p) for group in optimizer.param_groups for p in group["params"]}
    assert trained == {id(p) for p in model.parameters() if p.requires_grad}
    set_learning_rate(optimizer, train, 5, 10)
    assert {round(group["lr"], 9) for group in optimizer.param_groups} == {5e-5, 5e-4}


def test_layer_decay(encoder_folder) -> None:
    model = BertSum.from_config(SavedConfig(ModelConfig(str(encoder_folder), head_heads=4)))
    train = TrainConfig(learning_rate=1e-3, encoder_learning_rate=1e-4, layer_decay=0.5)
    rates = {id(p): group["peak"] for group in build_optimizer(model, train).param_groups for p in group["params"]}
    for prefix, rate in (
        ("head.", 1e-3), ("encoder.encoder.layer.1.", 1e-4), ("encoder.encoder.layer.0.", 5e-5),
        ("encoder.embeddings.", 2.5e-5),
    ):  # fmt: skip
        found = {rates[id(p)] for name, p in model.named_parameters() if name.startswith(prefix)}
        assert sorted(found) == pytest.approx([rate]), prefix


@pytest.mark.parametrize("kind", ["seq2seq"])
def test_two_schedules_in_the_paper(config_of) -> None:
    """The encoder's and the decoder's (1908.08345, section 4.2; the decoder's rate is that of the authors' command)."""
    model, train = BertSumAbs.for_training(config_of()), Config.load("cnndm-abs").train
    optimizer = build_optimizer(model, train)
    for step in (1, 10_000, 15_000, 50_000):
        set_learning_rate(optimizer, train, step, 200_000)
        rates = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
        for name, parameter in model.named_parameters():
            peak, warmup = (2e-3, 20_000) if name.startswith("encoder.") else (0.2, 10_000)
            expected = peak * min(step**-0.5, step * warmup**-1.5)
            assert rates[id(parameter)] == pytest.approx(expected, rel=1e-12), name


@all_kinds
@pytest.mark.parametrize("apart", [False, True])
def test_clipped_together_or_apart(config_of, kind, apart) -> None:
    config = config_of()
    model = model_class(kind).for_training(config)
    with start_accelerator(config) as accelerator:
        parallel = ParallelModel(accelerator, model, config.train)
        before = {}
        for name, parameter in model.named_parameters():
            parameter.grad = torch.randn_like(parameter) * (0.1 if name.startswith("encoder.") else 1e-4)
            before[name] = parameter.grad.clone()
        whole = torch.cat([gradient.flatten() for gradient in before.values()]).norm().item()
        assert parallel.clip_gradients(0.5, apart) == pytest.approx(whole, rel=1e-4)
    for encoder in (True, False):
        parts = {name for name in before if name.startswith("encoder.") is encoder}
        own = torch.cat([before[name].flatten() for name in parts]).norm().item()
        factor = min(1.0, 0.5 / (own if apart else whole))
        for name, parameter in model.named_parameters():
            if name in parts:
                assert torch.allclose(parameter.grad, before[name] * factor, rtol=1e-3), name


def test_one_group_in_the_paper(encoder_folder) -> None:
    model = BertSum.from_config(SavedConfig(ModelConfig(str(encoder_folder), head_heads=4)))
    optimizer = build_optimizer(model, Config.load("cnndm").train)
    assert type(optimizer) is torch.optim.Adam
    assert len(optimizer.param_groups) == 1
    assert optimizer.defaults["betas"] == (0.9, 0.999)
    assert optimizer.defaults["eps"] == 1e-9
