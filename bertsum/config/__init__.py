"""The whole configuration: frozen dataclasses, read strictly from YAML files and dotted command-line overrides.

A field's meaning is written once, in the ``Args`` of its dataclass: ``--help`` and configs/README.md show that text.
Validation only checks; it never changes a value, and it reports every problem at once.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from bertsum.config.reading import build, dump_yaml, find_config, flatten, override_value, read_yaml
from bertsum.errors import BertsumError
from bertsum.files import write_whole

# Files, folders or globs of JSON lines; or the name of a split of the hub dataset ``data.dataset``.
Source = str | list[str] | None
Precision = Literal["auto", "fp32", "bf16", "fp16"]


@dataclass(frozen=True)
class DataConfig:
    """Where documents come from, and how reference summaries become labels.

    Args:
        dataset: Hub dataset, such as cnn_dailymail; null when the splits are files.
        dataset_config: Configuration of the hub dataset, such as 3.0.0.
        train: Training documents: a file (JSON lines, or a format of the papers), a folder, a glob, a list of them,
            sample/NAME for a file of the bundled sample, or, when data.dataset is set, the name of a split.
        validation: Validation documents, given like data.train.
        test: Test documents, given like data.train.
        document_folders: Folders with one file a document, in subfolders or not, when data.train and the others are
            lists of them - urls of CNN/DailyMail stories or ids, one a line, or XSum's JSON file of ids by split.
        document_field: Field with the document; null takes the first of document, article, text, source, src that
            the first record has.
        summary_field: Field with the reference summary; null takes the first of summary, highlights, target, abstract,
            tgt.
        id_field: Field with the document's id; null takes id, else paper_id, else numbers the documents.
        summary_list: What a list of strings in the summary field is - the sentences of one reference, or several
            references. A list of lists is always several references.
        on_error: What to do about a document that cannot be used - stop with an error, or skip and report it.
        limit: Read at most this many documents of each split; null reads all.
        min_sentences: Documents with fewer usable sentences are dropped.
        min_summary_words: Documents whose summary is shorter than this many words are dropped.
        filtered_splits: Whether these two drop training documents only, as for CNN/DailyMail, or those of all splits,
            as for NYT50.
        oracle: How text is normalised for oracle labels - unicode (letters and digits of every script; labels what
            the model can see) or paper (ASCII only, labels the whole document before sentences are dropped).
        oracle_sentences: An oracle has at most this many sentences.
        oracle_references: With several references, the oracle maximises the mean over them or the best of them.
        soft_labels: Null labels the sentences of the one greedy oracle with 1. A number labels each sentence with the
            probability that an extract has it, where extracts are the more probable the better their ROUGE, at this
            temperature (0.05 is five points of ROUGE-1 + ROUGE-2).
        detokenized: Share of the training documents, drawn by their ids, that are put back to ordinary prose ("do n't"
            to "don't") before all else; for a corpus that is tokenised when the texts to be summarised are not.
        joined: Share of the training documents, drawn by their ids, behind which two to five others are put, none of
            whose sentences is a summary's; so a model learns, from news, that most of a long document is not in its
            summary. With encoding.long_documents window.
        prepared_dir: Folder for prepared data; each preparation has its own subfolder, named by its fingerprint.
        workers: Processes that prepare data and compute ROUGE; null uses every core.
    """

    dataset: str | None = None
    dataset_config: str | None = None
    train: Source = None
    validation: Source = None
    test: Source = None
    document_folders: list[str] | None = None
    document_field: str | None = None
    summary_field: str | None = None
    id_field: str | None = None
    summary_list: Literal["sentences", "references"] = "sentences"
    on_error: Literal["stop", "skip"] = "stop"
    limit: int | None = None
    min_sentences: int = 1
    min_summary_words: int = 1
    filtered_splits: Literal["train", "all"] = "train"
    oracle: Literal["unicode", "paper"] = "unicode"
    oracle_sentences: int = 3
    oracle_references: Literal["mean", "best"] = "mean"
    soft_labels: float | None = None
    detokenized: float = 0.0
    joined: float = 0.0
    prepared_dir: str = "prepared"
    workers: int | None = None

    def has_split(self, split: str) -> bool:
        """Whether a split is configured; a hub dataset has all of them unless one is named otherwise."""
        return self.dataset is not None or bool(getattr(self, split))


@dataclass(frozen=True)
class EncodingConfig:
    """How a document becomes encoder input; saved with the model, so that it reads every text as it was trained.

    Args:
        max_length: Longest input of the encoder in tokens. More than it was pretrained with extends its position
            embeddings.
        long_documents: What becomes of a document with more tokens - truncate reads its beginning (the paper), window
            reads all of it, in windows of max_length tokens with context around them, and the head sees the sentence
            vectors of the whole document.
        max_sentences: At most this many sentences of a document are read, where it is truncated.
        min_sentence_words: Sentences with fewer words are left out (unless the document has no longer one).
        max_sentence_words: Longer sentences are cut to this many words for the encoder; a summary has them whole.
    """

    max_length: int = 512
    long_documents: Literal["truncate", "window"] = "truncate"
    max_sentences: int = 100
    min_sentence_words: int = 1
    max_sentence_words: int = 200


@dataclass(frozen=True)
class ModelConfig:
    """The encoder and the head over its sentence vectors.

    Args:
        encoder: Hub name or folder of any BERT-like encoder with a fast tokenizer; minilm is all-MiniLM-L6-v2, from
            the package of the offline extra where it is installed, else from the hub.
        kind: What kind of model it is - extractive scores the sentences of a document and chooses the best.
        attention: Implementation of attention in the encoder - packed is a pass of our own over documents without
            padding (BERT and RoBERTa), auto is that on a CPU and transformers' choice elsewhere, the others are
            those of transformers.
        interval_segments: Alternate token types 0 and 1 by sentence, where the encoder has token types.
        sentence_vectors: A sentence's vector is the output at its [CLS] (the paper), or the mean of its tokens.
        sentence_norm: Apply a LayerNorm to the sentence vectors before the head.
        head: What scores the sentence vectors - linear, transformer (BERTSUMEXT) or lstm.
        head_layers: Layers of the transformer head.
        head_heads: Attention heads of the transformer head.
        head_feedforward: Width of the transformer head's feed-forward blocks.
        head_dropout: Dropout of the head.
        lstm_states: What the lstm head adds to a sentence - its own state in each direction (the paper), or the last
            state of each direction, the same for every sentence (the authors' code).
        position_scale: Factor on the transformer head's sinusoidal position encoding (1 in the paper).
        hidden_dropout: Dropout of the encoder's hidden states; null keeps the encoder's own.
        attention_dropout: Dropout of the encoder's attention weights; null keeps the encoder's own.
        freeze_encoder: Train the head only; adapters, if there are some, stay as train.start_from has them.
        freeze_layers: Keep the encoder's embeddings and this many of its lower layers as pretrained.
        adapters: Rank of low-rank adapters (LoRA) in the encoder's layers, which learn in place of its own weights; a
            checkpoint then holds them and the head, and needs the encoder beside it. Null trains the encoder itself.
    """

    encoder: str = "bert-base-uncased"
    kind: Literal["extractive"] = "extractive"
    attention: Literal["auto", "packed", "sdpa", "eager", "flash_attention_2"] = "auto"
    interval_segments: bool = True
    sentence_vectors: Literal["cls", "mean"] = "cls"
    sentence_norm: bool = False
    head: Literal["linear", "transformer", "lstm"] = "transformer"
    head_layers: int = 2
    head_heads: int = 8
    head_feedforward: int = 2048
    head_dropout: float = 0.1
    lstm_states: Literal["own", "final"] = "own"
    position_scale: float = 1.0
    hidden_dropout: float | None = None
    attention_dropout: float | None = None
    freeze_encoder: bool = False
    freeze_layers: int = 0
    adapters: int | None = None


@dataclass(frozen=True)
class TrainConfig:
    """Optimisation, validation and checkpoints.

    Args:
        start_from: Begin with the weights of this model - bundled, a checkpoint folder or a hub id - rather than with
            the pretrained encoder and a new head; the fields of model are to describe the same network, with adapters
            if it was saved with them and they go on learning.
        max_steps: Stop after this many updates; null trains for train.epochs.
        epochs: Stop after this many passes over the training documents; null trains for train.max_steps.
        max_tokens_per_batch: A batch holds so many documents that count x longest stays within this.
        buffer_documents: Documents are sorted by length inside shuffled buffers of this size.
        accumulation: Batches per process in one update.
        loss_reduction: Binary cross-entropy summed over an update (the paper), divided by its documents, or divided
            by its sentences.
        positive_weight: Weight of sentences labelled 1 in the loss.
        optimizer: Adam, or AdamW with decoupled weight decay.
        learning_rate: Peak learning rate (with noam, the factor in front of the schedule).
        encoder_learning_rate: The same for the encoder's parameters; null is train.learning_rate.
        layer_decay: Each of the encoder's layers learns at this factor of the rate of the layer above it.
        beta1: First-moment decay of Adam.
        beta2: Second-moment decay of Adam.
        eps: Epsilon of Adam.
        weight_decay: Weight decay of matrices; biases and norms have none.
        max_grad_norm: Clip the gradient's norm to this; null does not clip.
        schedule: Learning rate over the updates - noam (min(step^-0.5, step * warmup^-1.5)), linear or cosine decay
            to zero after a linear warmup, or constant after the warmup.
        warmup_steps: Updates of warmup.
        precision: Arithmetic of the forward pass, in the validations of a training too; weights and optimiser stay in
            fp32. auto is bf16 where the device has instructions for it (most GPUs, newer server processors), else fp32;
            a run that is resumed keeps what it was when the run began.
        validate_every: Validate every so many updates and at the end; null validates at the end of each epoch.
        validate_rouge: Also select summaries and compute their ROUGE at each validation.
        validate_documents: Validate on this many documents, evenly spaced; null takes all.
        save_every: Write a checkpoint every so many updates, beside those written at each validation; null writes only
            those.
        keep_best: Checkpoints kept by train.metric, beside the last one.
        metric: What ranks checkpoints - validation loss, ROUGE F1, or the mean of ROUGE-1, 2 and L.
        patience: Stop when so many validations in a row did not improve the metric; null never does.
        log_every: Write metrics every so many updates.
        non_finite: What to do about an update whose loss or gradient is not finite - stop with an error that names its
            documents, or skip it and count it.
        resume: Go on from the newest checkpoint of the run folder where it holds one; false refuses such a folder.
        overwrite: Begin anew, each time, in a run folder that holds a run.
        fsdp: With several processes, shard weights, gradients and optimiser over them, rather than copy them to each.
        deterministic: Only use algorithms that give the same bits again, which a GPU does not always.
    """

    start_from: str | None = None
    max_steps: int | None = None
    epochs: int | None = None
    max_tokens_per_batch: int = 3000
    buffer_documents: int = 10_000
    accumulation: int = 1
    loss_reduction: Literal["sum", "document", "sentence"] = "sum"
    positive_weight: float = 1.0
    optimizer: Literal["adam", "adamw"] = "adam"
    learning_rate: float = 2e-3
    encoder_learning_rate: float | None = None
    layer_decay: float = 1.0
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-9
    weight_decay: float = 0.0
    max_grad_norm: float | None = None
    schedule: Literal["noam", "linear", "cosine", "constant"] = "noam"
    warmup_steps: int = 10_000
    precision: Precision = "fp32"
    validate_every: int | None = None
    validate_rouge: bool = False
    validate_documents: int | None = None
    save_every: int | None = None
    keep_best: int = 3
    metric: Literal["loss", "rouge1", "rouge2", "rougeL", "rouge_mean"] = "loss"
    patience: int | None = None
    log_every: int = 10
    non_finite: Literal["stop", "skip"] = "stop"
    resume: bool = True
    overwrite: bool = False
    fsdp: bool = False
    deterministic: bool = False


@dataclass(frozen=True)
class SelectionConfig:
    """How scores become a summary; all limits that are set hold together.

    Args:
        sentences: At most this many sentences; null sets no number.
        ratio: At most this share of the document's sentences, but one at least.
        max_words: At most this many words in all; a sentence that would exceed it is passed over.
        threshold: Only sentences whose probability is at least this (but always the best one).
        trigram_blocking: Skip a sentence that shares three words in a row with one already chosen (eight characters,
            in scripts without spaces).
        order: Order of the chosen sentences - as in the document, or by score.
    """

    sentences: int | None = 3
    ratio: float | None = None
    max_words: int | None = None
    threshold: float | None = None
    trigram_blocking: bool = False
    order: Literal["document", "score"] = "document"


@dataclass(frozen=True)
class RougeConfig:
    """How ROUGE is counted.

    Args:
        language: Language of ROUGE's tokenizer; null is the config's language, auto that of each reference. English
            is ROUGE-1.5.5's own (-m), languages without spaces between words count characters, every other language
            Unicode words without stemming.
        references: With several references, average the scores over them, or take the reference with the best
            ROUGE-1 F1.
        limit_to_reference: Cut each summary to as many words as its reference has (limited-length recall, NYT).
        bootstrap_samples: Resamplings for the 95% intervals.
    """

    language: str | None = None
    references: Literal["mean", "best"] = "mean"
    limit_to_reference: bool = False
    bootstrap_samples: int = 1000


@dataclass(frozen=True)
class EvaluationConfig:
    """Evaluation of a checkpoint beside the Lead and Oracle baselines.

    Args:
        split: Split to evaluate - train, validation or test.
        max_tokens_per_batch: Budget of a batch when scoring.
        lead_sentences: Sentences of the Lead baseline; null is selection.sentences, or 3.
        long_documents: How the model reads documents longer than encoding.max_length - truncate or window; null is as
            it was trained.
        baselines: What Lead and Oracle choose from - all of a document, or what the encoder reads of it (the papers).
        precision: Arithmetic of the forward pass when a checkpoint is evaluated, also at the end of its training; the
            validations before have train.precision. auto is bf16 where the device has instructions for it, else fp32.
    """

    split: Literal["train", "validation", "test"] = "test"
    max_tokens_per_batch: int = 4096
    lead_sentences: int | None = None
    long_documents: Literal["truncate", "window"] | None = None
    baselines: Literal["document", "read"] = "document"
    precision: Precision = "fp32"


@dataclass(frozen=True)
class TrackingConfig:
    """Experiment tracking, by accelerate's trackers; metrics.jsonl is always written.

    Args:
        trackers: Names of trackers, such as tensorboard, wandb, mlflow; an empty list for none.
        project: Project name for trackers that have projects.
    """

    trackers: list[str] = field(default_factory=lambda: ["tensorboard"])
    project: str = "bertsum"


@dataclass(frozen=True)
class Config:
    """One run, whole.

    Args:
        name: Name of the run; its folder is output_dir/name. A config file that gives none has the file's name.
        output_dir: Folder of all runs.
        language: Language of the documents (ISO 639-1), for sentence splitting and ROUGE; auto is each document's own,
            as its text shows it.
        seed: Seed of weights, dropout and the order of documents.
        data: Documents and labels.
        encoding: Documents to encoder input.
        model: Encoder and head.
        train: Optimisation.
        selection: Scores to summaries.
        rouge: ROUGE.
        evaluation: Evaluation.
        tracking: Trackers.
    """

    name: str = "run"
    output_dir: str = "runs"
    language: str = "en"
    seed: int = 0
    data: DataConfig = field(default_factory=DataConfig)
    encoding: EncodingConfig = field(default_factory=EncodingConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    selection: SelectionConfig = field(default_factory=SelectionConfig)
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
    def lead_sentences(self) -> int:
        """Sentences of the Lead baseline."""
        return self.evaluation.lead_sentences or self.selection.sentences or 3

    @staticmethod
    def load(path: str | Path | None = None, overrides: Sequence[str] = (), *, training: bool = True) -> Config:
        """Reads a YAML file and applies dotted overrides such as ``"train.max_steps=100"``.

        Args:
            path: The file. One that does not exist is looked for by its name among the configs that come with bertsum,
                then in ``configs/`` of the current folder.
            overrides: ``"FIELD=VALUE"`` each, later ones over earlier ones.
            training: Whether it is for a training, and has to pass :meth:`check_training` as well.

        Raises:
            BertsumError: naming every unknown key, wrong type and impossible value at once.
        """
        values: dict[str, Any] = {}
        origin: dict[str, str] = {}
        if path is not None:
            file = find_config(path)
            values = dict(flatten(read_yaml(file)))
            origin = dict.fromkeys(values, str(file))
            values.setdefault("name", file.stem)
        for override in overrides:
            key, separator, text = override.removeprefix("--").partition("=")
            if not separator:
                raise BertsumError(f"override '{override}': expected KEY=VALUE, such as train.max_steps=100")
            values[key] = override_value(text)
            origin.pop(key, None)
        return build(Config, values, origin, _all_problems if training else _problems)

    @staticmethod
    def from_dict(values: Mapping[str, Any], *, training: bool = True) -> Config:
        """The inverse of :meth:`to_dict`, as strict as :meth:`load`.

        Args:
            values: Nested values; fields that are not given have their defaults.
            training: As in :meth:`load`.
        """
        return build(Config, dict(flatten(values)), {}, _all_problems if training else _problems)

    def to_dict(self) -> dict[str, Any]:
        """The resolved configuration as plain nested values."""
        return dataclasses.asdict(self)

    def flat(self) -> dict[str, Any]:
        """Dotted name and value of every field."""
        return dict(flatten(self.to_dict()))

    def save(self, path: str | Path) -> None:
        """Writes the resolved configuration as YAML.

        Args:
            path: The file.
        """
        write_whole(Path(path), dump_yaml(self.to_dict()))

    def override(self, values: Mapping[str, Any], *, training: bool = True) -> Config:
        """A copy with some fields replaced.

        Args:
            values: Values of the fields' own types, by dotted names such as train.max_steps.
            training: As in :meth:`load`.
        """
        return build(Config, {**self.flat(), **values}, {}, _all_problems if training else _problems)

    def check_training(self) -> None:
        """Checks how fields depend on one another in a training; an evaluation may combine them in other ways.

        Raises:
            BertsumError: naming every problem.
        """
        self.override({})


def _all_problems(config: Config) -> Iterator[str]:
    """What is wrong with a configuration for a training."""
    yield from _problems(config)
    yield from _training_problems(config)


def _training_problems(config: Config) -> Iterator[str]:
    """What only a training needs: an evaluation has the encoding of its model, and may have other documents."""
    train = config.train
    if config.data.joined and config.encoding.long_documents != "window":
        yield "data.joined: is set, but long documents are not read whole; expected encoding.long_documents window"
    if train.max_steps is not None and train.epochs is not None:
        yield "train.max_steps and train.epochs: both are set, expected one of them (null switches the other off)"
    if train.schedule == "noam" and train.warmup_steps < 1:
        yield "train.warmup_steps: got 0, expected at least 1 with train.schedule noam"
    if train.metric != "loss" and not train.validate_rouge:
        yield f"train.metric: got {train.metric}, expected loss unless train.validate_rouge is true"
    if train.patience is not None and not config.data.has_split("validation"):
        yield "train.patience: is set, but there is no data.validation to judge by"


def _problems(config: Config) -> Iterator[str]:
    """Everything that types alone do not rule out."""
    at_least = {
        "data.limit": 1,
        "data.min_sentences": 1,
        "data.min_summary_words": 0,
        "data.oracle_sentences": 1,
        "data.workers": 1,
        "encoding.max_length": 3,  # [CLS], one token, [SEP]
        "encoding.max_sentences": 1,
        "encoding.min_sentence_words": 0,
        "encoding.max_sentence_words": 1,
        "model.head_layers": 1,
        "model.head_heads": 1,
        "model.head_feedforward": 1,
        "model.freeze_layers": 0,
        "model.adapters": 1,
        "train.max_steps": 1,
        "train.epochs": 1,
        "train.max_tokens_per_batch": 1,
        "train.buffer_documents": 1,
        "train.accumulation": 1,
        "train.warmup_steps": 0,
        "train.weight_decay": 0,
        "train.validate_every": 1,
        "train.validate_documents": 1,
        "train.save_every": 1,
        "train.keep_best": 0,
        "train.patience": 1,
        "train.log_every": 1,
        "selection.sentences": 1,
        "selection.max_words": 1,
        "rouge.bootstrap_samples": 1,
        "evaluation.max_tokens_per_batch": 1,
        "evaluation.lead_sentences": 1,
        "seed": 0,
    }
    at_most = {
        "encoding.max_length": 1_000_000,
        "data.workers": 1024,
        "model.head_layers": 100,
        "model.adapters": 1024,
        "model.head_feedforward": 1_000_000,
        "train.epochs": 10_000,
        "rouge.bootstrap_samples": 1_000_000,
    }
    positive = [
        "train.positive_weight", "train.learning_rate", "train.encoder_learning_rate", "train.eps",
        "train.layer_decay", "train.max_grad_norm", "selection.ratio", "data.soft_labels",
    ]  # fmt: skip
    fractions = ["model.head_dropout", "model.hidden_dropout", "model.attention_dropout", "train.beta1", "train.beta2"]
    values = config.flat()
    for key, value in values.items():
        if any(
            re.search("[\x00\ud800-\udfff]", text)
            for text in (value if isinstance(value, list) else [value])
            if isinstance(text, str)
        ):
            yield f"{key}: got {value!r}, expected text that a file can hold"
        if (isinstance(value, float) and value != value) or value in (float("inf"), float("-inf")):
            yield f"{key}: got {value}, expected a finite number"
    for key, least in at_least.items():
        if values[key] is not None and values[key] < least:
            yield f"{key}: got {values[key]}, expected at least {least}"
    for key, most in at_most.items():
        if values[key] is not None and values[key] > most:
            yield f"{key}: got {values[key]}, expected at most {most}"
    for key in positive:
        if values[key] is not None and values[key] <= 0:
            yield f"{key}: got {values[key]}, expected more than 0"
    for key in fractions:
        if values[key] is not None and not 0 <= values[key] < 1:
            yield f"{key}: got {values[key]}, expected at least 0 and less than 1"
    for key in ("selection.ratio", "train.layer_decay"):
        if values[key] is not None and values[key] > 1:
            yield f"{key}: got {values[key]}, expected at most 1"
    for key in ("data.detokenized", "data.joined"):
        if not 0 <= values[key] <= 1:
            yield f"{key}: got {values[key]}, expected a share from 0 to 1"
    if config.selection.threshold is not None and not 0 <= config.selection.threshold <= 1:
        yield f"selection.threshold: got {config.selection.threshold}, expected a probability from 0 to 1"
    limits = ("sentences", "ratio", "max_words", "threshold")
    if all(values[f"selection.{limit}"] is None for limit in limits):
        yield "selection: none of sentences, ratio, max_words, threshold is set; expected at least one"
    if config.data.dataset_config is not None and config.data.dataset is None:
        yield "data.dataset_config: is set without data.dataset"
    if config.seed >= 2**32:
        yield f"seed: got {config.seed}, expected less than 2^32"
    if not config.name or config.name in (".", "..") or "/" in config.name or "\\" in config.name:
        yield f"name: got {config.name!r}, expected the name of a folder"
    for key in ("language", "rouge.language"):
        if values[key] is not None and not re.fullmatch(r"auto|[A-Za-z]{2,3}([-_][A-Za-z0-9]+)*", values[key]):
            yield f"{key}: got {values[key]!r}, expected an ISO 639 code such as en, zh or ru, or auto"
