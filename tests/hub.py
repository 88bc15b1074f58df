"""A hub to test against: the part of its HTTP API that pushing and reading a model ask for, in memory."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit


@dataclass
class Hub:
    """Repositories by id: each a list of commits, a commit all files by path.

    Attributes:
        address: Where it listens.
        repositories: The commits of each repository, the newest last.
        private: Which repositories are private.
    """

    address: str = ""
    repositories: dict[str, list[dict[str, bytes]]] = field(default_factory=dict)
    private: dict[str, bool] = field(default_factory=dict)

    def number(self, repo_id: str, revision: str) -> int | None:
        """Which commit a revision is: main, or a commit's name."""
        commits = self.repositories.get(repo_id, [])
        names = [commit_name(repo_id, number) for number in range(len(commits))]
        if revision == "main" and commits:
            return len(commits) - 1
        return names.index(revision) if revision in names else None


def commit_name(repo_id: str, number: int) -> str:
    """The name of a repository's n-th commit."""
    return hashlib.sha1(f"{repo_id} {number}".encode()).hexdigest()


@contextmanager
def running_hub() -> Iterator[Hub]:
    """A hub that listens on this machine while the block runs."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Handler,), {"hub": hub}))
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None: ...

    def do_POST(self) -> None:
        body = self._body()
        path = [unquote(part) for part in urlsplit(self.path).path.strip("/").split("/")]
        if path == ["api", "repos", "create"]:
            asked = json.loads(body)
            repo_id = f"{asked.get('organization') or 'me'}/{asked['name']}"
            self.hub.repositories.setdefault(repo_id, [])
            self.hub.private.setdefault(repo_id, asked.get("visibility") == "private")
            self._answer({"url": f"{self.hub.address}/{repo_id}"})
        elif path == ["api", "validate-yaml"]:
            self._answer({"errors": [], "warnings": []})
        elif path[-2] == "preupload":
            files = [file["path"] for file in json.loads(body)["files"]]
            self._answer({"files": [{"path": p, "uploadMode": "regular", "shouldIgnore": False} for p in files]})
        elif path[-2] == "commit":
            repo_id = "/".join(path[2:4])
            commits = self.hub.repositories[repo_id]
            lines = [json.loads(line) for line in body.splitlines()]
            added = {
                line["value"]["path"]: base64.b64decode(line["value"]["content"])
                for line in lines
                if line["key"] == "file"
            }
            commits.append({**(commits[-1] if commits else {}), **added})
            name = commit_name(repo_id, len(commits) - 1)
            self._answer({"commitUrl": f"{self.hub.address}/{repo_id}/commit/{name}", "commitOid": name})
        else:
            self._missing("EntryNotFound")

    def do_GET(self) -> None:
        path = [unquote(part) for part in urlsplit(self.path).path.strip("/").split("/")]
        api = path[0] == "api"
        repo_id = "/".join(path[2:4] if api else path[:2])
        number = self.hub.number(repo_id, path[5] if api else path[3])
        if repo_id not in self.hub.repositories:
            self._missing("RepoNotFound")
        elif number is None and api and path[4:] == ["revision", "main"]:  # older clients ask before the first commit
            self._answer({"id": repo_id, "sha": "0" * 40, "siblings": []})
        elif number is None:
            self._missing("RevisionNotFound")
        elif api and path[4] == "tree":
            files = self.hub.repositories[repo_id][number]
            self._answer([_entry(name, content) for name, content in files.items()])
        elif api:
            files = self.hub.repositories[repo_id][number]
            siblings = [{"rfilename": name, "size": len(content)} for name, content in files.items()]
            self._answer({"id": repo_id, "sha": commit_name(repo_id, number), "siblings": siblings, "tags": []})
        else:
            content = self.hub.repositories[repo_id][number]["/".join(path[4:])]
            etag, commit = hashlib.sha256(content).hexdigest(), commit_name(repo_id, number)
            self._send(200, content, {"ETag": f'"{etag}"', "X-Repo-Commit": commit})

    do_HEAD = do_GET  # noqa: N815  # http.server calls it so

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _missing(self, code: str) -> None:
        self._send(404, b"{}", {"X-Error-Code": code, "X-Error-Message": code})

    def _answer(self, values: Any) -> None:
        self._send(200, json.dumps(values).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def _entry(name: str, content: bytes) -> dict[str, Any]:
    return {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
