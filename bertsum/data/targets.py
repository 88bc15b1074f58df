"""Turns summaries into the tokens that a decoder writes, and back.

# L tokens of a summary, V tokens of the vocabulary
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from bertsum.data.tokenization import TextTokenizer, is_unused, word_marks
from bertsum.errors import BertsumError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# As in the authors' code: BERT's vocabulary has free tokens.
START, END, SEPARATOR = "[unused0]", "[unused1]", "[unused2]"


class TargetEncoder:
    """Encodes and decodes summaries for one tokenizer.

    Attributes:
        tokenizer: The tokenizer.
        start_id: The token before a summary.
        end_id: The token behind it.
        separator_id: The token between two sentences.
        pad_id: The padding token.
        continues: For each token, True if it belongs to the same word as the token before it (V).
        pieces: The text that each token adds to its word, without the mark of a word's begin or continuation (V).
        names: Each token as text (V).
        specials: Tokens that stand for no text and may not be written; the end and the separator are not among them.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, max_length: int, words: str = "tokenizer") -> None:
        """Finds the special tokens.

        Args:
            tokenizer: A fast tokenizer.
            max_length: The most tokens of a summary, with its start and end.
            words: What a word is before it is cut into tokens (``encoding.words``).

        Raises:
            BertsumError: if the tokenizer lacks a special token, or cannot cut at spaces.
        """
        if not tokenizer.is_fast:
            raise BertsumError(
                f"decoder.tokenizer: {type(tokenizer).__name__} is not a fast tokenizer, which is needed"
            )
        vocabulary = tokenizer.get_vocab()
        missing = [token for token in (START, END, SEPARATOR) if token not in vocabulary]
        missing += ["a padding token"] if tokenizer.pad_token_id is None else []
        if missing:
            raise BertsumError(
                f"decoder.tokenizer: it lacks {', '.join(missing)}, which mark a summary's parts; expected cut, "
                "wordpiece or unigram"
            )
        self.tokenizer = tokenizer
        self.max_length = max_length
        self.start_id: int = vocabulary[START]
        self.end_id: int = vocabulary[END]
        self.separator_id: int = vocabulary[SEPARATOR]
        self.pad_id: int = tokenizer.pad_token_id
        written = (self.end_id, self.separator_id)
        unused = [number for token, number in vocabulary.items() if is_unused(token)]
        self.specials = sorted({*tokenizer.all_special_ids, *unused}.difference(written))
        self._prefix, begin = word_marks(tokenizer)
        self.names = list(map(str, tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))))
        self.continues = self._continuations(vocabulary, begin)
        self.pieces = [name.removeprefix(self._prefix or begin) for name in self.names]
        self._text_tokens = TextTokenizer(tokenizer, words)

    def encode(self, sentences: Sequence[str]) -> list[int]:
        """The tokens of a summary, cut to the most that it may have (L)."""
        return self.cut(self.whole(sentences))

    def whole(self, sentences: Sequence[str]) -> list[int]:
        """All tokens of a summary: its start, its sentences with separators between them, its end (L)."""
        ids = [self.start_id]
        for number, tokens in enumerate(self._text_tokens(sentences)):
            ids += [self.separator_id, *tokens] if number else tokens
        return [*ids, self.end_id]

    def cut(self, ids: Sequence[int]) -> list[int]:
        """Cuts a summary; the last token of any summary is the end."""
        return [*ids[: self.max_length][:-1], self.end_id]

    def decode(self, ids: Iterable[int]) -> list[str]:
        """The sentences of a summary, until its end."""
        sentences: list[list[int]] = [[]]
        left_out = set(self.specials)
        for number in ids:
            if number == self.end_id:
                break
            if number == self.separator_id:
                sentences.append([])
            elif number not in left_out:
                sentences[-1].append(number)
        texts = [self._text(sentence).strip() for sentence in sentences]
        return [text for text in texts if text]

    def _text(self, ids: list[int]) -> str:
        if self._prefix is None:
            backend: Any = self.tokenizer.backend_tokenizer
            text: str = backend.decode(ids, skip_special_tokens=False)
            return text
        tokens = self.tokenizer.convert_ids_to_tokens(ids)
        glued = " ".join(tokens).replace(f" {self._prefix}", "")
        return glued.removeprefix(self._prefix)

    def _continuations(self, vocabulary: dict[str, int], begin: str) -> list[bool]:
        continues = [False] * (1 + max(vocabulary.values()))
        special = {*self.specials, self.end_id, self.separator_id}
        for token, number in vocabulary.items():
            inside = token.startswith(self._prefix) and token != self._prefix if self._prefix else token[:1] != begin
            continues[number] = inside and number not in special
        return continues
