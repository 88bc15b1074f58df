"""The commands that read texts: ``summarize``, ``explain`` and ``generate``.

Modules that take seconds to import are imported only after all arguments are checked.
"""

from __future__ import annotations

import argparse
import gc
import io
import json
import re
import sys
import warnings
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from bertsum.errors import BertsumError, NoSummaryError
from bertsum.files import decode_text, whole_content, whole_file
from bertsum.reading.documents import has_many, read_document
from bertsum.text import one_line, printable

if TYPE_CHECKING:
    from bertsum.inference.bulk_input import Item
    from bertsum.inference.summarizer import Summarizer
    from bertsum.reading.text import FileText

MODEL_HELP = "a checkpoint folder such as runs/cnndm/best, or a hub id; by default the model that comes with bertsum"
_LINE_ENDS = re.compile("\r\n?|[\v\f]")  # line ends of other systems, and page breaks
_CHOOSING = ("query", "sentences", "ratio", "max_words", "threshold", "order", "language", "long_documents")
_WRITING = ("beam_size", "length_penalty", "min_length", "max_length")


def add_summarize(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", nargs="?",
        help="a file, a web address, a folder, a pattern or a table; - or nothing: standard input",
    )  # fmt: skip
    parser.add_argument("--model", help=MODEL_HELP)
    parser.add_argument("--query", metavar="TEXT", help="choose the sentences that answer this, or none")
    parser.add_argument("--sentences", type=int, metavar="N", help="at most this many sentences")
    parser.add_argument("--ratio", type=float, metavar="R", help="at most this share of the sentences")
    parser.add_argument("--max-words", type=int, metavar="N", help="at most this many words")
    parser.add_argument("--threshold", type=float, metavar="P", help="only sentences of at least this probability")
    _add_writing(parser)
    parser.add_argument("--order", choices=["document", "score"], help="order of the sentences")
    parser.add_argument("--language", help="ISO 639-1 code of the text, or auto")
    parser.add_argument(
        "--long-documents", choices=["window", "truncate"], help="read all of it (default), or only the beginning"
    )
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--marked", action="store_true", help="print the document too, with the chosen sentences marked")
    shown.add_argument("--json", action="store_true", help="print everything as JSON")
    shown.add_argument("--jsonl", metavar="IN", help="summarize each document of this table")
    parser.add_argument("--out", metavar="OUT", help="file for summaries of many (.jsonl, .jsonl.gz)")
    parser.add_argument(
        "--document-field", metavar="NAME", help="the column of a table, or field of JSON, to summarize"
    )
    parser.add_argument("--id-field", metavar="NAME", help="the column or field of its id")
    parser.add_argument("--query-field", metavar="NAME", help="the column or field of its query")
    parser.add_argument("--encoding", metavar="NAME", help="encoding of the text or of --jsonl; by default UTF-8")


def _add_writing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--beam-size", type=int, metavar="N", help="models that write: hypotheses in the beam search")
    parser.add_argument("--length-penalty", type=float, metavar="A", help="models that write: larger is longer texts")
    parser.add_argument("--min-length", type=int, metavar="N", help="at least this many tokens")
    parser.add_argument("--max-length", type=int, metavar="N", help="at most this many tokens")
    parser.add_argument("--blocking", action=argparse.BooleanOptionalAction, help="trigram blocking")


def summarize(options: argparse.Namespace, _: list[str]) -> None:
    """Summarizes a document, or each of many: of a folder, a table or JSON lines.

    bertsum summarize report.pdf --sentences 5 --json
    bertsum summarize page.html --model runs/ask/best --query "When does the bridge reopen?"
    bertsum summarize rows.csv --document-field body --out summaries.jsonl
    bertsum summarize --jsonl documents.jsonl.gz --out summaries.jsonl.gz
    """
    if options.jsonl is not None and options.file is not None:
        options.parser.error(f"expected a text file or --jsonl, got both: '{options.file}' and '{options.jsonl}'")
    if options.file is not None and not options.file.strip():
        options.parser.error("FILE: is empty, expected a file, a folder, a pattern or an address")
    many = options.file is not None and has_many(options.file)
    if many and options.out is not None:
        options.file, options.jsonl = None, options.file
    if (options.jsonl is None) != (options.out is None) and not many:
        missing = (
            "--jsonl needs --out FILE"
            if options.jsonl
            else "--out is for many documents: a folder, a pattern, a table, or --jsonl IN; for one: --json > FILE"
        )
        options.parser.error(missing)
    if many and options.marked:
        options.parser.error("--marked: shows one document, expected --json for many")
    for name in ("document_field", "id_field", "query_field"):
        if getattr(options, name) is not None and options.jsonl is None and not many:
            option = f"--{name.replace('_', '-')}"
            options.parser.error(f"{option}: names a field of --jsonl, which is not given, or a column of a table")
    with warnings_as_lines():
        if many and options.jsonl is None:
            _print_many(options)
        else:
            _print_summaries(options)


@contextmanager
def warnings_as_lines() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_: print(f"warning: {message}", file=sys.stderr)
        yield


