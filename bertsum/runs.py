"""A run folder: the places of its files, its checkpoints, the best checkpoint, and its lock.

runs/NAME/config.yaml  metrics.jsonl  curves.svg  tensorboard/
          checkpoints/step_001000/    a model, and state/
          mean/                       a model, if train.average asks for one
          best -> checkpoints/step_... or mean
          eval/SPLIT/                 results.json  predictions.jsonl  report.html
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bertsum.config import Config
from bertsum.errors import BertsumError
from bertsum.files import read_json_lines, remove_folder, try_remove
from bertsum.results import RESULTS_FILE

# Workers of a killed training hold the lock for a moment, until they notice.
_LOCK_SECONDS = 5.0
# All that a run writes.
_WRITTEN = ("checkpoints", "best", "mean", "metrics.jsonl", "curves.svg", "eval", "tensorboard", "config.yaml")


@dataclass(frozen=True)
class Run:
    """A run folder.

    Attributes:
        folder: The folder; it need not exist.
    """

    folder: Path

    @staticmethod
    def of(config: Config) -> Run:
        """The run of a configuration."""
        return Run(config.run_dir)

    @staticmethod
    def newest(output_dir: str | Path = "runs") -> Run:
        """The run with the newest best checkpoint.

        Raises:
            BertsumError: if no run has one.
        """
        folders = [best.parent for best in Path(output_dir).glob("*/best") if best.is_dir()]
        if not folders:
            raise BertsumError(
                f"'{output_dir}' has no run with a checkpoint; train one: bertsum train --config quickstart"
            )
        return Run(max(folders, key=lambda folder: (folder / "best").resolve().stat().st_mtime))

    @staticmethod
    def with_checkpoint(checkpoint: str | Path) -> Run:
        """The run of a checkpoint.

        Raises:
            BertsumError: if the checkpoint is not in a run.
        """
        path = Path(checkpoint).absolute()
        if not path.is_dir():
            raise BertsumError(f"checkpoint '{checkpoint}': does not exist; a hub id needs --config as well")
        for folder in (path.parent, path.parent.parent):
            if (folder / "config.yaml").is_file():
                return Run(folder)
        raise BertsumError(
            f"checkpoint '{checkpoint}': is not in a run folder; say what to evaluate it on with --config"
        )

    # ---- places of files

    @property
    def config_file(self) -> Path:
        return self.folder / "config.yaml"

    @property
    def metrics_file(self) -> Path:
        return self.folder / "metrics.jsonl"

    @property
    def curves_file(self) -> Path:
        return self.folder / "curves.svg"

    @property
    def best(self) -> Path:
        """A link to the best checkpoint or the mean of the best; without validation data, to the last checkpoint."""
        return self.folder / "best"

    @property
    def mean(self) -> Path:
        """The model with the mean of the best checkpoints' weights (``train.average``)."""
        return self.folder / "mean"

    @property
    def lock_file(self) -> Path:
        """The run's lock file; it is beside the folder, because a failed start must not leave a run folder."""
        place = self.folder.resolve()
        return place.with_name(f".{place.name}.lock")

    # ---- content

    def config(self, overrides: Sequence[str] = ()) -> Config:
        """The resolved configuration of the run; its folder may have been moved."""
        names = [f"name={self.folder.name}", f"output_dir={self.folder.parent}"]
        return Config.load(self.config_file, [*names, *overrides], training=False)

    def metrics(self) -> list[dict[str, Any]]:
        """The lines of metrics.jsonl, each with ``split``, ``step`` and ``documents``.

        Raises:
            BertsumError: if it cannot be read.
        """
        lines = []
        for place, line in read_json_lines(self.metrics_file):
            for name, kind in (("split", str), ("step", int), ("documents", int)):
                if not isinstance(line.get(name), kind):
                    raise BertsumError(f"{place}: field '{name}': expected {kind.__name__}")
            lines.append(line)
        return lines

    # ---- checkpoints

    def checkpoint(self, step: int) -> Path:
        """Folder of an update's checkpoint."""
        return self.folder / "checkpoints" / f"step_{step:06d}"

    def checkpoints(self) -> dict[int, Path]:
        """Update and folder of every complete checkpoint; other names, such as a copy's, are ignored."""
        folders = (self.folder / "checkpoints").glob("step_*")
        return {int(match[1]): path for path in folders if (match := re.fullmatch(r"step_(\d+)", path.name))}

    def last_checkpoint(self) -> Path | None:
        """The newest complete checkpoint."""
        checkpoints = self.checkpoints()
        return checkpoints[max(checkpoints)] if checkpoints else None

    def best_checkpoints(self, metric: str, count: int) -> list[Path]:
        """The best ``count`` checkpoints by a metric of the validations, best first.

        Raises:
            BertsumError: if the run has kept fewer checkpoints.
        """
        if count < 1:
            raise BertsumError(f"average: got {count}, expected at least 1")
        validations = [line for line in self.metrics() if line["split"] == "validation"]
        if not all(isinstance(line.get(metric), float | int) for line in validations):
            raise BertsumError(f"'{self.metrics_file}': a validation has no '{metric}'")
        values = {line["step"]: line[metric] for line in validations}
        kept = {step: path for step, path in self.checkpoints().items() if step in values}
        if len(kept) < count:
            raise BertsumError(
                f"'{self.folder}' has {len(kept)} checkpoints with a validation, expected {count}; train with "
                f"--train.keep_best {count} and at least so many validations"
            )
        ranked = sorted(sorted(kept), key=lambda step: values[step] if metric == "loss" else -values[step])
        return [kept[step] for step in ranked[:count]]

    def point_best(self, checkpoint: Path) -> None:
        """Links ``best`` to a model of the run, in one step.

        Raises:
            BertsumError: if the link cannot be made.
        """
        link = self.folder / ".best.unfinished"
        try:
            link.unlink(missing_ok=True)
            link.symlink_to(checkpoint.relative_to(self.folder))
            os.replace(link, self.best)
        except OSError as error:
            raise BertsumError(f"'{self.best}' cannot be written: {error}") from error

    def remove_checkpoints(self, keep: set[int]) -> None:
        """Removes all checkpoints except those of the updates in ``keep``; also leftovers of a killed process."""
        for step, folder in self.checkpoints().items():
            if step not in keep:
                with contextlib.suppress(OSError):  # tried again after the next checkpoint
                    remove_folder(folder)
        for left in (self.folder / "checkpoints").glob(".step_*"):
            try_remove(left)

    # ---- the whole folder

    def is_there(self) -> bool:
        """Whether the folder holds anything that a run writes."""
        return any((self.folder / name).exists() for name in _WRITTEN)

    def clear(self) -> None:
        """Removes all that a run writes, and no other files; checkpoints first, because they make a folder a run.

        Raises:
            OSError: if something cannot be removed.
        """
        try_remove(self.folder / ".checkpoints.removed")  # half-removed by a killed process
        for path in (self.folder / name for name in _WRITTEN):
            if path.is_dir() and not path.is_symlink():
                remove_folder(path)
            else:
                path.unlink(missing_ok=True)

    @contextmanager
    def writing_results(self, name: str) -> Iterator[Path]:
        """Gives the folder of an evaluation, such as of a split, and locks it while the block runs.

        An old results.json is removed first, because results.json is written last.

        Raises:
            BertsumError: if the folder cannot be written, or another evaluation is writing in it.
        """
        from filelock import FileLock, Timeout

        folder = self.folder / "eval" / name
        lock = FileLock(folder.with_name(f".{name}.lock"), timeout=0)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout as error:
            raise BertsumError(f"'{folder}': another evaluation is writing there; wait for it, or end it") from error
        except OSError as error:
            raise BertsumError(f"'{folder}' cannot be written: {error}") from error
        try:
            try_remove(folder / RESULTS_FILE)
            yield folder
        finally:
            lock.release()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps other trainings out of the folder until the block or this process ends.

        Raises:
            BertsumError: if the folder cannot be written, or another training is running in it.
        """
        from filelock import FileLock, Timeout

        lock = FileLock(self.lock_file, timeout=_LOCK_SECONDS)
        try:
            self.lock_file.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout as error:
            raise BertsumError(
                f"'{self.folder}': another training is running there, or some of its processes still are; end it "
                "first, or choose another --name"
            ) from error
        except OSError as error:
            raise BertsumError(f"'{self.folder}' cannot be written: {error}; choose another --output_dir") from error
        try:
            yield
        finally:
            lock.release()
