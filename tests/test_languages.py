"""Each language from its text to the choice: detected, split, labelled, scored, blocked."""

from __future__ import annotations

import unicodedata

import pytest
from conftest import SHAPE, save_encoder, unigram_tokenizer, write_jsonl
from hypothesis import given, settings
from hypothesis import strategies as st
from languages import PARAGRAPHS

import bertsum
from bertsum.config import Config
from bertsum.data.languages import AUTO, base_language, detect_language, language_of
from bertsum.data.prepare import prepare
from bertsum.data.sentences import split_sentences
from bertsum.encoders.load import load_tokenizer
from bertsum.evaluation.rouge import tokenizer_for
from bertsum.models.selection import CHARACTERS, blocking_ngrams, select_sentences
from bertsum.results import METRICS
from bertsum.text import unify_spelling

each = pytest.mark.parametrize("language", PARAGRAPHS)


@each
def test_detected(language: str) -> None:
    text = "".join(PARAGRAPHS[language].sentences)
    assert detect_language(text) == language
    assert detect_language(unicodedata.normalize("NFD", text)) == language
    assert language_of(PARAGRAPHS[language].sentences, AUTO) == language


@each
@pytest.mark.parametrize("given_language", [None, AUTO])
def test_split(language: str, given_language: str | None) -> None:
    sentences = PARAGRAPHS[language].sentences
    assert split_sentences("".join(sentences), given_language or language) == sentences


@each
def test_oracle(language: str) -> None:
    paragraph = PARAGRAPHS[language]
    assert bertsum.greedy_oracle(paragraph.sentences, paragraph.summary, max_sentences=1) == [paragraph.oracle]
    for form in ("NFC", "NFD"):
        summary = unicodedata.normalize(form, paragraph.summary)
        assert bertsum.greedy_oracle(paragraph.sentences, summary, max_sentences=1) == [paragraph.oracle]


@each
def test_rouge(language: str) -> None:
    paragraph = PARAGRAPHS[language]
    other = PARAGRAPHS["ru" if language in ("en", "de", "es", "fr", "id", "tr", "vi") else "en"].sentences
    words = [[sentence for sentence in other if not any(map(str.isdigit, sentence))]]
    for own in (language, AUTO):
        itself = bertsum.rouge([paragraph.sentences], [paragraph.sentences], own, bootstrap_samples=10)
        assert [itself[metric].fmeasure for metric in METRICS] == [1.0, 1.0, 1.0]
        disjoint = bertsum.rouge(words, [paragraph.sentences], own, bootstrap_samples=10)
        assert [disjoint[metric].fmeasure for metric in METRICS] == [0.0, 0.0, 0.0]
    decomposed = [unicodedata.normalize("NFD", sentence) for sentence in paragraph.sentences]
    if language != "en":
        assert bertsum.rouge([decomposed], [paragraph.sentences], language)["rouge2"].fmeasure == 1.0


@each
def test_blocking(language: str) -> None:
    sentences = [sentence.strip() for sentence in PARAGRAPHS[language].sentences]
    again = [*sentences, unicodedata.normalize("NFD", sentences[0])]
    scores = [1 - place / 100 for place in range(len(again))]
    chosen = select_sentences(scores, again, sentences=None, threshold=0.0, trigram_blocking=True)
    assert chosen == list(range(len(sentences)))  # each is like no other, but the last is the first again


def test_blocking_by_characters() -> None:
    chinese = "这所房子建于19世纪，木梁保存完好。"
    assert len(blocking_ngrams(chinese)) == 15 - CHARACTERS + 1  # 19 is one of 15 words, punctuation is none
    assert blocking_ngrams("这所房子") == set()
    assert blocking_ngrams("The mill, the Mill") == {("The", "mill,", "the"), ("mill,", "the", "Mill")}
    assert blocking_ngrams("The BERT 模型 is fine") == {
        ("The", "BERT", "模"), ("BERT", "模", "型"), ("模", "型", "is"), ("型", "is", "fine"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("", "en"),
        ("12.5 % …", "en"),
        ("Guten Tag", "en"),  # too short to tell
        ("Привет", "ru"),
        ("你好", "zh"),
        ("はい", "ja"),
        ("標題:BERT Transformer encoder 模型 for 摘要 summarization", "en"),
        ("我们用BERT模型训练Transformer编码器，结果优于Longformer和PEGASUS。", "zh"),
        ("店名叫做「优の良品」，位于青石市中心的老街上，每天早上八点开门。", "zh"),
        ("日本の首都は東京", "ja"),
        ("ยินดีต้อนรับ", "th"),
        ("नमस्ते", "hi"),
        ("سلام", "ar"),
        ("\ud800", "en"),
        ("Der Stadtrat kauft die alte Mühle am Fluss. Слово.", "de"),
    ],
)
def test_short_and_mixed(text: str, language: str) -> None:
    assert detect_language(text) == language


