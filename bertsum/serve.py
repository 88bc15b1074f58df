"""A small HTTP service: summaries and pruned texts as JSON; requests that arrive together are scored together.

    uvicorn.run(app(Summarizer.from_pretrained("runs/ask/best")))

/health, /summarize and /prune; /docs shows them in a browser, /openapi.json describes them to programs.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import MaxLen, MinLen
from pydantic import AfterValidator, BaseModel, ConfigDict

from bertsum.errors import BertsumError
from bertsum.guard import Guard
from bertsum.inference.prune import kept, settled_threshold
from bertsum.inference.reading import warnings_told
from bertsum.inference.summarizer import Summarizer, or_raise
from bertsum.inference.summary import Summary
from bertsum.parallel import chunks
from bertsum.text import sanitize

if TYPE_CHECKING:
    from fastapi import FastAPI

_MISSING = "the service needs FastAPI and uvicorn: pip install 'bertsum[serve]'"
_AT_ONCE = 64  # documents that are scored together
_CHARACTERS_AT_ONCE = 100_000  # most characters of documents that are scored together: some seconds on one core
_MOST_DOCUMENTS = 256  # in one request


def _encodable(text: str) -> str:
    if sanitize(text) != text:
        raise ValueError("got half of a surrogate pair, such as \\ud800; expected Unicode text")
    return text


AnyText = Annotated[str, AfterValidator(_encodable)]
Text = Annotated[AnyText, MinLen(1)]
Document = Text | Annotated[list[AnyText], MinLen(1)]
Documents = Annotated[list[Document], MinLen(1), MaxLen(_MOST_DOCUMENTS)]
Retrieved = Annotated[list[AnyText | list[AnyText]], MinLen(1), MaxLen(_MOST_DOCUMENTS)]  # an empty page keeps nothing


@dataclass(frozen=True)
class Limits:
    """The limits of a service.

    Attributes:
        bytes: Largest size of a request's body.
        seconds: Longest time from a request to its answer.
        waiting: Largest number of documents that wait or are being scored; further requests are refused (status 503).
        characters: Most characters of a request's documents, each with its query: what one core scores in ``seconds``.
    """

    bytes: int = 4 * 2**20
    seconds: float = 60.0
    waiting: int = 1024
    characters: int = 200_000


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class SummarizeRequest(_Strict):
    """Documents to summarise, or to search for answers to a query; a field that is null has the model's saved value."""

    documents: Documents
    query: AnyText | list[AnyText | None] | None = None
    sentences: int | None = None
    ratio: float | None = None
    max_words: int | None = None
    threshold: float | None = None
    order: Literal["document", "score"] | None = None
    trigram_blocking: bool | None = None
    language: str | None = None


class PruneRequest(_Strict):
    """Retrieved documents, of which only the sentences that answer the query are to be kept."""

    query: Text
    documents: Retrieved
    threshold: float | None = None
    recall: float | None = None
    keep_title: bool = True
    max_words: int | None = None
    language: str | None = None


class _ScoringError(BertsumError):
    """A fault of the service; the log has more of it."""


@dataclass(eq=False)
class _Waiting:
    """A document of a request, and the place of its answer."""

    document: str | list[str]
    query: str | None
    options: dict[str, Any]
    answer: asyncio.Future[Summary | BertsumError] = field(repr=False)


