"""Losses of sentences: against plain loops, over batches and windows, and what scores mean after each."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import pytest
import torch
from conftest import comparable_metrics, write_jsonl
from torch.nn import functional as F

import bertsum
from bertsum.config import Config, TrainConfig
from bertsum.data.prepare import prepare
from bertsum.models.contract import PredictOptions
from bertsum.models.extractive import BertSum
from bertsum.models.losses import LOSSES, balanced_weights, cross_entropy, focal, listwise
from bertsum.models.storage import read_model

SETTINGS = {
    "cross_entropy": {},
    "weighted": {"positive_weight": 4.0},
    "balanced": {"positive_weight": "balanced"},
    "focal": {"loss": "focal"},
    "focal balanced": {"loss": "focal", "positive_weight": "balanced", "focal_gamma": 1.5},
    "listwise": {"loss": "listwise"},
    "combined": {"loss": "combined", "positive_weight": 4.0},
}
each_loss = pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
MASK = torch.tensor([[True] * 5, [True, False, False, False, False], [True, True, True, False, False]])


def loss_of(settings: dict) -> Callable[..., torch.Tensor]:
    train = TrainConfig(**settings)
    return LOSSES[train.loss](train)


def drawn(soft: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits and labels of three documents, the second of one sentence, the third without a positive."""
    random = torch.Generator().manual_seed(1)
    logits, labels = 2 * torch.randn(3, 5, generator=random), torch.rand(3, 5, generator=random)
    labels = labels if soft else (labels > 0.6).float()
    labels[2] = 0
    return logits, labels


def loop(settings: dict, logits: torch.Tensor, labels: torch.Tensor) -> float:
    """The formulas of docs/losses.md, one document and one sentence at a time."""
    train, total = TrainConfig(**settings), 0.0
    for document in range(len(logits)):
        scores, targets = logits[document][MASK[document]].tolist(), labels[document][MASK[document]].tolist()
        if train.loss in ("listwise", "combined") and sum(targets):
            exponentials = [math.exp(score) for score in scores]
            for exponential, target in zip(exponentials, targets, strict=True):
                total -= target / sum(targets) * math.log(exponential / sum(exponentials))
        if train.loss == "listwise":
            continue
        weight = train.positive_weight
        if weight == "balanced":
            negatives = sum(1 - target for target in targets)
            weight = negatives / sum(targets) if sum(targets) and negatives else 1.0
        for score, target in zip(scores, targets, strict=True):
            p = 1 / (1 + math.exp(-score))
            entropy = -weight * target * math.log(p) - (1 - target) * math.log(1 - p)
            total += entropy * (abs(target - p) ** train.focal_gamma if train.loss == "focal" else 1.0)
    return total


@each_loss
@pytest.mark.parametrize("soft", [False, True])
def test_against_a_loop(settings, soft) -> None:
    logits, labels = drawn(soft)
    assert loss_of(settings)(logits, labels, MASK).item() == pytest.approx(loop(settings, logits, labels), rel=1e-5)


@pytest.mark.parametrize("gamma", [1.0, 2.0, 5.0])
def test_focal_loss_of_hard_labels_is_that_of_its_paper(gamma) -> None:
    """-(1 - p_t)^gamma log p_t, equation 4 of arXiv 1708.02002."""
    logits, labels = drawn(soft=False)
    p = logits.sigmoid()
    of_label = torch.where(labels == 1, p, 1 - p)
    expected = (-((1 - of_label) ** gamma) * of_label.log())[MASK].sum()
    torch.testing.assert_close(focal(logits, labels, MASK, gamma=gamma), expected)


@pytest.mark.parametrize("loss", [cross_entropy, focal, functools.partial(focal, positive_weight=5.0)])
def test_probabilities_that_are_the_labels_are_best(loss) -> None:
    labels = torch.tensor([[0.1, 0.5, 0.8, 0.3]])
    logits = labels.logit().requires_grad_()
    mask = torch.ones(1, 4, dtype=torch.bool)
    best = loss(logits, labels, mask)
    best.backward()
    assert logits.grad.abs().max() < 1e-6
    for change in (0.3, -0.3):
        assert loss(logits.detach() + change, labels, mask) > best


