"""Bylines and dates: what a page says of its author and its time, in several languages."""

from __future__ import annotations

import re

from bertsum.text import split_words

_MONTH = (
    r"(?:jan(?:uary|uar)?|feb(?:ruary|ruar)?|mar(?:ch)?|märz|apr(?:il)?|may|mai|june?|juni|july?|juli|aug(?:ust)?"
    r"|sept?(?:ember)?|o[ck]t(?:ober)?|nov(?:ember)?|de[cz](?:ember)?"
    r"|janvier|février|mars|avril|juin|juillet|août|septembre|octobre|novembre|décembre"
    r"|enero|febrero|marzo|abril|mayo|junio|julio|agosto|sep?tiembre|octubre|noviembre|diciembre"
    r"|janeiro|fevereiro|março|maio|junho|julho|setembro|outubro|novembro|dezembro"
    r"|gennaio|febbraio|aprile|maggio|giugno|luglio|settembre|ottobre|dicembre"
    r"|januari|februari|maart|mei|augustus|mars|maj|augusti|marts|desember"
    r"|stycznia|lutego|marca|kwietnia|maja|czerwca|lipca|sierpnia|września|października|listopada|grudnia"
    r"|ledna|února|března|dubna|května|června|července|srpna|září|října|listopadu|prosince"
    r"|január|február|március|április|május|június|július|augusztus|szeptember|október"
    r"|ianuarie|februarie|martie|aprilie|iunie|iulie|septembrie|octombrie|noiembrie|decembrie"
    r"|ocak|şubat|mart|nisan|mayıs|haziran|temmuz|ağustos|eylül|ekim|kasım|aralık"
    r"|ιανουαρίου|φεβρουαρίου|μαρτίου|απριλίου|μαΐου|ιουνίου|ιουλίου|αυγούστου|σεπτεμβρίου|οκτωβρίου|νοεμβρίου|δεκεμβρίου"
    r"|януари|февруари|март|април|май|юни|юли|август|септември|октомври|ноември|декември"
    r"|січня|лютого|березня|квітня|травня|червня|липня|серпня|вересня|жовтня|листопада|грудня"
    r"|января|февраля|марта|апреля|мая|июня|июля|августа|сентября|октября|ноября|декабря)"
)
_DATE = re.compile(
    rf"\b\d{{1,2}}\.?\s+(?:de\s+)?{_MONTH}\b(?:\s+(?:de\s+)?\d{{4}}\b)?|\b{_MONTH}\.?\s+\d{{1,2}}\b|\b{_MONTH}\s+\d{{4}}\b"
    r"|\b\d{1,4}[-/.]\d{1,2}[-/.]\d{2,4}\b|\d{4}[年년] ?\d{1,2}[月월] ?\d{1,2}[日일]",
    re.IGNORECASE,
)
# What stands beside the dates of a page: times, and the words for them.
_STAMP = re.compile(
    rf"{_DATE.pattern}|\b\d{{1,2}}\s?[:.h]\s?\d\d\b|\b\d{{1,2}}[時时]\d{{1,2}}分|\b\d{{1,3}} ?min(?:ut\w+)?\b"
    r"|\b(?:(?:first |last |originally )?(?:published|updated|posted|modified)|reading time|read|[ap]\.?m|gmt|utc"
    r"|[ce]es?t|uhr|stand|veröffentlicht|aktualisiert|publié|mis à jour|lecture|publicado|actualizado|atualizado"
    r"|lectura|leitura|pubblicato|aggiornato|lettura|gepubliceerd|bijgewerkt|опубликовано|обновлено"
    r"|at|on|am|um|le|à|el|em|às|il|alle|ore|op|om|в)\b|来源|更新|公開|配信|発表",
    re.IGNORECASE,
)
_BYLINE = re.compile(
    r"\s*[*_]{0,2}(?:(?:words |text |written |photos? |story |posted )?by|von|par|por|reported by"
    r"|reporting by)\s+[A-Z]",
    re.IGNORECASE,
)
_AUTHOR = re.compile(  # "Автор: Десислава Минкова, 16:42 ч."
    r"\s*(?:author|autor(?:in|ka|e)?|auteure?|forfatter|författare|szerző|yazar|kirjoittaja|penulis|tác giả"
    r"|автор(?:ка)?|текст|συντάκτης|작성자|作者|记者|記者)\s?[:：]\s*\S",
    re.IGNORECASE,
)
_AGO = re.compile(r"\s*\S+ \d{1,2} (?:minute|hour|day)s? ago\b", re.IGNORECASE)  # "ann 8 hours ago"
_MOST_OF_AUTHOR = 14  # words
_MOST_BESIDE_DATES = 6  # words; in Chinese and Japanese, characters


def is_credit(text: str) -> bool:
    """Whether a text begins with "By" and a name."""
    return _BYLINE.match(text) is not None


def names_author(text: str, words: int) -> bool:
    """Whether a text is the word for an author, and hardly more than a name and a date."""
    return words <= _MOST_OF_AUTHOR and _AUTHOR.match(text) is not None


def is_byline(text: str, words: int) -> bool:
    """Whether a text that does not end as a sentence names its author or its date, and hardly more."""
    if not _DATE.search(text):
        return words <= 10 and (is_credit(text) or _AGO.match(text) is not None)
    return words <= 10 or (words <= 40 and len(split_words(_STAMP.sub(" ", text))) <= _MOST_BESIDE_DATES)
