"""Shows how much the words and sentences of a document changed the score of one sentence, in HTML and on a terminal.

Words are shaded. Raising and lowering have two colours and two kinds of line, and each sentence has a number with a
sign, so that no fact is shown by colour alone. Colours are translucent, for light and dark pages.
Several sentences of one document make one page without scripts: a click on a sentence shows its explanation.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from bertsum.pages.report import template
from bertsum.pages.shading import CHOSEN, STYLE, left_out, places_shown
from bertsum.text import one_line

EXPLAINED, DECISIVE = "▶", "◆"
# A page with several documents has this and shading's STYLE once in its head, and uses ``style=False`` for each.
EXPLAINED_STYLE = """
.bertsum-explained > input { position: absolute; opacity: 0; pointer-events: none; }
.bertsum-explained .bertsum-view { display: none; }
.bertsum-explained .bertsum-view:only-child { display: block; }
.bertsum-explained label { cursor: pointer; }
.bertsum-view b label, .bertsum-view p label { text-decoration: underline; text-underline-offset: .25em; }
.bertsum-explained > input:focus-visible ~ .bertsum-views { outline: 2px solid; outline-offset: .3em; }
.bertsum-view { max-width: 75em; overflow-wrap: anywhere; line-height: 1.6; }
.bertsum-view > p { margin: .4em 0; }
.bertsum-view ol { list-style: none; margin: .6em 0; padding: 0; }
.bertsum-view li { display: grid; grid-template-columns: 6.5em minmax(0, 1fr); gap: 0 .8em; padding: .15em 0; }
.bertsum-view li > b { align-self: start; font-size: .75em; line-height: 2.1; text-align: right; white-space: nowrap;
  padding: 0 .4em;
  font-variant-numeric: tabular-nums; border-radius: .2em; user-select: none; -webkit-user-select: none; }
@media (max-width: 30rem) { .bertsum-view li { grid-template-columns: minmax(0, 1fr); }
  .bertsum-view li > b { justify-self: start; } }
