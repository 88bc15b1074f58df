"""A model on disk: the weights, the files beside them, and how they are read back."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import torch
from torch import nn
from transformers import AutoTokenizer, PretrainedConfig, PreTrainedTokenizerBase

from bertsum.config import Config, DecoderConfig, EncodingConfig, GenerationConfig, ModelConfig, SelectionConfig
from bertsum.encoders.changes import as_changes, with_changes
from bertsum.encoders.checkpoint import encoder_config_of
from bertsum.encoders.int8 import CHANGES_FILE, restored, stored
from bertsum.encoders.load import load_encoder, load_tokenizer, resolve_encoder
from bertsum.encoders.low_rank import FIRST_SCALE, SCALE, belongs_to_checkpoint, scaled_as_here
from bertsum.encoders.tensors import read_tensors, write_tensors
from bertsum.errors import BertsumError
from bertsum.models.expected_rouge import ExpectedRouge
from bertsum.models.fitted import FITTED, Calibrated, read_fitted
from bertsum.text import kind_of

if TYPE_CHECKING:
    from bertsum.encoders.load import Encoder

Scores = Literal["sigmoid", "softmax"]
SCALE_FIELD = "adapter_scale"
CONFIG_FILE, WEIGHTS_FILE, CARD_FILE = "config.json", "model.safetensors", "README.md"
_TOKENIZER_FILE = "tokenizer_config.json"
TARGET_FOLDER = "target"  # folder with the tokenizer of texts to write
# English models that come with the package: bundled holds changes of the encoder minilm and needs it, small is whole.
PACKAGED = {name: Path(__file__).parent / name for name in ("bundled", "small")}


def packaged() -> Path:
    """The model of the package to take by default: ``bundled`` where its encoder is installed, else ``small``."""
    return PACKAGED["bundled" if Path(resolve_encoder("minilm")).is_dir() else "small"]


@dataclass(frozen=True)
class SavedConfig:
    """All settings that a saved model needs to summarise a text as it was trained to.

    Attributes:
        model: Encoder and head.
        encoding: How documents become encoder input.
        selection: How scores become summaries, unless a call says otherwise.
        language: Language of the documents it was trained on.
        decoder: The decoder of a model that writes.
        generation: How it writes, unless a call says otherwise.
        scores: What makes scores of the logits of a model that chooses sentences. sigmoid: a score is the probability
            that the summary has the sentence. softmax: it is a share, and the shares of a document add up to 1.
        calibration: Thresholds for queries, where ``bertsum calibrate`` has found them.
        expected_rouge: What chooses the sentences of a summary together, where it was fitted.
    """

    model: ModelConfig = field(default_factory=ModelConfig)
    encoding: EncodingConfig = field(default_factory=EncodingConfig)
    selection: SelectionConfig = field(default_factory=SelectionConfig)
    language: str = "en"
    decoder: DecoderConfig = field(default_factory=DecoderConfig)
    generation: GenerationConfig = field(default_factory=GenerationConfig)
    scores: Scores = "sigmoid"
    calibration: tuple[Calibrated, ...] = ()
    expected_rouge: ExpectedRouge | None = None

    @staticmethod
    def of(config: Config) -> SavedConfig:
        """The part of a run's configuration that belongs to its model."""
        names = [item.name for item in fields(SavedConfig) if item.name not in FITTED]
        return SavedConfig(**{name: getattr(config, name) for name in names})

    def apply(self, config: Config) -> Config:
        """A run's configuration with this model's settings; ``evaluation.long_documents``, if set, is kept."""
        replaced: dict[str, Any] = {
            "model": asdict(self.model),
            "decoder": asdict(self.decoder),
            "encoding": asdict(self.encoding),
            "language": self.language,
        }
        if config.evaluation.long_documents is not None:
            replaced["encoding"]["long_documents"] = config.evaluation.long_documents
        return Config.from_dict({**config.to_dict(), **replaced}, training=False)


@dataclass(frozen=True)
class SavedModel:
    """What :func:`read_model` finds in a folder.

    Attributes:
        config: The model's configuration.
        encoder_config: The encoder's configuration.
        tokenizer: The encoder's tokenizer.
        weights: All weights by name.
        target_tokenizer: The tokenizer of texts to write, if it is not the encoder's.
    """

    config: SavedConfig
    encoder_config: PretrainedConfig
    tokenizer: PreTrainedTokenizerBase
    weights: dict[str, torch.Tensor]
    target_tokenizer: PreTrainedTokenizerBase | None = None


