"""Where the sentences of an English text end.

A mark (``.``, ``!``, ``?`` or an ellipsis) may end a sentence. Most marks stand between an ordinary word and a capital:
those are ends. At other marks the words around decide. Ends inside a short quotation or bracket do not count.
"""

from __future__ import annotations

import itertools
import re

from bertsum.data.english_words import (
    BEFORE_A_LETTER,
    BOOKS,
    DAYS,
    INNER,
    MONTHS,
    NUMBERED,
    NUMBERED_WORDS,
    OPEN,
    OPEN_NAMES,
    STARTERS,
    TITLES,
    TITLES_IN_ANY_CASE,
    WEEKDAYS,
    WRITERS,
)
from bertsum.data.quotations import outside_pairs
from bertsum.text import word_set

_SPEAKS = (
    "said|says|asked|asks|replied|cried|shouted|answered|added|told|whispered|wondered|exclaimed|yelled|demanded"
    "|screamed|inquired|muttered|murmured|insisted|snapped|repeated|continued|wrote|joked|quipped|thought|wanted|began"
    "|called|cut in|went on|observed|noted|remarked|laughed|sighed|warned|suggested|explained|declared|argued|pleaded"
    "|begged|sobbed|roared|hissed|groaned|interrupted|protested|urged|mused|gasped|growled"
)

