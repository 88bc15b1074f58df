"""The training loop: ``fit`` draws updates, ``train_step`` makes one update, ``validate`` measures.

# B documents, S sentences
"""

from __future__ import annotations

import contextlib
import math
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from tqdm import tqdm

from bertsum.config import Config
from bertsum.data.batching import EpochPlan, length_batches, plan_epoch
from bertsum.data.rows import as_rows
from bertsum.data.store import Prepared
from bertsum.device import explained_memory
from bertsum.errors import BertsumError, Stopped
from bertsum.models.base import Model
from bertsum.models.contract import Batch
from bertsum.models.storage import load_weights, read_weights
from bertsum.progress import Progress
from bertsum.runs import Run
from bertsum.training.distributed import ParallelModel, on_first_process, sum_over_processes
from bertsum.training.failures import explained_lost_process
from bertsum.training.metrics import forget_later_metrics, training_metrics, write_metrics
from bertsum.training.optim import set_learning_rate
from bertsum.training.signals import StopSignals
from bertsum.training.state import (
    SUMS,
    SavedState,
    TrainState,
    load_state,
    random_state,
    save_checkpoint,
    save_train_state,
    set_random_state,
)
from bertsum.training.validation import validation_metrics

if TYPE_CHECKING:
    from accelerate import Accelerator

_NAMED = 20  # documents in a message
_MOST_SKIPPED = 50  # updates in a row that are not finite; more means that the model is broken, not a document


