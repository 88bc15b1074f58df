"""Beam search: the most probable texts that a decoder writes, several documents at a time.

A hypothesis is a text that is still being written. The search ``standard`` takes a hypothesis out of the beam when it
ends. The search ``presumm`` makes every choice of the authors' code, so that their checkpoints write the same text.

# B documents that are still being written, K hypotheses of each, V vocabulary
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from bertsum.config import GenerationConfig
from bertsum.errors import BertsumError
from bertsum.models.decoder import Decoder

# Scores that the authors' code gives to an end that comes too early, and to a hypothesis that repeats a trigram.
_TOO_EARLY, _REPEATED = -1e20, -1e21


@dataclass(frozen=True)
class Hypothesis:
    """A text that a search has found.

    Attributes:
        ids: Its tokens, without the start; the end is kept if it has one.
        score: Its log-probability, divided by the length penalty.
    """

    ids: list[int]
    score: float


@dataclass(frozen=True)
class SearchTokens:
    """What a search needs to know about the vocabulary.

    Attributes:
        start: Token before each text.
        end: Token that ends a text.
        separator: Token between sentences.
        forbidden: Tokens that a text may not have; ``presumm`` forbids none.
        continues: For each token, whether it continues the word before it (V); None: each token is a word.
        pieces: The text that each token adds to its word (V), to recognise a word that is cut in another way; None:
            words are compared token by token.
        names: Each token as text (V), for ``presumm``; None if words are not known.
    """

    start: int = 1
    end: int = 2
    separator: int = 3
    forbidden: Sequence[int] = ()
    continues: Sequence[bool] | None = None
    pieces: Sequence[str] | None = None
    names: Sequence[str] | None = None


def length_penalty(length: int, exponent: float) -> float:
    """``((5 + length) / 6)^exponent`` (Wu et al. 2016, arXiv 1609.08144, equation 14)."""
    return ((5.0 + length) / 6.0) ** exponent


@torch.inference_mode()
def beam_search(
    decoder: Decoder, memory: torch.Tensor, mask: torch.Tensor, config: GenerationConfig, tokens: SearchTokens
) -> list[Hypothesis]:
    """The best text for each document.

    Args:
        decoder: The decoder, in evaluation mode.
        memory: Vectors of the sources' tokens (documents, T, H).
        mask: True for tokens, False for padding (documents, T).
        config: How to search.
        tokens: Facts about the vocabulary.

    Raises:
        BertsumError: if a probability is not a number.
    """
    search = _Presumm if config.search == "presumm" else _Standard
    rules = _Rules(config, tokens, len(decoder.generator_bias), memory.device)
    searches = [search(config, tokens, rules.words, [[] for _ in range(config.beam_size)]) for _ in memory]
    open_documents = list(range(len(memory)))  # numbers of the B documents
    state = decoder.begin(memory, mask)
    size, device = config.beam_size, memory.device
    last = torch.full((len(memory), size), tokens.start, device=device)
    totals = torch.full((len(memory), size), float("-inf"), device=device)
    totals[:, 0] = 0.0  # at first all hypotheses are one and the same
    for length in range(1, config.max_length + 1):
        log_probabilities = decoder.step(last, state)  # (B, K, V)
        texts = [searches[document].texts for document in open_documents]
        scores = rules.apply(log_probabilities, totals, texts, length)
        top, places = scores.flatten(1).topk(min(rules.kept, scores[0].numel()), dim=1)
        if top.isnan().any():
            raise BertsumError("generate: a probability is not a number; the model's weights are broken")
        kept: list[_Kept] = []
        vocabulary = log_probabilities.shape[-1]
        for row, document in enumerate(open_documents):
            found = [
                (score, place // vocabulary, place % vocabulary)
                for score, place in zip(top[row].tolist(), places[row].tolist(), strict=True)
            ]
            one = searches[document].advance(found, length)
            if one is not None:
                kept.append(_Kept(row, document, *one))
        if not kept:
            break
        open_documents = [one.document for one in kept]
        rows = torch.tensor([one.row for one in kept], device=device)
        state.select(rows, torch.tensor([one.parents for one in kept], device=device))
        last = torch.tensor([one.token_ids for one in kept], device=device)
        ranks = torch.tensor([one.ranks for one in kept], device=device)
        totals = top[rows[:, None], ranks] * rules.penalty(length)
    return [search.best() for search in searches]


@dataclass(frozen=True)
class _Kept:
    """The hypotheses of a document that go on.

    Attributes:
        row: The document's place in the step.
        document: The document's number.
        ranks: Places of these hypotheses among the best continuations (K).
        parents: The hypotheses of the last step that they continue (K).
        token_ids: Their last tokens (K).
    """

    row: int
    document: int
    ranks: list[int]
    parents: list[int]
    token_ids: list[int]


class _Rules:
    """The rules for what may follow a hypothesis.

    Attributes:
        kept: How many continuations of a document a step keeps.
        words: The words of a text.
    """

    def __init__(self, config: GenerationConfig, tokens: SearchTokens, vocabulary: int, device: torch.device) -> None:
        self.config, self.tokens = config, tokens
        self.authors = config.search == "presumm"
        self.kept = config.beam_size if self.authors else 2 * config.beam_size
        forbidden = torch.zeros(vocabulary, dtype=torch.bool, device=device)
        forbidden[list(tokens.forbidden)] = True
        self.forbidden = None if self.authors else forbidden
        self.words = _Words(tokens, vocabulary)
        self._words_go_on = any(self.words.continues)
        self.begins_word = ~torch.tensor(self.words.continues, device=device)  # also end and separator
        self.names = tokens.names

    def penalty(self, length: int) -> float:
        """The divisor that ``presumm`` applied to a score; times it, a score is a log-probability again."""
        return length_penalty(length, self.config.length_penalty) if self.authors else 1.0

    def apply(
        self, log_probabilities: torch.Tensor, totals: torch.Tensor, texts: Sequence[list[list[int]]], length: int
    ) -> torch.Tensor:
        """Scores of all continuations (B, K, V); impossible ones are -inf, or what the authors' code gives them.

        Args:
            log_probabilities: Log-probabilities of the next token (B, K, V).
            totals: Log-probability of each hypothesis (B, K).
            texts: Tokens of each hypothesis.
            length: Tokens of a hypothesis, the next one included.
        """
        config = self.config
        if length <= config.min_length:
            log_probabilities[..., self.tokens.end] = _TOO_EARLY if self.authors else float("-inf")
        if self.forbidden is not None:
            log_probabilities.masked_fill_(self.forbidden, float("-inf"))
        scores = (log_probabilities + totals[..., None]) / self.penalty(length)
        if not config.trigram_blocking:
            return scores
        for row, hypotheses in enumerate(texts):
            for number, ids in enumerate(hypotheses):
                if self.authors and self._has_repeated(ids):
                    scores[row, number] = _REPEATED
                elif not self.authors and self.words.repeat(ids):
                    scores[row, number, self.begins_word] = float("-inf")
                if not self.authors and (length == config.max_length or not self._words_go_on):
                    scores[row, number, self.words.repeating(ids)] = float("-inf")
        return scores

    def _has_repeated(self, ids: Sequence[int]) -> bool:
        """Whether the last trigram was written before, by the authors' rule.

        In this rule the start and the separator count as words, and the last word need not be complete.
        """
        if len(ids) < 3 or self.names is None:
            return False
        pieces = [self.names[token] for token in (self.tokens.start, *ids)]
        words = " ".join(pieces).replace(" ##", "").split()
        trigrams = list(zip(words, words[1:], words[2:], strict=False))
        return len(words) > 3 and trigrams[-1] in trigrams[:-1]


class _Words:
    """Tells whole words apart, for trigram blocking.

    Attributes:
        continues: For each token, whether it continues the word before it (V).
    """

    def __init__(self, tokens: SearchTokens, vocabulary: int) -> None:
        known, pieces = list(tokens.continues or ()), list(tokens.pieces or ())
        self.continues = known + [False] * (vocabulary - len(known))
        self._pieces = pieces + [f"{token} " for token in range(len(pieces), vocabulary)]
        self._separator = tokens.separator

    def repeat(self, ids: Sequence[int]) -> bool:
        """Whether the last three words, in a row in one sentence, were written before."""
        words = self._whole(self._split(ids))
        last = words[-3:]
        if len(words) < 4 or None in last or words.count(last[2]) < 2:
            return False
        return any(words[place : place + 3] == last for place in range(len(words) - 3))

    def repeating(self, ids: Sequence[int]) -> list[int]:
        """The tokens that, as the next one, would repeat three words in a row that were written before."""
        words = self._split(ids)
        last, before, words = words[-1:], self._whole(words[:-1]), self._whole(words)
        found: list[int] = []
        for first, second, third in zip(words, words[1:], words[2:], strict=False):
            if first is None or second is None or third is None:
                continue
            if [first, second] == words[-2:]:
                found += self._by_piece.get((False, third), ())
            if [first, second] == before[-2:] and last[0] is not None and third.startswith(last[0]):
                found += self._by_piece.get((True, third[len(last[0]) :]), ())
        return found

    @functools.cached_property
    def _by_piece(self) -> dict[tuple[bool, str], list[int]]:
        """Tokens by what they add to a word, and whether they continue one."""
        found: dict[tuple[bool, str], list[int]] = {}
        for token, key in enumerate(zip(self.continues, self._pieces, strict=True)):
            found.setdefault(key, []).append(token)
        return found

    def without_last(self, ids: list[int]) -> list[int]:
        """A text without its last word."""
        end = len(ids) - 1
        while end > 0 and self.continues[ids[end]]:
            end -= 1
        return ids[:end]

    def _split(self, ids: Sequence[int]) -> list[str | None]:
        """The words; None between two sentences."""
        words: list[str | None] = []
        for token in ids:
            last = words[-1] if words else None
            if token == self._separator:
                words.append(None)
            elif last is not None and self.continues[token]:
                words[-1] = last + self._pieces[token]
            else:
                words.append(self._pieces[token])
        return words

    @staticmethod
    def _whole(words: list[str | None]) -> list[str | None]:
        """Words without those that are only a space so far."""
        return [word for word in words if word != ""] if "" in words else words


# A continuation: its score, the hypothesis that it continues, and its token.
Continuation = tuple[float, int, int]


@dataclass
class _Search:
    """The search for one document's text.

    Attributes:
        config: How to search.
        tokens: What to know of the vocabulary.
        words: The words of a text.
        texts: Tokens of the K hypotheses.
        finished: The hypotheses that have ended.
    """

    config: GenerationConfig
    tokens: SearchTokens
    words: _Words
    texts: list[list[int]]
    finished: list[Hypothesis] = field(default_factory=list)

    def best(self) -> Hypothesis:
        """The finished hypothesis with the best score; the first found of equals."""
        return max(self.finished, key=lambda hypothesis: hypothesis.score)

    def go_on(self, chosen: Sequence[tuple[int, Continuation]]) -> tuple[list[int], list[int], list[int]]:
        """Replaces the hypotheses by continuations; returns ranks, parents and last tokens of the new ones."""
        self.texts = [[*self.texts[parent], token] for _, (_, parent, token) in chosen]
        return [rank for rank, _ in chosen], [one[1] for _, one in chosen], [one[2] for _, one in chosen]


class _Standard(_Search):
    """The standard search: a hypothesis that ends leaves the beam.

    The search ends when the best open hypothesis, by its score at its present length, could not become one of the K
    best finished ones, or when hypotheses have the largest length allowed.
    """

    def advance(self, found: Sequence[Continuation], length: int) -> tuple[list[int], list[int], list[int]] | None:
        """Takes the 2 K best continuations, best first; returns the K that go on, or None at the end."""
        size, penalty = self.config.beam_size, length_penalty(length, self.config.length_penalty)
        going: list[tuple[int, Continuation]] = []
        for rank, (score, parent, token) in enumerate(found):
            if token == self.tokens.end and score > float("-inf"):
                if rank < size:
                    self._finish([*self.texts[parent], token], score / penalty)
            elif len(going) < size:
                going.append((rank, (score, parent, token)))
        best = going[0][1][0]
        if length == self.config.max_length or best == float("-inf"):
            for _, (score, parent, token) in going:
                if score > float("-inf"):
                    self._finish([*self.texts[parent], token], score / penalty)
            if not self.finished:  # everything was forbidden
                ids = self.texts[0]
                self._finish(self.words.without_last(ids) if self._repeats(ids) else ids, float("-inf"))
            return None
        if len(self.finished) == size and best / penalty <= self.finished[-1].score:
            return None
        return self.go_on(going)

    def _repeats(self, ids: list[int]) -> bool:
        return self.config.trigram_blocking and self.words.repeat(ids)

    def _finish(self, ids: list[int], score: float) -> None:
        """Keeps the K best, best first."""
        self.finished.append(Hypothesis(ids, score))
        self.finished.sort(key=lambda hypothesis: -hypothesis.score)
        del self.finished[self.config.beam_size :]


class _Presumm(_Search):
    """The authors' search: a hypothesis that ends stays in the beam. The search ends when the best one has ended."""

    def advance(self, found: Sequence[Continuation], length: int) -> tuple[list[int], list[int], list[int]] | None:
        """Takes the K best continuations, best first; returns them, or None at the end."""
        over = found[0][2] == self.tokens.end or length == self.config.max_length
        for score, parent, token in found:
            if over or token == self.tokens.end:
                self.finished.append(Hypothesis([*self.texts[parent], token], score))
        return None if over else self.go_on(list(enumerate(found)))
