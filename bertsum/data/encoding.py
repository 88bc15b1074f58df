"""Turns sentences into encoder input: [CLS] and [SEP] around each, a query before them, segments, and cuts.

# S sentences that are read, T tokens, Q tokens of a query
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bertsum.config import EncodingConfig
from bertsum.data.tokenization import TextTokenizer
from bertsum.errors import BertsumError
from bertsum.text import cut_words, has_words, sanitize, split_words

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


_QUERY_SHARE = 1 / 4  # of the encoder's input


@dataclass(frozen=True)
class Encoding:
    """What the encoder reads of one document.

    Attributes:
        input_ids: Tokens (T), each sentence between the encoder's [CLS] and [SEP]. A query stands before them, between
            [CLS] and two [SEP]: all tokens before the first of ``cls_positions``.
        cls_positions: Position of each sentence's [CLS] in ``input_ids`` (S).
        sentence_indices: Index in the document of each sentence that is read (S), ascending.
        cut: Whether some part of its sentences was not read.
        read: Share of each sentence that was read, by index; estimated by tokens if a sentence was cut.
    """

    input_ids: list[int]
    cls_positions: list[int]
    sentence_indices: list[int]
    cut: bool
    read: dict[int, float]


def interval_segments(cls_positions: Sequence[int], length: int) -> list[int]:
    """Token types 0, 1, 0, 1 ... alternating by sentence (T); a query before the first sentence has 1."""
    bounds = [*cls_positions, length]
    types = [number % 2 for number, (start, end) in enumerate(itertools.pairwise(bounds)) for _ in range(end - start)]
    return [1] * bounds[0] + types if cls_positions else types


def long_enough(sentences: Sequence[str], least: int) -> list[int]:
    """Indices of the sentences with at least ``least`` words, or of all sentences if none has so many."""
    enough = [i for i, sentence in enumerate(sentences) if has_words(sentence, least)]
    return enough or [i for i, sentence in enumerate(sentences) if sentence.strip()]


def special_ends(tokenizer: PreTrainedTokenizerBase) -> tuple[int, int]:
    """The tokens before and after a text: [CLS] and [SEP], else the tokenizer's tokens for begin and end of text.

    Raises:
        BertsumError: if the tokenizer has none.
    """
    cls_id = tokenizer.cls_token_id if tokenizer.cls_token_id is not None else tokenizer.bos_token_id
    sep_id = tokenizer.sep_token_id if tokenizer.sep_token_id is not None else tokenizer.eos_token_id
    if cls_id is None or sep_id is None:
        raise BertsumError("model.encoder: its tokenizer has no [CLS] and [SEP] tokens, expected a BERT-like encoder")
    return cls_id, sep_id


class DocumentEncoder:
    """Encodes documents for one tokenizer and one :class:`EncodingConfig`."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, config: EncodingConfig) -> None:
        if not tokenizer.is_fast:
            raise BertsumError(f"model.encoder: {type(tokenizer).__name__} is not a fast tokenizer, which is needed")
        self.tokenizer = tokenizer
        self.config = config
        self._text_tokens = TextTokenizer(tokenizer, config.words)
        self.cls_id, self.sep_id = special_ends(tokenizer)

    def candidates(self, sentences: Sequence[str], query: str = "") -> list[int]:
        """Indices of the sentences that may be read; with a query also short ones, because they may answer it."""
        return long_enough(sentences, 1 if query else self.config.min_sentence_words)

    def encode(self, sentences: Sequence[str], query: str = "") -> Encoding:
        """Encodes a document; sentences without any token left are left out.

        Args:
            sentences: The document.
            query: What its sentences are to answer; empty for a summary.

        Returns:
            The encoding; it has no sentence if the document has no token.
        """
        query = query.strip()
        candidates = self.candidates(sentences, query)
        whole = self.config.long_documents == "window"
        asked = self._query_ids(query)
        input_ids: list[int] = [*asked]
        cls_positions: list[int] = []
        indices: list[int] = []
        read: dict[int, float] = {}
        most = len(candidates) if whole else self.config.max_sentences
        for index, tokens, share in self._tokenize(sentences, candidates[:most]):
            room = self.config.max_length - len(asked if whole else input_ids) - 2  # beside [CLS] and [SEP]
            if room < 1:
                break
            read[index] = share
            if tokens:
                read[index] *= min(1.0, room / len(tokens))
                cls_positions.append(len(input_ids))
                indices.append(index)
                input_ids += [self.cls_id, *tokens[:room], self.sep_id]
        cut = any(read.get(index, 0.0) < 1.0 for index in candidates)
        return Encoding(input_ids, cls_positions, indices, cut, read)

    def _query_ids(self, query: str) -> list[int]:
        """Tokens of a query, cut to a share of the encoder's input (Q)."""
        if not query:
            return []
        most = max(1, int(self.config.max_length * _QUERY_SHARE) - 3)
        return [self.cls_id, *next(self._text_tokens([sanitize(query)]))[:most], self.sep_id, self.sep_id]

    def token_spans(self, sentence: str) -> list[tuple[int, int]]:
        """Where each token of a sentence stands in it, before the cut to ``max_length``."""
        return self._text_tokens.spans(sanitize(cut_words(sentence, self.config.max_sentence_words)))

    def cut(self, input_ids: Sequence[int], cls_positions: Sequence[int], with_empty: bool = False) -> Encoding:
        """Cuts an encoded document to the maximal length and number of sentences.

        Args:
            input_ids: Tokens of the whole document, each sentence between [CLS] and [SEP].
            cls_positions: Position of each sentence's [CLS].
            with_empty: Keep the [CLS] of a sentence if none of its tokens fits, as the authors' loader does. It is for
                a model that writes; no sentence vector can be made of it.

        Raises:
            BertsumError: if it was encoded with another vocabulary than this tokenizer's.
        """
        if not cls_positions or any(input_ids[position] != self.cls_id for position in cls_positions):
            raise BertsumError(f"[CLS] is not token {self.cls_id} at every 'clss', expected the encoder's vocabulary")
        if max(input_ids) >= len(self.tokenizer):
            raise BertsumError(f"token {max(input_ids)} is not in the encoder's vocabulary of {len(self.tokenizer)}")
        bounds = [*cls_positions, len(input_ids)]
        least = 0 if with_empty else 2  # otherwise a sentence needs a token between [CLS] and [SEP]
        count = sum(position + least < self.config.max_length for position in cls_positions)
        count = min(count, self.config.max_sentences)
        end = min(bounds[count], self.config.max_length)
        ids = [*input_ids[: end - 1], self.sep_id]
        own = [index for index in range(count) if bounds[index + 1] - bounds[index] > least]
        read = {index: min(1.0, (end - bounds[index]) / (bounds[index + 1] - bounds[index])) for index in own}
        return Encoding(ids, [cls_positions[index] for index in own], own, end < len(input_ids), read)

    def unread_share(self, sentences: Sequence[str], encoding: Encoding, query: str = "") -> float:
        """Share of a document's words that its encoding leaves out."""
        words = {index: len(split_words(sentences[index])) for index in self.candidates(sentences, query)}
        unread = sum(count * (1.0 - encoding.read.get(index, 0.0)) for index, count in words.items())
        return unread / max(1, sum(words.values()))

    def unread_reasons(self, sentences: Sequence[str], encoding: Encoding, query: str = "") -> dict[int, str]:
        """Why an encoding leaves out sentences, by their index."""
        reasons = {}
        read, candidates = set(encoding.sentence_indices), set(self.candidates(sentences, query))
        for index in range(len(sentences)):
            if index in read:
                continue
            if not sentences[index].strip():
                reasons[index] = "is empty"
            elif index not in candidates:
                reasons[index] = f"has fewer than {self.config.min_sentence_words} words"
            elif index in encoding.read:
                reasons[index] = "has no token that the model knows"
            else:
                reasons[index] = f"lies behind the {self.config.max_length} tokens that are read"
        return reasons

    def _tokenize(self, sentences: Sequence[str], indices: Sequence[int]) -> Iterator[tuple[int, list[int], float]]:
        """Index and tokens of each sentence, and its share that is left after the cut to ``max_sentence_words``.

        Sentences are tokenised only when they are asked for, so that a cut book costs no more than a page.
        """
        most = self.config.max_sentence_words
        texts, same = itertools.tee(sanitize(cut_words(sentences[index], most)) for index in indices)
        for index, text, tokens in zip(indices, same, self._text_tokens(texts), strict=True):
            whole = len(text) == len(sentences[index])
            yield index, tokens, 1.0 if whole else most / len(split_words(sentences[index]))
