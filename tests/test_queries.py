"""Queries: how they are read, and the sentences that answer them."""

from __future__ import annotations

import itertools
import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import write_jsonl
from models import build

import bertsum
from bertsum.compression.compress import to_eight_bits
from bertsum.config import Config, DataConfig, EncodingConfig
from bertsum.data.augmentation import join_documents
from bertsum.data.batching import collate, cut_rows
from bertsum.data.documents import Document, Rejected
from bertsum.data.encoding import DocumentEncoder
from bertsum.data.queries import relevant_sentences, sentence_spans
from bertsum.data.rows import ExtractiveRows
from bertsum.data.sources import read_documents
from bertsum.encoders.vectors import sentence_means, tokens_of_sentences
from bertsum.evaluation.answers import Judged, at_threshold, ranking_figures
from bertsum.evaluation.calibration import calibrate, threshold_for
from bertsum.models.selection import answering, select_sentences
from bertsum.models.storage import saved_checksum
from bertsum.results import AtThreshold, Results

TEXT = "The old bridge\nis closed. It reopens in May. Farmers wait for rain. Nobody was surprised."
SENTENCES = ["The old bridge is closed.", "It reopens in May.", "Farmers wait for rain.", "Nobody was surprised."]
QUERY = "When does the bridge reopen?"


@pytest.fixture
def encoder(tokenizer) -> DocumentEncoder:
    return DocumentEncoder(tokenizer, EncodingConfig(max_length=128, min_sentence_words=5))


def test_a_query_stands_before_the_sentences_and_is_marked(encoder, tokenizer) -> None:
    encoding = encoder.encode(SENTENCES, QUERY)
    first = encoding.cls_positions[0]
    asked = tokenizer(QUERY, add_special_tokens=False)["input_ids"]
    assert encoding.input_ids[:first] == [encoder.cls_id, *asked, encoder.sep_id, encoder.sep_id]
    assert encoding.sentence_indices == [0, 1, 2, 3]  # a short sentence may answer
    types = collate([vars(encoding)], 0).token_type_ids[0].tolist()
    bounds = [0, *encoding.cls_positions, len(encoding.input_ids)]
    assert [set(types[begin:end]) for begin, end in itertools.pairwise(bounds)] == [{1}, {0}, {1}, {0}, {1}]


def test_no_query_is_as_ever(encoder) -> None:
    assert encoder.encode(SENTENCES, " ") == encoder.encode(SENTENCES)
    assert encoder.encode(SENTENCES).cls_positions[0] == 0
    assert encoder.encode(SENTENCES).sentence_indices == [0]


def test_a_long_query_leaves_room_for_the_document(encoder) -> None:
    encoding = encoder.encode(SENTENCES, "bridge " * 500)
    assert encoding.cls_positions[0] == 32  # a quarter
    assert len(encoding.input_ids) <= 128 and encoding.sentence_indices == [0, 1, 2, 3]


def test_the_query_stands_before_each_window(tokenizer) -> None:
    encoder = DocumentEncoder(tokenizer, EncodingConfig(max_length=64, long_documents="window"))
    row = vars(encoder.encode(SENTENCES * 12, QUERY))
    asked = row["input_ids"][: row["cls_positions"][0]]
    read, (places,) = cut_rows([row], 64)
    assert len(read) > 2 and len(places) == 48
    for window in read:
        assert window["input_ids"][: len(asked)] == asked and len(window["input_ids"]) <= 64
    bounds = [*row["cls_positions"], len(row["input_ids"])]
    for index, (window, place) in enumerate(places):
        begin = read[window]["cls_positions"][place]
        own = row["input_ids"][bounds[index] : bounds[index + 1]]
        assert read[window]["input_ids"][begin : begin + len(own)] == own


def test_means_leave_the_query_out() -> None:
    hidden = torch.arange(8.0)[None, :, None]  # [CLS] q [SEP] [SEP] [CLS] a b [SEP]
    mask = torch.ones(1, 8, dtype=torch.long)
    means = sentence_means(hidden, tokens_of_sentences(mask, torch.tensor([[4]]), torch.tensor([[True]])))
    assert means.item() == 5.5


