"""Texts cut down to what answers a query."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from models import build
from test_queries import QUERY, SENTENCES, TEXT

import bertsum


@pytest.fixture(scope="module")
def summarizer(encoder_folder) -> bertsum.Summarizer:
    model = build(encoder_folder, 64)
    model.config = replace(model.config, selection=replace(model.config.selection, query_threshold=0.5))
    return bertsum.Summarizer(model)


def test_pruned_texts(summarizer) -> None:
    titled = "News of the bridge\n\n" + TEXT
    best = summarizer.prune(QUERY, titled, threshold=0.0, sentences=1, keep_title=False)
    least = best.score
    pruned = summarizer.prune(QUERY, titled, threshold=least)
    expected = list(dict.fromkeys(["News of the bridge", *best.sentences]))
    assert pruned.sentences == expected and pruned.text.startswith("News of the bridge")
    assert pruned.text.count("\n") == len(expected) - 1
    assert [titled[begin:end] for begin, end in pruned.spans] == pruned.sentences
    words = sum(len(sentence.split()) for sentence in pruned.sentences)
    assert pruned.share == pytest.approx(words / len(titled.split()))
    (split,) = summarizer.prune(QUERY, [["News of the bridge", *SENTENCES]], threshold=0.0, keep_title=False)
    assert split.sentences == SENTENCES
    few = summarizer.prune(QUERY, titled, threshold=0.0, max_words=5, keep_title=False)
    assert 0 < sum(len(sentence.split()) for sentence in few.sentences) <= 5 and few.score == pruned.score
    empty = summarizer.prune(QUERY, [titled, SENTENCES], threshold=1.0)
    whole = summarizer.prune(QUERY, [SENTENCES], threshold=0.0)
    assert [(one.text, one.sentences, one.spans, one.share) for one in empty] == [("", [], [], 0.0)] * 2
    assert 0 < empty[0].score < 1
    assert (whole[0].sentences, whole[0].share, whole[0].spans) == (SENTENCES, 1.0, [])
    for options, problem in [
        ({"query": " "}, "query: got ' ', expected a text"),
        ({"order": "score"}, "order: got one, but what is left of a pruned document"),
        ({"threshold": 0.5, "recall": 0.95}, "got threshold and recall, expected one of them"),
        ({"recall": 0.95}, "recall: got 0.95, but the model is calibrated for nothing: bertsum calibrate"),
        ({"recall": [0.95]}, r"recall: got \[0.95\], but the model is calibrated for nothing"),
    ]:
        with pytest.raises(bertsum.BertsumError, match=problem):
            summarizer.prune(**{"query": QUERY, "documents": TEXT, **options})


@pytest.mark.parametrize(
    "text",
    [
        "# Bridge\n\nThe bridge is closed, see [the report](http://example.org/x) about it. It reopens in May.",
        "The council met about the well-\nknown crack in the bri-\ndge on Monday. It rained on that day.",
        "桥在五月关闭了。市长说桥将于明年三月重新开放。商店老板抱怨顾客太少。",
    ],
)
@pytest.mark.filterwarnings("ignore:document 0 is in another language")
def test_the_text_is_that_of_a_summary_of_the_same_sentences(summarizer, text) -> None:
    options = {"language": "zh"} if text[0] == "桥" else {}
    answer = summarizer(text, query=QUERY, threshold=0.0, **options)
    assert summarizer.prune(QUERY, text, threshold=0.0, keep_title=False, **options).text == answer.text


def test_places_are_those_of_the_sentences_in_order(summarizer, tmp_path) -> None:
    titled = "News of the bridge\n\n" + TEXT
    file = tmp_path / "page.txt"
    file.write_text(titled, encoding="utf-8")
    options = {"threshold": 0.0, "max_words": 5}
    of_text = summarizer.prune(QUERY, titled, **options)
    assert summarizer.prune(QUERY, file, **options) == of_text
    assert summarizer.prune(QUERY, [bertsum.read_document(file)], **options) == [of_text]
    assert (of_text.indices[0], len(of_text.spans)) == (0, len(of_text.indices))
    every = summarizer.prune(QUERY, TEXT, threshold=0.0)
    by_score = summarizer(TEXT, query=QUERY, threshold=0.0, order="score").indices
    assert every.indices == sorted(by_score) != by_score


def test_a_document_without_a_known_word(summarizer, tmp_path) -> None:
    kept, empty = summarizer.prune(QUERY, [TEXT, "\u200b"], threshold=0.0, allow_empty=True)
    assert (bool(kept.text), empty) == (True, bertsum.Pruned("", [], [], [], 0.0, 0.0))
    with pytest.raises(bertsum.BertsumError, match="document 1: has no token that the model knows"):
        summarizer.prune(QUERY, [TEXT, "\u200b"])
    with pytest.raises(bertsum.BertsumError, match="document 0: .*cannot be read"):
        summarizer.prune(QUERY, [Path(tmp_path / "gone.txt")], allow_empty=True)


def test_a_title_takes_no_room(summarizer) -> None:
    document = ["The bridge reopens in May", *SENTENCES]
    for keep_title in (False, True):
        (one,) = summarizer.prune(QUERY, [document], threshold=0.0, sentences=1, keep_title=keep_title)
        (some,) = summarizer.prune(QUERY, [document], threshold=0.0, max_words=5, keep_title=keep_title)
        assert one.indices[:-1] == some.indices[:-1] == [0] * keep_title
        assert one.indices[-1] > 0 and some.indices[-1] > 0
