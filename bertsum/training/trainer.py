"""The training loop, in three storeys: ``fit`` draws updates, ``train_step`` makes one, ``validate`` measures.

# B documents, S sentences
"""

from __future__ import annotations

import contextlib
import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from tqdm import tqdm

from bertsum.config import Config
from bertsum.data.batching import plan_epoch
from bertsum.data.prepare import Prepared, prepare
from bertsum.errors import BertsumError
from bertsum.evaluation.evaluate import Evaluation, evaluate, rouge_of, score_documents, select
from bertsum.evaluation.rouge import METRICS
from bertsum.models.bertsum import BertSum, sentence_loss
from bertsum.models.saved import BertSumConfig
from bertsum.training.checkpoint import (
    TrainState,
    checkpoint_name,
    last_checkpoint,
    load_state,
    point_best,
    remove_old,
    save_checkpoint,
)
from bertsum.training.optim import build_optimizer, schedule, set_learning_rate
from bertsum.training.run_folder import check_run_folder, claim_run_folder, forget_later_metrics, make_accelerator

if TYPE_CHECKING:
    import datasets
    from accelerate import Accelerator


@dataclass(frozen=True)
class TrainResult:
    """What a training leaves.

    Attributes:
        run_dir: The run folder.
        checkpoint: The best checkpoint (the last one where there is no validation data).
        step: Updates done.
        evaluation: The best checkpoint on the validation documents; None without any, and on other processes
            than the first.
        main_process: Whether this process is the first.
    """

    run_dir: Path
    checkpoint: Path
    step: int
    evaluation: Evaluation | None
    main_process: bool


def train(config: Config) -> TrainResult:
    """Prepares the data if needed, trains, evaluates the best checkpoint on the validation documents.

    Raises:
        BertsumError: if the config, the data, the encoder or the run folder cannot be used.
    """
    if config.train.max_steps is None and config.train.epochs is None:
        raise BertsumError("train.max_steps and train.epochs: both are null, expected one of them")
    check_run_folder(config)
    accelerator = make_accelerator(config)
    torch.manual_seed(config.seed)
    model = BertSum.from_config(BertSumConfig.of(config))
    training = prepare(config, "train", model.tokenizer)
    validation = prepare(config, "validation", model.tokenizer) if config.data.has_split("validation") else None
    lock = claim_run_folder(config, accelerator)
    trainer = Trainer(config, accelerator, model, training, validation)
    trainer.fit()
    accelerator.end_training()
    evaluation = None
    best = config.run_dir / "best"
    if accelerator.is_main_process and validation is not None:
        evaluation = evaluate(config, best, "validation")
    lock.release()
    return TrainResult(config.run_dir, best, trainer.state.step, evaluation, accelerator.is_main_process)