@pytest.mark.parametrize("vectors", ["cls", "mean"])
def test_packed_scores_are_the_padded_ones(encoder_folder, vectors) -> None:
    packed, padded = (build(encoder_folder, 64, sentence_vectors=vectors, attention=a) for a in ("packed", "eager"))
    padded.load_state_dict(packed.state_dict())
    encoder = DocumentEncoder(packed.tokenizer, EncodingConfig(max_length=64, long_documents="window"))
    rows = [
        vars(encoder.encode(SENTENCES * 9, QUERY)),
        vars(encoder.encode(SENTENCES)),
        vars(encoder.encode(["A."], "b")),
    ]
    ours, theirs = (dict(model.eval().score(rows)) for model in (packed, padded))
    for place in range(3):
        torch.testing.assert_close(ours[place], theirs[place], atol=2e-5, rtol=0)
    alone = dict(packed.score(rows[:1]))[0]
    torch.testing.assert_close(ours[0], alone, atol=1e-5, rtol=0)
    other = dict(packed.score([vars(encoder.encode(SENTENCES * 9, "Who was surprised?"))]))[0]
    assert not torch.allclose(other, alone, atol=1e-4)  # the query matters


def read(tmp_path: Path, *records: Any, **values: Any) -> list[Any]:
    path = write_jsonl(tmp_path / "q.jsonl", list(records))
    return list(read_documents(DataConfig(train=str(path), **values), "train"))


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        ({"document": SENTENCES, "relevant": [1]}, {1}),
        ({"document": SENTENCES, "relevant": []}, set()),
        ({"document": SENTENCES, "answers": ["May", "rain"]}, {1, 2}),
        ({"document": TEXT, "answers": ["May"]}, {1}),
        ({"document": TEXT, "answers": [{"text": "wait", "start": TEXT.index("wait")}]}, {2}),
        ({"document": TEXT, "answers": [{"text": "r", "answer_start": TEXT.rindex("r")}]}, {3}),
        ({"document": SENTENCES, "answers": [{"text": "r", "start": " ".join(SENTENCES).rindex("r")}]}, {3}),
        ({"document": SENTENCES, "answers": [{"text": "May", "start": 3}]}, {1}),
        ({"document": TEXT, "answers": {"text": ["closed. It"], "answer_start": [TEXT.index("closed")]}}, {0, 1}),
        ({"document": TEXT, "answers": []}, set()),
    ],
)
def test_where_a_document_answers(tmp_path, evidence, expected) -> None:
    (document,) = read(tmp_path, {"query": QUERY, **evidence})
    assert (document.query, document.references) == (QUERY, [])
    assert relevant_sentences(document, SENTENCES) == expected


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        ({"document": SENTENCES, "relevant": [4]}, "expected a list of places of sentences, 0 to 3"),
        ({"document": SENTENCES, "relevant": "1"}, "expected a list of places of sentences, 0 to 3"),
        ({"document": TEXT, "relevant": [1]}, "the document is one text; expected a list of sentences"),
        ({"document": TEXT, "answers": ["June"]}, "'answers' item 0: the document does not have 'June'"),
        ({"document": SENTENCES, "answers": ["May", "June"]}, "'answers' item 1: no sentence has 'June'"),
        ({"document": TEXT, "answers": [{"text": "May", "start": 3}]}, "'May' does not stand at character 3"),
        ({"document": TEXT, "answers": [{"text": "ed.", "start": -4}]}, "'ed.' does not stand at character -4"),
        ({"document": SENTENCES, "answers": [{"text": "is", "start": 3}]}, "2 sentences have 'is', and it is not at"),
        ({"document": TEXT, "answers": [" "]}, "'answers' item 0: got ' ', expected text"),
        ({"document": TEXT, "answers": "May"}, "expected a list of strings, or of objects with text and start"),
        ({"document": TEXT, "answers": {"text": ["May"]}}, "expected a list of strings"),
        ({"document": TEXT, "answers": [], "query": 5}, "field 'query': got int, expected text"),
    ],
)
def test_wrong_evidence_is_told(tmp_path, record, problem) -> None:
    (rejected,) = read(tmp_path, {"query": QUERY, **record})
    assert isinstance(rejected, Rejected) and problem in rejected.problem


