"""Masked-language-model training (arXiv 1810.04805, 1907.11692): cuts texts into windows, and hides whole words.

# T tokens, V tokens of the vocabulary, M tokens to guess
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bertsum.data.tokenization import is_unused, word_marks
from bertsum.errors import BertsumError
from bertsum.text import is_character

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# The share of tokens to guess; of these, the share that becomes [MASK], and the share that becomes a random token.
GUESSED, HIDDEN, REPLACED = 0.15, 0.8, 0.1
# A longer run of tokens is not taken for one word: it is a web address, or text in a script without spaces.
_LONGEST_WORD = 10


class Words:
    """Where the words of a text begin, by its tokens.

    Attributes:
        goes_on: Whether a token may continue the word of the token before it (V).
        alone: Whether a token is a word by itself, such as a comma (V).
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        """Reads the vocabulary.

        Args:
            tokenizer: A fast tokenizer. BERT's kind marks pieces that continue a word; others mark those that begin
                one.
        """
        prefix, begin = word_marks(tokenizer)
        names = [str(name) for name in tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))]
        if prefix is not None:  # BERT's pre-tokenizer has set apart punctuation, and characters of Chinese
            self.goes_on = np.array([name.startswith(prefix) and name != prefix for name in names])
            self.alone = np.zeros(len(names), dtype=bool)
        else:
            self.goes_on = np.array([not name.startswith(begin) for name in names])
            self.alone = np.array([_is_alone(name.removeprefix(begin)) for name in names])

    def begins(self, ids: np.ndarray) -> np.ndarray:
        """True for each token that begins a word (T).

        Args:
            ids: Tokens of a text, without special tokens (T).
        """
        alone = self.alone[ids]
        begins = ~self.goes_on[ids] | alone
        begins[1:] |= alone[:-1]
        begins[:1] = True
        lengths = np.diff(np.append(np.flatnonzero(begins), len(ids)))
        whole: np.ndarray = begins | np.repeat(lengths > _LONGEST_WORD, lengths)
        return whole

    def windows(self, ids: np.ndarray, most: int) -> Iterator[np.ndarray]:
        """Cuts a text into parts of at most ``most`` tokens, each as full as whole words allow."""
        begins, start = self.begins(ids), 0
        while start < len(ids):
            end = min(start + most, len(ids))
            whole = np.flatnonzero(begins[start + 1 : end + 1])  # where else a word begins
            if end < len(ids) and len(whole):
                end = start + 1 + int(whole[-1])
            yield ids[start:end]
            start = end


def _is_alone(piece: str) -> bool:
    """Whether a piece is punctuation, or of a script without spaces; bytes beyond ASCII count as letters."""
    return is_character(piece) or (piece != "" and piece.isascii() and not any(map(str.isalnum, piece)))


class Masker:
    """Chooses whole words to guess, and hides them.

    Attributes:
        words: Where words begin.
        mask_id: The token that stands for a hidden one.
        texts: The tokens that stand for text: what a hidden token may be replaced by.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        """Finds the tokens that it needs.

        Raises:
            BertsumError: if the tokenizer has no mask token.
        """
        if tokenizer.mask_token_id is None:
            raise BertsumError(
                f"model.encoder: its {type(tokenizer).__name__} has no mask token, such as [MASK]; expected an encoder "
                "that was trained as a masked language model"
            )
        self.words = Words(tokenizer)
        self.mask_id: int = tokenizer.mask_token_id
        special = {*tokenizer.all_special_ids, *tokenizer.added_tokens_decoder}
        special |= {number for token, number in tokenizer.get_vocab().items() if is_unused(token)}
        self.texts = np.array(sorted(set(range(len(tokenizer))) - special), dtype=np.int64)

    def __call__(self, input_ids: Sequence[int], seed: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """The tokens as the model sees them (T), and the places of those to guess (M), ascending, at least one.

        Words are drawn until 15% of the tokens are chosen; a word that would exceed this is skipped, as in BERT's
        code. Each chosen token becomes [MASK] with probability 0.8, a random token with 0.1, and stays otherwise.

        Args:
            input_ids: A window: [CLS], tokens of a text, [SEP] (T, 3 or more).
            seed: Numbers that alone decide the draw.
        """
        random = np.random.default_rng(list(seed))
        ids = np.array(input_ids, dtype=np.int64)
        places = 1 + self._choose(ids[1:-1], random)
        draw = random.random(len(places))
        ids[places[draw < HIDDEN]] = self.mask_id
        other = places[(draw >= HIDDEN) & (draw < HIDDEN + REPLACED)]
        ids[other] = random.choice(self.texts, len(other))
        return ids, places

    def _choose(self, ids: np.ndarray, random: np.random.Generator) -> np.ndarray:
        starts = np.flatnonzero(self.words.begins(ids))
        lengths = np.diff([*starts, len(ids)])
        left = max(1, round(GUESSED * len(ids)))
        drawn = random.permutation(len(starts)).tolist()
        chosen = []
        for word in drawn:
            if lengths[word] <= left:
                chosen.append(word)
                left -= lengths[word]
                if not left:
                    break
        words = chosen or [min(drawn, key=lambda word: int(lengths[word]))]
        return np.sort(np.concatenate([np.arange(starts[word], starts[word] + lengths[word]) for word in words]))


def window_key(identity: str, number: int) -> int:
    """A number from 0 to 2^32 - 1 for a window of a document, on which its masks depend.

    Args:
        identity: The document's id.
        number: The window's number in the document.
    """
    return zlib.crc32(f"{number} {identity}".encode())
