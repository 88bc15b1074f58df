"""BertSumAbs: a pretrained encoder reads the document, a decoder writes its summary (arXiv 1908.08345, section 4). The
same network translates.

# B documents, L tokens of the longest target, M tokens to predict in all targets, N tokens of all sources, T of one,
# H hidden, V vocabulary
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from transformers import PretrainedConfig, PreTrainedTokenizerBase

from bertsum.config import Config, GenerationConfig
from bertsum.data.batching import PairBatch, collate_pairs
from bertsum.data.encoding import DocumentEncoder
from bertsum.data.targets import TargetEncoder
from bertsum.data.vocabulary import is_learned, target_tokenizer
from bertsum.encoders.load import load_tokenizer
from bertsum.encoders.vectors import tokens_mask, unpacked
from bertsum.errors import BertsumError
from bertsum.models.base import Model
from bertsum.models.beam import SearchTokens, beam_search
from bertsum.models.contract import Prediction, PredictOptions
from bertsum.models.decoder import Decoder
from bertsum.models.losses import token_losses
from bertsum.models.presumm_abs import read_presumm_abs
from bertsum.models.start import copy_embeddings, start_encoder
from bertsum.models.storage import SavedConfig, load_weights
from bertsum.models.written import Written, leaned_on
from bertsum.support import unsupported_words

if TYPE_CHECKING:
    from bertsum.encoders.load import Encoder


class BertSumAbs(Model):
    """Writes a summary of a document, or a translation.

    Attributes:
        decoder: The decoder.
        label_smoothing: Share of probability that the training loss spreads evenly over all other tokens.
    """

    kind = "seq2seq"
    writes = True
    sections = ("model", "encoding", "decoder", "generation", "language")
    label_smoothing: float = 0.0

    def __init__(
        self,
        config: SavedConfig,
        encoder: Encoder,
        tokenizer: PreTrainedTokenizerBase | None,
        target_tokenizer: PreTrainedTokenizerBase | None = None,
    ) -> None:
        super().__init__(config, encoder, tokenizer, target_tokenizer)
        own = target_tokenizer or tokenizer
        self.targets = None if own is None else TargetEncoder(own, config.decoder.max_length, config.encoding.words)
        vocabulary = encoder.config.vocab_size if target_tokenizer is None else len(target_tokenizer)
        pad_id = 0 if self.targets is None else self.targets.pad_id
        self.decoder = Decoder(config.decoder, encoder.config.hidden_size, vocabulary, pad_id)
        self.float()  # torch's default dtype may differ in the calling program

    @classmethod
    def build(
        cls,
        config: SavedConfig,
        encoder: Encoder,
        tokenizer: PreTrainedTokenizerBase | None,
        target_tokenizer: PreTrainedTokenizerBase | None = None,
    ) -> BertSumAbs:
        """A model of this encoder and a decoder with random weights.

        Args:
            config: The model's configuration.
            encoder: The encoder.
            tokenizer: The encoder's tokenizer; None for a model that only takes token ids.
            target_tokenizer: The decoder's tokenizer, if it is another one.

        Raises:
            BertsumError: if the decoder does not fit the encoder's hidden size, or a tokenizer lacks the tokens that
                begin, end and separate sentences.
        """
        return cls(config, encoder, tokenizer, target_tokenizer)

    @classmethod
    def load_tokenizers(cls, config: Config) -> tuple[PreTrainedTokenizerBase, PreTrainedTokenizerBase | None]:
        """The encoder's tokenizer, and the decoder's if it has its own.

        Args:
            config: The run's configuration.
        """
        source, _ = super().load_tokenizers(config)
        name = config.decoder.tokenizer
        if name is None:
            return source, None
        return source, target_tokenizer(config, source) if is_learned(name) else load_tokenizer(name)

    def initialize(self) -> None:
        """Fills the encoder from the extractive model to start from, the decoder's embeddings from the encoder's."""
        config = self.config
        if config.model.start_from_extractive is not None:
            start_encoder(self.encoder, config.model.start_from_extractive, config.model.encoder)
        if config.decoder.copy_embeddings:
            copy_embeddings(self.decoder.embeddings, self.encoder, self._tokenizer, self.target_tokenizer)

    @classmethod
    def for_training(cls, config: Config) -> BertSumAbs:
        """The model of a run, with its loss.

        Args:
            config: The run's configuration.
        """
        model = super().for_training(config)
        model.label_smoothing = config.train.label_smoothing
        return model

    @staticmethod
    def from_presumm(
        path: str | Path,
        encoder: str | Path | PretrainedConfig,
        *,
        tokenizer: PreTrainedTokenizerBase | None = None,
        heads: int | None = None,
    ) -> BertSumAbs:
        """Reads an abstractive checkpoint of the authors' code (PreSumm); it writes what their code writes.

        Reading runs no code from the file. It may hold only tensors, plain values, and that code's options and
        optimisers.

        Args:
            path: A file such as ``model_step_148000.pt``.
            encoder: The encoder it was trained from, such as bert-base-uncased: a hub name, a folder, or a
                configuration. The weights come from the checkpoint.
            tokenizer: The encoder's tokenizer. If ``encoder`` is a configuration, everything but ``forward`` and
                ``generate`` without blocking needs it.
            heads: Attention heads of the decoder, if the checkpoint has no options; 8 by default.

        Raises:
            BertsumError: if the file cannot be read or would run code, is an extractive model, or weights are missing
                or left over.
        """
        with torch.inference_mode(False):  # weights made inside it could never be trained
            read = read_presumm_abs(path, encoder, tokenizer, heads)
            model = BertSumAbs.build(read.config, read.encoder, read.tokenizer)
            load_weights(model, read.weights, f"'{path}' (encoder {read.config.model.encoder})")
            return model.eval()

    def train(self, mode: bool = True) -> BertSumAbs:
        """Sets training or evaluation mode; a frozen encoder stays in evaluation mode, as in the authors' code.

        Args:
            mode: Whether to train, with dropout, or to predict.
        """
        super().train(mode)
        if self.config.model.freeze_encoder:
            self.encoder.eval()
        return self

    def collate(self, rows: Sequence[dict[str, Any]]) -> PairBatch:
        """Makes a batch of encoded documents and, if they have any, their targets.

        Args:
            rows: Documents with ``input_ids``, ``cls_positions`` and maybe ``target_ids``.
        """
        packed = self.reader.packs_on(next(self.parameters()).device)
        return collate_pairs(rows, self.encoder.config.pad_token_id or 0, self.decoder.pad_id, packed)

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        target_ids: torch.Tensor | None = None,
        lengths: tuple[int, ...] | None = None,
        target_lengths: tuple[int, ...] | None = None,
    ) -> torch.Tensor:
        """Log-probabilities of each token of the targets but the first, given the tokens before it.

        Args:
            input_ids: Tokens of the documents, padded (B, T) or packed (N).
            attention_mask: 1 for tokens, 0 for padding behind them (B, T); None if packed.
            token_type_ids: Interval segments in the shape of ``input_ids``; unused if the encoder has no token types.
            target_ids: Tokens of the targets, from the start to the end, padded (B, L).
            lengths: Tokens of each document (B), if packed.
            target_lengths: Tokens of each target (B). If given, the result is packed.

        Returns:
            Log-probabilities for ``target_ids[:, 1:]`` (B, L - 1, V), zeros for padding; with ``target_lengths`` packed
            (M, V).

        Raises:
            BertsumError: if there are no targets, or one is longer than those that the model was trained on.
        """
        if target_ids is None:
            raise BertsumError("forward: target_ids are missing; generate() writes without them")
        longest, most = max(target_lengths or target_ids.shape[-1:]), self.config.decoder.max_length
        if longest > most:
            raise BertsumError(
                f"forward: target_ids have {longest} tokens, expected at most decoder.max_length, {most}; cut them, or "
                "train with a larger one"
            )
        memory, lengths = self._read_sources(input_ids, attention_mask, token_type_ids, lengths)
        if target_lengths is not None:
            return self.decoder(target_ids, target_lengths, memory, lengths)
        places = torch.arange(1, target_ids.shape[1] + 1, device=target_ids.device)
        counts = (places * (target_ids != self.decoder.pad_id)).amax(dim=1).clamp(min=2)  # padding stands behind
        found = self.decoder(target_ids, counts.tolist(), memory, lengths)
        return unpacked(found, places[:-1] < counts[:, None])

    def _read_sources(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None,
        token_type_ids: torch.Tensor | None,
        lengths: tuple[int, ...] | None,
    ) -> tuple[torch.Tensor, tuple[int, ...]]:
        """Vectors of the documents' tokens, packed (N, H), and the number of tokens of each."""
        if attention_mask is None and lengths is None:
            attention_mask = (input_ids != (self.encoder.config.pad_token_id or 0)).long()
        types = torch.zeros_like(input_ids) if token_type_ids is None else token_type_ids
        learns = torch.is_grad_enabled() and not self.config.model.freeze_encoder
        with torch.set_grad_enabled(learns):
            return self.reader.tokens(input_ids, attention_mask, types, lengths)

    def loss(self, outputs: torch.Tensor, batch: PairBatch) -> torch.Tensor:
        """The loss summed over the tokens of the targets.

        In training it is the divergence from the smoothed targets, else the negative log-likelihood (as in the authors'
        code).

        Args:
            outputs: Log-probabilities, packed (M, V).
            batch: The batch that they belong to.
        """
        return self._token_losses(outputs, batch).sum()

    def _token_losses(self, outputs: torch.Tensor, batch: PairBatch) -> torch.Tensor:
        smoothing = self.label_smoothing if self.training else 0.0
        return token_losses(outputs, batch.predicted, self.decoder.pad_id, smoothing)

    # ---- writing

    def generate(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        *,
        beam_size: int | None = None,
        length_penalty: float | None = None,
        min_length: int | None = None,
        max_length: int | None = None,
        trigram_blocking: bool | None = None,
        search: Literal["standard", "presumm"] | None = None,
        lengths: tuple[int, ...] | None = None,
    ) -> list[Written]:
        """Writes a text for each document. Options that are not given are the model's (``generation`` in its config).

        Args:
            input_ids: Tokens of the documents, padded (B, T) or packed (N).
            attention_mask: 1 for tokens, 0 for padding behind them (B, T).
            token_type_ids: Interval segments in the shape of ``input_ids``.
            beam_size: Hypotheses that are kept at each step; 1 is greedy search.
            length_penalty: Exponent of the length penalty.
            min_length: The end may come only after this many tokens.
            max_length: At most this many tokens.
            trigram_blocking: Whether to write no three words in a row twice.
            search: standard, or presumm: the choices of the authors' code.
            lengths: Tokens of each document, if packed.

        Returns:
            A text for each document.

        Raises:
            BertsumError: if an option is out of its range, or words are not known for trigram blocking.
        """
        given = {
            "beam_size": beam_size, "length_penalty": length_penalty, "min_length": min_length,
            "max_length": max_length, "trigram_blocking": trigram_blocking, "search": search,
        }  # fmt: skip
        options = self._generation(given)
        with self.evaluating(), torch.inference_mode():
            memory, counts = self._read_sources(input_ids, attention_mask, token_type_ids, lengths)
            return self._write(memory, counts, options)

    def _generation(self, given: dict[str, Any]) -> GenerationConfig:
        """The model's settings of a search, replaced by those that are given (None: not given)."""
        wanted = {name: value for name, value in given.items() if value is not None}
        if not wanted:
            return self.config.generation
        return Config.from_dict({"generation": asdict(self.config.generation) | wanted}).generation

    def _write(self, memory: torch.Tensor, counts: Sequence[int], options: GenerationConfig) -> list[Written]:
        """Texts for sources, from the vectors of their tokens, packed (N, H). The search computes in float32."""
        if options.trigram_blocking and self.targets is None:
            raise BertsumError(
                "trigram_blocking: this model has no tokenizer and knows no words; give from_presumm a tokenizer, or "
                "trigram_blocking=False"
            )
        mask = tokens_mask(tuple(counts), memory.device)  # (B, T)
        with torch.autocast(memory.device.type, enabled=False):
            found = beam_search(self.decoder, unpacked(memory.float(), mask), mask, options, self._search_tokens())
        return [Written(one.ids, one.score, self._text(one.ids)) for one in found]

    def _search_tokens(self) -> SearchTokens:
        targets = self.targets
        if targets is None:
            return SearchTokens()
        count, vocabulary = len(targets.names), len(self.decoder.generator_bias)  # the encoder may have more than it
        forbidden = [*targets.specials, *range(count, vocabulary)]
        return SearchTokens(
            targets.start_id, targets.end_id, targets.separator_id, forbidden, targets.continues, targets.pieces,
            targets.names,
        )  # fmt: skip

    def _text(self, ids: list[int]) -> str | None:
        return None if self.targets is None else "\n".join(self.targets.decode(ids))

    def predict(self, rows: Sequence[dict[str, Any]], options: PredictOptions) -> Iterator[Prediction]:
        """The summary of each document, written by beam search, and its loss if asked for.

        Args:
            rows: Documents with ``input_ids``, ``cls_positions``, ``sentences`` and, for the loss, ``target_ids``.
            options: How documents are read and summaries written.

        Raises:
            BertsumError: if memory does not suffice for a batch.
        """
        for scored in self.outputs(rows, options, self._reading(options)):
            written, loss = scored.output
            sentences: list[str] = [] if written is None or self.targets is None else self.targets.decode(written.ids)
            yield Prediction(scored.place, sentences, loss=loss, **self._support(sentences, scored.row["sentences"]))

    def _support(self, sentences: list[str], document: list[str]) -> dict[str, Any]:
        """The sentences that written ones lean on, and their words that the document lacks.

        Empty for a translation, which shares no words with its source.
        """
        if not self.config.encoding.split_sentences:
            return {}
        unsupported = unsupported_words(sentences, document, self._is_common)
        return {"leans_on": leaned_on(sentences, document), "unsupported": unsupported}

    def document_encoder(self) -> DocumentEncoder:
        """Turns sentences into this model's input."""
        return DocumentEncoder(self.tokenizer, self.config.encoding)

    def _is_common(self, word: str) -> bool:
        """Whether a word is one token: rare words and most names are cut into several."""
        return len(self.tokenizer.tokenize(word)) <= 1

    def _reading(self, options: PredictOptions) -> Callable[[PairBatch], list[tuple[Written | None, float | None]]]:
        """A function that makes a text and a loss for each document of a batch, each only if asked for."""

        def read(batch: PairBatch) -> list[tuple[Written | None, float | None]]:
            losses: list[float | None] = [None] * len(batch.cls_positions)
            if options.loss:
                each = self._token_losses(self(**batch.inputs()), batch)
                parts = each.split([length - 1 for length in batch.target_lengths])
                losses = [part.double().sum().item() for part in parts]
            if not options.summaries:
                return [(None, loss) for loss in losses]
            gather = getattr(self, "unshard", None)  # of sharded weights; the search does not pass through forward()
            if gather is not None:
                gather()
            memory, counts = self._read_sources(
                batch.input_ids, batch.attention_mask, batch.token_type_ids, batch.lengths
            )
            return list(zip(self._write(memory, counts, options.generation), losses, strict=True))

        return read
