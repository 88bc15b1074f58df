"""Haystack: prunes retrieved documents to the sentences that answer the query.

pipeline.add_component("pruner", SentencePruner(model="runs/ask/best", recall=0.95))

Haystack loads a saved pipeline with this component only if the module is allowed:
Pipeline.loads(text, allowed_modules=["bertsum.integrations.haystack"]).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from haystack import Document, component, default_from_dict, default_to_dict

from bertsum.inference.summarizer import Summarizer


@component
class SentencePruner:
    """Keeps the sentences of each document that answer the query; drops documents without any. The best come first.

    Attributes:
        model: The checkpoint folder or hub id.
        options: Options of :meth:`Summarizer.prune`, such as recall, threshold, max_words.
    """

    def __init__(self, model: str | None = None, **options: Any) -> None:
        """Takes a model that was trained with queries.

        Args:
            model: A checkpoint folder or hub id; by default the model that comes with bertsum.
            options: Options of :meth:`Summarizer.prune`.
        """
        self.model = model
        self.options = options
        self._summarizer: Summarizer | None = None

    def warm_up(self) -> None:
        """Loads the model; a pipeline calls it once.

        Raises:
            BertsumError: if it cannot be loaded.
        """
        self._summarizer = self._summarizer or Summarizer.from_pretrained(self.model)

    def to_dict(self) -> dict[str, Any]:
        """The component as plain values, for a saved pipeline."""
        values: dict[str, Any] = default_to_dict(self, model=self.model, **self.options)
        return values

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> SentencePruner:
        """The inverse of :meth:`to_dict`."""
        made: SentencePruner = default_from_dict(cls, data)
        return made

    @component.output_types(documents=list[Document])
    def run(self, query: str, documents: list[Document]) -> dict[str, list[Document]]:
        """Prunes the documents.

        Args:
            query: What is asked.
            documents: The retrieved documents; those without text are dropped.

        Raises:
            BertsumError: as :meth:`Summarizer.prune`.
        """
        self.warm_up()
        assert self._summarizer is not None
        options = {"allow_empty": True, **self.options}
        pruned = self._summarizer.prune(query, [document.content or "" for document in documents], **options)
        kept = [
            replace(
                document,
                content=one.text,
                score=one.score,
                meta={**document.meta, "bertsum_share": one.share, "bertsum_spans": [list(span) for span in one.spans]},
            )
            for one, document in zip(pruned, documents, strict=True)
            if one.text
        ]
        return {"documents": sorted(kept, key=lambda document: -document.score)}
