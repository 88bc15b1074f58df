"""The configs of other domains and languages, on small documents of ours with the fields of the corpora."""

from __future__ import annotations

import json

import pytest
from conftest import SHAPE, save_encoder, unigram_tokenizer, write_jsonl
from languages import PARAGRAPHS

import bertsum
from bertsum.cli import main
from bertsum.config import Config
from bertsum.data.sentences import split_sentences
from bertsum.data.sources import is_hub_split
from bertsum.files import SAMPLE_FOLDER

POST = "I forgot the cake.\n\nMy sister had baked it all night. We drove back for two hours. She still laughs about it."
CHAT = "Mia: Did you feed the cat?\r\nJon: Twice! She lied to you.\r\nMia: Again? That little thief.\r\nJon: I know :)"
ARTICLE = "\n".join(
    f"the {word} of {count} patients was measured twice in each week of the trial . it did not change much ."
    for count, word in enumerate(["pulse", "sleep", "weight", "speech", "sight", "breath", "gait", "sleep"], start=20)
)
# Fields of the corpora's records, as their cards on the hub tell.
RECORDS = {
    "reddit": {"title": "cake", "documents": POST, "tldr": "Forgot a cake, drove back two hours.", "ups": 7.0},
    "samsum": {"id": "13", "dialogue": CHAT, "summary": "Jon fed the cat twice because she lied to him."},
    "pubmed": {
        "article": ARTICLE,
        "abstract": "the pulse , the sleep and the weight of patients did not change . " * 5,
    },
    "arxiv": {"article": ARTICLE, "abstract": "the pulse , the sleep and the weight of patients did not change . " * 5},
}


def tiny(name: str, tmp_path, encoder, *overrides: str) -> Config:
    """A config of a corpus, with another source, a tiny encoder and a short training."""
    return Config.load(
        name,
        [
            f"output_dir={tmp_path / 'runs'}", f"data.prepared_dir={tmp_path / 'prepared'}", "data.dataset=null",
            "data.dataset_config=null", "data.workers=1", f"model.encoder={encoder}", "model.head_heads=4",
            "model.head_feedforward=32", "encoding.max_length=128", "train.max_steps=2", "train.warmup_steps=1",
            "tracking.trackers=[]", "rouge.bootstrap_samples=10", *overrides,
        ],
    )  # fmt: skip


@pytest.mark.parametrize("name", RECORDS)
def test_a_domain(name, tmp_path, encoder_folder) -> None:
    """Its fields are read, its length limits hold, and its model trains, is evaluated and summarizes."""
    corpus = Config.load(name).data
    assert all(is_hub_split(corpus, split) for split in ("train", "validation", "test"))
    file = write_jsonl(tmp_path / "documents.jsonl", [RECORDS[name], RECORDS[name]])
    config = tiny(
        name, tmp_path, encoder_folder, *(f"data.{split}={file}" for split in ("train", "validation", "test"))
    )
    result = bertsum.train(config)
    evaluation = bertsum.evaluate(config)
    assert evaluation.split == "test" and evaluation.documents == 2
    line = json.loads((evaluation.folder / "predictions.jsonl").read_text().splitlines()[0])
    assert 1 <= len(line["indices"]) <= config.selection.sentences
    text = RECORDS[name][config.data.document_field]
    assert all(sentence in text for sentence in line["summary"])
    if config.encoding.long_documents == "window":  # the whole article is read, though it is longer than a window
        assert None not in line["scores"] and len(line["scores"]) == 16
    if name == "samsum":
        assert split_sentences(text, "en")[0].strip() == "Mia: Did you feed the cat?"
    assert bertsum.Summarizer.from_pretrained(result.checkpoint)(text, sentences=1).sentences[0] in text


@pytest.fixture
def multilingual_encoder(tmp_path, sample_texts):
    """XLM-R's kind of encoder, with pieces of many languages."""
    texts = [*sample_texts, *("".join(paragraph.sentences) for paragraph in PARAGRAPHS.values())]
    tokenizer = unigram_tokenizer(texts)
    positions = {"max_position_embeddings": 514, "type_vocab_size": 1}
    return save_encoder(tmp_path / "encoder", tokenizer, "xlm-roberta", **positions, **SHAPE)


def test_trained_on_english_and_evaluated_on_another_language(tmp_path, multilingual_encoder, capsys) -> None:
    """By one command: the documents are split and counted by their own language, whatever it was trained on."""
    english = [
        {"text": record["document"], "summary": record["summary"]}
        for record in map(json.loads, (SAMPLE_FOLDER / "english.validation.jsonl").read_text("utf-8").splitlines())
    ]
    others = {language: PARAGRAPHS[language] for language in ("de", "zh", "hi")}
    file = write_jsonl(tmp_path / "english.jsonl", english)
    sources = (f"data.train={file}", f"data.validation={file}", f"data.test={file}")
    config = tiny("multilingual", tmp_path, multilingual_encoder, *sources)
    bertsum.train(config)
    config.save(tmp_path / "multilingual.yaml")
    for language, paragraph in others.items():
        records = [{"text": "".join(paragraph.sentences), "summary": paragraph.summary}]
        file = write_jsonl(tmp_path / f"{language}.jsonl", records)
        main(["eval", "--config", str(tmp_path / "multilingual.yaml"), "--data.test", str(file)])
        assert "words or characters by the language of each reference" in capsys.readouterr().out
        lines = (config.run_dir / "eval" / "test" / "predictions.jsonl").read_text("utf-8").splitlines()
        (line,) = map(json.loads, lines)
        sentences = [sentence.strip() for sentence in paragraph.sentences]
        assert line["oracle"] == [paragraph.oracle]
        assert line["summary"] == [sentences[line["indices"][0]]] and len(line["scores"]) == len(sentences)


@pytest.mark.parametrize("kind", ["masked_lm"])
def test_an_encoder_of_many_languages_is_adapted(config_of, multilingual_encoder) -> None:
    """Where a language has no summaries, its plain documents may do."""
    chinese = [f"data.{split}=sample/chinese.validation.jsonl" for split in ("train", "validation")]
    result = bertsum.train(config_of("language=auto", f"model.encoder={multilingual_encoder}", *chinese))
    assert result.evaluation.perplexity["model"].score > 1
