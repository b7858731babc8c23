"""How many events a second one gateway process takes, and what it does when more come than it can take.

A real `headrace gateway` over a log on a disk; clients in a process of their own post clicks of about 210 bytes over
four sockets, in batches of 100 and one by one. Then, with little room (`waiting_bytes` of 4 MiB), 64 sockets post
batches of 1,000 at once for a while and take no heed of Retry-After: who doesn't fit must be sent away (429), memory
must stay flat, and each event of each request that was answered with 202 must be in the log. `lost` counts those that
are not, of all runs. The peer is a FastAPI endpoint that only parses the JSON of the body, behind the same server: the
ceiling of this web layer. (Gorse, on another machine of this size, takes 13,000/s in batches and 860/s one by one.)
`events_per_cpu_s` is what a core gives that has nothing else to do. The topics of another log are made first, with
`headrace topics init`.

    python benchmarks/gateway.py [--quick] [--json] [--log kafka://HOST:PORT/PREFIX]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.gateway_client import Done, Job, posted
from headrace.deployment import open_logs
from headrace.settings import Settings
from headrace.telemetry import read_status
from streams.frames import decode_event
from streams.log import Logs

BAR = 10_000
SOCKETS, CROWD = 4, 64
WHOLE = {"batch": 300_000, "single": 10_000, "crowd_s": 20.0}
QUICK = {"batch": 100_000, "single": 2_000, "crowd_s": 6.0}
TIGHT = {"HEADRACE_GATEWAY__WAITING_BYTES": str(4 << 20)}
START_S = 60


@contextmanager
def gateway(var: Path, log: str, **environment: str) -> Iterator[tuple[int, int]]:
    """A gateway process: its port and pid."""
    command = [sys.executable, "-m", "headrace", "gateway", "--var", str(var), "--log", log, "--port", "0"]
    with _running(command, environment) as process:
        yield _ready(var, process), process.pid


@contextmanager
def peer(var: Path) -> Iterator[int]:
    """The peer's process: its port."""
    with _running([sys.executable, __file__, "--peer", str(var)], {}) as process:
        yield _ready(var, process, "peer")


@contextmanager
def _running(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(command, env=os.environ | environment) as process:
        try:
            yield process
        finally:
            process.terminate()


def _ready(var: Path, process: subprocess.Popen[bytes], name: str = "gateway") -> int:
    for _ in range(START_S * 20):
        told = read_status(var / "run").get(name)
        if told is not None and told.pid == process.pid and told.port:
            return told.port
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise SystemExit(f"{name} did not start; see its words above")


def run_peer(var: Path) -> None:
    """An endpoint that parses the JSON of a body and says how many events it held."""
    from fastapi import FastAPI, Request

    from headrace.options import now
    from headrace.telemetry import Telemetry
    from headrace.web import listen, serve

    app = FastAPI()

    async def take(request: Request) -> dict[str, int]:
        return {"accepted": len(await request.json())}

    app.add_api_route("/v1/events", take, methods=["POST"], status_code=202)
    listening = listen("127.0.0.1", 0)
    telemetry = Telemetry("peer", var / "run", clock=now, port=listening.getsockname()[1])
    serve(app, listening, [telemetry.keep])


def resident(pid: int) -> float:
    """MiB of a process in memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def cpu_s(pid: int) -> float:
    """Seconds of a core that a process has used."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def ids_in(logs: Logs, partitions: int) -> set[str]:
    """The ids of all events in the raw topic of the clicks."""
    log, ids = logs.open("interactions", partitions), set[str]()
    for p in range(partitions):
        offset = log.begin(p)
        while records := log.read(p, offset):
            ids.update(decode_event(record.value).event_id for record in records)  # type: ignore[union-attr]
            offset = records[-1].offset + 1
    return ids


class Runs:
    """Runs one after the other, and the ids of all events that were acknowledged."""

    def __init__(self) -> None:
        self.expected: set[str] = set()
        self._first = 0

    def run(self, port: int, batch: int, sockets: int, *, events: int = 0, seconds: float = 0.0) -> Done:
        done = posted(Job(port, batch, sockets, self._first, events, seconds))
        self._first += events or batch * sockets
        self.expected.update(f"e{n}" for first in done.taken for n in range(first, first + batch))
        return done


def measure(var: Path, log: str, size: dict[str, Any]) -> dict[str, Any]:
    """All runs."""
    runs, batch, single = Runs(), int(size["batch"]), int(size["single"])
    with gateway(var, log) as (port, pid):
        runs.run(port, 100, SOCKETS, events=10_000)  # warm
        began = cpu_s(pid)
        batches = runs.run(port, 100, SOCKETS, events=batch)
        used = cpu_s(pid) - began
        singles = runs.run(port, 1, 4 * SOCKETS, events=single)
    with peer(var) as port:
        posted(Job(port, 100, SOCKETS, 0, 10_000))
        peers = posted(Job(port, 100, SOCKETS, 10_000, batch))
    crowd = crowded(var, log, runs, float(size["crowd_s"]))
    settings = Settings(var=var, log=log)
    with open_logs(settings) as logs:
        lost = len(runs.expected - ids_in(logs, settings.partitions))
    events_s, peer_s = batch / batches.seconds, batch / peers.seconds
    return {
        "events_s": round(events_s),
        "events_per_cpu_s": round(batch / used),
        "single_events_s": round(single / singles.seconds),
        "peer_events_s": round(peer_s),
        "ratio": round(events_s / peer_s, 3),
        **crowd,
        "acknowledged": len(runs.expected),
        "lost": lost,
    }


def crowded(var: Path, log: str, runs: Runs, seconds: float) -> dict[str, Any]:
    """More than there is room for."""
    with gateway(var, log, **TIGHT) as (port, pid):
        runs.run(port, 1_000, SOCKETS, events=200_000)
        before, peak, over = resident(pid), [0.0], threading.Event()
        watch = threading.Thread(target=_watch, args=(pid, peak, over))
        watch.start()
        crowd = runs.run(port, 1_000, CROWD, seconds=seconds)
        over.set()
        watch.join()
        after, statuses = resident(pid), crowd.statuses
    return {
        "overload_429": statuses.get(429, 0),
        "overload_202": statuses.get(202, 0),
        "overload_other": sum(count for status, count in statuses.items() if status not in (202, 429)),
        "overload_events_s": round(1_000 * statuses.get(202, 0) / crowd.seconds),
        "rss_before_mib": round(before),
        "rss_peak_mib": round(peak[0]),
        "rss_after_mib": round(after),
    }


def _watch(pid: int, peak: list[float], over: threading.Event) -> None:
    while not over.wait(0.05):
        peak[0] = max(peak[0], resident(pid))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a third of the events")
    parser.add_argument("--json", action="store_true", help="one flat object as the last line")
    parser.add_argument("--log", help="another log than a new one on a disk; its topics must be there, and empty")
    parser.add_argument("--peer", type=Path, help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.peer:
        run_peer(told.peer)
        return
    with tempfile.TemporaryDirectory() as folder:
        result = measure(Path(folder), told.log or f"sqlite://{folder}/log", QUICK if told.quick else WHOLE)
    for name, value in result.items():
        print(f"{name:18} {value:>12,}")
    good = result["events_s"] >= BAR and result["lost"] == 0 and result["overload_429"] > 0
    print("bar:", "met" if good else "MISSED", f"({BAR:,} events/s, 429 under overload, nothing lost)")
    if told.json:
        print(json.dumps({"benchmark": "gateway", **result}))


if __name__ == "__main__":
    main()
