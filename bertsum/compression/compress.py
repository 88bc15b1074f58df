"""Makes a smaller model: cuts parts out of a trained one, and trains the rest on the larger model's scores.

RUN/start/                the cut model, before its training
RUN/teacher/eval/train/   the larger model's scores of the training documents
RUN/best                  the smaller model, like that of any run

Finished steps are kept, so an interrupted command resumes.
"""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from bertsum.compression.layers import keep_layers
from bertsum.compression.measured import PREDICTIONS_FILE, Comparison, compare_models
from bertsum.compression.prune import measure_importance, prune
from bertsum.compression.quantize import quantize
from bertsum.config import Config
from bertsum.data.prepare import prepare
from bertsum.encoders.int8 import CHANGES_FILE, INT8_FILE, to_train, without_changes
from bertsum.encoders.load import SCRATCH
from bertsum.errors import BertsumError
from bertsum.evaluation.answers import ANSWERS
from bertsum.evaluation.evaluate import evaluate
from bertsum.evaluation.predictions import predict_split
from bertsum.files import whole_folder
from bertsum.models.base import Model
from bertsum.models.storage import read_model, saved_checksum
from bertsum.progress import Progress
from bertsum.results import RESULTS_FILE
from bertsum.runs import Run
from bertsum.training.resume import write_model_as_run
from bertsum.training.train import train

_FITTED_HERE = (
    "What chooses the smaller model's extracts was fitted on these documents, which flatters it; bertsum calibrate "
    "fits it on others."
)


@dataclass(frozen=True)
class Cut:
    """What a smaller model keeps of a larger one's encoder.

    Attributes:
        layers: Number of layers to keep; None for all.
        heads: Share of the attention heads to keep, from 0 to 1.
        feedforward: Share of the units of the feed-forward blocks to keep, from 0 to 1.
        measured_on: Validation documents on which the importance of heads and units is measured.
    """

    layers: int | None = None
    heads: float = 1.0
    feedforward: float = 1.0
    measured_on: int = 200

    def __post_init__(self) -> None:
        for name in ("heads", "feedforward"):
            if not 0 < (share := getattr(self, name)) <= 1:
                raise BertsumError(f"--{name}: got {share}, expected a share above 0 and up to 1")
        for name in ("layers", "measured_on"):
            if (count := getattr(self, name)) is not None and count < 1:
                raise BertsumError(f"compress: {name}: got {count}, expected a whole number, 1 or more")
        if self.layers is None and self.heads == self.feedforward == 1:
            raise BertsumError("compress: nothing to cut; expected --layers, --heads or --feedforward")


def to_eight_bits(model: str | Path, config: Config, documents: int = 300, equal: float = 0.99) -> Comparison:
    """Writes a copy of a model that computes in eight bits, as a run, and compares both on the validation documents.

    Args:
        model: A checkpoint folder or hub id.
        config: The run of the model in eight bits: its folder and its data.
        documents: Number of validation documents. Values are measured on a sixth of them.
        equal: Share of their summaries that must stay the same.

    Raises:
        BertsumError: if the model or the data cannot be used, the run folder holds another run, or even one projection
            in eight bits changes more summaries.
    """
    if not 0 <= equal <= 1:
        raise BertsumError(f"--equal: got {equal}, expected a share from 0 to 1")
    larger = _larger(model)
    config = _with_summaries(larger.config.apply(config))
    prepared = prepare(config, "validation", larger.tokenizer, larger.target_tokenizer)
    places = prepared.spread(documents)

    def summaries(one: Model) -> list[list[str]]:
        made = predict_split(one, prepared, config, places, precision="fp32")
        return [prediction.sentences for prediction in sorted(made, key=lambda prediction: prediction.place)]

    rows = prepared.dataset.select(places[::6])
    write_model_as_run(config, quantize(larger, rows, summaries, equal), 0)
    return compare_models(config, model, Run.of(config).best)


def to_small_file(model: str | Path, config: Config, changes: bool = False) -> Comparison:
    """Writes a copy of a model whose file has eight-bit matrices, as a run; compares both on the validation documents.

    Args:
        model: A checkpoint folder or hub id.
        config: The new run: its folder and its data.
        changes: Whether the file holds, of the encoder, only what training changed, in few bits.

    Raises:
        BertsumError: if the model or the data cannot be used, or the run folder holds another run.
    """
    larger = _larger(model)
    config = _with_summaries(larger.config.apply(config))
    setattr(larger.encoder.config, INT8_FILE, True)
    if changes:
        if config.model.encoder == SCRATCH:
            raise BertsumError("--changes-file: an encoder from scratch began with nothing; expected --int8-file")
        setattr(larger.encoder.config, CHANGES_FILE, True)
    write_model_as_run(config, larger, 0)
    return compare_models(config, model, Run.of(config).best)


