"""Formats of the papers' corpora and the authors' code, other than JSON lines.

A reader yields the place and the record of each document in a file. Records have the fields ``id``, ``document`` and
``summary`` (or ``src`` and ``tgt``, as in the file).
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from bertsum.data.torch_files import safe_load
from bertsum.errors import BertsumError

Records = Iterator[tuple[str, Any]]


# One of the authors' shards has about 20 MB; once parsed it takes many times the memory.
_LARGEST_FILE = 1 << 28


class FormatError(ValueError):
    """A file does not have the format that its name says."""


def _bytes(path: Path) -> bytes:
    """The bytes of a file, read at once."""
    with open(path, "rb") as file:
        data = file.read(_LARGEST_FILE + 1)
    if len(data) > _LARGEST_FILE:
        raise FormatError(f"is larger than {_LARGEST_FILE >> 20} MiB, expected a file of one document or one shard")
    return data


def _text(path: Path) -> str:
    """A file's text, with line ends as ``\\n`` and without a byte-order mark."""
    return io.TextIOWrapper(io.BytesIO(_bytes(path)), encoding="utf-8-sig").read()


def read_story(path: Path) -> Records:
    """CNN/DailyMail ``.story``: the article's paragraphs, then each highlight after a line ``@highlight``."""
    article, *highlights = re.split(r"^@highlight[ \t]*$", _text(path), flags=re.MULTILINE)
    paragraphs = [line.strip() for line in article.split("\n") if line.strip()]
    summary = [" ".join(highlight.split()) for highlight in highlights]
    yield str(path), {"id": path.name.removesuffix(".story"), "document": "\n\n".join(paragraphs), "summary": summary}


def read_tokenized_story(path: Path) -> Records:
    """A ``.story`` after Stanford CoreNLP (``.story.json``): sentences of tokens, brackets as ``-LRB-``."""
    article: list[str] = []
    highlights: list[list[str]] = []
    for sentence in json.loads(_bytes(path))["sentences"]:
        words = [_BRACKETS.get(token["word"].lower(), token["word"]) for token in sentence["tokens"]]
        if words[:1] == ["@highlight"]:
            highlights.append(words[1:])
        elif highlights:
            highlights[-1] += words
        else:
            article.append(" ".join(words))
    summary = [" ".join(words) for words in highlights]
    yield str(path), {"id": path.name.removesuffix(".story.json"), "document": article, "summary": summary}


_BRACKETS = {"-lrb-": "(", "-rrb-": ")", "-lcb-": "{", "-rcb-": "}", "-lsb-": "[", "-rsb-": "]", "``": '"', "''": '"'}


def read_json_shard(path: Path) -> Records:
    """PreSumm's ``.json`` shards: a list of objects; ``src`` and ``tgt`` are lists of sentences of tokens."""
    records = json.loads(_bytes(path))
    if not isinstance(records, list):
        raise FormatError(f"got a JSON {type(records).__name__}, expected a list of documents (src, tgt)")
    for number, record in enumerate(records):
        if isinstance(record, dict):
            joined = {field: _joined(record[field]) for field in ("src", "tgt") if field in record}
            record = {"id": f"{path.name.removesuffix('.json')}.{number}", **record, **joined}
        yield f"{path} document {number}", record


def _joined(value: Any) -> Any:
    """Joins tokens to sentences; other values stay."""
    if not isinstance(value, list):
        return value
    return [" ".join(map(str, item)) if isinstance(item, list) else item for item in value]


def read_xsum_text(path: Path) -> Records:
    """XSum after extraction (``.summary``): parts between ``[SN]NAME[SN]`` marks."""
    parts = re.split(r"\[SN\]([A-Z-]+)\[SN\]", _text(path))
    named = dict(zip(parts[1::2], parts[2::2], strict=True))
    for name in ("FIRST-SENTENCE", "RESTBODY"):
        if name not in named:
            raise FormatError(f"has no part [SN]{name}[SN], expected an XSum article")
    paragraphs = [line.strip() for line in named["RESTBODY"].split("\n") if line.strip()]
    summary = " ".join(named["FIRST-SENTENCE"].split())
    yield str(path), {"id": path.stem, "document": "\n\n".join(paragraphs), "summary": [summary]}


def read_xsum_sentences(path: Path) -> Records:
    """XSum in PreSumm's form: ``restbody/ID.restbody`` and ``firstsentence/ID.fs``, one sentence a line."""
    beside = [path.with_suffix(".fs"), path.parent.parent / "firstsentence" / f"{path.stem}.fs"]
    summary = next((file for file in beside if file.is_file()), None)
    if summary is None:
        raise FormatError(f"its summary is missing, expected '{beside[1]}'")
    record = {"id": path.stem, "document": _lines(path), "summary": _lines(summary)}
    yield str(path), record


def _lines(path: Path) -> list[str]:
    lines = _text(path).split("\n")
    return [" ".join(line.split()) for line in lines if line.strip()]


