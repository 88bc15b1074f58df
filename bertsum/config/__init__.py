"""The whole configuration: frozen dataclasses, read strictly from YAML files and dotted command-line overrides.

Each field is written once: its type with its bound, its default, and below it its meaning, which ``--help`` and
configs/README.md show. Reading only checks; it never changes a value, and it reports all problems together.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from bertsum.config.bounds import FolderName, Language, Precision, Seed, Text
from bertsum.config.data import DataConfig, EncodingConfig
from bertsum.config.evaluation import (
    EvaluationConfig,
    GenerationConfig,
    RougeConfig,
    SelectionConfig,
    TrackingConfig,
    metrics_problem,
)
from bertsum.config.model import DecoderConfig, ModelConfig
from bertsum.config.reading import build, find_config, flatten, override_value
from bertsum.config.train import TrainConfig
from bertsum.errors import BertsumError
from bertsum.files import write_whole
from bertsum.text import kind_of

__all__ = [
    "Config", "DataConfig", "DecoderConfig", "EncodingConfig", "EvaluationConfig", "GenerationConfig", "ModelConfig",
    "Precision", "RougeConfig", "SelectionConfig", "TrackingConfig", "TrainConfig",
]  # fmt: skip

# The reason that a model has no threshold, for error messages.
NO_THRESHOLD = (
    "train.loss listwise, whose scores are shares that add up to 1 over a document: they rank its sentences, and get "
    "smaller the more sentences there are"
)


@dataclass(frozen=True)
class Config:
    """The whole configuration of a run."""

    name: FolderName = "run"
    """The name of the run; its folder is output_dir/name. If a config file sets none, it is the file's name."""
    output_dir: Text = "runs"
    """The folder of all runs."""
    language: Language = "en"
    """The language of the documents (ISO 639-1), for sentence splitting and ROUGE. auto detects it by document."""
    seed: Seed = 0
    """The seed of weights, dropout and the order of documents."""
    data: DataConfig = field(default_factory=DataConfig)
    encoding: EncodingConfig = field(default_factory=EncodingConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    decoder: DecoderConfig = field(default_factory=DecoderConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    selection: SelectionConfig = field(default_factory=SelectionConfig)
    generation: GenerationConfig = field(default_factory=GenerationConfig)
    rouge: RougeConfig = field(default_factory=RougeConfig)
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)

    @property
    def run_dir(self) -> Path:
        """Folder of this run."""
        return Path(self.output_dir) / self.name

    @property
    def rouge_language(self) -> str:
        """Language of ROUGE's tokenizer."""
        return self.rouge.language or self.language

    @property
    def scores(self) -> Literal["sigmoid", "softmax"]:
        """How an extractive model's logits become scores; the loss decides it, and a saved model keeps it."""
        return "softmax" if self.train.loss == "listwise" else "sigmoid"

    @property
    def lead_sentences(self) -> int:
        """Sentences of the Lead baseline."""
        return self.evaluation.lead_sentences or self.selection.sentences or 3

    @staticmethod
    def load(path: str | Path | None = None, overrides: Sequence[str] = (), *, training: bool = True) -> Config:
        """Reads a YAML file and applies dotted overrides such as ``"train.max_steps=100"``.

        Args:
            path: The file. If it does not exist, its name is looked up among the configs that come with bertsum, then
                in ``configs/`` of the current folder.
            overrides: ``"FIELD=VALUE"`` each; later ones win.
            training: Whether the config is for a training, and must also pass :meth:`check_training`.

        Raises:
            BertsumError: if a key is unknown, or a value impossible; the message names all problems.
        """
        from bertsum.config.strict_yaml import read_yaml

        values: dict[str, Any] = {}
        origin: dict[str, str] = {}
        if path is not None:
            if not isinstance(path, str | os.PathLike):
                raise BertsumError(f"config: got {kind_of(path)}, expected a path or a name")
            file = find_config(path)
            values = flatten(read_yaml(file), f"config '{file}'")
            origin = dict.fromkeys(values, str(file))
            values.setdefault("name", file.stem)
        if isinstance(overrides, str):
            raise BertsumError(f"overrides: got the text {overrides!r:.80}, expected a list of KEY=VALUE")
        for override in overrides:
            key, separator, text = str(override).removeprefix("--").partition("=")
            if not separator:
                raise BertsumError(f"override '{override}': expected KEY=VALUE, such as train.max_steps=100")
            values[key] = override_value(text)
            origin.pop(key, None)
        return build(Config, values, origin, _all_problems if training else _problems)

    @staticmethod
    def from_dict(values: Mapping[str, Any], *, training: bool = True) -> Config:
        """The inverse of :meth:`to_dict`, as strict as :meth:`load`.

        Args:
            values: Nested values; missing fields get their defaults.
            training: As in :meth:`load`.
        """
        if not isinstance(values, Mapping):
            raise BertsumError(f"config: got {kind_of(values)}, expected a mapping of sections")
        return build(Config, flatten(values), {}, _all_problems if training else _problems)

    def to_dict(self) -> dict[str, Any]:
        """The resolved configuration as plain nested values."""
        return dataclasses.asdict(self)

    def flat(self) -> dict[str, Any]:
        """Dotted name and value of every field."""
        return flatten(self.to_dict())

    def save(self, path: str | Path) -> None:
        """Writes the resolved configuration as YAML.

        Args:
            path: The file.
        """
        from bertsum.config.strict_yaml import dump_yaml

        write_whole(Path(path), dump_yaml(self.to_dict()))

    def override(self, values: Mapping[str, Any], *, training: bool = True) -> Config:
        """A copy with some fields replaced.

        Args:
            values: Values of the fields' types, by dotted names such as train.max_steps.
            training: As in :meth:`load`.
        """
        return build(Config, {**self.flat(), **values}, {}, _all_problems if training else _problems)

    def check_training(self) -> None:
        """Checks that the fields fit together for a training; an evaluation may combine them in other ways.

        Raises:
            BertsumError: if they do not; the message names all problems.
        """
        self.override({})


def _all_problems(config: Config) -> Iterator[str]:
    """All problems of a configuration for a training."""
    yield from _problems(config)
    yield from _training_problems(config)


def _training_problems(config: Config) -> Iterator[str]:
    """Problems that matter only in a training: an evaluation has the model's encoding, and may have other documents."""
    train = config.train
    if config.data.mixture is not None and config.data.train is not None:
        entries = len(config.data.train) if isinstance(config.data.train, list) else 0
        if entries != len(config.data.mixture):
            expected = (
                f"one for each of its {entries} entries" if entries else "data.train to be a list of as many files"
            )
            yield f"data.mixture: {len(config.data.mixture)} numbers, expected {expected}"
    if config.data.joined and config.encoding.long_documents != "window":
        yield "data.joined: is set, but long documents are not read whole; expected encoding.long_documents window"
    if train.max_steps is not None and train.epochs is not None:
        yield "train.max_steps and train.epochs: both are set, expected one of them (null switches the other off)"
    if train.schedule == "noam" and train.warmup_steps < 1:
        yield "train.warmup_steps: got 0, expected at least 1 with train.schedule noam"
    if config.selection.similarity_weight and config.model.encoder == "scratch":
        yield "selection.similarity_weight: is set, expected 0 with model.encoder scratch, which is not pretrained"
    yield from _loss_problems(config)
    if train.encoder_warmup_steps is not None and train.schedule != "noam":
        yield f"train.encoder_warmup_steps: is set, expected null with train.schedule {train.schedule}"
    if config.model.start_from_extractive is not None and config.model.kind != "seq2seq":
        yield f"model.start_from_extractive: is set, expected null with model.kind {config.model.kind}"
    if config.model.start_from_extractive is not None and config.model.adapters is not None:
        yield (
            "model.adapters: is set with model.start_from_extractive, but a checkpoint of adapters does not have the "
            "encoder that they belong to; expected one of them"
        )
    if train.average is not None and train.average > train.keep_best:
        yield f"train.average: got {train.average}, expected at most train.keep_best ({train.keep_best})"
    if train.metric != "loss" and not train.validate_rouge:
        yield f"train.metric: got {train.metric}, expected loss unless train.validate_rouge is true"
    metrics = config.evaluation.metrics
    if right := metrics_problem(config.model.kind, metrics):
        yield f"evaluation.metrics: got [{', '.join(metrics)}], expected {right} with model.kind {config.model.kind}"
    if config.model.kind == "masked_lm" and train.validate_rouge:
        yield "train.validate_rouge: got true, expected false with model.kind masked_lm, which makes no summaries"
    if train.patience is not None and not config.data.has_split("validation"):
        yield "train.patience: is set, but there is no data.validation to judge by"


def _loss_problems(config: Config) -> Iterator[str]:
    """Problems with settings that do not fit the loss of a training."""
    train, kind = config.train, config.model.kind
    if train.loss_reduction == ("sentence" if kind in ("seq2seq", "masked_lm") else "token"):
        yield (
            f"train.loss_reduction: got {train.loss_reduction}, but the loss of model.kind {kind} is not a sum over "
            f"{train.loss_reduction}s"
        )
    if train.label_smoothing and kind != "seq2seq":
        yield f"train.label_smoothing: got {train.label_smoothing}, expected 0 with model.kind {kind}"
    if kind != "extractive":
        for name, default in (("loss", "cross_entropy"), ("positive_weight", 1.0)):
            if getattr(train, name) != default:
                yield f"train.{name}: got {getattr(train, name)}, expected {default} with model.kind {kind}"
        if config.data.labels == "teacher":
            yield f"data.labels: got teacher, but model.kind {kind} does not learn from labels of sentences"
        return
    if train.loss in ("listwise", "combined") and train.loss_reduction == "sentence":
        yield (
            f"train.loss_reduction: got sentence, but train.loss {train.loss} is a sum over documents; expected "
            "document or sum"
        )
    if train.loss == "listwise":
        if train.positive_weight != 1.0:
            yield (
                f"train.positive_weight: got {train.positive_weight}, expected 1 with train.loss listwise, where "
                "sentences of a document compete and negatives have no term of their own"
            )
        if config.selection.threshold is not None:
            yield f"selection.threshold: got {config.selection.threshold}, expected null with {NO_THRESHOLD}"


def _label_problems(data: DataConfig) -> Iterator[str]:
    """Problems with settings that are missing for the label scheme, or do not fit it."""
    labels = data.labels
    if labels == "soft" and data.soft_temperature is None:
        yield "data.soft_temperature: is null, expected a temperature, such as 0.05, with data.labels soft"
    if labels == "greedy" and data.soft_temperature is not None:
        yield (
            f"data.soft_temperature: got {data.soft_temperature}, expected null with data.labels greedy (data.labels "
            "soft takes it)"
        )
    if labels == "teacher":
        if not data.teacher:
            yield (
                "data.teacher: is not set, expected with data.labels teacher the predictions.jsonl of a trained model "
                "(bertsum eval --split train writes it), or several"
            )
        return
    if data.teacher is not None:
        yield f"data.teacher: is set, expected null with data.labels {labels} (data.labels teacher takes it)"
    if data.teacher_weight != 1.0:
        yield f"data.teacher_weight: got {data.teacher_weight}, expected 1 with data.labels {labels}"


def _problems(config: Config) -> Iterator[str]:
    """Combinations of fields that are not allowed."""
    selection = config.selection
    if selection.sentences is selection.ratio is selection.max_words is selection.threshold is None:
        yield "selection: none of sentences, ratio, max_words, threshold is set; expected at least one"
    if config.model.kind == "seq2seq" and config.encoding.long_documents == "window":
        yield "encoding.long_documents: got window, expected truncate with model.kind seq2seq (and a larger max_length)"
    if config.model.kind == "masked_lm" and config.model.adapters is not None:
        yield "model.adapters: is set, expected null with model.kind masked_lm, whose checkpoint is a whole encoder"
    of_tokens = (config.model.kind, config.model.sentence_vectors) == ("extractive", "mean")
    for name in ("query_product", "answer_spans"):
        if getattr(config.model, name) and not of_tokens:
            yield f"model.{name}: got true, expected false unless model.kind is extractive and sentence_vectors mean"
    if not config.evaluation.metrics:
        yield "evaluation.metrics: is empty, expected at least one of rouge, bleu, chrf"
    beside = [
        name for name in config.evaluation.metrics if name not in ("rouge", "bleu", "chrf", "perplexity", "answers")
    ]
    if beside and "rouge" not in config.evaluation.metrics:
        yield f"evaluation.metrics: got {', '.join(beside)} without rouge, expected rouge among them"
    if "precision_at" in beside and config.model.kind == "seq2seq":
        yield "evaluation.metrics: got precision_at, expected none with model.kind seq2seq, which does not choose"
    if "bertscore" in beside and config.model.encoder == "scratch":
        yield "evaluation.metrics: got bertscore, expected none with an encoder from scratch, whose vectors say nothing"
    if config.model.encoder == "scratch" and config.model.adapters is not None:
        yield "model.adapters: is set, but an encoder from scratch has nothing to adapt; expected null"
    if config.generation.min_length > config.generation.max_length:
        yield (
            f"generation.min_length: got {config.generation.min_length}, expected at most generation.max_length, "
            f"{config.generation.max_length}"
        )
    yield from _label_problems(config.data)
    if config.data.dataset_config is not None and config.data.dataset is None:
        yield "data.dataset_config: is set without data.dataset"
