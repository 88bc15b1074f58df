"""Evaluates checkpoints: their predictions and figures, compared with the baselines Lead and Oracle."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bertsum.by_place import ByPlace, OnDisk
from bertsum.config import Config
from bertsum.config.evaluation import metrics_problem
from bertsum.data.prepare import prepare, read_texts
from bertsum.data.sources import source_of
from bertsum.data.store import Prepared
from bertsum.data.texts import Texts, as_it_comes
from bertsum.device import default_device, settle_precision
from bertsum.errors import BertsumError
from bertsum.evaluation.answers import ANSWERS, some_records, write_answers
from bertsum.evaluation.bertscore import add_bertscores
from bertsum.evaluation.explanations import FILE as EXPLANATIONS
from bertsum.evaluation.explanations import explain_documents
from bertsum.evaluation.facts import facts_of
from bertsum.evaluation.fitting import tell_choice
from bertsum.evaluation.measure import Measures, check_references, measure, writes
from bertsum.evaluation.novelty import summarize_novelty
from bertsum.evaluation.perplexity import PERPLEXITY, write_perplexity
from bertsum.evaluation.predictions import DocumentScores, PredictionsOnDisk, WrittenOnDisk, predict_split
from bertsum.evaluation.rouge import summarize_scores, tokenizer_name
from bertsum.evaluation.text_figures import asked_figures, summarize_figures
from bertsum.evaluation.translation import check_installed, document_scores, signature, summarize_statistics
from bertsum.files import write_whole
from bertsum.models.base import Model, model_class
from bertsum.models.storage import saved_checksum
from bertsum.pages.answered import answers_html
from bertsum.pages.report import Measured, report_html
from bertsum.pages.shading import marked
from bertsum.pages.written import written_terminal
from bertsum.progress import Progress
from bertsum.results import BERTSCORE, Answers, CorpusScore, Results
from bertsum.runs import Run


@dataclass(frozen=True, kw_only=True)
class Evaluation(Results):
    """Figures of the baselines and of one or several checkpoints on one split; prints as tables.

    Attributes:
        example: A document; the sentences that the first checkpoint (or the oracle) chose are marked, or the summary
            that it wrote stands beside it. Empty without summaries.
        folder: Folder of results.json, predictions.jsonl and, of summaries, report.html.
    """

    example: str
    folder: Path

    @property
    def report(self) -> Path:
        """The page report.html, which shows summaries."""
        return self.folder / "report.html"


def evaluate(config: Config, checkpoint: str | Path | None = None, split: str | None = None) -> Evaluation:
    """Evaluates a checkpoint, writes ``results.json``, ``predictions.jsonl`` and ``report.html`` to ``eval/SPLIT``, and
    ``explanations.html`` if ``evaluation.explained`` asks for it.

    Documents are read as in the checkpoint's training: its encoding and language replace the config's.

    Args:
        config: The run's configuration.
        checkpoint: A folder or hub id; by default ``best`` of the run folder.
        split: train, validation or test; by default ``evaluation.split``.

    Returns:
        The figures that ``evaluation.metrics`` asks for, for the checkpoint, Lead and Oracle; prints as a table.

    Raises:
        BertsumError: if the checkpoint or the documents cannot be used, or what a metric needs is not installed.
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