def read_nyt(path: Path) -> Records:
    """The New York Times Annotated Corpus (``.xml``, NITF): the full text by paragraphs; the abstract, split at
    semicolons, without the librarians' marks at the end.
    """
    data = _bytes(path)
    if b"<!ENTITY" in data:
        raise FormatError("declares entities, which articles of the New York Times corpus do not")
    root = ElementTree.fromstring(data)
    body = next((block for block in root.iter("block") if block.get("class") == "full_text"), None)
    abstract = next(root.iter("abstract"), None)
    for name, part in (("full_text block", body), ("abstract", abstract)):
        if part is None:
            raise FormatError(f"has no {name}, expected an article of the New York Times corpus")
    assert body is not None and abstract is not None
    paragraphs = [text for paragraph in body.iter("p") if (text := " ".join("".join(paragraph.itertext()).split()))]
    first = next(abstract.iter("p"), abstract)
    parts = _NYT_MARKS.sub("", " ".join("".join(first.itertext()).split())).split(";")
    summary = [part.strip() for part in parts if len(part.split()) > 2]
    number = next(root.iter("doc-id"), None)
    identity = path.stem if number is None else number.get("id-string", path.stem)
    yield str(path), {"id": identity, "document": "\n\n".join(paragraphs), "summary": summary}


# Marks such as (M) give the article's length; marks such as (photo) tell what comes with it.
_NYT_MARKS = re.compile(r"(\s*\((s|m|l|photos?|graphs?|charts?|maps?|tables?|drawings?)\))+\s*$", re.IGNORECASE)


def read_bert_shard(path: Path) -> Records:
    """The authors' ``.bert.pt`` shards of encoded documents; reading runs no code from the file."""
    records = safe_load(path)
    if not isinstance(records, list):
        raise FormatError(f"got a {type(records).__name__}, expected a list of encoded documents")
    for number, record in enumerate(records):
        if isinstance(record, dict):
            record = {"id": f"{path.name.removesuffix('.pt').removesuffix('.bert')}.{number}", **record}
        yield f"{path} document {number}", record


def read_plain(path: Path) -> Records:
    """A plain text: one document, without a summary."""
    yield str(path), {"id": path.name.removesuffix(".txt"), "document": _text(path)}


# Readers by the end of a file's name; the first that fits is used.
READERS: dict[str, Callable[[Path], Records]] = {
    ".story": read_story,
    ".story.json": read_tokenized_story,
    ".json": read_json_shard,
    ".summary": read_xsum_text,
    ".restbody": read_xsum_sentences,
    ".xml": read_nyt,
    ".pt": read_bert_shard,
}
# Readers that are used, too, if documents need no summaries.
UNLABELLED_READERS: dict[str, Callable[[Path], Records]] = {".txt": read_plain}
_ONE_DOCUMENT = (".story", ".story.json", ".summary", ".restbody", ".xml")
_SPLIT_NAMES = {"validation": ("validation", "valid", "val", "dev")}


def listed_files(listing: Path, split: str, folders: Sequence[str]) -> list[Path]:
    """The files in ``folders`` that are listed for a split.

    Args:
        listing: A text file with one id a line, or for CNN/DailyMail one URL of an article (its SHA-1 is the name of
            the file); or a JSON object with a list of ids for each split, as for XSum.
        split: train, validation or test.
        folders: Folders with one file a document, in subfolders or not.

    Returns:
        A path for each entry, in order. For a missing file, the path that it should have in the first folder.

    Raises:
        BertsumError: if a folder or the list cannot be read.
    """
    there: dict[str, Path] = {}
    for folder in folders:
        place = Path(folder).expanduser()
        if not place.is_dir():
            raise BertsumError(f"data.document_folders: '{folder}' is not a folder")
        for parent, _, names in os.walk(place):
            for name in names:
                suffix = next((suffix for suffix in _ONE_DOCUMENT if name.endswith(suffix)), None)
                if suffix is not None:
                    there[name.removesuffix(suffix)] = Path(parent, name)
    if not there:
        raise BertsumError(f"data.document_folders: no {', '.join(_ONE_DOCUMENT)} files in {', '.join(folders)}")
    suffix = next(iter(there.values())).suffix
    files = []
    for entry in _entries(listing, split):
        digest = hashlib.sha1(entry.encode()).hexdigest()
        names_url = "/" in entry
        missing = Path(folders[0]).expanduser() / f"{digest if names_url else Path(entry).name}{suffix}"
        files.append(there.get(entry) or there.get(digest) or missing)
    return files


def _entries(listing: Path, split: str) -> list[str]:
    try:
        text = _text(listing)
        if listing.suffix != ".json":
            return [line.strip() for line in text.split("\n") if line.strip()]
        splits = json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise BertsumError(f"data.{split}: '{listing}' cannot be read as a list of documents: {error}") from error
    names = _SPLIT_NAMES.get(split, (split,))
    ids = next((splits[name] for name in names if name in splits), None) if isinstance(splits, dict) else None
    if not isinstance(ids, list):
        raise BertsumError(f"data.{split}: '{listing}' has no list '{split}', expected an object of lists of ids")
    return [str(entry) for entry in ids]