_TRAILING = (  # what belongs to the sentence that a mark ends
    r"(?:[\"'”’»)\]}*_`¹²³⁴-⁹†‡]"  # closing quotation marks, brackets, Markdown and footnote marks
    r"|(?:(?<=[a-z]{3}\.)|(?<=[a-z\d]\)\.))\d{1,3}(?:[,–-]\d{1,3})*(?=\s+[A-Z])"
    r"|\[(?:\d+(?:[,–-] ?\d+)*|[a-z]|\^\w{1,20}|(?:note|nb) \d+|citation needed)\](?::\d+)?"  # footnote marks
    r"|~~|</[a-z]{1,6}>"  # marks of Markdown and HTML
    r"|[^\S\r\n]?[:;]-?[()DPp](?![^\s])"  # emoticons
    r"|[^\S\r\n]*[\u2600-\u27bf\U0001f000-\U0001faff\ufe0f\u200d]+)*"  # emoji
)
# A full stop behind five small letters and before a space and a capital is a sure end. All other marks are looked at.
_WIDE = "。．！？｡"  # East Asian marks: always ends
_LONG_ABBREVIATIONS = "(?<!(?:chaps|depts|essrs|paras|pprox|probs|sects|suppl|trans)..)"
_FULL_STOP, _MARK = (
    re.compile(
        rf"{first}(?:(?<=[a-z]{{5}}\.)(?P<sure>[ \n](?=[A-Z])){_LONG_ABBREVIATIONS}"
        rf"|(?P<more>(?: \.){{2,3}}|[.!?…]*)(?P<trailing>{_TRAILING})(?P<space>\s+|(?=[A-Z“\"'(])|(?<=[{_WIDE}])|$))"
    )
    for first in (r"\.", f"[.!?…{_WIDE}]")  # the search for the first is several times as quick
)
_OPENING = "\"'“‘«([{*_`¿¡"
_TOKEN = re.compile(r"[^\s\"“”‘«([{*_`/–—]*$")  # the text before a mark
_NEXT = re.compile(r"[^\s.,;:!?)\]}\"”’]+")
_INITIAL = re.compile(r"[A-Z]\.")
_MEASURED = re.compile(
    r"\d[ -](?:in|ft|yd|lbs?|oz|k?m|[cm]m|k?g|[mcd]?l|min|hrs?|tsp|tbsp)$|\b\d{1,2}[sd]$|\bper cent$"
)
_NAME = re.compile(r"(?<![.!?])\s[a-z]+ [A-Z][a-z]+$")  # "the band Wham! on Monday"
_QUESTION_TITLE = re.compile(  # "the film Who's There? won"
    r"\b(?:film|movie|book|novel|song|hit|album|play|show|musical|series|game|poem|documentary|journal"
    r"|magazine|podcast|blog) "
    r"(?:Who|What|Where|When|Why|How|Which|Whose|Is|Are|Do|Does|Did|Can|Will|Have)(?:['’][a-z]+)?(?: [\w'’]+)+$"
)
_RULES = re.compile(r"(?:R|Reg|Cir|Appx)\. ?[A-Z\d]|\d")  # "Fed. R. Civ. P. 12"
_TWO_UNITS = re.compile(  # "3 ft. 4 in."
    r"\d (?:deg|ft|gal|hr?|lb|min|mo|yd|yr)s?\. \d+(?:[./]\d+)? (?:in|oz|min|sec|lb|pt|day|mo|ft)s?\b"
)
_VERSE = re.compile(
    r"\d{1,3}[a-z]?(?::\d|[.,;)–-]|$| (?:and|or|to|for|in|is|was|says|tells)\b)"
)  # "Ps. 23:4", "Ps. 23 and 24"
_WORK = re.compile(r"(?:[A-Z][a-z]{0,6}\. ?){0,2}\d+(?:[.,–-]\d|,)")  # "Il. 6.146"
_BOOK_NUMBER = re.compile(r"(?:^|\s)[1-3] [A-Z][a-z]+$")  # "1 Cor. 13"
_ZONE = re.compile(r"(?:[A-Z][a-z]+ ){1,2}(?:time|Time)\b")  # "3 p.m. New York time"
_SINGER = re.compile(r"(?:[A-Z0-9][\w.'’&-]*|\)) feat$")  # "Tay Brooks feat. Lil Oz", but "a feat. Engineers"
_ITEM = re.compile(r"[(\[](?:[a-z]|[ivx]{1,4})[)\]]\s+[\"“]?[A-Z]")  # "(b) It is"
_INITIALS = re.compile(r"(?:[A-Za-z]\.)+[A-Za-z]")
_JOINED_INITIALS = re.compile(r"[A-Z][a-z]?\.-[A-Z]")  # "J.-P."
_CITATION = re.compile(r"(?:\[[a-z\d][a-z\d ,–-]{0,20}\]\s*)+(?=[\"“(]?[A-Z]|$)")  # [3], [a], [citation needed]
_ORDINARY = re.compile(r"(?=[a-z]*[aeiouy])[a-z]{3,}|\d[\d.,-]*[a-z]{1,4}")  # a word, "40km"
_NUMBER = re.compile(  # 4, (4), II, A1, A.2, B
    r"[(\[]?(?:\d|[IVXLC]{2,}\b|[A-Z]\d|[A-Z]\.\d|[B-HJ-Z]\b|A(?:[,;)\]]|\s+(?:and|or|to)\b|\.?\s*$))"
)
_GLUED = re.compile(  # "cold.", as of "cold.Nobody"
    r"(?:^|[\s\"“(])([a-z'’-]{2,}|[A-Z][a-z'’-]{2,}|\d[\d,]*%?)[\"”’)]*[.!?]+[\"”’)]*$"
)
_GLUED_ON = re.compile(r"[\"“]?(?:[A-Z][a-z'’]+|[AI])(?=[\s,;:.!?]|$)(?!\.\w)")
_SPEAKER_BEHIND = re.compile(rf"(?!Nobody\b|None\b)(?:[A-Z][\w.'’-]*\s+){{1,3}}(?:{_SPEAKS})\b")
_SPEAKS_BEHIND = re.compile(rf"(?:{_SPEAKS}) (?:[A-Z]|(?:he|she|they|I|we|the)\b)")  # "—Is it late? asked Colm."
_LEADER = re.compile(r"(?:\d{1,4}|[ivxlc]{1,6})[^\S\n]*(?:\n|$)")  # "Preface ...... v"
_LIST_MARK = re.compile(  # "1.", "(a)", "• IV.", "Step 2.", "Art. 3."
    r"\s*(?:#{1,6}\s+)?[•⁃*–—-]?\s*(?:[(\[]?(?:\d{1,3}(?:\.\d{1,2}){0,3}|[A-Za-z]|[IVXLC]{1,5}|[ivxlc]{1,5})"
    r"|(?:[A-Z][a-z]{2,11}|[A-Z]{3,12}|(?:Art|Cl|Reg|Sec)\.|§§?) (?:[IVXLC]{1,4}|\d{1,4}(?:\.\d{1,3}){0,3}))"
    r"[.)\]]+\s*"
)
_LABEL = re.compile(r"([A-Z][A-Z'’-]+)(?: [A-Z]{2,})?\.\s+")  # "HESTER. Who is there?"
_LONGEST_MARK = 20  # characters
_EXCLAIMED = word_set("Yahoo Jeopardy Yum Kahoot Mamma Oklahoma")  # names with an exclamation mark
_BEFORE_SMALL = TITLES_IN_ANY_CASE | NUMBERED | NUMBERED_WORDS - {"art", "no", "rule"} | MONTHS | OPEN | INNER
_DATED = MONTHS | WEEKDAYS
_ABBREVIATIONS = TITLES | TITLES_IN_ANY_CASE | NUMBERED | NUMBERED_WORDS | _DATED | OPEN_NAMES | OPEN
_LISTED = frozenset(map(str.lower, _ABBREVIATIONS | _EXCLAIMED | WRITERS | {"Fed", "feat"}))


