"""LangChain: prunes retrieved documents to the sentences that answer the query.

compressor = SentencePruner(summarizer=summarizer, options={"recall": 0.95})
kept = compressor.compress_documents(documents, "When does the bridge reopen?")
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.callbacks import Callbacks
from langchain_core.documents import BaseDocumentCompressor, Document
from pydantic import ConfigDict, Field

from bertsum.inference.summarizer import Summarizer


class SentencePruner(BaseDocumentCompressor):
    """Keeps the sentences of each document that answer the query; drops documents without any. The best come first.

    The metadata of a document stays, with ``bertsum_score``, ``bertsum_share`` and ``bertsum_spans`` of
    :class:`~bertsum.inference.prune.Pruned`.

    Attributes:
        summarizer: A summarizer whose model was trained with queries.
        options: Options of :meth:`Summarizer.prune`, such as recall, threshold, max_words.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)
    summarizer: Summarizer
    options: dict[str, Any] = Field(default_factory=dict)

    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> Sequence[Document]:
        """Prunes the documents.

        Args:
            documents: The retrieved documents; those without text are dropped.
            query: What is asked.
            callbacks: Not used.

        Raises:
            BertsumError: as :meth:`Summarizer.prune`.
        """
        options = {"allow_empty": True, **self.options}
        pruned = self.summarizer.prune(query, [document.page_content for document in documents], **options)
        kept = [(one, document) for one, document in zip(pruned, documents, strict=True) if one.text]
        return [
            document.model_copy(
                update={
                    "page_content": one.text,
                    "metadata": document.metadata
                    | {"bertsum_score": one.score, "bertsum_share": one.share, "bertsum_spans": one.spans},
                }
            )
            for one, document in sorted(kept, key=lambda pair: -pair[0].score)
        ]
