"""Texts to token ids; if a tokenizer cuts at every space, each distinct word is tokenised only once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# Total characters of remembered words: about 150,000 words, 40 MB. A news document has a few new words.
_REMEMBERED = 1_000_000
# Texts at a time for other tokenizers.
_AT_ONCE = 64


class TextTokenizer:
    """A fast tokenizer for texts alone: no special tokens are added, and ``[SEP]`` in a text is text."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._backend: Any = tokenizer.backend_tokenizer
        described = json.loads(self._backend.to_str())
        self._words = _Words(self._one, whole_words(described)) if cuts_at_spaces(described) else None

    def __call__(self, texts: Iterable[str]) -> Iterator[list[int]]:
        """The token ids of each text; reads ahead only as far as makes it quick."""
        if self._words is not None:
            self._words.forget_if_many()
            tokens_of = self._words.__getitem__
            for text in texts:
                yield list(chain.from_iterable(map(tokens_of, text.split(" "))))
            return
        remaining = iter(texts)
        while some := list(islice(remaining, _AT_ONCE)):
            self._set_up()
            yield from (encoding.ids for encoding in self._backend.encode_batch_fast(some, add_special_tokens=False))

    def _one(self, word: str) -> tuple[int, ...]:
        self._set_up()
        return tuple(self._backend.encode(word, add_special_tokens=False).ids)

    def _set_up(self) -> None:
        """Resets truncation, padding and special-token handling, which another user may have set."""
        self._backend.no_truncation()
        self._backend.no_padding()
        self._backend.encode_special_tokens = True


class _Words(dict[str, tuple[int, ...]]):
    """The tokens of each word asked for so far."""

    def __init__(self, tokenize: Callable[[str], tuple[int, ...]], text_tokens: dict[str, tuple[int, ...]]) -> None:
        super().__init__(text_tokens)
        self._tokenize = tokenize
        self._whole = text_tokens
        self._characters = 0

    def __missing__(self, word: str) -> tuple[int, ...]:
        self[word] = tokens = self._tokenize(word)
        self._characters += len(word)
        return tokens

    def forget_if_many(self) -> None:
        """Empties itself when it has grown large; frequent words soon come back."""
        if self._characters > _REMEMBERED:
            self.clear()
            self.update(self._whole)
            self._characters = 0


def cuts_at_spaces(tokenizer: dict[str, Any]) -> bool:
    """Whether a text has the same tokens as its words one by one. This is true of BERT's tokenizers: neither their
    normalisation nor their pieces reach across a space. Added tokens may.
    """
    parts = ("normalizer", "pre_tokenizer", "model")
    kinds = tuple((tokenizer.get(part) or {}).get("type") for part in parts)
    only_special = all(token["special"] for token in tokenizer.get("added_tokens", []))
    return kinds == ("BertNormalizer", "BertPreTokenizer", "WordPiece") and only_special


def whole_words(tokenizer: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """Words that are one token: of ASCII letters and digits, which BERT's tokenizers at most put in lower case."""
    lower, longest = tokenizer["normalizer"]["lowercase"], tokenizer["model"]["max_input_chars_per_word"]
    return {
        token: (number,)
        for token, number in tokenizer["model"]["vocab"].items()
        if token.isascii() and token.isalnum() and len(token) <= longest and not (lower and token != token.lower())
    }
