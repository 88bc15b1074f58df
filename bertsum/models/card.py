"""The model card: the README.md of a model, with the metadata that the hub expects.

It is made from files of the run: config.yaml, the checkpoint's state, the report of the preparation, and each
eval/*/results.json measured with the model's weights.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import jinja2
from huggingface_hub import EvalResult, ModelCard, ModelCardData
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id
from transformers import PretrainedConfig

from bertsum.config import Config
from bertsum.config.strict_yaml import dump_yaml
from bertsum.data.sources import source_of
from bertsum.data.store import Report
from bertsum.data.teacher import teacher_files
from bertsum.encoders.load import MINILM_HUB_NAME, SCRATCH
from bertsum.encoders.smaller import made_smaller
from bertsum.errors import BertsumError
from bertsum.models.storage import CARD_FILE, SavedConfig, saved_checksum
from bertsum.results import RESULTS_FILE, TRANSLATION_METRICS, Results
from bertsum.runs import Run

_NO_ID = "PATH"  # stands for the folder, or for the id on the hub
_METRICS = {"rouge1": "ROUGE-1", "rouge2": "ROUGE-2", "rougeL": "ROUGE-L"}
_RECIPE = ("language", "seed", "data", "encoding", "model", "train")  # and the parts that a kind of model has
_EXTRACTIVE = ("model", "encoding", "selection", "language")
_NOT_RECIPE = ("prepared_dir", "workers", "resume", "overwrite")  # fields that only tell where and how the run was made
_PATHS = (
    "train",
    "validation",
    "test",
    "teacher",
    "document_folders",
    "encoder",
    "start_from",
    "start_from_extractive",
    "tokenizer",
)


@dataclass(frozen=True)
class Origin:
    """The run that a model comes from, as far as its files show.

    Attributes:
        config: The run's configuration.
        trained: Progress of the training (``step``, ``documents``, ``tokens``, ``seconds``); empty if the model was
            trained elsewhere.
        prepared: The report about the training documents; None if the prepared data are missing.
        measured: Results of evaluations of these weights, by split; they hold ``model`` and the baselines.
    """

    config: Config
    trained: dict[str, Any] = field(default_factory=dict)
    prepared: Report | None = None
    measured: dict[str, Results] = field(default_factory=dict)


def read_origin(checkpoint: Path) -> Origin | None:
    """The run of a checkpoint; None if the folder is not in a run.

    Args:
        checkpoint: ``checkpoints/step_...`` of the run folder.

    Raises:
        BertsumError: naming the file that cannot be read.
    """
    run = Run(checkpoint.parent.parent)
    if checkpoint.parent.name != "checkpoints" or not run.config_file.is_file():
        return None
    config = Config.load(run.config_file, training=False)
    trained: dict[str, Any] = {}
    prepared = None
    state = checkpoint / "state" / "trainer.json"
    if state.is_file():
        with _readable(state) as values:
            trained = {name: values[name] for name in ("step", "documents", "tokens", "seconds")}
            report = Path(config.data.prepared_dir) / values["data"] / "report.json"
        if report.is_file():
            with _readable(report) as values:
                prepared = Report(**values)
    measured: dict[str, Results] = {}
    weights = saved_checksum(checkpoint)
    for file in sorted((run.folder / "eval").glob(f"*/{RESULTS_FILE}")):  # test before test-average
        results = Results.read(file)
        systems = [name for name, checksum in results.weights.items() if checksum == weights]
        if systems and weights is not None and results.split not in measured:
            measured[results.split] = replace(
                results,
                systems=_of_model_and_baselines(results.systems, systems[0]),
                translation=_of_model_and_baselines(results.translation, systems[0]),
                perplexity=_of_model_and_baselines(results.perplexity, systems[0]),
                answers=_of_model_and_baselines(results.answers, systems[0]),
            )
    return Origin(config, trained, prepared, measured)


def _of_model_and_baselines(figures: Mapping[str, Any], model: str) -> dict[str, Any]:
    """The figures of a model, which gets the name ``model``, and of the baselines."""
    return {
        "model" if system == model else system: scores
        for system, scores in figures.items()
        if system in (model, "oracle", "first", "overlap") or system.startswith("lead-")
    }


@contextmanager
def _readable(file: Path) -> Iterator[dict[str, Any]]:
    """Gives the content of a JSON file to the block.

    Raises:
        BertsumError: if the file cannot be read, or the block looks up a value that it lacks.
    """
    try:
        yield json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise BertsumError(f"'{file}': cannot be read for the model card: {error!r}") from error


def card_of(
    config: SavedConfig,
    folder: Path | None,
    repo_id: str | None = None,
    license: str | None = None,
    sections: Sequence[str] = _EXTRACTIVE,
    encoder: PretrainedConfig | None = None,
) -> ModelCard:
    """The card of a model.

    Args:
        config: The model's configuration.
        folder: Folder that the model was read from, with a card or in a run; None if the model is not on disk.
        repo_id: The model's id on the hub.
        license: Licence of the weights.
        sections: The parts of the configuration that the model's kind reads.
        encoder: The encoder's configuration.

    Raises:
        BertsumError: if the folder's card, or a file of the run, cannot be read.
    """
    if folder is None or not (folder / CARD_FILE).is_file():
        told = [] if encoder is None else made_smaller(encoder)
        return _card(config, sections, read_origin(folder) if folder else None, repo_id, license, told)
    try:
        card = ModelCard.load(folder / CARD_FILE)
    except Exception as error:  # YAML has its own errors, and so have the metadata classes
        raise BertsumError(f"'{folder / CARD_FILE}': cannot be read as a model card: {error}") from error
    if license is not None:
        card.data.license = license
    if repo_id is not None:  # the folder's own card could not name it
        card.text = card.text.replace(f'from_pretrained("{_NO_ID}")', f'from_pretrained("{repo_id}")')
        card.text = card.text.replace(f"--model {_NO_ID} ", f"--model {repo_id} ")
    return card


def _card(
    config: SavedConfig,
    sections: Sequence[str],
    origin: Origin | None,
    repo_id: str | None,
    license: str | None,
    encoder_facts: Sequence[str],
) -> ModelCard:
    name = (repo_id or (origin.config.name if origin else "bertsum model")).rpartition("/")[2]
    measured = list(origin.measured.values()) if origin else []
    task = _task(config, sections, measured)
    data = ModelCardData(
        language=None if config.language == "auto" else re.split("[-_]", config.language)[0].lower(),
        license=license or "unknown",
        library_name="bertsum",
        pipeline_tag=task if task in ("translation", "fill-mask") else "summarization",
        tags=["bertsum", task, "model_hub_mixin"],
        base_model=_base_model(config.model.encoder),
        datasets=_datasets(origin),
        metrics=_measured_metrics(measured) or None,
        model_name=name if measured else None,
        eval_results=[result for of_split in measured for result in _eval_results(of_split)] or None,
    )
    training = origin.config if origin is not None and origin.trained else None
    recipe = _recorded(training.to_dict() if training else asdict(config), sections)
    return ModelCard(
        _template("card_encoder.md.jinja" if task == "fill-mask" else "card.md.jinja").render(
            data=data.to_yaml(),
            known_language=data.language,
            name=name,
            encoder=_without_folders(config.model.encoder),
            encoder_facts=encoder_facts,
            task=task,
            model=config.model,
            decoder=config.decoder,
            encoding=config.encoding,
            languages="of any language" if config.language == "auto" else f"in {_code(config.language)}",
            version=metadata.version("bertsum"),
            path=repo_id or _NO_ID,
            selection=asdict(config.selection),
            generation=asdict(config.generation),
            calibration=config.calibration,
            measured=measured,
            metrics=list(_METRICS.values()),
            titles=TRANSLATION_METRICS,
            rouge_measured=any(one.systems for one in measured) if measured else task != "translation",
            documents=list(_documents(origin)),
            trained=origin.trained if origin else None,
            labels=_labels(training) if training else None,
            recipe=dump_yaml(recipe),
            changed=dump_yaml(_changed(recipe, Config().to_dict())) if training else None,
            flattered=training.train.metric if origin and training and "validation" in origin.measured else None,
        )
    )


def _task(config: SavedConfig, sections: Sequence[str], measured: Sequence[Results]) -> str:
    """What the model does: a task name of the hub, or a longer description."""
    if "generation" not in sections and "selection" not in sections:
        return "fill-mask"
    if "generation" not in sections:
        return "extractive-summarization"
    if not config.encoding.split_sentences or (measured and not any(one.systems for one in measured)):
        return "translation"
    return "abstractive-summarization"


@functools.cache
def _template(file: str) -> jinja2.Template:
    environment = jinja2.Environment(trim_blocks=True, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    environment.filters |= {"code": _code, "options": _options, "source": _source}
    return environment.from_string(Path(__file__).with_name(file).read_text(encoding="utf-8"))


def _labels(config: Config) -> str:
    data = config.data
    temperature = data.soft_temperature
    oracle = "the greedy oracle" if temperature is None else f"soft oracles (temperature {temperature})"
    if data.labels != "teacher":
        return oracle
    count = len(teacher_files(data))
    teacher = "a trained model" if count == 1 else f"{count} trained models, on average"
    return teacher if data.teacher_weight == 1 else f"{teacher} (weight {data.teacher_weight}), mixed with {oracle}"


def _datasets(origin: Origin | None) -> list[str] | None:
    dataset = source_of(origin.config.data, "train")["dataset"] if origin and origin.trained else None
    return [dataset] if dataset else None


def _base_model(encoder: str) -> str | None:
    """The hub's name of an encoder; None for a folder, and for an encoder from scratch."""
    if encoder == SCRATCH:
        return None
    if encoder == "minilm":
        return MINILM_HUB_NAME
    try:
        validate_repo_id(encoder)
    except HFValidationError:
        return None
    return None if Path(encoder).exists() else encoder


