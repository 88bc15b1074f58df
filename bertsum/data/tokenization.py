"""Texts to token ids; if a tokenizer cuts at every space, each distinct word is tokenised only once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from bertsum.errors import BertsumError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# Total characters of remembered words: about 150,000 words, 40 MB. A news document has a few new words.
_REMEMBERED = 1_000_000
# Texts at a time for other tokenizers.
_AT_ONCE = 64


class TextTokenizer:
    """A fast tokenizer for texts alone: no special tokens are added, and ``[SEP]`` in a text is text.

    Args:
        tokenizer: The tokenizer.
        words: What a word is before it is cut into tokens (``encoding.words``).

    Raises:
        BertsumError: if words stand between spaces, and the tokenizer has no pieces of words.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, words: str = "tokenizer") -> None:
        self._backend: Any = tokenizer.backend_tokenizer
        described = json.loads(self._backend.to_str())
        self._words: _Words | None = None
        self._split: Callable[[str], list[str]] = _at_spaces
        if words == "spaces":
            self._backend = _pieces_alone(described, tokenizer.all_special_tokens)
            self._words = _Words(self._one, {})
            self._split = _lower_words if _lowers(described) else str.split
        elif cuts_at_spaces(described):
            self._words = _Words(self._one, whole_words(described))

    def __call__(self, texts: Iterable[str]) -> Iterator[list[int]]:
        """The token ids of each text; reads ahead only as far as makes it quick."""
        if self._words is not None:
            self._words.forget_if_many()
            tokens_of = self._words.__getitem__
            for text in texts:
                yield list(chain.from_iterable(map(tokens_of, self._split(text))))
            return
        remaining = iter(texts)
        while some := list(islice(remaining, _AT_ONCE)):
            self._set_up()
            yield from (encoding.ids for encoding in self._backend.encode_batch_fast(some, add_special_tokens=False))

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where each token of :meth:`__call__` stands in the text.

        If the tokenizer does not tell it, a token spans all the text between two spaces.
        """
        if self._words is None:
            self._set_up()
            return list(self._backend.encode(text, add_special_tokens=False).offsets)
        spans: list[tuple[int, int]] = []
        for piece in re.finditer(r"\S+", text):
            for part in self._split(piece[0]):
                count = len(self._words[part])
                offsets = self._backend.encode(piece[0], add_special_tokens=False).offsets if count > 1 else []
                inside = (
                    offsets if len(offsets) == count and self._split is _at_spaces else [(0, len(piece[0]))] * count
                )
                spans += [(piece.start() + begin, piece.start() + end) for begin, end in inside]
        return spans

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


def _at_spaces(text: str) -> list[str]:
    return text.split(" ")


def _lower_words(text: str) -> list[str]:
    return text.lower().split()


def _lowers(tokenizer: dict[str, Any]) -> bool:
    """Whether a tokenizer puts texts in lower case."""
    normalizer = tokenizer.get("normalizer") or {}
    parts = normalizer.get("normalizers", [normalizer])
    return any(part.get("lowercase") or part.get("type") == "Lowercase" for part in parts)


def _pieces_alone(tokenizer: dict[str, Any], special: Sequence[str]) -> Any:
    """A WordPiece tokenizer that takes a text for one word; a word such as ``[SEP]`` is cut into other pieces."""
    from tokenizers import Tokenizer, models

    model = tokenizer["model"]
    if model.get("type") != "WordPiece":
        raise BertsumError(
            f"encoding.words: got spaces with a tokenizer of the kind {model.get('type')}, expected a WordPiece "
            "tokenizer (BERT's), or encoding.words tokenizer"
        )
    # No word has a space, so no word is one of these.
    hidden = {token: f" {token}" for token in model["vocab"] if token in special or is_unused(token)}
    vocabulary = {hidden.get(token, token): number for token, number in model["vocab"].items()}
    return Tokenizer(
        models.WordPiece(
            vocabulary,
            unk_token=hidden.get(model["unk_token"], model["unk_token"]),
            max_input_chars_per_word=model["max_input_chars_per_word"],
            continuing_subword_prefix=model["continuing_subword_prefix"],
        )
    )


def is_unused(token: str) -> bool:
    """Whether a token of BERT's vocabulary stands for no text: ``[unused0]`` and so on."""
    return token.startswith("[unused") and token.endswith("]")


def word_marks(tokenizer: PreTrainedTokenizerBase) -> tuple[str | None, str]:
    """How a tokenizer marks words, as two prefixes.

    The first is the prefix of pieces that continue a word: BERT's ``##``; None if there is none. Then the second is the
    prefix of pieces that begin a word: ``Ġ`` in byte-level tokenizers, ``▁`` in others.
    """
    backend: Any = tokenizer.backend_tokenizer
    described = json.loads(backend.to_str())
    wordpiece = described["model"].get("type") == "WordPiece"
    prefix = described["model"].get("continuing_subword_prefix") if wordpiece else None
    return prefix, "Ġ" if _has_pre_tokenizer(described, "ByteLevel") else "▁"


def _has_pre_tokenizer(described: dict[str, Any], kind: str) -> bool:
    """Whether the pre-tokenizer is of a kind, or has a part of it."""
    pre_tokenizer = described.get("pre_tokenizer") or {}
    parts = pre_tokenizer.get("pretokenizers", [pre_tokenizer])
    return any(part.get("type") == kind for part in parts)


def cuts_at_spaces(tokenizer: dict[str, Any]) -> bool:
    """Whether a text has the same tokens as its words one by one.

    This is true of BERT's tokenizers: neither their normalisation nor their pieces reach across a space. Added tokens
    may reach across one.
    """
    parts = ("normalizer", "pre_tokenizer", "model")
    kinds = tuple((tokenizer.get(part) or {}).get("type") for part in parts)
    only_special = all(token["special"] for token in tokenizer.get("added_tokens", []))
    return kinds == ("BertNormalizer", "BertPreTokenizer", "WordPiece") and only_special


def whole_words(tokenizer: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """Words of ASCII letters and digits that are one token; BERT's tokenizers at most put such words in lower case."""
    lower, longest = tokenizer["normalizer"]["lowercase"], tokenizer["model"]["max_input_chars_per_word"]
    return {
        token: (number,)
        for token, number in tokenizer["model"]["vocab"].items()
        if token.isascii() and token.isalnum() and len(token) <= longest and not (lower and token != token.lower())
    }
