"""Finds out by its form what a unit of a text is; a unit is a paragraph, a single line, a list item or a turn."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bertsum.structure.bylines import is_byline, names_author
from bertsum.text import split_words

_ENDED = re.compile(
    r"[.!?…。！？।॥۔؟።։][\"'”’»)\]}*_`」』）]*"
    r"(?:\[(?:[\d, -]+|\^\w+|[a-z]|(?:note|nb) \d+|citation needed)\]|[¹²³⁰-⁹*†‡]| ?\([^()]{1,60}\)\.?"
    r"|\{\{[^{}]{1,80}\}\}|<ref[^<>]{0,80}(?:/>|>[^<>]{0,300}</ref>))*[^\w.!?;:,]*$"
)
_FOOTNOTED = re.compile(r"(?:\S+\s+){9}\S*[^\W\d_]{4}[.!?]\d{1,3}$")  # a sentence with a footnote's number
_ITEM = re.compile(
    r"\s*(?:[•‣▪◦●○■□▢·⁃*+–—➢►✓✔-]\s+(?:\[[ xX]\]\s+)?|(?:\d{1,3}|[a-zA-Z]|[ivx]{1,5})[.)]\s+|[(\[](?:\d{1,3}"
    r"|[a-zA-Z]|[ivxIVX]{1,5})[)\]]\s+"
    r"|\d{1,3}(?:\.\d{1,3})+\.?\s+|・)"
)
_NOTE = re.compile(r"\[[^\[\]]{1,300}\]$")  # by an editor
_TASK = re.compile(r"\s*[-*+]\s+\[[ xX]\]\s")  # a box to tick off
_SENTENCE_WITHIN = re.compile(r"(?:\S+\s+){11,40}?(?:\S*[^\W\d_]{4}|[a-z]{2,3}(?<!\bvs)(?<!\bno)(?<!\betc))[.!]\s")
_NUMBERED = re.compile(
    r"\s*(?:(?:section|sec|article|art|chapter|part|clause|§)\.?\s*)?(?:\d{1,3}(?:\.\d{1,3}){0,3}|[IVX]{1,5}"
    r"|[A-Z](?=[.)]))[.):]?\s+(?=\S)",
    re.IGNORECASE,
)
_TURN = re.compile(
    r"\s*(?:[(\[]?(?:\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}[,T]?\s*)?\d{1,2}[:.]\d\d(?:[:.]\d\d)?(?:\s?[ap]\.?m\.?)?[)\]]?[\s,–-]+)?"
    r"(?:<[^<>\n]{1,30}>\s*|[^\W\d_][\w.'’()-]*(?: (?:\(?[^\W\d_]|\(\d)[\w.'’()-]*){0,2} ?[:：]\s*)",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"\s*[(\[]?(?:\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}[,T]?\s*)?\d{1,2}[:.]\d\d(?:[:.]\d\d)?(?:\s?[ap]\.?m\.?)?[)\]]?[\s,–-]+\S",
    re.IGNORECASE,
)
_NOTICE = re.compile(
    r"\b(?:has |have )?(?:joined|left|quit|entered|was (?:added|removed|kicked)|disconnected|connected"
    r"|is now known as|created (?:the )?(?:group|channel|room)"
    r"|(?:changed|set) (?:the|this|their|his|her) |added \S+|removed \S+|pinned a message|started a (?:call"
    r"|meeting)|ended the (?:call|meeting)|missed (?:voice|video) call"
    r"|hat (?:das gruppenbild|den betreff|\S+ hinzugefügt|die gruppe)|(?:ha cambiado|cambió) (?:el|la|los)"
    r"|a (?:changé|ajouté|quitté|rejoint)|(?:se unió|salió) )\b"
    r"|^(?:\W*\d{1,2}[:.]\d\d(?:[:.]\d\d)?)?\W*?(?:\*{2,3}|-->|<--|-!-|---)\s",
    re.IGNORECASE,
)
_SERVICE = re.compile(
    r"media omitted|message (?:was )?deleted|deleted this message|end-to-end encrypted|image omitted|^<[^<>]*>$"
    r"|ende-zu-ende-verschlüsselt|cifrado de extremo a extremo|chiffrés? de bout en bout|crittografat[ie] end-to-end"
    r"|medien ausgeschlossen|multimedia omitido|médias omis|nachricht (?:wurde )?gelöscht|撤回了一条消息"
    r"|you're now an admin|security code with|tap to learn more",
    re.IGNORECASE,
)
_ASKED, _ANSWER = (
    re.compile(rf"\s*[*_]{{0,2}}(?:{words})\s*\d*\s*[.:)]", re.IGNORECASE)
    for words in ("q(?:uestion)?|frage|f", "a(?:nswer)?|antwort|réponse|respuesta|risposta|antwoord")
)
_CONTACT = re.compile(
    r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]+\.\w|\bhttps?://|\bwww\.\w|(?:\b(?:tel|phone|fax|mobile|telefon"
    r"|ph|tél|teléfono|telefono|тел|моб|факс)\b\.?\s*:?\s*[+(]?\d)|(?:電話|电话|傳真|传真)\s*[:：]?\s*[+(]?\d"
    r"|\+\d[\d ()/-]{7,}|:\s*(?:[^\W\d]+\.?\s)?0\d{1,4}[ /-]\d{3}[\d -]{2,}",
    re.IGNORECASE,
)
_ADDRESS = re.compile(
    r"\b(?:p\.?\s?o\.?\s?box|\d{1,4} [A-Z][\w'’-]+(?: [A-Z][\w'’-]+)? (?:street|st|road|rd|lane|avenue|ave|square"
    r"|quay|way|drive)\b|(?-i:[A-Z]\w*(?:straße|strasse|weg|platz|gasse|allee|damm|ufer)) \d)",
    re.IGNORECASE,
)
_SEPARATORS = re.compile(r"\s[·•»›/–]\s|\s*[|｜＞]\s*|\u3000+")
_LABEL = re.compile(
    r"\s*(?:[-*+]\s+)?[*_]{0,2}[^\W\d_][\w'’&/().-]*(?: [\w'’&/().-]+){0,4}\s?[*_]{0,2}[:：][*_]{0,2}(?:\s+|$)"
)
# What a line holds that is about the page.
_FIELDS = re.compile(r"(?:^|(?<=\s))[^\W\d_][\w ]{0,14}?(?<=[^\W\d_])[:：]\s*[^\s:：]")
_OPEN_END = re.compile(r"(?:[:：;,]|--|[–—]|;\s*(?:and|or|und|oder)|,\s*(?:and|or))[\"'”’»*_]*\s*$", re.IGNORECASE)
_FOLLOWS = re.compile(
    r"(?:\bas follows|\b(?:are|is) the following|\bthese (?:are|include))\s*[.:]\s*$|[:：][*_]{0,2}\s*$", re.IGNORECASE
)
_CAPTION = re.compile(
    r"\s*[*_]{0,2}(?:fig(?:ure|\.)?|tab(?:le|\.)?|photo(?:graph)?|picture|image|listing|chart|abbildung|abb\."
    r"|tabelle|foto|bild|图|表)\s*(?:\d+[a-z]?\s*[:.|–-]|:)\s*",
    re.IGNORECASE,
)
_PHOTO = re.compile(
    r"\s*【(?:写真|画像|図|動画|地図)|\s*[(\[]?(?:photo(?:graph)?s?|pictures?|image|foto|credit|source|quelle)\s*(?:by\b"
    r"(?!(?:\s+[\w.'’-]+){1,5}\s+(?:shows?|showed|reveal|suggest|depict|captured?|document|indicate|prove"
    r"|appear|are|is|was|were|ha[ds]|have)(?:s|ed)?\b)|:|©|/|credit)",  # a sentence about photographs
    re.IGNORECASE,
)
_REFERENCE = re.compile(r"\s*\[\d{1,3}\]\s+[A-Z].*\b(?:19|20)\d\d\b|\s*\[\^[^\]]+\]:\s", re.DOTALL)
_QUANTITY = re.compile(
    r"\s*(?:[-*+•]\s+)?(?:\d+(?:[.,/]\d+)?(?:\s?[-–]\s?\d+)?(?:\s?[½⅓⅔¼¾])?|[½⅓⅔¼¾]|an?|one|two|three"
    r"|half)\s*(?:(?:level|heaped|large|small)\s+)?"
    r"(?:g|kg|mg|ml|cl|dl|l|lbs?|oz|cups?|tsps?|tbsps?|teaspoons?|tablespoons?|pinch(?:es)?|cloves?|slices?"
    r"|sticks?|cans?|tins?|bunch(?:es)?|handfuls?|packets?|el|tl|prisen?|stück|inch(?:es)?|cm|mm)\b\.?\s",
    re.IGNORECASE,
)
_COMPONENTS = re.compile(r"\W*(?:\d+(?: [×x] \d+)? [^,.;:\d]{2,30}(?:, (?=\d)|$)){2,}$")  # "60 cubes, 24 tiles"
_POINTER = re.compile(
    r"^\W*(?:see|read|visit|go to|check|look at|refer to|have a look|(?:full |more |further )?(?:details"
    r"|documentation|information|docs)\b|for (?:more|further|full|details)|siehe|more at|available at|download)\b",
    re.IGNORECASE,
)
_PHOTO_BEHIND = re.compile(r"[.!] (?:photos?|pictures?|foto)(?: by| courtesy of|:) [^.!?]{1,40}[.!]?$", re.IGNORECASE)
_BRACKETS = re.compile(r"\W*(?:\([^()]{1,40}\)|\[[^\[\]]{1,40}\])\W*$|\W*thanks,? (?:to )?@\S+\W*$", re.IGNORECASE)
_INLINE_CODE = re.compile(r"`[^`]+`")
_SYNOPSIS = re.compile(  # "usage: tool [-hq] [-o FILE]"
    r"\s*(?:[Uu]sage: )?[\w./-]+(?: [\w-]+)?\s+\[-{1,2}[A-Za-z][^\[\]\n]{0,30}\](?:\s*(?:[\[|<{]|[A-Z]{2,}\b)|\s*$)"
)
_RATING = re.compile(
    r"(?:\W|^)\d(?:[.,]\d)? (?:out of|of|von|su|sur|de|van de) 5 "
    r"(?:stars?|sternen?|stelle|étoiles|estrellas|estrelas|sterren)\b",
    re.IGNORECASE,
)
_QUESTION = re.compile(r"[?？][\"'”’»)*_]*\s*$")
_FORM_QUESTION = re.compile(
    r"\s*\d{1,3}(?:[.):]\s+|\s+(?=(?:(?:to|in|on|for|at) )?(?:what|who|whom|whose|when|where|which|why|how|do|does|did"
    r"|are|is|have|has|can|could|would|will|should|if|please)\b))[^.!?\n]{5,200}\?(?=\s|$)",
    re.IGNORECASE,
)
_AGENDA = re.compile(r"\s*(?:top|tagesordnungspunkt|item|point|punkt)\s+\d{1,2}\s*[:.–-]\s", re.IGNORECASE)
_OPENING_QUOTES = '"“„«‘'
_INNER_END = re.compile(r"[.!?。！？]\s")
_LETTER = re.compile(r"[^\W\d_]")
_ATX = re.compile(r"\s*(?:\*\*|__).{1,100}(?:\*\*|__)\s*:?$")
INTRODUCTION, PART = "introduction of a list", "part of a sentence"
_LONGEST_HEADING = 20  # words
_LONGEST_NUMBERED, _LONGEST_QUESTION = 12, 25
_LONGEST_CREDIT = 15  # of a photograph, in several sentences
_FEWEST_FIELDS = 3  # in a line of them
_LONGEST_FIELD = 5  # words after a label: with more, it may be a sentence
_FEWEST = 6  # words of a list item without a full stop, or of a turn
_FEWEST_BEFORE_LINK = 8  # words of a list item that ends with a link: with fewer, it is a link


def is_item(text: str) -> bool:
    """Whether a text begins with the mark of a list item."""
    return _ITEM.match(text) is not None


def is_of_form(text: str) -> bool:
    """Whether a text begins with a question that has a number."""
    return _FORM_QUESTION.match(text) is not None


def is_ended(text: str) -> bool:
    """Whether a text ends as a sentence does."""
    return any(pattern.search(text, max(0, len(text) - 120)) for pattern in (_ENDED, _FOOTNOTED))


@dataclass(frozen=True)
class Unit:
    """A unit and its place.

    Attributes:
        start: Where it begins in the text.
        end: Where it ends, with the white space behind it.
        text: Its text, without white space around it.
        alone: Whether no other unit is in its paragraph.
        last: Whether it is the last of several in its paragraph.
    """

    start: int
    end: int
    text: str
    alone: bool
    last: bool = False

    @property
    def ended(self) -> bool:
        """Whether it ends as a sentence does."""
        return is_ended(self.text)

    @property
    def words(self) -> int:
        """Number of its words."""
        return len(split_words(self.text[:2_000]))

    @property
    def is_item(self) -> bool:
        """Whether it has the mark of a list item."""
        return is_item(self.text)

    @property
    def has_inner_end(self) -> bool:
        """Whether a sentence ends inside it."""
        return _INNER_END.search(self.text) is not None

    @property
    def asks(self) -> bool:
        """Whether it is a question that stands alone, or begins with one that has a number, as in a form."""
        alone = self.alone and self.words <= _LONGEST_QUESTION and _QUESTION.search(self.text) is not None
        return alone or is_of_form(self.text)

    @property
    def ends_list(self) -> bool:
        """Whether it is an item in small letters and one sentence, as is the last part of a sentence in a list."""
        mark = _ITEM.match(self.text)
        said = self.text[mark.end() :] if mark and self.ended else ""
        return said[:1].islower() and not _INNER_END.search(said)


@dataclass(frozen=True)
class Around:
    """What the rest of a text tells about its units.

    Attributes:
        chat: Whether most lines are turns of a conversation.
        prose: Whether most words are in units that end as sentences do, or some are and no others are in long lines. A
            unit without such an end is then no sentence.
        fields: Whether several units are a label and a few words. Such units with a full stop are then fields, too.
        questions: Whether several questions stand above their answers.
    """

    chat: bool
    prose: bool
    fields: bool
    questions: bool


def around(units: list[Unit]) -> Around:
    """Collects what the units of a text tell together."""
    turns = sum(is_turn(unit.text) for unit in units)
    times = sum(bool(_TIME.match(unit.text)) for unit in units)
    ended = sum(unit.words for unit in units if unit.ended and not unit.is_item)
    items = sum(unit.words for unit in units if unit.is_item and unit.words >= _FEWEST)
    every = sum(unit.words for unit in units)
    chat = (
        len(units) >= 4
        and 5 * turns > 3 * len(units)
        and (2 * times > len(units) or speakers_recur([unit.text for unit in units]))
    )
    fields = sum((label := _LABEL.match(unit.text)) is not None and label.end() < len(unit.text) for unit in units)
    questions = sum(unit.asks for unit in units)
    # Headings and menus are short. Where lines without an end are long, they may be all the prose there is.
    long = sum(unit.words for unit in units if not (unit.ended or unit.is_item) and unit.words > _LONGEST_NUMBERED)
    prose = 2 * (ended + items) >= every or (6 * ended >= every and ended >= long + _FEWEST)
    return Around(chat, prose, fields=fields >= 2, questions=questions >= max(2, len(units) / 6))


def speakers_recur(texts: list[str]) -> bool:
    """Whether names before a colon are repeated, as speakers are and labels of fields are not."""
    names = [match[0].strip() for text in texts if (match := _TURN.match(text))]
    labels = {name.strip("*_:. 0123456789").lower() for name in names}
    if labels <= {"q", "a", "question", "answer", "f", "frage", "antwort"} or labels >= {"author", "date"}:
        return False
    return len(names) >= 4 and 3 * len(set(names)) <= 2 * len(names)


def why_no_sentence(unit: Unit, below: Unit | None, place: Around) -> str | None:
    """The kind of a unit that is no sentence to choose, such as ``heading``; None for sentences.

    Args:
        unit: The unit.
        below: The unit after it.
        place: What the rest of the text tells.
    """
    text, words = unit.text, unit.words
    if place.chat:
        return "note" if _NOTE.match(text) else _why_no_turn(unit)
    if not _LETTER.search(text):
        return "number" if any(map(str.isdigit, text)) else "rule"
    if _CAPTION.match(text) or (_PHOTO.match(text) and (words <= _LONGEST_CREDIT or not unit.has_inner_end)):
        return "caption"
    if words <= _LONGEST_CREDIT and _PHOTO_BEHIND.search(text):
        return "caption"
    if _REFERENCE.match(text):
        return "reference"
    if names_author(text, words):
        return "byline or date"
    if _TASK.match(text):
        return "task"
    if _NOTE.match(text):
        return "note"
    if _SYNOPSIS.match(text):
        return "code"
    rated = _RATING.search(text)
    if rated and words <= (2 * _LONGEST_CREDIT if rated.start() == 0 and not unit.ended else _LONGEST_CREDIT):
        return "rating"
    if _is_navigation(unit):
        return "navigation"
    contact = _CONTACT.search(text)
    said = text[: contact.start()] if contact and contact[0].startswith("http") else ""
    says = _SENTENCE_WITHIN.match(said) or (unit.is_item and len(said.split()) >= _FEWEST_BEFORE_LINK)
    if contact and (words <= 8 or not unit.ended) and not says:
        return "contact"
    if _ADDRESS.search(text) and not unit.ended:
        return "contact"
    if _ASKED.match(text) and _QUESTION.search(text):
        return "question"
    if place.questions and unit.asks and _QUESTION.search(text):
        return "question"
    if (_QUANTITY.match(text) or _COMPONENTS.match(text)) and not unit.ended and words <= 15:
        return "quantity"
    if _is_in_capitals(text) and words <= _LONGEST_HEADING and not (unit.ended and words >= _FEWEST):
        label = _LABEL.match(text)
        return "field" if label and label.end() < len(text) else "heading"
    return _why_incomplete(unit, below, place)


def _is_navigation(unit: Unit) -> bool:
    """Whether a unit is a bar of short parts, such as a menu."""
    parts = [part for part in _SEPARATORS.split(unit.text) if part.strip()]
    return len(parts) >= 3 and all(len(part.split()) <= 8 for part in parts) and (not unit.ended or "|" in unit.text)


def is_turn(text: str) -> bool:
    """Whether a text begins with a speaker or a time."""
    return _TURN.match(text) is not None or _TIME.match(text) is not None


def _why_no_turn(unit: Unit) -> str | None:
    match = _TURN.match(unit.text)
    if not match and _is_navigation(unit):
        return "navigation"
    if not unit.ended and len(_FIELDS.findall(unit.text)) >= _FEWEST_FIELDS:
        return "field"
    said = unit.text[match.end() :] if match else unit.text
    brief = not unit.ended or unit.words <= _FEWEST
    if not match and (_SERVICE.search(unit.text) or (_NOTICE.search(unit.text) and brief)):
        return "notice"
    if match and unit.words < 14 and _SERVICE.search(said.strip()):
        return "notice"
    if len(split_words(said)) < _FEWEST:
        return "short turn"
    return "question" if _QUESTION.search(said) and not _INNER_END.search(said) else None


def _why_incomplete(unit: Unit, below: Unit | None, place: Around) -> str | None:
    """The kind of a unit that does not end as a sentence does."""
    text, words = unit.text, unit.words
    if _FOLLOWS.search(text) and words <= 60:
        return "heading" if words <= 4 else INTRODUCTION
    if _AGENDA.match(text) and words <= _LONGEST_NUMBERED:
        return "heading"
    label = _LABEL.match(text)
    if (
        label
        and label.end() < len(text)
        and not (_INNER_END.search(label[0]) or _ANSWER.match(text))
        and not (text[label.end()] in _OPENING_QUOTES and words > _FEWEST)
    ):
        value = text[label.end() :]
        short = len(split_words(value)) < _LONGEST_FIELD and (place.fields or not unit.ended)
        if short or (not unit.ended and not unit.is_item and words <= 40):
            return "field"
    if unit.ended:
        return None
    if words <= 40 and _FIELDS.match(text) and len(_FIELDS.findall(text)) >= _FEWEST_FIELDS:
        return "field"
    if _OPEN_END.search(text) and words <= 60:
        return PART
    if is_byline(text, words):
        return "byline or date"
    if _ATX.match(text):
        return "heading"
    if (
        _NUMBERED.match(text)
        and words <= _LONGEST_NUMBERED
        and not (below and _NUMBERED.match(below.text) and not below.ended and not unit.alone)
    ):
        return "heading"
    if unit.is_item:
        return "short list item" if words <= _FEWEST or _is_figures(text) else None
    heads = (place.prose or (below is not None and below.is_item)) and not _SENTENCE_WITHIN.match(text)
    return "heading" if heads and words <= _LONGEST_HEADING else None


def _is_figures(text: str) -> bool:
    """Whether most words of an item are numbers, and letters of units."""
    label = _LABEL.match(text)
    said = text[label.end() :].split() if label else text.split()[1:]
    figures = sum(any(map(str.isdigit, word)) or (len(word) == 1 and word.isalpha()) for word in said)
    return len(said) >= _FEWEST and 2 * figures >= len(said)


def _is_in_capitals(text: str) -> bool:
    letters = [character for character in text if character.isalpha()]
    capitals = sum(character.isupper() for character in letters)
    return len(letters) >= 4 and capitals >= 0.85 * len(letters)


def why_not_chosen(sentence: str) -> str | None:
    """The kind of a sentence that only points elsewhere or introduces a list; None for other sentences."""
    if _FOLLOWS.search(sentence):
        return INTRODUCTION
    code = sum(map(len, _INLINE_CODE.findall(sentence)))
    if code and 5 * code > 2 * len(sentence):
        return "code"
    if _BRACKETS.match(sentence):
        return "note"
    linked = "](" in sentence or _CONTACT.search(sentence) is not None
    if linked and (_POINTER.search(sentence) or len(split_words(sentence)) <= 8):
        return "link"
    return None
