"""LlamaIndex: prunes retrieved nodes to the sentences that answer the query.

engine = index.as_query_engine(node_postprocessors=[SentencePruner(summarizer=summarizer)])
"""

from __future__ import annotations

from typing import Any

from llama_index.core.bridge.pydantic import Field
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from bertsum.errors import BertsumError
from bertsum.inference.summarizer import Summarizer


class SentencePruner(BaseNodePostprocessor):
    """Keeps the sentences of each node that answer the query; drops nodes without any. The best come first.

    Attributes:
        summarizer: A summarizer whose model was trained with queries.
        options: Options of :meth:`Summarizer.prune`, such as recall, threshold, max_words.
    """

    summarizer: Summarizer = Field(exclude=True)
    options: dict[str, Any] = Field(default_factory=dict)

    @classmethod
    def class_name(cls) -> str:
        """The name under which LlamaIndex knows it."""
        return "bertsum_sentence_pruner"

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        if query_bundle is None:
            raise BertsumError("query: got none, expected postprocess_nodes(nodes, query_str=...)")
        texts = [node for node in nodes if node.node.get_content().strip()]
        given = [node.node.get_content() for node in texts]
        pruned = self.summarizer.prune(query_bundle.query_str, given, **self.options)
        kept = []
        for one, node in zip(pruned, texts, strict=True):
            if one.text:
                metadata = node.node.metadata | {"bertsum_share": one.share, "bertsum_spans": one.spans}
                cut = TextNode(id_=node.node.node_id, text=one.text, metadata=metadata)
                cut.relationships = node.node.relationships
                cut.excluded_llm_metadata_keys = [
                    *node.node.excluded_llm_metadata_keys, "bertsum_share", "bertsum_spans"
                ]  # fmt: skip
                kept.append(NodeWithScore(node=cut, score=one.score))
        return sorted(kept, key=lambda node: -(node.score or 0.0))
