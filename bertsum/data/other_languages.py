"""Where sentences end in languages other than English: sentencex, corrected.

sentencex may change the text. So its pieces are matched with the text, and pieces that do not fit are searched for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate

import regex
from sentencex import segment

from bertsum.data.abbreviations import ABBREVIATIONS, ALIKE
from bertsum.data.languages import base_language

# sentencex drops line breaks in texts longer than 10,240 bytes of UTF-8, and takes quadratic time for some scripts. So
# a long text is split in parts of this many characters.
_AT_ONCE = 3_000
_LONGEST = 12_000
_FEW = 3  # sentences: a quoted passage of at most this many stays whole


def sentence_ends(text: str, language: str) -> list[int]:
    """Positions after each sentence and the white space behind it, without the last sentence.

    Args:
        text: Any text without a blank line.
        language: ISO 639-1 code.
    """
    pieces = (part for piece in _pieces(language, text) for part in _unquoted(language, piece))
    corrected = _corrected(pieces, base_language(language), text != text.lower())
    return [*accumulate(map(len, corrected))][:-1]


def _pieces(language: str, text: str) -> Iterator[str]:
    """The splitter's sentences, verbatim; the last two of a part are split again with the text after them."""
    start, size = 0, _AT_ONCE
    clear = _clear_marks(text)
    while len(text) - start > size:
        part = clear[start : start + size]
        pieces = [*_laid(segment(language, part), part, text[start : start + size])][:-2]
        yield from pieces
        if not pieces and size >= _LONGEST:  # no sentence is so long, and the splitter's time is quadratic
            pieces = [text[start : start + size]]
            yield from pieces
        start += sum(map(len, pieces))
        size = _AT_ONCE if pieces else 2 * size  # a sentence may be longer
    yield from _laid(segment(language, clear[start:]), clear[start:], text[start:])


# The splitter takes ” and » for closing marks, but in Swedish and Finnish they open quotations, too, and » in German.
# It does not see that ” closes what „ opens, as in Polish, Hungarian and Romanian. So it gets clearer marks. Marks
# without a partner are hidden from it, and so are the marks in Hebrew abbreviations and before Dutch articles.
_BEFORE, _BEHIND = r"(?<=^|[\s(\[–—-])", r"(?![\p{L}\p{N}])"
_FIRST = r"(?=[\p{L}\p{N}¿¡(])"
_PAIRED = [
    (regex.compile(rf"{_BEFORE}”{_FIRST}([^”„]*)(?<=\S)”{_BEHIND}"), r"“\1”"),
    (regex.compile(rf"{_BEFORE}»{_FIRST}([^«»]*)(?<=\S)[«»]{_BEHIND}"), r"“\1”"),
    (regex.compile("„([^„“”]*)”"), r"“\1”"),
    (regex.compile(rf"{_BEFORE}[”»]{_FIRST}|„(?![^„“”]*“{_BEHIND})"), "-"),
    (regex.compile(r"(?<=^|\s)['’](?=[st] )"), "-"),  # "'t Is stil"
    (regex.compile(r'(?<=\p{Hebrew})"(?=\p{Hebrew}{1,2}(?!\p{L}))'), "-"),
]


def _clear_marks(text: str) -> str:
    """A copy of the same length, in which quotation marks say whether they open or close a quotation."""
    for marks, clear in _PAIRED:
        text = marks.sub(clear, text)
    return text


def _laid(pieces: Iterable[str], seen: str, text: str) -> Iterator[str]:
    """Cuts a text at the ends of the splitter's pieces, even if the splitter left out or changed characters.

    Args:
        pieces: The splitter's pieces.
        seen: What it has split: the text, or a copy of the same length with clearer marks.
        text: The text.
    """
    start = position = 0
    for piece in pieces:
        core = piece.strip()
        begin = seen.find(core, position)
        if not core or begin < 0:
            continue  # it belongs to the next piece that is in the text
        position = begin + len(core)
        while position < len(text) and text[position].isspace():
            position += 1
        yield text[start:position]
        start = position
    if start < len(text):
        yield text[start:]


