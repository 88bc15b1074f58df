"""What ways to choose sentences give, from the same scores: one by one, or together by expected ROUGE.

bertsum eval --config cnndm-minilm --split test
python benchmarks/choosing.py runs/cnndm-minilm/best runs/cnndm-minilm/eval/test/predictions.jsonl test.jsonl.gz

The scores are those of the predictions, so no model computes. Printed are ROUGE F1, sentences and words of a summary,
and milliseconds of one core a document for the choice alone. Expected ROUGE is that of the model's config.json; it must
not have been fitted on these documents, or the figures flatter it.
"""

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from bertsum.config import Config, SelectionConfig
from bertsum.data.documents import Document
from bertsum.data.sources import read_documents
from bertsum.errors import BertsumError
from bertsum.evaluation.rouge import document_rouge
from bertsum.models.selection import select_sentences
from bertsum.models.storage import read_model
from bertsum.program import run
from bertsum.text import split_words

ONE_BY_ONE, TOGETHER = SelectionConfig(), SelectionConfig(candidates=8)
WAYS = {
    "one by one, 3 sentences": ONE_BY_ONE,
    "one by one, 3 sentences, trigram blocking": replace(ONE_BY_ONE, trigram_blocking=True),
    "one by one, 3 sentences, trigram blocking, threshold 0.15": replace(
        ONE_BY_ONE, trigram_blocking=True, threshold=0.15
    ),
    "together, up to 3 sentences": TOGETHER,
    "together, up to 4 sentences": replace(TOGETHER, sentences=4),
    "together, up to 3 sentences, 20 candidates": replace(TOGETHER, candidates=20),
    "together, 3 sentences": replace(TOGETHER, fill=True),
    "one by one, 60 words, trigram blocking": replace(ONE_BY_ONE, sentences=None, max_words=60, trigram_blocking=True),
    "together, 60 words": replace(TOGETHER, sentences=None, max_words=60, fill=True),
}
LIMITS = ("sentences", "max_words", "threshold", "trigram_blocking")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="a checkpoint folder")
    parser.add_argument("predictions", type=Path, help="predictions.jsonl of its evaluation")
    parser.add_argument("documents", help="the documents of that evaluation, lists of sentences with summaries")
    given = parser.parse_args()
    expected = read_model(given.model).config.expected_rouge
    if expected is None:
        raise BertsumError(
            f"'{given.model}': has no expected ROUGE, expected a model that bertsum calibrate has fitted"
        )
    config = Config.load(None, [f"data.validation={given.documents}"], training=False)
    documents = {
        document.id: document.text
        for document in read_documents(config.data, "validation")
        if isinstance(document, Document) and isinstance(document.text, list)
    }
    lines = [json.loads(line) for line in given.predictions.read_text(encoding="utf-8").splitlines()]
    print("| | ROUGE-1 | ROUGE-2 | ROUGE-L | sentences | words | ms |\n|---|---|---|---|---|---|---|")
    for name, selection in WAYS.items():
        summaries, start = [], time.process_time()
        for line in lines:
            sentences = documents[line["id"]]
            read = [place for place, score in enumerate(line["scores"]) if score is not None]
            scores = [line["scores"][place] for place in read]
            texts = [sentences[place] for place in read]
            if selection.candidates is None:
                limits = {name: getattr(selection, name) for name in LIMITS}
                chosen = select_sentences(scores, texts, **limits)
            else:
                chosen = expected.choose(scores, texts, read, selection, len(sentences))
            summaries.append([texts[place] for place in chosen])
        each = 1000 * (time.process_time() - start) / len(lines)
        figures = document_rouge(summaries, [line["references"] for line in lines])
        means = 100 * np.asarray(figures).mean(axis=0)[:, 2]
        words = np.mean([sum(len(split_words(one)) for one in summary) for summary in summaries])
        count = np.mean([len(summary) for summary in summaries])
        print(f"| {name} | {' | '.join(f'{mean:.2f}' for mean in means)} | {count:.2f} | {words:.1f} | {each:.2f} |")


if __name__ == "__main__":
    run(main)
