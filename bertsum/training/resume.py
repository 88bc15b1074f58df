"""A run that begins or is resumed: what its folder may hold, and the settings that a resumed run may change."""

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
    """The interrupted run that a training goes on with.

    Attributes:
        checkpoint: Its newest checkpoint.
        config: The configuration that it was last trained with.
    """

    checkpoint: Path
    config: Config


def find_resumed(config: Config) -> Resumed | None:
    """What stands in the run folder, before anything long begins; None where a run begins.

    Raises:
        BertsumError: if it is a run that shall not be resumed, or nothing can be written there.
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
    """A config whose ``train.precision`` is no longer auto: it is what the run began with, else what auto is here.

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
    """A config whose ``model.attention`` is no longer auto, to be written down; says so where the run began otherwise.

    Args:
        config: The run's configuration.
        resumed: The run that it goes on with.
        attention: What auto is here.
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


# What a resumed run may have otherwise: how long and how often, and what does not touch its weights.
_MAY_DIFFER = (
    "name",
    "output_dir",
    "data.train",  # in which folder it lies; what was prepared from it is compared by itself
    "data.validation",
    "data.test",
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
    "train.patience",
    "train.log_every",
    "train.resume",
    "train.overwrite",
    "rouge.bootstrap_samples",
    "evaluation.",
    "tracking.",
)
_SETTLED = ("train.precision", "model.attention")  # where auto is written down, by older versions, it may be anything
_NOT_WORTH_TELLING = ("train.resume", "train.overwrite")


def allowed_changes(config: Config, resumed: Resumed) -> list[str]:
    """Settings that changed since the run was interrupted; :func:`check_same_data` compares the data.

    Raises:
        BertsumError: if that is more than a resumed run may.
    """
    before = resumed.config.flat()
    changed = {key: value for key, value in config.flat().items() if value != before[key]}
    if config.model.attention == "auto":  # what that is here is compared when the model is there
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
    """Writes a model that was trained elsewhere as a run, to be evaluated like one.

    Args:
        config: The run's configuration; the model's own encoder, encoding and selection replace its.
        model: With a tokenizer.
        step: Updates that it was trained for, as far as they are known.

    Returns:
        Its checkpoint.

    Raises:
        BertsumError: if the folder holds a run already, or cannot be written.
    """
    run, run_dir = Run.of(config), config.run_dir
    if run.is_there() and not config.train.overwrite:
        raise BertsumError(f"'{run_dir}' already holds a run; replace it (--train.overwrite), or name another folder")
    config = model.config.apply(config).override(_selection_of(model), training=False)
    folder = run.checkpoint(step)
    try:
        run.clear()
    except OSError as error:
        raise BertsumError(f"'{run_dir}' cannot be written: {error}") from error
    with whole_folder(folder) as beside:
        model.save_pretrained(beside, card=False)
    config.save(run.config_file)
    run.point_best(step)
    return folder


def _selection_of(model: Model) -> dict[str, Any]:
    return {f"selection.{name}": value for name, value in asdict(model.config.selection).items()}


@contextmanager
def lock_run_folder(config: Config, accelerator: Accelerator) -> Iterator[None]:
    """Keeps other trainings out of the run folder as long as the block runs; the first process does.

    Raises:
        BertsumError: if nothing can be written there, or another training is running in it.
    """
    with ExitStack() as stack:
        on_first_process(accelerator, lambda: stack.enter_context(Run.of(config).locked()))
        yield


def check_same_data(resumed: Resumed, training: Prepared) -> None:
    """Refuses to resume a run on other documents than it has seen.

    Raises:
        BertsumError: saying so.
    """
    before, now = load_train_state(resumed.checkpoint).data, training.folder.name
    if before != now:
        raise BertsumError(
            f"'{resumed.checkpoint}': cannot be resumed with other prepared training data: was {before}, is {now} "
            "(other documents, settings, tokenizer or version of bertsum); begin a new run (--name NAME), or replace "
            "it (--train.overwrite)"
        )


def begin_run(config: Config, resumed: Resumed | None, accelerator: Accelerator) -> None:
    """Clears the locked run folder of what is not resumed, and writes the resolved config.

    Raises:
        BertsumError: if the folder cannot be written.
    """
    run, run_dir = Run.of(config), config.run_dir

    def clear_and_write() -> None:
        try:
            run_dir.mkdir(parents=True, exist_ok=True)
            if resumed is None:
                run.clear()
            # Whoever reads it again wants to go on, not to begin anew.
            config.override({"train.overwrite": False, "train.resume": True}).save(run.config_file)
            flat = {key: value for key, value in config.flat().items() if not isinstance(value, list | None)}
            accelerator.init_trackers(config.tracking.project, config=flat)
        except OSError as error:
            raise BertsumError(f"'{run_dir}' cannot be written: {error}; choose another --output_dir") from error

    on_first_process(accelerator, clear_and_write)
