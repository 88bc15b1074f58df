"""Text to sentences, for any language, keeping every character."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import regex
from sentencex import segment

from bertsum.data.languages import base_language, language_of
from bertsum.errors import BertsumError
from bertsum.text import sanitize

# The splitter takes quadratic time for some scripts, and gets a long text in parts of so many characters.
_AT_ONCE = 20_000


def split_sentences(text: str, language: str = "en") -> list[str]:
    """Splits a text into sentences, verbatim: joined back they are the text, white space between them included.

    Args:
        text: Any text. A blank line always ends a sentence.
        language: ISO 639-1 code, or auto for that of the text; a language that the splitter does not know is split
            like a related one, or English.

    Raises:
        BertsumError: if it is not text.
    """
    if not isinstance(text, str):
        raise BertsumError(f"split_sentences: got {type(text).__name__}, expected text")
    clean = sanitize(text)  # same length, so positions hold in the text itself
    language = language_of(clean, language)
    pieces = _pieces(language, clean)
    if base_language(language) != "en":
        pieces = _corrected(pieces, base_language(language), clean != clean.lower())
    sentences: list[str] = []
    position = 0
    blank = ""  # white space before the first sentence
    for piece in pieces:
        verbatim = text[position : position + len(piece)]
        position += len(piece)
        if not verbatim.strip():  # never a sentence of its own
            if sentences:
                sentences[-1] += verbatim
            else:
                blank += verbatim
        else:
            sentences.append(blank + verbatim)
            blank = ""
    if blank:
        sentences.append(blank)
    return sentences


def _pieces(language: str, text: str) -> Iterator[str]:
    """The splitter's sentences; the last two of a part are split again with what follows them."""
    start, size = 0, _AT_ONCE
    while len(text) - start > size:
        pieces = segment(language, text[start : start + size])[:-2]
        yield from pieces
        start += sum(map(len, pieces))
        size = _AT_ONCE if pieces else 2 * size  # a sentence may be longer
    yield from segment(language, text[start:])


# What the splitter (sentencex 1.0) gets wrong, in other languages than English: sentences it does not see the end of,
# and ends that it sees within a sentence. Each rule is there for a text in tests/test_languages.py.

# Words before a full stop that does not end a sentence; after the bar, those of which this is so before a number only.
_ABBREVIATIONS = {
    language: tuple(frozenset(words.split()) for words in line.split("|"))
    for language, line in {
        "ar": "أ.د ا.د د.م م.د | ص.ب",
        "de": "Bgm Dipl Fa Hrsg Ing Stv iur nat phil rer theol"
        " | Anm Aufl Hausnr Ziff evtl exkl geb gest inkl insb mind zzgl",
        "fr": "Dr Me Mgr Pr | chap",
        "hi": "डॉ डा प्रो पं श्री सुश्री कु कि मी ले | नं रु क्र सं वि.सं ई.सं पू ई.पू",
        "id": "Bpk Brigjen Drg Gg Hj Ir Jend Jl Jln KH Kab Kapt Kec Kel Kol Letjen Mayjen Nn Ny Prov Sdr Sdri Tn Ust"
        " Yth | Gbr No Tgl hal hlm no tgl",
        "mr": "डॉ डा प्रा श्री सौ पं अॅड | क्र रु पृ नं इ.स",
        "ne": "डा प्रा श्री पं | नं रु वि.सं ई.सं",
        "ru": "акад асс бул доц им наб оз пер пл пос просп св ул | гл п рис см ст стр табл",
        "tr": "Alb Apt Arş Av Bkz Blv Bul Cad Doç Dr Ecz Gör Hz Korg Mah Mim Müh Op Prof Sk Sn Sok Tuğg Tğm Uzm Yrd Yzb"
        " bkz Öğr Çev çev | M.Ö M.S No Nr Tel s yy",
        "uk": "акад бул вул доц ім оз пл просп пров св смт | п рис ст стор табл",
        "vi": "BS CN GS Gs KS KTS LS NSND NSƯT PGS TP TS TT TX ThS Ths Tp Ts | tr",
    }.items()
}
_ALIKE = {"az": "tr", "be": "ru", "kk": "ru", "ky": "ru", "ms": "id", "fa": "ar", "ur": "ar", "ps": "ar", "lo": "th"}

_OPENING, _CLOSING = "“„«‘「『（(《〈【[", "”»’」』）)》〉】]"
_WORD = regex.compile(r"[\p{L}\p{N}]")
_LAST_WORD = regex.compile(rf"(?:^|[\s\-–—/'\"{regex.escape(_OPENING)}])([\p{{L}}\p{{M}}\p{{N}}.]+)\.$")
# One letter before a full stop is part of a name or of an abbreviation: not a small letter, as in "1987 г.".
_INITIAL = regex.compile(r"(?:^|.*\.)(?:\p{Lu}|(?=[\p{Lo}--\p{Han}])\p{L}\p{M}*)", regex.V1)
_CASED_END = regex.compile(r"[\p{Ll}\p{Lu}\p{N}][^\p{L}\p{N}]*$")  # the last letter is of a script with capitals
_GOES_ON_SMALL = regex.compile(r"(?:[–—-] ?)?\p{Ll}(?!\p{Lu})")  # but "iPhone" begins a sentence
_CLOSES = regex.compile(r"[”’」』）)》〉】\]]")
_ENUMERATOR = regex.compile(r"\s*\d{1,3}[.)]")
_WITHIN_A_WORD = regex.compile(r"\w\.-$|[A-Za-z0-9]\.[A-Za-z0-9]$")  # of the two pieces together

