"""A document and its reference summaries, made from a record of any source."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bertsum.config import DataConfig
from bertsum.data.queries import EVIDENCE_FIELDS, Evidence, evidence_of
from bertsum.text import sanitize

QUERY_FIELD = "query"
DOCUMENT_FIELDS = ("document", "article", "text", "source", "src_txt", "src")
SUMMARY_FIELDS = ("summary", "highlights", "target", "abstract", "tgt")
ID_FIELDS = ("id", "paper_id")
_NAMED = 20  # fields in a message
_MOST_SENTENCES = 1_000_000  # in a document; a sentence takes far more memory than its few bytes in a file


@dataclass(frozen=True)
class Document:
    """One document as read: not yet split, labelled or encoded.

    Attributes:
        id: The document's id; its number if the id is missing, or neither text nor a whole number.
        text: The document, as one string or as sentences.
        references: Reference summaries, each as one string or as sentences; none for a document to be summarised.
        place: Where it was read, such as ``train.jsonl.gz line 812``.
        query: What its sentences are to answer; empty for a summary.
        evidence: Where the document answers the query, with no places if it does not; None if this is not known.
    """

    id: str
    text: str | list[str]
    references: list[str | list[str]]
    place: str
    query: str = field(default="", kw_only=True)
    evidence: Evidence | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class EncodedDocument(Document):
    """A document that the authors' code has split, labelled and encoded (a ``.bert.pt`` shard).

    Attributes:
        input_ids: Tokens of the whole document (T), not yet cut to the encoder's length.
        cls_positions: Position of each sentence's [CLS] in ``input_ids`` (S).
        labels: 1 for sentences of the oracle (S).
        target_ids: Tokens of the summary with its start and, unless it was cut, its end; None if the shard has none.
    """

    input_ids: list[int]
    cls_positions: list[int]
    labels: list[int]
    target_ids: list[int] | None = None


@dataclass(frozen=True)
class Rejected:
    """A document that cannot be used.

    Attributes:
        place: Where it was read.
        reason: A short name of the reason, for counting.
        problem: What is wrong and what would be right.
        id: The document's id, if it has one.
    """

    place: str
    reason: str
    problem: str
    id: str | None = None


@dataclass(frozen=True)
class Line:
    """A line of JSON that is not parsed yet; the process that prepares the document does that.

    Attributes:
        text: The line.
        place: Where it was read.
        number: The document's number.
        fields: The names of the file's fields.
    """

    text: bytes
    place: str
    number: int
    fields: Fields


def parse(item: Document | Rejected | Line, config: DataConfig) -> Document | Rejected:
    """The document of a line."""
    if not isinstance(item, Line):
        return item
    return document_of(parse_json(item.text, item.place), item.fields, config, item.place, item.number)


def document_of(record: Any, fields: Fields | None, config: DataConfig, place: str, number: int) -> Document | Rejected:
    """The document of a record.

    Args:
        record: The record, which may be of any type.
        fields: The names of the file's fields.
        config: Its ``summary_list`` is read.
        place: Where it was read.
        number: The document's number.
    """
    if isinstance(record, Rejected):
        return record
    if not isinstance(record, dict):
        return Rejected(place, "not an object", f"got {type(record).__name__}, expected a JSON object")
    if "clss" in record and (fields is None or fields.labelled):
        return _encoded_document(record, place, number)
    assert fields is not None  # found in the file's first such record, this one or an earlier one
    return identified(_document(record, fields, config, place, number), record, fields.id)


@dataclass(frozen=True)
class Fields:
    """The names of a file's fields, found in the first record that has them.

    Attributes:
        document: The document's field.
        summary: The summary's; None if that record has none, or no record needs one.
        id: The id's, if there is one.
        query: The query's, which a record may lack.
        labelled: Whether a record needs a summary, or says where it answers its query.
    """

    document: str
    summary: str | None
    id: str | None
    query: str
    labelled: bool

    @staticmethod
    def of(config: DataConfig, record: Mapping[str, Any], place: str, labelled: bool) -> Fields | Rejected:
        names = []
        query = config.query_field or QUERY_FIELD
        meanings: list[tuple[str, str | None, tuple[str, ...]]]
        meanings = [("document", config.document_field, DOCUMENT_FIELDS)]
        has_evidence = query in record and any(name in record for name in EVIDENCE_FIELDS)
        summaries = (config.summary_field,) if config.summary_field else SUMMARY_FIELDS
        if labelled and (not has_evidence or any(name in record for name in summaries)):
            meanings.append(("summary", config.summary_field, SUMMARY_FIELDS))
        for meaning, given, known in meanings:
            name = given or next((field for field in known if field in record), None)
            if name is None or name not in record:
                expected = f"'{given}'" if given else " or ".join(known)
                problem = f"no field for the {meaning}: expected {expected} (fields: {_names(record)}); " + (
                    f"name it with data.{meaning}_field"
                    if labelled
                    else f"name it with {meaning}_field (--{meaning}-field), in a config with data.{meaning}_field"
                )
                return Rejected(place, f"no {meaning}", problem)
            names.append(name)
        if config.query_field and query not in record and not labelled:
            problem = f"no field for the query: expected '{query}', empty for none (fields: {_names(record)})"
            return Rejected(place, "no query", problem)
        if config.id_field and config.id_field not in record:
            problem = f"no field for the id: expected '{config.id_field}' (fields: {_names(record)})"
            return Rejected(place, "no id", problem)
        summary = names[1] if len(names) > 1 else None
        return Fields(names[0], summary, id_field(config, record), query, labelled)


def id_field(config: DataConfig, record: Mapping[str, Any]) -> str | None:
    """The name of the field with a record's id."""
    return config.id_field or next((field for field in ID_FIELDS if field in record), None)