def sentence_ends(text: str, language: str = "en") -> list[int]:
    """Positions after each sentence and the white space behind it, without the last sentence.

    Args:
        text: Any text without a blank line.
        language: Code of a variety of English.
    """
    cased, shouted = not text.islower(), text.isupper()
    ends: list[int] = []
    start = 0
    pattern = _FULL_STOP if text.isascii() and "?" not in text and "!" not in text else _MARK
    for mark in pattern.finditer(text):
        end = mark.end()
        if mark.lastgroup != "sure":
            if end == len(text) or not (_is_plain(text, mark, start) or _ends(text, mark, start, cased, shouted)):
                continue
            if text[end] == "[" and mark["space"] and (citation := _CITATION.match(text, end)):
                end = citation.end()  # "It fell. [3] Then"
        ends.append(end)
        start = end
    ends = _without_list_marks(text, _with_list_items(text, ends))
    if not shouted:
        ends = _without_labels(text, ends)
    return outside_pairs(text, ends)


def _without_list_marks(text: str, ends: list[int]) -> list[int]:
    """Leaves out ends after list marks such as "1.", which belong to the next sentence."""
    return [
        end
        for start, end in itertools.pairwise([0, *ends])
        if end - start > _LONGEST_MARK or not _LIST_MARK.fullmatch(text, start, end)
    ]


def _without_labels(text: str, ends: list[int]) -> list[int]:
    """Leaves out ends after words in capitals, if there are several: speakers of a play, headings of an abstract.

    Not if two stand side by side, as in "WORST. MOVIE. EVER."
    """
    labels = {
        end
        for start, end in itertools.pairwise([0, *ends])
        if end - start <= _LONGEST_MARK
        and (label := _LABEL.fullmatch(text, start, end))
        and label[1].lower() not in STARTERS
    }
    beside = any(end in labels and following in labels for end, following in itertools.pairwise(ends))
    return ends if beside or len(labels) < 2 else [end for end in ends if end not in labels]


def _is_plain(text: str, mark: re.Match[str], start: int) -> bool:
    """Whether a mark stands between an ordinary word and a capital, as most do; a quick first check."""
    place, end = mark.span()
    if end - place != 2 or not "A" <= text[end] <= "Z":
        return False
    word = text[max(start, text.rfind(" ", start, place) + 1) : place].lower()
    return len(word) > 1 and word.isalnum() and word not in _LISTED


