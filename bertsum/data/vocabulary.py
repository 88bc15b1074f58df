"""Makes a tokenizer for a run: the encoder's, cut to the training summaries, or one learned from training texts."""

from __future__ import annotations

import functools
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bertsum.config import Config
from bertsum.data.documents import Rejected
from bertsum.data.fingerprints import describe_code, describe_sources, describe_tokenizer, fingerprint_of
from bertsum.data.sources import read_documents
from bertsum.data.targets import END, SEPARATOR, START
from bertsum.data.tokenization import TextTokenizer
from bertsum.errors import BertsumError
from bertsum.files import whole_folder
from bertsum.progress import Progress
from bertsum.text import sanitize

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

LEARNED = ("cut", "wordpiece", "unigram")
# Padding first, so that it is token 0.
_SPECIAL = {"pad": "[PAD]", "start": START, "end": END, "separator": SEPARATOR,
            "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}  # fmt: skip
_NAMED = ("pad", "unk", "cls", "sep", "mask")  # the roles that transformers knows
_READ_FIELDS = ("document_field", "summary_field", "target_suffix", "summary_list", "limit", "document_folders")
_BYTES = [f"<0x{number:02X}>" for number in range(256)]
_LEAST_UNIGRAM = 512  # half of them are bytes


def is_learned(name: str | None) -> bool:
    """Whether a value of ``decoder.tokenizer`` is a tokenizer of this module, and not a name or a folder."""
    return name in LEARNED


def learned_source(config: Config) -> PreTrainedTokenizerFast:
    """The WordPiece tokenizer of an encoder from scratch, learned from the training documents.

    It has the special tokens of summaries, too, so that a decoder may share it.

    Raises:
        BertsumError: if there are no training documents, or it cannot be kept in ``data.prepared_dir``.
    """
    size, words = config.model.scratch_vocabulary, config.encoding.words

    def learn() -> PreTrainedTokenizerFast:
        return _learn_wordpiece(functools.partial(_texts, config, "documents"), size, words)

    return _kept(config, {"side": "documents", "kind": "wordpiece", "size": size, "words": words}, learn)


def target_tokenizer(config: Config, tokenizer: PreTrainedTokenizerBase) -> PreTrainedTokenizerFast | None:
    """The decoder's tokenizer, if it is made here.

    Args:
        config: Its ``decoder`` is read.
        tokenizer: The encoder's tokenizer.

    Returns:
        The tokenizer; None if the decoder has the encoder's tokenizer, or one that the caller loads by its name (where
        :func:`is_learned` is false).

    Raises:
        BertsumError: if there are no training summaries, if there is nothing to cut, or if it cannot be kept in
            ``data.prepared_dir``.
    """
    kind, size, words = config.decoder.tokenizer, config.decoder.vocabulary, config.encoding.words
    if not is_learned(kind):
        return None
    described: dict[str, Any] = {"side": "summaries", "kind": kind, "size": size, "words": words}
    if kind == "cut":
        described["tokenizer"] = describe_tokenizer(tokenizer)
        _check_wordpiece(tokenizer)
    elif kind == "unigram" and size < _LEAST_UNIGRAM:
        raise BertsumError(
            f"decoder.vocabulary: got {size}, expected {_LEAST_UNIGRAM} or more with decoder.tokenizer unigram, of "
            "which 256 are bytes"
        )

    summaries = functools.partial(_texts, config, "summaries")

    def learn() -> PreTrainedTokenizerFast:
        if kind == "cut":
            return _cut(tokenizer, summaries(), size, words)
        if kind == "unigram":
            return _learn_unigram(summaries, size)
        return _learn_wordpiece(summaries, size, words)

    return _kept(config, described, learn)


def _texts(config: Config, side: str) -> Iterator[str]:
    """The training documents or summaries; unusable documents are skipped here, and ``prepare`` reports them."""
    with Progress(f"learn the vocabulary of {side}") as progress:
        for document in read_documents(config.data, "train", labelled=side != "documents"):
            if not isinstance(document, Rejected):
                for text in [document.text] if side == "documents" else document.references:
                    yield from [text] if isinstance(text, str) else map(sanitize, text)
            progress.update()


def _kept(
    config: Config, described: dict[str, Any], learn: Callable[[], PreTrainedTokenizerFast]
) -> PreTrainedTokenizerFast:
    """The tokenizer in the folder of prepared data, learned if it is not there; other processes wait."""
    from filelock import FileLock
    from transformers import PreTrainedTokenizerFast

    data = asdict(config.data)
    described = {
        **described,
        "sources": describe_sources(config.data, "train", labelled=described["side"] != "documents"),
        "data": {name: data[name] for name in _READ_FIELDS},
        **describe_code(Path(__file__)),
    }
    folder = Path(config.data.prepared_dir) / f"tokenizer-{fingerprint_of(described)}"
    if not folder.exists():
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(folder.with_name(f".{folder.name}.lock")):
                if not folder.exists():
                    with whole_folder(folder) as unfinished:
                        tokenizer = learn()
                        tokenizer.save_pretrained(str(unfinished))
                    print(f"Learned {len(tokenizer):,} tokens of {described['side']} in {folder}", flush=True)
        except OSError as error:
            raise BertsumError(f"data.prepared_dir: '{folder}' cannot be written: {error}") from error
    try:
        return PreTrainedTokenizerFast.from_pretrained(str(folder))
    except Exception as error:  # transformers and tokenizers raise errors of many kinds, one of them plain Exception
        first = next(iter(str(error).splitlines()), type(error).__name__)
        raise BertsumError(f"'{folder}' is broken: {first}; remove it, and it is learned again") from error


def _learn_wordpiece(texts: Callable[[], Iterable[str]], size: int, words: str) -> PreTrainedTokenizerFast:
    """A WordPiece tokenizer as BERT's, with the text's own capitals and accents.

    The trainer numbers pieces in an order that differs from process to process, and breaks ties by number. It is given
    all characters with their numbers, and then learns the same pieces each time.
    """
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    special = list(_SPECIAL.values())
    trained = Tokenizer(models.WordPiece(unk_token=_SPECIAL["unk"]))
    normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    if words == "spaces":
        trained.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    else:
        trained.normalizer, trained.pre_tokenizer = normalizer, pre_tokenizers.BertPreTokenizer()
    characters = _characters(trained, texts(), size - len(special))
    trainer = trainers.WordPieceTrainer(
        vocab_size=size, min_frequency=2, limit_alphabet=0, special_tokens=[*special, *characters], show_progress=False
    )
    trained.train_from_iterator(texts(), trainer)
    made = Tokenizer(models.WordPiece(trained.get_vocab(), unk_token=_SPECIAL["unk"]))
    made.normalizer, made.pre_tokenizer = normalizer, pre_tokenizers.BertPreTokenizer()
    made.decoder = decoders.WordPiece(cleanup=False)
    return _wrapped(made, _SPECIAL)


def _characters(tokenizer: Any, texts: Iterable[str], most: int) -> list[str]:
    """The most frequent characters, each also as the inside of a word if it occurs there."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(tokenizer.normalizer.normalize_str(text) if tokenizer.normalizer else text)
    if not counts:
        raise _nothing_to_learn()
    pieces: list[str] = []
    for character in sorted(counts, key=lambda one: (-counts[one], one)):
        around = f"a{character}a"
        if tokenizer.normalizer:
            around = tokenizer.normalizer.normalize_str(around)
        found = [word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(around) if character in word]
        pieces += [character] if found else []
        pieces += [f"##{character}"] if any(character in word[1:] for word in found) else []
        if len(pieces) >= most:
            break
    return sorted(pieces[:most])


def _learn_unigram(texts: Callable[[], Iterable[str]], size: int) -> PreTrainedTokenizerFast:
    """A tokenizer of SentencePiece's kind that keeps every character: rare ones are written as bytes.

    Scores are made equal from process to process (:func:`_settled`).
    """
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    # A bracket is always alone, so that no text has a special token, or a byte such as <0x41>, among its pieces.
    brackets = pre_tokenizers.Split(Regex(r"[\[<]"), "isolated")
    pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Metaspace(), brackets])
    trained = Tokenizer(models.Unigram())
    trained.pre_tokenizer = pre_tokenizer
    characters: set[str] = set()
    for text in texts():
        characters.update(text)
    if not characters:
        raise _nothing_to_learn()
    room = size - len(_SPECIAL) - len(_BYTES)
    most = max(room, len(characters) + 1)  # the trainer asks for room for all characters, and the mark of a space
    trained.train_from_iterator(texts(), trainers.UnigramTrainer(vocab_size=most, show_progress=False))
    learned = json.loads(trained.to_str())["model"]["vocab"]
    pieces = _settled(learned)
    alone = [(piece, 0.0) for piece in [*_SPECIAL.values(), *_BYTES]]
    unknown = list(_SPECIAL).index("unk")
    made = Tokenizer(models.Unigram([*alone, *pieces[:room]], unknown, byte_fallback=True))
    made.pre_tokenizer = pre_tokenizer
    made.decoder = decoders.Sequence([decoders.Metaspace(), decoders.ByteFallback(), decoders.Fuse()])
    return _wrapped(made, _SPECIAL)


def _settled(learned: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
    """The pieces that the trainer of Unigram has learned, the most probable first.

    From process to process, its sums differ in their last digits; and it gives characters that it would have dropped
    the lowest score and 0.0001 more from one to the next, in any order. Here all of those get the lowest score.
    """
    scores = dict(learned)
    lowest = min(scores.values())
    raised = lowest + 0.0001 * sum(len(piece) == 1 for piece in scores)
    for piece, score in scores.items():
        scores[piece] = round(lowest if len(piece) == 1 and score <= raised else score, 6)
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))


def _cut(tokenizer: PreTrainedTokenizerBase, texts: Iterable[str], size: int, words: str) -> PreTrainedTokenizerFast:
    """The encoder's tokenizer with only those pieces that the texts have, in their order."""
    from tokenizers import Tokenizer

    backend: Any = tokenizer.backend_tokenizer
    described = json.loads(backend.to_str())
    model = described["model"]
    named = {role: getattr(tokenizer, f"{role}_token") for role in _NAMED}
    special = {role: named.get(role) or token for role, token in _SPECIAL.items()}
    counts: Counter[int] = Counter()
    for tokens in TextTokenizer(tokenizer, words)(texts):
        counts.update(tokens)
    pieces = {number: piece for piece, number in model["vocab"].items()}
    found = {pieces[number]: count for number, count in counts.items() if number in pieces}
    if not found:
        raise _nothing_to_learn()
    ordered = _most_needed(found, model["vocab"], model["continuing_subword_prefix"])
    chosen = [piece for piece in ordered if piece not in special.values()][: size - len(special)]
    kept = [*special.values(), *sorted(chosen, key=model["vocab"].__getitem__)]
    model["vocab"] = {piece: number for number, piece in enumerate(kept)}
    model["unk_token"] = special["unk"]
    for part in ("added_tokens", "truncation", "padding", "post_processor"):  # with the numbers of the old tokens
        described[part] = [] if part == "added_tokens" else None
    return _wrapped(Tokenizer.from_str(json.dumps(described)), special)


def _most_needed(counts: Mapping[str, int], vocabulary: Mapping[str, int], prefix: str) -> list[str]:
    """Pieces by need: single characters, with which all words can be spelled, then the most frequent pieces."""
    characters: Counter[str] = Counter()
    for piece, count in counts.items():
        for character in piece.removeprefix(prefix):
            characters[character] += count
    single = sorted(characters, key=lambda one: (-characters[one], one))
    spelling = [piece for one in single for piece in (one, prefix + one) if piece in vocabulary]
    frequent = sorted(counts, key=lambda piece: (-counts[piece], vocabulary[piece]))
    return list(dict.fromkeys([*spelling, *frequent]))


def _check_wordpiece(tokenizer: PreTrainedTokenizerBase) -> None:
    backend: Any = tokenizer.backend_tokenizer
    kind = json.loads(backend.to_str())["model"].get("type")
    if kind != "WordPiece":
        raise BertsumError(
            f"decoder.tokenizer: got cut with an encoder whose tokenizer is of the kind {kind}, expected WordPiece "
            "(BERT's), or decoder.tokenizer wordpiece or unigram"
        )


def _nothing_to_learn() -> BertsumError:
    return BertsumError("data.train: has no text to learn a vocabulary from")


def _wrapped(tokenizer: Any, special: Mapping[str, str]) -> PreTrainedTokenizerFast:
    """A tokenizer as transformers has it; ``special`` are its special tokens by their role."""
    from tokenizers import AddedToken
    from transformers import PreTrainedTokenizerFast

    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special.values()])
    named = {f"{role}_token": special[role] for role in _NAMED}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **named)
