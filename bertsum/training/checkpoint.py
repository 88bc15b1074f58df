"""Checkpoints: complete or absent, and everything that a resume needs.

checkpoints/step_001000/   what BertSum.from_pretrained needs
                state/     trainer.json, optimizer.pt, random.pt
best -> checkpoints/step_...
"""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from bertsum.errors import BertsumError
from bertsum.models.bertsum import BertSum


@dataclass
class TrainState:
    """Where a run stands; saved whole.

    Attributes:
        step: Updates done.
        epoch: Passes over the training documents completed.
        update: Updates done in the current pass.
        documents: Documents seen.
        tokens: Tokens seen.
        seconds: Time spent in training steps.
        ranked: Kept checkpoints by the metric, best first: (value, step).
        best: The best value of the metric so far.
        not_improved: Validations since the metric last improved.
        data: Name of the prepared training data, which tells its content.
        batches_per_update: Processes x accumulation; the order of documents depends on it.
    """

    step: int = 0
    epoch: int = 0
    update: int = 0
    documents: int = 0
    tokens: int = 0
    seconds: float = 0.0
    ranked: list[tuple[float, int]] = field(default_factory=list)
    best: float | None = None
    not_improved: int = 0
    data: str = ""
    batches_per_update: int = 0


def checkpoint_name(step: int) -> str:
    """Folder name of a step's checkpoint."""
    return f"step_{step:06d}"


def save_checkpoint(
    folder: Path,
    model: BertSum,
    weights: dict[str, torch.Tensor],
    optimizer_state: dict[str, Any],
    random_states: list[dict[str, torch.Tensor]],
    state: TrainState,
) -> None:
    """Writes a checkpoint beside its place and renames it.

    Args:
        folder: Its place.
        model: The model, for its config and tokenizer.
        weights: Its weights.
        optimizer_state: State of the optimiser, and of the gradient scaler if there is one.
        random_states: State of the random generators of each process.
        state: Where the run stands.

    Raises:
        BertsumError: if it cannot be written; what was there before stays.
    """
    beside = folder.with_name(f".{folder.name}.unfinished")
    try:
        shutil.rmtree(beside, ignore_errors=True)
        (beside / "state").mkdir(parents=True)
        model.save_pretrained(beside, state_dict=weights)
        torch.save(optimizer_state, beside / "state" / "optimizer.pt")
        torch.save(random_states, beside / "state" / "random.pt")
        (beside / "state" / "trainer.json").write_text(json.dumps(asdict(state), indent=1))
        if folder.exists():  # the same step again, after a resume
            _remove(folder)
        beside.rename(folder)
    except (OSError, RuntimeError, BertsumError) as error:  # torch.save raises RuntimeError on a full disk
        shutil.rmtree(beside, ignore_errors=True)
        raise BertsumError(f"checkpoint '{folder}' cannot be written: {error}") from error


@dataclass(frozen=True)
class SavedState:
    """What :func:`load_state` reads beside the model's weights."""

    train: TrainState
    optimizer: dict[str, Any]
    random: list[dict[str, torch.Tensor]]


def load_state(folder: Path) -> SavedState:
    """Reads the state of a checkpoint; only tensors and plain values are accepted.

    Raises:
        BertsumError: if it is not there or broken.
    """
    state = folder / "state"
    try:
        values = json.loads((state / "trainer.json").read_text(encoding="utf-8"))
        values["ranked"] = [(float(value), int(step)) for value, step in values["ranked"]]
        return SavedState(
            TrainState(**values),
            torch.load(state / "optimizer.pt", map_location="cpu", weights_only=True),
            torch.load(state / "random.pt", map_location="cpu", weights_only=True),
        )
    except Exception as error:  # torch.load raises what pickle, zipfile and torch raise
        raise BertsumError(f"checkpoint '{folder}': its state cannot be read: {error}") from error


def last_checkpoint(run_dir: Path) -> Path | None:
    """The newest complete checkpoint of a run."""
    found = _checkpoints(run_dir)
    return found[max(found)] if found else None


def _checkpoints(run_dir: Path) -> dict[int, Path]:
    """Step and folder of every complete checkpoint; other names, such as a copy's, are not ours."""
    folders = (run_dir / "checkpoints").glob("step_*")
    return {int(match[1]): path for path in folders if (match := re.fullmatch(r"step_(\d+)", path.name))}


def _remove(folder: Path) -> None:
    """Removes a checkpoint so that at no instant half of one stands under its name."""
    hidden = folder.with_name(f".{folder.name}.removed")
    shutil.rmtree(hidden, ignore_errors=True)
    folder.rename(hidden)
    shutil.rmtree(hidden)


def point_best(run_dir: Path, step: int) -> None:
    """Makes ``best`` name a checkpoint, at once or not at all."""
    link = run_dir / ".best.unfinished"
    link.unlink(missing_ok=True)
    link.symlink_to(Path("checkpoints") / checkpoint_name(step))
    os.replace(link, run_dir / "best")


def remove_old(run_dir: Path, keep: set[int]) -> None:
    """Removes the checkpoints of all other steps."""
    for step, folder in _checkpoints(run_dir).items():
        if step not in keep:
            _remove(folder)