_QUOTATION = regex.compile('["“”„«»‘’]')
_INNER_END = regex.compile(r"\p{L}{2}[.!?…][\"”»“’]?\s+[\"“„«‘]?\p{Lu}|[。！？।॥۔؟]")


def _unquoted(language: str, piece: str) -> Iterator[str]:
    """Splits a piece again without its quotation marks, if these keep more than :data:`_FEW` sentences together: the
    splitter pairs marks across any distance, even marks that belong to no pair.
    """
    if not _QUOTATION.search(piece) or sum(1 for _ in _INNER_END.finditer(piece)) < _FEW:
        yield piece
        return
    masked = _QUOTATION.sub("-", piece)  # of the same length
    start = 0
    for end in accumulate(map(len, _laid(segment(language, masked), masked, piece))):
        while end < len(piece) and piece[end] in '"”»' and not piece[end + 1 : end + 2].isalnum():
            end += 1  # a closing mark belongs to the sentence before it
        if end > start:
            yield piece[start:end]
        start = max(start, end)


# Mistakes of sentencex 1.0: ends that it misses, and ends that it sees inside a sentence.
# Each rule has a text in tests/test_languages.py.

_OPENING, _CLOSING = "“„«‘「『（(《〈【[", "”»’」』）)》〉】]"
_WORD = regex.compile(r"[\p{L}\p{N}]")
_LAST_WORD = regex.compile(rf"(?:^|[\s\-–—/'\"{regex.escape(_OPENING)}])([\p{{L}}\p{{M}}\p{{N}}.]+)\.$")
# One letter before a full stop is part of a name or of an abbreviation: not a small letter, as in "1987 г.".
_INITIAL = regex.compile(r"(?:^|.*\.)(?:\p{Lu}|(?=[\p{Lo}--\p{Han}])\p{L}\p{M}*)", regex.V1)
_HEBREW_SHORT = regex.compile(r"\p{Hebrew}[\"״]\p{Hebrew}\.$")  # an abbreviation's end is no initial
_CASED_END = regex.compile(r"[\p{Ll}\p{Lu}\p{N}][^\p{L}\p{N}]*$")  # the last letter is from a script with capitals
_GOES_ON_SMALL = regex.compile(r"(?:[–—-] ?)?\p{Ll}(?!\p{Lu})")  # but "iPhone" begins a sentence
_CLOSES = regex.compile(r"[”’」』）)》〉】\]]")
_TITLE = regex.compile(r"[。！？!?…]+[》〉]$")  # "《谁动了我的书？》": a question mark of a title
_NUMBER = regex.compile(r"[(\[]?(?:\d|[IVXLC]+\b|§)")
_ENUMERATOR = regex.compile(r"\s*(?:(?:(?:Abs|Art|Cap|Kap|Ст)\.|§§?)\s)?\d{1,3}[.)]")
_WITHIN_A_WORD = regex.compile(r"\w\.[-ºª°]$|[A-Za-z\p{N}]\.[A-Za-z\p{N}]$")  # of the two pieces together