.bertsum-view li > span { unicode-bidi: plaintext; }
.bertsum-view .bertsum-this { font-weight: 600; outline: 2px solid; outline-offset: .1em; border-radius: .2em; }
.bertsum-view .bertsum-unread { opacity: .6; font-style: italic; }
.bertsum-view i.up, .bertsum-view i.down { font-style: inherit; border-radius: .2em; padding: .1em 0; }
.bertsum-view i.up { border-bottom: 2px solid rgb(217,119,6); }
.bertsum-view i.down { border-bottom: 2px dotted rgb(59,130,246); }
""".strip()

_UP, _DOWN = "245,158,11", "59,130,246"
_OPAQUE = 0.5  # opacity of the strongest shade: black and white text can both be read on it
_LEAST = 0.06  # of the largest value: smaller ones are not shaded
_MOST_SENTENCES = 120  # shown of a document, on a page of several
_LISTED = 8  # words listed below a document, for those that raised the score and for those that lowered it
# Backgrounds of a terminal's 256 colours from pale to strong, for black text.
_UP_RAMP, _DOWN_RAMP = (230, 222, 215, 208), (195, 153, 117, 75)


@dataclass(frozen=True)
class Shown:
    """The values of an explanation that are drawn.

    Attributes:
        sentence: The explained sentence's place in the document; of a written one, in the summary.
        text: The explained sentence.
        is_written: Whether the model has written the sentence; else it is one of the document.
        document: All sentences of the document.
        chosen: Places of the chosen sentences.
        score: The explained score.
        probability: The sentence's probability.
        words: Sentence, begin, end and value of each word, in order.
        sentences: The value of each sentence; None for a sentence without one.
        decisive: Places of the sentences without which the choice is likeliest to change.
        changes: Whether the sentence would not be chosen without them.
        gap: How far the sum of the words' values is from the difference that it should equal, as a share of it.
        method: How words got their values.
    """

    sentence: int
    text: str
    is_written: bool
    document: Sequence[str]
    chosen: Sequence[int]
    score: float
    probability: float
    words: Sequence[tuple[int, int, int, float]]
    sentences: Sequence[float | None]
    decisive: Sequence[int]
    changes: bool
    gap: float
    method: str


def explanation_html(explanations: Sequence[Shown], style: bool = True, *, limit: int | None = None) -> str:
    """Explanations of sentences of one document as a self-contained piece of HTML; all its text is escaped.

    Args:
        explanations: One or several; the first one is seen at first.
        style: Whether to add the style sheet and the legend; a page with several documents adds ``STYLE`` and
            ``EXPLAINED_STYLE`` itself.
        limit: At most this many sentences of the document are shown.
    """
    name = _name(explanations)
    several = len(explanations) > 1
    ids = {one.sentence: f"{name}-{number}" for number, one in enumerate(explanations)} if several else {}
    inputs = [
        f'<input type="radio" name="{name}" id="{of_one}" aria-label="sentence {sentence + 1}"'
        f"{' checked' if number == 0 else ''}>"
        for number, (sentence, of_one) in enumerate(ids.items())
    ]
    rules = ",".join(f'#{one}:checked ~ .bertsum-views > [data-of="{one}"]' for one in ids.values())
    switch = f"<style>{rules} {{ display: block; }}</style>" if rules else ""
    views = "".join(
        f'<div class="bertsum-view" data-of="{ids.get(one.sentence, name)}">{_view(one, ids, limit)}</div>'
        for one in explanations
    )
    html = f'{switch}<div class="bertsum-explained">{"".join(inputs)}<div class="bertsum-views">{views}</div></div>'
    if not style:
        return html
    return f'<style>\n{STYLE}\n{EXPLAINED_STYLE}\n</style>\n{html}\n<p class="bertsum-legend">{legend(several)}</p>'


def explanations_page(documents: Sequence[tuple[str, Sequence[Shown]]], title: str) -> str:
    """A whole page; it loads and runs nothing.

    Args:
        documents: The id of each document, and explanations of its sentences.
        title: Title of the page.
    """
    css = Path(__file__).with_name("report.css").read_text(encoding="utf-8")
    parts = [
        {"id": name, "count": len(some), "html": explanation_html(some, style=False, limit=_MOST_SENTENCES)}
        for name, some in documents
        if some
    ]
    page = template("explanations.html.jinja")
    return page.render(title=title, css=f"{css}\n{STYLE}\n{EXPLAINED_STYLE}", legend=legend(True), documents=parts)


def legend(several: bool = False) -> str:
    """What the marks mean, as text."""
    parts = [
        f"{EXPLAINED} the explained sentence",
        f"{CHOSEN} chosen",
        f"{DECISIVE} without these the choice is likeliest to change",
        "numbers: what a sentence added to the score",
        "words: orange and underlined raised it, blue and dotted lowered it",
    ]
    return " · ".join(
        [*parts, "click a sentence with an underlined number for its own explanation"] if several else parts
    )


def _view(one: Shown, ids: dict[int, str], limit: int | None) -> str:
    """One explanation: facts, words that did most, and the document."""
    marked = sorted({*one.decisive, *one.chosen, *(() if one.is_written else (one.sentence,))})
    rows, after = [], 0
    largest_word, largest = _largest(value for *_, value in one.words), _largest(one.sentences)
    words = _by_sentence(one)
    for index in places_shown(len(one.document), marked, limit):
        if index > after:
            rows.append(f"<li><b></b>{left_out(index - after)}</li>")
        value = one.sentences[index]
        this = index == one.sentence and not one.is_written
        marks = " ".join([str(index + 1), *_marks(one, index), *([] if value is None else [f"{value:+.2f}"])])
        shade = f' style="{_background(value / largest)}"' if value and largest else ""
        text = _words_html(one.document[index], words.get(index, []), largest_word)
        kind = "bertsum-this" if this else "" if index in words or value is not None else "bertsum-unread"
        if index in ids and not one.is_written and not this:
            text, marks = (f'<label for="{ids[index]}">{part}</label>' for part in (text, marks))
        rows.append(f'<li><b dir="ltr"{shade}>{marks}</b><span{f" class={chr(34)}{kind}{chr(34)}" if kind else ""}>'
                    f"{text}</span></li>")  # fmt: skip
        after = index + 1
    if len(one.document) > after:
        rows.append(f"<li><b></b>{left_out(len(one.document) - after)}</li>")
    picks = ""
    if one.is_written and ids:
        links = (f'<label for="{of}">{number + 1}</label>' for number, of in ids.items())
        picks = f"<p>Sentences of the summary: {' '.join(links)}</p>"
    facts = "".join(f"<p>{escape(fact)}</p>" for fact in facts_of(one))
    written = f'<p class="bertsum-this" dir="auto">{escape(one_line(one.text))}</p>' if one.is_written else ""
    return f'{picks}{written}{facts}<ol dir="auto">{"".join(rows)}</ol>'


def facts_of(one: Shown) -> list[str]:
    """An explanation in words."""
    kind = "log-probability" if one.is_written else "logit"
    where = "of the summary" if one.is_written else "of the document"
    chosen = ", chosen" if one.sentence in one.chosen and not one.is_written else ""
    facts = [
        f"Sentence {one.sentence + 1} {where}{chosen}: probability {one.probability:.2f}, {kind} {one.score:+.2f}. "
        f"The words' parts ({one.method.replace('_', ' ')}) add up to within {one.gap:.1%}."
    ]
    for sign, told in ((1, "Raised it most"), (-1, "Lowered it most")):
        ranked = sorted((word for word in one.words if sign * word[3] > 0), key=lambda word: -sign * word[3])
        listed = [f"{one_line(one.document[w[0]][w[1] : w[2]])} ({w[3]:+.2g})" for w in ranked[:_LISTED]]
        if listed:
            facts.append(f"{told}: {', '.join(listed)}.")
    if one.decisive:
        numbers = ", ".join(str(index + 1) for index in sorted(one.decisive))
        begin, end = ("Without", "would not") if one.changes else ("Even without", "would")
        facts.append(f"{begin} sentence{'s' * (len(one.decisive) > 1)} {numbers} it {end} be chosen.")
    return facts


def explanation_terminal(one: Shown, *, colour: bool = True) -> str:
    """An explanation for a terminal: what each sentence added, and words shaded; control characters are harmless.

    Args:
        one: The explanation.
        colour: Whether to shade words with ANSI colours.
    """
    lines = [one_line(one.text), ""] if one.is_written else []
    lines += [*map(one_line, facts_of(one)), ""]
    words, largest = _by_sentence(one), _largest(value for *_, value in one.words)
    width = len(str(len(one.document)))
    for index, sentence in enumerate(one.document):
        value = one.sentences[index]
        marks = "".join(_marks(one, index))
        head = f"{marks:>3} {index + 1:>{width}} {'     -' if value is None else f'{value:+6.2f}'}"
        text = _words_ansi(sentence, words.get(index, []), largest) if colour else one_line(sentence)
        lines.append(f"{head} {text}")
    marks = f"{EXPLAINED} explained · {CHOSEN} chosen · {DECISIVE} without these the choice is likeliest to change"
    return "\n".join([*lines, "", f"{marks} · numbers: what a sentence added to the score"])


def _marks(one: Shown, index: int) -> list[str]:
    marks = [EXPLAINED] if index == one.sentence and not one.is_written else []
    marks += [CHOSEN] if index in one.chosen else []
    return marks + ([DECISIVE] if index in one.decisive else [])


def _by_sentence(one: Shown) -> dict[int, list[tuple[int, int, float]]]:
    """Begin, end and value of each sentence's words."""
    found: dict[int, list[tuple[int, int, float]]] = {}
    for sentence, begin, end, value in one.words:
        found.setdefault(sentence, []).append((begin, end, value))
    return found


