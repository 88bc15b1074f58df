"""The commands that serve until they are stopped: ``demo`` for people, ``serve`` for programs."""

from __future__ import annotations

import argparse
import math

from bertsum.commands import MODEL_HELP, load_summarizer
from bertsum.errors import BertsumError


def add_demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", help=MODEL_HELP)
    parser.add_argument("--host", default="127.0.0.1", help="address to serve; 0.0.0.0 is the whole network")
    parser.add_argument("--port", type=int, help="by default the first free one from 7860 on")
    parser.add_argument("--share", action="store_true", help="a public address too, through Gradio's servers")
    parser.add_argument("--open", action="store_true", help="open the page in a browser")


def demo(options: argparse.Namespace, _: list[str]) -> None:
    """Serves a page to paste a text into and see its summary, on this machine."""
    from bertsum.demo import launch

    launch(options.model, options.host, options.port, options.share, options.open)


def add_serve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", help=MODEL_HELP)
    parser.add_argument("--host", default="127.0.0.1", help="address to serve; 0.0.0.0 is the whole network")
    parser.add_argument("--port", type=int, default=8000, help="by default 8000")
    parser.add_argument("--max-bytes", type=int, default=4 << 20, metavar="N", help="most bytes of a request (4 MiB)")
    parser.add_argument(
        "--max-characters", type=int, default=200_000, metavar="N", help="most characters of its documents (200,000)"
    )
    parser.add_argument("--timeout", type=float, default=60.0, metavar="SECONDS", help="most seconds to an answer (60)")
    parser.add_argument("--max-waiting", type=int, default=1024, metavar="N", help="most documents that wait (1024)")


def serve(options: argparse.Namespace, _: list[str]) -> None:
    """Serves /summarize and /prune to other programs (HTTP, JSON), until Ctrl-C or SIGTERM.

    bertsum serve --model runs/ask/best --port 8000
    curl localhost:8000/summarize --json '{"documents": ["It rained. The council met."], "sentences": 1}'

    http://localhost:8000/docs shows all requests and their fields.
    """
    for name in ("max_bytes", "max_characters", "timeout", "max_waiting"):
        if not 0 < getattr(options, name) < math.inf:
            shown = name.replace("_", "-")
            raise BertsumError(f"--{shown}: got {getattr(options, name)}, expected a number above 0")
    from bertsum.serve import Limits, app, run_until_stopped

    limits = Limits(options.max_bytes, options.timeout, options.max_waiting, options.max_characters)
    run_until_stopped(app(load_summarizer(options.model), limits), options.host, options.port)