def compress(model: str | Path, config: Config, cut: Cut, trained: bool = True) -> Comparison:
    """Makes a smaller model, trains it on the larger one's scores, and compares the two on the validation documents.

    Args:
        model: The larger model: a checkpoint folder or hub id.
        config: The smaller model's run: its folder, its data and its training. The encoder, the labels and what the
            training starts from are set here.
        cut: What the smaller model keeps of the larger one.
        trained: Whether to train it after it is cut.

    Raises:
        BertsumError: if the model or the data cannot be used, the model has fewer parts than are to be kept, or the run
            folder holds another run.
    """
    run = Run.of(config)
    larger = _larger(model)
    config = _with_summaries(larger.config.apply(config))
    if not trained:
        write_model_as_run(config, _cut(larger, config, cut), 0)
        return compare_models(config, model, run.best)
    start = run.folder / "start"
    _begin(start, larger, config, cut)
    learned = {
        "model.encoder": str(start),
        "model.freeze_encoder": False,
        "model.freeze_layers": 0,
        "train.start_from": str(start),
    }
    if not larger.writes:
        learned |= _labels(model, config, run) | {"train.loss": _loss(larger, config)}
    train(config.override(learned))
    comparison = compare_models(config.override(learned), model, run.best)
    fitted = read_model(run.best).config.expected_rouge is not None
    return replace(comparison, note=_FITTED_HERE) if fitted else comparison


def _larger(model: str | Path) -> Model:
    """The larger model, without thresholds for queries: they hold for its own scores, not for a smaller model's. A
    smaller model does without the pretrained encoder, in its file and where queries are asked.

    Raises:
        BertsumError: if it makes no summaries, by which the two are compared.
    """
    larger = Model.from_pretrained(model)
    if not larger.summarizes:
        raise BertsumError(
            f"'{model}': is of model.kind {larger.kind}, which makes no summaries to compare; expected a summarizer, "
            "such as one trained on this encoder, compressed after its training"
        )
    selection = replace(larger.config.selection, similarity_weight=0.0)
    larger.config = replace(larger.config, selection=selection, calibration=())
    without_changes(larger.encoder.config)
    return larger


def _with_summaries(config: Config) -> Config:
    """The config, which must compare summaries.

    Raises:
        BertsumError: if it measures answers.
    """
    if ANSWERS in config.evaluation.metrics:
        raise BertsumError(
            f"evaluation.metrics: got {ANSWERS}, but models are compared by their summaries; expected rouge, and "
            "documents with summaries (such as --config cnndm-minilm)"
        )
    return config


def _begin(start: Path, larger: Model, config: Config, cut: Cut) -> None:
    """Writes the cut model, unless an earlier call has written it.

    Raises:
        BertsumError: if the folder holds a model that was cut in another way, or from another model.
    """
    assert larger.folder is not None
    made_of = {**asdict(cut), "weights": saved_checksum(larger.folder)}
    note = start / "made_of.json"
    if start.is_dir():
        try:
            before = json.loads(note.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            before = error
        if before != made_of:
            raise BertsumError(
                f"'{start}': was made of another model or cut in another way ({before}, now {made_of}); name another "
                "folder, or remove this one"
            )
        return
    if (start.parent / "config.yaml").exists():
        raise BertsumError(f"'{start.parent}': holds another run, expected a new folder")
    smaller = _cut(larger, config, cut)
    with whole_folder(start) as unfinished:
        smaller.save_pretrained(unfinished, card=False)
        (unfinished / note.name).write_text(json.dumps(made_of), encoding="utf-8")


def _cut(larger: Model, config: Config, cut: Cut) -> Model:
    smaller = deepcopy(larger)
    to_train(smaller.encoder)  # factors and names of matrices in eight bits are those of the whole encoder
    if cut.heads < 1 or cut.feedforward < 1:
        prepared = prepare(config, "validation", larger.tokenizer, larger.target_tokenizer)
        rows = prepared.dataset.select(prepared.spread(cut.measured_on))
        with Progress("measure heads and units", len(rows)) as progress:
            importance = measure_importance(smaller, rows, progress.update)
        smaller = prune(smaller, importance, cut.heads, cut.feedforward)
    return smaller if cut.layers is None else keep_layers(smaller, cut.layers)


def _loss(larger: Model, config: Config) -> str:
    """The loss with which a model learns scores of the larger one's kind: probabilities stay probabilities."""
    if larger.config.scores == "softmax":
        return "listwise"
    return "cross_entropy" if config.train.loss == "listwise" else config.train.loss


def _labels(model: str | Path, config: Config, run: Run) -> dict[str, object]:
    """The fields of the config with which the smaller model learns the larger one's scores."""
    teacher = config.override({"output_dir": str(run.folder), "name": "teacher"}, training=False)
    folder = Run.of(teacher).folder / "eval" / "train"
    if not (folder / RESULTS_FILE).is_file():  # written last
        folder = evaluate(teacher, model, "train").folder
    return {"data.labels": "teacher", "data.teacher": str(folder / PREDICTIONS_FILE), "data.soft_temperature": None}