def _print_summaries(options: argparse.Namespace) -> None:
    asked = _asked(options, (*_CHOOSING, *_WRITING))
    # Read before slow imports, so that an error about a wrong name comes at once.
    text = _document(options) if options.jsonl is None else None
    summarizer = load_summarizer(options.model)
    if text is None:
        from bertsum.inference.bulk import summarize_file

        fields = {name: getattr(options, name) for name in ("document_field", "id_field", "query_field", "encoding")}
        print(summarize_file(summarizer, options.jsonl, options.out, **fields, **asked))
        return
    with _of_file(options.file):
        (summary,) = summarizer([text], **asked)
    if not summary.sentences and options.query is not None:
        best = max((score for score in summary.document_scores if score is not None), default=0.0)
        print(f"no sentence answers the query: the best has a score of {best:.2f} (--threshold)", file=sys.stderr)
    if options.json:
        _print_json(asdict(summary))
    else:
        print(summary.marked() if options.marked else _shown(summary.text))


@contextmanager
def _of_file(file: str | None) -> Iterator[None]:
    """Names the file in an error about the only document."""
    try:
        yield
    except BertsumError as error:
        name = "standard input" if file in (None, "-") else f"'{file}'"
        raise type(error)(str(error).replace("document 0:", f"{name}:", 1)) from error


def _shown(text: str) -> str:
    return printable(_LINE_ENDS.sub("\n", text))


def _document(options: argparse.Namespace) -> str | FileText:
    """The document that a command is given: a file, an address, or standard input."""
    if options.file in (None, "-"):
        return read_text("-", options.encoding)
    return read_document(options.file, encoding=options.encoding)


def _print_many(options: argparse.Namespace) -> None:
    """Prints a summary for each document of a folder, a pattern or a table."""
    from bertsum.inference.bulk_input import check_queries, opened

    source = Path(options.file)
    asked: Any = _asked(options, (*_CHOOSING, *_WRITING))
    fields = (options.document_field, options.id_field, options.query_field)
    with opened(source, options.encoding, False, *fields) as (items, _):  # a wrong source is an error at once
        if next(items, None) is None:
            raise BertsumError(f"'{source}': has no documents, expected at least one")
    summarizer = load_summarizer(options.model)
    check_queries(summarizer, source, options.query_field, asked)
    with opened(source, options.encoding, summarizer.answers and options.query is None, *fields) as (items, _):
        _print_each(summarizer, items, options.json, asked)


def _print_each(summarizer: Summarizer, items: Iterator[Item], as_json: bool, asked: dict[str, Any]) -> None:
    waiting: deque[tuple[str, str]] = deque()

    def documents() -> Iterator[Any]:
        for number, item in enumerate(items):
            waiting.append((str(number) if item.id is None else item.id, item.place))
            yield item.document

    answers = summarizer.stream(documents(), errors="return", **asked)
    made, problems, first = 0, 0, ""
    for answer in answers:
        name, place = waiting.popleft()
        if isinstance(answer, BertsumError):
            problem = str(answer) if place in str(answer) else f"{place}: {answer}"
            print(f"warning: {problem}", file=sys.stderr)
            first, problems = first or problem, problems + 1
            continue
        if as_json:
            print(printable(json.dumps({"id": name, **asdict(answer)}, ensure_ascii=False)))
        else:
            print("\n" * bool(made) + f"== {one_line(name)} ==\n{_shown(answer.text)}")
        made += 1
    if not made:
        raise NoSummaryError(f"none of {problems:,} documents could be summarised. The first: {first}")


def _print_json(values: dict[str, Any]) -> None:
    """Prints values; characters are escaped if some of them would control a terminal."""
    shown = json.dumps(values, ensure_ascii=False, indent=2)
    print(shown if shown == printable(shown) else json.dumps(values, indent=2))


def _asked(options: argparse.Namespace, names: tuple[str, ...]) -> dict[str, Any]:
    """Options of a call of the summarizer."""
    return {**{name: getattr(options, name) for name in names}, "trigram_blocking": options.blocking}


def load_summarizer(model: str | None) -> Summarizer:
    gc.disable()  # all new objects stay in use; searching them for garbage would take an eighth of the start
    try:
        from bertsum.inference.summarizer import Summarizer

        summarizer = Summarizer.from_pretrained(model)
        gc.freeze()
        return summarizer
    finally:
        gc.enable()


def read_text(path: str, encoding: str | None) -> str:
    """A whole file, or standard input."""
    if path == "-" and sys.stdin is None:
        raise BertsumError("standard input is closed, expected a text, or the name of a file")
    return decode_text(whole_content(sys.stdin.buffer if path == "-" else Path(path), path), path, encoding)


