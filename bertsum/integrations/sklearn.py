"""scikit-learn: a transformer from texts to summaries, for pipelines.

make_pipeline(Summaries(sentences=3), TfidfVectorizer(), LogisticRegression())
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sklearn.base import BaseEstimator, TransformerMixin

from bertsum.errors import BertsumError
from bertsum.inference.summarizer import Summarizer


class Summaries(TransformerMixin, BaseEstimator):
    """Turns texts into their summaries; learns nothing.

    Attributes:
        model: A checkpoint folder or hub id; None for the model that comes with bertsum.
        sentences: At most this many sentences; None as the model was saved.
        query: What the sentences are to answer; None for summaries.
    """

    summarizer_: Summarizer
    _loaded: str | None = None

    def __init__(self, model: str | None = None, sentences: int | None = None, query: str | None = None) -> None:
        """Keeps the settings; the model is loaded when it is first needed.

        Args:
            model: A checkpoint folder or hub id.
            sentences: At most this many sentences.
            query: What the sentences are to answer.
        """
        self.model = model
        self.sentences = sentences
        self.query = query

    def fit(self, X: Iterable[str], y: Any = None) -> Summaries:  # noqa: N803  # the name in scikit-learn
        """Loads the model.

        Args:
            X: Not used.
            y: Not used.

        Raises:
            BertsumError: if the model cannot be loaded.
        """
        self.summarizer_, self._loaded = Summarizer.from_pretrained(self.model), self.model
        return self

    def transform(self, X: Iterable[str]) -> list[str]:  # noqa: N803  # the name in scikit-learn
        """The texts of summaries.

        Args:
            X: The documents.

        Raises:
            BertsumError: if a document cannot be summarised.
        """
        if getattr(X, "ndim", 1) != 1:
            raise BertsumError(
                f"X: got {type(X).__name__} of shape {getattr(X, 'shape', None)}, expected a document a row, such "
                "as a list or a column of a table (in a ColumnTransformer name the column itself, not a list of it)"
            )
        if not hasattr(self, "summarizer_") or self._loaded != self.model:
            self.fit(X)
        made = self.summarizer_.stream(X, sentences=self.sentences, query=self.query)
        return [summary.text for summary in made]

    def __sklearn_is_fitted__(self) -> bool:
        """Always true, because nothing is learned."""
        return True

    def __getstate__(self) -> dict[str, Any]:
        """Leaves out the model, which other processes load themselves."""
        return {name: value for name, value in super().__getstate__().items() if name != "summarizer_"}
