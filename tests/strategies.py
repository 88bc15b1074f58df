"""Inputs of all kinds, for the tests of what holds for any input."""

from __future__ import annotations

import json
import os
from collections import Counter
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("BERTSUM_EXAMPLES", "0"))
several = settings(
    max_examples=EXAMPLES or 40,
    derandomize=not EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
tried: Counter[str] = Counter()


texts = st.one_of(
    st.text(alphabet=st.characters(codec=None), max_size=200),
    st.text(alphabet="ab cd. !?\"'()\n\té中。あ\u0301\u200d\u202e🙂\x00\x1b\ud800", max_size=200),
    st.lists(st.sampled_from(["The council met.", "Dr. Bell came", "at 5 p.m.", "其次。", "...", "\n\n", "x" * 300]))
    .map(" ".join),
)  # fmt: skip
sentence_lists = st.lists(texts, max_size=12)
languages = st.one_of(
    st.sampled_from(["en", "zh", "ja", "ar", "hi", "ru", "de", "th", "EN-gb"]),
    st.from_regex(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,4})?", fullmatch=True),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts | st.just("document"), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip
records = st.fixed_dictionaries(
    {},
    optional={
        "id": json_values,
        "document": texts | sentence_lists | json_values,
        "article": json_values,
        "summary": texts | sentence_lists | st.lists(sentence_lists, max_size=3) | json_values,
        "src": json_values | st.lists(st.integers(0, 50), max_size=9),
        "clss": json_values | st.lists(st.integers(0, 9), max_size=3),
        "labels": json_values | st.lists(st.integers(0, 1), max_size=3),
        "src_txt": sentence_lists,
        "tgt_txt": texts,
    },
)


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode("utf-8", errors="surrogatepass")


def changed(draw: st.DrawFn, data: bytes) -> bytes:
    """A file with something broken in it."""
    kind = draw(st.sampled_from(["flip", "cut", "insert", "whole"]))
    place = draw(st.integers(0, max(0, len(data) - 1)))
    if kind == "flip" and data:
        return data[:place] + bytes([data[place] ^ (1 << draw(st.integers(0, 7)))]) + data[place + 1 :]
    if kind == "cut":
        return data[:place]
    if kind == "insert":
        return data[:place] + draw(st.binary(max_size=8)) + data[place:]
    return data
