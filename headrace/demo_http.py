"""One keep-alive connection to the API, for one thread. Knows nothing of what is sent over it."""

from __future__ import annotations

import http.client
import time
from dataclasses import dataclass
from typing import Any

import msgspec


@dataclass(frozen=True, slots=True)
class Reply:
    """Status 0 stands for no answer at all; then `body` is the reason. `ms` is how long it took."""

    status: int
    body: Any
    ms: float


class Api:
    """Requests with JSON in and out. A connection that the server closed while idle is opened again, once."""

    def __init__(self, host: str, port: int, *, timeout: float = 10.0) -> None:
        self._connection = http.client.HTTPConnection(host, port, timeout=timeout)

    def get(self, path: str) -> Reply:
        """GET `path`."""
        return self._timed("GET", path, None)

    def post(self, path: str, body: object) -> Reply:
        """POST `body` as JSON."""
        return self._timed("POST", path, msgspec.json.encode(body))

    def close(self) -> None:
        """Close the connection; may be called twice."""
        self._connection.close()

    def _timed(self, method: str, path: str, body: bytes | None) -> Reply:
        started = time.perf_counter()
        try:
            status, answer = self._send(method, path, body)
        except (OSError, http.client.HTTPException, msgspec.DecodeError) as error:
            self._connection.close()
            status, answer = 0, f"{type(error).__name__}: {error}"
        return Reply(status, answer, (time.perf_counter() - started) * 1000)

    def _send(self, method: str, path: str, body: bytes | None) -> tuple[int, Any]:
        reused = self._connection.sock is not None
        try:
            return self._once(method, path, body)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            self._connection.close()
            if not reused:
                raise
            return self._once(method, path, body)

    def _once(self, method: str, path: str, body: bytes | None) -> tuple[int, Any]:
        self._connection.request(method, path, body, {"Content-Type": "application/json"})
        response = self._connection.getresponse()
        data = response.read()
        return response.status, msgspec.json.decode(data) if data else None