def _eval_results(results: Results) -> list[EvalResult]:
    dataset = results.source["dataset"]
    common: dict[str, Any] = {
        "dataset_type": dataset or "unknown",  # as sentence-transformers says of files
        "dataset_name": _source(results.source),
        "dataset_config": results.source["dataset_config"],
        "dataset_split": results.split,
    }
    rouge = results.systems.get("model", {})
    kind = "Extractive summarization" if results.generation is None else "Abstractive summarization"
    summaries = [
        EvalResult(
            task_type="summarization",
            task_name=kind,
            metric_type="rouge",
            metric_name=f"{_METRICS[metric]} {results.figure_name}",
            metric_value=round(100 * getattr(score, results.figure), 2),
            **common,
        )
        for metric, score in rouge.items()
    ]
    translations = [
        EvalResult(
            task_type="translation",
            task_name="Translation",
            metric_type=metric,
            metric_name=TRANSLATION_METRICS[metric],
            metric_value=round(one.score, 2),
            **common,
        )
        for metric, one in results.translation.get("model", {}).items()
    ]
    words = [
        EvalResult(
            task_type="fill-mask",
            task_name="Masked language modelling",
            metric_type="perplexity",
            metric_name="Perplexity of hidden words",
            metric_value=round(one.score, 2),
            **common,
        )
        for one in results.perplexity.values()
    ]
    return [*summaries, *translations, *words]


