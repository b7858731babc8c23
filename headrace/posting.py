"""Events over HTTP to `POST /v1/events`: batches, gzip, and patience that ends. Knows nothing of files or mappings.

A batch that may or may not have arrived is sent again: events are known by their ids, so repeats do no harm.
"""

from __future__ import annotations

import gzip
import http.client
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec

from streams.errors import HeadraceError
from streams.mapped_rows import Made, Rejected

TRIES = 8
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0
AGAIN = (429, 500, 502, 503, 504)
TIMEOUT = 30.0


class NotPosted(HeadraceError):
    """The gateway could not be reached, or refused in a way that no repeat will cure."""


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of one batch."""

    accepted: int
    rejected: tuple[Rejected, ...]
    repeats: int


class Poster:
    """A connection to one gateway, with a `key` where it asks for one. `pause` is given the seconds to wait before a
    batch is sent again."""

    def __init__(self, url: str, *, pause: Callable[[float], None], key: str | None = None) -> None:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise NotPosted(f"{url!r} is no address of a gateway; write http://HOST:PORT")
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._url = url
        self._path = parts.path.rstrip("/") + "/v1/events"
        self._pause = pause
        self._key = {} if key is None else {"x-api-key": key}
        self._connection = kind(parts.hostname, parts.port, timeout=TIMEOUT)

    def post(self, batch: Sequence[Made]) -> Posted:
        """Send a batch until it was answered for. Raises NotPosted when patience ends.

        1. send; 2. where the gateway is busy or gone, wait and send again, longer each time; 3. where the batch is
        too large, send its halves; 4. give each refusal back with the line that it came from.
        """
        if not batch:
            return Posted(0, (), 0)
        body = gzip.compress(msgspec.json.encode([made.event for made in batch]), 1)
        status, answer, repeats = self._sent(body)
        if status == 413 and len(batch) > 1:
            half = len(batch) // 2
            left, right = self.post(batch[:half]), self.post(batch[half:])
            refused = left.rejected + right.rejected
            return Posted(left.accepted + right.accepted, refused, repeats + left.repeats + right.repeats)
        if status not in (202, 422) and not (status == 413 and len(batch) == 1):
            raise NotPosted(f"{self._url} answered {status}: {_told(answer)}. Check the address and the gateway's log.")
        refused = tuple(_refusals(batch, status, answer))
        return Posted(len(batch) - len(refused), refused, repeats)

    def close(self) -> None:
        self._connection.close()

    def _sent(self, body: bytes) -> tuple[int, bytes, int]:
        """Status and body of the first answer that is not "again", and how often it was sent in vain."""
        headers = {"content-type": "application/json", "content-encoding": "gzip"} | self._key
        told, pause = "", FIRST_PAUSE
        for repeats in range(TRIES):
            asked = 0.0
            try:
                self._connection.request("POST", self._path, body, headers)
                response = self._connection.getresponse()
                answer = response.read()
                if response.status not in AGAIN:
                    return response.status, answer, repeats
                told, asked = (
                    f"answered {response.status}: {_told(answer)}",
                    _seconds(response.getheader("retry-after")),
                )
            except (OSError, http.client.HTTPException) as error:
                self._connection.close()
                told = f"can't be reached: {error or type(error).__name__}"
            if repeats < TRIES - 1:
                self._pause(min(max(asked, pause), LONGEST_PAUSE))
                pause *= 2
        raise NotPosted(
            f"{self._url} {told}, {TRIES} times. Start it with `headrace gateway` or `headrace up`, then import the "
            "file again: what was taken is not taken twice."
        )


def _refusals(batch: Sequence[Made], status: int, answer: bytes) -> list[Rejected]:
    if status == 413:
        return [Rejected(batch[0].line, "event", "is larger than the gateway takes")]
    told: dict[str, Any] = msgspec.json.decode(answer)
    if status == 422:
        return [Rejected(batch[e["index"]].line, e["field"], e["reason"]) for e in told["errors"]]
    wrong = ((r["index"], r["problem"]) for r in told["results"] if r["status"] == "rejected")
    return [Rejected(batch[i].line, p["field"], p["detail"].removeprefix(f"{p['field']}: ")) for i, p in wrong]


def _seconds(header: str | None) -> float:
    try:
        return max(0.0, float(header or 0))
    except ValueError:
        return 0.0


def _told(answer: bytes) -> str:
    return answer[:200].decode(errors="replace").strip() or "nothing"