# Words that are abbreviations, too, and units behind a number end a sentence before a word that begins one.
_GERMAN, _RUSSIAN = (
    "(?:" + "|".join(words.split()) + r")\b(?!\.)"
    for words in (
        "Aber Am An Auf Bei Da Danach Dann Das Der Die Diese Dieser Dieses Doch Ein Eine Er Es Ich Im In Mit Nach Sie"
        " Und"
        " Von Vor Wir",
        "А В Все Вы Где Для Его Если Её Здесь Затем И Из Их К Как Когда Кто Мы На Но Он Она Они Оно От По Поэтому Потом"
        " При С Сейчас Так Также Там Теперь Тогда Только Через Что Эта Эти Это Этот Я",
    )
)
_CAPITALISED = r"(?=[“”„«»\"]?\p{Lu}\p{Ll})"
_CLEAR_ENDS = {
    "da": r"(?:\b(?:i|med|ned|da|sø|sen)|\d kr)\.\s+" + _CAPITALISED,
    "de": rf"\d (?:Min|Mio|Mrd|Sek|Std|Tsd|m)\.\s+(?={_GERMAN})|\bArt\.\s+(?!(?:[IVXLC]+|Nr)\b)(?=\p{{Lu}})"
    r"|(?:\b[12]\d{3}|\d:\d+)\.\s+(?=\d)",
    "es": r"(?:\b(?:no|bien|mar|nos|auto)|\d (?:km|kg|cm|min))\.\s+" + _CAPITALISED,
    "fr": r"\b(?:vol|art)\.\s+"
    + _CAPITALISED
    + r"|\bprof\.\s+(?=(?:Ce|Ces|Cette|Des|Elles?|Et|Ils?|Je|La|Le|Les|Ma|Mais"
    r"|Mes|Mon|Nous|On|Sa|Ses|Son|Tu|Une?|Vous)\b|[CDJLN]['’])",
    "it": r"(?:\b(?:no|so|sa|va|fa|ha|mai|su|me|te|re|via|bar|sol|ore)|\d (?:mq|km|kg|cm|min))\.\s+" + _CAPITALISED,
    "nl": r"(?:\b(?:vol|hand)|\d (?:kg|m|min))\.\s+" + _CAPITALISED,
    "no": r"\b(?:det|i|med|ut|min|sen|art)\.\s+" + _CAPITALISED,
    "ru": r"(?:\d (?:гг?|кг|км|м|см|мин|сек|руб|коп|тыс|млн|млрд)|\b[IVX]+ вв?|\bим)\.\s+(?=" + _RUSSIAN + ")",
    "sv": r"(?:\b(?:hon|det|i|med|ut|min|sen|ens|art)|\d (?:m|maj))\.\s+" + _CAPITALISED,
}

