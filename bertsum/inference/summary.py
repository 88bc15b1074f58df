"""A summary: chosen sentences with their places and scores; or written sentences and those that they lean on."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

from bertsum.data.languages import between_sentences
from bertsum.data.queries import sentence_spans
from bertsum.errors import BertsumError
from bertsum.pages.shading import document_html, marked, show_document
from bertsum.pages.written import show_written, written_html, written_terminal
from bertsum.structure.markdown import without_targets
from bertsum.text import is_spaced, word_set

if TYPE_CHECKING:
    from bertsum.config import SelectionConfig
    from bertsum.data.encoding import DocumentEncoder
    from bertsum.inference.explain import LeavingOut, Method
    from bertsum.inference.explanation import Explanation
    from bertsum.inference.text_scorer import TextScorer
    from bertsum.models.base import Model
_DIVIDED = re.compile(r"\b([^\W\d_]+)([-\u2010\u00ad])[^\S\n\r]*(?:\r\n|[\n\r])[^\S\n\r]*([^\W\d_]+)")
_HYPHENATED = re.compile(r"\b[^\W\d_]+-[^\W\d_]+")
_BEFORE_HYPHENS = word_set(  # they keep their hyphen: self-made
    "all anti co cross ex full half high long low mid mother multi near non one part post pre self semi short so son"
    " three two well"
)
_AFTER_HYPHENS = word_set("and or to und oder bis et ou y o en of")  # pre- and post-war
_LINE_BREAK = re.compile(r"(.?)[^\S\n\r\x85\u2028]*[\n\r\x85\u2028]\s*(?=(.?))")


@dataclass(frozen=True)
class Source:
    """What a summary was made with.

    Attributes:
        model: The model.
        encoder: The encoder of documents that prepared the model's input.
        precision: Arithmetic of the forward pass.
        selection: How sentences were chosen.
        query: What the chosen sentences answer; empty for a summary.
        structure: Places of the document's sentences that the model was not given, such as headings.
        text: The document, or a list of its sentences if it was given as such.
        language: Its language.
        markdown: Whether it is Markdown.
    """

    model: Model
    encoder: DocumentEncoder
    precision: str
    selection: SelectionConfig
    query: str = ""
    structure: frozenset[int] = frozenset()
    text: str | list[str] = ""
    language: str = "en"
    markdown: bool = False

    def row(self, document: Sequence[str]) -> dict[str, Any]:
        """A document as the model reads it."""
        encoding = self.encoder.encode(without_sentences(document, self.structure), self.query)
        return {
            "query": self.query,
            "sentences": list(document),
            "input_ids": encoding.input_ids,
            "cls_positions": encoding.cls_positions,
            "sentence_indices": encoding.sentence_indices,
        }

    def joined(self, sentences: Sequence[str], document: Sequence[str]) -> str:
        """Sentences as one text, as the document's language and form have it."""
        return running_text(sentences, self.language, document, self.markdown)

    def spans(self, indices: Sequence[int], document: Sequence[str]) -> list[tuple[int, int]]:
        """Where sentences stand in the text; none for a document that was given as sentences."""
        if not isinstance(self.text, str):
            return []
        spans = sentence_spans(self.text, document)
        return [span for index in indices if (span := spans[index]) is not None]

    def begins(self, document: Sequence[str]) -> set[int]:
        """Places of the sentences that begin a paragraph or, if no sentence goes over several lines, a line."""
        if not isinstance(self.text, str):
            return set()
        found = [(place, span) for place, span in enumerate(sentence_spans(self.text, document)) if span is not None]
        gaps = [(place, self.text[before[1] : begin]) for (_, before), (place, (begin, _)) in pairwise(found)]
        wrapped = any(_LINE_BREAK.search(sentence.strip()) for sentence in document)
        return {place for place, gap in gaps if len(f"{gap}.".splitlines()) > 1 + wrapped}


