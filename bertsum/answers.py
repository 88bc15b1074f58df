"""The functions behind the demo's page: the summary of a text, and the explanation of a sentence; not its layout."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from bertsum.errors import BertsumError
from bertsum.files import SAMPLE_FOLDER
from bertsum.pages.written import UNSUPPORTED
from bertsum.text import kind_of, one_line, sanitize, split_words

if TYPE_CHECKING:
    from bertsum.inference.summarizer import Summarizer, Summary

# Characters, about 85,000 words: browsers struggle with the page of a longer text (1.4 million: a minute).
TEXT_LIMIT = 500_000
BUNDLED = "bundled with bertsum"
DEFAULT = "model's default"
NO_OTHER = "no other model"
LANGUAGES = {
    "found by itself": "auto", "Arabic": "ar", "Chinese": "zh", "English": "en", "French": "fr", "German": "de",
    "Hindi": "hi", "Indonesian": "id", "Italian": "it", "Japanese": "ja", "Portuguese": "pt", "Russian": "ru",
    "Spanish": "es", "Turkish": "tr", "Vietnamese": "vi",
}  # fmt: skip
LIMITS = ("sentences", "% of sentences", "words", DEFAULT)
_MOST = {"sentences": 30, "percent": 100, "words": 1_000_000}  # the largest numbers that the page's fields accept
_DOCUMENT = "document 0: "  # the summarizer's name for the only document


@dataclass(frozen=True)
class Answer:
    """The values that the page shows.

    Attributes:
        problem: What is wrong with the text or an option; empty for a summary.
        summary: The summary's text.
        facts: How much of the document the summary is.
        why: How to read the shaded document.
        document: The shaded document, or a written summary and the sentences that it draws on, as HTML.
        files: The summary as a text file and as a JSON file.
        sentences: Sentences of the summary that can be explained, each with its place.
    """

    problem: str = ""
    summary: str = ""
    facts: str = ""
    why: str = ""
    document: str = ""
    files: tuple[Path, Path] | None = None
    sentences: tuple[tuple[str, int], ...] = ()


class Demo:
    """The functions of the page, without its layout.

    Attributes:
        models: Names of the models to choose from; visitors cannot load others.
        folder: Folder for the files that visitors can download.
    """

    def __init__(self, model: str | None, folder: str | Path) -> None:
        self.models = _models(model)
        self.folder = Path(folder)
        self.summarizer(self.models[0])  # a broken model is reported at once

    def summarizer(self, name: str) -> Summarizer:
        """A model by its name.

        Raises:
            BertsumError: if the model is not in ``models``, or cannot be loaded.
        """
        if name not in self.models:
            raise BertsumError(f"model: got '{name}', expected one of {', '.join(self.models)}")
        if name == BUNDLED:
            return _load(None)
        # best/ is a link; a running training may point it to another checkpoint
        return _load(str(Path(name).resolve()) if Path(name).is_dir() else name)

    def answer(
        self,
        text: str,
        model: str,
        limit: str = DEFAULT,
        sentences: float | None = None,
        percent: float | None = None,
        words: float | None = None,
        language: str = DEFAULT,
        blocking: str = DEFAULT,
        order: str = DEFAULT,
        query: str = "",
    ) -> Answer:
        """Summarises a text.

        Args:
            text: The document.
            model: One of ``models``.
            limit: One of ``LIMITS``: which of the next three options applies.
            sentences: At most this many sentences.
            percent: At most this share of the sentences.
            words: At most this many words.
            language: ISO 639-1 code; here and below, ``DEFAULT`` is the model's setting.
            blocking: Trigram blocking, on or off.
            order: Order of the sentences, document or score.
            query: What the sentences are to answer; empty for a summary.
        """
        try:
            summary, unused, told = self._summary(
                text, model, _limit(limit, sentences, percent, words), language, blocking, order, query
            )
        except BertsumError as error:
            return Answer(problem=str(error).removeprefix(_DOCUMENT))
        places = range(len(summary.sentences)) if summary.is_written else summary.indices
        return Answer(
            summary=summary.text,
            facts=" ".join([_facts(summary), *_not_used(unused), *_unread(told)]),
            why="" if summary.is_written else "The stronger a sentence's colour, the higher its score.",
            document=summary._repr_html_(),
            files=self._files(summary),
            sentences=tuple(zip(map(one_line, summary.sentences), places, strict=True)),
        )

    def beside(self, answer: Answer, other: str, text: str, model: str, *options: Any) -> str:
        """The summaries of two models side by side, as HTML; empty if no other model is chosen.

        Args:
            answer: What the model answered.
            other: One of ``models``, or ``NO_OTHER``.
            text: The document.
            model: One of ``models``.
            options: The other options of :meth:`answer`, in their order.
        """
        if other == NO_OTHER:
            return ""
        answers = [answer, self.answer(text, other, *options)]
        columns = (
            f"<section><h2>{escape(name)}</h2>{problem_html(answer.problem)}</section>"
            if answer.problem
            else f"<section><h2>{escape(name)}</h2><p>{escape(answer.facts)}</p>{answer.document}</section>"
            for name, answer in zip((model, other), answers, strict=True)
        )
        return f'<div class="beside">{"".join(columns)}</div>'

    def explain(self, sentence: int, text: str, model: str, *options: Any) -> str:
        """The explanation of a sentence of the summary, as HTML: which words and sentences raised its score.

        Args:
            sentence: Its place in the document, or in a written summary.
            text: The document.
            model: One of ``models``.
            options: The other options of :meth:`answer`, in their order.
        """
        try:
            summary, *_ = self._summary(text, model, _limit(*options[:4]), *options[4:])
            return summary.explain(sentence)._repr_html_()
        except BertsumError as error:
            return problem_html(str(error).removeprefix(_DOCUMENT))

    def _summary(
        self, text: str, model: str, wanted: dict[str, Any], language: str, blocking: str, order: str, query: str = ""
    ) -> tuple[Summary, list[str], list[str]]:
        """The summary, the options that the model does not take, and warnings."""
        from bertsum.inference.options import foreign_options  # imports torch
        from bertsum.inference.reading import warnings_told

        if not isinstance(text, str | None):
            raise BertsumError(f"text: got {kind_of(text)}, expected text")
        if not (text or "").strip():
            raise BertsumError("There is no text yet: paste one, or upload a .txt file.")
        check_length(text)
        wanted["language"] = _unless_default(language)
        wanted["query"] = (query or "").strip() or None
        wanted["order"] = _unless_default(order)
        wanted["trigram_blocking"] = None if blocking == DEFAULT else blocking == "on"
        summarizer = self.summarizer(model)
        unused = foreign_options(wanted, summarizer.model.writes)
        wanted = {name: value for name, value in wanted.items() if name not in unused}
        told: list[str] = []
        with warnings_told(told.append):
            return summarizer(sanitize(text), **wanted), unused, told

    def _files(self, summary: Summary) -> tuple[Path, Path]:
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        text, everything = folder / "summary.txt", folder / "summary.json"
        text.write_text(summary.text + "\n", encoding="utf-8")
        everything.write_text(json.dumps(asdict(summary), ensure_ascii=False, indent=2), encoding="utf-8")
        return text, everything


def problem_html(told: str) -> str:
    """A problem as the page shows it."""
    return f'<p role="alert" class="problem">{escape(told)}</p>'


def opening_text(language: str) -> str:
    """An article to begin with, for a model that reads English."""
    if language not in ("en", "auto"):
        return ""
    return (SAMPLE_FOLDER / "article.txt").read_text(encoding="utf-8")


class Settings:
    """The settings that the address of the page carries.

    Args:
        models: Names of the models to choose from, the page's own first.
        answers: Whether the first model takes queries.
    """

    def __init__(self, models: Sequence[str], answers: bool) -> None:
        # By name: the page's own value, and the values to choose from; None for a number or a text.
        self._fields: dict[str, tuple[Any, Sequence[Any] | None]] = {
            "model": (models[0], models),
            "length": ("sentences", LIMITS),
            "sentences": (3, None),
            "percent": (20, None),
            "words": (100, None),
            "language": (DEFAULT, [DEFAULT, *LANGUAGES.values()]),
            "blocking": (DEFAULT, [DEFAULT, "on", "off"]),
            "order": (DEFAULT, [DEFAULT, "document", "score"]),
            "query": ("", None if answers else [""]),
            "beside": (NO_OTHER, [NO_OTHER, *models]),
        }

    def link(self, values: Sequence[Any]) -> str:
        """The part of an address that carries the settings that differ from the page's own."""
        changed = {
            name: value
            for (name, (default, _)), value in zip(self._fields.items(), values, strict=True)
            if value not in (default, None)
        }
        return f"?{urlencode(changed)}" if changed else ""

    def read(self, parameters: Mapping[str, str]) -> list[Any]:
        """The settings of an address; a missing or impossible one gets the page's own value."""
        values = []
        for name, (default, choices) in self._fields.items():
            value: Any = parameters.get(name, default)
            if isinstance(default, int):
                number = str(value)[:8]  # more digits than any field takes
                value = int(number) if number.isdecimal() and 0 < int(number) <= _MOST[name] else default
            elif choices is not None and value not in choices:
                value = default
            values.append(value)
        return values


