"""A document with each sentence shaded by its score and the chosen ones marked: as HTML, and for a terminal.

Colours are translucent in HTML, and a terminal also gets a text colour, so that both can be read on a light and on a
dark background. Chosen sentences are bold and have a mark, for readers who do not see colours. This module does not
import models.
"""

from __future__ import annotations

import importlib
import math
import os
import sys
from collections.abc import Callable, Collection, Sequence
from html import escape
from itertools import chain

from bertsum.text import one_line

# A page with several documents has this once in its head, and uses ``style=False`` for each document.
STYLE = """
.bertsum-document { line-height: 1.75; overflow-wrap: anywhere; max-width: 75em; }
.bertsum-document span { padding: .12em 0; border-radius: .2em; unicode-bidi: plaintext; }
.bertsum-gap { height: .75em; }
.bertsum-document b { user-select: none; -webkit-user-select: none; font-size: .75em; white-space: nowrap; }
.bertsum-document .bertsum-chosen { font-weight: 600; border-bottom: 2px solid; }
.bertsum-document .bertsum-oracle { text-decoration: underline dotted 2px; text-underline-offset: .3em; }
.bertsum-document .bertsum-chosen.bertsum-oracle { text-decoration: none; }
.bertsum-document .bertsum-unread { opacity: .75; font-style: italic; }
.bertsum-legend { font-size: .85em; opacity: .85; }
.bertsum-scale { display: inline-block; width: 5em; height: .9em; vertical-align: -.1em; border: 1px solid;
  border-radius: .2em; background: linear-gradient(to right, rgba(245,158,11,0), rgba(245,158,11,.5)); }
@media print { .bertsum-document span, .bertsum-scale { print-color-adjust: exact; } }
""".strip()
CHOSEN, ORACLE = "✔", "◇"

_HUE = "245,158,11"
_OPAQUE = 0.5  # opacity of the strongest shade: black and white text can both be read on it
# Backgrounds of a terminal's 256 colours from pale to strong, for black text.
_RAMP = (230, 229, 222, 215, 208)


def document_html(
    sentences: Sequence[str],
    scores: Sequence[float | None] | None,
    chosen: Collection[int],
    *,
    oracle: Collection[int] = (),
    begins: Collection[int] = (),
    limit: int | None = None,
    style: bool = True,
) -> str:
    """A document as a self-contained piece of HTML; all its text is escaped.

    Args:
        sentences: All sentences of the document.
        scores: The score of each sentence, None if it was not read; or None without any scores. The document's highest
            score has the strongest shade.
        chosen: Places of the chosen sentences.
        oracle: Places of the oracle's sentences, marked in another way.
        begins: Places of the sentences that begin a paragraph.
        limit: At most this many sentences are shown: marked ones, their neighbours, and the first ones.
        style: Whether to add the style sheet and the legend; a page with several documents adds ``STYLE`` itself.
    """
    strengths = _strengths(sentences, scores)
    chosen, oracle = set(chosen), set(oracle)
    parts = []
    after, before_unread = 0, False  # place after the last sentence shown, and whether that sentence was not read
    for index in places_shown(len(sentences), [*sorted(chosen), *sorted(oracle)], limit):
        if index > after:
            parts.append(left_out(index - after))
        if index in begins and index:
            parts.append('<div class="bertsum-gap"></div>')
        score = None if scores is None else scores[index]
        unread = scores is not None and score is None
        classes, marks = [], []
        titles = ["not read"] if unread else [] if score is None else [f"score {score:.3f}"]
        if index in chosen:
            classes.append("bertsum-chosen")
            marks.append(CHOSEN if score is None else f"{CHOSEN} {score:.2f}")
            titles.append("chosen")
        if index in oracle:
            classes.append("bertsum-oracle")
            marks.append(ORACLE)
            titles.append("oracle")
        if unread:
            classes.append("bertsum-unread")
            marks += [] if before_unread else ["[not read]"]
        attributes = {"class": " ".join(classes), "title": ", ".join(titles)}
        if strengths[index]:
            attributes["style"] = f"background-color:rgba({_HUE},{_OPAQUE * strengths[index]:.2f})"
        given = "".join(f' {name}="{value}"' for name, value in attributes.items() if value)
        # The first letter outside elements with a ``dir`` sets the document's direction.
        mark = f'<b dir="ltr">{" ".join(marks)}</b>&nbsp;' if marks else ""
        parts.append(f"<span{given}>{mark}{escape(one_line(sentences[index]))}</span>")
        after, before_unread = index + 1, unread
    if len(sentences) > after:
        parts.append(left_out(len(sentences) - after))
    document = f'<div class="bertsum-document" dir="auto">{" ".join(parts)}</div>'
    if not style:
        return document
    return f"<style>\n{STYLE}\n</style>\n{document}\n{_legend(scores, bool(oracle))}"


