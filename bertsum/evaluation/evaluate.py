"""A checkpoint's predictions and its ROUGE, beside Lead and Oracle."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from bertsum.config import Config, SelectionConfig
from bertsum.data.prepare import Prepared, prepare
from bertsum.errors import BertsumError
from bertsum.evaluation.baselines import lead, oracles
from bertsum.evaluation.rouge import METRICS, RougeScore, document_rouge, summarize_scores, tokenizer_for
from bertsum.evaluation.selection import select_sentences
from bertsum.models.bertsum import BertSum


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
    """ROUGE of a checkpoint and of the baselines on one split.

    Attributes:
        checkpoint: The evaluated checkpoint.
        split: The evaluated split.
        documents: Number of documents.
        tokenizer: How ROUGE counted words.
        systems: ROUGE by system: ``lead-3``, ``oracle``, ``model``; each by metric.
        seconds: Time of scoring, selection and ROUGE.
        example: A document with its chosen sentences marked.
        folder: Where results.json and predictions.jsonl lie.
    """

    checkpoint: str
    split: str
    documents: int
    tokenizer: str
    systems: dict[str, dict[str, RougeScore]]
    seconds: float
    example: str
    folder: Path

    def __str__(self) -> str:
        return f"{self.table()}\n{self.documents:,} documents of {self.split}; ROUGE counts {self.tokenizer}"

    def table(self) -> str:
        """ROUGE F1 with 95% intervals, and recall and precision, in percent."""
        head = f"{'':<10}" + "".join(f"{metric.upper():>8}{'95% interval':>17}" for metric in METRICS)
        lines = [head + f"{'R-1 recall':>13}{'R-1 precision':>15}"]
        for system, scores in self.systems.items():
            cells = ""
            for metric in METRICS:
                score = scores[metric]
                low, high = score.fmeasure_interval
                cells += f"{100 * score.fmeasure:>8.2f}{f'({100 * low:.2f}-{100 * high:.2f})':>17}"
            first = scores["rouge1"]
            lines.append(f"{system:<10}{cells}{100 * first.recall:>13.2f}{100 * first.precision:>15.2f}")
        return "\n".join(lines)


def evaluate(config: Config, checkpoint: str | Path | None = None, split: str | None = None) -> Evaluation:
    """Evaluates a checkpoint, writes ``results.json`` and ``predictions.jsonl`` to ``eval/SPLIT`` of the run folder.

    Documents are read as the checkpoint was trained to: its own encoding and language replace the config's.

    Args:
        config: The run's configuration.
        checkpoint: A folder or hub id; by default ``best`` of the run folder.
        split: train, validation or test; by default ``evaluation.split``.

    Raises:
        BertsumError: if the checkpoint or the documents cannot be used.
    """
    split = split or config.evaluation.split
    if split not in ("train", "validation", "test"):
        raise BertsumError(f"split: got '{split}', expected train, validation or test")
    checkpoint = Path(checkpoint) if checkpoint is not None else config.run_dir / "best"
    if checkpoint == config.run_dir / "best" and not checkpoint.is_dir():
        raise BertsumError(
            f"checkpoint '{checkpoint}': does not exist, expected a finished training of run '{config.name}'"
        )
    model = BertSum.from_pretrained(checkpoint, device=_device())
    config = model.config.apply(config)
    folder = _output_folder(config.run_dir / "eval" / split)
    prepared = prepare(config, split, model.tokenizer)
    start = time.perf_counter()
    predictions = predict(model, prepared, config, progress=f"score {split}")
    return _report(config, str(checkpoint), split, prepared, predictions, folder, start)


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
        select(scores.sigmoid().tolist(), row["sentence_indices"], row["sentences"], config.selection)
        for scores, row in zip(logits, texts, strict=True)
    ]


def score_documents(
    model: BertSum, prepared: Prepared, config: Config, indices: Sequence[int] | np.ndarray, progress: str | None = None
) -> list[torch.Tensor]:
    """The logits of each document's sentences that are read (S), in the order of ``indices``."""
    rows = prepared.dataset.select(indices).select_columns(["input_ids", "cls_positions"])
    budget, precision = config.evaluation.max_tokens_per_batch, config.evaluation.precision
    logits = [torch.empty(0)] * len(rows)
    bar = tqdm(total=len(rows), desc=progress, unit=" documents", disable=True if progress is None else None)
    with bar:
        for place, scores in model.score(rows, budget, precision, lengths=prepared.lengths[np.asarray(indices)]):
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
    lines = []
    for index, sentence in enumerate(sentences):
        printable = "".join(char if char.isprintable() else " " for char in sentence)
        lines.append(f"{'>>' if index in chosen else '  '} {printable}")
    return "\n".join(lines)


def _report(
    config: Config,
    checkpoint: str,
    split: str,
    prepared: Prepared,
    predictions: list[Prediction],
    folder: Path,
    start: float,
) -> Evaluation:
    """Scores the predictions and the baselines, and writes the files."""
    texts = prepared.dataset.select_columns(["id", "sentences", "references", "sentence_indices"])
    count = config.lead_sentences
    choices = {
        f"lead-{count}": [lead(row, count) for row in texts],
        "oracle": list(oracles(texts, config.data)),
        "model": [prediction.indices for prediction in predictions],
    }
    scores = {}
    for system, chosen in choices.items():
        summaries = [[row["sentences"][i] for i in indices] for row, indices in zip(texts, chosen, strict=True)]
        scores[system] = rouge_of(config, summaries, texts["references"], progress=f"rouge of {system}")
    systems = {
        system: summarize_scores(values, config.rouge.bootstrap_samples, config.seed)
        for system, values in scores.items()
    }
    seconds = time.perf_counter() - start
    tokenizer = tokenizer_for(config.rouge_language).name
    results = {
        "checkpoint": checkpoint,
        "split": split,
        "documents": len(texts),
        "rouge": {**asdict(config.rouge), "language": config.rouge_language, "tokenizer": tokenizer},
        "selection": asdict(config.selection),
        "systems": {name: {metric: asdict(score) for metric, score in of.items()} for name, of in systems.items()},
        "seconds": round(seconds, 2),
    }
    lines = []
    for number, (row, prediction) in enumerate(zip(texts, predictions, strict=True)):
        line = {
            "id": row["id"],
            "indices": prediction.indices,
            "scores": [None if score is None else round(score, 6) for score in prediction.scores],
            "summary": [row["sentences"][index] for index in prediction.indices],
            "references": row["references"],
            "rouge": {metric: round(float(scores["model"][number, m, 2]), 5) for m, metric in enumerate(METRICS)},
        }
        lines.append(json.dumps(line, ensure_ascii=False))
    write_whole(folder / "predictions.jsonl", "\n".join(lines) + "\n")
    write_whole(folder / "results.json", json.dumps(results, indent=2) + "\n")
    example = marked(texts[0]["sentences"], predictions[0].indices)
    return Evaluation(checkpoint, split, len(texts), tokenizer, systems, seconds, example, folder)


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
    return Config.load(run / "config.yaml", [f"name={run.name}", f"output_dir={run.parent}", *overrides])


def write_whole(path: Path, text: str) -> None:
    """Writes a file completely or not at all."""
    beside = path.with_name(f".{path.name}.unfinished")
    try:
        beside.write_text(text, encoding="utf-8")
        os.replace(beside, path)
    except OSError as error:
        raise BertsumError(f"'{path}' cannot be written: {error}") from error


def _output_folder(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BertsumError(f"'{folder}' cannot be written: {error}") from error
    return folder


def _device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"
