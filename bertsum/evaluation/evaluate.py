"""A checkpoint's predictions and its ROUGE, beside Lead and Oracle."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bertsum.by_place import ByPlace, OnDisk
from bertsum.config import Config
from bertsum.data.prepare import prepare, read_texts
from bertsum.data.rows import Texts
from bertsum.data.sources import source_of
from bertsum.data.store import Prepared
from bertsum.device import default_device, settle_precision
from bertsum.encoders.load import load_tokenizer
from bertsum.errors import BertsumError
from bertsum.evaluation.measure import measure
from bertsum.evaluation.predictions import DocumentScores, PredictionsOnDisk, predict_split
from bertsum.evaluation.rouge import summarize_scores, tokenizer_name
from bertsum.files import write_whole
from bertsum.models.base import Model
from bertsum.models.storage import saved_checksum
from bertsum.pages.report import Measured, report_html
from bertsum.pages.shading import marked
from bertsum.progress import Progress
from bertsum.results import Results
from bertsum.runs import Run


@dataclass(frozen=True)
class Evaluation(Results):
    """ROUGE of the baselines and of one or several checkpoints on one split; prints as a table.

    Attributes:
        example: A document; the sentences that the first checkpoint (or the oracle) chose are marked.
        folder: Folder of results.json, predictions.jsonl and report.html.
    """

    example: str
    folder: Path

    @property
    def report(self) -> Path:
        """The page report.html."""
        return self.folder / "report.html"


def evaluate(config: Config, checkpoint: str | Path | None = None, split: str | None = None) -> Evaluation:
    """Evaluates a checkpoint, writes ``results.json``, ``predictions.jsonl`` and ``report.html`` to ``eval/SPLIT``.

    Documents are read as in the checkpoint's training: its encoding and language replace the config's.

    Args:
        config: The run's configuration.
        checkpoint: A folder or hub id; by default ``best`` of the run folder.
        split: train, validation or test; by default ``evaluation.split``.

    Returns:
        ROUGE of the checkpoint, Lead and Oracle; prints as a table.

    Raises:
        BertsumError: if the checkpoint or the documents cannot be used.
    """
    split = _checked_split(config, split)
    run = Run.of(config)
    best = run.best
    checkpoint = best if checkpoint is None else checkpoint  # a hub id is not a path, so it stays as it is
    if Path(checkpoint) == best and not best.is_dir():
        raise BertsumError(
            f"checkpoint '{checkpoint}': does not exist, expected a finished training of run '{config.name}'"
        )
    return _evaluate(config, {"model": checkpoint}, split, split)


def evaluate_average(config: Config, count: int, split: str | None = None) -> Evaluation:
    """Evaluates the best checkpoints of a run and the mean of their ROUGE, as the papers report it.

    Writes ``results.json``, ``predictions.STEP.jsonl`` and ``report.html`` to ``eval/SPLIT-average`` of the run folder.

    Args:
        config: The run's configuration.
        count: Number of checkpoints to take, the best in validation; 3 in the papers.
        split: train, validation or test; by default ``evaluation.split``.

    Raises:
        BertsumError: if the run has kept fewer checkpoints, or a checkpoint or the documents cannot be used.
    """
    split = _checked_split(config, split)
    best = Run.of(config).best_checkpoints(config.train.metric, count)
    return _evaluate(config, {path.name: path for path in best}, split, f"{split}-average")


def evaluate_baselines(config: Config, split: str | None = None) -> Evaluation:
    """Lead and Oracle alone, without a model.

    Writes ``results.json`` and ``report.html`` to ``eval/SPLIT-baselines`` of the run folder.
    With ``evaluation.baselines: read`` the encoder's tokenizer is needed, to tell what the encoder would read.

    Raises:
        BertsumError: if the documents cannot be used.
    """
    split = _checked_split(config, split)
    start = time.perf_counter()
    with Run.of(config).writing_results(f"{split}-baselines") as folder:
        rows: ByPlace[dict[str, Any]]
        if config.evaluation.baselines == "read":
            rows = prepare(config, split, load_tokenizer(config.model.encoder)).texts
        else:
            rows = OnDisk(enumerate(_read(config, split)), folder)
        return _report(config, {}, {}, split, rows, {}, folder, start)


def _read(config: Config, split: str) -> Iterator[Texts]:
    with Progress(f"read {split}") as progress:
        for row in read_texts(config, split):
            yield row
            progress.update()


def _checked_split(config: Config, split: str | None) -> str:
    split = split or config.evaluation.split
    if split not in ("train", "validation", "test"):
        raise BertsumError(f"split: got '{split}', expected train, validation or test")
    return split


def _evaluate(config: Config, checkpoints: Mapping[str, str | Path], split: str, name: str) -> Evaluation:
    """Evaluates checkpoints of one run, which all read documents the same way; ``name`` is the results folder."""
    start = time.perf_counter()
    predictions: dict[str, PredictionsOnDisk] = {}
    weights: dict[str, str | None] = {}
    prepared: Prepared | None = None
    with ExitStack() as stack:
        for system, checkpoint in checkpoints.items():
            model = Model.from_pretrained(checkpoint, device=str(default_device()), only_score=True)
            if prepared is None:
                config = model.config.apply(config)
                folder = stack.enter_context(Run.of(config).writing_results(name))
                prepared = prepare(config, split, model.tokenizer)
                start = time.perf_counter()
            weights[system] = saved_checksum(model.folder) if model.folder else None
            title = f"score {split}" if system == "model" else f"score {split} with {system}"
            with Progress(title, len(prepared)) as progress:
                made = predict_split(model, prepared, config, progress=progress)
                predictions[system] = PredictionsOnDisk(made, folder)
            del model  # before the next one is read, or processes are started
        assert prepared is not None
        named = {system: str(path) for system, path in checkpoints.items()}
        return _report(config, named, weights, split, prepared.texts, predictions, folder, start)


def _report(
    config: Config,
    checkpoints: dict[str, str],
    weights: dict[str, str | None],
    split: str,
    rows: ByPlace[dict[str, Any]],
    predictions: dict[str, PredictionsOnDisk],
    folder: Path,
    start: float,
) -> Evaluation:
    """Measures each system, in the order of ``rows``, and the baselines; writes the files."""
    files = {system: folder / f"predictions{f'.{system}' * (len(predictions) > 1)}.jsonl" for system in predictions}
    measures = measure(config, rows, predictions, files, f"rouge of {split}")
    rouge = measures.rouge
    if len(predictions) > 1:
        rouge[f"mean of {len(predictions)}"] = np.mean([rouge[system] for system in predictions], axis=0)
    systems = {
        system: summarize_scores(values, config.rouge.bootstrap_samples, config.seed)
        for system, values in rouge.items()
    }
    language = config.rouge_language
    evaluation = Evaluation(
        checkpoints=checkpoints,
        weights=weights,
        split=split,
        source=source_of(config.data, split),
        documents=len(rows),
        rouge={**asdict(config.rouge), "language": language, "tokenizer": tokenizer_name(language)},
        selection=asdict(config.selection) if predictions else None,
        baselines=config.evaluation.baselines,
        long_documents=config.encoding.long_documents,
        precision=settle_precision(config.evaluation.precision, default_device()) if predictions else None,
        systems=systems,
        seconds=round(time.perf_counter() - start, 2),
        example=marked(rows[0]["sentences"], measures.choices[next(iter(predictions), "oracle")][0]),
        folder=folder,
    )
    scores = {system: DocumentScores(of_system) for system, of_system in predictions.items()}
    measured = Measured(rows, evaluation, measures.choices, rouge, scores)
    title = f"{config.name} on {split}"
    write_whole(evaluation.report, report_html(measured, title, _facts(config, evaluation), config.seed))
    evaluation.write(folder)
    return evaluation


def _facts(config: Config, results: Results) -> dict[str, str]:
    """Facts that a reader of the figures must know."""
    limits = {name: value for name, value in (results.selection or {}).items() if value is not None}
    samples = f"{config.rouge.bootstrap_samples:,} bootstrap samples"
    return {
        "Documents": f"{results.documents:,}",
        "ROUGE": f"counts {results.tokenizer}; below each figure its 95% interval, from {samples}",
        "Baselines": f"of {'what the encoder reads' if results.baselines == 'read' else 'whole documents'}",
        **({"Selection": ", ".join(f"{name} {value}" for name, value in limits.items())} if limits else {}),
        **{f"Checkpoint of {system}": path for system, path in results.checkpoints.items()},
    }
