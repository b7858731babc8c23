"""A small HTTP server that plays the API for the demo's client side: it answers, counts, and fails when told to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class SmallApi(ThreadingHTTPServer):
    """Answers slates of the first items, takes all events. `fails` names paths that get status 500."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.events: list[dict[str, Any]] = []
        self.asked: list[dict[str, Any]] = []
        self.connections: set[tuple[str, int]] = set()
        self.fails: set[str] = set()
        self.hangs_up = False
        self.lock = threading.Lock()

    @property
    def port(self) -> int:
        return self.server_address[1]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: SmallApi

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.connections.add(self.client_address)
            if self.path in self.server.fails:
                return self._say(500, {"title": "told to fail"})
            if self.path == "/v1/events":
                self.server.events += body
                return self._say(202, {"accepted": len(body), "rejected": 0, "results": []})
            self.server.asked.append(body)
            n = len(self.server.asked)
        items = [{"item_id": f"i{(n * 7 + k) % 900}", "position": k} for k in range(body["n"])]
        stamps = {"retrieval": 1, "ranking": 1, "generation": 1}
        answer = {"request_id": f"r{n}", "version": 1, "rung": "model", "history_at": None}
        return self._say(200, answer | {"stamps": stamps, "items": items})

    def _say(self, status: int, content: object) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        if self.server.hangs_up:
            self.close_connection = True  # without telling: as an idle time-out would look to the client

    def log_message(self, format: str, *args: Any) -> None:
        """Silence."""


@contextmanager
def small_api() -> Iterator[SmallApi]:
    server = SmallApi()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
