"""The encoder families of transformers as tiny random encoders: those that work, and those that are refused.

``python tests/families.py`` prints the tables of docs/encoders.md.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models
from transformers import AutoConfig, AutoModel, PreTrainedModel, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from bertsum.config import ModelConfig
from bertsum.encoders.load import encoder_layers, load_encoder
from bertsum.encoders.padded import Reading
from bertsum.errors import BertsumError

# Positions that an encoder is made with, and tokens that are read.
PRETRAINED, LONGEST = 64, 600

_SHAPE = {
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24,
    "max_position_embeddings": PRETRAINED, "type_vocab_size": 2, "initializer_range": 0.2, "tie_word_embeddings": False,
}  # fmt: skip
# Positions that cannot be extended: distances, rotations, waves.
_LONG = {"max_position_embeddings": LONGEST}
_XLM = {"emb_dim": 16, "n_layers": 2, "n_heads": 2}

# Model type: what it needs beyond the usual shape, without which values that it does not take are None.
WORKS: dict[str, dict[str, Any]] = {
    "albert": {"embedding_size": 8},
    "bert": {},
    "bert-generation": {},
    "big_bird": {"block_size": 4},
    "camembert": {},
    "convbert": {"embedding_size": 8},
    "data2vec-text": {},
    "deberta": {"relative_attention": True, "pos_att_type": ["c2p", "p2c"], "position_biased_input": False},
    "deberta-v2": {
        "relative_attention": True, "pos_att_type": ["c2p", "p2c"], "position_biased_input": False,
        "position_buckets": 8,
    },
    "distilbert": {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 24},
    "electra": {"embedding_size": 8},
    "ernie": {},
    "esmc": _LONG,
    "eurobert": _LONG,
    "flaubert": {**_XLM, "layerdrop": 0.9},
    "fnet": {},
    "funnel": {
        "block_sizes": [1, 1], "d_model": 16, "n_head": 2, "d_head": 8, "d_inner": 24, "num_hidden_layers": None,
        "max_position_embeddings": None, "architectures": ["FunnelModel"],
    },
    "gte": _LONG,
    "ibert": {"max_position_embeddings": LONGEST + 1},
    "jina_embeddings_v3": _LONG,
    "layoutlm": {},
    "layoutlmv3": {"coordinate_size": 2, "shape_size": 4},
    "lilt": {"hidden_size": 24, "channel_shrink_ratio": 4},
    "longformer": {"attention_window": 8},
    "luke": {"entity_vocab_size": 20, "entity_emb_size": 8},
    "markuplm": {},
    "megatron-bert": {},
    "mobilebert": {"embedding_size": 8, "intra_bottleneck_size": 8, "true_hidden_size": 8},
    "modernbert": {"global_attn_every_n_layers": 2, "local_attention": 8, **_LONG},
    "mpnet": {},
    "nomic_bert": _LONG,
    "nystromformer": {"num_landmarks": 8, "segment_means_seq_len": 8},
    "openai_privacy_filter": _LONG,
    "rembert": {"input_embedding_size": 8, "output_embedding_size": 8},
    "roberta": {},
    "roberta-prelayernorm": {},
    "roformer": _LONG,
    "splinter": {},
    "squeezebert": {
        "embedding_size": 16, "q_groups": 2, "k_groups": 2, "v_groups": 2, "intermediate_groups": 2, "output_groups": 2,
    },
    "ultrabert": _LONG,
    "visual_bert": {},
    "xlm": _XLM,
    "xlm-roberta": {},
    "xlm-roberta-xl": {},
    "xlnet": {"d_model": 16, "n_layer": 2, "n_head": 2, "d_inner": 24, "max_position_embeddings": None},
    "xmod": {"languages": ["en_XX"], "default_language": "en_XX"},
    "yoso": {},
}  # fmt: skip


# Those that are no encoders of text, at least not here; a few of the many decoders.
REFUSED: dict[str, dict[str, Any]] = {
    "bart": {},
    "bloom": {},
    "bros": {},
    "clip_text_model": {},
    "dpr": {},
    "embedding_gemma2_text": {"head_dim": 8, **_LONG},
    "gpt2": {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": LONGEST},
    "gpt_neox": _LONG,
    "led": {"encoder_layers": 2, "decoder_layers": 2},
    "llama": _LONG,
    "lxmert": {},
    "mamba": {"state_size": 4},
    "mbart": {},
    "modernbert-decoder": _LONG,
    "mra": {},
    "mvp": {},
    "opt": {"ffn_dim": 24, "word_embed_proj_dim": 16},
    "qwen3": {"head_dim": 8, "num_key_value_heads": 1, **_LONG},
    "reformer": {
        "axial_pos_embds": False, "attn_layers": ["local", "lsh"], "local_attn_chunk_length": 8, "num_hashes": 1,
        "lsh_attn_chunk_length": 8, "num_buckets": 2, "feed_forward_size": 24, "attention_head_size": 8, **_LONG,
    },
    "t5": {"d_model": 16, "num_layers": 2, "num_heads": 2, "d_kv": 8, "d_ff": 24},
    "tapas": {},
}  # fmt: skip


def save_tiny(folder: Path, family: str, tokenizer: PreTrainedTokenizerBase, values: dict[str, Any]) -> Path:
    """A folder with a random encoder of a family and a tokenizer."""
    torch.manual_seed(0)
    special = {"pad_token_id": tokenizer.pad_token_id, "cls_token_id": tokenizer.cls_token_id,
               "sep_token_id": tokenizer.sep_token_id, "bos_token_id": tokenizer.cls_token_id,
               "eos_token_id": tokenizer.sep_token_id}  # fmt: skip
    chosen = {**_SHAPE, "vocab_size": len(tokenizer), **special, **values}
    config = AutoConfig.for_model(family, **{name: value for name, value in chosen.items() if value is not None})
    AutoModel.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def works_row(family: str, encoder: PreTrainedModel) -> str:
    """The line of a family that works: a measured one, not a promise."""
    reading, limit = Reading.of(encoder.config), getattr(encoder.config, "max_position_embeddings", None)
    lengths = "extended" if limit is not None and "max_position_embeddings" not in WORKS[family] else "its own"
    if limit is None or limit < LONGEST:
        lengths = "any"
    try:
        encoder_layers(encoder)
        layers = "yes"
    except BertsumError:
        layers = "no"
    batch = "one by one" if reading.one_by_one else "together"
    mixed = "computes in fp32" if reading.full_precision else "yes"
    return f"| `{family}` | {batch} | {lengths} | {mixed} | {layers} |"


def refused_row(family: str, error: BertsumError) -> str:
    """The line of a family that is refused, with what the error says."""
    said = str(error).removeprefix("model.encoder: ").removeprefix(f"encoder type {family} ")
    said = said.removeprefix(f"{family} ")
    return f"| `{family}` | {re.split('[,;] expected', said)[0]} |"


def _print_tables() -> None:
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"abcdefghijklmnopqrstuvwxyz"]
    words = Tokenizer(models.WordLevel({word: number for number, word in enumerate(vocabulary)}, unk_token="[UNK]"))
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, **special)
    works, refused = [], []
    with tempfile.TemporaryDirectory() as folder:
        for family, values in {**WORKS, **REFUSED}.items():
            path = save_tiny(Path(folder) / family, family, tokenizer, values)
            try:
                encoder = load_encoder(ModelConfig(str(path)), LONGEST)
                works.append(works_row(family, encoder))  # type: ignore[arg-type]
            except BertsumError as error:
                refused.append(refused_row(family, error))
    print("| family | documents of a batch | lengths | mixed precision | layers |", "|---|---|---|---|---|", sep="\n")
    print(*works, sep="\n")
    print("\n| family | why |", "|---|---|", *refused, sep="\n")


if __name__ == "__main__":
    _print_tables()