def add_explain(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", help="a document: a file or an address; - or nothing for standard input")
    parser.add_argument("--model", help=MODEL_HELP)
    parser.add_argument("--query", metavar="TEXT", help="explain a sentence that answers this question")
    parser.add_argument(
        "--sentence", type=int, metavar="N",
        help="number of the sentence in the document, from 1, as it is printed; of a written summary, in the summary",
    )  # fmt: skip
    parser.add_argument(
        "--method", default="integrated_gradients", metavar="NAME",
        help="how words get their values: integrated_gradients (default), occlusion, lime, shap",
    )  # fmt: skip
    parser.add_argument(
        "--leaving-out",
        default="head",
        metavar="FROM",
        help="leave other sentences out of the head's input (default), or out of the text",
    )
    parser.add_argument("--language", help="ISO 639-1 code of the text, or auto")
    parser.add_argument("--json", action="store_true", help="print everything as JSON; places count from 0 there")
    parser.add_argument("--encoding", metavar="NAME", help="encoding of the text; by default UTF-8")


def explain(options: argparse.Namespace, _: list[str]) -> None:
    """Explains a sentence of a summary: how much each word and each other sentence changed its score.

    bertsum explain article.txt
    bertsum explain article.txt --sentence 5 --method occlusion --json
    bertsum explain page.html --query "When does the bridge reopen?"
    """
    if options.file is not None and has_many(options.file):
        raise BertsumError(f"'{options.file}': has many documents, expected one")
    with warnings_as_lines():
        document = _document(options)
        asked = {} if options.query is None else {"query": options.query}
        summarizer = load_summarizer(options.model)
        with _of_file(options.file):
            (summary,) = summarizer([document], language=options.language, **asked)
        place = None
        if options.sentence is not None:
            count = len(summary.sentences if summary.is_written else summary.document)
            if not 1 <= options.sentence <= count:
                raise BertsumError(f"--sentence: got {options.sentence}, expected a number from 1 to {count}")
            place = options.sentence - 1
            why = None if summary.is_written else summary.unscored.get(place)
            if why is not None:
                raise BertsumError(f"--sentence: {options.sentence} has no score, because it {why}; expected another")
        explanation = summary.explain(place, method=options.method, leaving_out=options.leaving_out)
        if options.json:
            _print_json(explanation.to_dict())
        else:
            explanation.show()


def add_generate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", help="a text file (.gz is unpacked); - or nothing for standard input")
    parser.add_argument("--model", required=True, help="a model that writes: a checkpoint folder or a hub id")
    parser.add_argument("--out", metavar="OUT", help="file to write; by default standard output")
    _add_writing(parser)
    parser.add_argument("--encoding", metavar="NAME", help="encoding of the text; by default UTF-8")


def generate(options: argparse.Namespace, _: list[str]) -> None:
    """Writes a line for each line of a file or of standard input, such as its translation.

    bertsum generate captions.en --model runs/multi30k/best --out captions.de
    bertsum generate --model runs/multi30k/best --beam-size 1 < captions.en

    The lines keep their order. An empty line stays empty, and so does one that cannot be read, with a warning.
    """
    source = Path(options.file or "-")
    target = None if options.out is None else Path(options.out)
    if target is not None and target.name.endswith(".gz"):
        raise BertsumError(f"--out: '{target}' is named as a packed file, expected a name without .gz")
    if target is not None and target.resolve() == source.resolve():
        raise BertsumError(f"--out: '{target}' is the text itself, expected another file")
    with _opened(source) as file, warnings_as_lines():
        summarizer = load_summarizer(options.model)
        _generate_lines(summarizer, source, file, target, options)


def _generate_lines(
    summarizer: Summarizer, source: Path, file: BinaryIO, target: Path | None, options: argparse.Namespace
) -> None:
    from bertsum.data.sources import read_lines_of_text
    from bertsum.inference.lines import generate_lines
    from bertsum.progress import Progress

    lines = read_lines_of_text(source, file, options.encoding)
    made = generate_lines(summarizer, lines, **_asked(options, _WRITING))
    written, problems, first = 0, 0, ""
    shown = target is not None or not sys.stdout.isatty()
    with (
        whole_file(target) if target is not None else nullcontext(sys.stdout) as out,
        Progress(f"generate {source.name if source.name != '-' else 'lines'}", unit="lines", shown=shown) as progress,
    ):
        for number, line in enumerate(made, start=1):
            if isinstance(line, BertsumError):
                problem = f"line {number}: {line}"
                print(f"warning: {problem}; its line stays empty", file=sys.stderr)
                first, problems, line = first or problem, problems + 1, ""
            written += bool(line)
            out.write((line if target is not None else printable(line)) + "\n")
            progress.update()
        if problems and not written:
            raise NoSummaryError(f"none of {problems:,} lines with text could be read. The first: {first}")
    if target is not None:
        empty = f", {problems:,} of them empty because they could not be read" if problems else ""
        print(f"{progress.count:,} lines in {target}{empty}")


def _opened(source: Path) -> BinaryIO:
    """An open file, or standard input."""
    if str(source) != "-":
        try:
            return open(source, "rb")
        except OSError as error:
            raise BertsumError(f"'{source}': cannot be read: {error.strerror}") from error
    if sys.stdin is None:
        raise BertsumError("standard input is closed, expected lines of text, or the name of a file")
    standard: Any = sys.stdin.buffer
    return cast("BinaryIO", standard if hasattr(standard, "peek") else io.BufferedReader(standard))
