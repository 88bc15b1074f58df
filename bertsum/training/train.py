"""A whole run: prepares the data, trains, evaluates."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from bertsum.config import Config
from bertsum.data.prepare import prepare
from bertsum.errors import BertsumError
from bertsum.evaluation.evaluate import Evaluation, evaluate
from bertsum.evaluation.fitting import LEAST_DOCUMENTS, fit_selection
from bertsum.evaluation.translation import check_installed
from bertsum.models.base import Model, model_class
from bertsum.pages.plots import plot_training
from bertsum.runs import Run
from bertsum.training.average import average_best
from bertsum.training.distributed import start_accelerator
from bertsum.training.loop import Trainer
from bertsum.training.resume import (
    Resumed,
    allowed_changes,
    begin_run,
    check_same_data,
    find_resumed,
    lock_run_folder,
    settle_attention_of_run,
    settle_precision_of_run,
)

if TYPE_CHECKING:
    from accelerate import Accelerator


_WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"  # cuBLAS needs this variable for deterministic algorithms


@dataclass(frozen=True)
class TrainResult:
    """The result of a training.

    Attributes:
        run_dir: The run folder.
        checkpoint: The best checkpoint (without validation data: the last one), or the mean of the best.
        step: Updates done.
        evaluation: Results of the best checkpoint on the validation documents; None without any, and on all processes
            but the first.
        main_process: Whether this process is the first.
    """

    run_dir: Path
    checkpoint: Path
    step: int
    evaluation: Evaluation | None
    main_process: bool


def train(config: Config) -> TrainResult:
    """Prepares the data if needed, trains, evaluates the best checkpoint on the validation documents.

    The run folder also gets ``curves.svg``: losses, and the ROUGE of validations, over the documents seen.
    An interrupted run resumes from its newest checkpoint, as if nothing had happened.

    Args:
        config: The run's configuration.

    Returns:
        The best checkpoint and its results.

    Raises:
        BertsumError: if the config, the data, the encoder or the run folder cannot be used, another training is
            running in the folder, or a loss is not finite.
        Stopped: after SIGTERM or Ctrl-C, once everything is saved.
    """
    if torch.is_inference_mode_enabled():
        raise BertsumError("train: called inside torch.inference_mode(), where nothing learns; call it outside")
    config.check_training()  # the config may have been read for an evaluation
    check_installed(config.evaluation.metrics)  # before the training, since the evaluation comes at its end
    if config.train.max_steps is None and config.train.epochs is None:
        raise BertsumError("train.max_steps and train.epochs: both are null, expected one of them")
    with (
        torch.enable_grad(),
        torch.random.fork_rng([torch.cuda.current_device()] if torch.cuda.is_available() else []),
        _algorithms(config.train.deterministic),
        start_accelerator(config) as accelerator,
        lock_run_folder(config, accelerator),
    ):
        resumed = find_resumed(config)
        config = settle_precision_of_run(config, resumed, accelerator)
        changes = allowed_changes(config, resumed) if resumed is not None else []
        if changes and accelerator.is_main_process:
            print(f"Going on with another config, which is allowed ({'; '.join(changes)})", flush=True)
        return _train(config, resumed, accelerator)


def _train(config: Config, resumed: Resumed | None, accelerator: Accelerator) -> TrainResult:
    torch.manual_seed(config.seed)
    model = model_class(config.model.kind).for_training(config)
    tokenizers = (model.tokenizer, model.target_tokenizer)
    training = prepare(config, "train", *tokenizers)
    validation = prepare(config, "validation", *tokenizers) if config.data.has_split("validation") else None
    if resumed is not None:
        check_same_data(resumed, training)
    begin_run(_settled(config, resumed, model, accelerator), resumed, accelerator)
    last = resumed.checkpoint if resumed is not None else None
    trainer = Trainer(config, accelerator, model, training, validation, last)
    trainer.fit()
    evaluation = None
    best = Run.of(config).best
    if accelerator.is_main_process:
        plot_training(Run.of(config))
        average_best(
            Run.of(config), config.train.metric, min(config.train.average or 1, len(trainer.state.ranking.kept))
        )
    if accelerator.is_main_process and validation is not None:
        if config.selection.candidates is not None and model.kind == "extractive":
            _fit_selection(best, config, len(validation))
        evaluation = evaluate(config, best, "validation")
    return TrainResult(config.run_dir, best, trainer.state.step, evaluation, accelerator.is_main_process)


def _fit_selection(best: Path, config: Config, documents: int) -> None:
    """Fits what chooses extracts, if there are documents enough."""
    if documents >= LEAST_DOCUMENTS:
        fit_selection(best, config)
    else:
        print(
            f"{documents} validation documents are too few to fit expected ROUGE: {LEAST_DOCUMENTS} or more are needed"
        )


def _settled(config: Config, resumed: Resumed | None, model: Model, accelerator: Accelerator) -> Config:
    """The config with precision and attention resolved; the first process saves it."""
    sharded = config.train.fsdp and accelerator.num_processes > 1
    attention = model.reader.attention_on(accelerator.device, sharded)
    return settle_attention_of_run(config, resumed, attention) if accelerator.is_main_process else config


@contextmanager
def _algorithms(deterministic: bool) -> Iterator[None]:
    if not deterministic:
        yield
        return
    before, workspace = torch.get_deterministic_debug_mode(), os.environ.get(_WORKSPACE)
    os.environ.setdefault(_WORKSPACE, ":4096:8")
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.set_deterministic_debug_mode(before)
        if workspace is None:
            del os.environ[_WORKSPACE]
