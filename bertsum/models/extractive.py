"""BertSum: a pretrained encoder reads the document, a head scores its sentences; the loss; save and load.

# B documents, T tokens, S sentences, H hidden
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from huggingface_hub import HfApi, ModelCard, ModelHubMixin
from torch import nn
from torch.nn import functional as F
from transformers import PretrainedConfig, PreTrainedTokenizerBase

from bertsum.config import ModelConfig
from bertsum.data.batching import Batch, collate
from bertsum.data.encoding import DocumentEncoder
from bertsum.device import version_of
from bertsum.encoders.bert import Bert
from bertsum.encoders.load import (
    build_encoder,
    freeze,
    load_encoder,
    load_encoder_config,
    load_tokenizer,
)
from bertsum.encoders.low_rank import add_adapters, fold_adapters
from bertsum.encoders.packed import Layer, can_be_packed, packed_layers
from bertsum.encoders.padded import has_token_types
from bertsum.encoders.vectors import Reader
from bertsum.errors import BertsumError
from bertsum.files import write_whole
from bertsum.models.card import card_of
from bertsum.models.heads import build_head
from bertsum.models.presumm import read_presumm
from bertsum.models.scoring import score_rows
from bertsum.models.storage import (
    CARD_FILE,
    BertSumConfig,
    SavedModel,
    check_weights,
    checksum,
    fill,
    find_model,
    hub_explained,
    read_model,
    saved_checksum,
    write_model,
)

if TYPE_CHECKING:
    from bertsum.encoders.load import Encoder


class BertSum(nn.Module, ModelHubMixin):
    """Scores the sentences of documents (arXiv 1903.10318, 1908.08345).

    Attributes:
        config: What it is made of, saved with it.
        encoder: The pretrained encoder.
        head: The inter-sentence head.
        folder: Where it was read from; None for one that was made here.
        windows_at_once: How many windows of long documents the encoder reads at once; None for all of a batch.
    """

    encoder: Encoder
    folder: Path | None = None
    windows_at_once: int | None = 8
    _read: str | None = None  # the checksum of what was read from there

    def __init__(
        self,
        config: BertSumConfig,
        encoder: Encoder,
        head: nn.Module,
        tokenizer: PreTrainedTokenizerBase | None,
    ) -> None:
        super().__init__()
        self.config = config
        self.encoder = encoder
        self.head = head
        self._tokenizer = tokenizer
        hidden_size: int = encoder.config.hidden_size
        self.sentence_norm = nn.LayerNorm(hidden_size) if config.model.sentence_norm else nn.Identity()
        encoder_config: PretrainedConfig = encoder.config
        self.uses_segments = config.model.interval_segments and has_token_types(encoder)
        if config.model.attention == "packed" and not can_be_packed(encoder_config):
            raise BertsumError(f"model.attention: packed is for BERT and RoBERTa, not for {encoder_config.model_type}")
        self.packs = _packs(config.model, encoder_config)
        self._made: tuple[torch.dtype, list[tuple[int, int | None]], list[Layer]] | None = None
        self.float()  # whatever torch's default is in the program around

    @staticmethod
    def from_config(config: BertSumConfig, start_from: str | None = None) -> BertSum:
        """A model to train: pretrained encoder, fresh head (seed torch first).

        Args:
            config: What it is made of; ``BertSumConfig.of`` takes it from a run's configuration.
            start_from: A saved model whose weights it gets, as ``train.start_from``.

        Raises:
            BertsumError: if the encoder cannot be loaded, or does not fit the head or the length; if the weights do
                not fit.
        """
        with torch.inference_mode(False):  # weights made inside it could never be trained
            tokenizer = load_tokenizer(config.model.encoder)
            encoder = load_encoder(config.model, config.encoding.max_length)
            _check_vocabulary(tokenizer, encoder)
            add_adapters(encoder, config.model)
            freeze(encoder, config.model)
            model = BertSum(config, encoder, build_head(config.model, encoder.config.hidden_size), tokenizer)
            if start_from is not None:
                saved = read_model(find_model(start_from))
                saved = saved if config.model.adapters is not None else _whole(saved)[0]
                fill(model, saved.weights, f"train.start_from: '{start_from}'", config.model)
            return model

    @staticmethod
    def from_presumm(
        path: str | Path,
        encoder: str | Path | PretrainedConfig,
        *,
        tokenizer: PreTrainedTokenizerBase | None = None,
        heads: int | None = None,
    ) -> BertSum:
        """Reads a checkpoint of the authors' code, PreSumm's or BertSum's; it scores as it did there.

        The file is read without running what it says; whatever is not a tensor, a plain value, or the options and the
        optimiser of that code is refused.

        Args:
            path: A file such as ``model_step_18000.pt``.
            encoder: What it was trained from, such as bert-base-uncased: a hub name, a folder, or the configuration
                of an encoder. Its weights are those of the checkpoint.
            tokenizer: The encoder's tokenizer; needed beside a configuration, for everything but ``score`` and
                ``forward``.
            heads: Attention heads of a transformer head, where the checkpoint has no options; 8 by default.

        Raises:
            BertsumError: if the file cannot be read or asks to run something, or naming the weights that are missing
                or left over.
        """
        with torch.inference_mode(False):  # weights made inside it could never be trained
            if isinstance(encoder, PretrainedConfig):
                encoder_config, name = encoder, encoder.name_or_path or encoder.model_type
            else:
                name = str(encoder)
                encoder_config = load_encoder_config(name)
                tokenizer = tokenizer or load_tokenizer(name)
            read = read_presumm(path, name, heads)
            config = BertSumConfig(read.model, read.encoding, read.selection)
            positions = read.weights.get("encoder.embeddings.position_embeddings.weight")
            encoder_config = deepcopy(encoder_config)
            length = read.encoding.max_length
            if positions is not None:
                encoder_config.max_position_embeddings = length = len(positions)
            built = build_encoder(encoder_config, read.model, length)
            model = BertSum(config, built, build_head(read.model, built.config.hidden_size), tokenizer)
            fill(model, read.weights, f"'{path}' (encoder {name})")
            if tokenizer is not None:
                _check_vocabulary(tokenizer, built)
            return model.eval()

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """The encoder's tokenizer, saved with it.

        Raises:
            BertsumError: if the model was made without one.
        """
        if self._tokenizer is None:
            raise BertsumError("this model has no tokenizer: give from_presumm the encoder's name, or a tokenizer too")
        return self._tokenizer

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        token_type_ids: torch.Tensor,
        cls_positions: torch.Tensor,
        sentence_mask: torch.Tensor,
        layers: list[Layer] | None = None,
    ) -> torch.Tensor:
        """Scores of sentences, before the sigmoid.

        Args:
            input_ids: Tokens (B, T); documents longer than ``encoding.max_length`` are read in windows.
            attention_mask: 1 for tokens, 0 for padding (B, T).
            token_type_ids: Interval segments (B, T); not used where the encoder has no token types.
            cls_positions: Position of each sentence's [CLS] (B, S).
            sentence_mask: True for sentences, False for padding (B, S).
            layers: The encoder's :meth:`packed_layers`, made once for many calls.

        Returns:
            Logits (B, S); those of padding have no meaning.
        """
        read = self.reader(input_ids.device)
        sentences = read(input_ids, attention_mask, token_type_ids, cls_positions, sentence_mask, layers)  # (B, S, H)
        # Small beside the encoder, and rounding here would change a choice in one document of a hundred.
        with torch.autocast(sentences.device.type, enabled=False):
            return self.head(self.sentence_norm(sentences.float()), sentence_mask)

    def reader(self, device: torch.device) -> Reader:
        """How its encoder reads documents.

        Args:
            device: Where the weights are.
        """
        return Reader(
            self.encoder,
            vectors=self.config.model.sentence_vectors,
            segments=self.uses_segments,
            packs=self.packs_on(device),
            max_length=self.config.encoding.max_length,
            windows_at_once=self.windows_at_once,
        )

    @torch.inference_mode()
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
            lengths: Tokens of each document, where they are known without reading it.
            part: Number of this process and of all processes, of which each scores its share of the batches, in
                equally many passes.

        Yields:
            A document's place in ``rows`` and the logits of its sentences (S, float32, on the CPU), batch after batch.

        Raises:
            BertsumError: if memory does not suffice for a batch.
        """
        if lengths is None:
            lengths = [len(row["input_ids"]) for row in rows]
        was_training = self.training
        if was_training:
            self.eval()
        try:
            yield from score_rows(self, rows, lengths, max_tokens_per_batch, precision, part)
        finally:
            if was_training:
                self.train()

    def packs_on(self, device: torch.device) -> bool:
        """Whether documents are read without padding there: on a CPU, elsewhere if ``model.attention`` asks for it.

        Args:
            device: Where the weights are.
        """
        asked = self.config.model.attention == "packed" or isinstance(self.encoder, Bert)
        return self.packs and (device.type == "cpu" or asked)

    def attention_on(self, device: torch.device, packs: bool = True) -> str:
        """What ``model.attention`` is there: packed, or the name of transformers' implementation.

        Args:
            device: Where the weights are.
            packs: Whether it may pack, which it does not with sharded weights.
        """
        if packs and self.packs_on(device):
            return "packed"
        return str(getattr(self.encoder.config, "_attn_implementation", None) or "eager")

    def packed_layers(self, dtype: torch.dtype) -> list[Layer] | None:
        """What :meth:`forward` takes as ``layers``, made anew if weights have changed; None where it packs nothing.

        Args:
            dtype: Precision of their weights.
        """
        if not self.packs_on(next(self.parameters()).device):
            return None
        weights = [(weight.data_ptr(), version_of(weight)) for weight in self.encoder.parameters()]
        unknown = any(version is None for _, version in weights)  # whether they have changed
        if unknown or self._made is None or self._made[:2] != (dtype, weights):
            with torch.no_grad():
                self._made = (dtype, weights, packed_layers(self.encoder, dtype))
        return self._made[2]

    def train(self, mode: bool = True) -> BertSum:
        """Sets the mode, as of every module.

        Args:
            mode: Whether to train, with dropout, or to score.
        """
        if mode:  # weights are about to change, and fused optimisers do not count their changes
            self._made = None
        return super().train(mode)

    def __getstate__(self) -> dict[str, Any]:
        """Without what is made from the weights, and cannot go to another process."""
        return {**self.__dict__, "_made": None}

    def collate(self, rows: Sequence[dict[str, Any]]) -> Batch:
        """Encoded documents to a batch, padded with this encoder's padding token.

        Args:
            rows: Documents with ``input_ids`` and ``cls_positions``, and ``labels`` where they have some.
        """
        return collate(rows, self.encoder.config.pad_token_id or 0)

    def document_encoder(self) -> DocumentEncoder:
        """Turns sentences into this model's input."""
        return DocumentEncoder(self.tokenizer, self.config.encoding)

    def save_pretrained(
        self,
        save_directory: str | Path,
        *,
        state_dict: dict[str, torch.Tensor] | None = None,
        card: bool = True,
        model_card_kwargs: dict[str, Any] | None = None,
        repo_id: str | None = None,
        push_to_hub: bool = False,
        **hub: Any,
    ) -> None:
        """Writes config.json, model.safetensors, the tokenizer and, where there is no README.md, a model card.

        Args:
            save_directory: Folder, made if it is not there.
            state_dict: Weights to write instead of this object's own (gathered from several devices).
            card: Whether to write a card; a checkpoint has none, for what it would tell is not known yet.
            model_card_kwargs: Arguments of :meth:`generate_model_card`.
            repo_id: Repository to push to; by default the folder's name.
            push_to_hub: Whether to push it to the hub as well.
            hub: Arguments of :meth:`push_to_hub`.

        Raises:
            BertsumError: if the folder cannot be written, or what the card tells of cannot be read.
        """
        folder = Path(save_directory)
        write_model(folder, self.config, self.encoder, self.tokenizer, state_dict or self.state_dict())
        if card and not (folder / CARD_FILE).exists():
            write_whole(folder / CARD_FILE, str(self.generate_model_card(**(model_card_kwargs or {}))))
        if push_to_hub:
            self.push_to_hub(repo_id or folder.name, **hub)

    def generate_model_card(self, repo_id: str | None = None, license: str | None = None) -> ModelCard:
        """The model card: that of the folder it was read from, else one that tells of the checkpoint's run.

        It has the documents, the recipe, and the ROUGE that ``evaluate`` found for these very weights; nothing of all
        that when they have changed since they were read.

        Args:
            repo_id: Its id on the hub, for the lines that say how to use it.
            license: Licence of the weights, by the hub's name for it, such as apache-2.0.

        Raises:
            BertsumError: if the folder's card, or a file of the run, cannot be read.
        """
        unchanged = self.folder is not None and self._read == checksum(self.state_dict())
        return card_of(self.config, self.folder if unchanged else None, repo_id, license)

    def push_to_hub(self, repo_id: str, *, license: str | None = None, **hub: Any) -> str:
        """Makes a repository on the hub, if it is not there, and pushes the model and its card in one commit.

        Args:
            repo_id: Such as me/my-model; a name alone is one of the token's owner.
            license: Licence of the weights, by the hub's name for it, such as apache-2.0.
            hub: ``private``, ``token``, ``branch``, ``create_pr``, ``commit_message`` and what else
                ``huggingface_hub.ModelHubMixin.push_to_hub`` takes.

        Returns:
            Address of the commit.

        Raises:
            BertsumError: if the hub cannot be reached or does not take it.
        """
        with hub_explained(f"hub '{repo_id}': the model cannot be pushed"):
            # Before the card is written, for it tells the whole id.
            api = HfApi(token=hub.get("token"))
            repo_id = api.create_repo(repo_id, private=hub.get("private"), exist_ok=True).repo_id
            card = {"repo_id": repo_id, "license": license}
            address: str = super().push_to_hub(repo_id, model_card_kwargs=card, **hub)
        return address

    @classmethod
    def from_pretrained(  # type: ignore[override]
        cls,
        path: str | Path,
        *,
        revision: str | None = None,
        cache_dir: str | Path | None = None,
        local_files_only: bool = False,
        token: str | bool | None = None,
        device: str = "cpu",
        only_score: bool = False,
    ) -> BertSum:
        """Reads a model that :meth:`save_pretrained` wrote, ready to score.

        Args:
            path: A folder, the id of a hub repository, or ``bundled``: the model that comes with the package.
            revision: Branch, tag or commit of the hub repository.
            cache_dir: Where downloads are kept.
            local_files_only: Do not ask the hub.
            token: Access token of the hub.
            device: Where its weights go.
            only_score: It will not be trained or changed. BERT and RoBERTa are on a CPU then a
                :class:`~bertsum.encoders.bert.Bert` of their weights, without transformers' classes, which take seconds
                to import.

        Raises:
            BertsumError: naming the file that is missing or broken, or the weights that do not fit.
        """
        with torch.inference_mode(False):  # weights made inside it could never be trained
            try:
                torch.empty(0, device=device)
            except (RuntimeError, AssertionError) as error:
                raise BertsumError(f"device: '{device}' is not here: {str(error).splitlines()[0]}") from error
            folder = find_model(path, revision, cache_dir, local_files_only, token)
            there, where = read_model(folder), f"model '{folder}'"
            alone = (
                only_score and torch.device(device).type == "cpu" and _packs(there.config.model, there.encoder_config)
            )
            saved, encoder = _whole(there, alone)
            if encoder is None:
                with torch.device("meta"):  # without memory: a broken configuration may ask for more than there is
                    check_weights(_assemble(saved, _unfilled(saved, alone)), saved.weights, where)
                encoder = _unfilled(saved, alone)
            model = _assemble(saved, encoder)
            fill(model, saved.weights, where)
            _check_vocabulary(saved.tokenizer, model.encoder)
            model.folder = folder.resolve()  # best may come to name another
            model._read = saved_checksum(folder) if saved is there else checksum(saved.weights)
            return model.to(device).eval()