def write_model(
    folder: Path,
    config: SavedConfig,
    sections: Sequence[str],
    encoder: Encoder,
    tokenizers: tuple[PreTrainedTokenizerBase, PreTrainedTokenizerBase | None],
    weights: dict[str, torch.Tensor],
) -> None:
    """Writes config.json, model.safetensors and the tokenizer.

    Args:
        folder: The folder.
        config: The model's configuration.
        sections: The parts of it to write.
        encoder: The encoder.
        tokenizers: The encoder's tokenizer, and that of texts to write if it is another one.
        weights: The weights by name.

    Raises:
        BertsumError: if the folder cannot be written.
    """
    encoder_config: PretrainedConfig = encoder.config
    encoder_values = json.loads(encoder_config.to_json_string(use_diff=False))
    encoder_values.pop("_name_or_path", None)  # a folder of this machine
    described = {
        "library": "bertsum",
        **{name: value for name, value in asdict(config).items() if name in sections},
        **({} if config.model.adapters is None else {SCALE_FIELD: SCALE}),
        "encoder": encoder_values,
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        learned = {name: tensor for name, tensor in weights.items() if belongs_to_checkpoint(name, config.model)}
        if getattr(encoder_config, CHANGES_FILE, False):
            learned = as_changes(load_encoder(config.model, config.encoding.max_length), learned)
        write_tensors(folder / WEIGHTS_FILE, stored(learned, encoder_config))
        (folder / CONFIG_FILE).write_text(json.dumps(described, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        tokenizers[0].save_pretrained(folder)
        if tokenizers[1] is not None:
            tokenizers[1].save_pretrained(folder / TARGET_FOLDER)
        elif (folder / TARGET_FOLDER / _TOKENIZER_FILE).is_file():  # of a model that was here before
            shutil.rmtree(folder / TARGET_FOLDER)
    except OSError as error:
        raise BertsumError(f"'{folder}': the model cannot be written: {error}") from error


def read_model(folder: Path) -> SavedModel:
    """Reads a folder that :func:`write_model` wrote; one that needs its pretrained encoder may lack the tokenizer.

    Raises:
        BertsumError: if a file is missing or broken; the message names it.
    """
    for name in (CONFIG_FILE, WEIGHTS_FILE):
        if not (folder / name).is_file():
            raise BertsumError(f"model '{folder}': {name} is missing, expected a folder that save_pretrained wrote")
    described = _read_config(folder)
    try:
        needed = {name: described[name] for name in ("model", "encoding", "language")}
        others = {name: described[name] for name in ("selection", "decoder", "generation") if name in described}
        config_of_all = Config.from_dict(needed | others, training=False)
        encoder_config = encoder_config_of(described)
    except BertsumError:
        raise
    except Exception as error:  # each encoder family checks its configuration in its own way
        raise BertsumError(f"model '{folder}': {CONFIG_FILE} is broken: {type(error).__name__}: {error}") from error
    config = replace(SavedConfig.of(config_of_all), scores=_scores(described, folder), **read_fitted(described, folder))
    weights = _weights(folder, described)
    layers = getattr(encoder_config, "num_hidden_layers", 0)
    if not isinstance(layers, int) or layers > len(weights) + 1000 * (config.model.adapters is not None):
        # building them would take forever
        raise BertsumError(f"model '{folder}': {CONFIG_FILE} is broken: {layers} layers for {len(weights)} weights")
    if not (folder / _TOKENIZER_FILE).is_file():
        if config.model.adapters is None and not getattr(encoder_config, CHANGES_FILE, False):
            raise BertsumError(
                f"model '{folder}': {_TOKENIZER_FILE} is missing, expected a folder that save_pretrained wrote"
            )
        return SavedModel(config, encoder_config, load_tokenizer(config.model.encoder), weights)
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        target = folder / TARGET_FOLDER
        other = AutoTokenizer.from_pretrained(target, trust_remote_code=False) if target.is_dir() else None
    except Exception as error:  # the tokenizers library raises plain Exception
        raise BertsumError(f"model '{folder}': its tokenizer files are broken: {error}") from error
    return SavedModel(config, encoder_config, tokenizer, weights, other)


def read_weights(folder: Path) -> dict[str, torch.Tensor]:
    """The weights of a saved model, as in :func:`read_model`.

    Raises:
        BertsumError: if a file, which the message names, is missing or broken.
    """
    return _weights(folder, _read_config(folder))


def _weights(folder: Path, described: dict[str, Any]) -> dict[str, torch.Tensor]:
    """The weights of a file, all in floating point; changes of a pretrained encoder are added to it."""
    weights = read_tensors(folder / WEIGHTS_FILE)
    try:
        weights = restored(weights)
        if described["encoder"].get(CHANGES_FILE, False):
            model = ModelConfig(encoder=described["model"]["encoder"])
            weights = with_changes(load_encoder(model, described["encoding"]["max_length"]), weights)
        return scaled_as_here(weights, _scale(described, folder))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BertsumError(f"model '{folder}': {WEIGHTS_FILE} is broken: {error}") from error


def _read_config(folder: Path) -> dict[str, Any]:
    try:
        described = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BertsumError(f"model '{folder}': {CONFIG_FILE} is broken: {type(error).__name__}: {error}") from error
    if not isinstance(described, dict) or described.get("library") != "bertsum":
        raise BertsumError(f"model '{folder}': {CONFIG_FILE} is not one of bertsum's")
    return described


def _scores(described: dict[str, Any], folder: Path) -> Scores:
    """The function that turns the saved model's logits into scores; older models do not name it."""
    scores = described.get("scores", "sigmoid")
    if scores not in get_args(Scores):
        expected = " or ".join(get_args(Scores))
        raise BertsumError(f"model '{folder}': {CONFIG_FILE} is broken: scores is {scores!r}, expected {expected}")
    kept: Scores = scores
    return kept


def _scale(described: dict[str, Any], folder: Path) -> float:
    """The scale of a saved model's adapters."""
    scale = described.get(SCALE_FIELD, FIRST_SCALE)
    if type(scale) not in (int, float) or not 0 < scale < float("inf"):
        raise BertsumError(
            f"model '{folder}': {CONFIG_FILE} is broken: {SCALE_FIELD} is {scale!r}, expected a number above 0"
        )
    return float(scale)


def saved_checksum(folder: Path) -> str | None:
    """The checksum in a saved model's weights file, which tells the weights from any others.

    None if the file has no checksum or is missing.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(folder / WEIGHTS_FILE, framework="pt") as file:
            written: str | None = (file.metadata() or {}).get("crc32")
    except (SafetensorError, OSError):
        return None
    return written


def load_weights(
    model: nn.Module, weights: dict[str, torch.Tensor], where: str, config: ModelConfig | None = None
) -> None:
    """Copies weights into a model, or says which do not fit. ``config`` as in :func:`check_weights`."""
    check_weights(model, weights, where, config)
    model.load_state_dict(weights, strict=False)


def check_weights(
    model: nn.Module, weights: dict[str, torch.Tensor], where: str, config: ModelConfig | None = None
) -> None:
    """Checks that weights fit a model; with ``config``, only the weights that its checkpoints hold.

    Raises:
        BertsumError: if weights are missing, left over or of another shape; the message names them.
    """
    expected = {
        name: tensor
        for name, tensor in model.state_dict().items()
        if config is None or belongs_to_checkpoint(name, config)
    }
    problems = [f"missing {name}" for name in expected if name not in weights]
    problems += [f"left over {name}" for name in weights if name not in expected]
    problems += [
        f"{name} is {tuple(weights[name].shape)}, expected {tuple(expected[name].shape)}"
        for name in expected
        if name in weights and weights[name].shape != expected[name].shape
    ]
    if problems:
        shown = "; ".join(problems[:10]) + (f"; and {len(problems) - 10} more" if len(problems) > 10 else "")
        raise BertsumError(f"{where}: its weights are of another architecture: {shown}")


def find_model(
    name: str | Path,
    revision: str | None = None,
    cache_dir: str | Path | None = None,
    local_files_only: bool = False,
    token: str | bool | None = None,
) -> Path:
    """The folder of a model: a given folder, the package's for ``bundled`` and ``small``, or a download from the hub.

    Raises:
        BertsumError: if the name is none, or no such folder exists, and neither the hub nor its local cache has the
            model.
    """
    if not isinstance(name, str | os.PathLike):
        raise BertsumError(f"model: got {kind_of(name)}, expected a folder or the id of a model on the hub")
    if not str(name):
        raise BertsumError("model: is empty, expected a folder or the id of a model on the hub")
    if os.path.isdir(name):  # noqa: PTH112  # that of Path fails for what is too long
        return Path(name)
    if str(name) in PACKAGED:
        return PACKAGED[str(name)]
    from huggingface_hub import snapshot_download

    model_id = str(name)
    where = f"model '{model_id}'" + (f" (revision {revision})" if revision else "")
    packaged = " and ".join(PACKAGED)
    with hub_explained(f"{where}: no such folder, and the hub cannot give it (with the package come {packaged})"):
        return Path(
            snapshot_download(
                model_id,
                revision=revision,
                cache_dir=cache_dir,
                local_files_only=local_files_only,
                token=token,
                allow_patterns=["*.json", "*.safetensors", "*.txt", "*.model", CARD_FILE],
            )
        )


@contextmanager
def hub_explained(what: str) -> Iterator[None]:
    """Turns any error of the hub's client into a readable one.

    Raises:
        BertsumError: if the client fails; the message begins with ``what``.
    """
    try:
        yield
    except BertsumError:
        raise
    except Exception as error:  # the client's HTTP library, and so its errors, differ between versions
        raise BertsumError(f"{what}: {error}") from error