def test_a_query_alone_needs_a_summary(tmp_path) -> None:
    (rejected,) = read(tmp_path, {"query": QUERY, "document": TEXT})
    assert isinstance(rejected, Rejected) and "no field for the summary" in rejected.problem
    asked, article = {"query": QUERY, "document": SENTENCES, "relevant": [1]}, {"document": TEXT, "summary": "In May."}
    made = read(tmp_path, asked, {**asked, "relevant": None}, {**asked, "query": ""}, article, {**asked, "query": 0})
    assert [type(one) for one in made] == [Document, Rejected, Rejected, Document, Rejected]
    assert all("line 2" in one.place and "an empty list: nothing answers" in one.problem for one in made[1:2])
    assert (made[3].references, made[3].query) == (["In May."], "")
    first, second, third = read(tmp_path, article, asked, {**asked, **article, "relevant": None, "document": SENTENCES})
    assert (first.evidence, second.evidence.sentences, second.references) == (None, (1,), [])
    assert (third.query, third.evidence, third.references) == (QUERY, None, ["In May."])
    named = [{"question": QUERY, **article}, article]
    assert [one.query for one in read(tmp_path, *named[::-1], query_field="question")] == ["", QUERY]
    (document,) = read(tmp_path, {"query": QUERY, "document": TEXT, "summary": "It reopens in May."})
    assert (document.query, document.evidence, document.references) == (QUERY, None, ["It reopens in May."])
    (document,) = read(tmp_path, {"question": QUERY, "document": TEXT, "answers": []}, query_field="question")
    assert document.query == QUERY


def test_rows_have_the_given_labels(tokenizer) -> None:
    config = Config.from_dict({"data": {"min_sentences": 3, "detokenized": 1.0, "joined": 1.0}}, training=False)
    config = replace(config, encoding=EncodingConfig(max_length=128, long_documents="window"))
    asked = {"query": QUERY, "evidence": bertsum.data.queries.Evidence(sentences=(1,))}
    documents = [Document("a", SENTENCES[:2], [], "a", **asked), Document("b", SENTENCES, ["May."], "b")]
    row, generic = ExtractiveRows(config, tokenizer, "train")(documents)
    assert not isinstance(row, Rejected) and not isinstance(generic, Rejected)
    assert (row["labels"], row["query"], row["sentences"]) == ([0.0, 1.0], QUERY, SENTENCES[:2])
    assert (generic["query"], len(generic["sentences"])) == ("", 4)  # nothing of the other was put behind it
    join_documents([row], 1.0)
    assert row["labels"] == [0.0, 1.0]


def test_sources_are_mixed_by_weight(tmp_path) -> None:
    files = []
    for name in ("a", "b"):
        records = [{"id": f"{name}{number}", "document": TEXT, "summary": "x"} for number in range(10)]
        files.append(str(write_jsonl(tmp_path / f"{name}.jsonl", records)))
    mixed = DataConfig(train=files, mixture=[0.3, 2.0], validation=files[0])
    found = [document.id for document in read_documents(mixed, "train")]
    assert found == ["a3", "a6", "a9", *(f"b{number // 2}" for number in range(20))]
    assert len(list(read_documents(mixed, "validation"))) == 10
    with pytest.raises(bertsum.BertsumError, match=r"data\.mixture: 1 numbers, expected one for each of its 2 entries"):
        Config.from_dict({"data": {"train": files, "mixture": [1.0]}})


def test_all_that_answer_are_chosen_or_none() -> None:
    selection = answering(bertsum.config.SelectionConfig(sentences=1, trigram_blocking=True, query_threshold=0.4))
    assert (selection.sentences, selection.threshold, selection.trigram_blocking) == (None, 0.4, False)
    chosen = {"threshold": 0.4, "sentences": None, "may_be_empty": True}
    assert select_sentences([0.5, 0.1, 0.9], ["a", "b", "c"], **chosen) == [0, 2]
    assert select_sentences([0.3, 0.1, 0.2], ["a", "b", "c"], **chosen) == []


