"""Explains a sentence of a summary: words by a method of attribution, other sentences by leaving them out.

# T tokens, W words, S sentences that are read
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import torch

from bertsum.data.encoding import DocumentEncoder
from bertsum.errors import BertsumError, check_whole
from bertsum.inference.attribution import GAP, METHODS, TokenWords
from bertsum.inference.explained import ExplainedScore, SentenceScore, WrittenScore
from bertsum.inference.explanation import Decisive, Explanation, Word
from bertsum.inference.summary import without_sentences
from bertsum.models.extractive import BertSum
from bertsum.models.losses import scores_of
from bertsum.models.seq2seq import BertSumAbs
from bertsum.text import plain, word_spans

if TYPE_CHECKING:
    from bertsum.inference.summary import Source, Summary

Method = Literal["integrated_gradients", "occlusion", "lime", "shap"]
LeavingOut = Literal["head", "text"]
LEAVING_OUT: tuple[LeavingOut, ...] = ("head", "text")
DECISIVE = 3  # number of sentences without which, together, a choice may change
WRITTEN = -1  # stands for the place of a written sentence, which is not in the document
_MOST_TRIED = 256  # sentences of a book that are left out one by one: the likeliest ones


def explain(
    summary: Summary,
    source: Source,
    sentence: int | None = None,
    method: Method = "integrated_gradients",
    leaving_out: LeavingOut = "head",
    samples: int | None = None,
) -> Explanation:
    """How much each word and each other sentence of a document changed a sentence's score.

    Args:
        summary: The summary.
        source: What the summary was made with: the model, its encoder and options.
        sentence: The sentence's place in the document, by default that of the chosen sentence with the best score. For
            a written summary, its place in the summary, by default the first.
        method: How words get their values.
        leaving_out: How other sentences are left out.
        samples: For LIME and SHAP, how many documents with hidden words are read.

    Raises:
        BertsumError: if the sentence is not there or was not read, an option is unknown, or a package is missing.
    """
    if method not in METHODS:
        raise BertsumError(f"method: got {method!r}, expected {', '.join(METHODS)}")
    if leaving_out not in LEAVING_OUT:
        raise BertsumError(f"leaving_out: got {leaving_out!r}, expected {' or '.join(LEAVING_OUT)}")
    if samples is not None:
        check_whole("samples", samples, 2, " of documents")
    index = sentence_to_explain(summary, sentence)
    with torch.inference_mode(False):  # a caller may be inside it, but gradients are needed
        row = source.row(summary.document)
        words, places = words_of(source.encoder, row)
        score = explained_score(summary, source, row, index)
        samples = samples or max(200, 2 * words.count)
        made = METHODS[method](score, words, samples)
        if method == "integrated_gradients" and made.completeness.gap > GAP and score.precision != "fp32":
            before, score = made.passes, explained_score(summary, replace(source, precision="fp32"), row, index)
            made = METHODS[method](score, words, samples)
            made = replace(made, passes=before + made.passes)
        sentences, decisive = leave_out(score, source, leaving_out, summary.indices)
    return Explanation(
        sentence=index,
        text=summary.sentences[index] if summary.is_written else summary.document[index],
        is_written=summary.is_written,
        document=summary.document,
        chosen=summary.indices,
        score=made.score,
        probability=_probability(summary, score, made.score),
        words=[Word(*place, float(part)) for place, part in zip(places, made.values, strict=True)],
        sentences=sentences,
        completeness=made.completeness,
        decisive=decisive,
        method=method,
        leaving_out=leaving_out,
    )


def sentence_to_explain(summary: Summary, sentence: int | None) -> int:
    """The place of the sentence that is asked for, checked.

    Args:
        summary: The summary.
        sentence: A place in the document, or in a written summary; None: the chosen one of the best score, or the first
            that is written.

    Raises:
        BertsumError: if it is not there, or was not read.
    """
    count = len(summary.sentences if summary.is_written else summary.document)
    if summary.is_written and not count:
        raise BertsumError("this summary is empty: there is no sentence to explain")
    if sentence is None:
        if summary.is_written:
            return 0
        if not summary.indices:
            raise BertsumError(f"no sentence answers the query: expected the place of one to explain, 0 to {count - 1}")
        return max(zip(summary.scores, summary.indices, strict=True), key=lambda pair: (pair[0], -pair[1]))[1]
    sentence = plain(sentence)
    if isinstance(sentence, bool) or not isinstance(sentence, int) or not 0 <= sentence < count:
        where = "summary" if summary.is_written else "document"
        raise BertsumError(f"sentence: got {sentence!r}, expected a place in the {where}, 0 to {count - 1}")
    if sentence in summary.unscored and not summary.is_written:
        raise BertsumError(
            f"sentence: got {sentence}, which has no score, because it {summary.unscored[sentence]}; expected one that "
            "the model has read"
        )
    return sentence


def explained_score(summary: Summary, source: Source, row: dict[str, Any], index: int) -> ExplainedScore:
    """The score that is explained: of a sentence of the document, or of the summary if the model writes."""
    if isinstance(source.model, BertSumAbs):
        return WrittenScore(source.model, row, summary.sentences, index, source.precision)
    assert isinstance(source.model, BertSum)
    return SentenceScore(source.model, row, index, source.precision)


def words_of(encoder: DocumentEncoder, row: Mapping[str, Any]) -> tuple[TokenWords, list[tuple[int, int, int, str]]]:
    """The words of a document for a method, and where each stands: sentence, begin, end, and the word itself.

    Args:
        encoder: How the document was read.
        row: The document.
    """
    tokenizer = encoder.tokenizer
    mask, padding = tokenizer.mask_token_id, tokenizer.pad_token_id
    hides, pads = (next(one for one in order if one is not None) for order in ((mask, padding, 0), (padding, mask, 0)))
    ids = list(row["input_ids"])
    hidden, padded, numbers = list(ids), list(ids), [-1] * len(ids)
    places: list[tuple[int, int, int, str]] = []
    for index, (begin, end) in zip(
        row["sentence_indices"], itertools.pairwise([*row["cls_positions"], len(ids)]), strict=True
    ):
        sentence = row["sentences"][index]
        words = word_spans(sentence)
        starts = [start for start, _ in words]
        last = None
        for token, span in zip(range(begin + 1, end - 1), encoder.token_spans(sentence), strict=False):
            word = max(0, bisect_right(starts, max(span[0], span[1] - 1)) - 1)
            if word != last:
                places.append((index, *words[word], sentence[slice(*words[word])]))
            numbers[token], hidden[token], padded[token], last = len(places) - 1, hides, pads, word
    word_of = [len(places) if number < 0 else number for number in numbers]
    return TokenWords(ids, hidden, padded, word_of, len(places)), places


def _probability(summary: Summary, score: ExplainedScore, value: float) -> float:
    if isinstance(score, WrittenScore):
        return math.exp(value / max(1, len(score.target_ids) - score.begin))
    assert isinstance(score, SentenceScore)
    return summary.document_scores[score.index] or 0.0


def _left_out(
    score: ExplainedScore, source: Source, leaving_out: LeavingOut, variants: Sequence[Sequence[int]]
) -> list[dict[int, float]]:
    """Scores by place in the document, without the sentences at some places: of each sentence, or of the written one
    under ``WRITTEN``.
    """
    indices, document = score.row["sentence_indices"], score.row["sentences"]
    if leaving_out == "head":
        number = {index: place for place, index in enumerate(indices)}
        places = [[number[index] for index in variant] for variant in variants]
        if isinstance(score, SentenceScore):
            found = score.logits_without(places)
            return [{indices[place]: logit for place, logit in logits.items()} for logits in found]
        return [{WRITTEN: value} for value in score.without(places)]
    rows = [{**score.row, **source.row(without_sentences(document, variant))} for variant in variants]
    if isinstance(score, SentenceScore):
        return score.logits_of_rows(rows)
    return [{} if value is None else {WRITTEN: value} for value in score.of_rows(rows)]


def leave_out(
    score: ExplainedScore, source: Source, leaving_out: LeavingOut, chosen: Sequence[int]
) -> tuple[list[float | None], Decisive | None]:
    """How much each other sentence changed the score, and the few without which the choice is likeliest to change.

    Args:
        score: The explained score.
        source: What the summary was made with.
        leaving_out: How other sentences are left out.
        chosen: Places of the chosen sentences.
    """
    explained = score.index if isinstance(score, SentenceScore) else WRITTEN
    others = [score.row["sentence_indices"][place] for place in score.likely(_MOST_TRIED)]
    with_all, *without = _left_out(score, source, leaving_out, [[], *([index] for index in others)])
    values: list[float | None] = [None] * len(score.row["sentences"])
    for index, scores in zip(others, without, strict=True):
        if explained in scores:
            values[index] = with_all[explained] - scores[explained]
    if not isinstance(score, SentenceScore) or explained not in chosen or len(others) < len(chosen):
        return values, None  # if fewer sentences are left than are chosen, the explained one is always chosen
    taken: list[int] = []
    while len(taken) < min(DECISIVE, len(others) - len(chosen) + 1):
        tried = [index for index in others if index not in taken]
        if taken:
            without = _left_out(score, source, leaving_out, [[*taken, index] for index in tried])
        leads = [_lead(score, source, logits, len(chosen)) for logits in without]
        taken.append(tried[leads.index(min(leads))])
    return values, Decisive(taken, explained not in choose_without(score, source, taken))


def choose_without(score: SentenceScore, source: Source, left_out: Sequence[int]) -> list[int]:
    """The sentences that the model chooses when it reads the document without some of them.

    Args:
        score: The score of a sentence of the document.
        source: What the summary was made with.
        left_out: Places of the sentences.
    """
    assert isinstance(source.model, BertSum)
    row = source.row(without_sentences(score.row["sentences"], left_out))
    logits = torch.tensor(list(score.logits_of_rows([row])[0].values()))
    scores = source.model.scores(row, logits, source.selection, source.precision)
    return source.model.chosen(row, scores, source.selection)[0]


def _scores(source: Source, logits: Mapping[int, float]) -> dict[int, float]:
    """The score of each sentence that was read, by its place in the document."""
    values = scores_of(torch.tensor(list(logits.values())), source.model.config.scores).tolist()
    return dict(zip(logits, values, strict=True))


def _lead(score: SentenceScore, source: Source, logits: Mapping[int, float], count: int) -> float:
    """How far the explained sentence is from not being chosen: its margin, if extracts are compared by expected ROUGE;
    else its logit above that of the best sentence that is not among the ``count`` best.
    """
    if score.index not in logits:
        return -math.inf
    expected, selection = source.model.config.expected_rouge, source.selection
    if expected is not None and selection.candidates is not None:
        scores, sentences = _scores(source, logits), score.row["sentences"]
        texts, places = [sentences[index] for index in scores], list(scores)
        place = places.index(score.index)
        margin = expected.margin(place, list(scores.values()), texts, places, selection, len(sentences))
        if margin is not None:
            return margin
    others = sorted((logit for other, logit in logits.items() if other != score.index), reverse=True)
    return logits[score.index] - others[count - 1] if len(others) >= count else math.inf
