"""Tokenised text to ordinary prose: "do n't" to "don't", "said ." to "said."."""

from __future__ import annotations

import functools
import zlib
from typing import Any


def is_chosen(identity: str, share: float) -> bool:
    """Whether a document belongs to a share of all, by its id: the same on every machine and in every order."""
    return zlib.crc32(identity.encode()) < share * 2**32


def detokenize(text: str | list[str]) -> str | list[str]:
    """The text, or each sentence, as people write it: the inverse of the Penn Treebank's tokeniser."""
    if isinstance(text, str):
        return _detokenizer().detokenize(text.split())
    return [_detokenizer().detokenize(sentence.split()) for sentence in text]


@functools.cache
def _detokenizer() -> Any:
    from nltk.tokenize.treebank import TreebankWordDetokenizer

    return TreebankWordDetokenizer()
