"""spaCy: a component of a pipeline that summarises each document.

import bertsum.integrations.spacy
nlp.add_pipe("bertsum", config={"options": {"sentences": 2}})
nlp(text)._.summary  # spans of the document
"""

from __future__ import annotations

from typing import Any

from spacy.language import Language
from spacy.tokens import Doc, Span

from bertsum.errors import BertsumError, EmptyDocumentError
from bertsum.inference.summarizer import Summarizer


@Language.factory("bertsum", default_config={"model": None, "options": {}})
class SummaryComponent:
    """Puts the spans of a summary into ``doc._.summary`` and their scores into ``doc._.summary_scores``.

    bertsum splits the text into sentences itself; a span covers all tokens that a sentence touches.
    """

    def __init__(self, nlp: Language, name: str, model: str | None, options: dict[str, Any]) -> None:
        """Loads a model that chooses sentences.

        Args:
            nlp: The pipeline.
            name: Name of the component.
            model: A checkpoint folder or hub id; by default the model that comes with bertsum.
            options: Options of a call of the summarizer, such as sentences or query.

        Raises:
            BertsumError: if the model cannot be loaded, or writes.
        """
        self._summarizer = Summarizer.from_pretrained(model)
        if self._summarizer.model.writes:
            raise BertsumError("model: got one that writes (seq2seq), expected one that chooses sentences (extractive)")
        self._options = options
        for extension, default in (("summary", ()), ("summary_scores", ())):
            if not Doc.has_extension(extension):
                Doc.set_extension(extension, default=default)

    def __call__(self, doc: Doc) -> Doc:
        """Summarises a document; one without a word that the model knows gets no spans.

        Args:
            doc: The document.
        """
        try:
            summary = self._summarizer(doc.text, **self._options)
        except EmptyDocumentError:
            return doc
        spans = [doc.char_span(*span, alignment_mode="expand") for span in summary.spans]
        pairs = [pair for pair in zip(spans, summary.scores, strict=True) if isinstance(pair[0], Span)]
        doc._.summary = tuple(span for span, _ in pairs)
        doc._.summary_scores = tuple(score for _, score in pairs)
        return doc
