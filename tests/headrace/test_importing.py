"""Importing over a real socket, into the real gateway."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import StringIO
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from rich.console import Console

from headrace.importing import import_file
from headrace.posting import TRIES, NotPosted, Poster
from streams.events import Impression, Interaction
from streams.frames import decode_event
from streams.gateway import Door, gateway_app
from streams.intake import Intake
from streams.log import MemoryLogs
from streams.mapped_rows import Made

MAPPING = """
rows = "impressions"
[fields]
user_id = "u"
item_id = "i"
ts = "at"
request_id = { template = "{file}-{line}" }
[[outcomes]]
type = "click"
when = "clicked"
delay = { constant = 100 }
"""


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def written(folder: Path, lines: list[object]) -> tuple[Path, Path]:
    file, mapping = folder / "log.jsonl", folder / "mapping.toml"
    file.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    mapping.write_text(MAPPING)
    return file, mapping


def quiet() -> Console:
    return Console(file=StringIO(), width=200)


def no_pause(seconds: float) -> None:
    """The tests wait for nobody."""


def taken(logs: MemoryLogs, topic: str) -> list[object]:
    log = logs.open(topic, 2)
    return [decode_event(record.value) for p in range(2) for record in log.read(p, 0)]


def test_a_file_arrives_as_events_and_wrong_lines_are_reported(tmp_path: Path) -> None:
    logs = MemoryLogs()
    rows: list[object] = [{"u": n % 7, "i": n, "at": 1000 + n, "clicked": n % 3 == 0} for n in range(1300)]
    rows[4], rows[9], rows[11] = "{nonsense", {"u": 1, "i": 2, "at": "noon"}, {"u": "x" * 300, "i": 2, "at": 5}
    file, mapping = written(tmp_path, rows)
    console = quiet()
    with served(gateway_app(Intake(logs, partitions=2, clock=lambda: 0))) as url:
        done = import_file(file, mapping, url, console=console, pause=no_pause)
    shown = taken(logs, "impressions")
    clicks = taken(logs, "interactions")
    assert (done.rows, len(shown), done.accepted) == (1300, 1297, len(shown) + len(clicks))
    assert [(one.line, one.field) for one in sorted(done.rejected, key=lambda one: one.line)] == [
        (5, "line"),
        (10, "ts"),
        (12, "user_id"),
    ]
    assert all(isinstance(one, Impression) for one in shown)
    assert all(isinstance(one, Interaction) and one.request_id for one in clicks)
    out = console.file
    assert isinstance(out, StringIO)
    assert "line 12: user_id: has 300 bytes" in out.getvalue()
    assert "1,300 rows" in out.getvalue()


def test_importing_again_gives_the_same_events(tmp_path: Path) -> None:
    logs = MemoryLogs()
    file, mapping = written(tmp_path, [{"u": 1, "i": 2, "at": 5, "clicked": 1}])
    with served(gateway_app(Intake(logs, partitions=2, clock=lambda: 0))) as url:
        for _ in range(2):
            import_file(file, mapping, url, console=quiet(), pause=no_pause)
    first, second = taken(logs, "impressions")
    assert first == second


def test_a_batch_that_is_too_large_goes_in_halves(tmp_path: Path) -> None:
    logs = MemoryLogs()
    file, mapping = written(tmp_path, [{"u": 1, "i": n, "at": n} for n in range(100)])
    with served(gateway_app(Intake(logs, partitions=2, clock=lambda: 0), Door(events=9))) as url:
        done = import_file(file, mapping, url, console=quiet(), pause=no_pause)
    assert (done.accepted, len(taken(logs, "impressions"))) == (100, 100)


@contextmanager
def answering(*statuses: int) -> Iterator[tuple[str, list[bytes]]]:
    """A gateway that answers with these, one request each (0: hangs up), then 202."""
    left, bodies = list(statuses), []

    class Busy(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["content-length"])))
            status = left.pop(0) if left else 202
            if not status:
                self.close_connection = True
                return
            answer = b'{"accepted": 1, "rejected": 0, "results": []}'
            self.send_response(status)
            self.send_header("content-length", str(len(answer)))
            self.send_header("retry-after", "3")
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args: object) -> None:
            """Nothing on stderr."""

    server = HTTPServer(("127.0.0.1", 0), Busy)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", bodies
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


ONE = [Made(1, {"type": "click", "user_id": "ana", "item_id": "tea"})]


def test_a_busy_gateway_and_a_lost_connection_are_tried_again_with_the_same_bytes() -> None:
    pauses: list[float] = []
    with answering(429, 0, 503) as (url, bodies):
        poster = Poster(url, pause=pauses.append)
        posted = poster.post(ONE)
        poster.close()
    assert (posted.accepted, posted.repeats, len(set(bodies))) == (1, 3, 1)
    assert pauses == [3.0, 0.4, 3.0]


def test_patience_ends_and_says_what_to_do() -> None:
    pauses: list[float] = []
    with answering(*[0] * TRIES) as (url, _):
        poster = Poster(url, pause=pauses.append)
        with pytest.raises(NotPosted, match="import the file again: what was taken is not taken twice"):
            poster.post(ONE)
        poster.close()
    assert len(pauses) == TRIES - 1
    assert max(pauses) <= 10


def test_a_gateway_that_is_none_is_told_at_once() -> None:
    with answering(404) as (url, bodies):
        poster = Poster(url, pause=no_pause)
        with pytest.raises(NotPosted, match="answered 404"):
            poster.post(ONE)
        poster.close()
    assert len(bodies) == 1


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(NotPosted, match="write http://HOST:PORT"):
        Poster("ftp://nowhere", pause=no_pause)
