"""What of a document is structure: of all kinds of documents, and nothing of plain prose."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertsum.data.sentences import split_sentences
from bertsum.reading.documents import read_document
from bertsum.structure.markdown import without_targets
from bertsum.structure.marks import Mark
from bertsum.structure.pieces import Piece, pieces_of

FOLDER = Path(__file__).parent / "documents"
EXPECTED = json.loads((FOLDER / "expect.json").read_text(encoding="utf-8"))

PIECES = [json.loads(line) for line in (FOLDER / "pieces.jsonl").read_text(encoding="utf-8").splitlines()]

PROSE = """The chair opened the meeting at seven and welcomed the members. Minutes of an hour later, she was gone.

"Was it confidential?" he asked. "It was intended for the addressee only." Whereas his father had signed the contract,
he tore it up.

Subscribe to nothing, his grandmother used to say, and share your bread with the dog! All rights were reserved for her.

They bake cookies on the site of the old mill. See the bridge before you leave. What would you do?

He wrote: I am coming home."""


def chosen(text: str, language: str = "en") -> list[str]:
    """The sentences of a text that may be chosen."""
    return [" ".join(piece.text.split()) for piece in pieces_of(text, language) if not piece.why]


@pytest.mark.parametrize("name", EXPECTED)
def test_a_kind_of_document(name) -> None:
    if name.endswith(".html"):
        pytest.importorskip("trafilatura", exc_type=ImportError)
    given_text = read_document(FOLDER / name)
    language = "de" if name == "bericht.txt" else "en"
    pieces = pieces_of(given_text.text, language, given_text.marks, given_text.markdown)
    assert "".join(piece.text for piece in pieces) == given_text.text
    kept = [" ".join(piece.text.split()) for piece in pieces if not piece.why]
    assert [(never, text) for text in kept for never in EXPECTED[name]["never"] if never in text] == []
    assert [good for good in EXPECTED[name]["kept"] if not any(good in text for text in kept)] == []


@pytest.mark.parametrize("record", PIECES, ids=lambda record: record["text"][:30])
def test_prose_stays_where_words_and_forms_are_of_structure(record) -> None:
    """A sentence is kept that has the words or the form of a heading, a mail or a table; and they are found still."""
    pieces = pieces_of(record["text"], record["language"], markdown=record["text"].startswith("#"))
    assert "".join(piece.text for piece in pieces) == record["text"]
    kept = [" ".join(piece.text.split()) for piece in pieces if not piece.why]
    assert kept
    assert [sentence for sentence in record.get("kept", ()) if not any(sentence in text for text in kept)] == []
    assert [text for text in kept for never in record.get("never", ()) if never in text] == []


def test_prose_loses_nothing() -> None:
    pieces = pieces_of(PROSE, "en")
    assert [piece.text for piece in pieces] == split_sentences(PROSE, "en")
    assert [piece for piece in pieces if piece.why] == []


def test_a_filter_never_empties_a_document() -> None:
    for text in (
        "# One\n\n## Two",
        "- eggs\n- milk\n- bread",
        "| a | b |\n|---|---|\n| c | d |",
        "```\ncode\n```",
        "> quoted\n> lines",
        "HEADING\n\nANOTHER HEADING",
        "Home | News | Contact\n\n12",
        "Dear Ann,\n\nRegards\nBen",
        "12:01 Ann: hi\n12:02 Ben: hello\n12:03 Ann: bye\n12:04 Ben: bye",
        "1\n00:00:01,000 --> 00:00:02,000\n\n2\n00:00:03,000 --> 00:00:04,000",
    ):
        assert chosen(text), text
    assert chosen("A heading\n\n| a | b |\n|---|---|\n| c | d |") == ["A heading"]  # rather than rows


@pytest.mark.parametrize(
    "items", ["- Tent with six pegs\n- Gas stove\n- Rain coat", "1. Paint the hall\n2. Book a van"]
)
@pytest.mark.parametrize("title", ["# Before the trip", "Before the trip", "Before the trip:"])
def test_a_list_is_summarised_by_its_items(title, items) -> None:
    assert chosen(f"{title}\n\n{items}") == items.split("\n")


def test_a_paragraph_that_ends_openly_keeps_its_other_sentences() -> None:
    assert chosen("The council voted for the wall. It decided the following:\n\n- The wall is built in spring.") == [
        "The council voted for the wall.",
        "- The wall is built in spring.",
    ]
    assert chosen("The house was full that winter. My brother said --\n\nNobody asked him again.")[0].startswith("The")


def test_a_sentence_that_a_list_divides() -> None:
    parts = "(a) pay the rent on the first day of each month; and\n(b) give back the keys at the end."
    after = "The landlord pays for the roof and for the chimney."
    assert chosen(f"The tenant shall\n\n{parts}\n\n{after}") == [after]
    whole = "2. Marl has a school, two doctors and a bakery.\n3. Tarn lost its bakery in the spring."
    assert chosen(f"1. Port Ellery has a ferry, and\n{whole}\n\n{after}") == [*whole.split("\n"), after]
    assert chosen(f"The tenant shall\n\n{parts} It costs nothing.\n\n{after}")[-2:] == ["It costs nothing.", after]


@given(st.text(alphabet=st.sampled_from("aB.?:;>|-#*_`=~[]()0 1\n\r\t\f@<!^,"), max_size=120), st.booleans())
def test_every_character_is_kept(text, markdown) -> None:
    pieces = pieces_of(text, "en", (), markdown)
    assert "".join(piece.text for piece in pieces) == text
    if any(map(str.isalnum, text)):
        assert any(piece.text.strip() and not piece.why for piece in pieces)


def test_known_marks() -> None:
    text = "The title of it.\n\nIt rained all day.\n\na | b"
    marks = [Mark(0, 16, "heading"), Mark(38, 43, "table row")]
    assert [piece.why for piece in pieces_of(text, "en", marks)] == ["heading", "", "table row"]


def test_mail_that_only_forwards() -> None:
    forwarded = (
        "FYI\n\n-----Original Message-----\nFrom: Ann\nSent: Monday\nSubject: Keys\n\nThe keys lie under the stone."
    )
    assert chosen(forwarded) == ["The keys lie under the stone."]


def test_names_above_what_is_said() -> None:
    text = (
        "Ann  9:14 AM\nThe server was down for an hour because its disk was full.\n"
        "Ben  9:15 AM\nWho deletes the old logs from now on?\n"
        "Ann  9:16 AM\nA new job deletes them every night, and it tells us how much it has freed."
    )
    assert not any("AM" in text for text in chosen(text))
    assert any("every night" in text for text in chosen(text))


def test_speech_that_greets_and_thanks() -> None:
    middle = "we have built the bridge and it carries two trains at once and the river may rise by four metres " * 9
    pieces = pieces_of(f"good evening everybody {middle}thank you for coming", "en")
    assert pieces[0].why == pieces[-1].why == "formula"
    assert not all(piece.why for piece in pieces)


def test_a_fence_that_is_never_closed_hides_nothing() -> None:
    assert chosen("```\nIt rained all day.\n\nNobody came to the fair.") == [
        "It rained all day.",
        "Nobody came to the fair.",
    ]


def test_targets_of_links() -> None:
    text = "See [#214](https://example.org/a_(b)), ![x](y.png)<https://example.org> and [a [b]](c 'd')."
    assert without_targets(text) == "See #214,  and a [b]."


def test_pieces_are_sentences_where_there_is_no_structure() -> None:
    assert pieces_of("It rained. Nobody came.", "en") == [Piece("It rained. "), Piece("Nobody came.")]
    assert pieces_of("", "en") == []


@pytest.mark.parametrize(
    "unit",
    [
        "\n",
        " \n",
        "](",
        "a.b",
        "[",
        "<a ",
        "| ",
        "*",
        "12:01 ",
        "On 1 a",
        "-- | ",
        "a b: ",
        ":a: ",
        ":a: !\n",
        ":PROPERTIES:\n",
        "#+BEGIN_SRC\n",
        ">>",
        "-- J ",
        ":::",
        "1.2.",
    ],
)
def test_hostile_text_takes_no_longer_than_other_text(unit) -> None:
    """Patterns that try every place from every place would take minutes here."""
    assert len(pieces_of("A heading\n\n" + unit * (100_000 // len(unit)) + "\n\nIt rained all day.", "en")) >= 2


def test_phrases_of_calls_and_pages_take_no_news() -> None:
    said = [
        "On the earnings call, the chief executive forgot that he was not on mute and insulted an analyst.",
        "Two hundred people were in the queue outside the court when the doors were opened.",
        "Grandmother had asked for donations in lieu of flowers, and the hospice received 12,000 dollars.",
        "The firm was never authorised and regulated by the Financial Conduct Authority, the court heard.",
        "Powered by steam, the mill made paper for two towns.",
        "The company's Commission File Number was forged, the regulator said.",
    ]
    text = (
        "# News of the week\n\nOperator Smith sent the first message.\n\n"
        + "\n\n".join(said)
        + "\n\n- Weather\n- Sport"
    )
    assert not [piece for piece in pieces_of(text, "en") if piece.text.strip() in said and piece.why]


def test_mails_between_rules_are_no_digest() -> None:
    own = "Bob, please read both mails below. The bridge must be closed before Friday, says the engineer."
    mail = "From: Ann Wick <ann@example.org>\nDate: Mon, 3 Aug 2026\nSubject: Bridge\n\nThe crack has grown by a hand."
    rule = "\n\n" + "-" * 30 + "\n\n"
    text = f"From: Piet <p@example.org>\nTo: Bob <b@example.org>\nSubject: Bridge\n\n{own}{rule}{mail}{rule}{mail}"
    assert [piece.text.strip() for piece in pieces_of(text, "en") if not piece.why] == [
        "Bob, please read both mails below.",
        "The bridge must be closed before Friday, says the engineer.",
    ]
