"""Summarization with pretrained encoders (BERTSUM): extracts, and written summaries.

Names are imported when they are first used, so that ``import bertsum`` is quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bertsum.config import Config
    from bertsum.data.languages import detect_language
    from bertsum.data.oracle import greedy_oracle
    from bertsum.data.sentences import split_sentences
    from bertsum.errors import BertsumError, Stopped
    from bertsum.evaluation.evaluate import Evaluation, evaluate
    from bertsum.evaluation.rouge import rouge
    from bertsum.evaluation.rouge_scorer import BootstrapAggregator, RougeScorer
    from bertsum.inference.bulk import summarize_file
    from bertsum.inference.explanation import Explanation
    from bertsum.inference.prune import Pruned
    from bertsum.inference.summarizer import Summarizer
    from bertsum.inference.summary import Summary
    from bertsum.models.extractive import BertSum
    from bertsum.models.masked_lm import MaskedLM
    from bertsum.models.seq2seq import BertSumAbs
    from bertsum.reading.documents import read_document
    from bertsum.reading.text import FileText
    from bertsum.results import RougeScore
    from bertsum.training.train import TrainResult, train

__version__ = "1.0.0"

_HOME = {
    "BertSum": "bertsum.models.extractive",
    "BertSumAbs": "bertsum.models.seq2seq",
    "BertsumError": "bertsum.errors",
    "BootstrapAggregator": "bertsum.evaluation.rouge_scorer",
    "Config": "bertsum.config",
    "Evaluation": "bertsum.evaluation.evaluate",
    "MaskedLM": "bertsum.models.masked_lm",
    "Explanation": "bertsum.inference.explanation",
    "Pruned": "bertsum.inference.prune",
    "FileText": "bertsum.reading.text",
    "RougeScore": "bertsum.results",
    "RougeScorer": "bertsum.evaluation.rouge_scorer",
    "Stopped": "bertsum.errors",
    "Summarizer": "bertsum.inference.summarizer",
    "Summary": "bertsum.inference.summary",
    "TrainResult": "bertsum.training.train",
    "detect_language": "bertsum.data.languages",
    "evaluate": "bertsum.evaluation.evaluate",
    "greedy_oracle": "bertsum.data.oracle",
    "read_document": "bertsum.reading.documents",
    "rouge": "bertsum.evaluation.rouge",
    "split_sentences": "bertsum.data.sentences",
    "summarize_file": "bertsum.inference.bulk",
    "train": "bertsum.training.train",
}

__all__ = [
    "BertSum",
    "BertSumAbs",
    "BertsumError",
    "BootstrapAggregator",
    "Config",
    "Evaluation",
    "Explanation",
    "FileText",
    "MaskedLM",
    "Pruned",
    "RougeScore",
    "RougeScorer",
    "Stopped",
    "Summarizer",
    "Summary",
    "TrainResult",
    "detect_language",
    "evaluate",
    "greedy_oracle",
    "read_document",
    "rouge",
    "split_sentences",
    "summarize_file",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'bertsum' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
