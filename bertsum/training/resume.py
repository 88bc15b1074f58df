"""Beginning or resuming a run: what the run folder may hold, and which settings a resumed run may change."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bertsum.config import Config
from bertsum.data.store import Prepared
from bertsum.device import settle_precision
from bertsum.errors import BertsumError
from bertsum.files import whole_folder
from bertsum.models.base import Model
from bertsum.runs import Run
from bertsum.training.distributed import on_first_process
from bertsum.training.state import load_train_state

if TYPE_CHECKING:
    from accelerate import Accelerator


@dataclass(frozen=True)
class Resumed:
    """An interrupted run that a training resumes.

    Attributes:
        checkpoint: The run's newest checkpoint.
        config: The configuration that the run was last trained with.
    """

    checkpoint: Path
    config: Config


def find_resumed(config: Config) -> Resumed | None:
    """Finds the run to resume in the run folder, before anything slow begins; None for a new run.

    Raises:
        BertsumError: if the folder holds a run that must not be resumed, or cannot be written.
    """
    run, train = Run.of(config), config.train
    there = next(folder for folder in (run.folder, *run.folder.absolute().parents) if folder.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise BertsumError(f"'{run.folder}' cannot be written: '{there}' is not a writable folder; choose --output_dir")
    checkpoint = run.last_checkpoint()
    if checkpoint is None or train.overwrite:
        return None
    if not train.resume:
        raise BertsumError(
            f"'{run.folder}' already holds a run; go on with it (--train.resume), replace it (--train.overwrite), or "
            "choose another name (--name NAME)"
        )
    if not run.config_file.is_file():
        raise BertsumError(f"'{run.folder}' has checkpoints, but no config.yaml; replace it (--train.overwrite)")
    return Resumed(checkpoint, Config.load(run.config_file))


def settle_precision_of_run(config: Config, resumed: Resumed | None, accelerator: Accelerator) -> Config:
    """The config with ``train.precision`` resolved: as the run began; for a new run, what auto means on this machine.

    The first process decides for all.
    """
    from accelerate.utils import broadcast_object_list

    here = settle_precision(config.train.precision, accelerator.device)
    settled = [here]

    def choose() -> None:
        before = resumed.config.train.precision if resumed is not None else "auto"
        if config.train.precision == "auto" and before not in ("auto", here):
            settled[0] = before
            print(f"Going on in {settled[0]}, as the run began (train.precision: auto is {here} here)", flush=True)

    on_first_process(accelerator, choose)
    broadcast_object_list(settled)
    return config.override({"train.precision": settled[0]})


def settle_attention_of_run(config: Config, resumed: Resumed | None, attention: str) -> Config:
    """The config with ``model.attention`` resolved, to be saved; prints a note if the run began with another value.

    Args:
        config: The run's configuration.
        resumed: The run to resume, if any.
        attention: The value that auto stands for here.
    """
    if config.model.attention != "auto":
        return config
    before = resumed.config.model.attention if resumed is not None else "auto"
    if before not in ("auto", attention):
        print(
            f"Going on with other arithmetic, since auto is another one here (model.attention: was {before}, is "
            f"{attention}; --model.attention {before} keeps it)",
            flush=True,
        )
    return config.override({"model.attention": attention})


# Settings that a resumed run may change: how long, how often, and anything that does not affect the weights.
_MAY_DIFFER = (
    "name",
    "output_dir",
    "data.train",  # its folder may change; the prepared data are compared separately
    "data.validation",
    "data.test",
    "data.teacher",
    "data.prepared_dir",
    "data.workers",
    "train.max_steps",
    "train.epochs",
    "train.accumulation",
    "train.max_tokens_per_batch",  # a lower one computes the same updates in smaller pieces
    "train.fsdp",
    "train.non_finite",
    "train.deterministic",
    "train.validate_every",
    "train.validate_documents",
    "train.save_every",
    "train.keep_best",
    "train.average",
    "train.patience",
    "train.log_every",
    "train.resume",
    "train.overwrite",
    "rouge.bootstrap_samples",
    "evaluation.",
    "tracking.",
)
_SETTLED = ("train.precision", "model.attention")  # older versions saved auto, which any value may have been
_NOT_WORTH_TELLING = ("train.resume", "train.overwrite")


def allowed_changes(config: Config, resumed: Resumed) -> list[str]:
    """Settings that changed since the run was interrupted; :func:`check_same_data` compares the data.

    Raises:
        BertsumError: if a setting changed that a resumed run must keep.
    """
    before = resumed.config.flat()
    changed = {key: value for key, value in config.flat().items() if value != before[key]}
    if config.model.attention == "auto":  # compared later, when the model is loaded
        changed.pop("model.attention", None)
    allowed = [key for key in changed if key.startswith(_MAY_DIFFER) or (key in _SETTLED and before[key] == "auto")]
    described = {key: f"{key}: was {before[key]!r}, is {value!r}" for key, value in changed.items()}
    refused = [described[key] for key in changed if key not in allowed]
    if refused:
        raise BertsumError(
            f"'{config.run_dir}': holds a run that cannot be resumed with another config ({'; '.join(refused)}); set "
            "these back, begin a new run (--name NAME), or replace it (--train.overwrite)"
        )
    return [described[key] for key in allowed if key not in _NOT_WORTH_TELLING]


def write_model_as_run(config: Config, model: Model, step: int) -> Path:
    """Writes a model that was trained elsewhere as a run, so that it can be evaluated like one.

    Args:
        config: The run's configuration; the model's encoder, encoding and how it chooses or writes replace
            the config's.
        model: A model with a tokenizer.
        step: Number of updates in its training, if known.

    Returns:
        The checkpoint.

    Raises:
        BertsumError: if the folder already holds a run, or cannot be written.
    """
    run, run_dir = Run.of(config), config.run_dir
    if run.is_there() and not config.train.overwrite:
        raise BertsumError(f"'{run_dir}' already holds a run; replace it (--train.overwrite), or name another folder")
    config = model.config.apply(config).override(_settings_of(model), training=False)
    folder = run.checkpoint(step)
    try:
        run.clear()
    except OSError as error:
        raise BertsumError(f"'{run_dir}' cannot be written: {error}") from error
    with whole_folder(folder) as beside:
        model.save_pretrained(beside, card=False)
    config.save(run.config_file)
    run.point_best(folder)
    return folder


def _settings_of(model: Model) -> dict[str, Any]:
    """The model's settings for choosing or writing, by its kind; an evaluation takes them from the run's config."""
    sections = [name for name in ("selection", "generation") if name in model.sections]
    parts = {name: asdict(getattr(model.config, name)) for name in sections}
    return {f"{name}.{key}": value for name, values in parts.items() for key, value in values.items()}


@contextmanager
def lock_run_folder(config: Config, accelerator: Accelerator) -> Iterator[None]:
    """Keeps other trainings out of the run folder while the block runs; the first process holds the lock.

    Raises:
        BertsumError: if the folder cannot be written, or another training is running in it.
    """
    with ExitStack() as stack:
        on_first_process(accelerator, lambda: stack.enter_context(Run.of(config).locked()))
        yield


def check_same_data(resumed: Resumed, training: Prepared) -> None:
    """Checks that a resumed run gets the documents it began with.

    Raises:
        BertsumError: if the documents have changed.
    """
    before, now = load_train_state(resumed.checkpoint).data, training.folder.name
    if before != now:
        raise BertsumError(
            f"'{resumed.checkpoint}': cannot be resumed with other prepared training data: was {before}, is {now} "
            "(other documents, settings, tokenizer or version of bertsum); begin a new run (--name NAME), or replace "
            "it (--train.overwrite)"
        )


def begin_run(config: Config, resumed: Resumed | None, accelerator: Accelerator) -> None:
    """Removes a run that is not resumed from the locked run folder, and writes the resolved config.

    Raises:
        BertsumError: if the folder cannot be written.
    """
    run, run_dir = Run.of(config), config.run_dir

    def clear_and_write() -> None:
        try:
            run_dir.mkdir(parents=True, exist_ok=True)
            if resumed is None:
                run.clear()
            # A later training with this file should resume, not begin again.
            config.override({"train.overwrite": False, "train.resume": True}).save(run.config_file)
            flat = {key: value for key, value in config.flat().items() if not isinstance(value, list | None)}
            accelerator.init_trackers(config.tracking.project, config=flat)
        except OSError as error:
            raise BertsumError(f"'{run_dir}' cannot be written: {error}; choose another --output_dir") from error

    on_first_process(accelerator, clear_and_write)
