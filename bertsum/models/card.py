"""The model card: the README.md of a model, with the metadata that the hub expects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id

from bertsum.config import Config
from bertsum.config.strict_yaml import dump_yaml
from bertsum.data.sources import source_of
from bertsum.encoders.load import MINILM_HUB_NAME
from bertsum.errors import BertsumError
from bertsum.models.origin import Origin, read_origin
from bertsum.models.storage import CARD_FILE, SavedConfig
from bertsum.results import Results

TAGS = ["bertsum", "extractive-summarization", "model_hub_mixin"]
_NO_ID = "PATH"  # of the card's folder, or its id once it is on the hub
_METRICS = {"rouge1": "ROUGE-1", "rouge2": "ROUGE-2", "rougeL": "ROUGE-L"}
_RECIPE = ("language", "seed", "data", "encoding", "model", "train", "selection")
_NOT_RECIPE = ("prepared_dir", "workers", "resume", "overwrite")  # where and how the run was made
_PATHS = ("train", "validation", "test", "document_folders", "encoder", "start_from")


def card_of(
    config: SavedConfig, folder: Path | None, repo_id: str | None = None, license: str | None = None
) -> ModelCard:
    """The card of a model.

    Args:
        config: What the model is made of.
        folder: Where it was read from, which has a card of its own or lies in a run; None for one that is nowhere else.
        repo_id: Its id on the hub.
        license: Licence of the weights.

    Raises:
        BertsumError: if the card of the folder, or a file of the run, cannot be read.
    """
    if folder is None or not (folder / CARD_FILE).is_file():
        return _card(config, read_origin(folder) if folder else None, repo_id, license)
    try:
        card = ModelCard.load(folder / CARD_FILE)
    except Exception as error:  # YAML has errors of its own, and so has what it may hold
        raise BertsumError(f"'{folder / CARD_FILE}': cannot be read as a model card: {error}") from error
    if license is not None:
        card.data.license = license
    if repo_id is not None:  # the folder's own card could not name it
        card.text = card.text.replace(f'from_pretrained("{_NO_ID}")', f'from_pretrained("{repo_id}")')
        card.text = card.text.replace(f"--model {_NO_ID} ", f"--model {repo_id} ")
    return card


def _card(config: SavedConfig, origin: Origin | None, repo_id: str | None, license: str | None) -> ModelCard:
    name = (repo_id or (origin.config.name if origin else "bertsum model")).rpartition("/")[2]
    measured = list(origin.measured.values()) if origin else []
    data = ModelCardData(
        language=None if config.language == "auto" else re.split("[-_]", config.language)[0].lower(),
        license=license or "unknown",
        library_name="bertsum",
        pipeline_tag="summarization",
        tags=list(TAGS),
        base_model=_base_model(config.model.encoder),
        datasets=_datasets(origin),
        metrics=["rouge"] if measured else None,
        model_name=name if measured else None,
        eval_results=[result for of_split in measured for result in _eval_results(of_split)] or None,
    )
    sections = [
        f"# {name}",
        _description(config),
        f"## How to use it\n\n{_usage(config, repo_id)}",
        f"## ROUGE\n\n{_rouge(measured)}",
        f"## Documents\n\n{_documents(origin)}",
        f"## Recipe\n\n{_recipe(config, origin)}",
        f"## Limits\n\n{_limits(config, origin)}",
    ]
    return ModelCard(f"---\n{data.to_yaml()}\n---\n\n" + "\n\n".join(sections) + "\n")


def _datasets(origin: Origin | None) -> list[str] | None:
    dataset = source_of(origin.config.data, "train")["dataset"] if origin and origin.trained else None
    return [dataset] if dataset else None


def _base_model(encoder: str) -> str | None:
    """The hub's name of an encoder; None for a folder."""
    if encoder == "minilm":
        return MINILM_HUB_NAME
    try:
        validate_repo_id(encoder)
    except HFValidationError:
        return None
    return None if Path(encoder).exists() else encoder


def _eval_results(results: Results) -> list[EvalResult]:
    dataset = results.source["dataset"]
    return [
        EvalResult(
            task_type="summarization",
            task_name="Extractive summarization",
            dataset_type=dataset or "unknown",  # as sentence-transformers says of files
            dataset_name=_source(results.source),
            dataset_config=results.source["dataset_config"],
            dataset_split=results.split,
            metric_type="rouge",
            metric_name=f"{title} {results.figure_name}",
            metric_value=round(100 * getattr(results.systems["model"][metric], results.figure), 2),
        )
        for metric, title in _METRICS.items()
    ]


def _description(config: SavedConfig) -> str:
    model = config.model
    return (
        "An extractive summarizer: it chooses sentences of a text, verbatim. "
        f"[BERTSUM](https://arxiv.org/abs/1903.10318) on {_code(_without_folders(model.encoder))}, with the "
        f"{_code(model.head)} head over {_code(model.sentence_vectors)} sentence vectors, for texts {_in(config)}. "
        f"Made with bertsum {metadata.version('bertsum')}."
    )


def _in(config: SavedConfig) -> str:
    return "of any language" if config.language == "auto" else f"in {_code(config.language)}"


def _usage(config: SavedConfig, repo_id: str | None) -> str:
    path = repo_id or _NO_ID
    return f"""```python
import bertsum

summarizer = bertsum.Summarizer.from_pretrained("{path}")  # revision="..." for one version of it
summary = summarizer(open("article.txt").read())
print(summary.text)
```

```
bertsum summarize --model {path} article.txt
```

Unless asked otherwise, it chooses by {_selection(asdict(config.selection))}."""


