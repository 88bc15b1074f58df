"""Abstractive checkpoints of the authors' code give the authors' log-probabilities, losses and words."""

from __future__ import annotations

import pytest
import torch
from conftest import needs_shared
from golden_abs import VARIANTS, authors_weights, golden, read

from bertsum.models.losses import token_losses
from bertsum.models.seq2seq import BertSumAbs

pytestmark = needs_shared


@pytest.fixture(scope="module", params=VARIANTS)
def variant(request, tmp_path_factory) -> tuple[str, BertSumAbs]:
    return request.param, read(request.param, tmp_path_factory.mktemp("checkpoints"))


def padded(lists: list[list[int]]) -> torch.Tensor:
    longest = max(map(len, lists))
    return torch.tensor([[*one, *[0] * (longest - len(one))] for one in lists])


def inputs(documents: list[dict]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    ids = padded([document["src"] for document in documents])
    return ids, (ids != 0).long(), padded([document["segs"] for document in documents])


def test_teacher_forcing(variant) -> None:
    name, model = variant
    documents, expected = golden(name)["docs"], golden(name)["teacher_forcing"]
    for how, groups in (("alone", [[document] for document in documents]), ("batched", [documents])):
        wanted = iter(expected[how])
        totals = iter(expected["alone_total"] if how == "alone" else [expected["batched_total"]])
        for group in groups:
            targets = padded([document["tgt"] for document in group])
            with torch.inference_mode():
                found = model(*inputs(group), targets)
            assert found.shape == (len(group), targets.shape[1] - 1, 200)
            for row, document in enumerate(group):
                count, one = len(document["tgt"]) - 1, next(wanted)
                target = found[row, torch.arange(count), torch.tensor(document["tgt"][1:])]
                assert target.tolist() == pytest.approx(one["target_logp"], abs=1e-5)
                values, _ = found[row, :count].topk(5)
                assert values.flatten().tolist() == pytest.approx(
                    [value for five in one["top5_logp"] for value in five], abs=1e-5
                )
            real = targets[:, 1:] != 0
            total = next(totals)
            for smoothing, figure in ((0.0, "nll"), (0.1, "label_smoothed")):
                losses = token_losses(found[real], targets[:, 1:][real], 0, smoothing)
                assert losses.sum().item() == pytest.approx(total[figure], abs=1e-4)


def test_beam_search(variant) -> None:
    name, model = variant
    documents = golden(name)["docs"]
    compared = 0
    for case in golden(name)["beam"]:
        options = dict(case["config"])
        options["length_penalty"] = options.pop("alpha")
        options["trigram_blocking"] = options.pop("block_trigram")
        batched = model.generate(*inputs(documents), search="presumm", **options)
        for number, document in enumerate(documents):
            expected = case["alone"][number]
            if not expected["decisive"]:
                continue
            compared += 1
            (alone,) = model.generate(*inputs([document]), search="presumm", **options)
            for found in (alone, batched[number]):
                assert found.ids == expected["ids"], (name, case["config"], number)
                assert found.score == pytest.approx(expected["score"], abs=5e-5)
    assert compared >= 5


@pytest.mark.parametrize("name", ["abs", "frozen", "baseline"])
def test_first_weights(name, tmp_path) -> None:
    """A new decoder's weights have the mean and spread of the authors' (for a sample of its size)."""
    model = read(name, tmp_path)
    start = golden(name)["start"]
    torch.manual_seed(0)
    new = BertSumAbs.build(model.config, model.encoder, model.tokenizer)
    copied = start["decoder_embedding_equals_encoder_word_embedding_at_start"]
    if copied:
        new.initialize()
        assert torch.equal(new.decoder.embeddings.weight, new.encoder.get_input_embeddings().weight)
    for theirs, weight in authors_weights(new).items():
        if theirs.startswith("bert.") or (copied and "embeddings" in theirs):
            continue
        mean, spread = start["init_mean_std"][theirs]
        few = 4 / weight.numel() ** 0.5
        assert weight.mean().item() == pytest.approx(mean, abs=max(1.5 * few * spread, 1e-9)), theirs
        assert weight.std(correction=0).item() == pytest.approx(spread, rel=few + 0.03, abs=1e-9), theirs
