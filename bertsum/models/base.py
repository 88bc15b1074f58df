"""The base class of all models: the methods that training and evaluation call; making, saving, reading and pushing.

Training and evaluation only use ``collate``, ``forward``, ``loss`` and ``predict``. A new kind needs a subclass of
``Model`` in a module of this folder named after it, a class in :mod:`bertsum.data.rows`, and a word in ``model.kind``.
"""

from __future__ import annotations

import contextlib
import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from huggingface_hub import HfApi, ModelCard, ModelHubMixin
from torch import nn
from transformers import PreTrainedTokenizerBase

from bertsum.config import Config
from bertsum.data.vocabulary import learned_source
from bertsum.encoders.int8 import is_rounded, to_train
from bertsum.encoders.load import (
    SCRATCH,
    build_encoder,
    check_vocabulary,
    freeze,
    load_encoder,
    load_tokenizer,
    scratch_encoder,
)
from bertsum.encoders.low_rank import add_adapters
from bertsum.encoders.tensors import checksum
from bertsum.encoders.vectors import Reader, can_read_packed
from bertsum.errors import BertsumError
from bertsum.files import write_whole
from bertsum.models.card import card_of
from bertsum.models.contract import Batch, Prediction, PredictOptions
from bertsum.models.scoring import Scored, score_rows
from bertsum.models.start import folded, start_model
from bertsum.models.storage import (
    CARD_FILE,
    SavedConfig,
    SavedModel,
    check_weights,
    find_model,
    hub_explained,
    load_weights,
    read_model,
    saved_checksum,
    write_model,
)

if TYPE_CHECKING:
    from typing_extensions import Self

    from bertsum.encoders.load import Encoder

# Classes by ``model.kind``. A class is here once its module is imported.
MODELS: dict[str, type[Model]] = {}


def model_class(kind: str) -> type[Model]:
    """The class of a kind of model."""
    importlib.import_module(f"bertsum.models.{kind}")
    return MODELS[kind]


