"""Configuration of training: optimisation, validation and checkpoints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Le

from bertsum.config.bounds import Count, Factor, Fraction, Number, Positive, Precision, Text, Whole


@dataclass(frozen=True)
class TrainConfig:
    """Optimisation, validation and checkpoints."""

    start_from: Text | None = None
    """The model to begin with: bundled, a checkpoint folder or a hub id. The fields of model must describe the same
    network, with its adapters if these are to be trained further. Null: the pretrained encoder and a new head."""
    max_steps: Count | None = None
    """Training stops after this many updates. Null: train.epochs decides."""
    epochs: Annotated[int, Ge(1), Le(10_000)] | None = None
    """Training stops after this many passes over the training documents. Null: train.max_steps decides."""
    max_tokens_per_batch: Count = 3000
    """The budget of a batch: the number of its documents times the length of the longest stays within it."""
    buffer_documents: Count = 10_000
    """Documents are sorted by length inside shuffled buffers of this size."""
    accumulation: Count = 1
    """The number of batches per process in one update."""
    loss_reduction: Literal["sum", "document", "sentence", "token"] = "sum"
    """What the loss of an update is divided by. sum: by nothing (the paper's extractive model). document: by the number
    of documents. sentence: by the sentences of an extractive model. token: by the tokens of a seq2seq model (the
    paper's), or by the tokens that a masked_lm has to guess."""
    label_smoothing: Fraction = 0.0
    """The share of probability that a seq2seq model's loss spreads evenly over all other tokens (0.1 in the paper)."""
    loss: Literal["cross_entropy", "focal", "listwise", "combined"] = "cross_entropy"
    """The loss of an extractive model (docs/losses.md). cross_entropy is binary, sentence by sentence (the paper).
    focal gives less weight to a sentence that is already scored well. listwise is a softmax over the sentences of a
    document: scores are then shares that add up to 1, and selection.threshold is refused. combined is the sum of
    cross_entropy and listwise: scores stay probabilities."""
    positive_weight: Positive | Literal["balanced"] = 1.0
    """The weight of sentences labelled 1 in cross_entropy, focal and combined. balanced: in each document, the
    positives together weigh as much as the negatives."""
    focal_gamma: Annotated[float, Ge(1), Le(10)] = 2.0
    """The exponent of the focal loss (gamma in its paper). A larger one gives less weight to what is scored well."""
    span_weight: Positive = 0.5
    """What the loss of where answers begin and end counts beside train.loss, with model.answer_spans."""
    optimizer: Literal["adam", "adamw"] = "adam"
    """Adam, or AdamW with decoupled weight decay."""
    learning_rate: Positive = 2e-3
    """The peak learning rate. With noam, it is the factor in front of the schedule."""
    encoder_learning_rate: Positive | None = None
    """The peak learning rate of the encoder's parameters. Null: train.learning_rate."""
    encoder_warmup_steps: Count | None = None
    """The warmup of the encoder's learning rate, with noam. Null: train.warmup_steps."""
    layer_decay: Factor = 1.0
    """Each layer of the encoder learns at the rate of the layer above it times this factor."""
    beta1: Fraction = 0.9
    """Adam's decay of the first moment."""
    beta2: Fraction = 0.999
    """Adam's decay of the second moment."""
    eps: Positive = 1e-9
    """Adam's epsilon."""
    weight_decay: Number = 0.0
    """The weight decay of matrices. Biases and norms have none."""
    max_grad_norm: Positive | None = None
    """The gradient's norm is clipped to this. Null: no clipping."""
    clip_apart: bool = False
    """The gradients of the encoder and of everything else are clipped separately, each by its own norm (the authors
    have two optimisers)."""
    schedule: Literal["noam", "linear", "cosine", "constant"] = "noam"
    """The learning rate over the updates. noam is min(step^-0.5, step * warmup^-1.5). linear and cosine decay to zero
    after a linear warmup; constant stays after it."""
    warmup_steps: Whole = 10_000
    """The number of updates of the warmup."""
    precision: Precision = "fp32"
    """The arithmetic of the forward pass in training and its validations; weights and optimiser stay in fp32. auto is
    bf16 if the device has instructions for it (most GPUs, newer server processors), else fp32. A resumed run keeps
    its first precision."""
    validate_every: Count | None = None
    """Updates from one validation to the next; one more comes at the end. Null: at the end of each epoch."""
    validate_rouge: bool = False
    """Each validation also selects summaries and computes their ROUGE."""
    validate_documents: Count | None = None
    """A validation takes this many documents, evenly spaced. Null: all."""
    save_every: Count | None = None
    """Updates from one checkpoint to the next; each validation also writes one. Null: only validations do."""
    keep_best: Whole = 3
    """This many checkpoints are kept by train.metric, beside the last one."""
    average: Count | None = None
    """After the training, best is a model with the mean of the weights of this many best checkpoints. Null: it is the
    best checkpoint."""
    metric: Literal["loss", "rouge1", "rouge2", "rougeL", "rouge_mean"] = "loss"
    """What ranks checkpoints: the validation loss, one ROUGE F1, or the mean F1 of ROUGE-1, 2 and L."""
    patience: Count | None = None
    """Training stops after this many validations in a row without a better metric. Null: it does not."""
    log_every: Count = 10
    """Updates from one line of metrics to the next."""
    non_finite: Literal["stop", "skip"] = "stop"
    """What happens if the loss or gradient of an update is not finite: stop raises an error that names the documents,
    skip leaves the update out and counts it."""
    resume: bool = True
    """A run resumes from the newest checkpoint in its folder, if it has one. false refuses such a folder."""
    overwrite: bool = False
    """Each start replaces a run that is already in the folder."""
    fsdp: bool = False
    """Weights, gradients and optimiser state are sharded over the processes (FSDP); otherwise each has a full copy."""
    deterministic: bool = False
    """Only deterministic algorithms are used: they give the same bits in every run. A GPU may otherwise use others."""
