"""Sentences: every character kept, the right ends in every kind of text, time in proportion to length."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from languages import PARAGRAPHS

from bertsum.data.lines import units
from bertsum.data.other_languages import _laid
from bertsum.data.sentences import split_sentences

CASES = [
    json.loads(line)
    for line in (Path(__file__).parent / "cases" / "sentences.jsonl").read_text(encoding="utf-8").splitlines()
]


def text_and_sentences(case: dict[str, Any]) -> tuple[str, list[str]]:
    if case["kind"] != "long":
        return case["text"], case["sentences"]
    paragraphs = case["paragraphs"] * case["repeat"]
    space = "" if case["language"] in ("zh", "ja") else " "
    return case["separator"].join(map(space.join, paragraphs)), [each for part in paragraphs for each in part]


def without_space(sentences: list[str]) -> list[str]:
    return [" ".join(sentence.split()) for sentence in sentences]


@pytest.mark.parametrize("case", CASES, ids=[f"{case['kind']}-{number}" for number, case in enumerate(CASES, 1)])
def test_cases(case: dict[str, Any]) -> None:
    text, sentences = text_and_sentences(case)
    pieces = split_sentences(text, case["language"])
    assert "".join(pieces) == text
    assert without_space(pieces) == without_space(sentences)


@pytest.mark.parametrize(
    "sentences",
    [
        ["We make a good team, you and I. ", "Did you see Albert I. Jones yesterday?"],
        ["At 5 a.m. Mr. Smith went to the bank. ", "He left the bank at 6 P.M. ", "Mr. Smith then went to the store."],
        ["1.) The first item ", "2.) The second item"],
        ["a. The first item ", "b. The second item ", "c. The third item"],
        ["• 9. The first item ", "• 10. The second item"],
        ["She works at Yahoo! in the accounting department."],
        ["i have energy. ", "but no. ", "then I rode 40km. ", "why? ", "no idea!! ", "ok"],
        ["It pays approx. forty crowns, incl. tax, per asst. clerk."],
        ["The names of towns.[3] ", "They vary. [citation needed] ", "Most are old. [a] ", "Few are new."],
        ["He teaches science (He was an engineer before.) at the local school."],
        ["We saw ducks, geese, etc. ", "Semantic change is slow."],
        ["It works for c. ", "If it does not, see vol. 3."],
        ["We had fun. :) ", "The end. :D ", "Bye!"],
        ["the ship left . ", "it rained ! ", "nobody stayed ."],  # tokenised, without capitals
        ['He said "no. ', "She did not hear. ", 'The "old" mill closed. ', "It rained."],  # a quotation never closed
        ["Fig. A1 and Eq. A.2 show it. ", "In ibid. 12 and vol. II he says no. ", "Step 2. Open the lid."],
        ["The wall fell.3 ", "It was rebuilt.¹ ", "(See above).", "It stands."],
        ["“Why?” Ida wanted to know. ", "“Stop!” ", "Then he ran."],
        ["In Mar. Bob left. ", "He came back in Dec. ", "Nell did not."],
        ["<Ann> hi\n", "<Ben> no\n", "✓ Roof done\n", "→ Paint next\n", "[x] Wall\n", "2010-05-03 12:03 no turn"],
        ["a. Wash the apples\n", "b. Peel them"],
        ["WE ALL SAW IT. ", "NOBODY CAME. ", "MR. DOLE OF ST. IVES STAYED."],
    ],
)
def test_english(sentences: list[str]) -> None:
    assert split_sentences("".join(sentences)) == sentences


@pytest.mark.parametrize(
    ("language", "sentences"),
    [
        ("de", ['Er sagte: "Nein. ', "Sie hörte ihn nicht. ", "Das Haus war leer. ", "Niemand kam. ", "Es regnete."]),
        (
            "de",
            ["„Wir kamen spät. ", "Das Tor war zu. ", "Niemand kam. ", "Also gingen wir“, sagte sie. ", "Es regnete."],
        ),
        ("fr", ["M. Orrin cite l'art. 5 et la fig. 2. ", "Mme Crane habite av. Foch. ", "Il pleut."]),
        ("it", ["Vedi pag. 3 e fig. 4. ", "Il sig. Orrin arriva. ", "Piove."]),
        ("pt", ["Veja a pág. 3. ", "O Sr. Orrin chegou. ", "Chove."]),
        ("es", ["Cuesta aprox. 12 euros. ", "Vive en la Avda. Sol. ", "Llueve."]),
        ("nl", ["Zie blz. 3. ", "Mevr. Crane komt. ", "Het regent."]),
        ("fr", ["Il vend des cordes, etc. ", "Il part."]),
        ("de", ["Sie lebte im 3. Jh. in Tiss, usw. ", "Danach nicht."]),
        ("zh", ["“你去吗？”他问。", "“不去！”她说。"]),
        ("sv", ["Se kap. 3. ", "Det regnar."]),
    ],
)
def test_other_languages(language: str, sentences: list[str]) -> None:
    assert split_sentences("".join(sentences), language) == sentences


def test_lines() -> None:
    title = "A title\nof two lines that is long enough to be wrapped here\n\n"
    text = f"{title}| a | b |\n| 1 | 2 |\n1. One\n2. Two\n> Quoted\n"
    assert [text[begin:end] for begin, end in units(text)] == [
        title,
        *("| a | b |\n", "| 1 | 2 |\n", "1. One\n", "2. Two\n", "> Quoted\n"),
    ]


def test_text_without_punctuation_is_cut_into_pieces() -> None:
    speech = " ".join(f"word{number}" for number in range(2_000))
    pieces = split_sentences(speech)
    assert "".join(pieces) == speech
    assert all(25 <= len(piece.split()) <= 40 for piece in pieces)
    captions = "".join(f"so we took the boat number {number} to the rock\n" for number in range(50))
    pieces = split_sentences(captions)
    assert "".join(pieces) == captions
    assert all(piece.endswith("\n") and 20 <= len(piece.split()) <= 40 for piece in pieces)
    chinese = "我们坐船去了那块石头" * 60
    pieces = split_sentences(chinese, "zh")
    assert "".join(pieces) == chinese
    assert all(40 <= len(piece) <= 80 for piece in pieces)
    sentence = " ".join(["and we took the boat"] * 30) + "."
    assert split_sentences(sentence) == [sentence]  # long, but a sentence


@pytest.mark.parametrize(
    ("pieces", "kept"),
    [
        (["One. ", "Two."], ["One. ", "Two."]),
        (["One.", "Two."], ["One. ", "Two."]),  # white space was left out
        (["One. ", "Other. ", "Two."], ["One. ", "Two."]),  # a piece that is not in the text
        (["One. "], ["One. ", "Two."]),  # the end was left out
        ([], ["One. Two."]),
    ],
)
def test_the_splitter_is_not_believed(pieces: list[str], kept: list[str]) -> None:
    assert [*_laid(pieces, "One. Two.", "One. Two.")] == kept


LANGUAGES = ["en", "de", "fr", "es", "vi", "ko", "ru", "zh", "ja", "ar", "hi", "tr"]
FILLERS = ["\n\n", "\r\n\r\n", "\n \n", "\t", "\u200b", "😀 ", "\n", " ", "\u2028", '"', "(", "\ufeff", "\r", "\f"]


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(LANGUAGES),
    st.lists(st.tuples(st.integers(0, 9), st.sampled_from(FILLERS)), min_size=1, max_size=40),
    st.sampled_from([1_000, 11_000, 60_000]),
)
def test_every_character_is_kept(language: str, parts: list[tuple[int, str]], length: int) -> None:
    sentences = PARAGRAPHS[language].sentences
    once = "".join(sentences[number % len(sentences)].rstrip() + filler for number, filler in parts)
    text = once * (length // len(once) + 1)
    pieces = split_sentences(text, language)
    assert "".join(pieces) == text
    assert all(not piece.isspace() for piece in pieces)


@pytest.mark.parametrize("unseen", ["\u200b\u2028", "\ufeff\x85", "\u2060\u2028\u200b\u2028"])
def test_a_line_without_a_visible_character_is_no_line(unseen: str) -> None:
    text = f"Meeting\n\n{unseen}The bridge reopens in May. It rained."
    pieces = split_sentences(text, "en")
    assert "".join(pieces) == text and [piece.strip() for piece in pieces[1:]] == [
        "The bridge reopens in May.",
        "It rained.",
    ]


@pytest.mark.parametrize("separator", ["\n\n", "\r\n\r\n", "\n \n"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_long_text_is_split_as_its_paragraphs_are(language: str, separator: str) -> None:
    sentences = PARAGRAPHS[language].sentences
    paragraph = "".join(sentences).rstrip()
    for size in (1_000, 50_000, 1_000_000 if separator == "\n\n" else 200_000):  # bytes
        times = size // len(paragraph.encode()) + 1
        text = separator.join([paragraph] * times)
        pieces = split_sentences(text, language)
        assert "".join(pieces) == text
        assert [piece.strip() for piece in pieces] == [sentence.strip() for sentence in sentences] * times


@pytest.mark.parametrize(
    "language", ["en", "de", *(pytest.param(name, marks=pytest.mark.slow) for name in ("zh", "th"))]
)
def test_time_is_in_proportion_to_length(language: str) -> None:
    """What would take squared time would take hours."""
    for text in (
        *("(a. B " * 25_000, '"A b. C d. ' * 25_000, "(" * 200_000 + "a. B" + ")" * 200_000, "`a. B" * 25_000),
        *("." * 200_000, ". " * 100_000, "a." + " " * 300_000 + "B", "\n" * 300_000, "a \n \t " * 50_000),
        *("Ab cd:\n" * 25_000, "Aa bb cc dd\n" * 25_000, "1. " * 50_000, "1) a " * 25_000, "a. 😀 " * 25_000),
        *("A.B." * 25_000, "x" * 500_000, "A b.\r\n\r\n" * 25_000, "Aa " * 50_000 + "\n" + "Aa " * 50_000),
        *("Yes. " * 25_000, "“" * 100_000, "One came." + " " * 100_000),
    ):
        assert "".join(split_sentences(text, language)) == text
