"""Stands before a web service: refuses requests that would fill memory or hold a connection, and drops those nobody
waits for.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any


class Guard:
    """Refuses bodies that are too large or too slow before they are parsed, and ends the work for clients that left."""

    def __init__(self, app: Any, most: int, seconds: float) -> None:
        """Takes an ASGI application, the most bytes of a body, and the longest time in which it may come."""
        self._app = app
        self._most = most
        self._seconds = seconds

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        from fastapi import HTTPException
        from fastapi.responses import JSONResponse

        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            told = int(dict(scope["headers"]).get(b"content-length", b"0"))
            body = await asyncio.wait_for(self._body(told, receive), self._seconds)
        except (asyncio.TimeoutError, HTTPException) as error:
            late = f"the body did not come within {self._seconds:g} seconds"
            status, why = (error.status_code, error.detail) if isinstance(error, HTTPException) else (408, late)
            await JSONResponse({"detail": why}, status, {"connection": "close"})(scope, receive, send)
            return
        if body is None:  # the client has gone
            return
        left = asyncio.create_task(receive())  # ends once the client has gone or the answer is sent
        whole = [{"type": "http.request", "body": body, "more_body": False}]

        async def replayed() -> Any:
            return whole.pop() if whole else await asyncio.shield(left)

        answered = asyncio.create_task(self._app(scope, replayed, send))
        try:
            await asyncio.wait((answered, left), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (answered, left):
                task.cancel()
        with suppress(asyncio.CancelledError):
            await answered

    async def _body(self, told: int, receive: Any) -> bytes | None:
        """The whole body, which the client said to have ``told`` bytes; None if it left before the end.

        Raises:
            HTTPException: if it is too large.
        """
        from fastapi import HTTPException

        body, more = bytearray(), True
        while more and max(told, len(body)) <= self._most:
            message = await receive()
            if message["type"] != "http.request":
                return None
            body += message.get("body", b"")
            more = message.get("more_body", False)
        if max(told, len(body)) > self._most:
            raise HTTPException(413, f"the body has more than {self._most:,} bytes")
        return bytes(body)
