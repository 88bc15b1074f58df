"""Summarises more documents than one machine can, on Ray Data, which replaces dead actors.

dataset = bertsum.inference.ray.summarize(ray.data.read_json("news/"), "runs/cnndm/best", actors=8, num_gpus=1)
dataset.write_json("summaries/")
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from bertsum.config import Precision
from bertsum.errors import BertsumError

if TYPE_CHECKING:
    from ray.data import ActorPoolStrategy, Dataset
    from typing_extensions import Unpack

    from bertsum.inference.summarizer import Options


def summarize(
    dataset: Dataset,
    model: str | Path | None = None,
    *,
    text_column: str = "document",
    summary_column: str = "summary",
    actors: int = 1,
    num_cpus: float = 1,
    num_gpus: float = 0,
    batch_size: int = 256,
    precision: Precision = "auto",
    **options: Unpack[Options],
) -> Dataset:
    """Summarises each document of a Ray dataset, on any number of machines.

    An actor loads the model once. Ray restarts a dead actor and repeats its batches, so that every document is in the
    result once. Each machine needs bertsum, and a model's folder under the same path.

    Args:
        dataset: A dataset with a document in each row: text or a list of sentences.
        model: A checkpoint folder or hub id, as for ``Summarizer.from_pretrained``.
        text_column: The column of the documents.
        summary_column: The column for summaries. Four more are named after it: ``summary_sentences``,
            ``summary_indices``, ``summary_scores``, and ``summary_error``, which says why a document has no summary. A
            model that writes also gives ``summary_leans_on`` and ``summary_unsupported``, before the last one.
        actors: Number of actors; each loads the model.
        num_cpus: Cores of each actor.
        num_gpus: GPUs of each actor, such as 1 or 0.5; 0 is for the CPU.
        batch_size: Documents that are summarised together.
        precision: Arithmetic of the forward pass.
        options: Options of a call of the summarizer.

    Returns:
        The dataset, not yet computed, with five more columns; seven if the model writes.

    Raises:
        BertsumError: if Ray is not installed, or there are several queries.
    """
    _check_query(options)
    pool = _actor_pool(actors)
    if model is not None and Path(model).is_dir():
        model = Path(model).absolute()  # actors may run in another folder
    return dataset.map_batches(
        SummarizeBatch,
        fn_constructor_args=(model,),
        fn_constructor_kwargs={
            "text_column": text_column,
            "summary_column": summary_column,
            "device": "cuda" if num_gpus else "cpu",
            "precision": precision,
            **options,
        },
        batch_format="pyarrow",
        batch_size=batch_size,
        compute=pool,
        num_cpus=num_cpus,
        num_gpus=num_gpus,
    )


def _actor_pool(size: int) -> ActorPoolStrategy:
    try:
        from ray.data import ActorPoolStrategy
    except ImportError as error:
        raise BertsumError(f"{error.name} is not installed: pip install 'bertsum[ray]'") from error
    return ActorPoolStrategy(size=size)


def _check_query(options: Options) -> None:
    """Checks that there is one query: nothing tells which documents come together."""
    query = options.get("query")
    if isinstance(query, Iterable) and not isinstance(query, str):
        raise BertsumError("query: got several, expected one for all documents")


class SummarizeBatch:
    """Summarises tables of documents; :func:`summarize` gives this class to ``map_batches``.

    Attributes:
        summarizer: The summarizer, loaded once.
    """

    def __init__(
        self,
        model: str | Path | None = None,
        *,
        text_column: str = "document",
        summary_column: str = "summary",
        device: str | None = None,
        precision: Precision = "auto",
        **options: Unpack[Options],
    ) -> None:
        _check_query(options)
        # It imports torch, which the process that hands out the work does not need.
        from bertsum.inference.summarizer import Summarizer

        self.summarizer = Summarizer.from_pretrained(model, device=device, precision=precision)
        self.summarizer.stream([], **options)  # refuses wrong options before a batch is read
        self._text_column, self._options = text_column, options
        details = _DETAILS | (_WRITTEN if self.summarizer.model.writes else {})
        self._columns = {summary_column: ("text", pa.string())}
        for name, kind in details.items():
            self._columns[f"{summary_column}_{name}"] = (name, kind)
        self._error_column = f"{summary_column}_error"

    def __call__(self, table: pa.Table) -> pa.Table:
        """The table with its summaries.

        Raises:
            BertsumError: if the table has no column of documents, or already has a column for summaries.
        """
        if self._text_column not in table.column_names:
            raise BertsumError(
                f"text_column: no '{self._text_column}', expected one of {', '.join(table.column_names)}"
            )
        for name in (*self._columns, self._error_column):
            if name in table.column_names:
                raise BertsumError(f"summary_column: the dataset has a column '{name}' already, expected another name")
        texts = table.column(self._text_column).to_pylist()
        answers = self.summarizer.stream(texts, buffer=max(1, len(texts)), errors="return", **self._options)
        made = list(answers)
        for column, (name, kind) in self._columns.items():
            values = [None if isinstance(answer, BertsumError) else getattr(answer, name) for answer in made]
            table = table.append_column(column, pa.array(values, kind))
        errors = [str(answer) if isinstance(answer, BertsumError) else None for answer in made]
        return table.append_column(self._error_column, pa.array(errors, pa.string()))


# The attributes of Summary that become columns.
_DETAILS = {"sentences": pa.list_(pa.string()), "indices": pa.list_(pa.int64()), "scores": pa.list_(pa.float64())}
_WRITTEN = {"leans_on": pa.list_(pa.list_(pa.int64())), "unsupported": pa.list_(pa.string())}
