"""Configuration of selection, ROUGE, evaluation and tracking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import Ge, Le

from bertsum.config.bounds import Count, Factor, Language, Number, Precision, Probability, Text, Whole

Metric = Literal[
    "rouge", "bleu", "chrf", "perplexity", "answers", "coverage", "density", "redundancy", "precision_at", "bertscore"
]


@dataclass(frozen=True)
class SelectionConfig:
    """How scores become a summary. If several limits are set, a summary keeps to all of them."""

    sentences: Count | None = 3
    """A summary has at most this many sentences. Null: no limit."""
    ratio: Factor | None = None
    """A summary has at most this share of the document's sentences, but at least one."""
    max_words: Count | None = None
    """A summary has at most this many words. A sentence that would exceed this is skipped."""
    threshold: Probability | None = None
    """A summary has only sentences with at least this probability, and always the best sentence."""
    trigram_blocking: bool = False
    """A sentence is skipped if it shares three words in a row with one already chosen (eight characters in scripts
    without spaces)."""
    candidates: Annotated[int, Ge(1), Le(1000)] | None = None
    """A summary is the best extract of this many sentences, those with the best scores: the one with the best expected
    ROUGE (docs/choosing.md). It may be shorter than the limits allow. Null, or as long as nothing was fitted on
    validation documents: sentences are taken by score, one by one."""
    fill: bool = False
    """With candidates, an extract goes on up to the limits. A call that names limits does so."""
    place_weight: Number = 0.0
    """How much less a sentence is preferred that stands beyond the first window of a document that is read in windows:
    its score is divided by (its first token's place / encoding.max_length)^x. The printed score stays as it is. 0: no
    less. With a threshold, scores count as they are."""
    word_weight: Number = 0.0
    """With a query: what shared words count. The logit of a sentence is raised by this times the sum, over the words
    that it shares with the query, of log(sentences / sentences with the word). 0: nothing (docs/asking.md)."""
    similarity_weight: Number = 0.0
    """With a query: what the pretrained encoder counts. It reads the sentences with the best logits again, each alone,
    and their logits are raised by this times (their cosine with the query - 0.3). 0: nothing, and it is not loaded. It
    is for encoders that were trained to compare texts, such as minilm (docs/asking.md)."""
    order: Literal["document", "score"] = "document"
    """The order of the chosen sentences: as in the document, or by score."""
    query_threshold: Probability | None = None
    """The sentences that answer a query are those with at least this probability: any number, or none. Null: the
    model is not trained with queries, and takes none."""


@dataclass(frozen=True)
class GenerationConfig:
    """How a seq2seq model writes: beam search."""

    beam_size: Annotated[int, Ge(1), Le(1000)] = 5
    """The number of hypotheses that are kept at each step. 1 is greedy search."""
    length_penalty: Annotated[float, Ge(0), Le(10)] = 0.95
    """The exponent a of the length penalty ((5 + length) / 6)^a, which divides a hypothesis's log-probability. A larger
    one favours longer texts."""
    min_length: Whole = 0
    """The end may come only after this many tokens."""
    max_length: Annotated[int, Ge(1), Le(100_000)] = 200
    """A text has at most this many tokens."""
    trigram_blocking: bool = True
    """A text never has the same three words in a row twice."""
    search: Literal["standard", "presumm"] = "standard"
    """standard, or presumm, which makes the choices of the authors' code: a finished hypothesis stays in the beam, the
    search ends when the best one is finished, and a repeated trigram is noticed one step late."""


@dataclass(frozen=True)
class RougeConfig:
    """How ROUGE is counted."""

    language: Language | None = None
    """The language of ROUGE's tokenizer; auto detects it from each reference. English counts as ROUGE-1.5.5 (-m);
    languages without spaces count characters; others count Unicode words without stemming. Null: the config's
    language."""
    references: Literal["mean", "best"] = "mean"
    """What counts with several references: the mean of the scores, or the reference with the best ROUGE-1 F1."""
    limit_to_reference: bool = False
    """Each summary is cut to as many words as its reference has (limited-length recall, NYT)."""
    bootstrap_samples: Annotated[int, Ge(1), Le(1_000_000)] = 1000
    """The number of bootstrap samples for the 95% intervals."""


@dataclass(frozen=True)
class EvaluationConfig:
    """Evaluation of a checkpoint beside the Lead and Oracle baselines."""

    split: Literal["train", "validation", "test"] = "test"
    """The split to evaluate."""
    max_tokens_per_batch: Count = 4096
    """The budget of a batch when documents are scored, in tokens."""
    lead_sentences: Count | None = None
    """The number of sentences of the Lead baseline. Null: selection.sentences, or 3."""
    long_documents: Literal["truncate", "window"] | None = None
    """How the model reads documents longer than encoding.max_length: truncate or window. Null: as it was trained."""
    baselines: Literal["document", "read"] = "document"
    """What Lead and Oracle choose from: all of a document, or what the encoder reads of it (the papers)."""
    metrics: list[Metric] = field(default_factory=lambda: ["rouge"])
    """What is measured. For summaries: rouge. For translations: bleu and chrf (sacrebleu, case-sensitive). For a
    masked_lm only perplexity, the exponential of the mean loss of a hidden token. For documents with a query only
    answers: how well the sentences that answer it are ranked, and how many of them a threshold keeps
    (docs/asking.md). Together with rouge: coverage and density, how much of a summary is copied from its document, and
    in how long pieces (Grusky et al. 2018); redundancy, the share of its trigrams that it repeats (Welleck et al.
    2020); bertscore, how well its tokens match those of the reference as vectors of the pretrained encoder (arXiv
    1904.09675, F1). For models that choose sentences, precision_at: the share of the best one, and of the best three,
    that the oracle chooses too."""
    explained: Whole = 0
    """The number of documents whose summaries are explained in explanations.html: the first ones of the split. Each
    sentence takes some seconds."""
    precision: Precision = "fp32"
    """The arithmetic of the forward pass in an evaluation, also in the one at the end of a training; validations use
    train.precision. auto is bf16 if the device has instructions for it, else fp32."""


@dataclass(frozen=True)
class TrackingConfig:
    """Experiment tracking by accelerate's trackers; metrics.jsonl is always written."""

    trackers: list[Text] = field(default_factory=lambda: ["tensorboard"])
    """The names of trackers, such as tensorboard, wandb, mlflow. An empty list: none."""
    project: Text = "bertsum"
    """The project name, for trackers that have projects."""


def metrics_problem(kind: str, metrics: Sequence[str]) -> str | None:
    """What ``evaluation.metrics`` should be for a kind of model; None if it is right.

    Args:
        kind: ``model.kind``.
        metrics: ``evaluation.metrics``.
    """
    alone = [name for name in ("perplexity", "answers") if name in metrics]
    if kind == "masked_lm":
        return None if list(metrics) == ["perplexity"] else "[perplexity]"
    if not alone or (kind == "extractive" and list(metrics) == ["answers"]):
        return None
    return "some of rouge, bleu, chrf" + (", or [answers]" if kind == "extractive" else "")