def test_not_text() -> None:
    with pytest.raises(bertsum.BertsumError, match="got int, expected text"):
        detect_language(3)  # type: ignore[arg-type]
    with pytest.raises(bertsum.BertsumError, match="expected the language of a text"):
        tokenizer_for(AUTO)


def test_codes() -> None:
    assert [base_language(code) for code in ("zh-TW", "pt_BR", "EN")] == ["zh", "pt", "en"]
    assert Config.load(None, ["language=auto"]).rouge_language == AUTO
    with pytest.raises(bertsum.BertsumError, match="rouge.language: got 'klingon'"):
        Config.load(None, ["rouge.language=klingon"])


@settings(deadline=None)  # the detector is loaded once
@given(st.text(max_size=300))
def test_any_text_has_a_language(text: str) -> None:
    language = detect_language(text)
    assert 2 <= len(language) <= 3
    assert "".join(split_sentences(text, AUTO)) == text


@settings(deadline=None)
@given(
    st.text(st.sampled_from('aB.…!? \n"“”„«»(1)—-ıЖж。！”你の라ไท।|ا؟\u200c\u0301'), max_size=60),
    st.sampled_from([*PARAGRAPHS]),
)
def test_whatever_is_corrected_nothing_is_lost(text: str, language: str) -> None:
    sentences = split_sentences(text, language)
    assert "".join(sentences) == text
    assert all(sentence.strip() for sentence in sentences) or not text.strip()


@pytest.mark.parametrize(
    ("language", "sentences"),
    [
        ("de", ["Sie kommt am Mittwoch, dem 5. Mai, um acht. ", "Alles liegt bereit."]),
        ("de", ["1. Die Linsen waschen.\n", "2. Das Gemüse putzen."]),
        ("de", ["Er ging. ", "1987 begann es. ", "Siehe Abb. 3, geb. 1950 bei Fa. Lind. ", "Der 2. Weltkrieg begann."]),
        ("tr", ["ben geldim. ", "sonra gittim."]),  # no capitals, so they do not tell
        ("tr", ["O geldi. ", "iPhone pahalı."]),
        ("ru", ["Первый пункт. ", "Он ушёл.\n", "- раз\n", "- два"]),
        ("ru", ["Сайт www.primer.ru работает. ", "Заголовок\n\n", "текст."]),
        ("id", ["1. Budi tiba. ", "2. Sri pergi."]),
        ("zh", ["标题\n\n", "他问：“走吗？”", "“走！”她答。", "“好。”", "大家都说好听。"]),
        ("zh", ["我……我不知道。", "好！！！", "3个人走了？！", "真的｡"]),
        ("ja", ["彼は「来る。」と言った。", "『本。』を読む。", "「行く。」", "ところが雨だ。"]),
        ("th", ["เขาเดินทางไปตลาดเพื่อซื้อปลามาทำอาหารเย็นให้ลูก" + " " * 100, "แล้วกลับบ้านในตอนเย็นวันนั้นเอง"]),
        ("km", ["គាត់ទៅ។ ", "គាត់មក។"]),
        ("vi", ["Ông V. Bình ở Tp.HCM. ", "Họ đi."]),
    ],
)
def test_other_ends(language: str, sentences: list[str]) -> None:
    assert split_sentences("".join(sentences), language) == sentences


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ti\u00ea\u0301ng Vi\u00ea\u0323t", "ti\u1ebfng Vi\u1ec7t"),
        ("\u0645\u062d\u0645\u0640\u0640\u062f", "\u0645\u064f\u062d\u064e\u0645\u0651\u064e\u062f"),  # Muhammad
        ("\u0645\u06cc\u200c\u0631\u0648\u062f", "\u0645\u064a\u0631\u0648\u062f"),  # "he goes", in Persian
        ("\u0915\u094d\u200d\u0937", "\u0915\u094d\u0937"),  # ksha, in Hindi
        ("ＢＥＲＴ２０", "BERT20"),
        ("ﾃﾞｰﾀ", "データ"),
        ("\ufefb", "\u0644\u0627"),  # the ligature lam-alef
        ("co\u00adoperate", "cooperate"),
    ],
)
def test_one_spelling(one: str, other: str) -> None:
    assert unify_spelling(one) == unify_spelling(other)
    tokenize = tokenizer_for("fa").tokenize
    assert tokenize(one) == tokenize(other)
    assert bertsum.greedy_oracle(["abc", one], other) == [1]


