"""A checkpoint's predictions and its ROUGE, beside Lead and Oracle."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from tqdm import tqdm

from bertsum.config import Config, SelectionConfig
from bertsum.data.documents import source_of
from bertsum.data.prepare import prepare, read_texts
from bertsum.data.prepared import Prepared
from bertsum.device import default_device, settle_precision
from bertsum.errors import BertsumError
from bertsum.evaluation.baselines import lead, oracles
from bertsum.evaluation.report import Measured, report_html
from bertsum.evaluation.rouge import METRICS, RougeScore, counting, document_rouge, summarize_scores
from bertsum.evaluation.runs import best_checkpoints, make_folder
from bertsum.evaluation.selection import select_sentences
from bertsum.files import write_whole
from bertsum.models.bertsum import BertSum
from bertsum.models.encoder import load_tokenizer
from bertsum.models.saved import saved_checksum
from bertsum.text import one_line

if TYPE_CHECKING:
    import datasets

_TEXTS = ["id", "sentences", "references", "sentence_indices"]


@dataclass(frozen=True)
class Prediction:
    """What a model chose in one document.

    Attributes:
        indices: Chosen sentences, by their place in the document.
        scores: Probability of each sentence of the document; None for those that were not read.
    """

    indices: list[int]
    scores: list[float | None]


@dataclass(frozen=True)
class Evaluation:
    """ROUGE of the baselines, and of one checkpoint or several, on one split.

    Attributes:
        checkpoints: The evaluated checkpoints, by the name of their system.
        split: The evaluated split.
        documents: Number of documents.
        tokenizer: How ROUGE counted words.
        systems: ROUGE by system: ``lead-3``, ``oracle``, ``model``; each by metric.
        limited: Whether summaries were cut to their reference's length, so that recall is the figure to report.
        seconds: Time of scoring, selection and ROUGE.
        example: A document with the sentences marked that the first checkpoint chose, or the oracle.
        folder: Where results.json, predictions.jsonl and report.html lie.
    """

    checkpoints: dict[str, str]
    split: str
    documents: int
    tokenizer: str
    systems: dict[str, dict[str, RougeScore]]
    limited: bool
    seconds: float
    example: str
    folder: Path

    def __str__(self) -> str:
        figure = "limited-length recall" if self.limited else "F1"
        return f"{self.table()}\n{self.documents:,} documents of {self.split}; ROUGE {figure}, counts {self.tokenizer}"

    @property
    def report(self) -> Path:
        """The page that shows it all."""
        return self.folder / "report.html"

    def table(self) -> str:
        """ROUGE F1, or limited-length recall, with 95% intervals; ROUGE-1 recall and precision; in percent."""
        width = max(10, *(len(system) + 1 for system in self.systems))
        head = f"{'':<{width}}" + "".join(f"{metric.upper():>8}{'95% interval':>17}" for metric in METRICS)
        lines = [head + f"{'R-1 recall':>13}{'R-1 precision':>15}"]
        for system, scores in self.systems.items():
            cells = ""
            for metric in METRICS:
                score = scores[metric]
                low, high = score.recall_interval if self.limited else score.fmeasure_interval
                figure = score.recall if self.limited else score.fmeasure
                cells += f"{100 * figure:>8.2f}{f'({100 * low:.2f}-{100 * high:.2f})':>17}"
            first = scores["rouge1"]
            lines.append(f"{system:<{width}}{cells}{100 * first.recall:>13.2f}{100 * first.precision:>15.2f}")
        return "\n".join(lines)


def evaluate(config: Config, checkpoint: str | Path | None = None, split: str | None = None) -> Evaluation:
    """Evaluates a checkpoint, writes ``results.json``, ``predictions.jsonl`` and ``report.html`` to ``eval/SPLIT``.

    Documents are read as the checkpoint was trained to: its own encoding and language replace the config's.

    Args:
        config: The run's configuration.
        checkpoint: A folder or hub id; by default ``best`` of the run folder.
        split: train, validation or test; by default ``evaluation.split``.

    Returns:
        ROUGE of the checkpoint, Lead and Oracle; printed, it is a table.

    Raises:
        BertsumError: if the checkpoint or the documents cannot be used.
    """
    split = _checked_split(config, split)
    best = config.run_dir / "best"
    checkpoint = best if checkpoint is None else checkpoint  # a hub id stays as it is: it is no path
    if Path(checkpoint) == best and not best.is_dir():
        raise BertsumError(
            f"checkpoint '{checkpoint}': does not exist, expected a finished training of run '{config.name}'"
        )
    return _evaluate(config, {"model": checkpoint}, split, config.run_dir / "eval" / split)


def evaluate_average(config: Config, count: int, split: str | None = None) -> Evaluation:
    """Evaluates the best checkpoints of a run and the mean of their ROUGE, as the papers report it.

    Writes ``results.json``, ``predictions.STEP.jsonl`` and ``report.html`` to ``eval/SPLIT-average`` of the run folder.

    Args:
        config: The run's configuration.
        count: How many of the checkpoints that were best in validation; 3 in the papers.
        split: train, validation or test; by default ``evaluation.split``.

    Raises:
        BertsumError: if the run has kept fewer checkpoints, or one or the documents cannot be used.
    """
    split = _checked_split(config, split)
    checkpoints: dict[str, str | Path] = {path.name: path for path in best_checkpoints(config, count)}
    return _evaluate(config, checkpoints, split, config.run_dir / "eval" / f"{split}-average")


def evaluate_baselines(config: Config, split: str | None = None) -> Evaluation:
    """Lead and Oracle alone, without a model.

    Writes ``results.json`` and ``report.html`` to ``eval/SPLIT-baselines`` of the run folder.
    With ``evaluation.baselines: read`` the encoder's tokenizer is needed, which tells what it would read.

    Raises:
        BertsumError: if the documents cannot be used.
    """
    split = _checked_split(config, split)
    folder = make_folder(config.run_dir / "eval" / f"{split}-baselines")
    start = time.perf_counter()
    rows: Sequence[dict[str, Any]] | datasets.Dataset
    if config.evaluation.baselines == "read":
        prepared = prepare(config, split, load_tokenizer(config.model.encoder))
        rows = prepared.dataset.select_columns(_TEXTS)
    else:
        rows = list(tqdm(read_texts(config, split), desc=f"read {split}", unit=" documents", disable=None))
    return _report(config, {}, {}, split, rows, {}, folder, start)


def _checked_split(config: Config, split: str | None) -> str:
    split = split or config.evaluation.split
    if split not in ("train", "validation", "test"):
        raise BertsumError(f"split: got '{split}', expected train, validation or test")
    return split


def _evaluate(config: Config, checkpoints: dict[str, str | Path], split: str, folder: Path) -> Evaluation:
    """Evaluates checkpoints of one run, which read documents alike."""
    start = time.perf_counter()
    predictions: dict[str, list[Prediction]] = {}
    weights: dict[str, str | None] = {}
    prepared: Prepared | None = None
    for system, checkpoint in checkpoints.items():
        model = BertSum.from_pretrained(checkpoint, device=str(default_device()), only_score=True)
        if prepared is None:
            config = model.config.apply(config)
            make_folder(folder)
            prepared = prepare(config, split, model.tokenizer)
            start = time.perf_counter()
        weights[system] = saved_checksum(model.folder) if model.folder else None
        title = f"score {split}" if system == "model" else f"score {split} with {system}"
        predictions[system] = predict(model, prepared, config, progress=title)
    assert prepared is not None
    rows = prepared.dataset.select_columns(_TEXTS)
    named = {system: str(path) for system, path in checkpoints.items()}
    return _report(config, named, weights, split, rows, predictions, folder, start)


def predict(
    model: BertSum,
    prepared: Prepared,
    config: Config,
    indices: Sequence[int] | None = None,
    progress: str | None = None,
) -> list[Prediction]:
    """Scores documents and selects their summaries, in input order.

    Args:
        model: Any device.
        prepared: A prepared split.
        config: With ``selection`` and ``evaluation``.
        indices: Documents to predict; all by default.
        progress: Title of a progress bar.
    """
    chosen = range(len(prepared)) if indices is None else indices
    logits = score_documents(model, prepared, config, chosen, progress)
    texts = prepared.dataset.select(chosen).select_columns(["sentences", "sentence_indices"])
    return [
        select(logits[place].sigmoid().tolist(), row["sentence_indices"], row["sentences"], config.selection)
        for place, row in enumerate(texts)
    ]


def score_documents(
    model: BertSum,
    prepared: Prepared,
    config: Config,
    indices: Sequence[int] | np.ndarray,
    progress: str | None = None,
    part: tuple[int, int] = (0, 1),
    precision: str | None = None,
) -> dict[int, torch.Tensor]:
    """The logits of each document's sentences that are read (S), by its place in ``indices``.

    Of several processes (``part``: which, of how many) each scores its share of the batches. The arithmetic is
    ``evaluation.precision`` unless another precision is given.
    """
    rows = prepared.dataset.select(indices).select_columns(["input_ids", "cls_positions"])
    budget, precision = config.evaluation.max_tokens_per_batch, precision or config.evaluation.precision
    bar = tqdm(total=len(rows), desc=progress, unit=" documents", disable=True if progress is None else None)
    logits: dict[int, torch.Tensor] = {}
    with bar:
        for place, scores in model.score(rows, budget, precision, prepared.lengths[np.asarray(indices)], part):
            logits[place] = scores
            bar.update()
    return logits


def select(
    probabilities: list[float], sentence_indices: list[int], sentences: list[str], selection: SelectionConfig
) -> Prediction:
    """Scores of the sentences that were read to the prediction for the whole document."""
    places = select_sentences(
        probabilities,
        [sentences[index] for index in sentence_indices],
        **asdict(selection),
        document_sentences=len(sentences),
    )
    scores: list[float | None] = [None] * len(sentences)
    for index, probability in zip(sentence_indices, probabilities, strict=True):
        scores[index] = probability
    return Prediction([sentence_indices[place] for place in places], scores)


def marked(sentences: Sequence[str], chosen: Sequence[int]) -> str:
    """The sentences, one a line, the chosen ones marked; what a terminal would obey is made harmless."""
    marks = [">>" if index in chosen else "  " for index in range(len(sentences))]
    return "\n".join(f"{mark} {one_line(sentence)}" for mark, sentence in zip(marks, sentences, strict=True))


def _report(
    config: Config,
    checkpoints: dict[str, str],
    weights: dict[str, str | None],
    split: str,
    rows: Sequence[dict[str, Any]] | datasets.Dataset,
    predictions: dict[str, list[Prediction]],
    folder: Path,
    start: float,
) -> Evaluation:
    """Scores the predictions of each system, in the order of ``rows``, and the baselines; writes the files."""
    choices = {
        f"lead-{config.lead_sentences}": [lead(row, config) for row in rows],
        "oracle": list(oracles(rows, config)),
        **{system: [prediction.indices for prediction in made] for system, made in predictions.items()},
    }
    references = [row["references"] for row in rows]
    scores = {}
    for system, chosen in choices.items():
        summaries = [[row["sentences"][i] for i in indices] for row, indices in zip(rows, chosen, strict=True)]
        scores[system] = rouge_of(config, summaries, references, progress=f"rouge of {system}")
    if len(predictions) > 1:
        scores[f"mean of {len(predictions)}"] = np.mean([scores[system] for system in predictions], axis=0)
    systems = {
        system: summarize_scores(values, config.rouge.bootstrap_samples, config.seed)
        for system, values in scores.items()
    }
    seconds = time.perf_counter() - start
    tokenizer = counting(config.rouge_language)
    for system, made in predictions.items():
        lines = [
            json.dumps(_line(row, prediction, oracle, of_document), ensure_ascii=False)
            for row, prediction, oracle, of_document in zip(rows, made, choices["oracle"], scores[system], strict=True)
        ]
        name = "predictions.jsonl" if len(predictions) == 1 else f"predictions.{system}.jsonl"
        write_whole(folder / name, "\n".join(lines) + "\n")
    results = {
        "checkpoints": checkpoints,
        "weights": weights,  # their checksums: a name such as best comes to mean others
        "split": split,
        "source": source_of(config.data, split),
        "documents": len(rows),
        "rouge": {**asdict(config.rouge), "language": config.rouge_language, "tokenizer": tokenizer},
        "selection": asdict(config.selection) if predictions else None,
        "baselines": config.evaluation.baselines,
        "long_documents": config.encoding.long_documents,
        "precision": settle_precision(config.evaluation.precision, default_device()) if predictions else None,
        "systems": {name: {metric: asdict(score) for metric, score in of.items()} for name, of in systems.items()},
        "seconds": round(seconds, 2),
    }
    write_whole(folder / "results.json", json.dumps(results, indent=2) + "\n")
    first = next((made[0].indices for made in predictions.values()), choices["oracle"][0])
    limited = config.rouge.limit_to_reference
    example = marked(rows[0]["sentences"], first)
    evaluation = Evaluation(checkpoints, split, len(rows), tokenizer, systems, limited, seconds, example, folder)
    probabilities = {system: [prediction.scores for prediction in made] for system, made in predictions.items()}
    measured = Measured(rows, systems, choices, scores, probabilities, limited)
    write_whole(
        evaluation.report, report_html(measured, f"{config.name} on {split}", _facts(config, results), config.seed)
    )
    return evaluation


def _facts(config: Config, results: dict[str, Any]) -> dict[str, str]:
    """What a reader of the figures must know."""
    limits = {name: value for name, value in (results["selection"] or {}).items() if value is not None}
    samples = f"{config.rouge.bootstrap_samples:,} bootstrap samples"
    return {
        "Documents": f"{results['documents']:,}",
        "ROUGE": f"counts {results['rouge']['tokenizer']}; below each figure its 95% interval, from {samples}",
        "Baselines": f"of {'what the encoder reads' if results['baselines'] == 'read' else 'whole documents'}",
        **({"Selection": ", ".join(f"{name} {value}" for name, value in limits.items())} if limits else {}),
        **{f"Checkpoint of {system}": path for system, path in results["checkpoints"].items()},
    }


def _line(row: dict[str, Any], prediction: Prediction, oracle: list[int], scores: np.ndarray) -> dict[str, Any]:
    """A line of predictions.jsonl."""
    return {
        "id": row["id"],
        "indices": prediction.indices,
        "scores": [None if score is None else round(score, 6) for score in prediction.scores],
        "summary": [row["sentences"][index] for index in prediction.indices],
        "references": row["references"],
        "oracle": oracle,
        "rouge": {metric: round(float(scores[m, 2]), 5) for m, metric in enumerate(METRICS)},
    }


def rouge_of(
    config: Config, summaries: list[list[str]], references: list[list[list[str]]], progress: str | None = None
) -> np.ndarray:
    """ROUGE of each document as configured (N, 3, 3)."""
    return document_rouge(
        summaries,
        references,
        config.rouge_language,
        several=config.rouge.references,
        limit_to_reference=config.rouge.limit_to_reference,
        workers=config.data.workers,
        progress=progress,
    )