def identity_of(record: Mapping[str, Any], field: str | None) -> str | None:
    """The id of a record as text; None if the id is missing, empty, or neither text nor a whole number."""
    value = None if field is None else record.get(field)
    return (sanitize(str(value)) or None) if isinstance(value, str | int) and not isinstance(value, bool) else None


def identified(item: Document | Rejected, record: Mapping[str, Any], field: str | None) -> Document | Rejected:
    """Adds the record's id to a rejected document."""
    return item if isinstance(item, Document) else replace(item, id=identity_of(record, field))


def _names(record: Mapping[str, Any]) -> str:
    names = [sanitize(str(name))[:40] for name in itertools.islice(record, _NAMED)]
    return ", ".join([*names, "..."] if len(record) > _NAMED else names) or "none"


def _document(
    record: Mapping[str, Any], fields: Fields, config: DataConfig, place: str, number: int
) -> Document | Rejected:
    wrong = _missing(record, fields.document)
    if wrong:
        return Rejected(place, *wrong)
    identity = identity_of(record, fields.id) or str(number)
    text, query = record[fields.document], record.get(fields.query)
    wrong = _wrong_text(text, fields.document) or _wrong_query(query, fields.query)
    if wrong:
        return Rejected(place, *wrong)
    query = sanitize(query or "").strip()
    evidence = evidence_of(record, text) if query and fields.labelled else None
    if isinstance(evidence, tuple):
        return Rejected(place, *evidence)
    references = _references(record, fields, config, evidence is not None) if fields.labelled else []
    if isinstance(references, tuple):
        return Rejected(place, *references)
    return Document(identity, _clean(text), references, place, query=query, evidence=evidence)


def _missing(record: Mapping[str, Any], name: str) -> tuple[str, str] | None:
    """Why a record has nothing in a field: (reason, problem)."""
    if name not in record:
        return f"no field '{name}'", f"field '{name}' is missing (fields: {_names(record)})"
    if record[name] is None:
        return f"null in '{name}'", f"field '{name}' is null, expected text or a list of sentences"
    return None


