"""The sides of benchmark.py for models with a decoder: training, and writing summaries.

# B documents, L tokens of the longest target, T of the longest document, V vocabulary
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import torch
from sides import Options, Work, records, side
from torch import nn
from torch.nn import functional as F

from bertsum.config import Config
from bertsum.data.documents import Document
from bertsum.data.rows import ROWS
from bertsum.device import autocast
from bertsum.models.contract import PredictOptions
from bertsum.models.extractive import BertSum
from bertsum.models.heads import sinusoidal_positions
from bertsum.models.seq2seq import BertSumAbs
from bertsum.models.storage import SavedConfig
from bertsum.program import keep_freed_memory

TRAINED, WRITTEN, TOKENS = 8, 32, 60  # documents of an update, documents that are written at once, tokens of a text


def config_of(options: Options) -> Config:
    """The config: a decoder of three layers on the encoder of the benchmark's model."""
    encoder = BertSum.from_pretrained(options.model).config.model.encoder
    sizes = ["decoder.layers=3", "decoder.heads=6", "decoder.feedforward=1024", "train.loss_reduction=token"]
    return Config.load(None, ["model.kind=seq2seq", f"model.encoder={encoder}", *sizes])


def model_and_rows(options: Options, count: int) -> tuple[BertSumAbs, list[dict[str, Any]]]:
    """A model with a fresh decoder, and the longest documents with their summaries."""
    torch.manual_seed(0)
    config = config_of(options)
    model = BertSumAbs.from_config(SavedConfig.of(config))
    read = [Document(str(number), one["document"], [one["summary"]], "") for number, one in enumerate(records(options))]
    rows: list[Any] = list(ROWS["seq2seq"](config, model.tokenizer, "test")(read))
    rows.sort(key=lambda row: -row["length"])
    return model, rows[:count]


class Naive(nn.Module):
    """transformers' eager encoder and torch's decoder, padded, in float32."""

    def __init__(self, model: BertSumAbs) -> None:
        super().__init__()
        config = model.config.decoder
        size: int = model.encoder.config.hidden_size
        self.encoder: Any = model.encoder
        self.embeddings = nn.Embedding(model.encoder.config.vocab_size, size)
        layer = nn.TransformerDecoderLayer(
            size, config.heads, config.feedforward, config.dropout, "gelu", batch_first=True, norm_first=True
        )
        self.decoder = nn.TransformerDecoder(layer, config.layers, nn.LayerNorm(size))
        self.generator = nn.Linear(size, model.encoder.config.vocab_size)
        self.generator.weight = self.embeddings.weight

    def forward(self, inputs: dict[str, torch.Tensor], targets: torch.Tensor) -> torch.Tensor:
        """Log-probabilities (B, L - 1, V)."""
        memory = self.encoder(**inputs).last_hidden_state  # (B, T, H)
        read = targets[:, :-1]
        size = self.embeddings.embedding_dim
        hidden = self.embeddings(read) * math.sqrt(size) + sinusoidal_positions(read.shape[1], size, read.device)
        later = nn.Transformer.generate_square_subsequent_mask(read.shape[1])
        hidden = self.decoder(
            hidden, memory, tgt_mask=later, tgt_key_padding_mask=(read == 0).float() * -1e9,
            memory_key_padding_mask=inputs["attention_mask"] == 0,
        )  # fmt: skip
        log_probabilities: torch.Tensor = self.generator(hidden).log_softmax(-1)
        return log_probabilities


@side
def train_decoder_naive(options: Options) -> Callable[[], Work]:
    model, rows = model_and_rows(options, TRAINED)
    model.encoder.set_attn_implementation("eager")  # type: ignore[operator, union-attr]  # a training has transformers' class; Bert, which lacks it, only scores
    naive = Naive(model).train()
    optimizer = torch.optim.Adam(naive.parameters(), lr=1e-5, eps=1e-9)
    model.reader.packs = False

    def work() -> Work:
        batch = model.collate(rows)
        inputs = {name: getattr(batch, name) for name in ("input_ids", "attention_mask", "token_type_ids")}
        targets = batch.target_ids
        assert targets is not None
        found = naive(inputs, targets)
        F.cross_entropy(
            found.flatten(0, 1), targets[:, 1:].flatten(), ignore_index=0, label_smoothing=0.1, reduction="sum"
        ).div(batch.units).backward()
        optimizer.step()
        optimizer.zero_grad()
        return Work(len(rows), sum(row["length"] for row in rows))

    return work


@side
def train_decoder_own(options: Options) -> Callable[[], Work]:
    keep_freed_memory()
    model, rows = model_and_rows(options, TRAINED)
    model.train()
    model.label_smoothing = 0.1
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-5, eps=1e-9, fused=True)

    def work() -> Work:
        batch = model.collate(rows)
        with autocast(torch.device("cpu"), options.precision):
            outputs = model(**batch.inputs())
        (model.loss(outputs, batch) / batch.units).backward()
        optimizer.step()
        optimizer.zero_grad()
        return Work(len(rows), sum(row["length"] for row in rows))

    return work


def writing(options: Options, count: int, together: bool) -> Callable[[], Work]:
    """Texts of a fixed length, for documents together or one by one."""
    model, rows = model_and_rows(options, count)
    model.eval()
    generation = replace(model.config.generation, min_length=TOKENS, max_length=TOKENS)
    how = PredictOptions(generation=generation, precision=options.precision)
    parts: Iterable[list[dict[str, Any]]] = [rows] if together else [[row] for row in rows]

    def work() -> Work:
        written = [one for part in parts for one in model.predict(part, how)]
        return Work(len(written), sum(row["length"] for row in rows))

    return work


@side
def write_together(options: Options) -> Callable[[], Work]:
    return writing(options, WRITTEN, together=True)


@side
def write_one_by_one(options: Options) -> Callable[[], Work]:
    return writing(options, WRITTEN, together=False)


@side
def write_one(options: Options) -> Callable[[], Work]:
    return writing(options, 1, together=True)
