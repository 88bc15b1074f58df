"""Heads: padding never changes a score (the authors' scores are in test_presumm)."""

from __future__ import annotations

import pytest
import torch

from bertsum.config import ModelConfig
from bertsum.models import heads
from bertsum.models.heads import HEADS, build_head, sinusoidal_positions


@pytest.mark.parametrize(("name", "states"), [*((name, "own") for name in HEADS), ("lstm", "final")])
def test_padding_never_changes_a_score(name: str, states: str) -> None:
    torch.manual_seed(0)
    head = build_head(ModelConfig(head=name, head_heads=4, head_feedforward=24, lstm_states=states), 16).eval()
    sentences = torch.randn(3, 6, 16)
    counts = [6, 1, 4]
    mask = torch.arange(6)[None] < torch.tensor(counts)[:, None]
    together = head(sentences, mask)
    assert together.shape == (3, 6)
    for index, count in enumerate(counts):
        alone = head(sentences[index : index + 1, :count], mask[index : index + 1, :count])
        assert torch.allclose(alone[0], together[index, :count], atol=1e-6)


def test_lstm_reads_both_ways() -> None:
    torch.manual_seed(0)
    head = build_head(ModelConfig(head="lstm"), 16).eval()
    sentences = torch.randn(1, 5, 16, requires_grad=True)
    head(sentences, torch.ones(1, 5, dtype=torch.bool))[0, 2].backward()
    assert (sentences.grad[0].abs().sum(dim=1) > 0).all()  # earlier and later sentences
    same = head(sentences, torch.ones(1, 5, dtype=torch.bool))
    mirrored = build_head(ModelConfig(head="lstm"), 16).eval()
    mirrored.forward_cell, mirrored.backward_cell = head.backward_cell, head.forward_cell
    swap = torch.cat([torch.arange(8, 16), torch.arange(8)])
    mirrored.output.load_state_dict({"weight": head.output.weight[:, swap], "bias": head.output.bias})
    mirrored.forward_cell.input.weight = torch.nn.Parameter(head.backward_cell.input.weight[:, swap])
    mirrored.backward_cell.input.weight = torch.nn.Parameter(head.forward_cell.input.weight[:, swap])
    back = mirrored(sentences.flip(1)[..., swap], torch.ones(1, 5, dtype=torch.bool)).flip(1)
    assert torch.allclose(same, back, atol=1e-6)


def test_matrices_are_xavier_uniform() -> None:
    head = build_head(ModelConfig(head="transformer", head_heads=4, head_feedforward=64), 32)
    weight = head.layers[0].feedforward_input.weight
    bound = (6 / (32 + 64)) ** 0.5
    assert bound * 0.9 < weight.abs().max() <= bound


def test_positions() -> None:
    table = sinusoidal_positions(7000, 8, torch.device("cpu"))
    assert table.shape == (7000, 8)
    assert table[3, 0] == torch.sin(torch.tensor(3.0))
    assert torch.allclose(table[3, 3], torch.cos(torch.tensor(3.0) * 10000 ** (-2 / 8)))


@pytest.mark.parametrize("name", ["transformer", "lstm"])
def test_an_odd_hidden_size(name: str) -> None:
    with pytest.raises(Exception, match="even hidden size"):
        build_head(ModelConfig(head=name, head_heads=1), 15)


def test_sentences_of_a_book_are_scored_some_at_a_time(monkeypatch) -> None:
    torch.manual_seed(0)
    head = build_head(ModelConfig(head="transformer", head_heads=4, head_feedforward=24), 16).eval()
    sentences, mask = torch.randn(2, 50, 16), torch.arange(50)[None] < torch.tensor([[50], [33]])
    with torch.no_grad():
        at_once = head(sentences, mask)
        monkeypatch.setattr(heads, "_SENTENCES_AT_ONCE", 7)
        assert torch.allclose(head(sentences, mask)[mask], at_once[mask], atol=1e-6)
