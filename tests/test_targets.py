"""Summaries as tokens: what marks their parts, cuts, text again, which tokens go on with a word."""

from __future__ import annotations

import pytest
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from bertsum.data.targets import TargetEncoder
from bertsum.errors import BertsumError

PIECES = [
    *("[PAD]", "[unused0]", "[unused1]", "[unused2]", "[unused3]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    *("the", "light", "##house", "##s", "close", ".", "[", "]", "un", "##used", "##2", "sep"),
]
NAMED = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}


def wordpiece(pieces: list[str]) -> PreTrainedTokenizerFast:
    made = Tokenizer(models.WordPiece({piece: number for number, piece in enumerate(pieces)}, unk_token="[UNK]"))
    made.normalizer, made.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    made.add_special_tokens([AddedToken(piece, special=True) for piece in pieces if piece in NAMED.values()])
    return PreTrainedTokenizerFast(tokenizer_object=made, **NAMED)


@pytest.fixture(scope="module")
def target() -> TargetEncoder:
    return TargetEncoder(wordpiece(PIECES), 12)


def test_the_parts_of_a_summary(target) -> None:
    ids = target.encode(["The lighthouses close.", "The light"])
    assert (target.start_id, target.end_id, target.separator_id, target.pad_id) == (1, 2, 3, 0)
    tokens = ["[unused0]", "the", "light", "##house", "##s", "close", ".", "[unused2]", "the", "light", "[unused1]"]
    assert target.tokenizer.convert_ids_to_tokens(ids) == tokens
    assert target.decode(ids) == ["the lighthouses close .", "the light"]
    assert target.encode([]) == [1, 2]
    assert target.decode([1, 2]) == []


def test_a_long_summary_ends_with_its_end(target) -> None:
    exact, long = ["the"] * 10, ["the"] * 11
    assert target.encode([" ".join(exact)]) == target.encode([" ".join(long)]) == [1, *[9] * 10, 2]
    assert target.whole([" ".join(long)]) == [1, *[9] * 11, 2]


def test_special_tokens_in_a_summary_are_text(target) -> None:
    ids = target.encode(["[unused2] [SEP]"])
    assert target.tokenizer.convert_ids_to_tokens(ids) == [
        *("[unused0]", "[", "un", "##used", "##2", "]", "[", "sep", "]", "[unused1]")
    ]


def test_text_of_tokens(target) -> None:
    ids = [1, 11, 10, 11, 3, 4, 3, 0, 7, 13, 5, 14, 2, 9, 9]  # ##house light ##house, nothing, close .; then the end
    assert target.decode(ids) == ["house lighthouse", "close ."]


def test_tokens_that_go_on_with_a_word(target) -> None:
    assert [PIECES[number] for number, goes_on in enumerate(target.continues) if goes_on] == [
        *("##house", "##s", "##used", "##2")
    ]
    assert [PIECES[number] for number in target.specials] == [
        *("[PAD]", "[unused0]", "[unused3]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
    ]


def test_other_tokenizers(byte_tokenizer) -> None:
    with pytest.raises(
        BertsumError, match=r"decoder\.tokenizer: it lacks \[unused0\].* expected cut, wordpiece or uni"
    ):
        TargetEncoder(byte_tokenizer, 12)
    with pytest.raises(BertsumError, match=r"it lacks \[unused2\], which"):
        TargetEncoder(wordpiece([piece for piece in PIECES if piece != "[unused2]"]), 12)
    backend = Tokenizer.from_str(byte_tokenizer.backend_tokenizer.to_str())
    backend.add_special_tokens([f"[unused{number}]" for number in range(3)])
    with pytest.raises(BertsumError, match="it lacks a padding token"):
        TargetEncoder(PreTrainedTokenizerFast(tokenizer_object=backend), 12)
    backend.decoder = decoders.ByteLevel()
    target = TargetEncoder(PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="<pad>"), 100)
    text = ["The café's bridge — 橋."]
    ids = target.encode(text)
    assert target.decode(ids) == text
    words = "".join("_" * (not target.continues[number]) + token for number, token in zip(
        ids[1:-1], target.tokenizer.convert_ids_to_tokens(ids[1:-1]), strict=True))  # fmt: skip
    assert words.count("_") == words.count("Ġ") == 4
    assert {target.end_id, target.separator_id}.isdisjoint(target.specials)


def test_words_between_spaces() -> None:
    spaces = TargetEncoder(wordpiece(PIECES), 12, words="spaces")
    assert spaces.encode(["The  light close.", "[unused2]"]) == [1, 9, 10, 5, 3, 5, 2]  # 'close.' is no piece