def test_lower_case() -> None:
    assert tokenizer_for("tr").tokenize("IŞIK İZMİR") == ["ışık", "izmir"]
    assert tokenizer_for("de").tokenize("IST") == ["ist"]
    assert tokenizer_for("ja").tokenize("サーバーABC") == ["サ", "ー", "バ", "ー", "abc"]


def test_chinese_abstracts_with_titles(tmp_path, encoder_folder) -> None:
    """chinese.yaml on documents of one string whose summary is a title: each has a label, ROUGE is by character."""
    sentences = PARAGRAPHS["zh"].sentences
    records = [
        {
            "id": str(place),
            "document": "".join(sentences[place : place + 4]),
            "summary": sentences[place + 1].strip("。"),
        }
        for place in range(len(sentences) - 3)
    ]
    file = write_jsonl(tmp_path / "titles.jsonl", records)
    config = Config.load("chinese", [f"data.{split}={file}" for split in ("train", "validation", "test")]).override(
        {
            "encoding.max_length": 128,
            "model.encoder": str(encoder_folder),
            "model.head_heads": 4,
            "model.head_feedforward": 32,
            "output_dir": str(tmp_path / "runs"),
            "data.prepared_dir": str(tmp_path / "prepared"),
            "data.workers": 1,
            "selection.sentences": 1,
            "rouge.bootstrap_samples": 20,
            "tracking.trackers": [],
        }
    )
    bertsum.train(config)
    evaluation = bertsum.evaluate(config)
    assert evaluation.tokenizer == "characters"
    assert evaluation.systems["oracle"]["rouge1"].recall > 0.99
    prepared = prepare(config, "train", load_tokenizer(str(encoder_folder)))
    assert all(sum(row["labels"]) >= 1 for row in prepared.dataset)


def test_a_multilingual_encoder(tmp_path, config_of) -> None:
    """Trains XLM-R's kind of encoder on all languages at once, evaluates it, and summarises each."""
    tokenizer = unigram_tokenizer(["".join(paragraph.sentences) for paragraph in PARAGRAPHS.values()])
    encoder = save_encoder(
        tmp_path / "encoder", tokenizer, "xlm-roberta", max_position_embeddings=514, type_vocab_size=1, **SHAPE
    )
    records = [
        {"id": language, "document": "".join(paragraph.sentences), "summary": paragraph.summary}
        for language, paragraph in PARAGRAPHS.items()
    ]
    file = write_jsonl(tmp_path / "all.jsonl", records)
    splits = [f"data.{split}={file}" for split in ("train", "validation", "test")]
    config = config_of(f"model.encoder={encoder}", "language=auto", "encoding.max_length=512", *splits)
    config = config.override({"train.max_tokens_per_batch": 2048, "selection.sentences": 1})
    bertsum.train(config)
    evaluation = bertsum.evaluate(config)
    assert evaluation.tokenizer == "words or characters by the language of each reference"
    assert evaluation.systems["oracle"]["rouge1"].fmeasure > 0.3
    summarizer = bertsum.Summarizer.from_pretrained(config.run_dir / "best")
    summaries = summarizer([record["document"] for record in records], sentences=2)
    for summary, (language, paragraph) in zip(summaries, PARAGRAPHS.items(), strict=True):
        stripped = [sentence.strip() for sentence in paragraph.sentences]
        assert summary.document == stripped
        assert None not in summary.document_scores
        assert summary.text == ("" if language in ("zh", "ja") else " ").join(summary.sentences)


@pytest.mark.parametrize("wrong", ["klingon", "", "e", "en gb", None, 3])
def test_what_is_no_code_of_a_language_is_refused(wrong) -> None:
    expected = "language: got .*, expected an ISO 639 code such as en, zh or ru"
    for call in (lambda: split_sentences("It rained.", wrong), lambda: bertsum.rouge(["a"], ["a"], language=wrong)):
        with pytest.raises(bertsum.BertsumError, match=expected):
            call()