class Trainer:
    """One training run.

    Attributes:
        state: Progress of the run.
        total_steps: Updates of the whole run.
    """

    def __init__(
        self,
        config: Config,
        accelerator: Accelerator,
        model: Model,
        training: Prepared,
        validation: Prepared | None,
        last: Path | None,
    ) -> None:
        """Begins the run, or restores it from its checkpoint ``last``."""
        self.config = config
        self.run = Run.of(config)
        self.accelerator = accelerator
        self.model = model
        self.training = training
        self.validation = validation
        self.rows = training.inputs
        self.lengths = training.lengths
        self.batches_per_update = accelerator.num_processes * config.train.accumulation
        self.state = TrainState(training.folder.name, config.train.max_tokens_per_batch)
        saved = load_state(last) if last is not None else None
        if last is not None and saved is not None:
            self.state = saved.train
            load_weights(model, read_weights(last), f"checkpoint '{last}'", config.model)
        self.saved_step = self.state.step
        self.plan = self._plan(self.state.epoch)
        if self.state.batch >= len(self.plan):
            raise BertsumError(f"checkpoint '{last}': batch {self.state.batch} of an epoch of {len(self.plan)}")
        self.total_steps = self._total_steps()
        model.train()
        self.parallel = ParallelModel(accelerator, model, config.train)
        torch.manual_seed(config.seed + accelerator.process_index)  # dropout differs between processes
        if last is not None and saved is not None:
            self._resume(last, saved)
        self.random_before = random_state()  # of this process, before the current update
        self.stop = StopSignals(alone=accelerator.num_processes == 1)

    # ---- fit: the whole run

    def fit(self) -> None:
        """Trains from the present state to the end.

        Raises:
            BertsumError: if a loss or gradient is not finite, memory does not suffice, or another process is gone.
            Stopped: after a signal, once the update is done and saved.
        """
        progress = Progress(
            f"train {self.config.name}",
            self.total_steps,
            "updates",
            count=self.state.step,
            shown=self.accelerator.is_main_process,
        )
        with progress, self.stop, explained_lost_process(lambda: f"update {self.state.step + 1}"):
            self._validate_and_save_when_due()  # a signal may have interrupted this before the resume
            for update in self._updates():
                stopping = self.train_step(update)
                self._log(progress)
                progress.update()
                if stopping:
                    self._stop()
                self._validate_and_save_when_due()
            if self.stop.received is not None:
                self._stop()

    def _updates(self) -> Iterator[list[np.ndarray]]:
        """The remaining updates of all epochs, each a list of batches; ``train_step`` advances the state."""
        while not self._done():
            if self.plan.epoch != self.state.epoch:
                self.plan = self._plan(self.state.epoch)
            yield self.plan.batches(self.state.batch, self.batches_per_update)

    def _plan(self, epoch: int) -> EpochPlan:
        # The plan always has the budget that the run began with: a lower one only splits batches into pieces.
        budget, buffer = self.state.max_tokens_per_batch, self.config.train.buffer_documents
        return plan_epoch(self.lengths, budget, buffer, self.config.seed, epoch)

    def _total_steps(self) -> int:
        train = self.config.train
        if train.max_steps is not None:
            return train.max_steps
        assert train.epochs is not None  # train() has checked
        total = self.state.step
        for epoch in range(self.state.epoch, train.epochs):
            left = len(self.plan) - self.state.batch if epoch == self.plan.epoch else len(self._plan(epoch))
            total += math.ceil(left / self.batches_per_update)
        return total

    def _done(self) -> bool:
        patience = self.config.train.patience
        out_of_patience = patience is not None and self.state.ranking.not_improved >= patience
        return self.state.step >= self.total_steps or out_of_patience

    def _stop(self) -> None:
        if self.saved_step != self.state.step:
            self._save()
        folder = self.run.checkpoint(self.state.step)
        done = f"after update {self.state.step} of {self.total_steps}, which is saved in '{folder}'"
        without = " without --train.overwrite" if self.config.train.overwrite else ""
        raise Stopped(self.stop.received or signal.SIGTERM, f"{done}; the same command{without} goes on from there")

    # ---- train_step: one update

    def train_step(self, update: list[np.ndarray]) -> bool:
        """Loss and gradients of this process's batches, then one step of the optimiser.

        All processes compute equally many batches, so that none waits forever. A process without a batch computes one
        document of the update, with weight 0.

        Returns:
            Whether a signal has told any process to stop.
        """
        start = time.perf_counter()
        self.random_before, self.model.epoch = random_state(), self.state.epoch
        train, accelerator = self.config.train, self.accelerator
        shares = [
            [piece for batch in update[process :: accelerator.num_processes] for piece in self._pieces(batch)]
            for process in range(accelerator.num_processes)
        ]
        mine, passes = shares[accelerator.process_index], max(map(len, shares))
        batches = [self.model.collate(as_rows(self.rows[documents])) for documents in mine]
        # DDP averages gradients over processes. The loss is defined as a sum, hence times the number of processes.
        scale = accelerator.num_processes / self._normalizer(update, batches)
        losses: list[torch.Tensor] = []
        for number in range(passes):
            real = number < len(mine)
            documents = mine[number] if real else update[0][:1]
            batch = batches[number] if real else self.model.collate(as_rows(self.rows[documents]))
            batch = batch.to(accelerator.device)
            with self._explained(documents), self.parallel.syncing(number == passes - 1):
                loss = self.model.loss(self.parallel(**batch.inputs()), batch)
                self.parallel.backward(loss * (scale if real else 0.0))
            losses.append(loss.detach())
        values = [loss.item() for loss in losses[: len(mine)]]
        loss_sum, signals = sum_over_processes(accelerator, [sum(values), float(self.stop.received is not None)])
        wrong = None if math.isfinite(loss_sum) else "loss"
        with self._explained(np.concatenate(update)):
            if wrong is None:
                norm = self.parallel.clip_gradients(train.max_grad_norm or math.inf, train.clip_apart)
                # With fp16 the gradient scaler checks the gradients and skips such an update.
                wrong = None if math.isfinite(norm) or self.parallel.scaler is not None else "gradient"
            if wrong is None:
                set_learning_rate(self.parallel.optimizer, train, self.state.step + 1, self.total_steps)
                self.parallel.step()
        if wrong is not None:
            self._not_finite(wrong, update, [mine[n] for n, value in enumerate(values) if not math.isfinite(value)])
        self.parallel.optimizer.zero_grad()
        self._advance(update, loss_sum if wrong is None else None, time.perf_counter() - start)
        return signals > 0

    def _pieces(self, batch: np.ndarray) -> list[np.ndarray]:
        """A batch, split if ``train.max_tokens_per_batch`` was lowered since the run began."""
        budget = self.config.train.max_tokens_per_batch
        if budget >= self.state.max_tokens_per_batch:
            return [batch]
        return [batch[piece] for piece in length_batches(self.lengths[batch], budget)]

    def _normalizer(self, update: list[np.ndarray], batches: list[Batch]) -> float:
        """The divisor of an update's summed loss; ``batches`` are this process's part of the update."""
        reduction = self.config.train.loss_reduction
        if reduction == "sum":
            return 1.0
        if reduction == "document":
            return float(sum(map(len, update)))
        return sum_over_processes(self.accelerator, [float(sum(batch.units for batch in batches))])[0]

    def _advance(self, update: list[np.ndarray], loss: float | None, seconds: float) -> None:
        """Counts an update as done, or as left out if it has no loss."""
        state = self.state
        documents = sum(map(len, update))
        tokens = int(sum(self.lengths[batch].sum() for batch in update))
        state.step += 1
        state.batch += len(update)
        if state.batch == len(self.plan):  # at the end of an epoch the state is at the beginning of the next
            state.epoch += 1
            state.batch = 0
        state.documents += documents
        state.tokens += tokens
        state.seconds += seconds
        state.skipped += loss is None
        state.skipped_in_a_row = state.skipped_in_a_row + 1 if loss is None else 0
        since = {"loss": loss or 0.0, "documents": 0 if loss is None else documents, "tokens": tokens}
        for name, value in {**since, "seconds": seconds}.items():
            state.since_log[name] += value

    def _not_finite(self, what: str, update: list[np.ndarray], mine: list[np.ndarray]) -> None:
        """Leaves out an update that is not finite, or saves the state before it and stops."""
        from accelerate.utils import gather_object

        state = self.state
        if self.config.train.non_finite == "skip" and state.skipped_in_a_row < _MOST_SKIPPED:
            return
        self.parallel.optimizer.zero_grad()
        documents = [int(index) for batch in gather_object(mine) or update for index in batch]
        last = state.batch + len(update) - 1
        where = f"batch {state.batch}" if len(update) == 1 else f"batches {state.batch} to {last}"
        saved = "nothing was trained before"
        if state.step:
            self._save(self.random_before, tidy=False)  # the previous checkpoint may be better
            saved = (
                f"the state before it is saved in '{self.run.checkpoint(state.step)}' (remove it, "
                "and the run resumes from the checkpoint before it)"
            )
        skipped = f", after {state.skipped_in_a_row} updates in a row that were skipped" * bool(state.skipped_in_a_row)
        raise BertsumError(
            f"update {state.step + 1} ({where} of epoch {state.epoch}): the {what} is not finite{skipped}, for the "
            f"documents {self._ids(documents)}; {saved}. Look at these documents, start again with a lower "
            "train.learning_rate or with train.max_grad_norm, or skip such updates (--train.non_finite skip)"
        )

    def _explained(self, documents: np.ndarray) -> contextlib.AbstractContextManager[None]:
        budget = self.config.train.max_tokens_per_batch
        return explained_memory(
            lambda: f"update {self.state.step + 1}, batch of the documents {self._ids(documents.tolist())}",
            self.lengths[documents],
            f"train.max_tokens_per_batch (now {budget}; updates stay as large as they are, and the same command goes "
            "on from the last checkpoint), or, where it is a single document, encoding.max_length",
        )

    def _ids(self, documents: list[int]) -> str:
        names = ", ".join(map(repr, self.training.dataset[documents[:_NAMED]]["id"]))
        return names if len(documents) <= _NAMED else f"{names} and {len(documents) - _NAMED} more"

    # ---- validate

    def validate(self) -> dict[str, float]:
        """Validation loss per document (summed over sentences), and ROUGE if configured; the same on each process."""
        assert self.validation is not None
        metrics = validation_metrics(self.model, self.validation, self.config, self.accelerator)
        self.parallel.end_scoring()
        return metrics

    def _validate_and_save_when_due(self) -> None:
        train, state = self.config.train, self.state
        if state.step and (self._done() or self._due(train.validate_every)) and state.ranking.step != state.step:
            if self.saved_step != state.step:
                self._save()  # before the validation, which may fail
            self._validate()
            self._save()
        elif train.save_every and state.step % train.save_every == 0 and self.saved_step != state.step:
            self._save()

    def _due(self, every: int | None) -> bool:
        """Whether something is due now that happens after ``every`` updates, or at each epoch's end (None)."""
        return self.state.step % every == 0 if every else self.state.batch == 0

    def _validate(self) -> None:
        state, train = self.state, self.config.train
        ranking = replace(state.ranking, step=state.step)
        if self.validation is not None:
            try:
                with self.stop.at_once():
                    metrics = self.validate()
            except Stopped:  # validation changed nothing; the resumed run repeats it
                self._stop()
            self._write("validation", metrics)
            if self.accelerator.is_main_process:
                shown = ", ".join(f"{name} {value:.4f}" for name, value in metrics.items())
                with contextlib.suppress(OSError):  # nobody reads the output any more; metrics.jsonl has it too
                    tqdm.write(f"step {state.step}: validation {shown}")
            value = metrics[train.metric]
            ranking = state.ranking.add(-value if train.metric == "loss" else value, state.step, train.keep_best)
        state.ranking_before_end = None if self._due(train.validate_every) else state.ranking
        state.ranking = ranking

    # ---- records

    def _log(self, progress: Progress) -> None:
        due = self._log_due()
        if not due and self.state.step != self.total_steps:
            return
        metrics = training_metrics(self.state, self.parallel.optimizer, self.config.train)
        self._write("train", metrics)
        progress.note(
            f"loss {metrics.get('loss', math.nan):.3f}, lr {metrics['learning_rate']:.1e}, "
            f"{metrics['documents_per_second']:.1f} documents/s, {metrics['tokens_per_second']:,.0f} tokens/s"
        )
        if due:  # the sums of a last, early line are kept in case the run is extended
            self.state.since_log = dict.fromkeys(SUMS, 0.0)

    def _log_due(self) -> bool:
        return self.state.step % self.config.train.log_every == 0

    def _write(self, split: str, metrics: dict[str, float]) -> None:
        write_metrics(self.run, self.state, split, metrics, self.accelerator)

    # ---- checkpoints

    def _save(self, random: dict[str, torch.Tensor] | None = None, tidy: bool = True) -> None:
        """Writes a checkpoint, or only a validation's additions to it, then removes old checkpoints.

        Args:
            random: State of this process's random generators; by default the present one.
            tidy: Whether to link the best checkpoint and remove others.
        """
        from accelerate.utils import gather_object

        accelerator, state = self.accelerator, self.state
        folder = self.run.checkpoint(state.step)
        if self.saved_step == state.step:
            on_first_process(accelerator, lambda: save_train_state(folder, state))
        else:
            scaler = self.parallel.scaler
            state.scaler = {} if scaler is None else scaler.state_dict()
            saved = SavedState(state, self.parallel.optimizer_state(), gather_object([random or random_state()]))
            weights = self.parallel.weights()
            on_first_process(accelerator, lambda: save_checkpoint(folder, self.model, weights, saved))
            self.saved_step = state.step
        if tidy:
            on_first_process(accelerator, self._tidy)

    def _tidy(self) -> None:
        ranked = self.state.ranking.kept
        self.run.point_best(self.run.checkpoint(ranked[0][1] if ranked else self.state.step))
        self.run.remove_checkpoints(self.state.kept_steps())

    def _resume(self, last: Path, saved: SavedState) -> None:
        """Restores everything from the last checkpoint."""
        state = self.state
        self.parallel.load_optimizer_state(saved.optimizer)
        if self.parallel.scaler is not None and state.scaler:
            self.parallel.scaler.load_state_dict(state.scaler)
        if self.accelerator.process_index < len(saved.random):
            set_random_state(saved.random[self.accelerator.process_index])
        if state.ranking_before_end is not None:  # the run ended here, and is now extended as if it had not ended
            ended = (state.ranking, state.ranking_before_end)
            state.ranking, state.ranking_before_end = state.ranking_before_end, None
            if self._done():
                state.ranking, state.ranking_before_end = ended
        logged = state.step if self._log_due() or self._done() else state.step - 1

        def tidy() -> None:
            self._tidy()
            forget_later_metrics(self.run, {"train": logged, "validation": state.ranking.step})
            print(f"Going on from {last}, update {state.step} of {self.total_steps}", flush=True)

        on_first_process(self.accelerator, tidy)
