"""The device: what torch keeps private is never needed, and a call leaves torch as it was."""

from __future__ import annotations

import threading

import pytest
import torch

import bertsum
from bertsum import device
from bertsum.config import Config
from bertsum.models.extractive import BertSum
from bertsum.models.storage import SavedConfig

TEXTS = [f"The boat number {number} left the harbour at noon. " * (1 + number % 5) for number in range(12)]
BATCHES = {"max_tokens_per_batch": 64}  # many, so that they go to threads


@pytest.fixture(scope="module")
def summarizer(trained_run) -> bertsum.Summarizer:
    return bertsum.Summarizer.from_pretrained(trained_run[1].checkpoint, precision="fp32")


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def threads_of_a_new_thread() -> int:
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    return found[0]


def test_no_call_changes_how_many_threads_there_are(summarizer, two_threads) -> None:
    assert summarizer.model.reader.packs
    found: list[int] = []

    def call() -> None:
        summarizer(TEXTS, **BATCHES)
        found.append(torch.get_num_threads())

    callers = [threading.Thread(target=call) for _ in range(3)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert found == [2] * 3
    answers = summarizer.stream(iter(TEXTS * 3), buffer=12, **BATCHES)
    next(answers)  # and there it rests
    assert threads_of_a_new_thread() == torch.get_num_threads() == 2
    answers.close()
    encoder = summarizer.model.document_encoder()
    rows = [vars(encoder.encode(bertsum.split_sentences(text))) for text in TEXTS]
    scores = summarizer.model.score(rows, 64, "fp32")
    next(iter(scores))
    assert threads_of_a_new_thread() == torch.get_num_threads() == 2


def test_without_what_torch_keeps_private(summarizer, monkeypatch, trained_run) -> None:
    expected = [summary.scores for summary in summarizer(TEXTS)]
    half = bertsum.Summarizer(BertSum.from_pretrained(trained_run[1].checkpoint), precision="bf16")
    in_half = [summary.scores for summary in half(TEXTS)]
    probabilities = torch.rand(3, 4).softmax(-1)
    gradient = torch.rand(3, 4)
    backward = device.softmax_backward(gradient, probabilities)

    class Nothing:
        """A torch that was built without oneDNN."""

    monkeypatch.setattr(torch.ops, "mkldnn", Nothing(), raising=False)
    monkeypatch.delattr(torch, "_softmax_backward_data")
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.delattr(torch.cpu, name, raising=False)
    for machine in ("x86_64", "arm64"):
        monkeypatch.setattr(device.platform, "machine", lambda machine=machine: machine)
        assert device.settle_precision("auto", torch.device("cpu")) == "fp32"
    assert not device.has_pointwise_linear()
    assert torch.allclose(device.softmax_backward(gradient, probabilities), backward, atol=1e-6)
    again = bertsum.Summarizer.from_pretrained(trained_run[1].checkpoint)
    assert [summary.scores for summary in again(TEXTS)] == expected
    half = bertsum.Summarizer(BertSum.from_pretrained(trained_run[1].checkpoint), precision="bf16")
    for scores, before in zip([summary.scores for summary in half(TEXTS)], in_half, strict=True):
        assert scores == pytest.approx(before, abs=0.05)


def test_inside_inference_mode(summarizer, trained_run) -> None:
    expected = summarizer(TEXTS[3]).scores
    with torch.inference_mode():
        made_inside = bertsum.Summarizer.from_pretrained(trained_run[1].checkpoint, precision="fp32")
        assert made_inside(TEXTS[3]).scores == summarizer(TEXTS[3]).scores == expected
        trained = BertSum.from_pretrained(trained_run[1].checkpoint)
        results = bertsum.evaluate(trained_run[0], trained_run[1].checkpoint, "validation")
        with pytest.raises(bertsum.BertsumError, match=r"inside torch\.inference_mode"):
            bertsum.train(trained_run[0])
    assert made_inside(TEXTS[3]).scores == expected
    assert results.documents == trained_run[1].evaluation.documents
    assert not any(parameter.is_inference() for parameter in trained.parameters())


def test_another_default_dtype(summarizer, trained_run, tmp_path) -> None:
    expected = summarizer(TEXTS[3]).scores
    torch.set_default_dtype(torch.float64)
    try:
        assert summarizer(TEXTS[3]).scores == expected
        inside = bertsum.Summarizer.from_pretrained(trained_run[1].checkpoint, precision="fp32")
        assert inside(TEXTS[3]).scores == expected
        model = BertSum.from_pretrained(trained_run[1].checkpoint)
        assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
        config = trained_run[0].override(
            {"output_dir": str(tmp_path), "name": "double", "train.epochs": None, "train.max_steps": 2}
        )
        with torch.no_grad():
            result = bertsum.train(config)
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    assert result.step == 2


def test_the_heads_in_another_default_dtype(encoder_folder) -> None:
    for head in ("linear", "transformer", "lstm"):
        torch.set_default_dtype(torch.float64)
        try:
            config = Config.load(
                None, [f"model.head={head}", f"model.encoder={encoder_folder}", "encoding.max_length=64"]
            )
            model = BertSum.from_config(SavedConfig.of(config))
            row = {"input_ids": [2, 7, 3, 2, 8, 3], "cls_positions": [0, 3]}
            ((_, logits),) = model.eval().score([row])
        finally:
            torch.set_default_dtype(torch.float32)
        assert logits.dtype == torch.float32


def test_weights_made_in_inference_mode_are_laid_out_anew(trained_run) -> None:
    with torch.inference_mode():
        model = BertSum.from_pretrained(trained_run[1].checkpoint)
        model.encoder.load_state_dict(
            {name: tensor.clone() for name, tensor in model.encoder.state_dict().items()}, assign=True
        )
        row = {"input_ids": [2, 5, 3], "cls_positions": [0]}
        ((_, before),) = model.score([row])
        for parameter in model.encoder.parameters():
            parameter.mul_(0.5)
        ((_, after),) = model.score([row])
    assert not torch.equal(before, after)


def test_a_vector_is_rounded_between_its_least_and_its_largest_value() -> None:
    vectors = torch.tensor([[-0.17, 0.0, 3.0, 1.234], [2.0, 2.0, 2.0, 2.0], [-5.0, -4.0, -4.5, -4.9]])
    numbers, step, least = device.in_steps(vectors)
    assert torch.equal(numbers, numbers.round()) and numbers.min() == 0 and numbers.max() == 255
    assert ((least + step * numbers - vectors).abs() <= step / 2 + 1e-6).all()