# Ends that sentencex misses: after an ellipsis; before a number without a space; after "|" for a danda; in Khmer.
_END = (
    rf"…[\"'{regex.escape(_CLOSING)}]*\s+(?=\S)|[。！？｡।॥۔؟][{regex.escape(_CLOSING)}]*(?=\d)"
    r"|(?<=(?:^|[。！？!?])\s*[（(][^（()）。！？]{2,80}[。！？][）)])(?=[\p{Han}\p{Hiragana}\p{Katakana}“「])"
    r"|(?<=\p{Devanagari}\s?)\|\s+(?=\S)|[។៕]\s+(?=\S)"
    r"|\b(?:etc|usw|ecc|enz|osv|itd|itp|atd|stb|sqq|т\. ?д|т\. ?п)\.\s+(?=\p{Lu})"
)
_UNSEEN_ENDS = {
    "": regex.compile(_END),
    # "……" also stands for hesitation, after a word or two; abstracts often have a Latin full stop.
    "zh": regex.compile(_END + r"|\p{Han}{4}(?:……|⋯⋯)(?=[\p{Han}“「])|(?<=\p{Han})\.(?=\d)"),
    **{language: regex.compile(f"{_END}|{ends}") for language, ends in _CLEAR_ENDS.items()},
    "de": regex.compile(_END + r"|\p{Ll}{4}(?<!str)\.\s+(?=\d)|" + _CLEAR_ENDS["de"]),
    # Thai has no mark for the end of a sentence: a space tells clauses apart. It also stands around numbers, names of
    # other scripts and abbreviations, and before words such as "and", "or", "but", "which", "in order to", "so".
    "th": regex.compile(
        r"(?<![\s\p{N}\p{Latin}ๆฯ.,:;(])\s+(?![\p{N}\p{Latin}ๆฯ()]|\p{L}{1,4}\.|และ|หรือ|แต่|ซึ่ง|ที่|โดย|เพื่อ|เพราะ|จึง|ว่า|ก็"
        r"|กับ|ของ|ใน|ແລະ|ຫຼື|ແຕ່|ທີ່)(?=\S)"
    ),
}
# A number with a full stop before these is an ordinal, or part of a Korean date. In Turkish it always is, since a verb
# ends the sentence.
_ORDINAL = {
    "de": (
        regex.compile(r"\b\d{1,2}\.$"),
        regex.compile(
            r"(?:Jh|Jahrhundert|Jahrtausend|Weltkrieg|Bundesliga|Liga|Mal|Platz|Etage|Stock|Kapitel|Auflage|Klasse|Senat"
            r"|Lebensjahr|Geburtstag|Jahrestag|Todestag|Spieltag|Runde|Minute|Woche|Quartal|Halbjahr|FC|SC|SV|TSV"
            r"|(?:Januar|Jänner|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember)\b"
            r"|(?:Jan|Feb|Mär|Apr|Jun|Jul|Aug|Sept?|Okt|Nov|Dez)\.|(?:DG|EG|OG|UG|ZG)\b)"
        ),
    ),
    "hu": (regex.compile(r"\b[IVX]+\.$"), regex.compile(r"(?!(?:A|Az|De|Egy|Ez|Ha|Nem|És)\b)")),  # "IV. Béla"
    "ko": (regex.compile(r"\b(?:\d{4}|\d{1,2})\.$"), regex.compile(r"\d{1,2}\.|오전|오후|\([월화수목금토일]\)")),
    "tr": (regex.compile(r"(?<!\b(?:s|sf|md|No|Tel)\. )\b(?:\d{1,3}|[IVX]+)\.$"), regex.compile("")),
}
# So is a number behind an article, if the next word is a noun: "die 3. Zivilkammer".
_ORDINAL_NOUN = {
    "de": regex.compile(
        r"\b(?:[Dd](?:er|ie|as|em|en|es)|im|zu[mr]|eine?[mnrs]?|jede[mnrs]?) \d{1,2}\. (?!(?:D(?:er|ie|as|em|en|es"
        r"|anach|ann|ort|och|abei|afür|amit|araufhin|iese[mnrs]?)|E[rs]|Sie|Wir|Ich|Man|Ein\p{Ll}{0,2}|I[mn]|A[mn]|Auf"
        r"|Nach|Aber|Und|Seit|Bei|Mit|Von|Vor|Zu[mr]?|Für|Wenn|Als|Auch|So|Nun|Jetzt|Später|Heute|Zuvor)\b)\p{Lu}\p{Ll}"
    )
}
_LONG_ORDINAL = {
    "de": regex.compile(
        r"(?<![\d.,])\b\d{3}\. (?:Geburtstag|Jahrestag|Todestag|Hochzeitstag|Jubiläum|Auflage|Ausgabe|Folge|Sitzung"
        r"|Länderspiel|Lauf)"
    )
}
# What belongs to the quotation before it: "と言った", "라고 말했다".
_AFTER_QUOTE = {
    "ar": regex.compile(
        r"\s+(?:(?:ثم|ثمّ|سأل|قال|أجاب|صاح|هتف|ردّ?|أضاف|همس|تساءل)ت?\b"
        r"|(?:[^\s.؟!«»]+ ){0,3}?(?:پرسید|گفت|پوچھا|کہا|سپس)\b)"
    ),
    "he": regex.compile(r"\s+(?:(?:שאל|אמר|ענ|צעק|לחש|הוסיפ?)[הו]?|השיב[הו]?|ואז|ואמר[הו]?)\b"),
    "hi": regex.compile(r"\s*(?:[^\s।?!]+ ){0,4}?(?:पूछा|कहा|बोल[ाेी]|चिल्लाया|चिल्लाई|जवाब दिया)(?=[\s।,])"),
    "ja": regex.compile(
        r"(?:と(?!ころ|ても|もに|にかく|きに|いえば)|って|など|[^。！？「」]{1,12}?(?:聞い|訊い|言っ|尋ね|叫ん|答え|つぶやい))"
    ),
    "ko": regex.compile(
        r"\p{Hangul}|\s+(?:하고|하며|라고|라며|[^.?!\"“”]{1,20}?(?:말했|말하|물었|외쳤|외치|답했|대답|덧붙였|전했|속삭))"
    ),
    "vi": regex.compile(r"\s+(?:\p{Lu}\p{L}* ){1,3}(?:hỏi|nói|kêu|hét|đáp|bảo|la|trả lời|thì thầm)\b"),
    "zh": regex.compile(
        r"(?:(?![没沒无無不])\p{Han}){1,6}?(?:说|說|问|問|道|喊|答|叫)(?=[。，：；！？])|(?:然后|然後|接着|接著|随后|隨後|随即|便|就)"
    ),
}
_QUOTED = regex.compile(r"[”’」』»\"']$")
_THAI_SHORT, _THAI_ENOUGH = 15, 40  # characters: shorter is no clause, longer surely is one


