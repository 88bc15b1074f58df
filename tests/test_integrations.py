"""The summarizer inside other packages, each with the real one; skipped where it is not installed."""

from __future__ import annotations

import importlib
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from models import build

import bertsum

TEXT = "The old bridge is closed. It reopens in May. Farmers wait for rain. Nobody was surprised."
OTHER = "The council met on Monday. It rained."
QUERY = "When does the bridge reopen?"
UNKNOWN = "\u200b"  # a document that is all of it


@pytest.fixture(scope="module")
def model(encoder_folder, tmp_path_factory) -> Path:
    made = build(encoder_folder, 64)
    made.config = replace(made.config, selection=replace(made.config.selection, query_threshold=0.5))
    folder = tmp_path_factory.mktemp("asked") / "model"
    made.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def summarizer(model) -> bertsum.Summarizer:
    return bertsum.Summarizer.from_pretrained(model)


@pytest.fixture
def expected(summarizer) -> list[bertsum.Pruned]:
    """What both texts keep with a threshold of 0, best first."""
    both = summarizer.prune(QUERY, [TEXT, OTHER], threshold=0.0)
    assert both[0].score != both[1].score
    return sorted(both, key=lambda one: -one.score)


def test_langchain(summarizer, expected) -> None:
    documents = pytest.importorskip("langchain_core.documents")
    from bertsum.integrations.langchain import SentencePruner

    given = [
        documents.Document(page_content=text, metadata={"page": n})
        for n, text in enumerate([TEXT, OTHER, " ", UNKNOWN])
    ]
    pruner = SentencePruner(summarizer=summarizer, options={"threshold": 0.0})
    made = pruner.compress_documents(given, QUERY)
    assert [one.page_content for one in made] == [one.text for one in expected]
    assert [one.metadata["bertsum_score"] for one in made] == [one.score for one in expected]
    assert {one.metadata["page"] for one in made} == {0, 1} and given[0].page_content == TEXT
    none = SentencePruner(summarizer=summarizer, options={"threshold": 1.0}).compress_documents(given, QUERY)
    assert list(none) == []


def test_llama_index(summarizer, expected) -> None:
    schema = pytest.importorskip("llama_index.core.schema")
    from bertsum.integrations.llama_index import SentencePruner

    values = {"metadata": {"page": 1}, "excluded_embed_metadata_keys": ["page"], "text_template": "<<{content}>>"}
    nodes = [schema.NodeWithScore(node=schema.TextNode(text=text, **values)) for text in (TEXT, OTHER, UNKNOWN)]
    made = SentencePruner(summarizer=summarizer, options={"threshold": 0.0}).postprocess_nodes(nodes, query_str=QUERY)
    assert [one.node.get_content() for one in made] == [one.text for one in expected]
    assert {one.node.node_id for one in made} == {one.node.node_id for one in nodes[:2]}
    node = made[0].node
    assert (node.metadata["page"], node.text_template, nodes[0].node.text) == (1, "<<{content}>>", TEXT)
    assert node.excluded_embed_metadata_keys == ["page", "bertsum_share", "bertsum_spans"]
    assert node.excluded_llm_metadata_keys == ["bertsum_share", "bertsum_spans"]
    with pytest.raises(bertsum.BertsumError, match="query: got none"):
        SentencePruner(summarizer=summarizer).postprocess_nodes(nodes)


def test_haystack(model, expected) -> None:
    haystack = pytest.importorskip("haystack")
    from bertsum.integrations.haystack import SentencePruner

    pipeline = haystack.Pipeline()
    pipeline.add_component("pruner", SentencePruner(model=str(model), threshold=0.0))
    again = haystack.Pipeline.loads(pipeline.dumps(), allowed_modules=["bertsum.integrations.haystack"])
    documents = [haystack.Document(content=text, meta={"page": 1}) for text in (TEXT, OTHER, UNKNOWN, None)]
    made = again.run({"pruner": {"query": QUERY, "documents": documents}})["pruner"]["documents"]
    assert [one.content for one in made] == [one.text for one in expected]
    assert made[0].meta["page"] == 1 and made[0].score == pytest.approx(expected[0].score)


def test_spacy(model, summarizer, writer_folder) -> None:
    spacy = pytest.importorskip("spacy")
    importlib.import_module("bertsum.integrations.spacy")  # makes the component known
    nlp = spacy.blank("en")
    nlp.add_pipe("bertsum", config={"model": str(model), "options": {"sentences": 2}})
    summary = summarizer(TEXT, sentences=2)
    doc = nlp(TEXT)
    assert [span.text for span in doc._.summary] == summary.sentences
    assert doc._.summary_scores == tuple(summary.scores)
    assert nlp(" ")._.summary == nlp(UNKNOWN)._.summary == ()
    with pytest.raises(
        bertsum.BertsumError, match=r"model: got one that writes \(seq2seq\), expected one that chooses"
    ):
        spacy.blank("en").add_pipe("bertsum", config={"model": str(writer_folder)})
    _, component = nlp.pipeline[0]
    outside = replace(summary, spans=[(0, 5), (9000, 9001)])
    component._summarizer = lambda *_, **__: outside
    assert nlp(TEXT)._.summary_scores == (summary.scores[0],)


def test_sklearn(model, summarizer) -> None:
    pytest.importorskip("sklearn")
    from sklearn.base import clone
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.pipeline import make_pipeline

    from bertsum.integrations.sklearn import Summaries

    summaries = Summaries(model=str(model), sentences=1)
    expected = [summarizer(text, sentences=1).text for text in (TEXT, OTHER)]
    assert summaries.fit_transform([TEXT, OTHER]) == expected
    assert pickle.loads(pickle.dumps(summaries)).transform(iter([TEXT, OTHER])) == expected
    counted = make_pipeline(clone(summaries), CountVectorizer()).fit_transform([TEXT, OTHER])
    with pytest.raises(bertsum.BertsumError, match="nowhere"):
        summaries.set_params(model="nowhere").transform([TEXT])
    with pytest.raises(bertsum.BertsumError, match=r"X: got ndarray of shape \(1, 1\), expected a document a row"):
        clone(summaries).transform(np.array([[TEXT]]))
    assert counted.sum() == sum(len(text.split()) for text in expected)