def test_spans_of_wrapped_text() -> None:
    spans = sentence_spans(TEXT, [*SENTENCES, "", "Not there."])
    assert [TEXT[span[0] : span[1]] for span in spans if span] == ["The old bridge\nis closed.", *SENTENCES[1:]]
    assert spans[4:] == [None, None]


@pytest.fixture
def summarizer(encoder_folder) -> bertsum.Summarizer:
    model = build(encoder_folder, 64)
    selection = replace(model.config.selection, query_threshold=0.5)
    model.config = replace(model.config, selection=selection)
    return bertsum.Summarizer(model)


def test_the_summarizer_answers(summarizer) -> None:
    scores = [s for s in summarizer(TEXT, query=QUERY, threshold=0.0).document_scores if s is not None]
    assert len(scores) == 4
    every = summarizer(TEXT, query=QUERY, threshold=0.0)
    assert (every.indices, every.query, every.is_written) == ([0, 1, 2, 3], QUERY, False)
    assert [TEXT[begin:end] for begin, end in every.spans] == every.sentences
    none = summarizer(TEXT, query=QUERY, threshold=1.0)
    assert (none.text, none.sentences, none.indices, none.spans, none.is_written) == ("", [], [], [], False)
    assert "The old bridge" in none.marked() and 'class="bertsum-chosen' not in none._repr_html_()
    best = summarizer(TEXT, query=QUERY, threshold=0.0, sentences=1)
    assert best.indices == [max(range(4), key=lambda place: scores[place])]
    assert summarizer(TEXT, query=" ").indices == summarizer(TEXT).indices


def test_one_query_for_all_or_one_each(summarizer) -> None:
    texts, options = [TEXT, TEXT * 20, SENTENCES], {"threshold": 0.0}
    alone = [summarizer([text], query=QUERY, **options)[0] for text in texts]
    assert [one.indices for one in summarizer(texts, query=QUERY, **options)] == [one.indices for one in alone]
    mixed = summarizer(texts, query=[None, QUERY, ""])
    assert [one.query for one in mixed] == ["", QUERY, ""]
    assert mixed[0].indices == summarizer(TEXT).indices
    streamed = list(summarizer.stream(iter(texts), query=iter([QUERY] * 3), buffer=2, **options))
    assert [one.indices for one in streamed] == [one.indices for one in alone]
    for query, problem in [
        ([QUERY], r"query: 1 queries, but more documents; expected one query for each document, or one"),
        ([QUERY] * 4, r"query: 3 documents, but more queries"),
        ([QUERY, 5, QUERY], r"query 1: got int, expected text"),
        (7, r"query: got int, expected text, or one for each document"),
    ]:
        with pytest.raises(bertsum.BertsumError, match=problem):
            summarizer(texts, query=query)


def test_models_without_queries_refuse_them(encoder_folder, writer_folder) -> None:
    with pytest.raises(bertsum.BertsumError, match="this model was not trained with queries"):
        bertsum.Summarizer(build(encoder_folder))(TEXT, query=QUERY)
    with pytest.raises(bertsum.BertsumError, match="query: got .* is for a model that chooses"):
        bertsum.Summarizer.from_pretrained(writer_folder)(TEXT, query=QUERY)


def test_a_file_of_queries(summarizer, tmp_path) -> None:
    records = [{"id": "a", "document": TEXT, "query": QUERY}, {"id": "b", "document": TEXT, "query": ""}]
    source = write_jsonl(tmp_path / "in.jsonl", records)
    bertsum.summarize_file(summarizer, source, tmp_path / "out.jsonl", threshold=0.0)
    asked, generic = (json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines())
    assert (asked["query"], asked["indices"], len(asked["spans"])) == (QUERY, [0, 1, 2, 3], 4)
    assert "query" not in generic and generic["indices"] == summarizer(TEXT, threshold=0.0).indices
    bertsum.summarize_file(summarizer, source, tmp_path / "all.jsonl", query="Who?", threshold=np.float32(0.0))
    lines = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    assert [line["query"] for line in lines] == ["Who?", "Who?"]
    with pytest.raises(bertsum.BertsumError, match="a field of queries, expected one of the two"):
        bertsum.summarize_file(summarizer, source, tmp_path / "c.jsonl", query="Who?", query_field="query")
    with pytest.raises(bertsum.BertsumError, match=r"query: got several, .*; put them into a field \(query_field\)"):
        bertsum.summarize_file(summarizer, source, tmp_path / "c.jsonl", query=["Who?", "Where?"])
    with pytest.raises(bertsum.BertsumError, match="no field for the query: expected 'question'"):
        bertsum.summarize_file(summarizer, source, tmp_path / "d.jsonl", query_field="question")


