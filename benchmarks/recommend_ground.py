"""What `recommend.py` asks: `headrace serve` over a version of a size, with users who did something, and the plain
stack over the same vectors. Nothing here is timed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.gateway_client import Client
from benchmarks.restore_model import Size
from benchmarks.rollback import wait_for
from benchmarks.rollback_ground import OLD, PATIENCE, Ground
from headrace.deployment import open_logs
from headrace.options import now
from headrace.settings import Quotas, Settings
from headrace.settings_file import save, without_settings
from headrace.supervisor import Supervisor
from headrace.tree import SINGLE_THREADED, command_of
from serving.hnsw_index import Shape, raw_index
from serving.scorer import Scorer
from streams.events import Interaction
from streams.frames import EventFrame, encode_frame

USERS, CLICKS = 2_000, 10
HOUR = 3_600_000
RANKED = 500
QUOTAS = {
    RANKED: {"vectors": 330, "recent": 90, "covisited": 60, "popular": 60, "trending": 20, "fresh": 30},
    2 * RANKED: {"vectors": 830, "recent": 90, "covisited": 60, "popular": 60, "trending": 20, "fresh": 30},
}
"""By how many are ranked: the quotas with which a user of this ground has at least so many candidates."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A process that answers: its port, and its pid for what it costs."""

    port: int
    pid: int

    def used(self) -> float:
        """Seconds of a core so far."""
        user, system = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def ground_of(place: Path, items: int) -> Ground:
    """A ground with people in it, made where no earlier run left it."""
    ground = Ground(place / f"items-{items}", Size(items, max(USERS, items // 2)))
    ground.prepare()
    if not (ground.var / "people").exists():
        _people(ground)
        (ground.var / "people").touch()
    return ground


def request(path: str, body: dict[str, object]) -> bytes:
    """A whole request as bytes."""
    data = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n"
    return head.encode() + data


@contextmanager
def headrace(ground: Ground, ranked: int) -> Iterator[Asked]:
    """Our server, ready, and its people known."""
    told = laid_out(ground, ranked)
    environ = SINGLE_THREADED | without_settings(os.environ)
    server = Supervisor({"serve": command_of("serve", told)}, told.parent / "run", environ=environ)
    server.start()
    try:
        status = server.wait_ready(PATIENCE)["serve"]
        asked = Asked(status.port or 0, status.pid)
        client = Client(asked.port)
        ready = b"GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n"
        wait_for("the server's version", lambda: client.post(ready) == 200)
        yield asked
    finally:
        server.stop()


def laid_out(ground: Ground, ranked: int) -> Path:
    """An empty folder for a server, with its settings in it; where they stand."""
    settings = settings_of(ground, ranked)
    shutil.rmtree(settings.var, ignore_errors=True)
    settings.var.mkdir(parents=True)
    (settings.var / "generations").symlink_to(ground.generations)
    told = settings.var / "settings.json"
    save(settings, told)
    return told


def settings_of(ground: Ground, ranked: int) -> Settings:
    """Of a server that ranks so many."""
    settings = ground.settings(1)
    return settings.model_copy(
        update={"serving": settings.serving.model_copy(update={"quotas": Quotas(**QUOTAS[ranked])})}
    )


@contextmanager
def plain(ground: Ground) -> Iterator[Asked]:
    """The plain stack, ready."""
    folder = ground.var / "plain"
    if not (folder / "index.hnsw").exists():
        _index(ground, folder)
    port = folder / "port"
    port.unlink(missing_ok=True)
    command = [sys.executable, "-m", "benchmarks.recommend_plain", str(folder)]
    process = subprocess.Popen(command, env=os.environ | SINGLE_THREADED, cwd=Path(__file__).parents[1])
    try:
        wait_for("the plain stack", lambda: _given(port) or process.poll() is not None)
        asked = Asked(int(port.read_text()), process.pid)
        wait_for("its first answer", lambda: _answers(asked.port))
        yield asked
    finally:
        process.terminate()
        process.wait(PATIENCE)


def asking_of(path: str, **more: object) -> Callable[[int], bytes]:
    """Requests by number: user after user."""
    bodies = [request(path, {"user_id": 1 + user, **more}) for user in range(USERS)]
    return lambda number: bodies[number * 7 % USERS]


def _given(port: Path) -> bool:
    return port.exists() and bool(port.read_text())


def _answers(port: int) -> bool:
    try:
        return Client(port).post(request("/recommend", {"user_id": 1})) == 200
    except OSError:
        return False


def _index(ground: Ground, folder: Path) -> None:
    vector_ID = Scorer.open(ground.generations / f"{OLD:08d}" / "serving").item_vectors
    folder.mkdir(exist_ok=True)
    np.save(folder / "vectors.npy", np.ascontiguousarray(vector_ID))
    raw_index(vector_ID, Shape(), threads=2).save_index(str(folder / "index.hnsw"))


def _people(ground: Ground) -> None:
    """An hour ago each of the first users clicked on some items; liked ones more often."""
    random, at = np.random.default_rng(3), now() - HOUR
    events = []
    for user in range(1, USERS + 1):
        drawn = random.zipf(1.3, 4 * CLICKS)
        for place, item in enumerate(drawn[drawn <= ground.size.items][:CLICKS].tolist()):
            events.append(Interaction(f"c{user}-{place}", at + place, str(user), "click", item_id=str(item)))
    with open_logs(ground.settings()) as logs:
        log = logs.open("events", 1)
        for first in range(0, len(events), 1_000):
            log.append(0, [encode_frame(EventFrame(tuple(events[first : first + 1_000])))], at=now())
