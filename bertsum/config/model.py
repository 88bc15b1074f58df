"""Configuration of the model: the encoder, the head over its sentence vectors, the decoder that writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Le

from bertsum.config.bounds import Count, Fraction, Text, Whole


@dataclass(frozen=True)
class ModelConfig:
    """The encoder and the head over its sentence vectors."""

    encoder: Text = "bert-base-uncased"
    """The hub name or folder of any BERT-like encoder with a fast tokenizer; or a checkpoint folder of bertsum, whose
    encoder is taken (model.kind masked_lm trains encoders on plain documents). minilm is all-MiniLM-L6-v2, from the
    offline extra if it is installed, else from the hub. scratch is a BERT with random weights, the sizes below, and a
    vocabulary learned from the training documents."""
    scratch_layers: Annotated[int, Ge(1), Le(100)] = 6
    """The number of layers of an encoder from scratch."""
    scratch_hidden: Annotated[int, Ge(1), Le(65_536)] = 256
    """The hidden size of an encoder from scratch."""
    scratch_heads: Count = 4
    """The number of attention heads of an encoder from scratch."""
    scratch_feedforward: Annotated[int, Ge(1), Le(1_000_000)] = 1024
    """The width of the feed-forward blocks of an encoder from scratch."""
    scratch_vocabulary: Annotated[int, Ge(16), Le(1_000_000)] = 8000
    """The number of tokens in the vocabulary of an encoder from scratch."""
    kind: Literal["extractive", "seq2seq", "masked_lm"] = "extractive"
    """The kind of model. extractive scores the sentences of a document and chooses the best. seq2seq writes a summary
    (or a translation) with a decoder. masked_lm guesses hidden words, which adapts the encoder to documents of a field
    or a language; it needs no summaries, and its checkpoint is an encoder."""
    start_from_extractive: Text | None = None
    """The trained extractive model whose encoder a seq2seq model begins with (BERTSUMEXTABS): a checkpoint folder, a
    hub id, or a file of the authors' code. Null: the pretrained encoder."""
    attention: Literal["auto", "packed", "sdpa", "eager", "flash_attention_2"] = "auto"
    """How the encoder computes attention. packed is our own pass over documents without padding (BERT and RoBERTa).
    auto is packed on a CPU, and transformers' choice elsewhere. The others are transformers' own."""
    interval_segments: bool = True
    """Token types 0 and 1 alternate by sentence, if the encoder has token types."""
    sentence_vectors: Literal["cls", "mean"] = "cls"
    """A sentence's vector: the output at its [CLS] (the paper), or the mean over its tokens."""
    sentence_norm: bool = False
    """A LayerNorm is applied to the sentence vectors before the head."""
    query_product: bool = False
    """A sentence's vector gets a linear map of its product with the query's vector, element by element, so that the
    head sees what both have in common. Documents without a query are read as without it. It needs sentence_vectors
    mean."""
    answer_spans: bool = False
    """A second output tells where in a document answers begin and end. It learns from records that have their words
    (answers). The score of a sentence, if there is a query, counts the head and the answers in it alike. It needs
    sentence_vectors mean."""
    head: Literal["linear", "transformer", "lstm"] = "transformer"
    """What scores the sentence vectors: linear, transformer (BERTSUMEXT) or lstm."""
    head_layers: Annotated[int, Ge(1), Le(100)] = 2
    """The number of layers of the transformer head."""
    head_heads: Count = 8
    """The number of attention heads of the transformer head."""
    head_feedforward: Annotated[int, Ge(1), Le(1_000_000)] = 2048
    """The width of the transformer head's feed-forward blocks."""
    head_dropout: Fraction = 0.1
    """The dropout of the head."""
    lstm_states: Literal["own", "final"] = "own"
    """What the lstm head adds to a sentence: the state at the sentence in each direction (the paper), or the last state
    of each direction, which is the same for every sentence (the authors' code)."""
    position_scale: float = 1.0
    """The factor on the transformer head's sinusoidal position encoding (1 in the paper)."""
    hidden_dropout: Fraction | None = None
    """The dropout of the encoder's hidden states. Null: the encoder's own."""
    attention_dropout: Fraction | None = None
    """The dropout of the encoder's attention weights. Null: the encoder's own."""
    freeze_encoder: bool = False
    """Only the head is trained; adapters, if any, stay as they are in train.start_from."""
    freeze_layers: Whole = 0
    """The encoder's embeddings and this many of its lower layers stay as pretrained."""
    adapters: Annotated[int, Ge(1), Le(1024)] | None = None
    """The rank of low-rank adapters (LoRA) in the encoder's layers. They learn in place of the encoder's weights; a
    checkpoint holds them and the head, and needs the encoder beside it. Null: the encoder itself is trained."""


@dataclass(frozen=True)
class DecoderConfig:
    """The decoder of a seq2seq model, and the words that it can write."""

    layers: Annotated[int, Ge(1), Le(100)] = 6
    """The number of layers."""
    heads: Count = 8
    """The number of attention heads of a layer."""
    feedforward: Annotated[int, Ge(1), Le(1_000_000)] = 2048
    """The width of the feed-forward blocks."""
    dropout: Fraction = 0.1
    """The dropout of the decoder."""
    copy_embeddings: bool = True
    """The decoder's embeddings begin as copies of the encoder's, token by token where the vocabularies differ. false:
    they begin as random numbers."""
    tokenizer: Text | None = None
    """What cuts a summary into tokens. Null: the encoder's tokenizer. cut: the encoder's, with only those tokens that
    the training summaries have. wordpiece or unigram: one that is learned from the training summaries, of BERT's kind
    or of SentencePiece's, which keeps every character. Else the hub name or folder of a fast tokenizer."""
    vocabulary: Annotated[int, Ge(16), Le(1_000_000)] = 16_000
    """The most tokens that a cut or learned tokenizer has."""
    max_length: Annotated[int, Ge(3), Le(100_000)] = 140
    """Training summaries are cut to this many tokens, with the start and the end."""