def test_shares_that_are_those_of_the_labels_are_best() -> None:
    labels = torch.tensor([[0.4, 0.0, 1.0, 0.6]])
    logits = labels.clamp(min=1e-9).log().requires_grad_()
    mask = torch.ones(1, 4, dtype=torch.bool)
    listwise(logits, labels, mask).backward()
    assert logits.grad.abs().max() < 1e-6
    # only differences count
    torch.testing.assert_close(listwise(logits + 7, labels, mask), listwise(logits, labels, mask))


@each_loss
def test_padding_takes_no_part(settings) -> None:
    logits, labels = drawn(soft=True)
    loss = loss_of(settings)
    alone = sum(
        loss(logits[place : place + 1, :count], labels[place : place + 1, :count], MASK[place : place + 1, :count])
        for place, count in enumerate(MASK.sum(dim=1).tolist())
    )
    logits = logits.masked_fill(~MASK, 50.0).requires_grad_()
    labels = labels.masked_fill(~MASK, 0.7)
    together = loss(logits, labels, MASK)
    torch.testing.assert_close(together, alone)
    together.backward()
    assert logits.grad.isfinite().all()
    assert (logits.grad[~MASK] == 0).all()


@each_loss
@pytest.mark.parametrize("size", [30.0, 1e4])
def test_sure_scores_have_finite_gradients(settings, size) -> None:
    logits = torch.tensor([[size, -size, size, -size]], requires_grad=True)
    loss = loss_of(settings)(logits, torch.tensor([[1.0, 0.0, 0.0, 1.0]]), torch.ones(1, 4, dtype=torch.bool))
    loss.backward()
    assert loss.isfinite() and logits.grad.isfinite().all()


def test_balanced_weights() -> None:
    labels = torch.tensor([[1.0, 0.0, 0.0, 0.0], [1.0, 1.0, 0.0, 9.0], [0.0] * 4, [1.0] * 4, [0.5, 0.25, 0.25, 0.0]])
    mask = torch.ones(5, 4, dtype=torch.bool)
    mask[1, 3] = False
    assert balanced_weights(labels, mask)[:, 0].tolist() == pytest.approx([3, 0.5, 1, 1, 3])


@each_loss
def test_a_batch_is_the_sum_of_its_documents(config_of, tokenizer, settings) -> None:
    """Whatever the batches, the processes, and the windows of long documents."""
    overrides = [f"train.{name}={value}" for name, value in settings.items()]
    config = config_of(*overrides, "encoding.long_documents=window", "encoding.max_length=64")
    torch.manual_seed(0)
    model = BertSum.for_training(config).eval()
    rows = prepare(config, "train", tokenizer).dataset.to_list()[:5]
    batch = model.collate(rows)
    assert batch.places is not None
    losses = [prediction.loss for prediction in model.predict(rows, PredictOptions(loss=True))]
    assert model.loss(model(**batch.inputs()), batch).item() == pytest.approx(sum(losses), rel=1e-4)


@pytest.mark.parametrize("loss", LOSSES)
def test_an_update_is_the_same_in_any_number_of_batches(config_of, loss) -> None:
    metrics = []
    for name, accumulation, budget in (("one", 1, 4096), ("several", 100, 128)):
        config = config_of(
            f"name={name}", f"train.loss={loss}", "train.loss_reduction=document", "train.max_steps=2",
            f"train.accumulation={accumulation}", f"train.max_tokens_per_batch={budget}", "model.head_dropout=0",
            "model.hidden_dropout=0", "model.attention_dropout=0",
        )  # fmt: skip
        bertsum.train(config)
        metrics.append([record["loss"] for record in comparable_metrics(config.run_dir) if "loss" in record])
    assert metrics[0] == pytest.approx(metrics[1], rel=1e-3)


@pytest.mark.parametrize("settings", [{"train.loss": "combined"}, {"train.loss": "focal"},
                                      {"train.positive_weight": "balanced"}], ids=str)  # fmt: skip
def test_each_loss_learns(config_of, tmp_path, settings) -> None:
    """The position of the important sentence is told by a word, so a tiny model finds it."""
    records = []
    for number in range(32):
        sentences = [f"The weather was fine on day {number} of {place}." for place in ("May", "June", "July", "August")]
        sentences[number % 4] = f"The council decided the harbour question {number}."
        records.append({"id": str(number), "document": sentences, "summary": f"council decided the harbour {number}"})
    path = write_jsonl(tmp_path / "a.jsonl", records)
    config = config_of(
        f"data.train={path}", f"data.validation={path}", "train.max_steps=60", "model.head=linear",
        "train.loss_reduction=document", "model.sentence_vectors=mean", "selection.sentences=1",
        "train.learning_rate=3e-3", "train.optimizer=adamw", "train.max_grad_norm=1.0",
        *(f"{name}={value}" for name, value in settings.items()),
    )  # fmt: skip
    result = bertsum.train(config)
    assert result.evaluation.systems["model"]["rouge1"] == result.evaluation.systems["oracle"]["rouge1"]


