"""Checkpoints: complete or absent, with everything that a resume needs.

checkpoints/step_001000/   the files that from_pretrained needs
                state/     trainer.json, tensors.safetensors (optimiser, random generators)
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from bertsum.encoders.tensors import read_tensors, write_tensors
from bertsum.errors import BertsumError
from bertsum.files import whole_folder, write_whole
from bertsum.models.base import Model

SUMS = ("loss", "documents", "tokens", "seconds")  # skipped updates do not count in loss


@dataclass(frozen=True)
class Ranking:
    """Results of the validations so far.

    Attributes:
        kept: The best checkpoints by the metric, best first: (value, step).
        best: The best value so far.
        not_improved: Validations since the metric last improved.
        step: Update of the last validation; 0 before the first.
    """

    kept: tuple[tuple[float, int], ...] = ()
    best: float | None = None
    not_improved: int = 0
    step: int = 0

    def add(self, value: float, step: int, keep: int) -> Ranking:
        """The ranking after one more validation.

        Args:
            value: Value of the metric; higher is better, NaN is worst.
            step: Update of the validation.
            keep: Checkpoints to keep.
        """
        value = value if math.isfinite(value) else -math.inf
        kept = sorted([*self.kept, (value, step)], key=lambda pair: -pair[0])[:keep]
        improved = self.best is None or value > self.best
        return Ranking(tuple(kept), value if improved else self.best, 0 if improved else self.not_improved + 1, step)


@dataclass
class TrainState:
    """Progress of a run; saved in each checkpoint.

    Attributes:
        step: Updates done.
        epoch: Passes over the training documents completed.
        batch: Batches done in the current pass.
        documents: Documents seen.
        tokens: Tokens seen.
        seconds: Time spent in training steps.
        skipped: Updates left out because their loss or gradient was not finite.
        skipped_in_a_row: Updates left out since the last good one.
        since_log: Sums since the last line of metrics.
        ranking: Results of the validations so far.
        ranking_before_end: The ranking before a validation that was made only because the run ended.
        data: Name of the prepared training data, which identifies its content.
        max_tokens_per_batch: Token budget of a batch when the run began.
        scaler: State of the gradient scaler of fp16.
    """

    data: str = ""
    max_tokens_per_batch: int = 0
    step: int = 0
    epoch: int = 0
    batch: int = 0
    documents: int = 0
    tokens: int = 0
    seconds: float = 0.0
    skipped: int = 0
    skipped_in_a_row: int = 0
    since_log: dict[str, float] = field(default_factory=lambda: dict.fromkeys(SUMS, 0.0))
    ranking: Ranking = field(default_factory=Ranking)
    ranking_before_end: Ranking | None = None
    scaler: dict[str, float] = field(default_factory=dict)

    def kept_steps(self) -> set[int]:
        """Updates with a checkpoint to keep."""
        rankings = [self.ranking, self.ranking_before_end or Ranking()]
        return {self.step, *(step for ranking in rankings for _, step in ranking.kept)}


@dataclass(frozen=True)
class SavedState:
    """The state of a training, saved beside the model's weights.

    Attributes:
        train: Progress of the run.
        optimizer: State of the optimiser, by parameter and name.
        random: State of each process's random generators, by device.
    """

    train: TrainState
    optimizer: dict[str, dict[str, torch.Tensor]]
    random: list[dict[str, torch.Tensor]]


def save_checkpoint(folder: Path, model: Model, weights: dict[str, torch.Tensor], state: SavedState) -> None:
    """Writes a checkpoint under a temporary name and renames it.

    Args:
        folder: Folder of the checkpoint.
        model: The model, for its config and tokenizer.
        weights: The model's weights.
        state: The state of the training.

    Raises:
        BertsumError: if it cannot be written; the folder then stays as it was.
    """
    with whole_folder(folder) as beside:
        model.save_pretrained(beside, state_dict=weights, card=False)
        (beside / "state").mkdir()
        write_tensors(beside / "state" / "tensors.safetensors", _flat(state))
        save_train_state(beside, state.train)


def save_train_state(folder: Path, state: TrainState) -> None:
    """Writes only the progress of the run into its checkpoint, after a validation has added to it.

    Raises:
        BertsumError: if it cannot be written; the old file then stays.
    """
    write_whole(folder / "state" / "trainer.json", json.dumps(asdict(state), indent=1))


def _flat(state: SavedState) -> dict[str, torch.Tensor]:
    optimizer = {
        f"optimizer/{name}/{key}": tensor for name, values in state.optimizer.items() for key, tensor in values.items()
    }
    random = {
        f"random/{process}/{device}": tensor
        for process, states in enumerate(state.random)
        for device, tensor in states.items()
    }
    return optimizer | random


def load_train_state(folder: Path) -> TrainState:
    """Reads the progress of the run from a checkpoint.

    Raises:
        BertsumError: if the file is missing or broken.
    """
    try:
        values: dict[str, Any] = json.loads((folder / "state" / "trainer.json").read_text(encoding="utf-8"))
        for name in ("ranking", "ranking_before_end"):
            if values[name] is not None:
                kept = tuple((float(value), int(step)) for value, step in values[name].pop("kept"))
                values[name] = Ranking(kept, **values[name])
        return _checked(TrainState(**values))
    except Exception as error:  # an untrusted file may cause any error
        raise BertsumError(f"checkpoint '{folder}': its state cannot be read: {error!r}") from error


def load_state(folder: Path) -> SavedState:
    """Reads the state of a training from a checkpoint: plain values and tensors.

    Raises:
        BertsumError: if a file is missing or broken.
    """
    optimizer: dict[str, dict[str, torch.Tensor]] = {}
    random: dict[int, dict[str, torch.Tensor]] = {}
    tensors = read_tensors(folder / "state" / "tensors.safetensors")
    try:
        for path, tensor in tensors.items():
            kind, name, key = path.split("/")
            if kind == "optimizer":
                optimizer.setdefault(name, {})[key] = tensor
            else:
                random.setdefault(int(name), {})[key] = tensor
    except ValueError as error:
        raise BertsumError(f"checkpoint '{folder}': its state cannot be read: {error}") from error
    return SavedState(load_train_state(folder), optimizer, [random[process] for process in sorted(random)])


def _checked(state: TrainState) -> TrainState:
    """Checks that every counter is a whole number, 0 or more.

    Raises:
        ValueError: if one is not.
    """
    counters = {name: getattr(state, name) for name in _WHOLE} | {"ranking.step": state.ranking.step}
    wrong = [name for name, value in counters.items() if type(value) is not int or value < 0]
    wrong += [name for name in SUMS if type(state.since_log.get(name)) not in (int, float)]
    if wrong:
        raise ValueError(f"{', '.join(wrong)}: expected a whole number, 0 or more")
    return state


_WHOLE = ("step", "epoch", "batch", "documents", "tokens", "skipped", "skipped_in_a_row", "max_tokens_per_batch")


def random_state() -> dict[str, torch.Tensor]:
    """State of this process's random generators, by device."""
    state = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state()
    return state


def set_random_state(state: dict[str, torch.Tensor]) -> None:
    """Restores a state that :func:`random_state` returned."""
    torch.set_rng_state(state["cpu"])
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])