class Model(nn.Module, ModelHubMixin, ABC):
    """A pretrained encoder and the layers on top of it.

    Attributes:
        kind: The value of ``model.kind``.
        writes: Whether it writes new sentences; else it chooses sentences of the document.
        summarizes: Whether it makes summaries at all.
        epoch: Number of the present pass over the training documents.
        sections: The parts of the configuration that this kind reads; they are saved with it.
        optional: Names of weights that begin without effect: a model to start from may lack them.
        config: The model's configuration, saved with it.
        encoder: The pretrained encoder.
        reader: How the encoder reads documents.
        target_tokenizer: The tokenizer of the texts that the model writes, if it is not the encoder's.
        folder: Folder that the model was read from; None if it was made here.
    """

    kind: ClassVar[str]
    writes: ClassVar[bool] = False
    summarizes: ClassVar[bool] = True
    epoch: int = 0
    sections: ClassVar[tuple[str, ...]] = ("model", "encoding", "selection", "language")
    optional: ClassVar[tuple[str, ...]] = ()
    encoder: Encoder
    folder: Path | None = None
    _read: str | None = None  # checksum of the weights that were read from ``folder``

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "kind" in cls.__dict__:  # a subclass with the kind of its parent is not found by kind
            MODELS[cls.kind] = cls

    def __init__(
        self,
        config: SavedConfig,
        encoder: Encoder,
        tokenizer: PreTrainedTokenizerBase | None,
        target_tokenizer: PreTrainedTokenizerBase | None = None,
    ) -> None:
        super().__init__()
        self.config = config
        self.encoder = encoder
        self.reader = Reader(encoder, config.model)
        self._tokenizer = tokenizer
        self.target_tokenizer = target_tokenizer

    # ---- the contract

    @classmethod
    def build(
        cls,
        config: SavedConfig,
        encoder: Encoder,
        tokenizer: PreTrainedTokenizerBase | None,
        target_tokenizer: PreTrainedTokenizerBase | None = None,
    ) -> Self:
        """A model with this encoder; all other weights are random."""
        return cls(config, encoder, tokenizer, target_tokenizer)

    @abstractmethod
    def collate(self, rows: Sequence[dict[str, Any]]) -> Batch:
        """Makes a batch from rows of this kind (:mod:`bertsum.data.rows`)."""

    @abstractmethod
    def forward(self, *args: Any, **inputs: Any) -> Any:
        """Outputs for the ``inputs()`` of a batch."""

    @abstractmethod
    def loss(self, outputs: Any, batch: Any) -> torch.Tensor:
        """The loss of outputs of the forward pass, summed over the batch's units (a scalar)."""

    @abstractmethod
    def predict(self, rows: Sequence[dict[str, Any]], options: PredictOptions) -> Iterator[Prediction]:
        """A prediction for each row, in any order; with ``options.part``, only for the rows of this process."""

    def outputs(
        self,
        rows: Sequence[dict[str, Any]],
        options: PredictOptions,
        read: Callable[[Any], Sequence[Any]] | None = None,
    ) -> Iterator[Scored]:
        """Runs the forward pass on many rows, batched by length, in evaluation mode.

        Args:
            rows: Rows for ``collate``.
            options: How they are read.
            read: A function that makes an output for each row of a batch. By default it is the forward pass, with
                outputs in float32 on the CPU.

        Raises:
            BertsumError: if memory does not suffice for a batch.
        """
        with self.evaluating():
            yield from score_rows(
                self, rows, options.lengths, options.max_tokens_per_batch, options.precision, options.part, read
            )

    @contextlib.contextmanager
    def evaluating(self) -> Iterator[None]:
        """Keeps the model in evaluation mode while the block runs."""
        was_training = self.training
        if was_training:
            self.eval()
        try:
            yield
        finally:
            if was_training:
                self.train()

    # ---- making a model

    @classmethod
    def from_config(
        cls,
        config: SavedConfig,
        start_from: str | None = None,
        tokenizer: PreTrainedTokenizerBase | None = None,
        target_tokenizer: PreTrainedTokenizerBase | None = None,
    ) -> Self:
        """A model to train: a pretrained encoder; all other weights are random (seed torch first).

        Args:
            config: The model's configuration; ``SavedConfig.of`` takes it from a run's configuration.
            start_from: A saved model to copy weights from, as ``train.start_from``.
            tokenizer: The encoder's tokenizer; by default it is loaded. An encoder from scratch needs one.
            target_tokenizer: The tokenizer of the texts to write, if it is not the encoder's.

        Raises:
            BertsumError: if the encoder cannot be loaded, does not fit the other parts or the length, or the weights do
                not fit.
        """
        with torch.inference_mode(False):  # weights made inside it could never be trained
            tokenizer = tokenizer or load_tokenizer(config.model.encoder)
            if config.model.encoder == SCRATCH:
                encoder: Encoder = scratch_encoder(config.model, tokenizer, config.encoding.max_length)
            else:
                encoder = load_encoder(config.model, config.encoding.max_length)
            check_vocabulary(tokenizer, encoder)
            add_adapters(encoder, config.model)
            freeze(encoder, config.model)
            model = cls.build(config, encoder, tokenizer, target_tokenizer)
            model.initialize()
            if start_from is not None:
                start_model(model, start_from, config.model, cls.optional)
            return model

    @classmethod
    def for_training(cls, config: Config) -> Self:
        """The model of a run."""
        return cls.from_config(SavedConfig.of(config), config.train.start_from, *cls.load_tokenizers(config))

    @classmethod
    def load_tokenizers(cls, config: Config) -> tuple[PreTrainedTokenizerBase, PreTrainedTokenizerBase | None]:
        """The encoder's tokenizer, and that of the texts that this kind of model writes, if it has another one.

        Args:
            config: The run's configuration; an encoder from scratch has a tokenizer that is learned from the training
                documents.

        Raises:
            BertsumError: if one cannot be loaded or learned.
        """
        if config.model.encoder == SCRATCH:
            return learned_source(config), None
        return load_tokenizer(config.model.encoder), None

    def initialize(self) -> None:
        """Gives a new model first weights that are neither random nor the pretrained encoder's; by default none."""

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """The encoder's tokenizer, saved with it.

        Raises:
            BertsumError: if the model was made without one.
        """
        if self._tokenizer is None:
            raise BertsumError("this model has no tokenizer: give from_presumm the encoder's name, or a tokenizer too")
        return self._tokenizer

    def train(self, mode: bool = True) -> Self:
        """Sets training mode, with dropout, or evaluation mode. Once in training mode, a model is saved whole."""
        if mode:
            self.reader.forget_layers()
            to_train(self.encoder)  # training changes less than eight bits, or a file of changes, can hold
        return super().train(mode)

    # ---- saving and reading

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
            save_directory: Folder; created if missing.
            state_dict: Weights to write instead of the model's (gathered from several devices).
            card: Whether to write a card. Checkpoints have none, because their results are not known yet.
            model_card_kwargs: Arguments of :meth:`generate_model_card`.
            repo_id: Repository to push to; by default the folder's name.
            push_to_hub: Whether to push it to the hub as well.
            hub: Arguments of :meth:`push_to_hub`.

        Raises:
            BertsumError: if the folder cannot be written, or a file that the card describes cannot be read.
        """
        if push_to_hub and state_dict is not None:
            raise BertsumError("save_pretrained: state_dict and push_to_hub: both are given, expected one of them")
        folder = Path(save_directory)
        tokenizers, weights = (self.tokenizer, self.target_tokenizer), state_dict or self.state_dict()
        write_model(folder, self.config, self.sections, self.encoder, tokenizers, weights)
        if card and not (folder / CARD_FILE).exists():
            write_whole(folder / CARD_FILE, str(self.generate_model_card(**(model_card_kwargs or {}))))
        if push_to_hub:
            self.push_to_hub(repo_id or folder.name, **hub)

    @classmethod
    def from_pretrained(
        cls,
        path: str | Path,
        *,
        revision: str | None = None,
        cache_dir: str | Path | None = None,
        local_files_only: bool = False,
        token: str | bool | None = None,
        device: str = "cpu",
        only_score: bool = False,
    ) -> Self:
        """Reads a model that :meth:`save_pretrained` wrote, ready to predict.

        Args:
            path: A folder, the id of a hub repository, or ``bundled`` or ``small``: the models of the package.
            revision: Branch, tag or commit of the hub repository.
            cache_dir: Where downloads are kept.
            local_files_only: Do not ask the hub.
            token: Access token of the hub.
            device: Device for the weights.
            only_score: The model will not be trained or changed. On a CPU, BERT and RoBERTa are then loaded as a
                :class:`~bertsum.encoders.bert.Bert`, without transformers' classes, which take seconds to import.

        Raises:
            BertsumError: if a file, named in the message, is missing, broken or of another kind, or weights do not fit.
        """
        with torch.inference_mode(False):  # weights made inside it could never be trained
            try:
                torch.empty(0, device=device)
            except (RuntimeError, AssertionError) as error:
                raise BertsumError(f"device: '{device}' is not here: {str(error).splitlines()[0]}") from error
            # the link "best" may change while the model is read
            folder = find_model(path, revision, cache_dir, local_files_only, token).resolve()
            saved, where = read_model(folder), f"model '{folder}'"
            model = cls._of_saved(saved, where, only_score and torch.device(device).type == "cpu")
            model.folder = folder
            changed = saved.config.model.adapters is not None or is_rounded(saved.encoder_config)
            model._read = checksum(model.state_dict()) if changed else saved_checksum(folder)
            return model.to(device).eval()

    @classmethod
    def _of_saved(cls, there: SavedModel, where: str, only_score: bool) -> Self:
        kind = model_class(there.config.model.kind)
        if not issubclass(kind, cls):
            expected = f"model.kind {cls.kind}" if hasattr(cls, "kind") else "another model"
            if not issubclass(cls, kind):
                raise BertsumError(
                    f"{where}: is of model.kind {kind.kind}, expected {expected}; read it with bertsum.{kind.__name__}"
                )
            kind = cls
        alone = only_score and can_read_packed(there.config.model, there.encoder_config)
        saved, encoder = folded(there, alone)
        config, length = saved.config, saved.config.encoding.max_length

        def unfilled() -> Encoder:
            return build_encoder(deepcopy(saved.encoder_config), config.model, length, alone)

        if encoder is None:
            with torch.device("meta"):  # takes no memory: a broken configuration may ask for too much
                built = kind.build(config, unfilled(), saved.tokenizer, saved.target_tokenizer)
                check_weights(built, saved.weights, where)
            encoder = unfilled()
        freeze(encoder, config.model)
        model = kind.build(config, encoder, saved.tokenizer, saved.target_tokenizer)
        load_weights(model, saved.weights, where)
        check_vocabulary(saved.tokenizer, model.encoder)
        return model

    def generate_model_card(self, repo_id: str | None = None, license: str | None = None) -> ModelCard:
        """The model card: the one in the folder the model was read from, else a new one about the checkpoint's run.

        A new card has the documents, the recipe, and the ROUGE that ``evaluate`` measured for these weights. If the
        weights have changed since they were read, it has none of that.

        Args:
            repo_id: The model's id on the hub, for the usage lines.
            license: Licence of the weights, by the hub's name for it, such as apache-2.0.

        Raises:
            BertsumError: if the folder's card, or a file of the run, cannot be read.
        """
        unchanged = self.folder is not None and self._read == checksum(self.state_dict())
        folder = self.folder if unchanged else None
        return card_of(self.config, folder, repo_id, license, self.sections, self.encoder.config)

    def push_to_hub(self, repo_id: str, *, license: str | None = None, **hub: Any) -> str:
        """Creates the repository on the hub if needed, and pushes the model and its card in one commit.

        Args:
            repo_id: Such as me/my-model; a name alone belongs to the token's owner.
            license: Licence of the weights, by the hub's name for it, such as apache-2.0.
            hub: ``private``, ``token``, ``branch``, ``create_pr`` and other arguments of ``ModelHubMixin.push_to_hub``.

        Returns:
            Address of the commit.

        Raises:
            BertsumError: if the hub cannot be reached or refuses the model.
        """
        with hub_explained(f"hub '{repo_id}': the model cannot be pushed"):
            # Made before the card, because the card names the full id.
            api = HfApi(token=hub.get("token"))
            repo_id = api.create_repo(repo_id, private=hub.get("private"), exist_ok=True).repo_id
            card = {"repo_id": repo_id, "license": license}
            return str(super().push_to_hub(repo_id, model_card_kwargs=card, **hub))
