"""Smaller models made of a trained one: fewer layers, fewer attention heads and feed-forward units."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
import transformers

import bertsum
from bertsum.compression.compress import Cut, compress, to_eight_bits, to_small_file
from bertsum.compression.layers import evenly, keep_layers
from bertsum.compression.measured import compare_models, equal_summaries
from bertsum.compression.prune import Importance, measure_importance, prune
from bertsum.compression.quantize import quantize, simulated
from bertsum.config import Config
from bertsum.device import has_int8_linear, in_steps, int8_linear
from bertsum.encoders.int8 import add_channels, in_eight_bits
from bertsum.encoders.pruned import head_size
from bertsum.errors import BertsumError
from bertsum.files import read_json_lines
from bertsum.models.base import Model
from bertsum.models.extractive import BertSum
from tests.models import build, rows_of

DOCUMENTS = [
    ["The bridge closed on Monday .", "Repairs take a week .", "Boats pass below it ."],
    ["A fox crossed the road .", "Nobody saw it ."],
]


@pytest.fixture
def model(encoder_folder: Path) -> BertSum:
    """A small model whose biases and norms are random too, so that each weight matters."""
    model = build(encoder_folder)
    torch.manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            weight += 0.2 * torch.randn_like(weight)
    return model


@pytest.fixture
def rows(model: BertSum) -> list[dict[str, Any]]:
    rows = rows_of(model, DOCUMENTS)
    return [{**row, "labels": [1.0, *[0.0] * (len(row["cls_positions"]) - 1)]} for row in rows]


def logits(model: Model, rows: list[dict[str, Any]]) -> torch.Tensor:
    assert isinstance(model, BertSum)
    with torch.no_grad():
        return torch.cat([values for _, values in sorted(model.score(rows), key=lambda scored: scored[0])])


def reread(model: Model, folder: Path, only_score: bool) -> Model:
    model.save_pretrained(folder)
    return Model.from_pretrained(folder, only_score=only_score)


@pytest.mark.parametrize(
    ("layers", "count", "expected"),
    [(6, 3, [0, 2, 5]), (6, 4, [0, 2, 3, 5]), (12, 6, [0, 2, 4, 7, 9, 11]), (6, 1, [5])],
)
def test_layers_are_chosen_evenly(layers: int, count: int, expected: list[int]) -> None:
    assert evenly(layers, count) == expected


def test_a_model_of_fewer_layers_reads_with_just_those(
    model: BertSum, rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    smaller = keep_layers(model, 1)
    assert len(smaller.encoder.encoder.layer) == 1 and len(model.encoder.encoder.layer) == 2
    skipped = deepcopy(model)  # a layer whose parts add nothing and whose norms pass their input on
    first = skipped.encoder.encoder.layer[0]
    five = int(transformers.__version__.split(".")[0]) >= 5
    first.forward = lambda hidden, *_, **__: hidden if five else (hidden,)
    skipped.reader.packs = False
    expected = logits(skipped, rows)
    assert not torch.allclose(logits(model, rows), expected, atol=1e-3)
    for only_score in (False, True):
        read = reread(smaller, tmp_path / str(only_score), only_score)
        assert torch.allclose(logits(read, rows), expected, atol=1e-5)


@pytest.mark.parametrize("count", [0, 2, 7])
def test_as_many_layers_as_the_encoder_has_are_an_error(model: BertSum, count: int) -> None:
    with pytest.raises(BertsumError, match=rf"--layers: got {count}, expected 1 to 1"):
        keep_layers(model, count)


def test_importance_is_the_derivative_of_the_loss(model: BertSum, rows: list[dict[str, Any]]) -> None:
    found = measure_importance(model, rows[:1])
    size, step = head_size(model.encoder.config), 1e-2

    def loss_with(layer: int, part: str, columns: slice, factor: float) -> float:
        changed = deepcopy(model)
        with torch.no_grad():
            block = changed.encoder.encoder.layer[layer]
            linear = block.attention.output.dense if part == "heads" else block.output.dense
            linear.weight[:, columns] *= factor
            batch = changed.collate(rows[:1])
            return (changed.loss(changed(**batch.inputs()), batch) / batch.units).item()

    for layer in (0, 1):
        for part, each in (("heads", size), ("units", 1)):
            values = getattr(found, part)[layer]
            slopes = torch.tensor(
                [
                    abs(
                        loss_with(layer, part, slice(place * each, (place + 1) * each), 1 + step)
                        - loss_with(layer, part, slice(place * each, (place + 1) * each), 1 - step)
                    )
                    for place in range(len(values))
                ]
            )
            assert torch.allclose(values, slopes / slopes.norm(), atol=0.02)


def test_what_is_pruned_is_what_matters_least(model: BertSum, rows: list[dict[str, Any]], tmp_path: Path) -> None:
    size = head_size(model.encoder.config)
    with torch.no_grad():  # a head of each layer, and a part of the units, have no effect
        for number, layer in enumerate(model.encoder.encoder.layer):
            layer.attention.output.dense.weight[:, number * size : (number + 1) * size] = 0
            layer.output.dense.weight[:, 3:19] = 0
    importance = measure_importance(model, rows)
    heads, units = len(importance.heads[0]), len(importance.units[0])
    smaller = prune(model, importance, heads=1 - 1 / heads, feedforward=1 - 16 / units)
    kept = smaller.encoder.config.kept
    assert kept == {"heads": [heads - 1] * 2, "feedforward": [units - 16] * 2}
    assert sum(p.numel() for p in smaller.parameters()) < sum(p.numel() for p in model.parameters())
    expected = logits(model, rows)
    assert torch.allclose(logits(smaller, rows), expected, atol=1e-5)
    for only_score in (False, True):
        read = reread(smaller, tmp_path / str(only_score), only_score)
        assert torch.allclose(logits(read, rows), expected, atol=1e-5)
    padded = reread(smaller, tmp_path / "padded", only_score=False)
    padded.reader.packs = False
    assert torch.allclose(logits(padded, rows), expected, atol=1e-5)


def test_every_layer_keeps_a_head(model: BertSum) -> None:
    importance = Importance(
        [torch.tensor([0.9, 0.8, 0.7, 0.6]), torch.tensor([0.1, 0.2, 0.1, 0.1])],
        [torch.ones(len(layer.intermediate.dense.weight)) for layer in model.encoder.encoder.layer],
    )
    smaller = prune(model, importance, heads=0.5)
    assert smaller.encoder.config.kept["heads"] == [4, 1]
    assert torch.equal(
        smaller.encoder.encoder.layer[1].attention.self.query.weight,
        model.encoder.encoder.layer[1].attention.self.query.weight[head_size(model.encoder.config) :][
            : head_size(model.encoder.config)
        ],
    )


def test_a_pruned_model_loses_layers_too(model: BertSum, rows: list[dict[str, Any]], tmp_path: Path) -> None:
    importance = measure_importance(model, rows)
    smaller = keep_layers(prune(model, importance, heads=0.5, feedforward=0.5), 1)
    assert torch.allclose(logits(reread(smaller, tmp_path, True), rows), logits(smaller, rows), atol=1e-6)


@pytest.mark.parametrize(
    ("kept", "message"),
    [
        ({"heads": [1], "feedforward": [16, 16]}, "kept.heads: got .1., expected a number for each of 2 layers"),
        ({"heads": [1, 99], "feedforward": [16, 16]}, "kept.heads: got .1, 99., expected whole numbers from 1 to"),
        ({"heads": [1, 1]}, "expected heads and feedforward"),
    ],
)
def test_sizes_that_do_not_fit_are_told(model: BertSum, tmp_path: Path, kept: dict[str, Any], message: str) -> None:
    model.encoder.config.kept = kept
    model.save_pretrained(tmp_path, card=False)
    for only_score in (False, True):
        with pytest.raises(BertsumError, match=message):
            Model.from_pretrained(tmp_path, only_score=only_score)


def smaller_run(trained_run: tuple[Config, bertsum.TrainResult], folder: Path, *overrides: str) -> Config:
    names = [f"output_dir={folder}", "name=smaller", "train.epochs=null", "train.max_steps=3", *overrides]
    return Config.load(trained_run[0].run_dir / "config.yaml", names)


def test_a_cut_model_learns_the_larger_ones_scores(
    trained_run: tuple[Config, bertsum.TrainResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ("data.detokenized=0.5", "train.loss=listwise", "selection.candidates=4")
    monkeypatch.setattr("bertsum.training.train.LEAST_DOCUMENTS", 1)
    monkeypatch.setattr("bertsum.evaluation.fitting.LEAST_DOCUMENTS", 1)
    larger, config = trained_run[1].checkpoint, smaller_run(trained_run, tmp_path, *options)
    cut = Cut(layers=1, heads=0.5, feedforward=0.5, measured_on=5)
    with monkeypatch.context() as broken:  # killed while it trains, after an update that is saved
        broken.setattr("bertsum.training.loop.Trainer.fit", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            compress(larger, config, cut)
    begun = {path: path.stat().st_mtime_ns for path in (tmp_path / "smaller").rglob("*") if path.is_file()}
    comparison = compress(larger, config, cut)
    kept = [path for path, changed in begun.items() if path.is_file() and path.stat().st_mtime_ns == changed]
    assert {"start", "teacher"} <= {path.relative_to(tmp_path / "smaller").parts[0] for path in kept}

    taught = list(read_json_lines(tmp_path / "smaller" / "teacher" / "eval" / "train" / "predictions.jsonl"))
    said = Config.load(tmp_path / "smaller" / "config.yaml", [])
    # the same file is train and validation
    assert said.data.labels == "teacher" and len(taught) == comparison.documents
    model = Model.from_pretrained(tmp_path / "smaller" / "best")
    assert len(model.encoder.encoder.layer) == 1
    assert model.config.scores == "sigmoid"  # probabilities stay probabilities, whatever the config's loss
    assert comparison.smaller.parameters == sum(weight.numel() for weight in model.parameters())
    assert comparison.smaller.parameters < comparison.original.parameters
    assert comparison.smaller.bytes < comparison.original.bytes
    assert comparison.speed > 0 and 0 <= comparison.equal <= 1
    assert set(comparison.differences) == {"rouge1", "rouge2", "rougeL"}
    assert "equal summaries" in str(comparison) and "was fitted on these documents" in str(comparison)
    assert bertsum.Summarizer(model)("The bridge closed on Monday. Boats pass below it.").sentences


def test_an_equal_model_has_equal_summaries(trained_run: tuple[Config, bertsum.TrainResult], tmp_path: Path) -> None:
    larger = trained_run[1].checkpoint
    comparison = compare_models(smaller_run(trained_run, tmp_path), larger, larger, timed=2, pairs=1)
    assert comparison.equal == 1 and comparison.original == comparison.smaller
    assert all(difference.mean == 0 for difference in comparison.differences.values())
    lines = (tmp_path / "smaller" / "eval" / "validation" / "predictions.jsonl").read_text().splitlines()
    changed = tmp_path / "changed.jsonl"
    changed.write_text("\n".join([json.dumps({**json.loads(lines[0]), "summary": ["Another."]}), *lines[1:]]))
    expected = 1 - 1 / len(lines)
    assert equal_summaries(tmp_path / "smaller/eval/validation/predictions.jsonl", changed) == pytest.approx(expected)


def test_another_cut_does_not_go_on_in_the_same_folder(
    trained_run: tuple[Config, bertsum.TrainResult], tmp_path: Path
) -> None:
    config = smaller_run(trained_run, tmp_path)
    (start := tmp_path / "smaller" / "start").mkdir(parents=True)
    (start / "made_of.json").write_text('{"layers": 2}')
    with pytest.raises(BertsumError, match="was made of another model or cut in another way"):
        compress(trained_run[1].checkpoint, config, Cut(layers=1))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "nothing to cut; expected --layers, --heads or --feedforward"),
        ({"heads": 0.0}, "--heads: got 0.0, expected a share above 0"),
        ({"feedforward": 1.5}, "--feedforward: got 1.5, expected a share above 0 and up to 1"),
    ],
)
def test_cuts_that_make_no_sense_are_told(values: dict[str, Any], message: str) -> None:
    with pytest.raises(BertsumError, match=message):
        Cut(**values)


@pytest.mark.parametrize("make", [lambda *given: compress(*given, Cut(layers=1)), to_eight_bits])
def test_an_encoder_alone_is_refused(make: Any, encoder_folder: Path, tmp_path: Path) -> None:
    values = {"model": {"kind": "masked_lm", "encoder": str(encoder_folder)}, "encoding": {"max_length": 64}}
    values |= {"evaluation": {"metrics": ["perplexity"]}, "output_dir": str(tmp_path), "train": {"max_steps": 1}}
    config = Config.from_dict(values)
    bertsum.MaskedLM.for_training(config).save_pretrained(tmp_path / "encoder")
    with pytest.raises(BertsumError, match="model.kind masked_lm, which makes no summaries to compare"):
        make(tmp_path / "encoder", config)


def test_a_model_in_eight_bits(model: BertSum, rows: list[dict[str, Any]], tmp_path: Path) -> None:
    with torch.no_grad():  # a channel with large values, as trained encoders have them
        model.encoder.encoder.layer[0].output.LayerNorm.weight[3] *= 20
    smaller = quantize(model, rows, lambda _: [])
    names = [name for name in smaller.encoder.config.int8 if name.startswith("encoder.")]
    assert len(names) == 12 and "embeddings.word_embeddings" in smaller.encoder.config.int8
    expected = logits(model, rows)
    exact = logits(simulated(smaller), rows)
    assert not torch.equal(exact, expected)
    assert torch.nn.functional.cosine_similarity(exact, expected, dim=0) > 0.99
    whole = safetensors.torch.load_file(_saved(smaller, tmp_path / "int8") / "model.safetensors")
    assert {whole[f"encoder.{name}.weight"].dtype for name in smaller.encoder.config.int8} == {torch.int8}
    sizes = [
        (folder / "model.safetensors").stat().st_size
        for folder in (tmp_path / "int8", _saved(model, tmp_path / "whole"))
    ]
    assert sizes[0] < 0.6 * sizes[1]
    for only_score in (False, True):
        read = Model.from_pretrained(tmp_path / "int8", only_score=only_score)
        assert all(
            torch.allclose(a, b, atol=1e-6) for a, b in zip(read.parameters(), smaller.parameters(), strict=True)
        )
        assert torch.allclose(logits(read, rows), logits(smaller, rows), atol=1e-5)
    if has_int8_linear():
        assert torch.allclose(logits(smaller, rows), exact, atol=1e-3)


def test_a_file_in_eight_bits(model: BertSum, rows: list[dict[str, Any]], tmp_path: Path) -> None:
    """Matrices as whole numbers, all else in half precision; read and written again, it stays as it is."""
    small = deepcopy(model)
    small.encoder.config.int8_file = True
    there = safetensors.torch.load_file(_saved(small, tmp_path / "small") / "model.safetensors")
    for name, weight in model.state_dict().items():
        if weight.ndim == 2:
            assert there[name].dtype == torch.int8
            step = weight.abs().amax(dim=1, keepdim=True) / 127
            restored = there[name].float() * there[f"{name.removesuffix('weight')}weight_scale"][:, None]
            assert ((restored - weight).abs() <= 0.51 * step).all()
        elif weight.is_floating_point():
            assert torch.equal(there[name], weight.half())
    for only_score in (False, True):
        read = Model.from_pretrained(tmp_path / "small", only_score=only_score)
        assert all(weight.dtype == torch.float32 for weight in read.parameters())
        assert torch.nn.functional.cosine_similarity(logits(read, rows), logits(model, rows), dim=0) > 0.999
        again = safetensors.torch.load_file(_saved(read, tmp_path / f"again-{only_score}") / "model.safetensors")
        assert again.keys() == there.keys()
        assert all(torch.equal(again[name], there[name]) for name in there if there[name].dtype != torch.float32)


@pytest.mark.parametrize("entry", [{"int8_file": True}, {"int8": ["encoder.layer.0.intermediate.dense"]}])
def test_training_is_in_floating_point(model: BertSum, tmp_path: Path, entry: dict[str, Any]) -> None:
    """A step of training is smaller than eight bits can hold, and a resumed training must find it."""
    for name, value in entry.items():
        setattr(model.encoder.config, name, value)
    add_channels(model.encoder)
    start = str(_saved(model, tmp_path / "small"))
    before = Model.from_pretrained(start)
    values = {"model": {**asdict(model.config.model), "encoder": start}, "encoding": asdict(model.config.encoding)}
    values |= {"train": {"start_from": start, "max_steps": 1}, "output_dir": str(tmp_path)}
    trained = BertSum.for_training(Config.from_dict(values))
    there = dict(before.named_parameters())
    assert all(torch.allclose(weight, there[name], atol=1e-6) for name, weight in trained.named_parameters())
    with torch.no_grad():
        for weight in trained.parameters():
            weight += 1e-6 * weight.abs().amax()
    read = Model.from_pretrained(_saved(trained, tmp_path / "trained"))
    assert all(torch.equal(a, b) for a, b in zip(read.parameters(), trained.parameters(), strict=True))


def test_the_card_of_a_model_in_eight_bits_tells_its_results(
    trained_run: tuple[Config, bertsum.TrainResult], tmp_path: Path
) -> None:
    compared = to_small_file(trained_run[1].checkpoint, smaller_run(trained_run, tmp_path))
    assert compared.smaller.bytes < 0.4 * compared.original.bytes
    assert compared.smaller.parameters == compared.original.parameters
    card = str(Model.from_pretrained(tmp_path / "smaller" / "best").generate_model_card())
    assert f"{compared.differences['rouge1'].b:.2f}" in card


def _saved(model: Model, folder: Path) -> Path:
    model.save_pretrained(folder)
    return folder


def test_projections_that_change_summaries_stay_as_they_are(model: BertSum, rows: list[dict[str, Any]]) -> None:
    """Summaries that are equal only without a projection in eight bits that harms."""
    asked = []

    def summaries(one: Model) -> list[int]:
        marked = [name for name in getattr(one.encoder.config, "int8", []) if name.startswith("encoder.")]
        asked.append(len(marked))
        return [max(0, len(marked) - 5)]

    smaller = quantize(model, rows, summaries)
    kept = len(smaller.encoder.config.int8) - 1
    assert 3 <= kept <= 5  # another group of one to three projections would make six
    assert asked[0] == 0 and kept in asked and len(asked) <= 1 + 4
    with pytest.raises(BertsumError, match=r"changes 100.0% of 1 summaries, expected at most 1.0% \(--equal 0.99\)"):
        quantize(model, rows, lambda one: [hasattr(one.encoder.config, "int8")])
    with pytest.raises(BertsumError, match="--equal: got 1.5, expected a share from 0 to 1"):
        to_eight_bits("nowhere", Config(), equal=1.5)


def test_products_in_eight_bits_are_those_of_whole_numbers() -> None:
    if not has_int8_linear():
        pytest.skip("this processor has no instructions for products in int8")
    torch.manual_seed(0)
    weight, bias, channels = torch.randn(24, 40), torch.randn(24), torch.rand(40) + 0.5
    vectors = 10 * torch.randn(7, 40) + 5
    whole, scale = in_eight_bits(weight * channels)
    numbers, step, least = in_steps(vectors / channels)
    products = (numbers.long() @ whole.long().T).double() * step
    expected = (products + least.double() * whole.long().sum(dim=1)) * scale + bias
    found = int8_linear(whole, scale, bias, channels)(vectors)
    assert torch.allclose(found.double(), expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(
    ("int8", "message"),
    [
        (["encoder.layer.9.output.dense"], "the encoder has no module"),
        (["encoder.layer.0.output.LayerNorm"], "is a LayerNorm, expected a linear module or embeddings"),
        ("all", "expected a list of names"),
    ],
)
def test_modules_that_cannot_be_in_eight_bits_are_told(model: BertSum, tmp_path: Path, int8: Any, message: str) -> None:
    model.save_pretrained(tmp_path)
    described = json.loads((tmp_path / "config.json").read_text())
    described["encoder"]["int8"] = int8
    (tmp_path / "config.json").write_text(json.dumps(described))
    for only_score in (False, True):
        with pytest.raises(BertsumError, match=message):
            Model.from_pretrained(tmp_path, only_score=only_score)