def _corrected(pieces: Iterable[str], language: str, cased: bool) -> Iterator[str]:
    """Corrects the splitter's sentences.

    Args:
        pieces: The splitter's sentences, in order.
        language: Language of the text.
        cased: Whether the text has capitals, so that a small letter shows that a sentence goes on.
    """
    language = ALIKE.get(language, language)
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
    """Cuts a piece at the ends outside quotation marks and brackets."""
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
        language: Language of the text.
        cased: Whether the text has capitals.
        length: Characters of the sentence so far.
    """
    whole = before.rstrip()
    end, space = whole[-80:], before[len(whole) :]
    if not whole or not after.strip() or "\n\n" in space:
        return not after.strip()
    if language == "th":
        if end[-1] in ".!?":  # in Thai a full stop only ends abbreviations
            return end[-1] == "."
        return length < _THAI_ENOUGH or len(after.strip()) < _THAI_SHORT
    if not _WORD.search(after) or not _WORD.search(before) or (not space and _CLOSES.match(after)):
        return "\n" not in space
    if cased and _CASED_END.search(end) and _GOES_ON_SMALL.match(after):
        return "\n" not in space or after[0].islower()
    if language in _AFTER_QUOTE and _QUOTED.search(end):
        if _AFTER_QUOTE[language].match(space + after):
            return True
        if not space:
            return False
    if (length == len(before) and _ENUMERATOR.fullmatch(whole)) or (
        not space and _WITHIN_A_WORD.search(end + after[0])
    ):
        return True
    if after[0] in ",;":
        return True
    clear = _CLEAR_ENDS.get(language)
    if clear and regex.search(clear, f"{end[-20:]} {after[:20]}"):
        return False
    if not space and _TITLE.search(end):
        return True
    if language in _LONG_ORDINAL and _LONG_ORDINAL[language].search(f"{end[-20:]} {after[:20]}"):
        return True
    if language in _ORDINAL and space and _ORDINAL[language][0].search(end):
        if _ORDINAL[language][1].match(after):
            return True
        return language in _ORDINAL_NOUN and bool(_ORDINAL_NOUN[language].search(f"{end[-20:]} {after[:20]}"))
    last = _LAST_WORD.search(end)
    if last is None:
        return False
    anywhere, before_numbers = ABBREVIATIONS.get(language, ((), ()))
    word = last[1]
    street = language == "no" and word[0].isupper() and word.endswith("gt")  # "Storgt. 12"
    return (
        word in anywhere
        or ((street or word in before_numbers) and _NUMBER.match(after) is not None)
        or (_INITIAL.fullmatch(word) is not None and not _HEBREW_SHORT.search(end))
    )