def _packs(config: ModelConfig, encoder_config: PretrainedConfig) -> bool:
    return config.attention in ("auto", "packed") and can_be_packed(encoder_config)


def _whole(saved: SavedModel, weights_alone: bool = False) -> tuple[SavedModel, Encoder | None]:
    """A saved model with its adapters, where it has some, folded into the pretrained encoder, so that it is one like
    any other; and that encoder.
    """
    model = saved.config.model
    if model.adapters is None:
        return saved, None
    encoder = load_encoder(model, saved.config.encoding.max_length, weights_alone)
    config = replace(saved.config, model=replace(model, adapters=None))
    return replace(saved, config=config, weights=fold_adapters(encoder, saved.weights)), encoder


def _unfilled(saved: SavedModel, weights_alone: bool) -> Encoder:
    """An encoder as the saved model's was, before its weights are copied in."""
    config = saved.config
    return build_encoder(deepcopy(saved.encoder_config), config.model, config.encoding.max_length, weights_alone)


def _assemble(saved: SavedModel, encoder: Encoder) -> BertSum:
    """A model as the saved one was, of this encoder and a head with random weights."""
    freeze(encoder, saved.config.model)
    head = build_head(saved.config.model, encoder.config.hidden_size)
    return BertSum(saved.config, encoder, head, saved.tokenizer)


def sentence_loss(
    logits: torch.Tensor, labels: torch.Tensor, sentence_mask: torch.Tensor, positive_weight: float = 1.0
) -> torch.Tensor:
    """Binary cross-entropy summed over the sentences of a batch.

    Args:
        logits: (B, S).
        labels: (B, S).
        sentence_mask: (B, S); padding has no part in the loss.
        positive_weight: Weight of sentences labelled 1.

    Returns:
        The sum, a scalar.
    """
    weight = torch.tensor(positive_weight, dtype=torch.float32, device=logits.device)
    losses = F.binary_cross_entropy_with_logits(logits.float(), labels, reduction="none", pos_weight=weight)
    return torch.where(sentence_mask, losses, 0.0).sum()


def _check_vocabulary(tokenizer: PreTrainedTokenizerBase, encoder: Encoder) -> None:
    embeddings: torch.Tensor = encoder.get_input_embeddings().weight  # type: ignore[assignment]
    if len(tokenizer) > len(embeddings):
        raise BertsumError(
            f"model.encoder: its tokenizer has {len(tokenizer)} tokens, the encoder embeddings for "
            f"{len(embeddings)}; expected those of one model"
        )