def _ends(text: str, mark: re.Match[str], start: int, cased: bool, shouted: bool) -> bool:
    """Whether a mark ends a sentence that begins at ``start``."""
    trailing, space = mark["trailing"], mark["space"]
    marks = text[mark.start() : mark.start("trailing")]
    following = text[mark.end() : mark.end() + 60].lstrip(_OPENING)
    before = text[max(start, mark.start() - 40) : mark.start()]
    if not following or following[0] in ",;:.!?)]}”’%":
        return text.startswith("[", mark.end()) and _CITATION.match(text, mark.end()) is not None
    if marks[0] in _WIDE:
        return True
    if not space:
        return _ends_unspaced(before + marks + trailing, text[mark.end() : mark.end() + 60], marks)
    if (marks[0] == "…" or len(marks) > 1) and following[0] in "+=−×·/<>":  # "1 + 2 + ... + n"
        return False
    if len(marks) > 3 and _LEADER.match(following):
        return False
    if before[-1:].isspace() or not before:  # a mark after a space, as in tokenised text
        if marks[0] == "…" or len(marks) > 1:
            return bool(before) and not following[0].islower() and re.match(r"I\b", following) is None
        return bool(before) and following.lstrip(" '\"")[:1].isalnum()
    small = following[0].islower() and not following[1:2].isupper()
    if cased and small and not _ITEM.match(text, mark.end()):
        if text.startswith("[", mark.end()) and _CITATION.match(text, mark.end()):
            return True
        says = marks[-1] in "!?" and text[start] in "—–-" and _SPEAKS_BEHIND.match(following)
        return not (trailing or says) and _ends_before_small(before, marks)
    # "1 lb. plums", in a text without capitals
    if small and _MEASURED.search(before) and (match := _NEXT.match(following)) and match[0] not in STARTERS:
        return False
    if marks[0] in "!?" or marks[-1] in "!?":
        if trailing and _SPEAKER_BEHIND.match(following):
            return False
        return before.rsplit(None, 1)[-1] not in _EXCLAIMED
    if marks[0] == "…" or len(marks) > 1:
        return before[-1:] != "["  # "[...]" stands for what is left out
    if trailing and trailing[0] in ')]}”"»*_`':
        return True
    token = _TOKEN.search(before)
    return _full_stop_ends(token[0] if token else "", before, following, shouted)


def _ends_before_small(before: str, marks: str) -> bool:
    """Whether a mark before a small letter ends a sentence, as in chats.

    It does after an ordinary word; anything else may be an abbreviation.
    """
    last = before.rsplit(None, 1)[-1].lstrip(_OPENING)
    if marks[-1] in "!?":
        return last not in _EXCLAIMED and not _NAME.search(before) and not _QUESTION_TITLE.search(before)
    if marks != "." or _MEASURED.search(before):  # "14 in. wide", "44s. a quarter"
        return False
    if last in ("a", "i"):  # "so do i. then", but "either: i. stay"
        return last == "i" and before.rstrip("i ")[-1:] not in (":", ",")
    return last[-1:] == ")" or (
        (last in STARTERS or _ORDINARY.fullmatch(last) is not None) and last not in _BEFORE_SMALL
    )


def _ends_unspaced(before: str, after: str, marks: str) -> bool:
    """Whether "cold.Nobody" is two sentences: one ordinary word on each side, and no further dots."""
    if marks not in (".", "!", "?"):
        return False
    word, following = _GLUED.search(before), _GLUED_ON.match(after)
    if word is None or following is None:
        return False
    next_word = following[0].lower()
    return word[1][0].islower() or next_word in STARTERS or next_word in TITLES_IN_ANY_CASE


