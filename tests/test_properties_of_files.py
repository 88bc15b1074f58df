"""What holds for any file, as :mod:`test_properties` for any text: it is read, or refused by our own error."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from strategies import as_json, changed, json_values, records, several, texts, tried

from bertsum.config import Config
from bertsum.data.documents import Document, Rejected
from bertsum.data.sources import READERS, read_documents
from bertsum.encoders.tensors import read_tensors, write_tensors
from bertsum.errors import BertsumError
from bertsum.evaluation.compare import compare
from bertsum.runs import Run
from bertsum.training.metrics import forget_later_metrics


@pytest.fixture(scope="module", autouse=True)
def count_them() -> Iterator[None]:
    yield
    print(f"\n{tried.total():,} inputs: {dict(tried)}")


def read(path: Path, *options: str) -> list[Document | Rejected]:
    """Reads a file, or stops with our own error; what is read is what a document is."""
    config = Config.load(None, [f"data.train={path}", *options]).data
    items = []
    with contextlib.suppress(BertsumError):
        for item in read_documents(config, "train"):
            items.append(item)
            assert isinstance(item, Document | Rejected)
            assert str(path) in item.place
            if isinstance(item, Document):
                assert isinstance(item.id, str)
                assert item.references
                for text in (item.text, *item.references):
                    assert "".join(text).strip()
                    assert not any(0xD800 <= ord(character) < 0xE000 for character in "".join(text))
    return items


@several
@given(lines=st.lists(st.one_of(records.map(as_json), json_values.map(as_json), st.binary(max_size=80)), max_size=6))
def test_json_lines(tmp_path_factory, lines: list[bytes]) -> None:
    tried["JSON lines"] += 1
    path = tmp_path_factory.getbasetemp() / "a.jsonl"
    lines = [line.replace(b"\n", b" ") for line in lines]
    path.write_bytes(b"\n".join(lines))
    items = read(path)
    assert len(items) == sum(bool(line.strip()) for line in lines)


@several
@given(st.data())
def test_gzip(tmp_path_factory, data: st.DataObject) -> None:
    """What is read before a break is as it was written; gzip's own checksum tells the rest."""
    tried["gzip"] += 1
    path = tmp_path_factory.getbasetemp() / "a.jsonl.gz"
    lines = [
        {"id": str(n), "document": f"It rained {n}.", "summary": "rain"} for n in range(data.draw(st.integers(1, 9)))
    ]
    packed = gzip.compress("".join(json.dumps(line) + "\n" for line in lines).encode(), mtime=0)
    path.write_bytes(changed(data.draw, packed))
    config = Config.load(None, [f"data.train={path}"]).data
    try:
        items = list(read_documents(config, "train"))
    except BertsumError as error:
        assert str(path) in str(error)
        return
    assert [item.text for item in items if isinstance(item, Document)] == [line["document"] for line in lines]


def valid_files() -> dict[str, bytes]:
    """One file of each format."""
    story = {
        "sentences": [
            {"tokens": [{"word": word} for word in text.split()]} for text in ("It rained .", "@highlight", "rain")
        ]
    }
    shard = [{"src": [["It", "rained"]], "tgt": [["rain"]]}]
    encoded = [{"src": [2, 7, 3], "labels": [1], "clss": [0], "src_txt": ["It rained"], "tgt_txt": "rain"}]
    packed = io.BytesIO()
    torch.save(encoded, packed)
    return {
        ".story": b"It rained.\n\nWe left.\n\n@highlight\n\nRain\n",
        ".story.json": json.dumps(story).encode(),
        ".json": json.dumps(shard).encode(),
        ".summary": b"[SN]FIRST-SENTENCE[SN]\nRain\n[SN]RESTBODY[SN]\nIt rained.\n",
        ".restbody": b"It rained .\nWe left .\n",
        ".xml": b'<n><abstract><p>It rained a lot</p></abstract><block class="full_text"><p>It rained.</p></block></n>',
        ".pt": packed.getvalue(),
    }


VALID = valid_files()


@several
@given(st.sampled_from(sorted(READERS)), st.data())
def test_every_format(tmp_path_factory, suffix: str, data: st.DataObject) -> None:
    tried["formats"] += 1
    assert VALID.keys() == READERS.keys()
    folder = tmp_path_factory.getbasetemp()
    (folder / "a.fs").write_bytes(data.draw(st.sampled_from([b"Rain\n", b"", b"\xff"])))
    whole = data.draw(st.sampled_from([VALID[suffix], VALID[suffix], data.draw(st.binary(max_size=60))]))
    (folder / f"a{suffix}").write_bytes(changed(data.draw, whole))
    read(folder / f"a{suffix}")


yaml_texts = st.one_of(
    st.text(alphabet="abcdtrain: .-[]{}&*!|>'\"#\n0129e", max_size=80),
    st.dictionaries(
        st.sampled_from(["train", "data", "model", "seed", "name", "selection", "x"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | texts,
            lambda inner: st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["max_steps", "train", "encoder", "head", "ratio"]), inner, max_size=3),
        ),
        max_size=4,
    ).map(lambda value: json.dumps(value)),
    st.binary(max_size=60),
)  # fmt: skip


fields = st.sampled_from(sorted(Config().flat()))


@several
@given(yaml_texts, st.lists(st.tuples(fields | texts, st.one_of(texts, json_values.map(json.dumps))), max_size=4))
def test_config(tmp_path_factory, text: Any, overrides: list[tuple[str, str]]) -> None:
    tried["config"] += 1
    path = tmp_path_factory.getbasetemp() / "a.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    for arguments in ((path,), (None, [f"{key}={value}" for key, value in overrides])):
        try:
            config = Config.load(*arguments)
        except BertsumError as error:
            assert str(error)
            continue
        assert Config.from_dict(config.to_dict()) == config


@several
@given(st.data())
def test_tensors(tmp_path_factory, data: st.DataObject) -> None:
    """A changed file of weights is noticed, wherever the change is."""
    tried["safetensors"] += 1
    path = tmp_path_factory.getbasetemp() / "a.safetensors"
    tensors = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor(3), "c": torch.ones(2, dtype=torch.bfloat16)}
    write_tensors(path, tensors)
    broken = changed(data.draw, path.read_bytes())
    path.write_bytes(broken)
    try:
        found = read_tensors(path)
    except BertsumError:
        return
    assert found.keys() == tensors.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in tensors.items())


prediction = {"id": "a", "indices": [0], "scores": [0.5], "rouge": {"rouge1": 0.1, "rouge2": 0.1, "rougeL": 0.1}}


@several
@given(st.lists(st.one_of(json_values.map(as_json), st.just(as_json(prediction)), st.binary(max_size=40)), max_size=4))
def test_predictions_and_metrics(tmp_path_factory, lines: list[bytes]) -> None:
    tried["predictions"] += 1
    folder = tmp_path_factory.getbasetemp()
    (folder / "a.jsonl").write_bytes(b"\n".join(lines))
    (folder / "b.jsonl").write_bytes(as_json(prediction) + b"\n")
    with contextlib.suppress(BertsumError):
        compare(folder / "a.jsonl", folder / "b.jsonl")
    (folder / "metrics.jsonl").write_bytes(b"\n".join([*lines, b'{"step": 3, "split": "train"}', b'{"step": 4, "spl']))
    forget_later_metrics(Run(folder), {"train": 3, "validation": 0})
    assert '{"step": 3, "split": "train"}\n' in (folder / "metrics.jsonl").read_text()
