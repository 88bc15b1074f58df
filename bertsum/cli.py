"""The command ``bertsum``.

bertsum summarize article.txt
bertsum demo
"""

from __future__ import annotations

import argparse
import gc
import json
import re
import sys
import warnings
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bertsum.command_line import run
from bertsum.errors import BertsumError
from bertsum.files import decode_text
from bertsum.text import printable

_LINE_ENDS = re.compile("\r\n?|[\v\f]")  # of other systems, and of pages
_MODEL = "a checkpoint folder such as runs/cnndm/best, or a hub id; by default the model that comes with bertsum"


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command with these arguments, by default the program's own, and ends it as ``command_line.run`` does."""
    run(lambda: _main(argv))


def _main(argv: Sequence[str] | None) -> None:
    arguments = argparse.ArgumentParser(prog="bertsum", description="Summaries of a text's own sentences.")
    arguments.add_argument("--version", action="store_true", help="print the version")
    commands = arguments.add_subparsers(metavar="COMMAND")
    _add_summarize(commands.add_parser("summarize", help="summarize a text, or every document of a file"))
    _add_demo(commands.add_parser("demo", help="a page in the browser to paste a text into"))
    options = arguments.parse_args(argv)
    if options.version:
        from importlib.metadata import version

        print(f"bertsum {version('bertsum')}")
    elif "command" in options:
        options.command(options)
    else:
        arguments.error("expected a COMMAND, summarize or demo")


def _add_summarize(arguments: argparse.ArgumentParser) -> None:
    arguments.description = "Summarizes a text file or standard input, or every document of a JSON lines file."
    arguments.add_argument("file", nargs="?", help="a text file; - or nothing for standard input")
    arguments.add_argument("--model", help=_MODEL)
    arguments.add_argument("--sentences", type=int, help="at most this many sentences")
    arguments.add_argument("--ratio", type=float, help="at most this share of the sentences")
    arguments.add_argument("--max-words", type=int, help="at most this many words")
    arguments.add_argument("--threshold", type=float, help="only sentences of at least this probability")
    arguments.add_argument("--blocking", action=argparse.BooleanOptionalAction, help="trigram blocking")
    arguments.add_argument("--order", choices=["document", "score"], help="order of the sentences")
    arguments.add_argument("--language", help="ISO 639-1 code of the text, or auto")
    arguments.add_argument(
        "--long-documents", choices=["window", "truncate"], default="window", help="read them whole, or their beginning"
    )
    shown = arguments.add_mutually_exclusive_group()
    shown.add_argument("--marked", action="store_true", help="print the document with the chosen sentences marked")
    shown.add_argument("--json", action="store_true", help="print everything as JSON")
    shown.add_argument("--jsonl", metavar="IN", help="summarize every document of this file (.jsonl, .jsonl.gz)")
    arguments.add_argument("--out", metavar="OUT", help="where --jsonl writes the summaries (.jsonl, .jsonl.gz)")
    arguments.add_argument("--document-field", metavar="NAME", help="field of the document in the lines of --jsonl")
    arguments.add_argument("--id-field", metavar="NAME", help="field of its id in the lines of --jsonl")
    arguments.add_argument("--encoding", metavar="NAME", help="encoding of the text or of --jsonl; by default UTF-8")
    arguments.set_defaults(command=lambda options: _summarize(arguments, options))


def _summarize(arguments: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    if (options.jsonl is None) != (options.out is None):
        arguments.error("--jsonl and --out are given together")
    if options.jsonl is not None and options.file is not None:
        arguments.error(f"expected a text file or --jsonl, got both: '{options.file}' and '{options.jsonl}'")
    for name in ("document_field", "id_field"):
        if getattr(options, name) is not None and options.jsonl is None:
            arguments.error(f"--{name.replace('_', '-')}: names a field of --jsonl, which is not given")
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_: print(f"warning: {message}", file=sys.stderr)
        _print_summaries(options)


def _print_summaries(options: argparse.Namespace) -> None:
    wanted: dict[str, Any] = {
        "sentences": options.sentences,
        "ratio": options.ratio,
        "max_words": options.max_words,
        "threshold": options.threshold,
        "trigram_blocking": options.blocking,
        "order": options.order,
        "language": options.language,
        "long_documents": options.long_documents,
    }
    # Read before what takes seconds to import, so that an error about a wrong name comes at once.
    text = _read_text(options.file or "-", options.encoding) if options.jsonl is None else None
    gc.disable()  # all of it stays: looking for garbage among so many new objects takes an eighth of a start
    try:
        from bertsum.inference.summarizer import Summarizer

        summarizer = Summarizer.from_pretrained(options.model)
        gc.freeze()
    finally:
        gc.enable()
    if text is None:
        from bertsum.inference.bulk import summarize_file

        fields = {name: getattr(options, name) for name in ("document_field", "id_field", "encoding")}
        print(summarize_file(summarizer, options.jsonl, options.out, **fields, **wanted))
        return
    summary = summarizer(text, **wanted)
    if options.json:
        shown = json.dumps(asdict(summary), ensure_ascii=False, indent=2)
        # the same values, without what a terminal would obey
        print(shown if shown == printable(shown) else json.dumps(asdict(summary), indent=2))
    else:
        print(summary.marked() if options.marked else printable(_LINE_ENDS.sub("\n", summary.text)))


def _add_demo(arguments: argparse.ArgumentParser) -> None:
    arguments.description = "Serves a page to paste a text into and see its summary, on this machine."
    arguments.add_argument("--model", help=_MODEL)
    arguments.add_argument("--host", default="127.0.0.1", help="address to serve; 0.0.0.0 is the whole network")
    arguments.add_argument("--port", type=int, help="by default the first free one from 7860 on")
    arguments.add_argument("--share", action="store_true", help="a public address too, through Gradio's servers")
    arguments.add_argument("--open", action="store_true", help="open the page in a browser")
    arguments.set_defaults(command=_demo)


def _demo(options: argparse.Namespace) -> None:
    from bertsum.demo import launch

    launch(options.model, options.host, options.port, options.share, options.open)


def _read_text(path: str, encoding: str | None) -> str:
    """A whole file, or standard input."""
    if path == "-" and sys.stdin is None:
        raise BertsumError("standard input is closed, expected a text, or the name of a file")
    try:
        data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise BertsumError(f"'{path}': cannot be read: {error.strerror}") from error
    return decode_text(data, path, encoding)