def _full_stop_ends(token: str, before: str, following: str, shouted: bool) -> bool:
    """Whether a full stop after a token and before other words ends a sentence.

    Args:
        token: The text before the full stop, back to white space or an opening mark.
        before: Some text before the full stop.
        following: Some text after the full stop, without opening marks.
        shouted: Whether the text is all in capitals.
    """
    if following[0].isdigit() and _TWO_UNITS.search(f"{before[-9:]}. {following[:12]}"):
        return False
    if token in ("Fed", "Evid") and _RULES.match(following):
        return False
    above = before[: -len(token)].rstrip()
    cited = token in WRITERS or (above.endswith(".") and above[:-1].rpartition(" ")[2] in WRITERS)  # "Hom. Il. 6.146"
    if (cited and _WORK.match(following)) or (token == "feat" and _SINGER.search(before)):
        return False
    if token == "EST" and not shouted:  # the time, not "est."
        return re.match(r"\d{4}\b", following) is None
    if token in BOOKS:
        return not (_VERSE.match(following) or (following[0].isdigit() and _BOOK_NUMBER.search(before)))
    word = token.lower().rstrip("'’")
    match = _NEXT.match(following)
    next_word = match[0].lower().replace("’", "'").split("'")[0] if match else ""
    starter = next_word in STARTERS and not shouted
    if len(token) == 1 and token.isalpha():
        return _letter_ends(token, before, following, starter)
    if _JOINED_INITIALS.fullmatch(token):
        return starter
    if _INITIALS.fullmatch(token):
        return _initials_end(word, before, following, next_word, starter, shouted)
    as_name = word.capitalize() if shouted else token
    if as_name in TITLES or word in TITLES_IN_ANY_CASE:
        above = before[: -len(token)].rstrip()[-1:]  # "on Mill St. The", "John Ott Sr. They", "12 ms. Users"
        return (starter and word in ("st", "sr") and above.isalpha()) or (word == "ms" and above.isdigit())
    numbered = _NUMBER.match(following) is not None
    if word in MONTHS:
        return not following[0].isdigit() and len(before.split()) > 2
    if as_name in WEEKDAYS:
        return not (numbered or next_word[:3] in MONTHS)
    if word in NUMBERED_WORDS:
        return not numbered
    if word in NUMBERED:
        return starter and not numbered
    if word in OPEN or as_name in OPEN_NAMES:
        return starter or word == "etc"
    return not shouted or len(word) > 1


def _letter_ends(letter: str, before: str, following: str, starter: bool) -> bool:
    """Whether a single letter ends a sentence ("plan A. We"), unlike an initial ("A. Kish") or "p. 5"."""
    if letter.islower():
        return starter
    if _INITIAL.match(following):  # "Poe, E. A. wrote"
        return False
    words = before.split()
    previous = words[-2] if len(words) > 1 else ""
    if previous.lower() in BEFORE_A_LETTER:
        return True
    return starter and (previous.islower() or not following.startswith(("A ", "I ")))


def _initials_end(word: str, before: str, following: str, next_word: str, starter: bool, shouted: bool) -> bool:
    """Whether an abbreviation with inner full stops ends a sentence: "in the U.S. It", not "the U.S. Navy"."""
    if word in ("e.g", "i.e", "c.f", "v.s", "n.b"):
        return False
    if word in ("a.m", "p.m"):
        few_words_before = len(before.split()) <= 3 and len(before) < 40 and before[:1].isupper()
        zone = next_word in DAYS or _ZONE.match(following) is not None
        return not (few_words_before or zone or shouted or following[0].isdigit())
    return starter or next_word in ("dr", "mr", "mrs", "ms")  # but "U.S. Sen. Hill"


_FIRST_ITEM = re.compile(
    r"\s*(?:(?P<number>\d{1,2})|(?P<letter>[a-z])|(?P<bullet>[•⁃]))(?P<close>\.\)|\)|\.|)(?=\s|[\d])"
)


def _with_list_items(text: str, ends: list[int]) -> list[int]:
    """Adds ends before "2)", "3)" ... in a text that begins with "1)", since items may have no full stop."""
    first = _FIRST_ITEM.match(text)
    if first is None or bool(first["close"]) == bool(first["bullet"]):
        return ends
    begins, position, mark = set(ends), first.end(), first["number"] or first["letter"] or first["bullet"]
    while True:
        mark = str(int(mark) + 1) if first["number"] else chr(ord(mark) + 1) if first["letter"] else mark
        item = re.compile(rf"(?<=\s){re.escape(mark + first['close'])}(?=\s|[\d])").search(text, position)
        if item is None:
            return sorted(begins)
        begins.add(item.start())
        position = item.end()
