"""The command ``bertsum rouge``: figures of files, as the Perl script ROUGE-1.5.5 prints them."""

from __future__ import annotations

import argparse
from pathlib import Path

from bertsum.commands import warnings_as_lines
from bertsum.errors import BertsumError
from bertsum.results import MOST_SAMPLES


def add_rouge(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--candidates", required=True, metavar="FILE", help="the summaries, one a line")
    parser.add_argument("--references", required=True, nargs="+", metavar="FILE", help="one file, or several")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("-n", type=int, metavar="N", help="ROUGE-1 to ROUGE-N, and ROUGE-L; 2 by default")
    what.add_argument("--metrics", nargs="+", metavar="NAME", help="such as rouge1 rougeL rougeW-1.2 rougeS4 rougeSU4")
    parser.add_argument("--no-stemmer", action="store_true", help="compare words, not their stems (without -m)")
    parser.add_argument("--stop-words", action="store_true", help="leave out common words (-s)")
    limit = parser.add_mutually_exclusive_group()
    limit.add_argument("--limit-words", type=int, default=0, metavar="N", help="only N words of each text (-l)")
    limit.add_argument("--limit-bytes", type=int, default=0, metavar="N", help="only N bytes of each text (-b)")
    parser.add_argument("--average", choices=["A", "B"], default="A", help="A: mean over references, B: best (-f)")
    parser.add_argument("--alpha", type=float, default=0.5, metavar="A", help="weight of precision in F, 0 to 1 (-p)")
    parser.add_argument("--confidence", type=float, default=95, metavar="C", help="percent of the intervals (-c)")
    parser.add_argument("--samples", type=int, default=1000, metavar="N", help="resamplings for the intervals (-r)")
    parser.add_argument("--each", action="store_true", help="print the figures of each text too (-d)")
    parser.add_argument("--system", default="X", metavar="NAME", help="name in the printed lines")
    parser.add_argument("--separator", default="<q>", metavar="MARK", help="mark between sentences, by default <q>")
    parser.add_argument("--split-sentences", action="store_true", help="split lines into English sentences instead")
    parser.add_argument("--encoding", metavar="NAME", help="encoding of the files; by default UTF-8")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes")


def rouge(options: argparse.Namespace, _: list[str]) -> None:
    """Prints the ROUGE of a file of summaries, one a line, with the lines and figures of ROUGE-1.5.5.

    bertsum rouge --candidates a.txt --references b.txt
    bertsum rouge --candidates a.txt --references b.txt c.txt --average B
    bertsum rouge --candidates a.txt --references b.txt --metrics rouge1 rougeSU4 --limit-bytes 665

    Sentences of a line are separated by <q>, as in the files that PreSumm writes.
    """
    from bertsum.evaluation.rouge155 import Counter155, Metric, Rouge155Tokenizer
    from bertsum.evaluation.rouge_files import perl_lines, read_pairs, score_pairs

    _check_numbers(options)
    # Both names, rougeL and rougeLsum, mean the Perl script's ROUGE-L, which compares sentences.
    names = options.metrics or [*(f"rouge{size}" for size in range(1, (options.n or 2) + 1)), "rougeL"]
    metrics = tuple(Metric.of("rougeLsum" if name == "rougeL" else name) for name in names)
    tokenizer = Rouge155Tokenizer(not options.no_stemmer, options.stop_words)
    counter = Counter155(metrics, tokenizer, options.limit_words, options.limit_bytes, options.alpha)
    with warnings_as_lines():
        pairs = read_pairs(
            Path(options.candidates),
            [Path(path) for path in options.references],
            separator=options.separator,
            split=options.split_sentences,
            encoding=options.encoding,
        )
    scores = score_pairs(counter, pairs, options.average, options.workers)
    asked = {name: getattr(options, name) for name in ("system", "samples", "confidence", "each")}
    for line in perl_lines(counter, scores, **asked):
        print(line)


def _check_numbers(options: argparse.Namespace) -> None:
    """Checks the numbers of ``bertsum rouge``."""
    least = {"n": 1, "limit_words": 0, "limit_bytes": 0, "samples": 1, "workers": 1}
    for name, value in least.items():
        given = getattr(options, name)
        if given is not None and given < value:
            shown = "-n" if name == "n" else f"--{name.replace('_', '-')}"
            raise BertsumError(f"{shown}: got {given}, expected at least {value}")
    if options.samples > MOST_SAMPLES:
        raise BertsumError(f"--samples: got {options.samples:,}, expected at most {MOST_SAMPLES:,}")
    if not 1 <= options.confidence <= 100:
        raise BertsumError(f"--confidence: got {options.confidence:g}, expected a percentage from 1 to 100, such as 95")
    if not options.separator:
        raise BertsumError("--separator: got nothing, expected a mark such as <q>")
