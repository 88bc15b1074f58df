"""The interface of the package rouge-score, with the counts of ROUGE-1.5.5.

# N documents, K figures of each
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from bertsum.data.sentences import split_sentences
from bertsum.errors import BertsumError
from bertsum.evaluation.bootstrap import interval, resampled_means
from bertsum.evaluation.rouge import tokenizer_for
from bertsum.evaluation.rouge155 import Average, Counter155, Metric, Rouge155Tokenizer, Tokenizer, of_several
from bertsum.text import kind_of, listed


class Score(NamedTuple):
    """Figures of one metric, from 0 to 1.

    Attributes:
        precision: Share of the prediction's units that the target has.
        recall: Share of the target's units that the prediction has.
        fmeasure: Harmonic mean of precision and recall.
    """

    precision: float
    recall: float
    fmeasure: float


class AggregateScore(NamedTuple):
    """Scores of a bootstrap distribution.

    Attributes:
        low: The lower end of the confidence interval.
        mid: The median.
        high: The upper end.
    """

    low: Any
    mid: Any
    high: Any


class RougeScorer:
    """Scores texts as ROUGE-1.5.5 does; takes the place of ``rouge_score.rouge_scorer.RougeScorer``.

    It has the same calls and arguments, and options of the Perl script beside them. Figures have 5 digits. Line ends
    separate sentences, which matters to ``rougeLsum`` (the Perl script's ROUGE-L) and ``rougeW``.

    Attributes:
        rouge_types: The names of the metrics.
    """

    def __init__(
        self,
        rouge_types: Sequence[str],
        use_stemmer: bool = False,
        split_summaries: bool = False,
        tokenizer: Tokenizer | None = None,
        *,
        language: str = "en",
        average: Average | None = None,
        stop_words: bool = False,
        limit_words: int = 0,
        limit_bytes: int = 0,
        alpha: float = 0.5,
    ) -> None:
        """Makes a scorer.

        Args:
            rouge_types: Names such as rouge1, rouge2, rougeL, rougeLsum, rouge4, rougeW (its weight is 1.2),
                rougeW-1.5, rougeS4, rougeSU4 and rougeSU*.
            use_stemmer: Compare the stems of words (-m), as nearly all papers do. Only for English.
            split_summaries: Split texts into sentences, instead of at line ends.
            tokenizer: An object whose ``tokenize(text)`` splits a sentence into words; it replaces our tokenizer.
            language: ISO 639-1 code. For languages other than English, words or characters of any script count.
            average: With several targets: A is the Perl script's average over all of them, B takes the one with the
                best recall. None takes the one with the best F, as rouge-score does.
            stop_words: Leave out common English words (-s).
            limit_words: Only this many words of each text count (-l). 0: all.
            limit_bytes: Only this many bytes of each text count (-b). 0: all.
            alpha: How much precision weighs in F, from 0 to 1 (-p).

        Raises:
            BertsumError: if there is no such metric, or an option is not as above.
        """
        names = listed(rouge_types)
        if not names:
            got = kind_of(rouge_types) if names is None else "none"
            raise BertsumError(f"rouge_types: got {got}, expected a list of names such as rouge1 and rougeLsum")
        if average not in (None, "A", "B"):
            raise BertsumError(f"average: got {average!r}, expected A, B or None")
        if tokenizer is None:
            tokenizer = tokenizer_for(language)
            if isinstance(tokenizer, Rouge155Tokenizer):
                tokenizer = Rouge155Tokenizer(use_stemmer, stop_words)
            elif use_stemmer:
                raise BertsumError("use_stemmer: got True, expected False: only English words have stems")
        if stop_words and not isinstance(tokenizer, Rouge155Tokenizer):
            raise BertsumError("stop_words: got True, expected False: only English words have a list of them")
        self.rouge_types = names
        self._counter = Counter155(tuple(map(Metric.of, names)), tokenizer, limit_words, limit_bytes, alpha)
        self._split_summaries = split_summaries
        self._language = language
        self._average = average

    def score(self, target: str, prediction: str) -> dict[str, Score]:
        """Scores a text.

        Args:
            target: The reference, as text or a list of sentences.
            prediction: The summary, as text or a list of sentences.

        Returns:
            Figures by the name of the metric.

        Raises:
            BertsumError: if one of them is not text.
        """
        return self.score_multi([target], prediction)

    def score_multi(self, targets: Sequence[str], prediction: str) -> dict[str, Score]:
        """Scores a text that has several references.

        Args:
            targets: The references, each as text or a list of sentences.
            prediction: The summary, as text or a list of sentences.

        Returns:
            Figures by the name of the metric. If the best target is taken, it may be another one for each metric.

        Raises:
            BertsumError: if one of them is not text, or there is no target.
        """
        several = listed(targets)
        if not several:
            got = kind_of(targets) if several is None else "none"
            raise BertsumError(f"targets: got {got}, expected a list of texts")
        references = [self._sentences(target, "target") for target in several]
        hits = self._counter.hits(self._sentences(prediction, "prediction"), references)
        scores = {}
        for name, metric, each in zip(self.rouge_types, self._counter.metrics, hits, strict=True):
            if self._average is not None:
                each = [of_several(metric, each, self._average)]
            figures = [one.figures(self._counter.alpha) for one in each]
            scores[name] = Score(*max(figures, key=lambda one: one[2]))  # the first of equals
        return scores

    def _sentences(self, text: object, name: str) -> list[str]:
        """The sentences of a text: its lines, those that a splitter finds, or the items of a list."""
        if isinstance(text, str):
            return split_sentences(text, self._language) if self._split_summaries else text.split("\n")
        items = listed(text)
        if items is None or not all(isinstance(item, str) for item in items):
            raise BertsumError(f"{name}: got {kind_of(text)}, expected a text or a list of sentences")
        return items


class BootstrapAggregator:
    """Means of scores with confidence intervals; takes the place of ``rouge_score.scoring.BootstrapAggregator``.

    The same scores always give the same intervals, because the samples are drawn with a seed.
    """

    def __init__(self, confidence_interval: float = 0.95, n_samples: int = 1000, *, seed: int = 0) -> None:
        """Makes an empty aggregator.

        Args:
            confidence_interval: The share of the bootstrap distribution that an interval holds, from 0 to 1.
            n_samples: Number of resamplings.
            seed: Seed of the resamplings.

        Raises:
            BertsumError: if one of them is out of its bounds.
        """
        if not isinstance(confidence_interval, int | float) or not 0 <= confidence_interval <= 1:
            raise BertsumError(f"confidence_interval: got {confidence_interval!r}, expected a share from 0 to 1")
        if not isinstance(n_samples, int | np.integer) or n_samples < 1:
            raise BertsumError(f"n_samples: got {n_samples!r}, expected a whole number, at least 1")
        self._share = confidence_interval
        self._samples = n_samples
        self._seed = seed
        self._scores: dict[str, list[Any]] = {}

    def add_scores(self, scores: Mapping[str, Any]) -> None:
        """Adds the scores of one document.

        Args:
            scores: What :meth:`RougeScorer.score` returns: named tuples of figures, by metric. A number is one figure.
        """
        for name, score in scores.items():
            self._scores.setdefault(name, []).append(score)

    def aggregate(self) -> dict[str, AggregateScore]:
        """The means of all scores that were added, by metric, as named tuples of the same type, or as numbers."""
        result = {}
        for name, scores in self._scores.items():
            values = np.array(scores, dtype=float)
            means = resampled_means(values.reshape(len(scores), -1), self._samples, self._seed)
            low, high = interval(means, self._share)
            kind = float if values.ndim == 1 else type(scores[0])
            result[name] = AggregateScore(*(kind(*ends.tolist()) for ends in (low, np.median(means, axis=0), high)))
        return result