def test_a_model_without_queries_reads_such_files(encoder_folder, tmp_path) -> None:
    source = write_jsonl(tmp_path / "in.jsonl", [{"document": TEXT, "query": QUERY}])
    plain = bertsum.Summarizer(build(encoder_folder))
    bertsum.summarize_file(plain, source, tmp_path / "out.jsonl")
    assert "query" not in (tmp_path / "out.jsonl").read_text()
    with pytest.raises(bertsum.BertsumError, match="not trained with queries"):
        bertsum.summarize_file(plain, source, tmp_path / "b.jsonl", query_field="query")


def test_ranks_of_a_record() -> None:
    assert ranking_figures([0.9, 0.8, 0.1], [False, True, True]) == pytest.approx([0.0, 0.5, (1 / 2 + 2 / 3) / 2])
    assert ranking_figures([0.5, 0.5], [True, False]) == [1.0, 1.0, 1.0]


def test_what_a_threshold_keeps() -> None:
    records = [
        Judged(np.array([0.9, 0.3, 0.1]), np.array([True, True, False]), np.array([10, 5, 5])),
        Judged(np.array([0.2, 0.6]), np.array([True, False]), np.array([10, 10])),
        Judged(np.array([0.4, 0.1]), np.array([False, False]), np.array([5, 5])),
    ]
    assert at_threshold(records, 0.5) == AtThreshold(0.5, 0.5, 0.25, 1 - 20 / 50, 1.0)
    assert at_threshold(records, 0.05) == AtThreshold(0.05, 1.0, 1.0, 0.0, 0.0)
    assert at_threshold(records[2:], 0.3) == AtThreshold(0.3, None, None, 0.5, 0.0)


def test_trained_and_measured_on_queries(encoder_folder, tmp_path) -> None:
    words = ["bridge", "rain", "council", "farmers", "report"]
    records: list[dict[str, Any]] = []
    for number in range(60):
        chosen = [words[(number + step) % 5] for step in range(4)]
        document = [f"The {word} was there on Monday." for word in chosen]
        asked = words[number % 7] if number % 7 < 5 else "bridge"
        relevant = [place for place, word in enumerate(chosen) if word == asked]
        records.append(
            {"id": str(number), "query": f"What of the {asked}?", "document": document, "relevant": relevant}
        )
    file = str(write_jsonl(tmp_path / "asked.jsonl", records))
    values: dict[str, Any] = {
        "name": "ask",
        "output_dir": str(tmp_path / "runs"),
        "data": {"train": file, "validation": file, "prepared_dir": str(tmp_path / "prepared"), "workers": 1},
        "model": {"encoder": str(encoder_folder), "sentence_vectors": "mean"},
        "encoding": {"max_length": 128},
        "train": {"max_steps": 3, "max_tokens_per_batch": 2000, "validate_every": 3},
        "selection": {"query_threshold": 0.4},
        "evaluation": {"metrics": ["answers"], "split": "validation"},
        "tracking": {"trackers": []},
    }
    config = Config.from_dict(values)
    bertsum.train(config)
    evaluation = bertsum.evaluate(config)
    assert set(evaluation.answers) == {"first", "overlap", "model"}
    assert evaluation.answers["overlap"].p1.score == 100.0
    assert Results.read(evaluation.folder / "results.json").answers == evaluation.answers
    page = evaluation.report.read_text(encoding="utf-8")
    assert page.count("What of the ") == 20 and "answering sentences among" in page and "What thresholds keep" in page
    rouge = replace(config, evaluation=replace(config.evaluation, metrics=["rouge"]))
    with pytest.raises(bertsum.BertsumError, match="document '0' has no summary to compare with; expected summaries"):
        bertsum.evaluate(rouge)
    with pytest.raises(bertsum.BertsumError, match=r"evaluation.metrics: got answers, but models are compared by"):
        to_eight_bits(tmp_path / "runs" / "ask" / "best", config)
    shown = str(evaluation)
    assert "P@1" in shown and "model, threshold" in shown and "0.400" in shown
    lines = [json.loads(line) for line in (evaluation.folder / "predictions.jsonl").read_text().splitlines()]
    by_hand = [ranking_figures(x["scores"], [i in x["relevant"] for i in range(4)]) for x in lines if x["relevant"]]
    assert evaluation.answers["model"].map.score == pytest.approx(100 * np.mean([one[2] for one in by_hand]))
    for metrics, kind in ((["answers", "rouge"], "extractive"), (["answers"], "seq2seq")):
        with pytest.raises(bertsum.BertsumError, match=r"evaluation\.metrics: got \[answers"):
            Config.from_dict({**values, "model": {"kind": kind}, "evaluation": {"metrics": metrics}})