def _models(given: str | None) -> list[str]:
    """The model to begin with, then models trained here, newest first, and the bundled model."""
    there = (best for best in Path("runs").glob("*/best") if best.is_dir())
    runs = sorted(there, key=lambda best: best.stat().st_mtime, reverse=True)
    return list(dict.fromkeys([given or BUNDLED, *map(str, runs), BUNDLED]))


@lru_cache(maxsize=2)
def _load(path: str | None) -> Summarizer:
    from bertsum.inference.reselect import Reselecting

    return Reselecting.from_pretrained(path)


def check_length(text: str) -> None:
    """Refuses a text that is too long for a browser."""
    if len(text) > TEXT_LIMIT:
        raise BertsumError(
            f"The text has {len(text):,} characters, expected at most {TEXT_LIMIT:,}; "
            "the command 'bertsum summarize' takes any length."
        )


def _limit(limit: str, sentences: float | None, percent: float | None, words: float | None) -> dict[str, Any]:
    """The summarizer's option for a limit."""
    if limit not in LIMITS:
        raise BertsumError(f"length: got '{limit}', expected {', '.join(LIMITS)}")
    if limit == DEFAULT:
        return {}
    name, value = {
        "sentences": ("sentences", sentences),
        "% of sentences": ("ratio", percent),
        "words": ("max_words", words),
    }[limit]
    if value is None:
        raise BertsumError(f"length: got no number of {limit}, expected one")
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise BertsumError(f"length: got {value!r:.80} {limit}, expected a number")
    return {name: value / 100 if name == "ratio" else int(value)}


def _unless_default(value: str) -> str | None:
    return None if value == DEFAULT else value


def _facts(summary: Summary) -> str:
    words, chosen = (sum(len(split_words(s)) for s in part) for part in (summary.document, summary.sentences))
    if summary.query and not summary.indices:
        return "No sentence answers the question."
    if not summary.is_written:
        return f"{len(summary.indices)} of {len(summary.document):,} sentences, {chosen:,} of {words:,} words."
    lacking = f" The text does not have the words marked {UNSUPPORTED}." if summary.unsupported else ""
    return f"{chosen:,} words, written from {words:,} words.{lacking}"


def _not_used(options: Sequence[str]) -> list[str]:
    """A message that names the options that a model that writes ignores; none without such options."""
    names = {{"order": "order", "query": "question"}.get(name, "length") for name in options}
    return [f"Not used, since this model writes: {', '.join(sorted(names))}."] if names else []


def _unread(told: Sequence[str]) -> list[str]:
    """The summarizer's warnings about parts of the text that it did not read."""
    return [f"**{message.removeprefix(_DOCUMENT)}.**" for message in told if message.startswith(_DOCUMENT)]
