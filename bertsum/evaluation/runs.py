"""Run folders, as evaluation finds them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from bertsum.config import Config
from bertsum.errors import BertsumError


def newest_run(output_dir: str | Path = "runs") -> Path:
    """The run folder whose best checkpoint is the newest.

    Raises:
        BertsumError: if there is none.
    """
    runs = [best.parent for best in Path(output_dir).glob("*/best") if best.is_dir()]
    if not runs:
        raise BertsumError(
            f"'{output_dir}' has no run with a checkpoint; train one: scripts/train.py --config quickstart"
        )
    return max(runs, key=lambda run: (run / "best").resolve().stat().st_mtime)


def run_of(checkpoint: str | Path) -> Path:
    """The run folder that a checkpoint lies in.

    Raises:
        BertsumError: if it lies in none.
    """
    path = Path(checkpoint).absolute()
    if not path.is_dir():
        raise BertsumError(f"checkpoint '{checkpoint}': does not exist; a hub id needs --config as well")
    for folder in (path.parent, path.parent.parent):
        if (folder / "config.yaml").is_file():
            return folder
    raise BertsumError(f"checkpoint '{checkpoint}': is not in a run folder; say what to evaluate it on with --config")


def run_config(run: Path, overrides: Sequence[str] = ()) -> Config:
    """The resolved configuration of a run folder, wherever that folder lies now."""
    names = [f"name={run.name}", f"output_dir={run.parent}"]
    return Config.load(run / "config.yaml", [*names, *overrides], training=False)


def best_checkpoints(config: Config, count: int) -> list[Path]:
    """The checkpoints of a run that were the best by ``train.metric``, best first.

    Raises:
        BertsumError: if the run has kept fewer.
    """
    if count < 1:
        raise BertsumError(f"average: got {count}, expected at least 1")
    file = config.run_dir / "metrics.jsonl"
    metric = config.train.metric
    try:
        lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        values = {int(line["step"]): float(line[metric]) for line in lines if line["split"] == "validation"}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BertsumError(f"'{file}': cannot be read as the metrics of a training: {error!r}") from error
    places = {path.name: path for path in (config.run_dir / "checkpoints").glob("step_*")}
    kept = {step: places[name] for step in values if (name := f"step_{step:06d}") in places}
    if len(kept) < count:
        raise BertsumError(
            f"'{config.run_dir}' has {len(kept)} checkpoints with a validation, expected {count}; train with "
            f"--train.keep_best {count} and at least so many validations"
        )
    ranked = sorted(kept, key=lambda step: values[step] if metric == "loss" else -values[step])
    return [kept[step] for step in ranked[:count]]


def make_folder(folder: Path) -> Path:
    """Makes a folder for results."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BertsumError(f"'{folder}' cannot be written: {error}") from error
    return folder