# ---- calibration


def test_a_calibrated_threshold_keeps_that_share() -> None:
    draw = np.random.default_rng(3)
    shares = []
    for _ in range(300):
        held_back, new = draw.beta(2, 1, 199), draw.beta(2, 1, 2000)
        shares.append(np.mean(new >= threshold_for(held_back.tolist(), 0.95).threshold))
    assert np.mean(shares) == pytest.approx(0.95, abs=0.004)
    low, high = threshold_for(held_back.tolist(), 0.95).interval
    assert np.mean([low <= share <= high for share in shares]) > 0.88  # the new records vary, too
    assert threshold_for([0.1, *[0.9] * 18], 0.95).threshold == pytest.approx(0.1, abs=1e-6)
    with pytest.raises(bertsum.BertsumError, match="18 records with an answer, expected 19 or more"):
        threshold_for([0.5] * 18, 0.95)


def test_thresholds_are_saved_with_the_model(summarizer, tmp_path) -> None:
    folder, evaluated = tmp_path / "model", tmp_path / "eval"
    summarizer.model.save_pretrained(folder)
    evaluated.mkdir()
    lines = [{"relevant": [0] if number % 4 else [], "scores": [number / 100, None]} for number in range(100)]
    predictions = write_jsonl(evaluated / "predictions.jsonl", lines)
    results = {item.name: None for item in fields(Results)} | {"weights": {"model": saved_checksum(folder)}}
    results |= {"systems": {}, "translation": {}, "novelty": {}, "perplexity": {}, "answers": {}, "signatures": {}}
    results |= {"text_figures": {}}
    results |= {"documents": 100, "rouge": {"limit_to_reference": False, "tokenizer": ""}}
    (evaluated / "results.json").write_text(json.dumps(results))
    made = calibrate(folder, predictions)
    assert [(one.recall, one.records) for one in made] == [(0.95, 75), (0.98, 75)]
    assert [one.threshold for one in made] == pytest.approx([0.03, 0.01], abs=1e-6)
    again = bertsum.Summarizer.from_pretrained(folder)
    assert again.model.config.calibration == tuple(made)
    assert again.model.config.selection.query_threshold == made[0].threshold
    kept = again.prune(QUERY, TEXT, recall=0.98)
    assert kept.indices == again(TEXT, query=QUERY, threshold=made[1].threshold).indices
    again.model.save_pretrained(tmp_path / "copy")
    assert bertsum.Summarizer.from_pretrained(tmp_path / "copy").model.config.calibration == tuple(made)
    results["selection"] = {"word_weight": 0.0, "similarity_weight": 8.0}
    (evaluated / "results.json").write_text(json.dumps(results))
    with pytest.raises(bertsum.BertsumError, match=r"with selection\.similarity_weight 8\.0, but .* has 0\.0"):
        calibrate(folder, predictions)
    results["weights"] = {"model": "other"}
    (evaluated / "results.json").write_text(json.dumps(results))
    with pytest.raises(bertsum.BertsumError, match="is of another model than"):
        calibrate(folder, predictions)