# Ends that are not seen: after an ellipsis; before a number without a space; after "|" for a danda; in Khmer.
_END = (
    rf"…[\"'{regex.escape(_CLOSING)}]*\s+(?=\S)|[。！？｡।॥۔؟][{regex.escape(_CLOSING)}]*(?=\d)"
    r"|(?<=\p{Devanagari}\s?)\|\s+(?=\S)|[។៕]\s+(?=\S)"
)
_UNSEEN_ENDS = {
    "": regex.compile(_END),
    # "……" also stands for hesitation, after a word or two; abstracts often have a Latin full stop.
    "zh": regex.compile(_END + r"|\p{Han}{4}(?:……|⋯⋯)(?=[\p{Han}“「])|(?<=\p{Han})\.(?=\d)"),
    "de": regex.compile(_END + r"|\p{Ll}{4}(?<!str)\.\s+(?=\d)"),
    # Thai has no mark for the end of a sentence: a space tells clauses apart. It also stands around numbers, names of
    # other scripts and abbreviations, and before words such as "and", "or", "but", "which", "in order to", "so".
    "th": regex.compile(
        r"(?<![\p{N}\p{Latin}ๆฯ.,:;(])\s+(?![\p{N}\p{Latin}ๆฯ()]|\p{L}{1,4}\.|และ|หรือ|แต่|ซึ่ง|ที่|โดย|เพื่อ|เพราะ|จึง|ว่า|ก็"
        r"|กับ|ของ|ใน|ແລະ|ຫຼື|ແຕ່|ທີ່)(?=\S)"
    ),
}
# A number with a full stop before these is an ordinal; everywhere in Turkish, where the verb ends a sentence.
_ORDINAL = {
    "de": (
        regex.compile(r"\b\d{1,2}\.$"),
        regex.compile(
            r"(?:Jahrhundert|Jahrtausend|Weltkrieg|Bundesliga|Liga|Mal|Platz|Etage|Stock|Kapitel|Auflage|Klasse|Senat"
            r"|Lebensjahr|Geburtstag|Jahrestag|Todestag|Spieltag|Runde|Minute|Woche|Quartal|Halbjahr|FC|SC|SV|TSV)"
        ),
    ),
    "tr": (regex.compile(r"\b(?:\d{1,3}|[IVX]+)\.$"), regex.compile("")),
}
# What belongs to the quotation before it: "と言った", "라고 말했다".
_AFTER_QUOTE = {
    "ja": regex.compile(r"(?:と(?!ころ|ても|もに|にかく|きに|いえば)|って|など)"),
    "ko": regex.compile(r"\p{Hangul}"),
}
_QUOTED = regex.compile(r"[”’」』\"']$")
_THAI_SHORT, _THAI_ENOUGH = 15, 40  # characters: what is no clause of its own, and what is surely one


def _corrected(pieces: Iterable[str], language: str, cased: bool) -> Iterator[str]:
    """The splitter's sentences as they should be.

    Args:
        pieces: They, in order.
        language: Their language.
        cased: Whether the text has capitals, so that a small letter tells that a sentence goes on.
    """
    language = _ALIKE.get(language, language)
    ends = _UNSEEN_ENDS.get(language, _UNSEEN_ENDS[""])
    parts: list[str] = []
    length = 0
    for piece in pieces:
        for part in _apart(piece, ends):
            if parts and not _goes_on(parts[-1], part, language, cased, length):
                yield "".join(parts)
                parts, length = [], 0
            parts.append(part)
            length += len(part)
    yield "".join(parts)


def _apart(piece: str, ends: regex.Pattern[str]) -> Iterator[str]:
    """A piece cut at the ends in it that are not inside quotation marks or brackets."""
    start = counted = depth = 0
    opening = _OPENING.replace("“", "") if "„" in piece else _OPENING  # „German“
    closing = _CLOSING + "“" if "„" in piece else _CLOSING
    for end in ends.finditer(piece):
        between = piece[counted : end.end()]
        depth += sum(map(between.count, opening)) - sum(map(between.count, closing))
        counted = end.end()
        if depth <= 0:
            yield piece[start : end.end()]
            start = end.end()
    if start < len(piece):
        yield piece[start:]


def _goes_on(before: str, after: str, language: str, cased: bool, length: int) -> bool:
    """Whether a sentence goes on from one piece to the next.

    Args:
        before: The last piece of the sentence so far.
        after: The next piece.
        language: Their language.
        cased: Whether the text has capitals.
        length: Characters of the sentence so far.
    """
    whole = before.rstrip()
    end, space = whole[-80:], before[len(whole) :]
    if not whole or not after.strip() or "\n\n" in space:
        return not after.strip()
    if language == "th":
        if end[-1] in ".!?":  # a full stop only ever ends an abbreviation
            return end[-1] == "."
        return length < _THAI_ENOUGH or len(after.strip()) < _THAI_SHORT
    if not _WORD.search(after) or not _WORD.search(before) or (not space and _CLOSES.match(after)):
        return "\n" not in space
    if cased and _CASED_END.search(end) and _GOES_ON_SMALL.match(after):
        return "\n" not in space or after[0].islower()
    if language in _AFTER_QUOTE and not space and _QUOTED.search(end):
        return _AFTER_QUOTE[language].match(after) is not None
    if language in _ORDINAL and space and _ORDINAL[language][0].search(end):
        return _ORDINAL[language][1].match(after) is not None
    if _ENUMERATOR.fullmatch(whole) or (not space and _WITHIN_A_WORD.search(end + after[0])):
        return True
    last = _LAST_WORD.search(end)
    if last is None:
        return False
    anywhere, before_numbers = _ABBREVIATIONS.get(language, ((), ()))
    word = last[1]
    return word in anywhere or (word in before_numbers and after[0].isdecimal()) or _INITIAL.fullmatch(word) is not None
