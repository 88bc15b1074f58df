"""Makes training documents more like those in use: ordinary prose, and long documents."""

from __future__ import annotations

import functools
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bertsum.data.rows import ExtractiveRow


def random_of_id(identity: str) -> float:
    """A number from 0 to 1 that depends only on a document's id."""
    return zlib.crc32(identity.encode()) / 2**32


def detokenize(text: str | list[str]) -> str | list[str]:
    """The text, or each sentence, in ordinary spelling: the inverse of the Penn Treebank's tokeniser."""
    if isinstance(text, str):
        return _detokenizer().detokenize(text.split())
    return [_detokenizer().detokenize(sentence.split()) for sentence in text]


@functools.cache
def _detokenizer() -> Any:
    from nltk.tokenize.treebank import TreebankWordDetokenizer

    return TreebankWordDetokenizer()


def join_documents(rows: Sequence[ExtractiveRow], share: float) -> None:
    """Appends the next two to five documents to some documents; appended sentences get no label.

    Documents with a query stay as they are.

    Args:
        rows: The rows of prepared documents, changed in place.
        share: Share of documents to append to, drawn by id.
    """
    rows = [row for row in rows if not row["query"]]
    alone = [row.copy() for row in rows]
    for place, row in enumerate(rows):
        identity = f"{row['id']} joined"  # a suffix: with a common prefix, the CRC would draw as without it
        if random_of_id(identity) >= share:
            continue
        others = min(2 + int(4 * random_of_id(f"{identity} with")), len(rows) - 1)
        for step in range(1, others + 1):
            _append(row, alone[(place + step) % len(rows)])


def _append(row: ExtractiveRow, other: ExtractiveRow) -> None:
    tokens, sentences = len(row["input_ids"]), len(row["sentences"])
    row["input_ids"] = [*row["input_ids"], *other["input_ids"]]
    row["cls_positions"] = [*row["cls_positions"], *(tokens + position for position in other["cls_positions"])]
    row["sentence_indices"] = [*row["sentence_indices"], *(sentences + one for one in other["sentence_indices"])]
    row["labels"] = [*(row["labels"] or []), *(0.0 for _ in other["cls_positions"])]
    row["sentences"] = [*row["sentences"], *other["sentences"]]
    row["length"] = len(row["input_ids"])
    row["cut"] = row["cut"] or other["cut"]