def _references(
    record: Mapping[str, Any], fields: Fields, config: DataConfig, has_evidence: bool
) -> list[str | list[str]] | tuple[str, str]:
    """A record's reference summaries, or what is wrong with them: (reason, problem). With evidence it needs none."""
    known = next((name for name in SUMMARY_FIELDS if name in record), SUMMARY_FIELDS[0])
    name = fields.summary or config.summary_field or known
    wrong = _missing(record, name)
    if wrong and has_evidence:
        return []
    if wrong and any(field in record for field in (fields.query, *EVIDENCE_FIELDS)):
        expected = f"a question in '{fields.query}' with 'relevant' or 'answers' (an empty list: nothing answers)"
        return "no summary, no answers", f"expected {expected}, or a summary (fields: {_names(record)})"
    if wrong:
        return wrong
    summary = record[name]
    lists = {isinstance(item, list) for item in summary} if isinstance(summary, list) else {False}
    if len(lists) == 2 and config.summary_list != "references":
        problem = "has strings beside lists, expected strings alone (sentences) or lists alone (references)"
        return f"mixed '{name}'", f"field '{name}' {problem}"
    several = isinstance(summary, list) and (config.summary_list == "references" or True in lists)
    references = summary if several else [summary]
    if not references:
        return f"empty '{name}'", f"field '{name}' has no reference"
    for reference in references:
        wrong = _wrong_text(reference, name)
        if wrong:
            return wrong
    return [_clean(reference) for reference in references]


def _wrong_query(value: Any, name: str) -> tuple[str, str] | None:
    """Why a value is not a query, or none: (reason, problem)."""
    if value is None or isinstance(value, str):
        return None
    return f"not text in '{name}'", f"field '{name}': got {type(value).__name__}, expected text"


def _wrong_text(value: Any, name: str) -> tuple[str, str] | None:
    """Why a value is not text or a list of sentences, or is empty: (reason, problem)."""
    if isinstance(value, list):
        if len(value) > _MOST_SENTENCES:
            return (
                f"too many items in '{name}'",
                f"field '{name}': {len(value)} items, expected at most {_MOST_SENTENCES}",
            )
        for position, item in enumerate(value):
            if not isinstance(item, str):
                kind = "null" if item is None else type(item).__name__
                return f"not text in '{name}'", f"field '{name}' item {position}: got {kind}, expected a sentence"
    elif not isinstance(value, str):
        kind = type(value).__name__
        return f"not text in '{name}'", f"field '{name}': got {kind}, expected text or a list of sentences"
    if not "".join(value).strip():
        return f"empty '{name}'", f"field '{name}' is empty"
    return None


def _clean(text: str | list[str]) -> str | list[str]:
    return sanitize(text) if isinstance(text, str) else [sanitize(sentence) for sentence in text]


def _encoded_document(record: Mapping[str, Any], place: str, number: int) -> EncodedDocument | Rejected:
    """The document of a record in the authors' shards; PreSumm and BertSum name the labels differently."""
    label_field = "src_sent_labels" if "src_sent_labels" in record else "labels"
    numbers: list[list[int]] = []
    given = [name for name in ("tgt",) if record.get(name) is not None]  # shards for extraction alone have none
    for name in ("src", "clss", label_field, *given):
        values = record.get(name)
        if not isinstance(values, list) or not all(type(value) is int and 0 <= value < 2**31 for value in values):
            return Rejected(place, f"bad '{name}'", f"field '{name}': expected a list of whole numbers")
        numbers.append(values)
    input_ids, cls_positions, labels = numbers[:3]
    sentences, summary = record.get("src_txt"), record.get("tgt_txt")
    wrong = None if isinstance(sentences, list) else ("bad 'src_txt'", "field 'src_txt': expected a list of sentences")
    wrong = wrong or _wrong_text(sentences, "src_txt") or _wrong_text(summary, "tgt_txt")
    if wrong:
        return Rejected(place, *wrong)
    assert isinstance(sentences, list) and isinstance(summary, str | list)
    count = len(cls_positions)
    ascending = all(a < b for a, b in itertools.pairwise([-1, *cls_positions, len(input_ids)]))
    if not (ascending and count == len(labels) and count <= len(sentences) and set(labels) <= {0, 1}):
        problem = (
            f"{len(input_ids)} tokens, {count} positions in 'clss', {len(labels)} labels and {len(sentences)} "
            "sentences do not belong together"
        )
        return Rejected(place, "inconsistent", problem)
    references = [_clean(summary.split("<q>") if isinstance(summary, str) else summary)]
    identity = identity_of(record, "id") or str(number)
    return EncodedDocument(identity, _clean(sentences), references, place, *numbers)


def parse_json(line: bytes, place: str) -> Any:
    """The value in a line of JSON, or why it is not JSON."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        return Rejected(place, "not JSON", f"not JSON: {error}; expected one object a line")
