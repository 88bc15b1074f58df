"""BertSum: a pretrained encoder reads the document, a head scores its sentences, and the best ones are the summary.

# B documents, W windows of them, T tokens, S sentences, H hidden, V as Reader of encoders.vectors tells
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from transformers import PretrainedConfig, PreTrainedTokenizerBase

from bertsum.config import Config, SelectionConfig
from bertsum.data.batching import Batch, collate
from bertsum.data.encoding import DocumentEncoder
from bertsum.encoders.load import build_encoder, check_vocabulary, load_encoder_config, load_tokenizer
from bertsum.encoders.vectors import tokens_mask, unpacked
from bertsum.models.asked import Asked
from bertsum.models.base import Model
from bertsum.models.contract import Prediction, PredictOptions
from bertsum.models.fitted import FITTED
from bertsum.models.heads import build_head
from bertsum.models.losses import LOSSES, SentenceLoss, answer_spans, cross_entropy, scores_of
from bertsum.models.presumm import read_presumm
from bertsum.models.scoring import Scored, in_groups
from bertsum.models.selection import answering, check_threshold, preferred, select_sentences
from bertsum.models.storage import SavedConfig, load_weights

if TYPE_CHECKING:
    from bertsum.encoders.load import Encoder


_TOGETHER = 8192  # tokens of documents whose best sentences the pretrained encoder reads together


class BertSum(Model):
    """Scores the sentences of documents (arXiv 1903.10318, 1908.08345).

    Attributes:
        head: The inter-sentence head.
        query_product: What a sentence's vector gets of its product with the query's; None without it.
        span_output: Vectors of tokens to logits of where answers begin and end; None without it.
        sentence_loss: The loss of a batch, from logits, labels and the mask of sentences.
        span_weight: What the loss of where answers begin and end counts beside it.
    """

    kind = "extractive"
    sections = (*Model.sections, "scores", *FITTED)
    optional = ("query_product.weight", "span_output.weight", "span_output.bias")

    def __init__(
        self,
        config: SavedConfig,
        encoder: Encoder,
        head: nn.Module,
        tokenizer: PreTrainedTokenizerBase | None,
    ) -> None:
        super().__init__(config, encoder, tokenizer)
        self.head = head
        self.sentence_loss: SentenceLoss = cross_entropy
        self.span_weight = 1.0
        self._asked = Asked(config)
        hidden_size: int = encoder.config.hidden_size
        self.sentence_norm = nn.LayerNorm(hidden_size) if config.model.sentence_norm else nn.Identity()
        self.query_product: nn.Linear | None = None
        if config.model.query_product:
            self.query_product = nn.Linear(hidden_size, hidden_size, bias=False)
            nn.init.zeros_(self.query_product.weight)  # so that a model without it can be trained on
        self.span_output = nn.Linear(hidden_size, 2) if config.model.answer_spans else None
        self.reader.span_output = self.span_output
        self.float()  # torch's default dtype may differ in the calling program

    @classmethod
    def build(
        cls,
        config: SavedConfig,
        encoder: Encoder,
        tokenizer: PreTrainedTokenizerBase | None,
        target_tokenizer: PreTrainedTokenizerBase | None = None,
    ) -> BertSum:
        """A model of this encoder and a head with random weights.

        Args:
            config: The model's configuration.
            encoder: The encoder.
            tokenizer: The encoder's tokenizer; None for a model that only reads rows.
            target_tokenizer: Not used; this kind writes nothing.

        Raises:
            BertsumError: if the head does not fit the encoder's hidden size.
        """
        return cls(config, encoder, build_head(config.model, encoder.config.hidden_size), tokenizer)

    @classmethod
    def for_training(cls, config: Config) -> BertSum:
        """The model of a run, with its loss.

        Args:
            config: The run's configuration.
        """
        model = super().for_training(config)
        model.sentence_loss = LOSSES[config.train.loss](config.train)
        model.span_weight = config.train.span_weight
        return model

    @staticmethod
    def from_presumm(
        path: str | Path,
        encoder: str | Path | PretrainedConfig,
        *,
        tokenizer: PreTrainedTokenizerBase | None = None,
        heads: int | None = None,
    ) -> BertSum:
        """Reads a checkpoint of the authors' code, PreSumm's or BertSum's; it gives the same scores as their code.

        Reading runs no code from the file. It may hold only tensors, plain values, and that code's options and
        optimiser.

        Args:
            path: A file such as ``model_step_18000.pt``.
            encoder: The encoder it was trained from, such as bert-base-uncased: a hub name, a folder, or a
                configuration. The weights come from the checkpoint.
            tokenizer: The encoder's tokenizer. If ``encoder`` is a configuration, everything but ``score`` and
                ``forward`` needs it.
            heads: Attention heads of a transformer head, if the checkpoint has no options; 8 by default.

        Raises:
            BertsumError: if the file cannot be read or would run code, or weights are missing or left over.
        """
        with torch.inference_mode(False):  # weights made inside it could never be trained
            if isinstance(encoder, PretrainedConfig):
                encoder_config, name = encoder, encoder.name_or_path or encoder.model_type
            else:
                name = str(encoder)
                encoder_config = load_encoder_config(name)
                tokenizer = tokenizer or load_tokenizer(name)
            read = read_presumm(path, name, heads)
            positions = read.weights.get("encoder.embeddings.position_embeddings.weight")
            encoder_config = deepcopy(encoder_config)
            length = read.encoding.max_length
            if positions is not None:
                encoder_config.max_position_embeddings = length = len(positions)
            built = build_encoder(encoder_config, read.model, length)
            model = BertSum.build(SavedConfig(read.model, read.encoding, read.selection), built, tokenizer)
            load_weights(model, read.weights, f"'{path}' (encoder {name})")
            if tokenizer is not None:
                check_vocabulary(tokenizer, built)
            return model.eval()

    def collate(self, rows: Sequence[dict[str, Any]], packed: bool | None = None) -> Batch:
        """Makes a batch of encoded documents, padded or packed; long documents become windows.

        Args:
            rows: Documents with ``input_ids``, ``cls_positions`` and, if they have any, ``labels``.
            packed: Whether documents follow each other without padding; by default as this encoder reads them.
        """
        if packed is None:
            packed = self.reader.packs_on(next(self.parameters()).device)
        return collate(rows, self.encoder.config.pad_token_id or 0, self.config.encoding.max_length, packed)

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        cls_positions: torch.Tensor | None = None,
        sentence_mask: torch.Tensor | None = None,
        lengths: tuple[int, ...] | None = None,
        places: torch.Tensor | None = None,
        document_mask: torch.Tensor | None = None,
    ) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        """Scores of sentences, before the sigmoid or softmax.

        Args:
            input_ids: Tokens (B, T), T at most ``encoding.max_length``. :meth:`collate` cuts longer documents into
                windows (W, T), and packs them (N) if this encoder reads without padding.
            attention_mask: 1 for tokens, 0 for padding (B, T).
            token_type_ids: Interval segments (B, T); unused if the encoder has no token types.
            cls_positions: Position of each sentence's [CLS] (B, S).
            sentence_mask: True for sentences, False for padding (B, S).
            lengths: Tokens of each window (W), if packed.
            places: Place of each sentence of a document among the sentences of all windows (B, S).
            document_mask: True for sentences of documents, False for padding (B, S), if there are windows.

        Returns:
            Logits (B, S); the logits of padding mean nothing. In training, with ``model.answer_spans``, also those of
            where answers begin and end (W, T, 2).
        """
        assert token_type_ids is not None and cls_positions is not None and sentence_mask is not None
        spans = None
        if self.span_output is not None and self.training:
            tokens, lengths = self.reader.tokens(input_ids, attention_mask, token_type_ids, lengths)  # (N, H)
            with torch.autocast(tokens.device.type, enabled=False):
                spans = unpacked(self.span_output(tokens.float()), tokens_mask(lengths, tokens.device))  # (W, T, 2)
            sentences = self.reader.of_tokens(tokens, lengths, cls_positions, sentence_mask)  # (W, S, V)
        else:
            cut = places is not None
            sentences = self.reader(
                input_ids, attention_mask, token_type_ids, cls_positions, sentence_mask, lengths, cut
            )
        if places is not None and document_mask is not None:
            sentences, sentence_mask = sentences.flatten(0, 1)[places], document_mask  # (B, S, V)
        logits = self.logits(sentences, sentence_mask)
        return logits if spans is None else (logits, spans)

    def logits(self, sentences: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Scores of sentences from their vectors, before the sigmoid.

        Args:
            sentences: The encoder's vectors of documents' sentences (B, S, V), as
                :class:`~bertsum.encoders.vectors.Reader` makes them.
            mask: True for sentences, False for padding behind them (B, S).

        Returns:
            Logits (B, S); the logits of padding mean nothing.
        """
        # The head costs little beside the encoder. Rounding here would change the choice in one document in a hundred.
        with torch.autocast(sentences.device.type, enabled=False):
            sentences, odds = sentences.float(), None
            if self.span_output is not None:
                sentences, odds = sentences[..., :-1], sentences[..., -1]
            if self.query_product is None:
                normed = self.sentence_norm(sentences)
            else:
                own, query = sentences.chunk(2, dim=-1)  # (B, S, H) each
                normed = self.sentence_norm(own)
                # This norm has no bias: without a query its vector is zero, and stays so.
                normed = normed + self.query_product(normed * F.layer_norm(query, query.shape[-1:]))
            logits: torch.Tensor = self.head(normed, mask)
            # Both are log-odds that a sentence answers. Without a query there is only the head's: the other is 0. In
            # training each learns alone, so that they are two opinions, and not one and what it misses.
            return logits if odds is None or self.training else torch.where(odds == 0, logits, (logits + odds) / 2)

    def loss(self, outputs: torch.Tensor | tuple[torch.Tensor, torch.Tensor], batch: Batch) -> torch.Tensor:
        """The loss of ``train.loss``: a sum over sentences, or over documents if it is listwise; in training, with
        ``model.answer_spans``, also that of where answers begin and end.

        Args:
            outputs: What :meth:`forward` returned.
            batch: The batch that it belongs to.
        """
        if isinstance(outputs, torch.Tensor):
            return self.sentence_loss(outputs, batch.labels, batch.mask)
        logits, spans = outputs
        # Every weight needs a gradient in every process, if only of 0.
        missed = spans.sum() * 0 if batch.answers is None else answer_spans(spans, batch.answers)
        return self.sentence_loss(logits, batch.labels, batch.mask) + self.span_weight * missed

    def predict(self, rows: Sequence[dict[str, Any]], options: PredictOptions) -> Iterator[Prediction]:
        """The summary of each document: its best sentences.

        Args:
            rows: Documents with ``input_ids``, ``cls_positions``, ``sentences``, ``sentence_indices`` and, for the
                loss, ``labels``; with a ``query``, only sentences that answer it are chosen.
            options: How documents are read and sentences chosen.

        Raises:
            BertsumError: if memory does not suffice for a batch, a score is not a number, or there is a threshold for
                scores that are shares.
        """
        check_threshold(self.config.scores, options.selection)
        answers = options.answering or answering(options.selection)
        device = next(self.parameters()).device
        for some in in_groups(self._logits(rows, options), _TOGETHER):
            read = [scored.row for scored, _ in some], [logits for _, logits in some]
            asked = self._asked(*read, answers, options, device)
            for (scored, logits), raised in zip(some, asked, strict=True):
                row = scored.row
                loss = self.loss(logits[None], self.collate([row], packed=False)).item() if options.loss else None
                scores = scores_of(raised, self.config.scores).tolist()
                indices, scores = self.chosen(row, scores, answers if row.get("query") else options.selection)
                chosen = [row["sentences"][index] for index in indices]
                yield Prediction(scored.place, chosen, indices, scores, loss)

    def scores(
        self, row: Mapping[str, Any], logits: torch.Tensor, selection: SelectionConfig, precision: str
    ) -> list[float]:
        """Scores of the sentences of a document that were read (S): of their logits, and with a query of the words that
        they share with it and of what the pretrained encoder says of both.

        Args:
            row: The document, with ``input_ids``, ``cls_positions``, ``sentences``, ``sentence_indices`` and, if it has
                one, a ``query``.
            logits: The model's (S).
            selection: How sentences are chosen.
            precision: auto, fp32, bf16 or fp16 arithmetic of the pretrained encoder.

        Raises:
            BertsumError: if the pretrained encoder is needed and cannot be loaded.
        """
        options, device = PredictOptions(precision=precision), next(self.parameters()).device
        (raised,) = self._asked([row], [logits], selection, options, device)
        made: list[float] = scores_of(raised, self.config.scores).tolist()
        return made

    def chosen(
        self, row: Mapping[str, Any], read_scores: list[float], selection: SelectionConfig
    ) -> tuple[list[int], list[float | None]]:
        """Places of the sentences that scores choose; and a score for each sentence of the document.

        Args:
            row: The document, with ``sentences``, ``sentence_indices``, ``cls_positions`` and, if it has one, a
                ``query``: then the selection's threshold holds for the best sentence, too.
            read_scores: One for each sentence that was read.
            selection: How many to choose, and which not together.

        Raises:
            BertsumError: if a score is not a number.
        """
        sentences, read = row["sentences"], row["sentence_indices"]
        texts = [sentences[index] for index in read]
        values = preferred(read_scores, row["cls_positions"], self.config.encoding.max_length, selection)
        if selection.candidates is None or self.config.expected_rouge is None:
            options = asdict(selection)
            for name in ("query_threshold", "candidates", "fill", "place_weight", "word_weight", "similarity_weight"):
                del options[name]  # what was asked is settled
            places = select_sentences(
                values,
                texts,
                **options,
                document_sentences=len(sentences),
                may_be_empty=bool(row.get("query")),
            )
        else:
            places = self.config.expected_rouge.choose(values, texts, read, selection, len(sentences))
        if selection.order == "score":
            places = sorted(places, key=lambda place: -read_scores[place])
        scores: list[float | None] = [None] * len(sentences)
        for index, score in zip(read, read_scores, strict=True):
            scores[index] = score
        return [read[place] for place in places], scores

    def score(
        self,
        rows: Sequence[dict[str, Any]],
        max_tokens_per_batch: int = 4096,
        precision: str = "fp32",
        lengths: Sequence[int] | np.ndarray | None = None,
        part: tuple[int, int] = (0, 1),
    ) -> Iterator[tuple[int, torch.Tensor]]:
        """Scores encoded documents, batched by length.

        Args:
            rows: Documents with ``input_ids`` and ``cls_positions``.
            max_tokens_per_batch: Budget of a batch, ``count x longest``.
            precision: auto, fp32, bf16 or fp16 arithmetic, as ``evaluation.precision``.
            lengths: Tokens of each document, if known without reading it.
            part: Index of this process and number of processes. Each scores its share of the batches, in equally many
                passes.

        Yields:
            A document's place in ``rows`` and the logits of its sentences (S, float32, on the CPU), batch after batch.

        Raises:
            BertsumError: if memory does not suffice for a batch.
        """
        options = PredictOptions(
            max_tokens_per_batch=max_tokens_per_batch, precision=precision, lengths=lengths, part=part
        )
        return ((scored.place, logits) for scored, logits in self._logits(rows, options))

    def _logits(self, rows: Sequence[dict[str, Any]], options: PredictOptions) -> Iterator[tuple[Scored, torch.Tensor]]:
        """The logits of each document's sentences (S)."""
        return ((scored, scored.output[: len(scored.row["cls_positions"])]) for scored in self.outputs(rows, options))

    def document_encoder(self) -> DocumentEncoder:
        """Turns sentences into this model's input."""
        return DocumentEncoder(self.tokenizer, self.config.encoding)
