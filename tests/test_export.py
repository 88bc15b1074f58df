"""The ONNX file scores as the model does, also on documents of other sizes."""

from __future__ import annotations

import pytest
import torch
from conftest import SHAPE, save_encoder
from models import build, rows_of
from test_model import DOCUMENTS

from bertsum.compression.onnx import export_onnx
from bertsum.errors import BertsumError
from bertsum.models.extractive import BertSum

onnxruntime = pytest.importorskip("onnxruntime")


@pytest.mark.long
@pytest.mark.parametrize(
    ("head", "vectors"), [pytest.param("transformer", "cls", marks=pytest.mark.slow), ("linear", "mean")]
)
def test_scores_are_the_model_s(tokenizer, tmp_path, head, vectors) -> None:
    means = vectors == "mean"
    one_layer = save_encoder(tmp_path / "encoder", tokenizer, "bert", **{**SHAPE, "num_hidden_layers": 1})
    model = build(
        one_layer, head=head, sentence_vectors=vectors, sentence_norm=means, query_product=means, answer_spans=means
    )
    if model.query_product is not None:
        torch.nn.init.normal_(model.query_product.weight, std=0.3)
        torch.nn.init.normal_(model.span_output.weight, std=0.3)
    export_onnx(model, tmp_path / "out")
    assert model.reader.packs
    session = onnxruntime.InferenceSession(tmp_path / "out" / "model.onnx")
    again = BertSum.from_pretrained(tmp_path / "out")
    asked = [vars(again.document_encoder().encode(document, "What rain?")) for document in DOCUMENTS]
    for rows in (rows_of(again, DOCUMENTS), rows_of(again, DOCUMENTS[:1]), asked):
        batch = again.collate(rows, packed=False)
        logits = session.run(["logits"], {name: tensor.numpy() for name, tensor in batch.inputs().items()})[0]
        expected = model(**batch.inputs())[batch.sentence_mask]
        assert torch.allclose(torch.tensor(logits)[batch.sentence_mask], expected, atol=1e-3)


def test_what_cannot_be_exported(encoder_folder, tmp_path) -> None:
    with pytest.raises(BertsumError, match="lstm"):
        export_onnx(build(encoder_folder, head="lstm"), tmp_path / "out")
    with pytest.raises(BertsumError, match="exists"):
        export_onnx(build(encoder_folder), tmp_path)
    assert list(tmp_path.iterdir()) == []
