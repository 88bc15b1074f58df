"""``model.answer_spans``: a second output tells where answers begin and end."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
import torch
from conftest import write_jsonl
from models import build
from test_queries import QUERY, SENTENCES, TEXT

import bertsum
from bertsum.config import Config
from bertsum.data.batching import collate
from bertsum.data.documents import Document
from bertsum.data.rows import ExtractiveRows
from bertsum.data.sources import read_documents
from bertsum.errors import BertsumError
from bertsum.models.base import Model
from bertsum.models.extractive import BertSum
from bertsum.models.losses import answer_spans
from bertsum.models.storage import read_weights

SPANS = {
    "sentence_vectors": "mean", "answer_spans": True, "hidden_dropout": 0.0, "attention_dropout": 0.0,
    "head_dropout": 0.0,
}  # fmt: skip
RECORDS = [
    ({"document": SENTENCES, "relevant": [1], "answers": ["in May", "May"]}, ["in may"]),
    ({"document": SENTENCES, "relevant": [1], "answers": [{"text": "May"}]}, ["may"]),
    ({"document": TEXT, "answers": {"text": ["May"], "answer_start": [TEXT.index("May")]}}, ["may"]),
    ({"document": SENTENCES, "relevant": [0, 1], "answers": ["closed", "May", "rain"]}, ["closed", "may"]),
    ({"document": SENTENCES, "relevant": []}, []),
    ({"document": SENTENCES, "relevant": [1]}, None),  # which words answer is not known
    ({"document": SENTENCES, "relevant": [1], "answers": ["in June"]}, None),
    ({"document": SENTENCES, "summary": ["It reopens in May."]}, None),
]


@pytest.mark.parametrize(("record", "expected"), RECORDS)
def test_tokens_that_answer(tokenizer, tmp_path, record, expected) -> None:
    row = row_of(tokenizer, tmp_path, {"query": QUERY, **record})
    if expected is None:
        assert row["answer_tokens"] is None
        return
    runs = [
        [row["input_ids"][place] for _, place in run]
        for _, run in itertools.groupby(enumerate(row["answer_tokens"]), lambda pair: pair[1] - pair[0])
    ]
    assert [tokenizer.decode(run).replace(" ##", "") for run in runs] == expected


def row_of(tokenizer, tmp_path, record, more=()) -> dict:
    file = write_jsonl(tmp_path / "records.jsonl", [record])
    config = Config.load(None, [f"data.train={file}", "encoding.min_sentence_words=1", *more])
    (document,) = read_documents(config.data, "train")
    assert isinstance(document, Document)
    (row,) = ExtractiveRows(config, tokenizer, "train")([document])
    return row


def without_spans(encoder_folder, model: BertSum) -> BertSum:
    """The same model without its second output."""
    plain = build(encoder_folder, **{**SPANS, "answer_spans": False, "query_product": model.query_product is not None})
    plain.load_state_dict({name: own for name, own in model.state_dict().items() if not name.startswith("span_")})
    return plain


def test_a_batch_marks_where_answers_can_be(tokenizer, tmp_path) -> None:
    rows = [row_of(tokenizer, tmp_path, {"query": QUERY, **RECORDS[place][0]}) for place in (0, 4, 5)]
    answers = collate(rows, 0).answers
    assert answers is not None
    first = rows[0]["cls_positions"][0]
    assert answers[0, 0] == answers[1, 0] == 0  # [CLS], for no answer
    assert answers[:2, 1:first].eq(-1).all()  # the query
    assert [place for place in range(first, len(rows[0]["input_ids"])) if answers[0, place] == 1] == rows[0][
        "answer_tokens"
    ]
    assert answers[1, first : len(rows[1]["input_ids"])].eq(0).all()
    assert answers[2].eq(-1).all()  # not known
    assert collate(rows[2:], 0).answers is None
    assert collate(rows, 0, max_length=20).answers is None  # windows


def test_the_loss_against_a_loop() -> None:
    torch.manual_seed(0)
    logits = torch.randn(4, 9, 2)
    answers = torch.full((4, 9), -1)
    answers[0, [0, *range(3, 9)]] = answers[1, [0, *range(2, 6)]] = 0
    answers[2, [0, *range(2, 9)]] = 0
    answers[0, [4, 5, 8]] = answers[2, 2] = 1  # two answers; none; one at the beginning; not known
    expected = 0.0
    for row, spans in ((0, [(4, 5), (8, 8)]), (1, [(0, 0)]), (2, [(2, 2)])):
        allowed = [place for place in range(9) if answers[row, place] >= 0]
        for side in (0, 1):
            exps = {place: logits[row, place, side].exp().item() for place in allowed}
            wanted = sum(exps[span[side]] for span in spans)
            expected -= torch.tensor(wanted / sum(exps.values())).log().item() / 2
    logits.requires_grad_()
    loss = answer_spans(logits, answers)
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    loss.backward()
    assert logits.grad.isfinite().all()
    assert logits.grad[3].eq(0).all()
    assert logits.grad[answers < 0].eq(0).all()


@pytest.mark.parametrize("product", [True, False])
@pytest.mark.parametrize("attention", ["packed", "eager"])
def test_the_second_output_in_training(encoder_folder, tmp_path, product, attention) -> None:
    model = build(encoder_folder, **SPANS, query_product=product, attention=attention)
    rows = [row_of(model.tokenizer, tmp_path, {"query": QUERY, **record}) for record, _ in (*RECORDS[:2], RECORDS[4])]
    batch = model.collate(rows)
    logits, spans = model.train()(**batch.inputs())
    alone = without_spans(encoder_folder, model)(**batch.inputs())  # the head does not learn to lean on the other
    assert torch.allclose(logits[batch.mask], alone[batch.mask], atol=1e-5)
    tokens, lengths = model.reader.tokens(
        batch.input_ids, batch.attention_mask, batch.token_type_ids, lengths=batch.lengths
    )
    for one, vector in zip(spans, tokens.split(lengths), strict=True):
        assert torch.allclose(one[: len(vector)], model.span_output(vector), atol=1e-5)
    model.span_weight = 0.25
    expected = model.sentence_loss(logits, batch.labels, batch.mask) + 0.25 * answer_spans(spans, batch.answers)
    assert torch.equal(model.loss((logits, spans), batch), expected)
    assert torch.equal(model.loss(logits, batch), model.sentence_loss(logits, batch.labels, batch.mask))


@pytest.mark.parametrize("product", [True, False])
@pytest.mark.parametrize("attention", ["packed", "eager"])
def test_scores_count_answers(encoder_folder, tmp_path, product, attention) -> None:
    model = build(encoder_folder, **SPANS, query_product=product, attention=attention).eval()
    torch.nn.init.normal_(model.span_output.weight)
    asked, article = (
        row_of(model.tokenizer, tmp_path, record) for record in ({"query": QUERY, **RECORDS[0][0]}, RECORDS[-1][0])
    )
    plain = without_spans(encoder_folder, model)
    batch = model.collate([asked])
    vectors, _ = model.reader.tokens(batch.input_ids, batch.attention_mask, batch.token_type_ids, batch.lengths)
    shares = model.span_output(vectors).exp()  # (T, 2)
    ends = [*asked["cls_positions"][1:], len(asked["input_ids"])]
    own = [
        shares[begin + 1 : end - 1].sum(dim=0)  # without [CLS] and [SEP]
        for begin, end in zip(asked["cls_positions"], ends, strict=True)
    ]
    none, every = shares[0], shares[0] + sum(own)
    expected = [((one / none).log() + (one / (every - one)).log()).mean().item() / 2 for one in own]
    alone = plain(**batch.inputs())
    assert torch.allclose(model(**batch.inputs())[0], (alone[0] + torch.tensor(expected)) / 2, atol=1e-4)
    both = model.collate([asked, article])
    assert torch.allclose(model(**both.inputs())[1], plain(**both.inputs())[1], atol=1e-5)  # without a query


def test_windows_have_log_odds_of_their_own(encoder_folder, tmp_path) -> None:
    model = build(encoder_folder, **SPANS, max_length=40).eval()
    record = {"query": QUERY, "document": SENTENCES * 6, "relevant": [1]}
    row = row_of(model.tokenizer, tmp_path, record, ["encoding.max_length=40", "encoding.long_documents=window"])
    batch = model.collate([row])
    assert batch.places is not None
    vectors = model.reader(
        batch.input_ids, batch.attention_mask, batch.token_type_ids, batch.cls_positions, batch.sentence_mask,
        batch.lengths, True,
    )  # fmt: skip
    odds = vectors.flatten(0, 1)[batch.places[0], -1]
    assert odds.isfinite().all()
    assert odds.ne(0).all()
    assert torch.equal(model.logits(vectors.flatten(0, 1)[batch.places], batch.document_mask), model(**batch.inputs()))


def test_a_training_with_it(encoder_folder, tmp_path) -> None:
    questions = [{"query": QUERY, **record} for record, _ in RECORDS]
    write_jsonl(tmp_path / "questions.jsonl", questions)
    write_jsonl(tmp_path / "news.jsonl", [{"document": SENTENCES, "summary": ["The old bridge is closed."]}] * 4)
    config = Config.load(
        None,
        [
            f"data.train=[{tmp_path}/questions.jsonl, {tmp_path}/news.jsonl]",
            "data.mixture=[1.0, 1.0]", "data.workers=1", f"data.prepared_dir={tmp_path}/prepared",
            f"output_dir={tmp_path}/runs", f"model.encoder={encoder_folder}", "model.head=linear",
            "model.answer_spans=true", "model.sentence_vectors=mean",
            "encoding.max_length=64", "train.max_steps=4", "train.max_tokens_per_batch=128",
            "train.learning_rate=1e-2", "train.schedule=constant",
        ],
    )  # fmt: skip
    bertsum.train(config)
    assert "span_output.weight" in read_weights(config.run_dir / "best")
    read = Model.from_pretrained(config.run_dir / "best")
    rows = [row_of(read.tokenizer, tmp_path, questions[0])]
    assert isinstance(read.eval()(**read.collate(rows).inputs()), torch.Tensor)
    without = replace(config, model=replace(config.model, answer_spans=False))
    with pytest.raises(BertsumError, match=r"model\.answer_spans is true there, false here"):
        type(read).for_training(replace(without, train=replace(config.train, start_from=str(config.run_dir / "best"))))
    plain = replace(without, name="plain")
    bertsum.train(plain)
    begun = type(read).for_training(
        replace(config, train=replace(config.train, start_from=str(plain.run_dir / "best")))
    )
    assert begun.span_output is not None


def test_it_is_for_models_that_choose() -> None:
    with pytest.raises(BertsumError, match=r"model\.answer_spans: got true, expected false unless"):
        Config.load("quickstart-abs", ["model.answer_spans=true"])
    with pytest.raises(BertsumError, match=r"model\.answer_spans: got true, .* sentence_vectors mean"):
        Config.load("quickstart", ["model.answer_spans=true", "model.sentence_vectors=cls"])


def test_the_questions_that_come_with_the_package() -> None:
    config = Config.load(
        None, [f"data.{split}=sample/questions.{split}.jsonl.gz" for split in ("train", "validation")], training=False
    )
    sentences = {}
    for split, least in (("train", 2000), ("validation", 350)):
        documents = list(read_documents(config.data, split))
        assert all(isinstance(one, Document) and one.query and one.evidence for one in documents)
        assert len({one.id for one in documents}) == len(documents) >= least
        answered = [one for one in documents if one.evidence.sentences]
        assert 0.6 < len(answered) / len(documents) < 0.8
        for one in answered:
            words = " ".join(one.text[place] for place in one.evidence.sentences)
            assert all(string in words for string in one.evidence.strings), one.id
        sentences[split] = {text for one in documents for text in one.text if len(text.split()) > 6}
    assert not sentences["train"] & sentences["validation"]
