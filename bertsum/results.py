"""The results of an evaluation: figures by system, their tables, and results.json."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple

from bertsum.errors import BertsumError
from bertsum.files import write_whole

METRICS = ("rouge1", "rouge2", "rougeL")
MOST_SAMPLES = 1_000_000  # of a bootstrap
FIGURES = ("precision", "recall", "fmeasure")
# Corpus scores of sacrebleu, and how they are written.
TRANSLATION_METRICS = {"bleu": "BLEU", "chrf": "chrF"}
NGRAMS = (1, 2, 3, 4)
# Figures beside ROUGE: how their names are written, and the factor by which they are multiplied for the table.
TEXT_FIGURES = {
    "coverage": ("coverage, %", 100),
    "density": ("density, words", 1),
    "redundancy": ("redundancy, %", 100),
    "precision_at_1": ("P@1, %", 100),
    "precision_at_3": ("P@3, %", 100),
    "bertscore": ("BERTScore F1, %", 100),
}
BERTSCORE = "bertscore"  # the only figure that needs an encoder
RESULTS_FILE = "results.json"


@dataclass(frozen=True)
class RougeScore:
    """Means over documents, from 0 to 1, with 95% bootstrap intervals (low, high).

    Attributes:
        precision: Share of the summary's units (n-grams, or words of the longest common subsequence) that the reference
            has.
        recall: Share of the reference's units that the summary has.
        fmeasure: Mean over documents of the harmonic mean of precision and recall.
        precision_interval: Interval of precision.
        recall_interval: Interval of recall.
        fmeasure_interval: Interval of fmeasure.
    """

    precision: float
    recall: float
    fmeasure: float
    precision_interval: tuple[float, float]
    recall_interval: tuple[float, float]
    fmeasure_interval: tuple[float, float]


@dataclass(frozen=True)
class CorpusScore:
    """BLEU or chrF of all documents together, from 0 to 100; or their perplexity, 1 or more; or a mean over documents.

    Attributes:
        score: The score.
        interval: Its 95% bootstrap interval (low, high).
    """

    score: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class AtThreshold:
    """What is kept and removed if all sentences with at least a score ``threshold`` are kept.

    Attributes:
        threshold: The least score.
        answered: Of the records with an answer, the share that keeps a sentence with it; None without such records.
        recall: Of a record's sentences with an answer, the mean share that is kept; None without such records.
        removed: Share of all words that are removed.
        empty: Of the records without an answer, the share that keeps nothing; None without such records.
    """

    threshold: float
    answered: float | None
    recall: float | None
    removed: float
    empty: float | None


@dataclass(frozen=True)
class Answers:
    """How well sentences that answer queries are found, in percent with 95% bootstrap intervals.

    Attributes:
        answerable: Number of records with a sentence that answers; the next three figures are means over them, and None
            without such records.
        p1: Share of these records whose best sentence answers (P@1).
        mrr: Mean reciprocal rank of the first sentence that answers.
        map: Mean average precision.
        curve: For a model, the effect of several thresholds; empty for a baseline.
    """

    answerable: int
    p1: CorpusScore | None
    mrr: CorpusScore | None
    map: CorpusScore | None
    curve: list[AtThreshold]

    @property
    def ranks(self) -> list[CorpusScore]:
        """P@1, MRR and MAP; none without records with an answer."""
        return [one for one in (self.p1, self.mrr, self.map) if one is not None]

    @staticmethod
    def read(values: dict[str, Any]) -> Answers:
        """The inverse of ``asdict``, from JSON; ValueError if P@1, MRR or MAP is missing, or has no records."""
        ranks = {
            name: None if values[name] is None else CorpusScore(**_with_tuples(values[name]))
            for name in ("p1", "mrr", "map")
        }
        if any((rank is None) != (values["answerable"] == 0) for rank in ranks.values()):
            raise ValueError("answers: expected p1, mrr and map if there are records with an answer, else null")
        return Answers(values["answerable"], **ranks, curve=[AtThreshold(**point) for point in values["curve"]])


@dataclass(frozen=True)
class Novelty:
    """How much a summary's text differs from its document: means over documents.

    Attributes:
        words: Words of a summary.
        sentences: Sentences of a summary.
        novel1: Share of a summary's words that the document does not have, from 0 to 1.
        novel2: Share of a summary's pairs of words in a row that the document does not have.
        novel3: The same share for three words in a row.
        novel4: The same share for four words in a row.
        unsupported_documents: Share of documents whose summary has names, numbers or rare words that the document does
            not have.
        unsupported_words: Share of a summary's words that are such names, numbers or rare words.
    """

    words: float
    sentences: float
    novel1: float
    novel2: float
    novel3: float
    novel4: float
    unsupported_documents: float
    unsupported_words: float


class Row(NamedTuple):
    """A line of the table of ROUGE, in percent.

    Attributes:
        system: Name of the system.
        cells: By metric, the figure to report with its 95% interval (low, high).
        recall: ROUGE-1 recall.
        precision: ROUGE-1 precision.
    """

    system: str
    cells: dict[str, tuple[float, float, float]]
    recall: float
    precision: float


@dataclass(frozen=True)
class Results:
    """The content of results.json.

    Attributes:
        checkpoints: The evaluated checkpoints, by name of the system.
        weights: Checksums of the checkpoints' weights. They identify a checkpoint; a name such as ``best`` may change.
        split: The evaluated split.
        source: Where its documents come from: ``dataset``, ``dataset_config``, ``documents``.
        documents: Number of documents.
        rouge: How ROUGE was counted: the fields of the config's section, the language, and a text about the
            ``tokenizer``.
        selection: How sentences were chosen; None without a model that chooses.
        baselines: What Lead and Oracle chose from: all of a document, or what the encoder read of it.
        long_documents: How documents longer than the encoder's input were read: truncate or window.
        precision: Arithmetic of the forward pass; None without a model.
        systems: ROUGE by system (``lead-3``, ``oracle``, ``model``), each by metric; empty if it was not measured.
        seconds: Time of scoring, selection and ROUGE.
        generation: How summaries were written; None without a model that writes.
        translation: BLEU and chrF by system, each by metric; empty if they were not measured.
        signatures: How sacrebleu counted, by metric.
        novelty: How the texts differ from their documents, by system and for the first ``reference``. Empty if no model
            writes, or ROUGE was not measured: a translation has no word of its document.
        perplexity: Perplexity of hidden tokens, by system; empty if it was not measured.
        answers: How well queries are answered, by system; empty if it was not measured.
        text_figures: Figures beside ROUGE, such as coverage, by system, each by name; empty if they were not measured.
    """

    checkpoints: dict[str, str]
    weights: dict[str, str | None]
    split: str
    source: dict[str, Any]
    documents: int
    rouge: dict[str, Any]
    selection: dict[str, Any] | None
    baselines: str
    long_documents: str
    precision: str | None
    systems: dict[str, dict[str, RougeScore]]
    seconds: float
    generation: dict[str, Any] | None = None
    translation: dict[str, dict[str, CorpusScore]] = field(default_factory=dict)
    signatures: dict[str, str] = field(default_factory=dict)
    novelty: dict[str, Novelty] = field(default_factory=dict)
    perplexity: dict[str, CorpusScore] = field(default_factory=dict)
    answers: dict[str, Answers] = field(default_factory=dict)
    text_figures: dict[str, dict[str, CorpusScore]] = field(default_factory=dict)

    @property
    def tokenizer(self) -> str:
        """How ROUGE counted words."""
        return str(self.rouge["tokenizer"])

    @property
    def limited(self) -> bool:
        """Whether summaries were cut to the reference's length; if so, recall is the figure to report."""
        return bool(self.rouge["limit_to_reference"])

    @property
    def figure(self) -> str:
        """Attribute name of the figure to report: recall or fmeasure."""
        return "recall" if self.limited else "fmeasure"

    @property
    def figure_name(self) -> str:
        """Readable name of the figure to report."""
        return "limited-length recall" if self.limited else "F1"

    def rows(self) -> Iterator[Row]:
        """The lines of the table, one for each system."""
        for system, scores in self.systems.items():
            cells = {}
            for metric in METRICS:
                low, high = getattr(scores[metric], f"{self.figure}_interval")
                cells[metric] = (100 * getattr(scores[metric], self.figure), 100 * low, 100 * high)
            yield Row(system, cells, 100 * scores["rouge1"].recall, 100 * scores["rouge1"].precision)

    def table(self) -> str:
        """The figures as text.

        First ROUGE in percent: the figure to report with 95% intervals, then ROUGE-1 recall and precision. Then BLEU
        and chrF with 95% intervals. Then novelty, perplexity, and figures about queries. What was not measured is left
        out.
        """
        tables = (
            *(self._rouge_table, self._translation_table, self._text_figures_table, self._novelty_table),
            *(self._perplexity_table, self._answers_table, self._thresholds_table),
        )
        return "\n\n".join("\n".join(lines) for table in tables if (lines := list(table())))

    def _rouge_table(self) -> Iterator[str]:
        if not self.systems:
            return
        width = _width(self.systems)
        head = f"{'':<{width}}" + "".join(f"{metric.upper():>8}{'95% interval':>17}" for metric in METRICS)
        yield head + f"{'R-1 recall':>13}{'R-1 precision':>15}"
        for system, cells, recall, precision in self.rows():
            yield f"{system:<{width}}{_shown(cells.values())}{recall:>13.2f}{precision:>15.2f}"

    def _translation_table(self) -> Iterator[str]:
        width = _width(self.translation)
        if self.translation:
            titles = [TRANSLATION_METRICS[metric] for metric in self.signatures]
            yield f"{'':<{width}}" + "".join(f"{title:>8}{'95% interval':>17}" for title in titles)
        for system, scores in self.translation.items():
            yield f"{system:<{width}}{_shown((one.score, *one.interval) for one in scores.values())}"

    def text_figure_names(self) -> list[str]:
        """The figures beside ROUGE that some system has, in the order of the table."""
        there = {name for figures in self.text_figures.values() for name in figures}
        return [name for name in TEXT_FIGURES if name in there]

    def _text_figures_table(self) -> Iterator[str]:
        names = self.text_figure_names()
        if not names:
            return
        width = _width(self.text_figures)
        yield f"{'':<{width}}" + "".join(f"{TEXT_FIGURES[name][0]:>16}{'95% interval':>17}" for name in names)
        for system, figures in self.text_figures.items():
            cells = []
            for name in names:
                factor = TEXT_FIGURES[name][1]
                one = figures.get(name)
                interval = f"({factor * one.interval[0]:.2f}-{factor * one.interval[1]:.2f})" if one else ""
                cells.append(f"{f'{factor * one.score:.2f}' if one else '':>16}{interval:>17}")
            yield f"{system:<{width}}{''.join(cells)}".rstrip()

    def _novelty_table(self) -> Iterator[str]:
        width = _width(self.novelty)
        if self.novelty:
            head = f"{'':<{width}}{'words':>8}{'sentences':>11}{'novel words, 2-, 3-, 4-grams, %':>34}"
            yield f"{head}{'unsupported words, %':>23}{'summaries with any, %':>23}"
        for system, one in self.novelty.items():
            novel = "".join(f"{100 * share:>8.1f}" for share in (one.novel1, one.novel2, one.novel3, one.novel4))
            wrong = f"{100 * one.unsupported_words:>23.1f}{100 * one.unsupported_documents:>23.1f}"
            yield f"{system:<{width}}{one.words:>8.1f}{one.sentences:>11.1f}{novel:>34}{wrong}"

    def _perplexity_table(self) -> Iterator[str]:
        width = _width(self.perplexity)
        if self.perplexity:
            yield f"{'':<{width}}{'perplexity':>12}{'95% interval':>21}"
        for system, one in self.perplexity.items():
            low, high = one.interval
            yield f"{system:<{width}}{one.score:>12.2f}{f'({low:.2f}-{high:.2f})':>21}"

    def _answers_table(self) -> Iterator[str]:
        width = _width(self.answers)
        ranked = {system: one.ranks for system, one in self.answers.items() if one.ranks}
        if ranked:
            yield f"{'':<{width}}" + "".join(f"{title:>8}{'95% interval':>17}" for title in ("P@1", "MRR", "MAP"))
        for system, ranks in ranked.items():
            yield f"{system:<{width}}{_shown((rank.score, *rank.interval) for rank in ranks)}"

    def _thresholds_table(self) -> Iterator[str]:
        width = _width(self.answers) + 11
        titles = ("answer kept", "sentences kept", "words removed", "left empty")
        for system, one in self.answers.items():
            if one.curve:
                yield f"{f'{system}, threshold':<{width}}" + "".join(f"{title:>16}" for title in titles)
            for point in one.curve:
                shares = (point.answered, point.recall, point.removed, point.empty)
                cells = "".join(f"{'-' if share is None else f'{100 * share:.1f}%':>16}" for share in shares)
                yield f"{f'{point.threshold:.3f}':>{width}}{cells}"

    def __str__(self) -> str:
        counted = [f"ROUGE {self.figure_name}, counts {self.tokenizer}"] if self.systems else []
        counted += [f"{TRANSLATION_METRICS[metric]} {signature}" for metric, signature in self.signatures.items()]
        counted += ["perplexity of hidden words, token by token"] if self.perplexity else []
        counted += [f"{one.answerable:,} have an answer" for one in list(self.answers.values())[:1]]
        return f"{self.table()}\n{self.documents:,} documents of {self.split}; {'; '.join(counted)}"

    def write(self, folder: Path) -> None:
        """Writes results.json.

        Raises:
            BertsumError: if it cannot be written.
        """
        values = {item.name: getattr(self, item.name) for item in fields(Results)}
        values["systems"] = {
            system: {metric: asdict(score) for metric, score in scores.items()}
            for system, scores in self.systems.items()
        }
        for name in ("translation", "text_figures"):
            values[name] = {
                system: {metric: asdict(score) for metric, score in scores.items()}
                for system, scores in getattr(self, name).items()
            }
        for name in ("novelty", "perplexity", "answers"):
            values[name] = {system: asdict(one) for system, one in getattr(self, name).items()}
        write_whole(folder / RESULTS_FILE, json.dumps(values, indent=2) + "\n")

    @staticmethod
    def read(file: Path) -> Results:
        """Reads a results.json of this or an earlier version.

        Raises:
            BertsumError: if it cannot be read, or a field is missing.
        """
        try:
            values = json.loads(file.read_text(encoding="utf-8"))
            values = {**_ADDED, **values}
            for name, kind in (("systems", RougeScore), ("translation", CorpusScore), ("text_figures", CorpusScore)):
                values[name] = {
                    system: {metric: kind(**_with_tuples(score)) for metric, score in scores.items()}
                    for system, scores in values[name].items()
                }
            values["novelty"] = {system: Novelty(**one) for system, one in values["novelty"].items()}
            perplexity = {system: CorpusScore(**_with_tuples(one)) for system, one in values["perplexity"].items()}
            values["perplexity"] = perplexity
            values["answers"] = {system: Answers.read(one) for system, one in values["answers"].items()}
            results = Results(**{item.name: values[item.name] for item in fields(Results)})
            str(results)
            return results
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise BertsumError(f"'{file}': cannot be read as the results of an evaluation: {error!r}") from error


# Fields that results.json of an earlier version lacks.
_ADDED: dict[str, Any] = {"weights": {}, "precision": None, "generation": None} | {
    name: {} for name in ("translation", "signatures", "novelty", "perplexity", "answers", "text_figures")
}


def _with_tuples(values: dict[str, Any]) -> dict[str, Any]:
    """A score from JSON, where intervals are lists."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}


def _width(systems: Iterable[str]) -> int:
    """Width of the column of names."""
    return max([10, *(len(system) + 1 for system in systems)])


def _shown(cells: Iterable[tuple[float, float, float]]) -> str:
    return "".join(f"{mean:>8.2f}{f'({low:.2f}-{high:.2f})':>17}" for mean, low, high in cells)
