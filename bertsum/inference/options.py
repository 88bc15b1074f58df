"""Options of a call; the model's settings replace the options that are not given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypedDict

from bertsum.config import Config, SelectionConfig
from bertsum.errors import BertsumError
from bertsum.models.storage import SavedConfig
from bertsum.text import plain

LongDocuments = Literal["window", "truncate"]
_LIMITS = ("sentences", "ratio", "max_words", "threshold")


class Options(TypedDict, total=False):
    """How a summary is made; :meth:`Summarizer.__call__` describes each."""

    sentences: int | None
    ratio: float | None
    max_words: int | None
    threshold: float | None
    trigram_blocking: bool | None
    order: Literal["document", "score"] | None
    language: str | None
    long_documents: LongDocuments
    max_tokens_per_batch: int


@dataclass(frozen=True)
class Settled:
    """A call's options; the model's settings replace those not given."""

    selection: SelectionConfig
    language: str
    language_given: bool
    long_documents: LongDocuments
    max_tokens_per_batch: int


def settle(given: Options, model: SavedConfig) -> Settled:
    """A call's options, checked; the model's settings replace those not given.

    Raises:
        BertsumError: if an option is out of its range.
        TypeError: if an option is unknown.
    """
    options: dict[str, Any] = {name: plain(value) for name, value in given.items()}
    unknown = options.keys() - Options.__annotations__
    if unknown:
        raise TypeError(f"unknown option '{min(unknown)}', expected {', '.join(Options.__annotations__)}")
    language = options.get("language") or model.language
    selection = _selection(options, language, model)
    long_documents = options.get("long_documents", "window")
    if long_documents not in ("window", "truncate"):
        raise BertsumError(f"long_documents: got {long_documents!r}, expected window or truncate")
    budget = options.get("max_tokens_per_batch", 4096)
    if not isinstance(budget, int) or budget < 1:
        raise BertsumError(f"max_tokens_per_batch: got {budget!r}, expected a whole number of tokens, 1 or more")
    return Settled(selection, language, options.get("language") is not None, long_documents, budget)


def _selection(options: Mapping[str, Any], language: str, model: SavedConfig) -> SelectionConfig:
    """The model's selection changed by a call's options, checked like any config."""
    values = asdict(model.selection)
    limits = {name: options.get(name) for name in _LIMITS}
    if any(limit is not None for limit in limits.values()):
        values |= limits
    values |= {name: options[name] for name in ("trigram_blocking", "order") if options.get(name) is not None}
    if values == asdict(model.selection) and language == model.language:
        return model.selection
    return Config.from_dict({"selection": values, "language": language}).selection