def left_out(count: int) -> str:
    """A remark in place of sentences that are not shown, as HTML."""
    return f'<i dir="ltr">[… {count:,} left out …]</i>'


def document_terminal(
    sentences: Sequence[str], scores: Sequence[float | None], chosen: Sequence[int], *, colour: bool = True
) -> str:
    """A document for a terminal: on each line a score and a sentence, chosen sentences marked.

    Args:
        sentences: All sentences of the document; control characters are made harmless.
        scores: The score of each sentence, None if it was not read.
        chosen: Places of the chosen sentences.
        colour: Whether to shade the lines with ANSI colours.
    """
    marked = set(chosen)
    lines = []
    for index, (sentence, strength) in enumerate(zip(sentences, _strengths(sentences, scores), strict=True)):
        score = scores[index]
        head = f"{'>>' if index in marked else '  '} {'   -' if score is None else f'{score:4.2f}'}"
        codes = ["1"] if index in marked else []
        if score is None:
            codes.append("2")
        elif strength >= 0.1:
            codes += ["38;5;16", f"48;5;{_RAMP[min(int(strength * len(_RAMP)), len(_RAMP) - 1)]}"]
        text = one_line(sentence)
        lines.append(f"{head} \x1b[{';'.join(codes)}m{text}\x1b[0m" if colour and codes else f"{head} {text}")
    return "\n".join(lines)


def show_document(
    sentences: Sequence[str], scores: Sequence[float | None], chosen: Sequence[int], begins: Collection[int] = ()
) -> None:
    """Displays a document in a notebook, else prints it; a terminal gets colours, unless NO_COLOR is set."""
    show(
        lambda: document_html(sentences, scores, chosen, begins=begins),
        lambda colour: document_terminal(sentences, scores, chosen, colour=colour),
    )


def show(html: Callable[[], str], text: Callable[[bool], str]) -> None:
    """Displays HTML in a notebook, else prints a text; a terminal gets colours, unless NO_COLOR is set.

    Args:
        html: Makes the HTML.
        text: Makes the text, with or without colours.
    """
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if hasattr(shell, "kernel"):
        display = importlib.import_module("IPython.display")
        display.display(display.HTML(html()))
    else:
        print(text(sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"))


def places_shown(count: int, marked: Sequence[int], limit: int | None) -> list[int]:
    """The places of the sentences to show: all, or marked ones, their neighbours, and the first ones."""
    if limit is None or count <= limit:
        return list(range(count))
    kept: set[int] = set()
    beside = (index + step for step in (0, -1, 1) for index in marked)
    for index in chain(beside, range(count)):
        if len(kept) >= limit:
            break
        if 0 <= index < count:
            kept.add(index)
    return sorted(kept)


def _strengths(sentences: Sequence[str], scores: Sequence[float | None] | None) -> list[float]:
    """Each score as a share of the highest, from 0 to 1."""
    if scores is None:
        return [0.0] * len(sentences)
    known = [0.0 if score is None or not math.isfinite(score) else max(0.0, score) for score in scores]
    highest = max(known, default=0.0)
    return [score / highest if highest else 0.0 for score in known]


def _legend(scores: Sequence[float | None] | None, oracle: bool) -> str:
    known = [score for score in scores or () if score is not None]
    parts = [f"{CHOSEN} chosen, with its score"] if known else [f"{CHOSEN} chosen"]
    if oracle:
        parts.append(f"{ORACLE} the oracle's")
    if known:
        parts.append(f'score: 0 <i class="bertsum-scale"></i> {max(known):.2f}')
    if scores is not None and len(known) < len(scores):
        parts.append("faint: not read")
    return f'<p class="bertsum-legend">{" · ".join(parts)}</p>'


def marked(sentences: Sequence[str], chosen: Sequence[int]) -> str:
    """The sentences, one a line, chosen ones marked; control characters are made harmless."""
    marks = [">>" if index in chosen else "  " for index in range(len(sentences))]
    return "\n".join(f"{mark} {one_line(sentence)}" for mark, sentence in zip(marks, sentences, strict=True))
