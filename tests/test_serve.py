"""The service: what it answers, many requests at once, hostile bodies, limits."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any
from unittest.mock import MagicMock, Mock

import psutil
import pytest
from models import build

import bertsum
from bertsum.serve import Batcher, Limits, app, run_until_stopped

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")
TEXT = "The old bridge is closed. It reopens in May. Farmers wait for rain. Nobody was surprised."
QUERY = "When does the bridge reopen?"


@pytest.fixture(scope="module")
def summarizer(encoder_folder) -> bertsum.Summarizer:
    model = build(encoder_folder, 64)
    model.config = replace(model.config, selection=replace(model.config.selection, query_threshold=0.5))
    return bertsum.Summarizer(model)


class Client:
    """Sends requests to a service in this process, over ASGI."""

    def __init__(self, service: Any) -> None:
        self.service = service

    async def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        pieces: int = 1,
        *,
        length: int | None = None,
        cut: bool = False,
        leaves: asyncio.Event | None = None,
    ) -> tuple[int, Any]:
        """The status and the content of an answer; status 0 if there is none.

        Args:
            method: GET or POST.
            path: What is asked for.
            body: Its body.
            pieces: In how many pieces it comes.
            length: What the client says to be its length.
            cut: Whether the last piece never comes.
            leaves: Set when the client leaves.
        """
        size = max(1, -(-len(body) // pieces))
        parts = [body[begin : begin + size] for begin in range(0, len(body), size)] or [b""]
        messages = [
            {"type": "http.request", "body": part, "more_body": number < len(parts) - 1}
            for number, part in enumerate(parts)
        ]
        sent: list[Any] = []
        told = [] if length is None else [(b"content-length", str(length).encode())]

        async def receive() -> Any:
            if len(messages) > cut:
                return messages.pop(0)
            await (leaves or asyncio.Event()).wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "path": path,
            "raw_path": path.encode(), "query_string": b"", "root_path": "", "scheme": "http",
            "headers": [(b"content-type", b"application/json"), *told], "client": ("test", 1), "server": ("test", 80),
        }  # fmt: skip
        await self.service(scope, receive, send)
        content = b"".join(message.get("body", b"") for message in sent[1:])
        return sent[0]["status"] if sent else 0, json.loads(content) if content else None

    async def post(self, path: str, **values: Any) -> tuple[int, Any]:
        return await self.ask("POST", path, json.dumps(values).encode())


def asked(service: Any, questions: Any) -> Any:
    """What a coroutine returns that is given a client, while the service is up."""

    async def run() -> Any:
        async with service.router.lifespan_context(service):
            return await questions(Client(service))

    return asyncio.run(run())


def test_summaries_are_those_of_the_summarizer(summarizer) -> None:
    async def questions(client: Client) -> Any:
        plain = await client.post("/summarize", documents=[TEXT, TEXT.split(". ")], sentences=1)
        answers = await client.post("/summarize", documents=[TEXT, TEXT], query=[QUERY, None], threshold=0.0)
        pruned = await client.post("/prune", documents=[TEXT, ""], query=QUERY, threshold=0.0, max_words=5)
        return plain, answers, pruned, await client.ask("GET", "/health")

    plain, answers, pruned, health = asked(app(summarizer), questions)
    assert plain[0] == answers[0] == pruned[0] == health[0] == 200
    one, two = plain[1]["summaries"]
    expected = summarizer(TEXT, sentences=1)
    assert (one["text"], one["indices"], one["spans"]) == (
        expected.text,
        expected.indices,
        list(map(list, expected.spans)),
    )
    assert two["spans"] == [] and "document" not in two and "leans_on" not in two
    first, second = answers[1]["summaries"]
    assert (first["query"], first["indices"], second["query"]) == (QUERY, [0, 1, 2, 3], "")
    left = summarizer.prune(QUERY, TEXT, threshold=0.0, max_words=5)
    assert pruned[1]["documents"][0] == json.loads(json.dumps(asdict(left)))
    assert pruned[1]["documents"][1]["text"] == ""
    assert health[1] == {"status": "ok", "kind": "extractive", "answers_queries": True, "calibrated": [], "waiting": 0}


def test_many_requests_at_once(summarizer) -> None:
    texts = [f"Report {number} on the bridge. {TEXT}" for number in range(200)]

    async def questions(client: Client) -> Any:
        options = [{"sentences": 1 + number % 2} for number in range(200)]
        return await asyncio.gather(
            *(client.post("/summarize", documents=[text], **one) for text, one in zip(texts, options, strict=True))
        )

    alone = [summarizer(text, sentences=1 + number % 2) for number, text in enumerate(texts)]
    process = psutil.Process()
    asked(app(summarizer), questions)
    before = process.memory_info().rss
    for _ in range(2):
        answers = asked(app(summarizer), questions)
        assert [status for status, _ in answers] == [200] * 200
        assert [one["summaries"][0]["indices"] for _, one in answers] == [one.indices for one in alone]
    assert process.memory_info().rss - before < 50 * 2**20
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("bertsum-scores")]


@pytest.fixture
def sizes(monkeypatch) -> list[int]:
    """How many documents each batch of the service has."""
    sizes: list[int] = []
    score = Batcher._score

    def counted(self: Batcher, batch: list[Any]) -> Any:
        sizes.append(len(batch))
        return score(self, batch)

    monkeypatch.setattr(Batcher, "_score", counted)
    return sizes


def test_documents_that_come_together_are_scored_together(summarizer, sizes) -> None:
    async def questions(client: Client) -> Any:
        return await asyncio.gather(*(client.post("/summarize", documents=[TEXT]) for _ in range(40)))

    asked(app(summarizer), questions)
    assert sum(sizes) == 40 and len(sizes) <= 3


@pytest.mark.parametrize(
    ("path", "body", "status", "problem"),
    [
        ("/summarize", b"", 422, "body"),
        ("/summarize", b"{", 422, "JSON decode error"),
        ("/summarize", b"\xff\xfe", 422, "body"),
        ("/summarize", b"[" * 100_000, 400, ""),
        ("/summarize", b"null", 422, ""),
        ("/summarize", b'{"documents": []}', 422, "documents"),
        ("/summarize", b'{"documents": [""]}', 422, "documents"),
        ("/summarize", b'{"documents": [" "]}', 422, "document 0: is empty"),
        ("/summarize", b'{"documents": [5]}', 422, "documents"),
        ("/summarize", b'{"documents": ["a"], "sentence": 1}', 422, "sentence"),
        ("/summarize", b'{"documents": ["a"], "sentences": 0}', 422, "\"sentences: got 0"),
        ("/summarize", b'{"documents": ["a"], "sentences": "1"}', 422, "sentences"),
        ("/summarize", b'{"documents": ["a"], "query": ["b", "c"]}', 422, "query: 2 for 1 documents"),
        ("/summarize", b'{"documents": ["a"], "beam_size": 2}', 422, "beam_size"),
        ("/summarize", b'{"documents": ["\\ud800 alone."]}', 422, "documents"),
        ("/summarize", b'{"documents": [["\\ud800 alone."]]}', 422, "surrogate"),
        ("/summarize", b'{"documents": ["a"], "query": ["\\ud800"]}', 422, "surrogate"),
        ("/prune", b'{"documents": ["\\ud800 alone."], "query": "b"}', 422, "surrogate"),
        ("/prune", b'{"documents": ["a"]}', 422, "query"),
        ("/prune", b'{"documents": ["a"], "query": " "}', 422, "query: is empty"),
        ("/prune", b'{"documents": ["a"], "query": "b", "recall": 0.9}', 422, "calibrated for nothing"),
        ("/prune", b'{"documents": ["a"], "query": "b", "threshold": 7}', 422, "threshold: got 7"),
        ("/else", b"{}", 404, "Not Found"),
    ],
)  # fmt: skip
def test_hostile_bodies(summarizer, path, body, status, problem) -> None:
    async def questions(client: Client) -> Any:
        answer = await client.ask("POST", path, body, pieces=3)
        return answer, await client.post("/summarize", documents=[TEXT])

    (code, content), after = asked(app(summarizer), questions)
    assert (code, after[0]) == (status, 200)
    assert status == 200 or problem in json.dumps(content)
    assert "function" not in json.dumps(content)  # names of pydantic's checks


@pytest.fixture
def hold(monkeypatch) -> threading.Event:
    """Nothing is scored before it is set."""
    hold = threading.Event()
    score = Batcher._score

    def held(self: Batcher, batch: list[Any]) -> Any:
        hold.wait(60)
        return score(self, batch)

    monkeypatch.setattr(Batcher, "_score", held)
    return hold


def test_limits(summarizer, hold) -> None:
    async def questions(client: Client) -> Any:
        large = await client.ask("POST", "/summarize", b'{"documents": ["' + b"a" * 5000 + b'"]}', pieces=4)
        slow = asyncio.create_task(client.post("/summarize", documents=[TEXT, TEXT]))
        await asyncio.sleep(0.05)
        many = await client.post("/summarize", documents=[TEXT, TEXT])
        late = await slow
        again = await client.post("/summarize", documents=[TEXT, TEXT])  # the others are still being scored
        before = await client.ask("GET", "/health")
        hold.set()
        after = await client.post("/summarize", documents=[TEXT])
        return large, many, late, again, before, after, await client.ask("GET", "/health")

    limits = Limits(bytes=4000, seconds=0.5, waiting=3)
    large, many, late, again, before, after, idle = asked(app(summarizer, limits), questions)
    assert (large[0], large[1]["detail"]) == (413, "the body has more than 4,000 bytes")
    assert (many[0], late[0], again[0], after[0]) == (503, 504, 503, 200)
    assert late[1]["detail"] == "no answer within 0.5 seconds"
    assert (before[1]["waiting"], idle[1]["waiting"]) == (2, 0)


def test_bodies_that_are_slow_or_said_to_be_large(summarizer) -> None:
    body = json.dumps({"documents": [TEXT]}).encode()

    async def questions(client: Client) -> Any:
        slow = await client.ask("POST", "/summarize", body, pieces=2, cut=True)
        large = await client.ask("POST", "/summarize", body, pieces=2, cut=True, length=10**9)
        return slow, large, await client.ask("POST", "/summarize", body, pieces=2, length=len(body))

    slow, large, good = asked(app(summarizer, Limits(bytes=4000, seconds=0.5)), questions)
    assert slow == (408, {"detail": "the body did not come within 0.5 seconds"})
    assert (large[0], good[0]) == (413, 200)


def test_documents_of_clients_that_left_are_not_scored(summarizer, sizes, hold) -> None:
    async def questions(client: Client) -> Any:
        stays = asyncio.create_task(client.post("/summarize", documents=[TEXT]))
        await asyncio.sleep(0.05)
        leaves, body = asyncio.Event(), json.dumps({"documents": [TEXT] * 3}).encode()
        goes = asyncio.create_task(client.ask("POST", "/summarize", body, leaves=leaves))
        await asyncio.sleep(0.05)
        leaves.set()
        gone = await goes
        hold.set()
        return gone, await stays, await client.ask("GET", "/health")

    gone, stayed, idle = asked(app(summarizer), questions)
    assert (gone, stayed[0], idle[1]["waiting"]) == ((0, None), 200, 0)
    assert sizes == [1]


def test_long_documents_do_not_hold_up_others(summarizer, sizes, monkeypatch) -> None:
    monkeypatch.setattr("bertsum.serve._CHARACTERS_AT_ONCE", 2 * len(TEXT))

    async def questions(client: Client) -> Any:
        many = await client.post("/summarize", documents=[TEXT] * 5)
        return many, await client.post("/summarize", documents=[TEXT, ["It rained."] * 40], query="Why?")

    many, long = asked(app(summarizer, Limits(characters=5 * len(TEXT))), questions)
    assert (many[0], sizes) == (200, [2, 2, 1])
    detail = "documents: got 536 characters with their queries, expected at most 445 in a request"
    assert long == (413, {"detail": detail})


def test_a_fault_is_told_of_and_does_not_end_the_service(summarizer, monkeypatch, caplog) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("unspecified launch failure")

    async def questions(client: Client) -> Any:
        with monkeypatch.context() as patch:
            patch.setattr(summarizer.model, "predict", broken)
            failed = await client.post("/prune", documents=[TEXT, TEXT], query=QUERY)
        return failed, await client.post("/summarize", documents=[TEXT])

    failed, after = asked(app(summarizer), questions)
    assert (failed[0], "the log of the service says why" in failed[1]["detail"], after[0]) == (500, True, 200)
    assert "unspecified launch failure" in caplog.text

    async def ended(self: Batcher) -> None:
        return None

    async def health(client: Client) -> Any:
        await asyncio.sleep(0)
        return await client.ask("GET", "/health")

    monkeypatch.setattr(Batcher, "work", ended)
    assert asked(app(summarizer), health)[0] == 503


@pytest.mark.parametrize(
    ("host", "family", "shown"),
    [("::1", socket.AF_INET6, "http://[::1]:8000 "), ("127.0.0.1", socket.AF_INET, "http://127.0.0.1:8000 ")],
)
def test_an_address_of_either_kind(monkeypatch, capsys, host, family, shown) -> None:
    listening = MagicMock()
    listening.getsockname.return_value = (host, 8000)
    create = Mock(return_value=listening)
    monkeypatch.setattr("socket.create_server", create)
    monkeypatch.setattr("uvicorn.Config", Mock())  # the real one closes the handlers of logging, and so the tests' own
    monkeypatch.setattr("uvicorn.Server", Mock())
    run_until_stopped(Mock(), host, 8000)
    create.assert_called_once_with((host, 8000), family=family)
    assert shown in capsys.readouterr().out


def test_it_describes_itself(summarizer) -> None:
    async def questions(client: Client) -> Any:
        return await client.ask("GET", "/openapi.json")

    status, described = asked(app(summarizer), questions)
    assert status == 200 and set(described["paths"]) == {"/health", "/summarize", "/prune"}
    fields = described["components"]["schemas"]["SummarizeRequest"]["properties"]
    assert {"documents", "query", "sentences"} <= set(fields)


@pytest.fixture
def served(encoder_folder, tmp_path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    build(encoder_folder).save_pretrained(tmp_path / "model")
    command = [sys.executable, "-m", "bertsum", "serve", "--model", str(tmp_path / "model"), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        pytest.fail(process.communicate()[1])
    yield process, line.split()[4]
    process.kill()
    process.communicate()


def test_the_command(served) -> None:
    import httpx

    process, address = served
    answer = httpx.post(f"{address}/summarize", json={"documents": [TEXT], "sentences": 1}, timeout=60)
    assert answer.status_code == 200 and answer.json()["summaries"][0]["text"] in TEXT
    refused = httpx.post(f"{address}/prune", json={"documents": [TEXT], "query": QUERY}, timeout=60)
    assert (refused.status_code, "not trained with queries" in refused.text) == (422, True)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert "Traceback" not in errors


def test_what_cannot_be_served() -> None:
    command = [sys.executable, "-m", "bertsum", "serve", "--timeout", "nan"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, "--timeout: got nan, expected a number above 0" in done.stderr) == (2, True)