def evaluate_untrained(config: Config, split: str | None = None) -> Evaluation:
    """Evaluates the model that a training of this config begins with: the pretrained encoder, a new or given head.

    Writes the files of :func:`evaluate` to ``eval/SPLIT-untrained`` of the run folder.

    Args:
        config: The run's configuration.
        split: train, validation or test; by default ``evaluation.split``.

    Raises:
        BertsumError: if the encoder or the documents cannot be used.
    """
    split = _checked_split(config, split)
    return _evaluate(config, {"model": None}, split, f"{split}-untrained")


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
        BertsumError: if the documents cannot be used, or ROUGE is not among ``evaluation.metrics``.
    """
    split = _checked_split(config, split)
    if "rouge" not in config.evaluation.metrics:
        raise BertsumError(
            f"evaluation.metrics: got {', '.join(config.evaluation.metrics)}, expected rouge among them: without it "
            "there are no baselines"
        )
    start = time.perf_counter()
    with Run.of(config).writing_results(f"{split}-baselines") as folder:
        rows: ByPlace[dict[str, Any]]
        if config.evaluation.baselines == "read":
            config = _as_documents_come(config)
            rows = prepare(config, split, *model_class(config.model.kind).load_tokenizers(config)).texts
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
    check_installed(config.evaluation.metrics)
    return split


def _as_documents_come(config: Config) -> Config:
    """The config for documents that are only evaluated: training documents then come without augmentation, too."""
    return replace(config, data=as_it_comes(config.data))


def _evaluate(config: Config, checkpoints: Mapping[str, str | Path | None], split: str, name: str) -> Evaluation:
    """Evaluates checkpoints of one run, which all read documents the same way (None: before the training); ``name`` is
    the results folder.
    """
    start = time.perf_counter()
    of_words = PERPLEXITY in config.evaluation.metrics
    predictions: dict[str, PredictionsOnDisk] = {}
    weights: dict[str, str | None] = {}
    prepared: Prepared | None = None
    with ExitStack() as stack:
        for system, checkpoint in checkpoints.items():
            model = _load(config, checkpoint)
            _check_metrics(config, model)
            if prepared is None:
                config = _as_documents_come(model.config.apply(config))
                folder = stack.enter_context(Run.of(config).writing_results(name))
                prepared = prepare(config, split, model.tokenizer, model.target_tokenizer)
                if not of_words and ANSWERS not in config.evaluation.metrics:
                    check_references(prepared.texts[0])  # before all are scored
                start = time.perf_counter()
            tell_choice(model, config.selection)
            weights[system] = saved_checksum(model.folder) if model.folder else None
            title = f"score {split}" if system == "model" else f"score {split} with {system}"
            with Progress(title, len(prepared)) as progress:
                made = predict_split(model, prepared, config, None, progress, loss=of_words, summaries=not of_words)
                predictions[system] = PredictionsOnDisk(made, folder)
            if config.evaluation.explained and len(checkpoints) == 1:
                title = f"{config.name} on {split}: what carried the summaries"
                explain_documents(model, prepared.texts, predictions[system], config, folder, title)
            del model  # before the next one is read, or processes are started
        assert prepared is not None
        named = {system: str(path or "untrained") for system, path in checkpoints.items()}
        if not of_words and ANSWERS not in config.evaluation.metrics:
            return _report(config, named, weights, split, prepared.texts, predictions, folder, start)
        figures = _of_words(config, prepared, predictions, folder) if of_words else {}
        evaluation = Evaluation(
            **_described(config, named, weights, split, prepared.report.kept),
            selection=None if of_words else asdict(config.selection),
            systems={},
            perplexity=figures,
            answers={} if of_words else _of_answers(config, prepared, predictions, folder),
            seconds=round(time.perf_counter() - start, 2),
            example="",
            folder=folder,
        )
        if evaluation.answers:
            files = {system: _predictions_file(folder, system, predictions) for system in predictions}
            _write_answers_page(config, evaluation, files)
        evaluation.write(folder)
        return evaluation


def _write_answers_page(config: Config, evaluation: Evaluation, files: Mapping[str, Path]) -> None:
    title = f"{config.name} on {evaluation.split}"
    some = {name: some_records(file, evaluation.documents, 20, config.seed) for name, file in files.items()}
    write_whole(evaluation.report, answers_html(title, facts_of(config, evaluation), evaluation.answers, some))


def _of_words(
    config: Config, prepared: Prepared, predictions: Mapping[str, PredictionsOnDisk], folder: Path
) -> dict[str, CorpusScore]:
    """Perplexity of each checkpoint."""
    drawn = (config.rouge.bootstrap_samples, config.seed)
    return {
        system: write_perplexity(_predictions_file(folder, system, predictions), prepared.texts, made, *drawn)
        for system, made in predictions.items()
    }


def _of_answers(
    config: Config, prepared: Prepared, predictions: Mapping[str, PredictionsOnDisk], folder: Path
) -> dict[str, Answers]:
    """How well each checkpoint, and the baselines, answer queries."""
    rows = prepared.dataset.remove_columns(["input_ids", "cls_positions"])
    found: dict[str, Answers] = {}
    for system, made in predictions.items():
        file = _predictions_file(folder, system, predictions)
        threshold = config.selection.query_threshold
        one = write_answers(file, rows, made, threshold, config.rouge.bootstrap_samples, config.seed)
        found |= {system if name == "model" else name: figures for name, figures in one.items()}
    return found


def _check_metrics(config: Config, model: Model) -> None:
    """Checks that the metrics fit the kind of model."""
    metrics = config.evaluation.metrics
    expected = metrics_problem(model.kind, metrics)
    if expected:
        raise BertsumError(
            f"evaluation.metrics: got {', '.join(metrics)}, expected {expected} for a model of model.kind {model.kind}"
        )


def _load(config: Config, checkpoint: str | Path | None) -> Model:
    """A checkpoint, or the model that a training begins with, to the same weights."""
    device = str(default_device())
    if checkpoint is not None:
        return Model.from_pretrained(checkpoint, device=device, only_score=True)
    with torch.random.fork_rng([]):
        torch.manual_seed(config.seed)
        return model_class(config.model.kind).for_training(config).to(device).eval()


def _predictions_file(folder: Path, system: str, predictions: Collection[str]) -> Path:
    return folder / f"predictions{f'.{system}' * (len(predictions) > 1)}.jsonl"


def _described(
    config: Config, checkpoints: dict[str, str], weights: dict[str, str | None], split: str, documents: int
) -> dict[str, Any]:
    """The fields of the results that tell what was evaluated, and how."""
    language = config.rouge_language
    return {
        "checkpoints": checkpoints,
        "weights": weights,
        "split": split,
        "source": source_of(config.data, split),
        "documents": documents,
        "rouge": {**asdict(config.rouge), "language": language, "tokenizer": tokenizer_name(language)},
        "baselines": config.evaluation.baselines,
        "long_documents": config.encoding.long_documents,
        "precision": settle_precision(config.evaluation.precision, default_device()) if checkpoints else None,
    }


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
    files = {system: _predictions_file(folder, system, predictions) for system in predictions}
    writers = [system for system, made in predictions.items() if writes(made)]
    title = f"{' and '.join(config.evaluation.metrics)} of {split}"
    measures = measure(config, rows, predictions, files, title, writers)
    if BERTSCORE in config.evaluation.metrics:
        add_bertscores(config, rows, measures, predictions)
    if len(predictions) > 1 and measures.rouge:
        mean = np.mean([measures.rouge[system] for system in predictions], axis=0)
        measures.rouge[f"mean of {len(predictions)}"] = mean
    if len(predictions) > 1 and measures.text_figures:
        mean = np.mean([measures.text_figures[system] for system in predictions], axis=0)
        measures.text_figures[f"mean of {len(predictions)}"] = mean
    evaluation = Evaluation(
        **_described(config, checkpoints, weights, split, len(rows)),
        selection=asdict(config.selection) if len(writers) < len(predictions) else None,
        generation=asdict(config.generation) if writers else None,
        **_summarized(config, measures, list(predictions), rows),
        seconds=round(time.perf_counter() - start, 2),
        example=_example(rows[0]["sentences"], measures, predictions, writers),
        folder=folder,
    )
    explanations = EXPLANATIONS if config.evaluation.explained and len(predictions) == 1 else None
    measured = _measured(rows, evaluation, measures, predictions, writers, explanations)
    page = report_html(measured, f"{config.name} on {split}", facts_of(config, evaluation), config.seed)
    write_whole(evaluation.report, page)
    evaluation.write(folder)
    return evaluation


def _summarized(config: Config, measures: Measures, models: list[str], rows: ByPlace[dict[str, Any]]) -> dict[str, Any]:
    """The figures over all documents, as fields of the results."""
    references = {len(row["references"]) for row in rows} if measures.statistics else set()
    samples, seed = config.rouge.bootstrap_samples, config.seed
    translation: dict[str, dict[str, CorpusScore]] = {}
    for metric, statistics in measures.statistics.items():
        systems = {system: [of_system] for system, of_system in statistics.items()}
        if len(models) > 1:
            systems[f"mean of {len(models)}"] = [statistics[model] for model in models]
        for system, several in systems.items():
            translation.setdefault(system, {})[metric] = summarize_statistics(metric, several, samples, seed)
    return {
        "systems": {system: summarize_scores(values, samples, seed) for system, values in measures.rouge.items()},
        "translation": translation,
        "signatures": {metric: signature(metric, references) for metric in measures.statistics},
        "novelty": {system: summarize_novelty(figures) for system, figures in measures.novelty.items()},
        "text_figures": {
            system: summarize_figures(asked_figures(config.evaluation.metrics), figures, samples, seed)
            for system, figures in measures.text_figures.items()
        },
    }


def _example(
    document: list[str], measures: Measures, predictions: Mapping[str, PredictionsOnDisk], writers: Collection[str]
) -> str:
    """The first document, and what the first model, or the oracle, makes of it."""
    shown = next(iter(predictions), "oracle")
    if shown not in writers:
        return marked(document, measures.choices[shown][0])
    made = predictions[shown][0]
    return written_terminal(made.sentences, made.leans_on, made.unsupported, document, colour=False)


def _measured(
    rows: ByPlace[dict[str, Any]],
    results: Results,
    measures: Measures,
    predictions: Mapping[str, PredictionsOnDisk],
    writers: Collection[str],
    explanations: str | None,
) -> Measured:
    """The data of the report."""
    scores: dict[str, dict[str, np.ndarray]] = {}  # BLEU and chrF of each document, in place of ROUGE
    for metric, statistics in measures.statistics.items() if not measures.rouge else ():
        for system, of_system in statistics.items():
            scores.setdefault(system, {})[metric] = document_scores(metric, of_system)
    return Measured(
        rows,
        results,
        measures.choices,
        measures.rouge,
        {system: DocumentScores(made) for system, made in predictions.items() if system not in writers},
        {system: np.stack(list(of_system.values()), axis=1) for system, of_system in scores.items()},
        {system: WrittenOnDisk(predictions[system]) for system in writers},
        explanations,
    )
