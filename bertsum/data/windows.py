"""A document longer than the encoder's input, cut at sentence borders into windows; pure integers.

# S sentences, T tokens, Q tokens of a query
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Window:
    """A part of a document that the encoder reads at once: some sentences with context around them.

    Attributes:
        opening: Number of the document's first sentences that the window begins with.
        sentences: The sentences after the opening: index of the first, and of the one after the last.
        taken: The sentences that get their vectors from this window: index of the first, and of the one after the last.
    """

    opening: int
    sentences: tuple[int, int]
    taken: tuple[int, int]

    @property
    def place(self) -> int:
        """Place, in the window, of the first sentence that gets its vector from the window."""
        return self.opening + self.taken[0] - self.sentences[0]

    def row(self, input_ids: Sequence[int], cls_positions: Sequence[int]) -> dict[str, Any]:
        """``input_ids`` and ``cls_positions`` of the window, as if it were a document; a query stands first.

        Args:
            input_ids: Tokens of the query, if there is one, and of the document (T).
            cls_positions: Position of each sentence's [CLS] (S).
        """
        bounds = [*cls_positions, len(input_ids)]
        ids: list[int] = list(input_ids[: bounds[0]])
        positions: list[int] = []
        for first, end in ((0, self.opening), self.sentences):
            positions += [len(ids) + bounds[index] - bounds[first] for index in range(first, end)]
            ids += list(input_ids[bounds[first] : bounds[end]])
        return {"input_ids": ids, "cls_positions": positions}


# Shares of a window: for the document's opening, for context before the taken sentences, for context after them.
_OPENING, _BEFORE, _BEHIND = 1 / 4, 1 / 16, 1 / 16


def windows(cls_positions: Sequence[int], length: int, max_length: int) -> list[Window]:
    """Cuts a document at sentence borders into windows; each sentence gets its vector from one window.

    Every window begins with the document's opening. A pretrained encoder knows the first sentences by their position;
    without the opening, it would take the first sentences of each window for the most important of the document.

    Args:
        cls_positions: Position of each sentence's [CLS] (S); before the first stands the query, if there is one.
        length: Tokens of query and document. Query and any one sentence together must fit into ``max_length``.
        max_length: Tokens of a window, the query included.
    """
    query = cls_positions[0]
    max_length -= query
    bounds = [*(position - query for position in cls_positions), length - query]
    count = len(cls_positions)
    opening = sum(bound <= max_length * _OPENING for bound in bounds[1:])
    cut: list[Window] = []
    first = 0
    while first < count:
        fits_beside = bounds[first + 1] - bounds[first] <= max_length - bounds[opening]
        least = opening if cut and fits_beside else 0

        def size(begin: int, end: int, beside: int = bounds[least]) -> int:
            return beside + bounds[end] - bounds[begin]

        before, end = first, first + 1
        while before > least and bounds[first] - bounds[before - 1] <= max_length * _BEFORE:
            before -= 1
        if size(before, end) > max_length:
            before = first
        while end < count and size(before, end + 1) <= max_length * (1 - _BEHIND):
            end += 1
        behind = end
        while behind < count and size(before, behind + 1) <= max_length:
            behind += 1
        while before > least and size(before - 1, behind) <= max_length:  # at the end no context follows
            before -= 1
        if behind == count:
            end = count
        cut.append(Window(least, (before, behind), (first, end)))
        first = end
    return cut
