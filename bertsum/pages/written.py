"""Shows a written summary beside its document, in HTML and on a terminal.

Each sentence names the sentences of the document that it leans on (that it has most of its words from). A word that the
document does not have gets a mark. No fact is shown by colour alone. This module does not import models.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence, Set
from html import escape
from itertools import chain
from typing import NamedTuple

from bertsum.pages.shading import CHOSEN, STYLE, left_out, places_shown, show
from bertsum.support import tokens, word_key
from bertsum.text import one_line

# Behind a word that the document does not have.
UNSUPPORTED = "(?)"
LEGEND = (
    f"{UNSUPPORTED} a name, number or rare word that the document does not have · numbers behind a sentence: the "
    f"sentences of the document that it has most of its words from, marked {CHOSEN} there"
)
# A page with several summaries has this and shading's STYLE once in its head, and uses ``style=False`` for each.
WRITTEN_STYLE = """
.bertsum-written { display: flex; flex-wrap: wrap; gap: .5em 2.5em; max-width: 90em; }
.bertsum-written > * { flex: 1 1 20em; min-width: 0; }
.bertsum-written > .bertsum-document { flex-grow: 2; }
.bertsum-summary { line-height: 1.75; overflow-wrap: anywhere; margin: 0; padding-inline: 1.2em 0; }
.bertsum-summary li { margin-bottom: .4em; unicode-bidi: plaintext; }
.bertsum-summary small { white-space: nowrap; user-select: none; -webkit-user-select: none; }
.bertsum-summary a, .bertsum-document a { color: inherit; }
.bertsum-unsupported { text-decoration: underline wavy; text-underline-offset: .25em; }
.bertsum-unsupported + b { user-select: none; -webkit-user-select: none; font-size: .75em; }
.bertsum-written .bertsum-document span:target { outline: 2px solid; outline-offset: .15em; }
""".strip()


class Written(NamedTuple):
    """A summary that a model wrote.

    Attributes:
        sentences: The summary.
        leans_on: For each of its sentences, places of sentences of the document; may be empty.
        unsupported: Words that the document does not have.
    """

    sentences: Sequence[str]
    leans_on: Sequence[Sequence[int]]
    unsupported: Sequence[str]


def written_html(
    sentences: Sequence[str],
    leans_on: Sequence[Sequence[int]],
    unsupported: Sequence[str],
    document: Sequence[str],
    style: bool = True,
    *,
    limit: int | None = None,
) -> str:
    """A written summary and its document as a self-contained piece of HTML; all its text is escaped.

    Args:
        sentences: The summary.
        leans_on: For each of its sentences, the places of the sentences of the document that it leans on.
        unsupported: Words of the summary that the document does not have.
        document: All sentences of the document.
        style: Whether to add the style sheet and the legend; a page with several summaries adds ``STYLE`` and
            ``WRITTEN_STYLE`` itself.
        limit: At most this many sentences of the document are shown: marked ones, their neighbours, and the first ones.
    """
    sources = _sources(sentences, leans_on, len(document))
    leaned_on = sorted(set(chain.from_iterable(sources)))
    shown = places_shown(len(document), leaned_on, limit)
    name = _name([*sentences, *document])
    keys = {word_key(word) for word in unsupported}
    items = [
        f"<li>{_marked_html(sentence, keys)}{_links(of_one, set(shown), name)}</li>"
        for sentence, of_one in zip(sentences, sources, strict=True)
    ]
    summary = f'<ol class="bertsum-summary" dir="auto">{"".join(items)}</ol>' if items else "<p>[no summary]</p>"
    parts = _document(document, shown, set(leaned_on), name)
    html = (
        f'<div class="bertsum-written">{summary}<div class="bertsum-document" dir="auto">{" ".join(parts)}</div></div>'
    )
    if not style:
        return html
    return f'<style>\n{STYLE}\n{WRITTEN_STYLE}\n</style>\n{html}\n<p class="bertsum-legend">{LEGEND}</p>'


def written_terminal(
    sentences: Sequence[str],
    leans_on: Sequence[Sequence[int]],
    unsupported: Sequence[str],
    document: Sequence[str],
    *,
    colour: bool = True,
) -> str:
    """A written summary and its document for a terminal; control characters are made harmless.

    Args:
        sentences: The summary.
        leans_on: For each of its sentences, the places of the sentences of the document that it leans on.
        unsupported: Words of the summary that the document does not have.
        document: All sentences of the document.
        colour: Whether unsupported words and marked sentences are bold.
    """
    sources = _sources(sentences, leans_on, len(document))
    leaned_on = set(chain.from_iterable(sources))
    keys = {word_key(word) for word in unsupported}

    def bold(text: str) -> str:
        return f"\x1b[1m{text}\x1b[0m" if colour else text

    lines = ["Summary:"]
    for sentence, of_one in zip(sentences, sources, strict=True):
        text = "".join(
            bold(f"{part} {UNSUPPORTED}") if wrong else part for part, wrong in _pieces(one_line(sentence), keys)
        )
        lines.append(f"   {text}" + (f" [{', '.join(str(place + 1) for place in of_one)}]" if of_one else ""))
    lines.append("Document:")
    width = len(str(len(document)))
    for place, sentence in enumerate(document):
        text = f"{place + 1:>{width}} {one_line(sentence)}"
        lines.append(f">> {bold(text)}" if place in leaned_on else f"   {text}")
    if keys:
        lines.append(f"{UNSUPPORTED} a name, number or rare word that the document does not have")
    return "\n".join(lines)


def show_written(
    sentences: Sequence[str], leans_on: Sequence[Sequence[int]], unsupported: Sequence[str], document: Sequence[str]
) -> None:
    """Displays a written summary and its document in a notebook, else prints them; a terminal gets bold text, unless
    NO_COLOR is set.
    """
    show(
        lambda: written_html(sentences, leans_on, unsupported, document),
        lambda colour: written_terminal(sentences, leans_on, unsupported, document, colour=colour),
    )


def _sources(sentences: Sequence[str], leans_on: Sequence[Sequence[int]], count: int) -> list[list[int]]:
    """The places for each sentence of a summary; empty if unknown, and without places outside the document."""
    known = [*leans_on, *([] for _ in sentences)][: len(sentences)]
    return [[place for place in places if 0 <= place < count] for places in known]


def _name(texts: Iterable[str]) -> str:
    """A name for the anchors of a piece of HTML, since a page may have several."""
    joined = "\n".join(texts).encode("utf-8", "backslashreplace")
    return f"bertsum-{hashlib.sha256(joined).hexdigest()[:10]}"


def _pieces(sentence: str, keys: Set[str]) -> Iterable[tuple[str, bool]]:
    """A sentence in pieces: text, and whether it is a word with one of the keys."""
    after = 0
    for token in tokens(sentence):
        word = sentence[token.begin : token.end]
        if word_key(word) in keys:
            yield sentence[after : token.begin], False
            yield word, True
            after = token.end
    yield sentence[after:], False


def _marked_html(sentence: str, keys: Set[str]) -> str:
    mark = f'<b dir="ltr">{UNSUPPORTED}</b>'
    return "".join(
        f'<span class="bertsum-unsupported" title="not in the document">{escape(text)}</span>{mark}'
        if wrong
        else escape(text)
        for text, wrong in _pieces(one_line(sentence), keys)
    )


def _links(places: Sequence[int], shown: Set[int], name: str) -> str:
    """The numbers of sentences of the document, linked to those that are shown."""
    if not places:
        return ""
    links = [f'<a href="#{name}-{place + 1}">{place + 1}</a>' if place in shown else str(place + 1) for place in places]
    return f' <small dir="ltr">[{", ".join(links)}]</small>'


def _document(document: Sequence[str], shown: Sequence[int], leaned_on: Set[int], name: str) -> list[str]:
    """The numbered sentences of a document, as HTML."""
    parts = []
    after = 0
    for place in shown:
        if place > after:
            parts.append(left_out(place - after))
        marks = f"{CHOSEN} {place + 1}" if place in leaned_on else str(place + 1)
        chosen = ' class="bertsum-chosen"' if place in leaned_on else ""
        text = escape(one_line(document[place]))
        parts.append(f'<span id="{name}-{place + 1}"{chosen}><b dir="ltr">{marks}</b>&nbsp;{text}</span>')
        after = place + 1
    if len(document) > after:
        parts.append(left_out(len(document) - after))
    return parts
