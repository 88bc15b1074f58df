"""The decoder is that of the paper: its packed pass, gradients, steps and dropout against slow and obvious code."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
import torch
from conftest import SHAPE
from transformers import AutoConfig, AutoModel

from bertsum.config import DecoderConfig, EncodingConfig, ModelConfig
from bertsum.encoders import packed
from bertsum.models.decoder import Decoder
from bertsum.models.seq2seq import BertSumAbs
from bertsum.models.storage import SavedConfig

SIZE, HEADS, VOCABULARY = 12, 3, 30
LENGTHS = {"short": [5, 9, 1, 64], "long": [5, 9, 1, 65]}  # of sources; the first are read side by side


def make(layers: int = 2, dropout: float = 0.0, kind: torch.dtype = torch.float64) -> Decoder:
    """A decoder whose weights are far from zero, or a mistake would not be seen."""
    torch.manual_seed(0)
    decoder = Decoder(DecoderConfig(layers, HEADS, 20, dropout), SIZE, VOCABULARY).to(kind).eval()
    for parameter in decoder.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    return decoder


def documents(lengths: Sequence[int]) -> tuple[torch.Tensor, list[list[int]]]:
    """Packed source vectors, and a target for each."""
    generator = torch.Generator().manual_seed(1)
    memory = torch.randn(sum(lengths), SIZE, generator=generator, dtype=torch.float64)
    counts = [3, 7, 2, 5][: len(lengths)]
    return memory, [[1, *torch.randint(3, VOCABULARY, (n - 1,), generator=generator).tolist()] for n in counts]


def padded(targets: Sequence[Sequence[int]]) -> torch.Tensor:
    longest = max(map(len, targets))
    return torch.tensor([[*target, *[0] * (longest - len(target))] for target in targets])


def run(decoder: Decoder, memory: torch.Tensor, lengths: Sequence[int], targets: list[list[int]]) -> torch.Tensor:
    found: torch.Tensor = decoder(padded(targets), [len(target) for target in targets], memory, lengths)
    return found


# ---- the paper's equations, one document at a time


def norm(vectors: torch.Tensor, module: torch.nn.LayerNorm) -> torch.Tensor:
    centred = vectors - vectors.mean(dim=-1, keepdim=True)
    variance = (centred**2).mean(dim=-1, keepdim=True)
    return centred / (variance + 1e-6).sqrt() * module.weight + module.bias


def attention(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, causal: bool) -> torch.Tensor:
    size, contexts = SIZE // HEADS, []
    for head in range(HEADS):
        part = slice(head * size, (head + 1) * size)
        scores = query[:, part] @ key[:, part].T / math.sqrt(size)
        if causal:
            later = torch.arange(len(key)) > torch.arange(len(query))[:, None]
            scores = scores.masked_fill(later, float("-inf"))
        exponents = (scores - scores.max(dim=1, keepdim=True).values).exp()
        contexts.append(exponents / exponents.sum(dim=1, keepdim=True) @ value[:, part])
    return torch.cat(contexts, dim=1)


def reference(decoder: Decoder, source: torch.Tensor, target: Sequence[int]) -> torch.Tensor:
    """Log-probabilities of the token after each token of a target but the last."""
    ids = torch.tensor(target[:-1])
    places = torch.tensor(
        [
            [(math.sin, math.cos)[n % 2](place / 10_000 ** (n // 2 * 2 / SIZE)) for n in range(SIZE)]
            for place in range(len(ids))
        ],
        dtype=torch.float64,
    )
    x = decoder.embeddings.weight[ids] * math.sqrt(SIZE) + places
    for layer in decoder.layers:
        own, context = layer.self_attention, layer.context_attention
        query, key, value = own.query_key_value(norm(x, layer.self_norm)).chunk(3, dim=1)
        a = x + own.output(attention(query, key, value, causal=True))
        key, value = context.key_value(source).chunk(2, dim=1)
        c = a + context.output(attention(context.query(norm(a, layer.context_norm)), key, value, causal=False))
        inner = layer.feedforward_input(norm(c, layer.feedforward_norm))
        gelu = 0.5 * inner * (1 + torch.tanh(math.sqrt(2 / math.pi) * (inner + 0.044715 * inner**3)))
        x = c + layer.feedforward_output(gelu)
    logits = norm(x, decoder.norm) @ decoder.embeddings.weight.T + decoder.generator_bias
    return logits - logits.exp().sum(dim=1, keepdim=True).log()


def outcome(
    decoder: Decoder, found: torch.Tensor, memory: torch.Tensor
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Values, and the gradients of a sum of them with weights of all kinds."""
    weights = torch.randn(found.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    named = {**dict(decoder.named_parameters()), "memory": memory}
    gradients = torch.autograd.grad((found * weights).sum(), list(named.values()))
    return found.detach(), dict(zip(named, gradients, strict=True))


def assert_close(
    one: tuple[torch.Tensor, dict[str, torch.Tensor]], other: tuple[torch.Tensor, dict[str, torch.Tensor]]
) -> None:
    assert torch.allclose(one[0].double(), other[0].double(), atol=1e-5, rtol=0)
    for name, gradient in one[1].items():
        scale = max(1.0, float(other[1][name].abs().max()))
        assert float((gradient - other[1][name]).abs().max()) < 1e-5 * scale, name


@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)
def test_the_packed_pass_is_the_papers(lengths) -> None:
    decoder, (memory, targets) = make(), documents(lengths)
    memory.requires_grad_()
    sources = memory.split(lengths)
    expected = torch.cat([reference(decoder, *pair) for pair in zip(sources, targets, strict=True)])
    assert expected.shape == (sum(map(len, targets)) - len(targets), VOCABULARY)
    assert_close(outcome(decoder, run(decoder, memory, lengths, targets), memory), outcome(decoder, expected, memory))
    alone = [run(decoder, source, [len(source)], [target]) for source, target in zip(sources, targets, strict=True)]
    assert torch.allclose(torch.cat(alone).double(), expected, atol=1e-5, rtol=0)