def test_scores_after_a_listwise_loss(config_of, tmp_path) -> None:
    result = bertsum.train(config_of("train.loss=listwise", "train.max_steps=1"))
    assert read_model(result.checkpoint).config.scores == "softmax"
    summarizer = bertsum.Summarizer.from_pretrained(result.checkpoint)
    summary = summarizer("The council met. The bridge will be built. It rained all day.", sentences=1)
    assert sum(score for score in summary.document_scores if score is not None) == pytest.approx(1, abs=1e-5)
    with pytest.raises(bertsum.BertsumError, match=r"selection\.threshold: got 0\.2, expected null: .*listwise"):
        summarizer("The council met. The bridge will be built.", threshold=0.2)
    again = config_of("selection.threshold=0.2")
    with pytest.raises(bertsum.BertsumError, match=r"selection\.threshold: got 0\.2, expected null: .*listwise"):
        bertsum.evaluate(again, result.checkpoint, "validation")
    copy = tmp_path / "copy"
    summarizer.model.save_pretrained(copy, card=False)
    assert read_model(copy).config.scores == "softmax"
    broken = (copy / "config.json").read_text().replace('"softmax"', '"sum"')
    (copy / "config.json").write_text(broken)
    with pytest.raises(bertsum.BertsumError, match=r"scores is 'sum', expected sigmoid or softmax"):
        BertSum.from_pretrained(copy)


def test_scores_of_older_models_are_probabilities(encoder_folder, tmp_path) -> None:
    config = Config.load(None, [f"model.encoder={encoder_folder}", "model.head_heads=4", "encoding.max_length=128"])
    BertSum.for_training(config).save_pretrained(tmp_path / "m", card=False)
    file = tmp_path / "m" / "config.json"
    text = file.read_text()
    assert '"scores": "sigmoid"' in text
    file.write_text(text.replace('"scores": "sigmoid",', ""))
    assert BertSum.from_pretrained(tmp_path / "m").config.scores == "sigmoid"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["train.loss=hinge"], "train.loss: got 'hinge', expected cross_entropy, focal, listwise or combined"),
        (["train.positive_weight=heavy"], "train.positive_weight: got 'heavy', expected a number or balanced"),
        (["train.positive_weight=0"], "train.positive_weight: got 0, expected more than 0"),
        (["train.focal_gamma=0.5"], "train.focal_gamma: got 0.5, expected at least 1"),
        (["train.loss=listwise", "train.positive_weight=balanced"], "expected 1 with train.loss listwise"),
        (["train.loss=listwise", "train.loss_reduction=sentence"], "a sum over documents; expected document or sum"),
        (["train.loss=combined", "train.loss_reduction=sentence"], "train.loss combined is a sum over documents"),
        (["train.loss=listwise", "selection.threshold=0.1"], "selection.threshold: got 0.1, expected null"),
        (["model.kind=seq2seq", "train.loss=focal"], "train.loss: got focal, expected cross_entropy with model.kind"),
        (["model.kind=seq2seq", "train.positive_weight=2"], "train.positive_weight: got 2.0, expected 1.0 with"),
    ],
)
def test_what_a_loss_does_not_take(overrides, message) -> None:
    with pytest.raises(bertsum.BertsumError, match=message):
        Config.load(None, overrides)


def test_weights_are_numbers_or_balanced() -> None:
    assert Config.load(None, ["train.positive_weight=3"]).train.positive_weight == 3.0
    assert Config.load(None, ["train.positive_weight=2.5e-1"]).train.positive_weight == 0.25
    assert Config.load(None, ["train.positive_weight=balanced"]).train.positive_weight == "balanced"


def test_the_default_is_the_papers(config_of) -> None:
    logits, labels = drawn(soft=False)
    default = loss_of({})(logits, labels, MASK)
    assert default == F.binary_cross_entropy_with_logits(logits[MASK], labels[MASK], reduction="none").sum()
