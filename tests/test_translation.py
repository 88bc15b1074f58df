"""BLEU and chrF are sacrebleu's, with intervals from the resampling of ROUGE."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from conftest import write_jsonl
from test_report import Page

import bertsum
from bertsum.evaluation.bootstrap import resampled_means
from bertsum.evaluation.compare import compare, comparison_table
from bertsum.evaluation.evaluate import evaluate_average, evaluate_baselines
from bertsum.evaluation.translation import (
    STATISTICS,
    corpus_score,
    document_scores,
    document_statistics,
    resampled_scores,
    signature,
    summarize_statistics,
)
from bertsum.models.extractive import BertSum
from bertsum.models.storage import CARD_FILE
from bertsum.results import Results

sacrebleu = pytest.importorskip("sacrebleu")

TEXTS = [["The cat sat on the mat.", "It slept."], ["A storm, they said, is coming!"], [], ["Das Haus ist klein."] * 2]
REFERENCES = [
    [["The cat sat on a mat.", "It was asleep."], ["A cat sat on the mat and slept."]],
    [["A storm is coming, they said."], ["They said: a storm is coming!"]],
    [["Nothing was said."], ["Nobody spoke."]],
    [["Das Haus ist klein.", "Der Garten ist gross."], ["Das kleine Haus."]],
]
COUNTED = {"bleu": sacrebleu.corpus_bleu, "chrf": sacrebleu.corpus_chrf}
COUNTERS = {"bleu": sacrebleu.BLEU, "chrf": sacrebleu.CHRF}


def streams(references) -> list[list[str | None]]:
    """References as sacrebleu takes them: the first of all documents, the second ones, and so on."""
    return [[" ".join(of[n]) if n < len(of) else None for of in references] for n in range(max(map(len, references)))]


def expected(metric: str, texts, references) -> float:
    return COUNTED[metric]([" ".join(text) for text in texts], streams(references)).score


@pytest.mark.parametrize("metric", ["bleu", "chrf"])
@pytest.mark.parametrize(
    "references", [REFERENCES, [of[:1] for of in REFERENCES], [REFERENCES[0][:1], *REFERENCES[1:]]]
)
def test_scores_are_those_of_sacrebleu(metric, references) -> None:
    statistics = document_statistics(metric, TEXTS, references)
    assert statistics.shape == (4, STATISTICS[metric])
    assert corpus_score(metric, statistics) == expected(metric, TEXTS, references)
    alone = [expected(metric, [text], [of]) for text, of in zip(TEXTS, references, strict=True)]
    assert document_scores(metric, statistics).tolist() == alone
    counter = COUNTERS[metric]()
    counter.corpus_score([" ".join(text) for text in TEXTS], streams(references))
    assert signature(metric, [len(of) for of in references]) == str(counter.get_signature())


@pytest.mark.parametrize("metric", ["bleu", "chrf"])
def test_samples_are_documents_drawn_again(metric) -> None:
    statistics = document_statistics(metric, TEXTS, REFERENCES)
    drawn = resampled_scores(metric, statistics, 20, seed=3)
    times = np.rint(resampled_means(np.eye(4), 20, seed=3) * 4).astype(int)  # how often each document is drawn
    for score, of_sample in zip(drawn, times, strict=True):
        chosen = [place for place, count in enumerate(of_sample) for _ in range(count)]
        assert score == expected(metric, [TEXTS[n] for n in chosen], [REFERENCES[n] for n in chosen])
    one = summarize_statistics(metric, [statistics], 200, 0)
    assert one.interval[0] <= one.score <= one.interval[1]
    other = document_statistics(metric, TEXTS[::-1], REFERENCES)
    two = summarize_statistics(metric, [statistics, other], 200, 0)
    assert two.score == pytest.approx((one.score + corpus_score(metric, other)) / 2)


def test_without_sacrebleu_nothing_starts(trained_run, tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "sacrebleu.metrics", None)
    config, result = trained_run
    config = config.override({"output_dir": str(tmp_path), "evaluation.metrics": ["chrf"]})
    for start in (lambda: bertsum.evaluate(config, result.checkpoint, "test"), lambda: bertsum.train(config)):
        with pytest.raises(bertsum.BertsumError, match=r"chrf needs sacrebleu.*pip install 'bertsum\[translation\]'"):
            start()
    assert not list(tmp_path.iterdir())


def evaluated(trained_run, tmp_path, *metrics: str, **changes) -> bertsum.Evaluation:
    config, result = trained_run
    values = {"output_dir": str(tmp_path / "runs"), "evaluation.metrics": list(metrics), **changes}
    return bertsum.evaluate(config.override(values), result.checkpoint, "test")


def test_a_translation_is_measured_alone(trained_run, tmp_path) -> None:
    evaluation = evaluated(trained_run, tmp_path, "chrf", "bleu", language="zh")  # ROUGE would warn
    assert (evaluation.systems, list(evaluation.translation)) == ({}, ["model"])
    lines = [json.loads(line) for line in (evaluation.folder / "predictions.jsonl").read_text().splitlines()]
    texts, references = [line["summary"] for line in lines], [line["references"] for line in lines]
    for metric in ("bleu", "chrf"):
        assert evaluation.translation["model"][metric].score == expected(metric, texts, references)
        statistics = document_statistics(metric, texts, references)
        assert [line["statistics"][metric] for line in lines] == statistics.tolist()
    assert not {"rouge", "oracle"} & lines[0].keys()
    printed = str(evaluation)
    assert f"{evaluation.translation['model']['bleu'].score:.2f}" in printed
    assert "12 documents of test; BLEU nrefs:1|case:mixed" in printed
    assert "ROUGE" not in printed and "lead" not in printed
    page = evaluation.report.read_text(encoding="utf-8")
    read = Page(page).text
    assert not any(name in read for name in ("ROUGE", "lead-3", "the oracle's", "Baselines"))
    assert "<h2>BLEU and chrF</h2>" in page and f"<td>{evaluation.translation['model']['chrf'].score:.2f}<" in page
    again = Results.read(evaluation.folder / "results.json")
    assert (again.translation, again.signatures) == (evaluation.translation, evaluation.signatures)
    assert str(again) == printed
    with pytest.raises(bertsum.BertsumError, match=r"evaluation\.metrics: got bleu, expected rouge"):
        evaluate_baselines(trained_run[0].override({"evaluation.metrics": ["bleu"]}), "test")


def test_beside_rouge(trained_run, tmp_path) -> None:
    both = evaluated(trained_run, tmp_path, "rouge", "bleu")
    assert list(both.systems) == list(both.translation) == ["lead-3", "oracle", "model"]
    assert both.translation["oracle"]["bleu"].score > both.translation["lead-3"]["bleu"].score
    printed = str(both)
    assert printed.index("ROUGE1") < printed.index("BLEU")
    page = both.report.read_text(encoding="utf-8")
    assert page.index("<h2>ROUGE</h2>") < page.index("<h2>BLEU</h2>") < page.index("Where the chosen sentences stand")


def test_a_mean_of_checkpoints(config_of) -> None:
    config = config_of("train.validate_every=2", "train.keep_best=2", "evaluation.metrics=[bleu]")
    bertsum.train(config)
    scores = evaluate_average(config, 2, "test").translation
    assert {*scores} == {"step_000004", "step_000002", "mean of 2"}
    *each, mean = (one["bleu"].score for one in scores.values())
    assert mean == pytest.approx(sum(each) / 2)


def test_the_card_has_them(config_of) -> None:
    config = config_of("evaluation.metrics=[chrf,bleu]")
    result = bertsum.train(config)
    evaluation = result.evaluation
    card = BertSum.from_pretrained(result.checkpoint).generate_model_card()
    assert card.data.pipeline_tag == "summarization"  # it chooses sentences, whatever is measured
    assert card.data.metrics == ["bleu", "chrf"]
    told = {one.metric_type: (one.task_type, one.metric_value) for one in card.data.eval_results}
    assert told == {
        metric: ("translation", round(evaluation.translation["model"][metric].score, 2)) for metric in ("bleu", "chrf")
    }
    assert "| | BLEU | chrF |" in card.text
    assert f"chrF `{evaluation.signatures['chrf']}`" in card.text
    assert "ROUGE" not in card.text.partition("## Recipe")[0]
    assert not (result.checkpoint / CARD_FILE).exists()


def predictions(path, texts, references, **more):
    lines = [
        {"id": str(n), "statistics": {m: document_statistics(m, [text], [of])[0].tolist() for m in STATISTICS}, **more}
        for n, (text, of) in enumerate(zip(texts, references, strict=True))
    ]
    return write_jsonl(path, lines)


def test_compare(tmp_path) -> None:
    better = [of[0] for of in REFERENCES]
    a = predictions(tmp_path / "a.jsonl", TEXTS, REFERENCES)
    b = predictions(tmp_path / "b.jsonl", better, REFERENCES)
    found = compare(a, b, samples=500)
    assert list(found) == ["bleu", "chrf"]
    for metric, one in found.items():
        assert one.a == expected(metric, TEXTS, REFERENCES) and one.b == pytest.approx(100)
        assert one.mean == pytest.approx(one.b - one.a)
        assert one.interval[0] <= one.mean <= one.interval[1]
        back = compare(b, a, samples=500)[metric]
        assert (back.mean, back.p_value) == (-one.mean, one.p_value)
    assert compare(a, a)["bleu"].p_value == 1
    table = comparison_table(found)
    assert "BLEU" in table and "chrF" in table


def test_compare_says_what_is_missing(tmp_path) -> None:
    a = predictions(tmp_path / "a.jsonl", TEXTS, REFERENCES)
    rouge = {"rouge1": 0.5, "rouge2": 0.5, "rougeL": 0.5}
    b = write_jsonl(tmp_path / "b.jsonl", [{"id": str(n), "rouge": rouge} for n in range(4)])
    with pytest.raises(bertsum.BertsumError, match=r"a.jsonl' has bleu, chrf, '.*b.jsonl' has rouge1, rouge2, rougeL"):
        compare(a, b)
    both = predictions(tmp_path / "c.jsonl", TEXTS, REFERENCES, rouge=rouge)
    assert list(compare(b, both)) == list(rouge)
    for content, problem in (
        ({"id": "0", "rouge": rouge}, r"line 5: has rouge1, rouge2, rougeL, expected bleu, chrf as in the first line"),
        ({"id": "0", "statistics": {"bleu": [1]}}, "line 5.*statistics of bleu: expected 10 counts"),
        ({"id": "0", "statistics": {"bleu": [0.5] * 10}}, "line 5.*statistics of bleu: expected 10 counts"),
        ({"id": "0", "statistics": 1}, "line 5: .*; expected a line of predictions.jsonl"),
    ):
        bad = tmp_path / "bad.jsonl"
        bad.write_text(a.read_text() + json.dumps(content))
        with pytest.raises(bertsum.BertsumError, match=problem):
            compare(bad, a)


def test_metrics_that_are_none() -> None:
    with pytest.raises(bertsum.BertsumError, match=r"evaluation\.metrics: is empty"):
        bertsum.Config.load(None, ["evaluation.metrics=[]"])