def _largest(values: object) -> float:
    return max((abs(value) for value in values if value is not None), default=0.0)  # type: ignore[attr-defined]  # any iterable of numbers


def _pieces(sentence: str, words: Sequence[tuple[int, int, float]], largest: float) -> list[tuple[str, float]]:
    """A sentence in pieces: the text of each, and its value as a share of the largest; 0 between words or if small."""
    pieces, after = [], 0
    for begin, end, value in words:
        share = value / largest if largest else 0.0
        pieces += [(sentence[after:begin], 0.0), (sentence[begin:end], share if abs(share) >= _LEAST else 0.0)]
        after = end
    return [(_spaced(text), share) for text, share in [*pieces, (sentence[after:], 0.0)] if text]


def _spaced(text: str) -> str:
    """:func:`one_line` that keeps the spaces around a piece."""
    before, behind = text[:1].isspace(), text[-1:].isspace()
    bare = one_line(text)
    return f"{' ' * before}{bare}{' ' * (behind and bool(bare))}"


def _words_html(sentence: str, words: Sequence[tuple[int, int, float]], largest: float) -> str:
    parts = [
        f'<i class="{"up" if share > 0 else "down"}" title="{share * largest:+.2g}" style="{_background(share)}">'
        f"{escape(text)}</i>"
        if share
        else escape(text)
        for text, share in _pieces(sentence, words, largest)
    ]
    return "".join(parts).strip()


def _words_ansi(sentence: str, words: Sequence[tuple[int, int, float]], largest: float) -> str:
    parts = []
    for text, share in _pieces(sentence, words, largest):
        ramp = _UP_RAMP if share > 0 else _DOWN_RAMP
        shade = ramp[min(int(abs(share) * len(ramp)), len(ramp) - 1)]
        parts.append(f"\x1b[38;5;16;48;5;{shade}m{text}\x1b[0m" if share else text)
    return "".join(parts).strip()


def _background(share: float) -> str:
    return f"background-color:rgba({_UP if share > 0 else _DOWN},{_OPAQUE * abs(share):.2f})"


def _name(explanations: Sequence[Shown]) -> str:
    """A name for the parts of a piece of HTML, since a page may have several."""
    told = "\n".join([*explanations[0].document, *(f"{one.sentence} {one.score}" for one in explanations)])
    return f"bertsum-{hashlib.sha256(told.encode('utf-8', 'backslashreplace')).hexdigest()[:10]}"