class Batcher:
    """Scores the documents of several waiting requests together, in one thread.

    Attributes:
        waiting: Documents that wait or are being scored.
    """

    def __init__(self, summarizer: Summarizer) -> None:
        self.summarizer = summarizer
        self.waiting = 0
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue()
        self._thread = ThreadPoolExecutor(1, "bertsum-scores")

    async def answers(
        self, documents: Sequence[Any], queries: Sequence[str | None], options: dict[str, Any]
    ) -> list[Summary | BertsumError]:
        """A summary, or why there is none, for each document.

        Args:
            documents: Texts, or lists of sentences.
            queries: What the sentences of each are to answer; None for a summary.
            options: Options of a call of the summarizer, for all documents.
        """
        loop = asyncio.get_running_loop()
        asked = [
            _Waiting(document, query, options, loop.create_future())
            for document, query in zip(documents, queries, strict=True)
        ]
        self.waiting += len(asked)
        for one in asked:
            self._queue.put_nowait(one)
        return await asyncio.gather(*(one.answer for one in asked))

    async def work(self) -> None:
        """Answers requests until it is cancelled."""
        loop = asyncio.get_running_loop()
        held: list[_Waiting] = []  # documents that the last batch had no place for, by options or length
        while True:
            if not held:
                held.append(await self._queue.get())
            while len(held) < _AT_ONCE and not self._queue.empty():
                held.append(self._queue.get_nowait())
            wanted = [one for one in held if not one.answer.done()]  # nobody waits for the others any more
            self.waiting -= len(held) - len(wanted)
            alike = (one for one in wanted if one.options == wanted[0].options)
            batch = next(chunks(alike, _AT_ONCE, lambda one: _size(one.document, one.query), _CHARACTERS_AT_ONCE), [])
            held = [one for one in wanted if one not in batch]
            if batch:
                made = await loop.run_in_executor(self._thread, self._score, batch)
                self.waiting -= len(batch)
                for one, answer in zip(batch, made, strict=True):
                    if not one.answer.done():
                        one.answer.set_result(answer)

    def _score(self, batch: list[_Waiting]) -> list[Summary | BertsumError]:
        queries = [one.query for one in batch]
        options = {**batch[0].options, **({"query": queries} if any(queries) else {})}
        documents = [one.document for one in batch]
        try:
            with warnings_told(lambda _: None):  # about single documents; nobody would see them
                return list(self.summarizer.stream(documents, errors="return", **options))
        except BertsumError as error:
            return [error] * len(batch)
        except Exception:  # whatever it is, others are to be answered
            logging.getLogger(__name__).exception("documents could not be scored")
            return [_ScoringError("the documents could not be scored; the log of the service says why")] * len(batch)

    def close(self) -> None:
        """Ends the thread once it has scored its batch."""
        self._thread.shutdown(cancel_futures=True)


class Service:
    """Answers requests within limits.

    Attributes:
        summarizer: Makes the summaries.
        batcher: Scores documents; exists while the service is up.
    """

    batcher: Batcher
    _work: asyncio.Task[None]

    def __init__(self, summarizer: Summarizer, limits: Limits) -> None:
        self.summarizer = summarizer
        self._limits = limits

    @asynccontextmanager
    async def up(self, _: Any = None) -> AsyncIterator[None]:
        """A context in which requests are answered."""
        self.batcher = Batcher(self.summarizer)
        self._work = asyncio.create_task(self.batcher.work())
        yield
        self._work.cancel()
        self.batcher.close()

    async def health(self) -> dict[str, Any]:
        """Whether the service answers, what its model can do, and how much waits.

        Raises:
            HTTPException: if nothing is scored any more.
        """
        from fastapi import HTTPException

        if self._work.done():
            raise HTTPException(503, "nothing is scored any more; expected a restart of the service")
        return {
            "status": "ok",
            "kind": self.summarizer.model.kind,
            "answers_queries": self.summarizer.answers,
            "calibrated": [one.recall for one in self.summarizer.model.config.calibration],
            "waiting": self.batcher.waiting,
        }

    async def summarize(self, request: SummarizeRequest) -> dict[str, Any]:
        """A summary of each document, or the sentences that answer the query."""
        options = request.model_dump(exclude_none=True, exclude={"documents", "query"})
        made = await self._answers(request.documents, request.query, options)
        return {"summaries": [_shown(one) for one in or_raise(made)]}

    async def prune(self, request: PruneRequest) -> dict[str, Any]:
        """Prunes each document to the sentences that answer the query."""
        if not request.query.strip():
            raise BertsumError("query: is empty, expected a text that sentences may answer")
        options = request.model_dump(include={"max_words", "language"}, exclude_none=True)
        threshold = settled_threshold(self.summarizer, request.threshold, request.recall)
        options |= {} if threshold is None else {"threshold": threshold}
        made = await self._answers(request.documents, request.query, options)
        return {"documents": [asdict(one) for one in kept(made, request.keep_title, allow_empty=True)]}

    async def _answers(
        self, documents: Sequence[Any], query: str | list[str | None] | None, options: dict[str, Any]
    ) -> list[Summary | BertsumError]:
        """A summary of each document, or why there is none.

        Raises:
            BertsumError: if an option is wrong.
            HTTPException: if the documents are too long, too much waits, the time is up, or the service fails.
        """
        from fastapi import HTTPException

        queries = query if isinstance(query, list) else [query] * len(documents)
        if len(queries) != len(documents):
            raise BertsumError(f"query: {len(queries)} for {len(documents)} documents, expected one each, or one")
        size = sum(map(_size, documents, queries))
        if size > self._limits.characters:
            most = f"expected at most {self._limits.characters:,} in a request"
            raise HTTPException(413, f"documents: got {size:,} characters with their queries, {most}")
        checked: Any = {**options, "query": next((one for one in queries if one), None)}
        self.summarizer.stream([], **checked)
        if self.batcher.waiting + len(documents) > self._limits.waiting:
            raise HTTPException(503, "too many documents wait already; come again later", {"Retry-After": "1"})
        try:
            made = await asyncio.wait_for(self.batcher.answers(documents, queries, options), self._limits.seconds)
        except asyncio.TimeoutError as error:
            raise HTTPException(504, f"no answer within {self._limits.seconds:g} seconds") from error
        for one in made:
            if isinstance(one, _ScoringError):
                raise HTTPException(500, str(one))
        return made


