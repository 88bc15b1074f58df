"""Whole words of any tokenizer, windows of a text, and which words are hidden."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from bertsum.data.masking import Masker, Words, window_key
from bertsum.data.tokenization import TextTokenizer
from bertsum.errors import BertsumError

TEXT = "The ferry stayed in the harbour, because the well-known breakwater had broken. "


def words_of(tokenizer, text: str) -> list[str]:
    """The words of a text, each as its tokens, joined."""
    ids = np.array(next(TextTokenizer(tokenizer)([text])))
    words: list[str] = []
    for name, begins in zip(tokenizer.convert_ids_to_tokens(ids.tolist()), Words(tokenizer).begins(ids), strict=True):
        words = [*words, name] if begins else [*words[:-1], words[-1] + name.removeprefix("##")]
    return words


def test_words_of_berts_kind(tokenizer) -> None:
    assert words_of(tokenizer, TEXT) == TEXT.lower().replace(",", " ,").replace("-", " - ").replace(".", " .").split()


def test_words_of_bytes(byte_tokenizer) -> None:
    """A comma is a word by itself, and so is what follows a hyphen; the space before a word is part of it."""
    words = words_of(byte_tokenizer, TEXT.strip())
    assert words == ["The", "Ġferry", "Ġstayed", "Ġin", "Ġthe", "Ġharbour", ",", "Ġbecause", "Ġthe", "Ġwell", "-",
                     "known", "Ġbreakwater", "Ġhad", "Ġbroken", "."]  # fmt: skip


@pytest.fixture(scope="module")
def unigram_tokenizer() -> PreTrainedTokenizerFast:
    """A tokenizer of XLM-R's kind."""
    pieces = ["<unk>", "▁", "▁rain", "ing", "▁Rain", ",", ".", "下", "雨", "了", "▁下", "a", "b", "c"]
    pieces += ["<mask>", "<s>", "</s>"]
    unigram = Tokenizer(models.Unigram([(piece, -1.0) for piece in pieces], 0))
    unigram.pre_tokenizer = pre_tokenizers.Metaspace()
    return PreTrainedTokenizerFast(
        tokenizer_object=unigram, unk_token="<unk>", mask_token="<mask>", cls_token="<s>", sep_token="</s>"
    )


def test_words_of_sentencepiece(unigram_tokenizer) -> None:
    """A character of a script without spaces is a word."""
    assert words_of(unigram_tokenizer, "Raining, rain.") == ["▁Raining", ",", "▁rain", "."]
    assert words_of(unigram_tokenizer, "下雨了。") == ["▁下", "雨", "了", "<unk>"]


def test_what_is_too_long_for_a_word_is_none(unigram_tokenizer) -> None:
    assert words_of(unigram_tokenizer, "abcabcabc rain") == ["▁abcabcabc", "▁rain"]
    assert words_of(unigram_tokenizer, "abcabcabcabc rain") == ["▁", *"abcabcabcabc", "▁rain"]


def test_no_text_has_no_words(tokenizer) -> None:
    assert Words(tokenizer).begins(np.array([], dtype=np.int64)).tolist() == []


@pytest.mark.parametrize("most", [1, 2, 5, 126])
def test_windows_are_full_and_end_with_words(tokenizer, most) -> None:
    words = Words(tokenizer)
    ids = np.array(next(TextTokenizer(tokenizer)([TEXT * 20])))
    begins = words.begins(ids)
    windows = list(words.windows(ids, most))
    assert np.concatenate(windows).tolist() == ids.tolist()
    place = 0
    for window in windows[:-1]:
        place += len(window)
        assert 0 < len(window) <= most
        if not begins[place]:  # only a word that is longer than a window is torn
            assert not begins[place - len(window) + 1 : place + 1].any()
        else:  # the next word would not fit
            following = np.flatnonzero(begins[place + 1 :])
            assert not len(following) or len(window) + 1 + following[0] > most or not begins[place - len(window)]


def test_share_and_kinds_of_masks(tokenizer) -> None:
    """15% of the tokens; of them 80% hidden, 10% replaced, 10% as they were; all others untouched."""
    masker = Masker(tokenizer)
    text = np.array(next(TextTokenizer(tokenizer)([TEXT * 8])))
    window = [tokenizer.cls_token_id, *text.tolist(), tokenizer.sep_token_id]
    counts = np.zeros(3)
    for draw in range(400):
        seen, places = masker(window, (draw,))
        assert len(places) == round(0.15 * len(text))
        assert (np.diff(places) > 0).all() and places[0] > 0 and places[-1] < len(window) - 1
        others = np.setdiff1d(np.arange(len(window)), places)
        assert (seen[others] == np.array(window)[others]).all()
        guessed, before = seen[places], np.array(window)[places]
        assert not set(guessed[guessed != before].tolist()) & set(tokenizer.all_special_ids) - {tokenizer.mask_token_id}
        hidden, same = guessed == tokenizer.mask_token_id, guessed == before
        counts += hidden.sum(), (~hidden & ~same).sum(), same.sum()
    assert counts / counts.sum() == pytest.approx([0.8, 0.1, 0.1], abs=0.01)


def test_whole_words_are_hidden(byte_tokenizer) -> None:
    masker = Masker(byte_tokenizer)
    text = np.array(next(TextTokenizer(byte_tokenizer)([TEXT * 4])))
    begins = masker.words.begins(text)
    word_of = np.cumsum(begins) - 1
    assert len(text) > begins.sum()  # some words have several tokens
    drawn = set()
    for draw in range(50):
        _, places = masker([0, *text.tolist(), 2], (draw,))
        chosen = np.isin(np.arange(len(text)), places - 1)
        drawn.add(tuple(places.tolist()))
        for word in set(word_of[chosen].tolist()):
            assert chosen[word_of == word].all()
    assert len(drawn) == 50


@given(st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_at_least_one_token_is_guessed(tokenizer, count, draw) -> None:
    window = [2, *range(10, 10 + count), 3]
    masker = Masker(tokenizer)
    first, second = masker(window, (0, 1, draw)), masker(window, (0, 1, draw))
    assert len(first[1]) >= 1 and first[1].min() > 0 and first[1].max() <= count
    assert all((one == other).all() for one, other in zip(first, second, strict=True))


def test_a_tokenizer_without_a_mask() -> None:
    plain = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel({"a": 0, "u": 1}, "u")))
    with pytest.raises(BertsumError, match=r"model.encoder: its \w+ has no mask token"):
        Masker(plain)


def test_windows_of_a_document_are_told_apart() -> None:
    keys = {window_key(identity, number) for identity in ("a", "1", "11") for number in (0, 1, 11)}
    assert len(keys) == 9 and all(0 <= key < 2**32 for key in keys)
