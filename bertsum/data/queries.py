"""Where a document answers a query: places of sentences, or of strings in its text, as records give them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bertsum.data.documents import Document

EVIDENCE_FIELDS = ("relevant", "answers")


@dataclass(frozen=True)
class Evidence:
    """Where a document answers its query.

    Attributes:
        sentences: Places of the sentences that answer it, if the document was given as sentences.
        spans: First character of each answer, and the one after its last, if the document was given as text.
        strings: The words of the answers, if the record has them.
    """

    sentences: tuple[int, ...] = ()
    spans: tuple[tuple[int, int], ...] = ()
    strings: tuple[str, ...] = ()


def evidence_of(record: Mapping[str, Any], text: str | list[str]) -> Evidence | tuple[str, str] | None:
    """The evidence of a record; None if it has none; a reason and a problem if it is wrong.

    Args:
        record: A record with ``relevant`` (places of sentences) or ``answers``: strings; objects with ``text`` and
            ``start`` (or ``answer_start``); or, as in SQuAD, one object with the lists ``text`` and ``answer_start``. A
            start counts characters of the text, or of the sentences joined by spaces. With both, the places tell which
            sentences answer, and the strings only with which words.
        text: Its document.
    """
    relevant, answers = record.get("relevant"), _listed(record.get("answers"))
    if relevant is not None:
        found = _of_places(relevant, text)
    elif answers is not None:
        found = _of_answers(answers, text)
    else:
        return None
    return replace(found, strings=_strings(answers)) if isinstance(found, Evidence) else found


def relevant_sentences(document: Document, sentences: Sequence[str]) -> set[int]:
    """Places of the sentences that answer the document's query.

    Args:
        document: A document with evidence.
        sentences: Its sentences, verbatim pieces of its text in order.
    """
    assert document.evidence is not None
    found = set(document.evidence.sentences)
    if isinstance(document.text, str) and document.evidence.spans:
        for place, span in enumerate(sentence_spans(document.text, sentences)):
            found |= {place for begin, end in document.evidence.spans if span and begin < span[1] and span[0] < end}
    return found


def answering_words(document: Document, sentence: str) -> list[tuple[int, int]]:
    """Where the words of the answers stand in a sentence that answers the document's query.

    Args:
        document: A document with evidence.
        sentence: One of its answering sentences.

    Returns:
        The first character of each place, and the one after its last; none if the sentence has no answer's words.
    """
    assert document.evidence is not None
    found = ((sentence.find(words), len(words)) for words in document.evidence.strings)
    return [(begin, begin + length) for begin, length in found if begin >= 0]


def sentence_spans(text: str, sentences: Sequence[str]) -> list[tuple[int, int] | None]:
    """Where each sentence stands in a text: its first character, and the one after its last.

    White space may differ, as wrapped lines are joined.

    Args:
        text: The document.
        sentences: Its sentences, in order.

    Returns:
        A span for each sentence; None for one without a character, or that the text does not have.
    """
    places = [place for place, character in enumerate(text) if not character.isspace()]
    solid = "".join(text[place] for place in places)
    spans: list[tuple[int, int] | None] = []
    begin = 0
    for sentence in sentences:
        letters = "".join(sentence.split())
        at = solid.find(letters, begin) if letters else -1
        if at < 0:
            spans.append(None)
            continue
        begin = at + len(letters)
        spans.append((places[at], places[begin - 1] + 1))
    return spans


def _of_places(relevant: Any, text: str | list[str]) -> Evidence | tuple[str, str]:
    if isinstance(text, str):
        problem = "field 'relevant' counts sentences, but the document is one text; expected a list of sentences"
        return "bad 'relevant'", problem
    count = len(text)
    if not isinstance(relevant, list) or any(type(place) is not int or not 0 <= place < count for place in relevant):
        expected = f"expected a list of places of sentences, 0 to {count - 1}"
        return "bad 'relevant'", f"field 'relevant': got {relevant!r:.80}, {expected}"
    return Evidence(sentences=tuple(relevant))


def _listed(answers: Any) -> Any:
    """A record's answers as a list of strings or of objects; what is neither stays."""
    if not isinstance(answers, dict):
        return answers
    strings, starts = answers.get("text"), answers.get("answer_start")  # SQuAD
    if isinstance(strings, list) and isinstance(starts, list) and len(strings) == len(starts):
        return [{"text": text, "start": start} for text, start in zip(strings, starts, strict=True)]
    return answers


def _strings(answers: Any) -> tuple[str, ...]:
    """The answers' words, as far as there are any."""
    given = answers if isinstance(answers, list) else []
    texts = [one.get("text") if isinstance(one, dict) else one for one in given]
    return tuple(text for text in texts if isinstance(text, str) and text.strip())


def _of_answers(answers: Any, text: str | list[str]) -> Evidence | tuple[str, str]:
    if not isinstance(answers, list):
        return "bad 'answers'", "field 'answers': expected a list of strings, or of objects with text and start"
    sentences, spans = [], []
    for number, answer in enumerate(answers):
        found = _located(answer if isinstance(answer, dict) else {"text": answer}, text)
        if isinstance(found, str):
            return "bad 'answers'", f"field 'answers' item {number}: {found}"
        if isinstance(found, int):
            sentences.append(found)
        else:
            spans.append(found)
    return Evidence(tuple(sentences), tuple(spans))


def _stands(wanted: str, start: Any, text: str) -> bool:
    return type(start) is int and start >= 0 and text.startswith(wanted, start)


def _located(answer: Mapping[str, Any], text: str | list[str]) -> int | tuple[int, int] | str:
    """The sentence or the characters of an answer, or what is wrong with it."""
    wanted, start = answer.get("text"), answer.get("start")
    start = answer.get("answer_start") if start is None else start
    if not isinstance(wanted, str) or not wanted.strip():
        return f"got {wanted!r:.80}, expected text"
    if isinstance(text, list):
        having = [place for place, sentence in enumerate(text) if wanted in sentence]
        if start is None or len(having) < 2:
            return having[0] if having else f"no sentence has '{wanted:.80}'"
        if _stands(wanted, start, " ".join(text)):
            ends = itertools.accumulate(len(sentence) + 1 for sentence in text)
            return next(place for place, end in enumerate(ends) if start < end)
        return f"{len(having)} sentences have '{wanted:.80}', and it is not at character {start!r:.20} of all, joined"
    if start is None:
        start = text.find(wanted)
        return f"the document does not have '{wanted:.80}'" if start < 0 else (start, start + len(wanted))
    if not _stands(wanted, start, text):
        return f"'{wanted:.80}' does not stand at character {start!r:.20} of the document"
    return start, start + len(wanted)