@dataclass(frozen=True)
class Summary:
    """A summary and where it comes from.

    Attributes:
        text: The summary's sentences as one text, without line breaks inside sentences, hyphens at line breaks, and the
            targets of Markdown's links.
        sentences: Chosen sentences, verbatim, in document order unless asked otherwise; or the sentences that the model
            has written.
        indices: Places of the chosen sentences in the document; empty if the model writes.
        scores: The probability of each chosen sentence; empty if the model writes. After train.loss listwise it
            is a share: the shares of a document add up to 1.
        document: All sentences of the document.
        document_scores: The score of each sentence of the document; None if the model did not read it, or writes.
        unscored: Why the model did not read a sentence, by its place in the document.
        skipped: What was left out because it is no sentence to choose, such as a heading, a table row or a quoted
            message: each piece's ``text`` and the reason, ``why``.
        leans_on: For each written sentence, places of the sentences of the document that it has most of its words from;
            empty if the sentences are chosen, and without places if it is a translation.
        unsupported: Names, numbers and rare words of a written summary that the document does not have; none of a
            translation.
        spans: Where each chosen sentence stands in a document that was given as text: its first character, and the one
            after its last.
        query: What the chosen sentences answer; empty for a summary.
    """

    text: str
    sentences: list[str]
    indices: list[int]
    scores: list[float]
    document: list[str]
    document_scores: list[float | None]
    unscored: dict[int, str] = field(default_factory=dict)
    leans_on: list[list[int]] = field(default_factory=list)
    unsupported: list[str] = field(default_factory=list)
    spans: list[tuple[int, int]] = field(default_factory=list)
    query: str = ""
    skipped: list[dict[str, str]] = field(default_factory=list)
    # An instance may set its own. It is not a field, since it does not belong to the value of a summary.
    _source: ClassVar[Source | None] = None

    def made_with(self, source: Source) -> Summary:
        """Keeps what the summary was made with, for :meth:`explain`.

        Args:
            source: The model, and how it has read the document.
        """
        object.__setattr__(self, "_source", source)
        return self

    def __getstate__(self) -> dict[str, Any]:
        """Leaves out the model: a summary that goes to another process stays small."""
        return {name: value for name, value in vars(self).items() if name != "_source"}

    def explain(
        self,
        sentence: int | None = None,
        *,
        method: Method = "integrated_gradients",
        leaving_out: LeavingOut = "head",
        samples: int | None = None,
    ) -> Explanation:
        """Explains a sentence: how much each word and each other sentence of the document changed its score.

        The methods that hide words need captum (extra ``explain``).

        Args:
            sentence: The sentence's place in the document, from 0; by default that of the chosen sentence with the
                best score. For a written summary, the place in the summary, by default the first.
            method: How words get their values: integrated_gradients (seconds), or occlusion, lime or shap, which read
                the document hundreds of times.
            leaving_out: Where other sentences are left out: ``head`` leaves them out of the head's input (fast; the
                encoder still reads them), ``text`` out of the text, which the model then reads again (exact).
            samples: For lime and shap, how many documents with hidden words are read; by default twice as many as there
                are words, at least 200.

        Raises:
            BertsumError: if the sentence is not there or was not read, an option is unknown, a package is missing, or
                the summary has no model: it came from another process, or was not made by a summarizer.
        """
        from bertsum.inference.explain import explain

        return explain(self, self._model_source(), sentence, method, leaving_out, samples)

    def scorer(self, sentence: int | None = None) -> TextScorer:
        """A function from texts to the score of a sentence, for the packages lime and shap, and for experiments.

        Args:
            sentence: As in :meth:`explain`.

        Raises:
            BertsumError: as :meth:`explain`.
        """
        from bertsum.inference.text_scorer import TextScorer

        return TextScorer(self, self._model_source(), sentence)

    def _model_source(self) -> Source:
        if self._source is None:
            raise BertsumError(
                "this summary has no model any more (it came from another process or a copy): expected one that a "
                "Summarizer in this process returned, or summarizer.explain(text)"
            )
        return self._source

    @property
    def is_written(self) -> bool:
        """Whether the model has written the summary; else it has chosen sentences."""
        return not self.indices and not self.query

    def marked(self) -> str:
        """The whole document, one sentence a line, chosen sentences marked; or a written summary and the document."""
        if self.is_written:
            return written_terminal(self.sentences, self.leans_on, self.unsupported, self.document, colour=False)
        return marked(self.document, self.indices)

    def show(self) -> None:
        """Shows the whole document in a notebook, or prints it: shaded by score, chosen sentences marked. A written
        summary stands beside it, with its unsupported words marked.
        """
        if self.is_written:
            show_written(self.sentences, self.leans_on, self.unsupported, self.document)
        else:
            show_document(self.document, self.document_scores, self.indices, self._begins())

    def _repr_html_(self) -> str:
        if self.is_written:
            return written_html(self.sentences, self.leans_on, self.unsupported, self.document)
        return document_html(self.document, self.document_scores, self.indices, begins=self._begins())

    def _begins(self) -> set[int]:
        return self._source.begins(self.document) if self._source is not None else set()


def without_sentences(document: Sequence[str], left_out: Container[int]) -> list[str]:
    """A document without some sentences; the places of the others stay.

    Args:
        document: Its sentences.
        left_out: Places of the sentences to leave out.
    """
    return ["" if index in left_out else sentence for index, sentence in enumerate(document)]


def running_text(sentences: Sequence[str], language: str, document: Sequence[str] = (), markdown: bool = False) -> str:
    """Sentences as one text on one line; sentences and wrapped lines are joined as their language does.

    A word that is divided at a line's end becomes whole. Its hyphen stays if the document has the word with it.

    Args:
        sentences: The sentences, verbatim.
        language: ISO 639-1 code.
        document: The document's sentences, which tell how words are written.
        markdown: Whether they are Markdown: then the targets of links are left out.
    """
    if any(_DIVIDED.search(sentence) for sentence in sentences):
        written = set(_HYPHENATED.findall(" ".join(document).lower()))
        sentences = [_DIVIDED.sub(lambda match: _whole_word(match, written), sentence) for sentence in sentences]
    if markdown:
        sentences = [without_targets(sentence) for sentence in sentences]
    return between_sentences(language).join(_LINE_BREAK.sub(_joined_line, sentence) for sentence in sentences)


def _whole_word(match: re.Match[str], written: Container[str]) -> str:
    """A word that a line's end divides."""
    before, mark, after = match.groups()
    if after in _AFTER_HYPHENS:
        return match[0]
    keeps = after[0].isupper() or f"{before}-{after}".lower() in written or before.lower() in _BEFORE_HYPHENS
    return f"{before}-{after}" if keeps and mark != "\u00ad" else before + after


def _joined_line(match: re.Match[str]) -> str:
    """The replacement of a line break: nothing between two characters of scripts without spaces, else a space."""
    before, after = match[1], match[2]
    return before if before and after and not is_spaced(before) and not is_spaced(after) else f"{before} "
