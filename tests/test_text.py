"""Sentences and words of many languages."""

from __future__ import annotations

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

import bertsum
from bertsum.data.sentences import split_sentences
from bertsum.text import _MAYBE_UNSPACED, UNSPACED, cut_words, has_words, sanitize, split_words

TEXTS = {
    "en": ("Dr. Smith came at 5 p.m. on Monday. He said hello to Mrs. Jones. Then he left!", 3),
    "de": ("Das ist z. B. ein Satz. Und noch einer? Ja!", 3),
    "ru": ("Это первое предложение. А это второе! И третье?", 3),
    "zh": ("今天天气很好。他说：“你好！”然后走了。", 2),
    "ja": ("今日は雨です。明日は晴れますか？はい！", 3),
    "ar": ("مرحبا بالعالم. كيف حالك؟ أنا بخير.", 3),
    "hi": ("यह एक वाक्य है। यह दूसरा है।", 2),
    "tr": ("Bu bir cümle. Bu da ikincisi.", 2),
}


@pytest.mark.parametrize("language", TEXTS)
def test_languages(language: str) -> None:
    text, count = TEXTS[language]
    sentences = bertsum.split_sentences(text, language=language)
    assert "".join(sentences) == text
    assert len(sentences) == count


def test_blank_lines_end_sentences_and_white_space_is_kept() -> None:
    text = "\n\n A headline\n\nThe text begins.  It goes on.\n"
    sentences = split_sentences(text)
    assert "".join(sentences) == text
    assert [sentence.strip() for sentence in sentences] == ["A headline", "The text begins.", "It goes on."]
    assert split_sentences("") == []
    assert split_sentences(" \n ") == [" \n "]


@given(st.text(alphabet=st.characters(codec=None)), st.sampled_from([*TEXTS, "xx", "vi"]))
def test_joined_back_nothing_is_lost(text: str, language: str) -> None:
    assert "".join(split_sentences(text, language)) == text


def test_surrogates_stay_in_the_verbatim_text() -> None:
    text = "A \ud800 b. C d."
    assert "".join(split_sentences(text)) == text
    assert sanitize(text) == "A \ufffd b. C d."


@given(st.text(alphabet="abc é1,.-\t\n"))
def test_words_are_those_of_str_split(text: str) -> None:
    assert split_words(text) == text.split()


def test_words_of_scripts_without_spaces() -> None:
    assert split_words("今天 BERT好") == ["今", "天", "BERT", "好"]
    assert cut_words("今天天气", 2) == "今天"
    assert cut_words("one  two three", 2) == "one  two"
    assert cut_words("one two", 9) == "one two"
    assert cut_words("a b", 7) == "a b"


def test_every_character_of_an_unspaced_script_is_noticed() -> None:
    unspaced = regex.compile(UNSPACED)
    characters = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    assert all(_MAYBE_UNSPACED.match(character) for character in characters if unspaced.match(character))


@given(st.text(st.sampled_from("ab é中\u0301あ \t\n\u2028\u3000'"), max_size=30), st.integers(0, 8))
def test_counting_words(text: str, count: int) -> None:
    words = split_words(text)
    assert has_words(text, count) == (len(words) >= count)
    assert split_words(cut_words(text, max(count, 1))) == words[: max(count, 1)]
