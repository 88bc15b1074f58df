"""A program that uses bertsum, as its type checker sees it: mypy reads this file, and nobody runs it."""

from pathlib import Path
from typing import assert_type

import bertsum

summarizer = bertsum.Summarizer.from_pretrained("model")
assert_type(summarizer("text"), bertsum.Summary)
assert_type(summarizer(["text", ["A sentence.", "Another."]], sentences=2), list[bertsum.Summary])
assert_type(summarizer(Path("report.pdf")), bertsum.Summary)
assert_type(summarizer([Path("a.md"), bertsum.read_document("b.md")]), list[bertsum.Summary])
assert_type(summarizer("text").skipped, list[dict[str, str]])
assert_type(summarizer("text").sentences, list[str])
assert_type(summarizer(["text"], beam_size=2)[0].leans_on, list[list[int]])
config = bertsum.Config.load("quickstart", ["train.max_steps=2"])
assert_type(bertsum.train(config).checkpoint, Path)
assert_type(bertsum.evaluate(config).systems["model"]["rouge1"].fmeasure, float)
assert_type(bertsum.BertSum.from_pretrained("model").push_to_hub("me/model"), str)
assert_type(bertsum.rouge(["a"], ["b"]), dict[str, bertsum.RougeScore])
assert_type(bertsum.RougeScorer(["rouge1"]).score("a", "b")["rouge1"].fmeasure, float)
summarizer(3)  # type: ignore[call-overload]  # which mypy would call unused if it were not an error
