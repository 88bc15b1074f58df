"""Batches: every document once, within the budget, the same for any number of processes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertsum.data.batching import collate, length_batches, plan_epoch

lengths = st.lists(st.integers(3, 60), min_size=1, max_size=80)


@given(lengths, st.integers(1, 200))
def test_length_batches(lengths, budget) -> None:
    batches = length_batches(lengths, budget)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    for batch in batches:
        longest = max(lengths[index] for index in batch)
        assert len(batch) * longest <= budget or len(batch) == 1
    assert [lengths[index] for batch in batches for index in batch] == sorted(lengths)


@given(st.lists(st.integers(3, 90), min_size=1, max_size=60), st.integers(1, 70), st.integers(1, 4), st.integers(0, 3))
def test_plan(lengths, buffer, per_update, epoch) -> None:
    array = np.array(lengths)
    plan = plan_epoch(array, 100, buffer, seed=1, epoch=epoch)
    batches = plan.batches(0, len(plan))
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    again = plan_epoch(array, 100, buffer, seed=1, epoch=epoch).batches(0, len(plan))
    assert all((a == b).all() for a, b in zip(batches, again, strict=True))
    updates = [plan.batches(first, per_update) for first in range(0, len(plan), per_update)]
    assert all(len(update) == per_update for update in updates[:-1])
    flat = [batch for update in updates for batch in update]
    assert all((a == b).all() for a, b in zip(batches, flat, strict=True))


def test_plan_depends_on_seed_and_epoch() -> None:
    array = np.arange(3, 103)
    first = [
        plan_epoch(array, 100, 50, seed, epoch).batches(0, 1)[0].tolist() for seed, epoch in [(0, 0), (0, 1), (1, 0)]
    ]
    assert len({tuple(batch) for batch in first}) == 3


def test_collate() -> None:
    rows = [
        {"input_ids": [2, 7, 3, 2, 8, 9, 3], "cls_positions": [0, 3], "labels": [0, 1]},
        {"input_ids": [2, 5, 3], "cls_positions": [0], "labels": [1]},
    ]
    batch = collate(rows, pad_id=1)
    assert batch.input_ids.tolist() == [[2, 7, 3, 2, 8, 9, 3], [2, 5, 3, 1, 1, 1, 1]]
    assert batch.attention_mask.tolist() == [[1] * 7, [1] * 3 + [0] * 4]
    assert batch.token_type_ids.tolist() == [[0, 0, 0, 1, 1, 1, 1], [0] * 7]
    assert batch.cls_positions.tolist() == [[0, 3], [0, 0]]
    assert batch.sentence_mask.tolist() == [[True, True], [True, False]]
    assert batch.labels.tolist() == [[0.0, 1.0], [1.0, 0.0]]
    assert set(batch.inputs()) == {"input_ids", "attention_mask", "token_type_ids", "cls_positions", "sentence_mask"}
    unlabelled = collate([{key: row[key] for key in ("input_ids", "cls_positions")} for row in rows], 0)
    assert unlabelled.labels.sum() == 0
    assert unlabelled.to(unlabelled.labels.device).labels.shape == pytest.approx((2, 2))
