"""An explanation: how much each word and each other sentence of a document changed a sentence's score."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from bertsum.errors import check_whole
from bertsum.pages.explained import Shown, explanation_html, explanation_terminal
from bertsum.pages.shading import show


@dataclass(frozen=True)
class Word:
    """A word of the document, and its part in the score.

    Attributes:
        sentence: The sentence's place in the document.
        begin: Where the word begins in the sentence, in characters.
        end: Where it ends.
        text: The word.
        value: How much the word changed the score: above 0 it raised the score, below 0 it lowered it.
    """

    sentence: int
    begin: int
    end: int
    text: str
    value: float


@dataclass(frozen=True)
class Completeness:
    """The sum of the words' values, and the difference that it should equal.

    Attributes:
        total: The sum of the words' values.
        difference: The score, less the score of the document with all words hidden. Integrated gradients and SHAP
            divide it among the words; with occlusion and LIME the values need not add up to it.
        passes: How many times the method has read the document.
    """

    total: float
    difference: float
    passes: int

    @property
    def gap(self) -> float:
        """The distance between sum and difference, as a share of the difference."""
        return abs(self.total - self.difference) / max(abs(self.difference), 1e-9)


@dataclass(frozen=True)
class Decisive:
    """Sentences without which a choice is likeliest to change.

    Attributes:
        sentences: Their places in the document, the first one found first.
        changes: Whether the explained sentence is no longer chosen when the model reads the document without them.
    """

    sentences: list[int]
    changes: bool


@dataclass(frozen=True)
class Explanation:
    """The explanation of a sentence: how much each word and each other sentence changed its score.

    Attributes:
        sentence: The explained sentence's place in the document; of a written one, in the summary.
        text: The explained sentence.
        is_written: Whether the model has written it; else it is one of the document.
        document: All sentences of the document.
        chosen: Places of the chosen sentences; empty if the model writes.
        score: The score that is explained: the sentence's logit; of a written sentence its log-probability.
        probability: The sentence's probability; of a written sentence the geometric mean of its tokens'.
        words: Each word that the model has read, in the order of the document.
        sentences: How much each sentence of the document changed the score: the score, less the score without the
            sentence. None for the explained sentence, and for sentences that were not read or not tried.
        completeness: The sum of the words' values, and the difference that it should equal.
        decisive: Other sentences without which the choice is likeliest to change; None for a sentence that is not
            chosen.
        method: How words got their values.
        leaving_out: Where other sentences were left out: in the head's input, or in the text.
    """

    sentence: int
    text: str
    is_written: bool
    document: list[str]
    chosen: list[int]
    score: float
    probability: float
    words: list[Word]
    sentences: list[float | None]
    completeness: Completeness
    decisive: Decisive | None
    method: str
    leaving_out: str

    def top_words(self, count: int = 10) -> list[Word]:
        """The words that changed the score most, up or down.

        Args:
            count: At most this many.
        """
        check_whole("count", count, 0)
        return sorted(self.words, key=lambda word: -abs(word.value))[:count]

    def top_sentences(self, count: int = 3) -> list[int]:
        """Places of the other sentences that raised the score most; none that lowered it.

        Args:
            count: At most this many.
        """
        check_whole("count", count, 0)
        known = [(value, index) for index, value in enumerate(self.sentences) if value is not None and value > 0]
        return [index for _, index in sorted(known, key=lambda pair: (-pair[0], pair[1]))[:count]]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        values = asdict(self)
        values["completeness"]["gap"] = self.completeness.gap
        return values

    def show(self) -> None:
        """Shows the document in a notebook, or prints it: words shaded by their values, sentences with theirs."""
        show(self._repr_html_, lambda colour: explanation_terminal(self.shown(), colour=colour))

    def _repr_html_(self) -> str:
        return explanation_html([self.shown()])

    def __str__(self) -> str:
        return explanation_terminal(self.shown(), colour=False)

    def shown(self) -> Shown:
        """The values that a page draws."""
        return Shown(
            sentence=self.sentence,
            text=self.text,
            is_written=self.is_written,
            document=self.document,
            chosen=self.chosen,
            score=self.score,
            probability=self.probability,
            words=[(word.sentence, word.begin, word.end, word.value) for word in self.words],
            sentences=self.sentences,
            decisive=[] if self.decisive is None else self.decisive.sentences,
            changes=self.decisive is not None and self.decisive.changes,
            gap=self.completeness.gap,
            method=self.method,
        )
