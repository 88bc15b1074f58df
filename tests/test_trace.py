"""Updates as the authors' code makes them: losses, rates, gradient norms and weights of three updates."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from conftest import needs_shared
from golden_abs import FOLDER, authors_weights, golden, read

from bertsum.config import TrainConfig
from bertsum.models.seq2seq import BertSumAbs
from bertsum.training.distributed import ParallelModel
from bertsum.training.optim import set_learning_rate

pytestmark = needs_shared
TRACES = golden("trace") if FOLDER.is_dir() else []


def train_config(options: dict) -> TrainConfig:
    """The authors' options as a section of a config."""
    apart = options["sep_optim"]
    return TrainConfig(
        optimizer="adam", eps=1e-9, beta1=options["beta1"], beta2=options["beta2"], schedule="noam",
        learning_rate=options["lr_dec" if apart else "lr"],
        warmup_steps=options["warmup_steps_dec" if apart else "warmup_steps"],
        encoder_learning_rate=options["lr_bert"] if apart else None,
        encoder_warmup_steps=options["warmup_steps_bert"] if apart else None,
        max_grad_norm=options["max_grad_norm"] or None, clip_apart=apart, accumulation=options["accum_count"],
        loss_reduction="token", label_smoothing=options["label_smoothing"],
    )  # fmt: skip


def batches(model: BertSumAbs, documents: list[dict], groups: list[list[int]]) -> list:
    rows = [
        {"input_ids": one["src"], "cls_positions": one["clss"], "target_ids": one["tgt"]} for one in documents
    ]  # fmt: skip
    return [model.collate([rows[number] for number in group]) for group in groups]


def figures(weight: torch.Tensor, start: torch.Tensor) -> list[float]:
    """What the reference keeps of a weight."""
    flat = weight.detach().double().flatten()
    change = (weight - start).detach().double().norm().item()
    places = (0, len(flat) // 2, -1)
    return [flat.sum().item(), flat.norm().item(), change, *(flat[place].item() for place in places)]


@pytest.mark.parametrize("trace", TRACES, ids=[trace["title"] for trace in TRACES])
def test_updates(trace, tmp_path, monkeypatch) -> None:
    options, start = trace["options"], trace["start"].removesuffix(".pt")
    train = train_config(options)
    model = read(start, tmp_path)
    for name in ("hidden_dropout_prob", "attention_probs_dropout_prob"):
        setattr(model.encoder.config, name, 0.0)
    for part in (model.decoder, *model.decoder.layers):
        for name in ("dropout", "probability"):
            if hasattr(part, name):
                setattr(part, name, 0.0)
    model.label_smoothing = train.label_smoothing
    if model.config.model.freeze_encoder:
        model.encoder.requires_grad_(False)
    before = {name: weight.detach().clone() for name, weight in authors_weights(model).items()}
    parallel = ParallelModel(Accelerator(cpu=True), model, train)
    model.train()
    for step in trace["steps"]:
        update = batches(model, golden(start)["docs"], step["documents"])
        units = sum(batch.units for batch in update)
        assert units == step["normalization"]
        losses = [model.loss(parallel(**batch.inputs()), batch) for batch in update]
        for loss in losses:
            parallel.backward(loss / units)
        assert sum(losses).item() == pytest.approx(step["loss_sum"], abs=1e-4)
        norm = parallel.clip_gradients(train.max_grad_norm or math.inf, train.clip_apart)
        expected = [one["grad_norm_before_clip"] for one in step["optimisers"]]
        assert norm == pytest.approx(np.hypot.reduce(expected), rel=1e-4)
        number = step["optimisers"][0]["_step"]
        set_learning_rate(parallel.optimizer, train, number, 0)
        rates = {group["lr"] for group in parallel.optimizer.param_groups}
        learns = [one["lr"] for one in step["optimisers"] if one["params_with_grad"]]
        assert sorted(rates) == pytest.approx(sorted(learns), rel=1e-12)
        parallel.step()
        parallel.optimizer.zero_grad()
        if step["parameters"] is None:
            continue
        weights = authors_weights(model)
        for name, wanted in step["parameters"].items():
            if wanted is None or name.endswith(("key.bias", "keys.bias")):  # their gradient is rounding noise
                continue
            if "pooler" in name:
                continue
            assert figures(weights[name], before[name]) == pytest.approx(wanted, abs=3e-5, rel=1e-5), name