def _selection(selection: Mapping[str, Any]) -> str:
    """The limits and options that are set, as of a config."""
    told = {
        name: value for name, value in selection.items() if not (value is None or value is False or value == "document")
    }
    return ", ".join(f"`{line}`" for line in dump_yaml(told).splitlines())


def _rouge(measured: list[Results]) -> str:
    if not measured:
        return "It was not measured, or not with these very weights."
    return "\n\n".join(_rouge_of(of_split) for of_split in measured)


def _rouge_of(results: Results) -> str:
    rows = ["| | " + " | ".join(_METRICS.values()) + " |", "|---|" + "---|" * len(_METRICS)]
    for system, scores, *_ in results.rows():
        cells = [f"{mean:.2f} ({low:.2f}-{high:.2f})" for mean, low, high in scores.values()]
        name = "**this model**" if system == "model" else system
        rows.append(f"| {name} | " + " | ".join(cells) + " |")
    where = f"{_code(_source(results.source))} ({results.split}, {results.documents:,} documents)"
    how = f"ROUGE {results.figure_name} in percent with 95% bootstrap intervals; counts {results.tokenizer}"
    read = "read in windows" if results.long_documents == "window" else "cut to what the encoder reads"
    of_read = ", of which Lead and Oracle choose, too" if results.baselines == "read" else ""
    chosen = f"chosen by {_selection(results.selection or {})}, long documents {read}{of_read}"
    return "\n".join([f"{where}: {how}; {chosen}.", "", *rows])


def _source(source: Mapping[str, Any]) -> str:
    """Where documents come from; of a path with folders of one's own its last part."""
    documents = source["documents"]
    if source["dataset"]:
        parts = [source["dataset"], source["dataset_config"], documents]
        return " ".join(part for part in parts if part)
    paths = documents if isinstance(documents, list) else [documents]
    return ", ".join(_without_folders(path) for path in paths)


def _without_folders(path: str) -> str:
    return Path(path).name if Path(path).is_absolute() else path


def _documents(origin: Origin | None) -> str:
    if origin is None or not origin.trained:
        return "What it was trained on is not recorded."
    data, read = origin.config.data, origin.prepared
    lines = []
    for split in ("train", "validation", "test"):
        if not data.has_split(split) or (split != "train" and split not in origin.measured):
            continue
        source, count = source_of(data, split), ""
        if split != "train":
            source, count = origin.measured[split].source, f"{origin.measured[split].documents:,} documents"
        elif read is not None:
            count = (
                f"{read.kept:,} of {read.read:,} documents; {read.sentences_per_document:.1f} sentences a document, "
                f"{read.sentences_read_per_document:.1f} of them read, as {read.tokens_per_document:.0f} tokens; "
                f"{read.cut_share:.1%} of documents cut"
            )
        lines.append(f"- {split}: {_code(_source(source))}" + (f", {count}" if count else ""))
    return "\n".join(lines)


def _recipe(config: SavedConfig, origin: Origin | None) -> str:
    if origin is None or not origin.trained:
        values = _recorded(asdict(config))
        return "How it was trained is not recorded. What it is made of:\n\n" + _yaml(values)
    done, data = origin.trained, origin.config.data
    labels = "the greedy oracle" if data.soft_labels is None else f"soft oracles (temperature {data.soft_labels})"
    values = _recorded(origin.config.to_dict())
    changed = _changed(values, Config().to_dict())
    return f"""Trained on labels of {labels} for {done["step"]:,} updates: {done["documents"]:,} documents and \
{done["tokens"]:,} tokens seen, {done["seconds"] / 60:.1f} minutes. What differs from bertsum's defaults:

{_yaml(changed)}

<details><summary>All of it</summary>

{_yaml(values)}

</details>"""


def _recorded(values: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a configuration that makes a model."""
    told: dict[str, Any] = {}
    for name in _RECIPE:
        value = values.get(name)
        if isinstance(value, Mapping):
            told[name] = {key: _told(key, own) for key, own in value.items() if key not in _NOT_RECIPE}
        elif value is not None:
            told[name] = value
    return told


def _told(key: str, value: Any) -> Any:
    if key not in _PATHS or value is None:
        return value
    return [_without_folders(path) for path in value] if isinstance(value, list) else _without_folders(value)


def _changed(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """What differs, without the sections in which nothing does."""
    parts = {
        name: _changed(value, defaults[name]) if isinstance(value, Mapping) else value for name, value in values.items()
    }
    return {name: value for name, value in parts.items() if value != {} and value != defaults[name]}


def _yaml(values: Mapping[str, Any]) -> str:
    return f"```yaml\n{dump_yaml(values)}```"


def _code(text: str) -> str:
    return f"`{text.replace('`', '')}`"


def _limits(config: SavedConfig, origin: Origin | None) -> str:
    encoding = config.encoding
    learned = "it learned from such texts whole."
    if encoding.long_documents == "truncate":
        learned = f"it learned from the first {encoding.max_length:,} tokens of each alone."
    lines = [
        "It only chooses: what a sentence leaves open without those around it stays open, and what is wrong or unfair "
        "in a text may be in its summary.",
        f"A text of more than {encoding.max_length:,} tokens is read in windows; {learned}",
        f"It is for texts like those above, {_in(config)}; how it does on others was not measured.",
    ]
    if origin is not None and origin.trained and "validation" in origin.measured:
        metric = origin.config.train.metric
        lines.append(f"The checkpoint is the best by validation {_code(metric)}, which flatters its figures there.")
    return "\n".join(f"- {line}" for line in lines)
