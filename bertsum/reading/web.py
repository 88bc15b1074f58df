"""Loads a web page: its bytes, or an error after a limited time."""

from __future__ import annotations

import http.client
import re
import threading
import urllib.request

from bertsum.errors import BertsumError

_ADDRESS = re.compile(r"https?://\S", re.IGNORECASE)
_SECONDS = 30
_MOST_BYTES = 50 << 20
_AGENT = "Mozilla/5.0 (compatible; bertsum)"  # some servers do not answer clients with Python's default name


def is_address(text: str) -> bool:
    """Whether a text is the address of a web page."""
    return _ADDRESS.match(text) is not None


def fetch(address: str) -> tuple[bytes, str, str | None]:
    """A page's content, its kind such as ``text/html``, and the encoding that its server names.

    Raises:
        BertsumError: if it does not come within 30 seconds, or is larger than 50 MiB.
    """
    found: list[tuple[bytes, str, str | None]] = []
    problems: list[str] = []

    def load() -> None:
        request = urllib.request.Request(address, headers={"User-Agent": _AGENT})
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
                found.append(
                    (
                        answer.read(_MOST_BYTES + 1),
                        answer.headers.get_content_type(),
                        answer.headers.get_content_charset(),
                    )
                )
        except (OSError, ValueError, http.client.HTTPException) as error:
            problems.append(str(getattr(error, "reason", None) or error))

    # Looking up a host name has no time limit, so it runs in a thread, for which this one waits a limited time.
    thread = threading.Thread(target=load, daemon=True)
    thread.start()
    thread.join(_SECONDS)
    if problems:
        raise BertsumError(f"'{address}': cannot be loaded: {problems[0]}; is there a network? Save the page to a file")
    if not found:
        raise BertsumError(f"'{address}': nothing came within {_SECONDS} seconds; save the page, and give the file")
    if len(found[0][0]) > _MOST_BYTES:
        raise BertsumError(f"'{address}': is larger than {_MOST_BYTES >> 20} MiB")
    return found[0]
