"""A plain function from texts to a sentence's score, for other packages that explain models: lime, shap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bertsum.data.encoding import DocumentEncoder
from bertsum.errors import BertsumError
from bertsum.inference.explain import explained_score, sentence_to_explain, words_of
from bertsum.text import kind_of, listed, one_line

if TYPE_CHECKING:
    from bertsum.inference.summary import Source, Summary


class TextScorer:
    """Scores one sentence in variants of its document: ``scorer(texts)``, or ``scorer.of_masks(masks)``.

    Attributes:
        text: The document with one sentence a line, as texts are expected.
        sentence: The explained sentence's place.
        words: The words that a mask hides or keeps, in order (W).
    """

    def __init__(self, summary: Summary, source: Source, sentence: int | None = None) -> None:
        """See :meth:`Summary.scorer`."""
        self.sentence = sentence_to_explain(summary, sentence)
        self._lines = [one_line(text) for text in summary.document]
        self.text = "\n".join(self._lines)
        self._row = source.row(summary.document)
        self._score = explained_score(summary, source, self._row, self.sentence)
        tokens, places = words_of(source.encoder, self._row)
        self.words = [text for *_, text in places]
        self._kept, self._hidden = np.array(tokens.input_ids), np.array(tokens.hidden_ids)
        self._word = np.array(tokens.word)
        # A sentence that loses words is still read, however short it is.
        any_length = replace(source.encoder.config, min_sentence_words=1)
        self._source = replace(source, encoder=DocumentEncoder(source.encoder.tokenizer, any_length))

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """The score in each text.

        Args:
            texts: Variants of ``text``: words may be missing or changed, lines may be empty. A line is a sentence.

        Returns:
            Scores (texts). If no word of the explained sentence is left, it is read as one full stop.

        Raises:
            BertsumError: if one is not text, or has another number of lines.
        """
        many = listed(texts)
        if many is None:
            raise BertsumError(f"texts: got {kind_of(texts)}, expected a list of texts")
        return self._scores([self._variant(number, text) for number, text in enumerate(many)])

    def of_masks(self, masks: Any) -> np.ndarray:
        """The score with some words hidden by the mask token.

        Args:
            masks: For each variant, true or 1 for each word that stays (variants, W).

        Returns:
            Scores (variants).

        Raises:
            BertsumError: if a mask has another number of words.
        """
        stays = np.asarray(masks).astype(bool)
        if stays.ndim != 2 or stays.shape[1] != len(self.words):
            raise BertsumError(f"masks: got the shape {stays.shape}, expected (variants, {len(self.words)})")
        special = np.ones((len(stays), 1), dtype=bool)
        ids = np.where(np.hstack([stays, special])[:, self._word], self._kept, self._hidden)
        return self._scores([{**self._row, "input_ids": row} for row in ids.tolist()])

    def _variant(self, number: int, text: object) -> dict[str, Any]:
        """The row of a text."""
        if not isinstance(text, str):
            raise BertsumError(f"text {number}: got {kind_of(text)}, expected text")
        lines = text.split("\n")
        if len(lines) != len(self._lines):
            raise BertsumError(
                f"text {number}: got {len(lines)} lines, expected {len(self._lines)}, one for each sentence as in "
                "scorer.text"
            )
        read = set(self._row["sentence_indices"])
        kept = [line if index in read else "" for index, line in enumerate(lines)]
        row = self._source.row(kept)
        if self._is_of_document and self.sentence not in row["sentence_indices"]:
            kept[self.sentence] = "."
            row = self._source.row(kept)
        return {**self._row, **row}

    @property
    def _is_of_document(self) -> bool:
        return "target_ids" not in self._score.row

    def _scores(self, rows: list[dict[str, Any]]) -> np.ndarray:
        scores = self._score.of_rows([{**self._score.row, **row} for row in rows])
        return np.array([np.nan if score is None else score for score in scores])
