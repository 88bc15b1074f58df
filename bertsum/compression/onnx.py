"""A trained model as an ONNX file, for other languages and runtimes."""

from __future__ import annotations

import contextlib
import copy
import importlib
import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from bertsum.data.batching import Batch
from bertsum.encoders.bert import Bert
from bertsum.encoders.padded import Reading
from bertsum.errors import BertsumError
from bertsum.files import whole_folder
from bertsum.models.base import Model
from bertsum.models.extractive import BertSum
from bertsum.models.storage import write_model

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

# Largest difference allowed between scores of the exported model and of the original.
TOLERANCE = 1e-3


def export_onnx(model: Model, folder: str | Path) -> None:
    """Writes ``model.onnx`` beside the files of :meth:`BertSum.save_pretrained` (the tokenizer and the settings).

    The exported model takes the inputs of :meth:`BertSum.forward`, for any number of documents, tokens and sentences,
    and gives ``logits`` (B, S). They are compared with the original model's. A query is part of these inputs, as
    :meth:`~bertsum.data.encoding.DocumentEncoder.encode` makes them.

    Args:
        model: An extractive model with a linear or a transformer head.
        folder: A new folder.

    Raises:
        BertsumError: if the model is of another kind, the extra is not installed, the folder exists, the head is an
            LSTM, the encoder reads documents one by one, the model was read only to score, or scores differ.
    """
    if not isinstance(model, BertSum):
        raise BertsumError(f"export: model.kind: got {model.kind}, but only extractive models can be exported so far")
    try:
        importlib.import_module("onnx")  # torch's exporter needs these two
        importlib.import_module("onnxscript")
        from onnxruntime import InferenceSession as Session
    except ImportError as error:
        raise BertsumError(f"export: {error.name} is not installed (pip install 'bertsum[onnx]')") from error
    folder = Path(folder)
    if folder.exists():
        raise BertsumError(f"export: '{folder}' exists, expected the name of a new folder")
    if model.config.model.head == "lstm":
        raise BertsumError("export: model.head: got lstm, whose steps depend on the document; expected another head")
    if Reading.of(model.encoder.config).one_by_one:
        raise BertsumError(
            f"export: encoder type {model.encoder.config.model_type} reads documents one by one, expected another"
        )
    plain = copy.deepcopy(model).cpu().eval()
    if isinstance(plain.encoder, Bert):
        raise BertsumError("export: the model was read to score only, expected one that BertSum.from_pretrained read")
    plain.reader.packs = False
    plain.encoder.set_attn_implementation("eager")
    inputs = _documents(plain, [[5, 3], [4, 6, 3]]).inputs()
    names, most = ("documents", "tokens", "sentences"), {"tokens": model.config.encoding.max_length}
    documents, tokens, sentences = (torch.export.Dim(name, max=most.get(name)) for name in names)
    shapes = {
        name: {0: documents, 1: sentences if name in ("cls_positions", "sentence_mask") else tokens} for name in inputs
    }
    with whole_folder(folder) as unfinished:
        tokenizers = (model.tokenizer, None)
        write_model(unfinished, model.config, model.sections, model.encoder, tokenizers, model.state_dict())
        file = unfinished / "model.onnx"
        with _quiet(), torch.no_grad():
            torch.onnx.export(
                plain,
                (),
                file,
                kwargs=inputs,
                input_names=list(inputs),
                output_names=["logits"],
                dynamic_shapes=shapes,
                external_data=False,
                dynamo=True,
            )
        _check_scores(plain, Session(file, providers=["CPUExecutionProvider"]))


def _check_scores(model: BertSum, session: InferenceSession) -> None:
    """Compares the scores of the exported and the original model.

    Raises:
        BertsumError: if they differ by more than ``TOLERANCE``.
    """
    batch = _documents(model, [[9], [3, 4, 30, 7, 5], [20, 11]], queries=(0, 6, 0))
    expected = model(**batch.inputs()).detach().numpy()
    exported = session.run(["logits"], {name: tensor.numpy() for name, tensor in batch.inputs().items()})[0]
    difference = float(np.abs(expected - exported)[batch.sentence_mask.numpy()].max())
    if not difference <= TOLERANCE:
        raise BertsumError(f"export: scores differ by {difference:.2g}, expected at most {TOLERANCE}")


def _documents(model: BertSum, documents: list[list[int]], queries: Sequence[int] = ()) -> Batch:
    """A batch of made-up documents, from the lengths of their sentences and queries; it has no special tokens."""
    size = model.encoder.config.vocab_size
    rows = []
    for number, lengths in enumerate(documents):
        query = queries[number] if queries else 0
        positions = [query + sum(lengths[:place]) for place in range(len(lengths))]
        ids = [(7 * number + 3 * place) % (size // 2) + size // 2 for place in range(query + sum(lengths))]
        rows.append({"input_ids": ids, "cls_positions": positions})
    return model.collate(rows)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silences the exporter, which prints progress and warnings."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