class Trainer:
    """One training run.

    Attributes:
        state: Where the run stands.
        total_steps: Updates of the whole run.
    """

    def __init__(
        self,
        config: Config,
        accelerator: Accelerator,
        model: BertSum,
        training: Prepared,
        validation: Prepared | None,
    ) -> None:
        self.config = config
        self.accelerator = accelerator
        self.model = model
        self.training = training
        self.validation = validation
        self.rows = training.dataset.select_columns(["input_ids", "cls_positions", "labels"])
        self.lengths = training.lengths
        model.train()
        self.parallel_model, self.optimizer = accelerator.prepare(model, build_optimizer(model, config.train))
        self.state = TrainState(data=training.folder.name, batches_per_update=self._batches_per_update())
        self.saved_step: int | None = None
        self.total_steps = self._total_steps()
        self.since_log = {"loss": 0.0, "documents": 0.0, "tokens": 0.0, "seconds": 0.0}
        torch.manual_seed(config.seed + accelerator.process_index)  # each process its own dropout
        self._resume()

    # ---- fit: the whole run

    def fit(self) -> None:
        """Trains to the end, from wherever the state stands."""
        first = self.state.step
        bar = tqdm(
            total=self.total_steps,
            initial=first,
            desc=f"train {self.config.name}",
            unit=" updates",
            disable=None if self.accelerator.is_main_process else True,
        )
        with bar:
            for update in self._updates():
                self.train_step(update)
                self._log(bar)
                if self._due(self.config.train.validate_every):
                    self._validate_and_save()
                    if self._out_of_patience():
                        break
                elif self.config.train.save_every and self.state.step % self.config.train.save_every == 0:
                    self._save()
        if self.state.step > first and self.saved_step != self.state.step:
            self._validate_and_save()

    def _updates(self) -> Iterator[list[np.ndarray]]:
        """The updates that are left, over all epochs; counts them in the state."""
        train = self.config.train
        while self.state.step < self.total_steps:
            plan = self._plan(self.state.epoch)
            while self.state.update < len(plan) and self.state.step < self.total_steps:
                update = plan[self.state.update]
                self.state.step += 1
                self.state.update += 1
                if self.state.update == len(plan):  # an epoch that is done is the next one's beginning
                    self.state.epoch += 1
                    self.state.update = 0
                    yield update
                    break
                yield update
            if not plan or (train.epochs is not None and self.state.epoch >= train.epochs):
                return

    def _plan(self, epoch: int) -> list[list[np.ndarray]]:
        train = self.config.train
        return plan_epoch(
            self.lengths,
            train.max_tokens_per_batch,
            train.buffer_documents,
            self._batches_per_update(),
            self.config.seed,
            epoch,
        )

    def _batches_per_update(self) -> int:
        return self.accelerator.num_processes * self.config.train.accumulation

    def _total_steps(self) -> int:
        train = self.config.train
        if train.max_steps is not None:
            return train.max_steps
        assert train.epochs is not None  # train() has checked
        return sum(len(self._plan(epoch)) for epoch in range(train.epochs))

    def _due(self, every: int | None) -> bool:
        """Whether something that happens every so many updates, or at each epoch's end, happens now."""
        at_end = self.state.step == self.total_steps
        return at_end or (self.state.step % every == 0 if every else self.state.update == 0)

    # ---- train_step: one update

    def train_step(self, update: list[np.ndarray]) -> None:
        """Loss and gradients of this process's batches, then one step of the optimiser.

        Every process makes equally many passes, so that none waits for ever; where batches do not divide, a document
        of the update fills in with weight 0.
        """
        start = time.perf_counter()
        train, accelerator = self.config.train, self.accelerator
        mine = update[accelerator.process_index :: accelerator.num_processes]
        passes = math.ceil(len(update) / accelerator.num_processes)
        # DDP averages gradients over processes; times their number it is the sum that the loss is defined as.
        scale = accelerator.num_processes / self._normalizer(update)
        for number in range(passes):
            weight = scale if number < len(mine) else 0.0
            rows = self.rows[mine[number] if number < len(mine) else update[0][:1]]
            batch = self.model.collate(_rows(rows)).to(accelerator.device)
            last = number == passes - 1
            with contextlib.nullcontext() if last else accelerator.no_sync(self.parallel_model):
                logits = self.parallel_model(**batch.inputs())  # (B, S)
                loss = sentence_loss(logits, batch.labels, batch.sentence_mask, train.positive_weight)
                accelerator.backward(loss * weight)
            if number < len(mine):
                self.since_log["loss"] += loss.item()
        if train.max_grad_norm is not None:
            accelerator.clip_grad_norm_(self.parallel_model.parameters(), train.max_grad_norm)
        set_learning_rate(self.optimizer, schedule(train, self.state.step, self.total_steps))
        self.optimizer.step()
        self.optimizer.zero_grad()
        self._count(update, time.perf_counter() - start)

    def _normalizer(self, update: list[np.ndarray]) -> float:
        """What the summed loss of an update is divided by."""
        reduction = self.config.train.loss_reduction
        if reduction == "sum":
            return 1.0
        if reduction == "document":
            return float(sum(map(len, update)))
        positions = (row for batch in update for row in self.rows[batch]["cls_positions"])
        return float(sum(map(len, positions)))

    def _count(self, update: list[np.ndarray], seconds: float) -> None:
        documents = sum(map(len, update))
        tokens = int(sum(self.lengths[batch].sum() for batch in update))
        self.state.documents += documents
        self.state.tokens += tokens
        self.state.seconds += seconds
        for name, value in (("documents", documents), ("tokens", tokens), ("seconds", seconds)):
            self.since_log[name] += value

    # ---- validate

    def validate(self) -> dict[str, float]:
        """Validation loss per document (summed over sentences), and ROUGE when asked; the same on each process."""
        assert self.validation is not None
        count = len(self.validation)
        limit = self.config.train.validate_documents
        chosen = np.arange(count) if limit is None or limit >= count else np.linspace(0, count - 1, limit).astype(int)
        mine = chosen[self.accelerator.process_index :: self.accelerator.num_processes]
        rows = self.validation.dataset.select(mine)
        logits = score_documents(self.model, self.validation, self.config, mine)
        losses = [self._document_loss(*pair) for pair in zip(logits, rows["labels"], strict=True)]
        sums = [float(len(mine)), sum(losses)]
        if self.config.train.validate_rouge and len(mine):
            sums += self._summed_rouge(logits, rows)
        elif self.config.train.validate_rouge:
            sums += [0.0] * len(METRICS)
        documents, loss, *rouge = self._sum_over_processes(torch.tensor(sums, dtype=torch.float64)).tolist()
        metrics = {"loss": loss / documents}
        if rouge:
            metrics |= {metric: total / documents for metric, total in zip(METRICS, rouge, strict=True)}
            metrics["rouge_mean"] = sum(rouge) / len(rouge) / documents
        return metrics

    def _document_loss(self, logits: torch.Tensor, labels: list[int]) -> float:
        targets = torch.tensor(labels, dtype=torch.float32)
        everything = torch.ones_like(targets, dtype=torch.bool)
        return sentence_loss(logits, targets, everything, self.config.train.positive_weight).item()

    def _summed_rouge(self, logits: list[torch.Tensor], rows: datasets.Dataset) -> list[float]:
        """ROUGE-1, 2 and L F1 of the selected summaries, summed over documents."""
        texts = rows.select_columns(["sentences", "sentence_indices"])
        summaries = []
        for scores, row in zip(logits, texts, strict=True):
            sentences = row["sentences"]
            prediction = select(scores.sigmoid().tolist(), row["sentence_indices"], sentences, self.config.selection)
            summaries.append([sentences[index] for index in prediction.indices])
        return rouge_of(self.config, summaries, rows["references"])[:, :, 2].sum(axis=0).tolist()

    def _sum_over_processes(self, values: torch.Tensor) -> torch.Tensor:
        reduced = self.accelerator.reduce(values.to(self.accelerator.device), "sum")
        assert isinstance(reduced, torch.Tensor)
        return reduced.cpu()

    def _validate_and_save(self) -> None:
        state, train = self.state, self.config.train
        if self.validation is not None:
            metrics = self.validate()
            self._write("validation", metrics)
            value = metrics[train.metric]
            better = -value if train.metric == "loss" else value  # higher is better
            state.ranked = sorted([*state.ranked, (better, state.step)], key=lambda kept: -kept[0])[: train.keep_best]
            improved = state.best is None or better > state.best
            state.best = better if improved else state.best
            state.not_improved = 0 if improved else state.not_improved + 1
        self._save()

    def _out_of_patience(self) -> bool:
        patience = self.config.train.patience
        return patience is not None and self.state.not_improved >= patience

    # ---- records

    def _log(self, bar: tqdm) -> None:
        bar.update()
        if not (self.state.step % self.config.train.log_every == 0 or self.state.step == self.total_steps):
            return
        since = self.since_log
        loss = float(self._sum_over_processes(torch.tensor(since["loss"], dtype=torch.float64)))
        rates = {group["peak"]: group["lr"] for group in self.optimizer.param_groups}
        metrics = {
            "loss": loss / since["documents"],
            "learning_rate": rates[self.config.train.learning_rate]
            if self.config.train.learning_rate in rates
            else next(iter(rates.values())),
            "documents_per_second": since["documents"] / since["seconds"],
            "tokens_per_second": since["tokens"] / since["seconds"],
        }
        if self.config.train.encoder_learning_rate in rates:
            metrics["encoder_learning_rate"] = rates[self.config.train.encoder_learning_rate]
        self._write("train", metrics)
        bar.set_postfix_str(
            f"loss {metrics['loss']:.3f}, lr {metrics['learning_rate']:.1e}, "
            f"{metrics['documents_per_second']:.1f} documents/s, {metrics['tokens_per_second']:,.0f} tokens/s"
        )
        self.since_log = dict.fromkeys(since, 0.0)

    def _write(self, split: str, metrics: dict[str, float]) -> None:
        """A line of metrics.jsonl, and the trackers."""
        if not self.accelerator.is_main_process:
            return
        state = self.state
        record = {"step": state.step, "epoch": state.epoch, "documents": state.documents, "split": split, **metrics}
        with open(self.config.run_dir / "metrics.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        self.accelerator.log({f"{split}/{name}": value for name, value in metrics.items()}, step=state.step)
        if split == "validation":
            shown = ", ".join(f"{name} {value:.4f}" for name, value in metrics.items())
            tqdm.write(f"step {state.step}: validation {shown}")

    # ---- checkpoints

    def _save(self) -> None:
        """Writes a checkpoint, then removes those that are neither among the best nor the last."""
        from accelerate.utils import gather_object

        accelerator, run_dir = self.accelerator, self.config.run_dir
        random_states = gather_object([_random_state()])
        weights = accelerator.get_state_dict(self.parallel_model)
        if accelerator.is_main_process:
            optimizer_state: dict[str, Any] = {"optimizer": self.optimizer.state_dict()}
            if accelerator.scaler is not None:
                optimizer_state["scaler"] = accelerator.scaler.state_dict()
            (run_dir / "checkpoints").mkdir(exist_ok=True)
            folder = run_dir / "checkpoints" / checkpoint_name(self.state.step)
            save_checkpoint(folder, self.model, weights, optimizer_state, random_states, self.state)
            best = self.state.ranked[0][1] if self.state.ranked else self.state.step
            point_best(run_dir, best)
            remove_old(run_dir, {step for _, step in self.state.ranked} | {self.state.step, best})
        self.saved_step = self.state.step
        accelerator.wait_for_everyone()

    def _resume(self) -> None:
        """Puts everything back to where the last checkpoint left it."""
        last = last_checkpoint(self.config.run_dir) if self.config.train.resume else None
        if last is None:
            return
        saved = load_state(last)
        for name, meaning in (("data", "prepared training data"), ("batches_per_update", "processes x accumulation")):
            before, now = getattr(saved.train, name), getattr(self.state, name)
            if before != now:
                raise BertsumError(f"'{last}': cannot be resumed with other {meaning}: was {before}, is {now}")
        weights = BertSum.from_pretrained(last).state_dict()
        self.model.load_state_dict(weights)
        self.optimizer.load_state_dict(saved.optimizer["optimizer"])
        if self.accelerator.scaler is not None and "scaler" in saved.optimizer:
            self.accelerator.scaler.load_state_dict(saved.optimizer["scaler"])
        self.state = saved.train
        if self.accelerator.process_index < len(saved.random):
            _set_random_state(saved.random[self.accelerator.process_index])
        if self.accelerator.is_main_process:
            forget_later_metrics(self.config.run_dir / "metrics.jsonl", self.state.step)
            print(f"Resumed from {last}, step {self.state.step} of {self.total_steps}", flush=True)


def _rows(columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """A slice of a dataset as rows."""
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _random_state() -> dict[str, torch.Tensor]:
    state = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state()
    return state


def _set_random_state(state: dict[str, torch.Tensor]) -> None:
    torch.set_rng_state(state["cpu"])
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])