def _measured_metrics(measured: Sequence[Results]) -> list[str]:
    """The hub's names of the metrics that were measured."""
    rouge = ["rouge"] if any(results.systems for results in measured) else []
    rouge += ["perplexity"] if any(results.perplexity for results in measured) else []
    return rouge + [metric for metric in TRANSLATION_METRICS if any(metric in one.signatures for one in measured)]


def _options(selection: Mapping[str, Any] | None) -> str:
    """The limits and options that a selection sets, written as in a config."""
    told = {
        name: value
        for name, value in (selection or {}).items()
        if not (value is None or value is False or value == "document")
    }
    return ", ".join(f"`{line}`" for line in dump_yaml(told).splitlines())


def _source(source: Mapping[str, Any]) -> str:
    """Where documents come from; private folders are cut from a path."""
    documents = source["documents"]
    if source["dataset"]:
        parts = [source["dataset"], source["dataset_config"], documents]
        return " ".join(part for part in parts if part)
    paths = documents if isinstance(documents, list) else [documents]
    return ", ".join(_without_folders(path) for path in paths)


def _without_folders(path: str) -> str:
    return Path(path).name if Path(path).is_absolute() else path


def _documents(origin: Origin | None) -> Iterator[str]:
    """What the model was trained and measured on, one line for each split."""
    if origin is None or not origin.trained:
        return
    data, read = origin.config.data, origin.prepared
    for split in ("train", "validation", "test"):
        if not data.has_split(split) or (split != "train" and split not in origin.measured):
            continue
        source, count = source_of(data, split), ""
        if split != "train":
            source, count = origin.measured[split].source, f"{origin.measured[split].documents:,} documents"
        elif read is not None:
            count = (
                f"{read.kept:,} of {read.read:,} documents; {read.per_document()}; "
                f"{read.cut_share:.1%} of documents cut"
            )
        yield f"{split}: {_code(_source(source))}" + (f", {count}" if count else "")


def _recorded(values: Mapping[str, Any], sections: Sequence[str]) -> dict[str, Any]:
    """The part of a configuration that makes a model."""
    told: dict[str, Any] = {}
    for name in (*_RECIPE, *(name for name in sections if name not in _RECIPE)):
        value = values.get(name)
        if isinstance(value, Mapping):
            told[name] = {
                key: _without_own_folders(key, field) for key, field in value.items() if key not in _NOT_RECIPE
            }
        elif value is not None:
            told[name] = value
    return told


def _without_own_folders(key: str, value: Any) -> Any:
    if key not in _PATHS or value is None:
        return value
    return [_without_folders(path) for path in value] if isinstance(value, list) else _without_folders(value)


def _changed(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The values that differ; sections without any are left out."""
    parts = {
        name: _changed(value, defaults[name]) if isinstance(value, Mapping) else value for name, value in values.items()
    }
    return {name: value for name, value in parts.items() if value != {} and value != defaults[name]}


def _code(text: str) -> str:
    return f"`{text.replace('`', '')}`"