def test_all_ways_of_attention_agree(monkeypatch) -> None:
    """Short documents side by side, long ones one by one and in pieces, and what a GPU takes."""
    lengths = LENGTHS["short"]
    decoder, (memory, targets) = make(), documents(lengths)
    memory.requires_grad_()
    expected = outcome(decoder, run(decoder, memory, lengths, targets), memory)
    monkeypatch.setattr(packed, "_SHORT", 0)
    assert_close(outcome(decoder, run(decoder, memory, lengths, targets), memory), expected)
    monkeypatch.setattr(packed, "_PAIRS_AT_ONCE", 20)
    assert_close(outcome(decoder, run(decoder, memory, lengths, targets), memory), expected)
    monkeypatch.setattr("bertsum.models.decoder.attend", packed.attend_jagged)
    assert_close(outcome(decoder, run(decoder, memory, lengths, targets), memory), expected)


def test_a_token_knows_nothing_of_what_follows() -> None:
    decoder, (memory, targets) = make(), documents([5, 9])
    before = run(decoder, memory, [5, 9], targets)
    targets[1][4:] = [3, 4, 5]
    after = run(decoder, memory, [5, 9], targets)
    assert torch.equal(before[:6], after[:6])  # of the first target 2 tokens, of the second 4
    assert not torch.allclose(before[6:], after[6:])


@pytest.mark.parametrize("hypotheses", [1, 3])
def test_step_by_step(hypotheses) -> None:
    """With kept keys and values, and with hypotheses and documents that change places on the way."""
    lengths = [5, 9, 2]
    decoder, (memory, _) = make(), documents(lengths)
    sources = memory.split(lengths)
    mask = torch.arange(9) < torch.tensor(lengths)[:, None]
    side_by_side = torch.full((3, 9, SIZE), 7.0, dtype=torch.float64)
    side_by_side[mask] = memory
    generator = torch.Generator().manual_seed(3)
    state = decoder.begin(side_by_side, mask)
    texts = [[[1] for _ in range(hypotheses)] for _ in lengths]
    for step in range(6):
        with torch.no_grad():
            found = decoder.step(torch.tensor([[text[-1] for text in own] for own in texts]), state)
        for source, own, values in zip(sources, texts, found, strict=True):
            for text, value in zip(own, values, strict=True):
                assert torch.allclose(value.double(), reference(decoder, source, [*text, 0])[-1], atol=1e-5, rtol=0)
        kept = torch.tensor([0, 2] if step == 2 else range(len(texts)))
        parents = torch.randint(hypotheses, (len(kept), hypotheses), generator=generator)
        state.select(kept, parents)
        sources = [sources[place] for place in kept]
        new = torch.randint(3, VOCABULARY, parents.shape, generator=generator).tolist()
        texts = [
            [[*texts[place][parent], token] for parent, token in zip(own, tokens, strict=True)]
            for place, own, tokens in zip(kept.tolist(), parents.tolist(), new, strict=True)
        ]


