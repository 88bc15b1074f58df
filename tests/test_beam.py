"""Beam search finds what a slow and obvious search finds; no words are written twice; it ends whatever is forbidden."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from bertsum.config import Config, DecoderConfig, GenerationConfig
from bertsum.errors import BertsumError
from bertsum.models.beam import Hypothesis, SearchTokens, _Words, beam_search, length_penalty
from bertsum.models.decoder import Decoder

SIZE = 8
START, END, SEPARATOR = 1, 2, 3
# Pieces of words, some of which spell the same word: "ab" and "a ##b".
NAMES = ["[PAD]", "[S]", "[E]", "[Q]", "a", "b", "ab", "##a", "##b", "c"]
WORDS = SearchTokens(
    START, END, SEPARATOR, (0, 1), [name.startswith("##") for name in NAMES],
    [name.removeprefix("##") for name in NAMES], NAMES,
)  # fmt: skip


def make(seed: int, vocabulary: int, sharpness: float = 1.0) -> Decoder:
    """A random decoder whose distributions are far from equal."""
    torch.manual_seed(seed)
    decoder = Decoder(DecoderConfig(layers=2, heads=2, feedforward=12), SIZE, vocabulary).eval()
    for parameter in decoder.parameters():
        torch.nn.init.normal_(parameter, std=0.6 * sharpness)
    return decoder


def sources(seed: int, lengths: Sequence[int]) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(length, SIZE, generator=generator) for length in lengths]


def search(
    decoder: Decoder, memories: Sequence[torch.Tensor], tokens: SearchTokens, **options: Any
) -> list[Hypothesis]:
    longest = max(map(len, memories))
    memory = torch.stack([torch.cat([one, torch.ones(longest - len(one), SIZE)]) for one in memories])
    mask = torch.arange(longest) < torch.tensor([len(one) for one in memories])[:, None]
    return beam_search(decoder, memory, mask, GenerationConfig(**options), tokens)


def next_token(decoder: Decoder, memory: torch.Tensor) -> Callable[[Sequence[int]], list[float]]:
    """Log-probabilities of the token after a text, by the whole pass over it."""

    def ask(ids: Sequence[int]) -> list[float]:
        target = torch.tensor([[START, *ids, END]])
        with torch.inference_mode():
            found: list[float] = decoder(target, [target.shape[1]], memory, [len(memory)])[-1].tolist()
        return found

    return ask


def words_of(ids: Sequence[int]) -> list[list[str]]:
    """The words of each sentence, from the text."""
    text = " ".join(NAMES[token] for token in ids if token != END).replace(" ##", "")
    return [sentence.replace("##", "").split() for sentence in text.split("[Q]")]


def trigrams_of(ids: Sequence[int]) -> list[tuple[str, ...]]:
    return [three for words in words_of(ids) for three in zip(words, words[1:], words[2:], strict=False)]


def repeats(ids: Sequence[int]) -> bool:
    return len(set(trigrams_of(ids))) < len(trigrams_of(ids))


def penalty(length: int, exponent: float) -> float:
    return ((5 + length) / 6) ** exponent


def naive(ask: Callable[[Sequence[int]], list[float]], tokens: SearchTokens, config: GenerationConfig) -> Hypothesis:
    """Lists of texts, and no more thought than the definition asks for."""
    going: list[tuple[float, list[int]]] = [(0.0, [])]
    finished: list[Hypothesis] = []
    size, exponent = config.beam_size, config.length_penalty
    for length in range(1, config.max_length + 1):
        longer = []
        for total, ids in going:
            for token, log_probability in enumerate(ask(ids)):
                begins_word = tokens.continues is None or not tokens.continues[token]
                last = length == config.max_length
                blocked = (repeats(ids) and begins_word) or (last and repeats([*ids, token]))
                blocked = blocked and config.trigram_blocking
                too_early = token == END and length <= config.min_length
                if token not in tokens.forbidden and not too_early and not blocked:
                    longer.append((total + log_probability, [*ids, token]))
        best = sorted(longer, key=lambda one: -one[0])[: 2 * size]
        ended = [one for one in best[:size] if one[1][-1] == END]
        going = [one for one in best if one[1][-1] != END][:size]
        if length == config.max_length:
            ended += going
        finished += [Hypothesis(ids, total / penalty(length, exponent)) for total, ids in ended]
        finished = sorted(finished, key=lambda one: -one.score)[:size]
        if not going or (len(finished) == size and going[0][0] / penalty(length, exponent) <= finished[-1].score):
            break
    return finished[0]


def assert_same(found: Hypothesis, expected: Hypothesis) -> None:
    assert found.ids == expected.ids
    assert found.score == pytest.approx(expected.score, abs=1e-5)


CASES = [
    {"beam_size": 1, "length_penalty": 0.0, "max_length": 9},
    {"beam_size": 2, "length_penalty": 0.95, "max_length": 12},
    {"beam_size": 3, "length_penalty": 2.0, "max_length": 10, "min_length": 4},
    {"beam_size": 5, "length_penalty": 0.6, "max_length": 10, "min_length": 10},
    {"beam_size": 7, "length_penalty": 0.0, "max_length": 6, "min_length": 1},
]


@pytest.mark.parametrize("blocking", [False, True])
@pytest.mark.parametrize("options", CASES)
def test_equal_to_a_naive_search(options, blocking) -> None:
    """For documents together, too, of which each ends at its own time."""
    options = {**options, "trigram_blocking": blocking}
    for seed in range(4):
        decoder, memories = make(seed, len(NAMES)), sources(seed, [3, 9, 1, 70])
        together = search(decoder, memories, WORDS, **options)
        for found, memory in zip(together, memories, strict=True):
            expected = naive(next_token(decoder, memory), WORDS, GenerationConfig(**options))
            assert_same(found, expected)
            assert_same(search(decoder, [memory], WORDS, **options)[0], expected)


@pytest.mark.parametrize(("exponent", "least"), [(0.0, 0), (1.0, 2)])
def test_a_wide_beam_finds_the_best_of_all_texts(exponent, least) -> None:
    vocabulary, most = 5, 4  # so few that no text falls out of the beam
    tokens = SearchTokens(START, END, SEPARATOR, (0, 1))
    for seed in range(4):
        decoder, (memory,) = make(seed, vocabulary), sources(seed, [4])
        ask = next_token(decoder, memory)
        every = []
        for length in range(1, most + 1):
            for ids in itertools.product((END, 3, 4), repeat=length):
                whole = ids[-1] == END if length < most else True
                if END in ids[:-1] or not whole or (ids[-1] == END and length <= least):
                    continue
                total = sum(ask(ids[:place])[token] for place, token in enumerate(ids))
                every.append(Hypothesis(list(ids), total / penalty(length, exponent)))
        (found,) = search(
            decoder, [memory], tokens, beam_size=100, length_penalty=exponent, min_length=least, max_length=most,
            trigram_blocking=False,
        )  # fmt: skip
        assert_same(found, max(every, key=lambda one: one.score))


def test_a_beam_of_one_is_greedy() -> None:
    for seed in range(8):
        decoder, (memory,) = make(seed, len(NAMES)), sources(seed, [5])
        ask, ids = next_token(decoder, memory), []
        while len(ids) < 15 and END not in ids:
            log_probabilities = ask(ids)
            ids.append(max(range(2, len(NAMES)), key=log_probabilities.__getitem__))
        (found,) = search(decoder, [memory], WORDS, beam_size=1, max_length=15, trigram_blocking=False)
        assert found.ids == ids


@examples(max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    size=st.integers(1, 4),
    least=st.integers(0, 20),
    length=st.integers(20, 40),
    sharpness=st.sampled_from([0.3, 1.0, 3.0]),
)
def test_no_three_words_are_written_twice(seed, size, least, length, sharpness) -> None:
    decoder, memories = make(seed, len(NAMES), sharpness), sources(seed, [3, 6])
    options = {"beam_size": size, "min_length": least, "max_length": length, "length_penalty": 1.0}
    for found in search(decoder, memories, WORDS, **options, trigram_blocking=True):
        assert not repeats(found.ids), [NAMES[token] for token in found.ids]
    for blocking in (True, False):
        for found in search(decoder, memories, WORDS, **options, trigram_blocking=blocking):
            assert len(found.ids) <= length
            assert len(found.ids) - found.ids.count(END) >= least or found.score == float("-inf")
            assert END not in found.ids[:-1] and not {0, START} & set(found.ids)


class Wished(Decoder):
    """Writes what it is told to, as far as it may: each place has its favourite token."""

    def __init__(self, favourites: Sequence[int], vocabulary: int) -> None:
        super().__init__(DecoderConfig(layers=1, heads=2, feedforward=4), SIZE, vocabulary)
        self.favourites, self.place = favourites, 0

    def step(self, token_ids: torch.Tensor, state: Any) -> torch.Tensor:
        scores = torch.zeros(*token_ids.shape, len(self.generator_bias))
        scores += torch.arange(len(self.generator_bias)) * -0.01  # ties are none
        scores[..., self.favourites[min(self.place, len(self.favourites) - 1)]] = 9.0
        self.place += 1
        return scores.log_softmax(dim=-1)


def wished(names: str, **options: Any) -> str:
    """What greedy search makes of a wish."""
    ids = [NAMES.index(name) for name in names.split()]
    options = {"beam_size": 1, "max_length": len(ids), "trigram_blocking": True, **options}
    (found,) = search(Wished(ids, len(NAMES)), sources(0, [2]), WORDS, **options)
    return " ".join(NAMES[token] for token in found.ids)


def test_blocking_acts_at_the_first_repeat() -> None:
    free = "a b c b a c ab b b a b b [E]"
    assert wished(free) == free
    # The third word may still become another one; it does, because no other may begin.
    assert wished("a b c a b c b [E]") == "a b c a b c ##a [E]"
    assert wished("a b c a b c ##b [E]") == "a b c a b c ##b [E]"
    assert wished("a b c a b c [E] [E]") == "a b c a b c ##a [E]"
    assert wished("a ##b b c ab b c c [E]") == "a ##b b c ab b c ##a [E]"  # the same words, cut otherwise
    assert wished("a b c [Q] a b c a [E]") == "a b c [Q] a b c ##a [E]"  # in another sentence
    assert wished("a b [Q] c a b [Q] c a [E]") == "a b [Q] c a b [Q] c a [E]"  # but not across two of them
    assert wished("a a a a a a [E]") == "a a a a ##a a [E]"
    assert wished("a b c a b c b [E]", trigram_blocking=False) == "a b c a b c b [E]"


def test_a_repeat_at_the_very_end() -> None:
    """There the last word is whole, since nothing may follow."""
    assert wished("a b c a b c") == "a b c a b [E]"
    assert wished("a b c a b c", min_length=6) == "a b c a b [Q]"
    assert wished("a b ab a b a ##b") == "a b ab a b a [E]"
    # Where only pieces of the last word may follow, and each makes another repeat, the word is left out.
    before = "a b a [Q] a b a ##a [Q] a b ab [Q] a b"
    assert wished(f"{before} a a") == before


@pytest.mark.parametrize("size", [1, 3])
def test_everything_forbidden(size) -> None:
    decoder, memories = make(0, 6), sources(0, [3, 2])
    nothing = SearchTokens(START, END, SEPARATOR, (0, 1, 2, 3, 4, 5))
    for found in search(decoder, memories, nothing, beam_size=size, max_length=5):
        assert found == Hypothesis([], float("-inf"))
    # One word that cannot go on, and no end: it may stand thrice, and once more would be a repeat.
    one = SearchTokens(START, END, SEPARATOR, (0, 1, 2, 3, 5))
    for found in search(decoder, memories, one, beam_size=size, max_length=9):
        assert found.ids == [4, 4, 4]
    only_end = SearchTokens(START, END, SEPARATOR, (0, 1, 3, 4, 5))
    for found in search(decoder, memories, only_end, beam_size=size, max_length=5, min_length=2):
        assert found == Hypothesis([], float("-inf"))


def test_weights_that_are_not_finite() -> None:
    decoder = make(0, len(NAMES))
    torch.nn.init.constant_(decoder.norm.weight, float("nan"))
    for name in ("standard", "presumm"):
        with pytest.raises(BertsumError, match="a probability is not a number; the model's weights are broken"):
            search(decoder, sources(0, [3]), WORDS, max_length=6, search=name)


def test_words_with_spaces_of_their_own() -> None:
    """As SentencePiece may cut them: a space that begins a word, and a space alone, which is no word."""
    pieces = ["", "", "", "", "", "a", "b", "b", "a"]  # of _, _a, _b, b, a
    spaces = SearchTokens(START, END, SEPARATOR, (0, 1), [False] * 7 + [True] * 2, pieces)
    space, a, b, more_b, more_a = range(4, 9)
    words = _Words(spaces, 9)
    assert words.repeat([a, b, a, space, a, space, b, a])
    assert words.repeat([a, b, a, a, space, space, more_b, space, more_a])
    assert not words.repeat([a, b, a, a, b, more_a])
    assert not words.repeat([a, b, a, a, b, space])
    assert sorted(words.repeating([a, b, a, a, b])) == [a]
    assert sorted(words.repeating([a, b, a, a, b, space])) == [a, more_a]
    assert sorted(words.repeating([a, a, b, more_b, a, a, b])) == [more_b]
    assert words.repeating([a, b, a, SEPARATOR, b]) == words.repeating([]) == []


def test_a_penalty_that_no_number_holds() -> None:
    assert length_penalty(100_000, Config.load(None, ["generation.length_penalty=10"]).generation.length_penalty) > 1e40
    with pytest.raises(BertsumError, match=r"generation\.length_penalty: got 1000"):
        Config.load(None, ["generation.length_penalty=1000"])