def app(summarizer: Summarizer, limits: Limits | None = None) -> FastAPI:
    """The service, for any ASGI server.

    Args:
        summarizer: Makes the summaries.
        limits: The limits of the service.

    Raises:
        BertsumError: if FastAPI is not installed.
    """
    try:
        from fastapi import FastAPI
        from fastapi.exceptions import RequestValidationError
        from fastapi.responses import JSONResponse
    except ImportError as error:
        raise BertsumError(_MISSING) from error
    limits = limits or Limits()
    service = Service(summarizer, limits)
    served = FastAPI(title="bertsum", version=version("bertsum"), lifespan=service.up)
    served.get("/health")(service.health)
    served.post("/summarize")(service.summarize)
    served.post("/prune")(service.prune)

    @served.exception_handler(RequestValidationError)
    async def _not_valid(_: Any, error: RequestValidationError) -> JSONResponse:
        """What is wrong, without repeating the request, which may be large or no JSON."""
        problems = [f"{_place(one['loc'])}: {one['msg']}" for one in error.errors()[:10]]
        return JSONResponse({"detail": "; ".join(problems)}, 422)

    @served.exception_handler(BertsumError)
    async def _wrong(_: Any, error: BertsumError) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, 422)

    served.add_middleware(Guard, most=limits.bytes, seconds=limits.seconds)
    return served


def _place(steps: Sequence[int | str]) -> str:
    """A field's place in a request, without the names of checks and types that pydantic puts between."""
    return ".".join(str(step) for step in steps if isinstance(step, int) or not ("[" in step or "(" in step))


def run_until_stopped(service: FastAPI, host: str, port: int) -> None:
    """Serves until a signal comes; requests that are being answered get their answer.

    Args:
        service: The service.
        host: Address to serve.
        port: Port to serve.

    Raises:
        BertsumError: if uvicorn is not installed, or the address cannot be served.
    """
    try:
        import uvicorn
    except ImportError as error:
        raise BertsumError(_MISSING) from error
    server = uvicorn.Server(uvicorn.Config(service, log_level="warning", timeout_graceful_shutdown=30))
    six = ":" in host
    try:
        listening = socket.create_server((host, port), family=socket.AF_INET6 if six else socket.AF_INET)
    except (OSError, OverflowError) as error:
        raise BertsumError(
            f"host {host}, port {port}: cannot be served ({error}); expected an address of this machine and a free port"
        ) from error
    with listening:
        shown = f"[{host}]" if six else host
        print(f"The service is at http://{shown}:{listening.getsockname()[1]} until Ctrl-C", flush=True)
        server.run([listening])


def _size(document: str | list[str], query: str | None) -> int:
    """Characters of a document and its query; a sentence of a list counts one more."""
    return len(query or "") + len(document if isinstance(document, str) else "\n".join(document))


def _shown(summary: Summary) -> dict[str, Any]:
    """A summary as JSON, without the document, which the client has."""
    values = asdict(summary)
    hidden = ("document", "document_scores", "unscored", *(() if summary.is_written else ("leans_on", "unsupported")))
    return {name: value for name, value in values.items() if name not in hidden}