def model_of(attention: str = "auto") -> BertSumAbs:
    torch.manual_seed(0)
    settings = AutoConfig.for_model("bert", vocab_size=VOCABULARY, max_position_embeddings=80, **SHAPE)
    encoder = AutoModel.from_config(settings)
    config = SavedConfig(
        ModelConfig(attention=attention), EncodingConfig(), decoder=DecoderConfig(layers=1, heads=4, feedforward=20)
    )
    return BertSumAbs.build(config, encoder, None).eval()


@pytest.mark.parametrize("attention", ["auto", "eager"])
def test_padded_documents_are_packed_ones(attention) -> None:
    model = model_of(attention)
    _, targets = documents([1, 1, 1, 1])
    rows = [
        {"input_ids": list(range(5, 5 + n)), "cls_positions": [0], "target_ids": target}
        for n, target in zip([4, 11, 2, 9], targets, strict=True)
    ]
    batch = model.collate(rows)
    assert (batch.lengths is not None) is (attention == "auto")
    found = model(**batch.inputs())
    assert len(found) == batch.units == len(batch.predicted)
    ids = padded([row["input_ids"] for row in rows])
    side_by_side = model(ids, (ids != 0).long(), target_ids=padded(targets))
    mask = padded(targets)[:, 1:] != 0
    assert torch.allclose(side_by_side[mask], found, atol=1e-5)
    assert side_by_side[~mask].abs().max() == 0
    assert torch.allclose(model(ids, target_ids=padded(targets))[mask], found, atol=1e-5)  # 0 is padding


def test_dropout_is_where_it_should_be() -> None:
    decoder, (memory, targets) = make(1, dropout=0.25, kind=torch.float32), documents([5, 70])
    memory = memory.float()
    seen: dict[str, torch.Tensor] = {}

    def noted(name: str):
        return lambda _, inputs, __: seen.update({name: inputs[0].detach()})

    decoder.layers[0].register_forward_hook(noted("embedded"))
    decoder.layers[0].feedforward_output.register_forward_hook(noted("inner"))
    fixed = run(decoder, memory, [5, 70], targets)
    assert torch.equal(fixed, run(decoder, memory, [5, 70], targets))
    whole = dict(seen)
    decoder.train()
    shares: dict[str, list[torch.Tensor]] = {name: [] for name in seen}
    for seed in range(300):
        torch.manual_seed(seed)
        run(decoder, memory, [5, 70], targets)
        for name, share in shares.items():
            share.append((seen[name] == 0).float().mean())
        kept = seen["embedded"] != 0
        assert torch.allclose(seen["embedded"][kept], whole["embedded"][kept] / 0.75)
    for name, share in shares.items():
        assert torch.stack(share).mean().item() == pytest.approx(0.25, abs=0.02), name
    one = run(decoder, memory, [5, 70], targets)
    assert not torch.allclose(one, run(decoder, memory, [5, 70], targets))
    assert torch.allclose(decoder.eval()(padded(targets), [3, 7], memory, [5, 70]), fixed)


@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)
def test_gradients_of_attention_with_dropout(lengths) -> None:
    """Along a direction, with the same masks each time."""
    decoder, (memory, targets) = make(dropout=0.2).train(), documents(lengths)
    direction = torch.randn(memory.shape, generator=torch.Generator().manual_seed(4), dtype=torch.float64)

    def value(moved: float) -> torch.Tensor:
        torch.manual_seed(5)
        return run(decoder, memory + moved * direction, lengths, targets)[:, 3].double().sum()

    at = torch.zeros((), dtype=torch.float64, requires_grad=True)
    torch.manual_seed(5)
    found = run(decoder, memory + at * direction, lengths, targets)[:, 3].double().sum()
    (slope,) = torch.autograd.grad(found, at)
    expected = ((value(1e-3) - value(-1e-3)) / 2e-3).detach()  # with gradients: without, other masks are drawn
    assert slope.item() == pytest.approx(expected.item(), rel=1e-3, abs=1e-2)


def test_heads_that_do_not_divide() -> None:
    with pytest.raises(Exception, match=r"decoder\.heads: got 5, expected a divisor of the encoder's hidden size, 12"):
        Decoder(DecoderConfig(heads=5), SIZE, VOCABULARY)
