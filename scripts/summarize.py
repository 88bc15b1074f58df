"""Summarises a text file, or standard input.

python scripts/summarize.py article.txt
python scripts/summarize.py --model runs/cnndm/best --sentences 5 --json < article.txt
"""

import argparse
import json
import sys
import warnings
from dataclasses import asdict
from pathlib import Path

import bertsum
from bertsum.command_line import run
from bertsum.evaluation.runs import newest_run
from bertsum.text import printable


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("file", nargs="?", default="-", help="a text file; - or nothing for standard input")
    arguments.add_argument("--model", help="a checkpoint folder or hub id; by default the newest run under runs/")
    arguments.add_argument("--sentences", type=int, help="at most this many sentences")
    arguments.add_argument("--ratio", type=float, help="at most this share of the sentences")
    arguments.add_argument("--max-words", type=int, help="at most this many words")
    arguments.add_argument("--threshold", type=float, help="only sentences of at least this probability")
    arguments.add_argument("--blocking", action=argparse.BooleanOptionalAction, help="trigram blocking")
    arguments.add_argument("--order", choices=["document", "score"], help="order of the sentences")
    arguments.add_argument("--language", help="ISO 639-1 code of the text, or auto")
    arguments.add_argument("--marked", action="store_true", help="print the document with the chosen sentences marked")
    arguments.add_argument("--json", action="store_true", help="print everything as JSON")
    options = arguments.parse_args()
    warnings.showwarning = lambda message, *_: print(f"warning: {message}", file=sys.stderr)
    text = read_text(options.file)
    model = options.model or newest_run() / "best"
    if options.model is None:
        print(f"model: {model}", file=sys.stderr)
    summarizer = bertsum.Summarizer.from_pretrained(model)
    summary = summarizer(
        text,
        sentences=options.sentences,
        ratio=options.ratio,
        max_words=options.max_words,
        threshold=options.threshold,
        trigram_blocking=options.blocking,
        order=options.order,
        language=options.language,
    )
    if options.json:
        shown = json.dumps(asdict(summary), ensure_ascii=False, indent=2)
        # the same values, without what a terminal would obey
        print(shown if shown == printable(shown) else json.dumps(asdict(summary), indent=2))
    else:
        print(summary.marked() if options.marked else printable(summary.text))


def read_text(path: str) -> str:
    """A whole file, or standard input, as UTF-8."""
    try:
        data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
        return data.decode("utf-8-sig")
    except OSError as error:
        raise bertsum.BertsumError(f"'{path}': cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise bertsum.BertsumError(f"'{path}': not UTF-8 text (byte {error.start}: {error.reason})") from error


if __name__ == "__main__":
    run(main)
