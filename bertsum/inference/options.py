"""Options of a call of the summarizer; options that are not given come from the model's settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypedDict

from bertsum.config import Config, GenerationConfig, SelectionConfig
from bertsum.errors import BertsumError, ConfigError
from bertsum.models.selection import answering, check_threshold
from bertsum.models.storage import SavedConfig
from bertsum.text import plain

LongDocuments = Literal["window", "truncate"]
_LIMITS = ("sentences", "ratio", "max_words", "threshold")
_CHOOSING = (*_LIMITS, "trigram_blocking", "order", "query")
_WRITING = ("beam_size", "length_penalty", "min_length", "max_length", "trigram_blocking")
_CHOOSES, _WRITES = "a model that chooses sentences (extractive)", "a model that writes (seq2seq)"


class Options(TypedDict, total=False):
    """How a summary is made; :meth:`Summarizer.__call__` describes each."""

    sentences: int | None
    ratio: float | None
    max_words: int | None
    threshold: float | None
    trigram_blocking: bool | None
    order: Literal["document", "score"] | None
    beam_size: int | None
    length_penalty: float | None
    min_length: int | None
    max_length: int | None
    language: str | None
    long_documents: LongDocuments | None
    max_tokens_per_batch: int
    query: str | Sequence[str] | None


@dataclass(frozen=True)
class Settled:
    """All options of a call; those not given come from the model's settings.

    Attributes:
        writes: Whether the model writes summaries; else it chooses sentences.
        selection: How sentences are chosen, by a model that chooses.
        answering: How sentences that answer a query are chosen.
        generation: How summaries are written, by a model that writes.
        language: The documents' language, or auto.
        language_given: Whether the call names the language.
        long_documents: How long documents are read.
        max_tokens_per_batch: Budget of a batch.
    """

    writes: bool
    language: str
    language_given: bool
    long_documents: LongDocuments
    max_tokens_per_batch: int
    selection: SelectionConfig = field(default_factory=SelectionConfig)
    answering: SelectionConfig = field(default_factory=SelectionConfig)
    generation: GenerationConfig = field(default_factory=GenerationConfig)


def foreign_options(given: Mapping[str, Any], writes: bool) -> list[str]:
    """Names of the given options that only another kind of model takes.

    Args:
        given: Options by name; None stands for an option that is not given.
        writes: Whether the model writes.
    """
    own, other = (_WRITING, _CHOOSING) if writes else (_CHOOSING, _WRITING)
    return [name for name in other if name not in own and given.get(name) is not None]


def settle(given: Options, model: SavedConfig, writes: bool) -> Settled:
    """Checks a call's options, and takes those not given from the model's settings.

    Args:
        given: The options of the call.
        model: The model's configuration.
        writes: Whether the model writes.

    Raises:
        BertsumError: if an option is out of its range, or is for another kind of model.
        TypeError: if an option is unknown.
    """
    options: dict[str, Any] = {name: plain(value) for name, value in given.items()}
    unknown = options.keys() - Options.__annotations__
    if unknown:
        raise TypeError(f"unknown option '{min(unknown)}', expected {', '.join(Options.__annotations__)}")
    for name in foreign_options(options, writes):
        kinds, own = ((_CHOOSES, _WRITES), _WRITING) if writes else ((_WRITES, _CHOOSES), _CHOOSING)
        raise BertsumError(
            f"{name}: got {options[name]!r}, which is for {kinds[0]}, but this is {kinds[1]}, which takes "
            f"{', '.join(own)}"
        )
    if options.get("query") is not None and model.selection.query_threshold is None:
        raise BertsumError(
            f"query: got {options['query']!r:.80}, but this model was not trained with queries "
            "(selection.query_threshold is null); expected a model that was, such as one of bertsum train --config ask"
        )
    language = options.get("language") or model.language
    budget = options.get("max_tokens_per_batch", 4096)
    if not isinstance(budget, int) or budget < 1:
        raise BertsumError(f"max_tokens_per_batch: got {budget!r}, expected a whole number of tokens, 1 or more")
    return Settled(
        writes=writes,
        language=language,
        language_given=bool(options.get("language")),
        long_documents=_long_documents(options.get("long_documents"), writes),
        max_tokens_per_batch=budget,
        selection=_selection({} if writes else options, language, model),
        answering=_answering({} if writes else options, language, model),
        generation=_generation(options if writes else {}, model),
    )


def _long_documents(given: Any, writes: bool) -> LongDocuments:
    """How long documents are read: whole by a model that chooses, their beginning by one that writes."""
    if given not in (None, "window", "truncate"):
        raise BertsumError(f"long_documents: got {given!r}, expected window or truncate")
    if writes and given == "window":
        raise BertsumError(
            f"long_documents: got 'window', which is for {_CHOOSES}, but this is {_WRITES}; expected truncate"
        )
    return "truncate" if writes or given == "truncate" else "window"


def _selection(options: Mapping[str, Any], language: str, model: SavedConfig) -> SelectionConfig:
    """The model's selection changed by a call's options, checked like any config."""
    values = asdict(model.selection)
    limits = {name: options.get(name) for name in _LIMITS}
    if any(limit is not None for limit in limits.values()):
        values |= limits | {"fill": True}
    values |= {name: options[name] for name in ("trigram_blocking", "order") if options.get(name) is not None}
    if values == asdict(model.selection) and language == model.language:
        return model.selection
    selection = _checked({"selection": values, "language": language}).selection
    check_threshold(model.scores, selection)
    return selection


def _answering(options: Mapping[str, Any], language: str, model: SavedConfig) -> SelectionConfig:
    """How sentences that answer a query are chosen: by the threshold, and by the limits of the call."""
    values = asdict(answering(model.selection))
    values |= {name: options[name] for name in _CHOOSING if name != "query" and options.get(name) is not None}
    return _checked({"selection": values, "language": language}).selection


def _generation(options: Mapping[str, Any], model: SavedConfig) -> GenerationConfig:
    """The model's way of writing changed by a call's options, checked like any config."""
    wanted = {name: options[name] for name in _WRITING if options.get(name) is not None}
    if not wanted:
        return model.generation
    return _checked({"generation": asdict(model.generation) | wanted}).generation


def _checked(values: Mapping[str, Any]) -> Config:
    """A config from sections of a model's settings that a call's options changed; an error names the options."""
    try:
        return Config.from_dict(values)
    except ConfigError as error:
        options = [problem.removeprefix("selection.").removeprefix("generation.") for problem in error.problems]
        raise BertsumError("\n".join(options)) from error
