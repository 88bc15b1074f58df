"""What surrounds a training: the accelerator, the run folder, and the order between several processes."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from filelock import FileLock, Timeout

from bertsum.config import Config
from bertsum.errors import BertsumError
from bertsum.evaluation.runs import write_whole
from bertsum.models.bertsum import BertSum
from bertsum.training.checkpoint import checkpoint_name, last_checkpoint, point_best

if TYPE_CHECKING:
    from accelerate import Accelerator

_PRECISION = {"fp32": "no", "bf16": "bf16", "fp16": "fp16"}


def make_accelerator(config: Config) -> Accelerator:
    """Devices, processes and precision.

    Raises:
        BertsumError: if the precision or a tracker is not to be had.
    """
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState
    from accelerate.utils import ProjectConfiguration

    AcceleratorState._reset_state()  # a second training in one program may have another precision

    run_dir = str(config.run_dir)
    try:
        return Accelerator(
            cpu=not torch.accelerator.is_available(),  # or torchrun's processes on a CPU do not find each other
            mixed_precision=_PRECISION[config.train.precision],
            log_with=_installed_trackers(config) or None,
            project_config=ProjectConfiguration(project_dir=run_dir, logging_dir=str(config.run_dir / "tensorboard")),
        )
    except ValueError as error:
        raise BertsumError(f"train.precision or tracking.trackers: {error}") from error


def _installed_trackers(config: Config) -> list[str]:
    from accelerate.tracking import get_available_trackers
    from accelerate.utils import LoggerType

    known = [str(tracker.value) for tracker in LoggerType if tracker != LoggerType.ALL]
    unknown = [name for name in config.tracking.trackers if name not in known]
    if unknown:
        raise BertsumError(f"tracking.trackers: got {', '.join(unknown)}, expected some of {', '.join(sorted(known))}")
    available = {str(getattr(tracker, "value", tracker)) for tracker in get_available_trackers()}
    missing = [name for name in config.tracking.trackers if name not in available]
    if missing:
        print(f"Not tracking with {', '.join(missing)}: not installed (pip install 'bertsum[tracking]')", flush=True)
    return [name for name in config.tracking.trackers if name in available]


def check_run_folder(config: Config) -> None:
    """Refuses a folder that holds another run or cannot be written, before anything long begins."""
    run_dir, train = config.run_dir, config.train
    if last_checkpoint(run_dir) is not None and not (train.resume or train.overwrite):
        raise BertsumError(
            f"'{run_dir}' already holds a run; go on with it (--train.resume), replace it (--train.overwrite), or "
            "choose another name (--name NAME)"
        )
    if last_checkpoint(run_dir) is not None and train.resume:
        _check_same_run(config, Config.load(run_dir / "config.yaml"))
    there = next(folder for folder in (run_dir, *run_dir.absolute().parents) if folder.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise BertsumError(f"'{run_dir}' cannot be written: '{there}' is not a writable folder; choose --output_dir")


# What a resumed run may have otherwise: how long and how often, and what does not touch its weights.
_MAY_DIFFER = (
    "name",
    "output_dir",
    "data.train",  # where it lies; the trainer compares what was prepared from it
    "data.validation",
    "data.test",
    "data.prepared_dir",
    "data.workers",
    "train.max_steps",
    "train.epochs",
    "train.accumulation",  # the trainer compares processes x accumulation
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


def _check_same_run(config: Config, saved: Config) -> None:
    """Refuses a resume that would not be the same run; the trainer compares the data itself."""
    before = saved.flat()
    changed = [
        f"{key}: was {before[key]!r}, is {value!r}"
        for key, value in config.flat().items()
        if value != before[key] and not key.startswith(_MAY_DIFFER)
    ]
    if changed:
        raise BertsumError(
            f"'{config.run_dir}': cannot be resumed with another config ({'; '.join(changed)}); set these back, or "
            "begin a new run (--name NAME)"
        )


def write_model_as_run(config: Config, model: BertSum, step: int) -> Path:
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
    run_dir = config.run_dir
    if any((run_dir / name).exists() for name in _RUN) and not config.train.overwrite:
        raise BertsumError(f"'{run_dir}' already holds a run; replace it (--train.overwrite), or name another folder")
    config = model.config.apply(config).override(_selection_of(model))
    folder = config.run_dir / "checkpoints" / checkpoint_name(step)
    beside = folder.with_name(f".{folder.name}.unfinished")
    try:
        _remove_run(run_dir)
        model.save_pretrained(beside)
        beside.rename(folder)
        config.save(run_dir / "config.yaml")
        point_best(run_dir, step)
    except OSError as error:
        raise BertsumError(f"'{run_dir}' cannot be written: {error}") from error
    return folder


def _selection_of(model: BertSum) -> dict[str, Any]:
    return {f"selection.{name}": value for name, value in asdict(model.config.selection).items()}


def claim_run_folder(config: Config, accelerator: Accelerator) -> FileLock:
    """Makes the run folder, clears what is not to be gone on with, and writes the resolved config.

    Returns:
        The lock that keeps other trainings out of the folder until it is released or this process ends.

    Raises:
        BertsumError: if the folder cannot be written, or another training is running in it.
    """
    run_dir = config.run_dir
    lock = FileLock(run_dir / ".lock", timeout=0)
    accelerator.wait_for_everyone()  # each has checked
    if accelerator.is_main_process:
        try:
            run_dir.mkdir(parents=True, exist_ok=True)
            lock.acquire()
            if last_checkpoint(run_dir) is None or not config.train.resume:
                _remove_run(run_dir)
            config.save(run_dir / "config.yaml")
        except Timeout as error:
            raise BertsumError(f"'{run_dir}': another training is running there; choose another --name") from error
        except OSError as error:
            raise BertsumError(f"'{run_dir}' cannot be written: {error}; choose another --output_dir") from error
        flat = {key: value for key, value in config.flat().items() if value is not None and not isinstance(value, list)}
        accelerator.init_trackers(config.tracking.project, config=flat)
    accelerator.wait_for_everyone()
    return lock


def _remove_run(run_dir: Path) -> None:
    """Removes what a run writes, and nothing else that may lie there."""
    for path in (run_dir / name for name in _RUN):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


_RUN = ("best", "config.yaml", "metrics.jsonl", "checkpoints", "eval", "tensorboard")


def forget_later_metrics(path: Path, step: int) -> None:
    """Drops what an interrupted run wrote after its last checkpoint; those steps will be written again."""
    if path.exists():
        lines = path.read_text(encoding="utf-8").splitlines()
        complete = [line for line in lines if line.endswith("}")]
        write_whole(path, "".join(line + "\n" for line in complete if json.loads(line)["step"] <= step))
