"""Marks structure in an e-mail's text: quoted lines, header lines, older messages below, and the signature."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise, takewhile

from bertsum.structure.formulas import is_formula
from bertsum.structure.marks import LineMarks

_ATTRIBUTION = re.compile(
    r"\s*(?:>\s*)*(?:(?:On|Am|Le|El|Il|Op|Em|Den|At|Dnia)\b.{4,240}\b(?:wrote|writes|schrieb|a écrit|escribió"
    r"|ha scritto|schreef|escreveu"
    r"|skrev|napisał)\b.{0,100}|\S.{0,100}\b(?:wrote|schrieb|a écrit|escribió))\s?:\s*$",
    re.DOTALL,
)
_BEGINS_ATTRIBUTION = re.compile(r"\s*(?:On|Am|Le|El|Il|Op|Em|Den|At)\b.*\d")
_OLDER = re.compile(
    r"[-_=*\s>]*(?:original message|forwarded message|begin forwarded message|ursprüngliche nachricht"
    r"|originalnachricht"
    r"|weitergeleitete nachricht|message d'origine|message transféré|mensaje original|mensaje reenviado"
    r"|oorspronkelijk bericht)[-_=*:\s]*$",
    re.IGNORECASE,
)
_FORWARDED = re.compile(r"forwarded|weitergeleitet|transféré|reenviado", re.IGNORECASE)
_RULE, _NUMBER = re.compile(r"-{30}(?:-{40})?$"), re.compile(r"Message: \d+$")  # of a digest's messages
_DIGEST = re.compile(r"\bdigest\b|^today's topics\b", re.IGNORECASE)
_DIGEST_HEADERS = [re.compile(f"^{name}: ", re.MULTILINE) for name in ("From", "Subject", "Date")]
_TRAILER = re.compile(r"$|End of |Subject: Digest Footer", re.IGNORECASE)
_SENT = re.compile(r"@|\b\d{1,2}[:.h]\d\d\b")  # an address or the time of a day
_HEADER = re.compile(
    r"\s*\**(?:from|to|sent|cc|bcc|subject|re|ref|date|reply-to|message-id|mime-version|content-[\w-]+|in-reply-to"
    r"|references"
    r"|received|return-path|x-[\w-]+|importance|priority|attachments?|von|an|gesendet|betreff|datum|de|à|envoyé|objet"
    r"|para|asunto|enviado|fecha|(?-i:[A-Z][A-Za-z]*(?:-[A-Z][A-Za-z]*)+))\**\s?:\**(?:\s|$)",
    re.IGNORECASE,
)
_MEMO = re.compile(r"\W*(?:internal |office )?memo(?:randum)?\b[^.!?]{0,40}$", re.IGNORECASE)
_SENDER = re.compile(r"\s*\**(?:from|von|de)\**\s?:", re.IGNORECASE)
_QUOTED = re.compile(r"\s{0,2}(?:[A-Z]{1,3}|\|)?>")
_NOT_TWICE = re.compile(r"\s{0,2}(?:[A-Z]{1,3}|\|)?>(?!>(?!>))")
_GREETING = re.compile(
    r"\s*(?:(?:hi|hello|dear|hey|greetings|good (?:morning|day|afternoon|evening)|hallo|liebe[rs]?|lieber?"
    r"|sehr geehrte[rs]?"
    r"|guten (?:tag|morgen|abend)|bonjour|cher|chère|chers|hola|estimad[oa]s?|querid[oa]s?|buenos días|beste"
    r"|geachte|olá|prezad[oa]s?|bom dia|boa (?:tarde|noite)|ciao|salve|gentil[ei]|egregi[oa]?|buon(?:giorno|asera)"
    r"|dzień dobry|szanown[aeiy]\w*|merhaba|sayın|kære|kjære|hej|здравствуйте|уважаем\w+|добрый (?:день|вечер)"
    r"|доброе утро|привет|шановн\w+|вітаю)\b"
    r"[^.?!,]{0,40}(?:,[^.?!,]{0,30})?[,!:.]?|to whom it may concern[,:.]?|all,|team,|everyone,"
    r"|(?:尊敬的|亲爱的|親愛的)[^。！？]{1,30}|(?:您|你|大家)好[，,！!。]?|[^。、\n]{1,30}(?:様|各位|御中)|拝啓|前略"
    r"|お世話になっております。?)$",
    re.IGNORECASE,
)
_SIGN_OFF = re.compile(
    r"\s*(?:(?:with |many |all |my )?(?:best|kind(?:est)?|warm(?:est)?|good)?\s?(?:regards|wishes|greetings|love)"
    r"|(?:all the )?best|yours(?: \w+)?|sincerely(?: yours)?|(?:very )?(?:respectfully|truly)(?: yours)?|cheers"
    r"|take care"
    r"|see you(?: \w+)*|talk soon|(?:many )?thanks(?: \w+){0,4}|thank you(?: \w+){0,4}|faithfully|warmly|cordially"
    r"|(?:mit )?(?:freundlichen?|herzlichen?|besten?|vielen?|lieben?|schönen?) grü(?:ß|ss)en?|gru(?:ß|ss)|mfg|lg"
    r"|(?:bien )?cordialement|bien à vous|amicalement|(?:un )?saludos?(?: cordiales)?|atentamente|groeten"
    r"|met vriendelijke groet|atenciosamente|(?:os )?(?:melhores )?cumprimentos|abraços?"
    r"|(?:cordiali|distinti|cari) saluti|z poważaniem|pozdrawiam|saygılarım\w+|sevgiler|(?:med )?ven+lig hilsen"
    r"|(?:med )?vänliga? hälsning(?:ar)?|mvh|с уважением|с наилучшими пожеланиями|всего (?:доброго|хорошего)"
    r"|з повагою|敬具|草々|敬上|此致|祝好|顺祝商祺)"
    r"\s*[,!.–，。-]?$",
    re.IGNORECASE,
)
_SIGNED = re.compile(  # the whole signature: "J", "-- J." or "-- Ann Finch"
    r"\s*(?:(?:--?|[–—/])?\s?[^\W\d_]\.?|--\s?[^\W\d_][\w'’-]*(?: [^\W\d_][\w'’-]*){0,2})$"
)
_AFTERTHOUGHT = re.compile(r"\s*p\.?\s?p?\.?\s?s\b\.?\s?[:.)]?", re.IGNORECASE)
_PROSE = 10  # words: a line with as many that ends as a sentence does is not part of a signature
_LONGEST_SIGNATURE = 14  # lines
_FEWEST_OWN = 6  # words above an older message: with fewer, the older message is summarised
_FEWEST_OWN_ABOVE_FORWARDED = 30  # as many may only say what is forwarded


def mark_digest(marks: LineMarks) -> bool:
    """Marks the messages of a mailing list's digest, and what is around them; returns whether it is one.

    As RFC 1153 has it, a rule of 70 dashes ends the preamble, and a rule of 30 stands behind each message.
    """
    rules = [number for number, line in enumerate(marks.lines) if _RULE.match(line.text)]
    if len(rules) < 2 or not any(_DIGEST.search(line.text) for line in marks.lines[: rules[0]]):
        return False
    messages: list[slice] = []
    for rule, next_rule in pairwise([*rules, len(marks.lines)]):
        begin = next((number for number in range(rule + 1, next_rule) if marks.lines[number].text), rule)
        begin += bool(_NUMBER.match(marks.lines[begin].text))
        headers = "\n".join(each.text for each in takewhile(lambda line: line.text, marks.lines[begin:next_rule]))
        if all(header.search(headers) for header in _DIGEST_HEADERS):
            messages.append(slice(begin, next_rule))
        elif messages and not _TRAILER.match(headers):
            messages[-1] = slice(messages[-1].start, next_rule)  # a rule of the message's own
    inside = {number for part in messages for number in range(*part.indices(len(marks.lines)))}
    marks.set((number for number in range(len(marks.lines)) if messages and number not in inside), "mail header")
    for part in messages:
        of_message = LineMarks(marks.lines[part])
        of_message.whys = marks.whys[part]
        mark_mail(of_message)
        marks.whys[part] = of_message.whys
    return bool(messages)


def mark_mail(marks: LineMarks) -> bool:
    """Marks quoted lines, older messages, headers, greetings and signatures; returns whether it looks like mail."""
    lines = marks.lines
    headers = _mark_first_header(marks)
    older = _mark_older(marks)
    letter = headers or older or _begins_and_ends_as_letter(marks)
    # Where nothing else is of a mail, lines that begin with just two marks are turns of speakers.
    quotes = letter or any(_NOT_TWICE.match(line.text) for line in lines)
    quoted = False
    for number, line in enumerate(lines):
        if not marks.free(number):
            continue
        if (quotes or quoted) and _QUOTED.match(line.text):
            marks.set([number], "quoted")
            quoted = True
            continue
        last = _attribution_end(marks, number)
        if last is None:
            continue
        below = next((each.text for each in lines[last + 1 :] if each.text), "")
        said = "".join(line.text for line in lines[number : last + 1])
        if not (_QUOTED.match(below) or letter or quoted or _SENT.search(said)):
            continue  # a story: "In June 1912 the keeper wrote:"
        marks.set(range(number, last + 1), "quoted")
        quoted = True
        if not _QUOTED.match(below):
            marks.set(range(last + 1, len(lines)), "older message")
    if not (letter or quoted):
        return False
    _mark_greeting(marks)
    _mark_signature(marks, sent=headers or older or quoted)
    _mark_sign_off(marks)
    return True


def _begins_and_ends_as_letter(marks: LineMarks) -> bool:
    """Whether there is a greeting near the beginning, and a sign-off or a signature."""
    written = [line.text for number, line in enumerate(marks.lines) if marks.free(number)]
    signed = any(_SIGN_OFF.match(text) or text == "--" for text in written) or any(map(_SIGNED.match, written[-1:]))
    return signed and any(map(_GREETING.match, written[:8]))


def _mark_first_header(marks: LineMarks) -> bool:
    """Marks the header lines with which a message begins; continued lines are indented."""
    lines = marks.lines
    written = [number for number, line in enumerate(lines) if line.text][:2]
    begin = next((number for number in written if not _MEMO.match(lines[number].text)), None)
    if begin is None:
        return False
    end, count = begin, 0
    while end < len(lines) and (_HEADER.match(lines[end].text) or (count and lines[end].text.startswith((" ", "\t")))):
        count += bool(_HEADER.match(lines[end].text))
        end += 1
    if count < 2 or (end < len(lines) and lines[end].text and count < 3):
        return False
    marks.set(range(begin, end), "mail header")
    return True


def _mark_older(marks: LineMarks) -> bool:
    """Marks everything from an older message on, unless nothing is written above it."""
    lines = marks.lines
    for number, line in enumerate(lines):
        if not marks.free(number):
            continue
        block = [each.text for each in lines[number : number + 3]]
        header = bool(_SENDER.match(line.text)) and sum(bool(_HEADER.match(text)) for text in block) == 3
        if not header and not _OLDER.match(line.text):
            continue
        end = number + (not header)
        while end < len(lines) and (not lines[end].text or _HEADER.match(lines[end].text)):
            end += 1
        above = sum(len(each.text.split()) for place, each in enumerate(lines[:number]) if marks.whys[place] is None)
        marks.set(range(number, end), "mail header")
        if above >= (_FEWEST_OWN_ABOVE_FORWARDED if _FORWARDED.search(line.text) else _FEWEST_OWN):
            marks.set(range(end, len(lines)), "older message")
        return True
    return False


def _attribution_end(marks: LineMarks, number: int) -> int | None:
    """The last line of "On ... wrote:", which may be wrapped."""
    lines = marks.lines
    if _ATTRIBUTION.match(lines[number].text) and ("@" in lines[number].text or re.search(r"\d", lines[number].text)):
        return number
    if not _BEGINS_ATTRIBUTION.match(lines[number].text):
        return None
    for last in range(number + 1, min(number + 3, len(lines))):
        if not lines[last].text:
            return None
        if _ATTRIBUTION.match("\n".join(line.text for line in lines[number : last + 1])):
            return last
    return None


def _mark_greeting(marks: LineMarks) -> None:
    written = [number for number in range(len(marks.lines)) if marks.free(number)]
    for number in written[:6]:
        if _GREETING.match(marks.lines[number].text):
            marks.set([number], "greeting")


def _mark_signature(marks: LineMarks, sent: bool) -> None:
    """Marks what is below "--". Below it, prose is a notice in what was surely ``sent``, and else another post."""
    for number, line in enumerate(marks.lines):
        if marks.free(number) and line.text.strip() in ("--", "—", "-- "):
            below = range(number + 1, len(marks.lines))
            own = takewhile(lambda place: sent or not _begins_prose(marks, place), below)
            rest = [place for place in own if marks.free(place)]
            if len(rest) <= _LONGEST_SIGNATURE and not _divides(marks, number, rest):
                marks.set([number, *rest], "signature")
            return
    last = next((number for number in reversed(range(len(marks.lines))) if marks.free(number)), 0)
    if _SIGNED.match(marks.lines[last].text):
        marks.set([last], "signature")


def _begins_prose(marks: LineMarks, number: int, wrapped: bool = True) -> bool:
    """Whether a paragraph of prose begins with a line, perhaps a ``wrapped`` one; a notice about the mail is none."""
    if number == 0 or marks.lines[number - 1].text:
        return False
    paragraph = [line.text.rstrip() for line in takewhile(lambda line: line.text, marks.lines[number:])]
    return any(
        text.endswith((".", "!", "?")) and len(text.split()) >= _PROSE and not is_formula(text, frozenset({"mail"}))
        for text in ([" ".join(paragraph)] * wrapped + paragraph)
    )


def _divides(marks: LineMarks, number: int, rest: Sequence[int]) -> bool:
    """Whether two dashes stand between two parts of a text: with a blank line and then prose below them."""
    alone = number + 1 < len(marks.lines) and not marks.lines[number + 1].text.strip()
    return alone and any(
        len(marks.lines[place].text.split()) >= _PROSE and marks.lines[place].text.rstrip().endswith((".", "!", "?"))
        for place in rest
    )


def _mark_sign_off(marks: LineMarks) -> None:
    """Marks "Regards" and what is below it, up to an afterthought (P.S.), another letter, or a paragraph of prose."""
    written = [number for number in range(len(marks.lines)) if marks.free(number)]
    for place, number in enumerate(written):
        if not _SIGN_OFF.match(marks.lines[number].text) or len(marks.lines[number].text.split()) > 6:
            continue
        if len(written) - place > _LONGEST_SIGNATURE:
            continue
        for below in written[place:]:
            text = marks.lines[below].text
            if _AFTERTHOUGHT.match(text) or _GREETING.match(text) or _begins_prose(marks, below, below > number):
                return
            marks.set([below], "signature" if below > number else "sign-off")
        return
