"""Several server processes behind one port: all answer, all follow a way back, and one that dies comes again."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.restore_model import Size
from benchmarks.rollback import back
from benchmarks.rollback_ground import NEW, OLD, Ground
from headrace.settings_file import save, without_settings
from headrace.telemetry import Status, read_status
from headrace.tree import SINGLE_THREADED

WORKERS = ["serve", "serve-1", "serve-2"]
PATIENCE = 240.0


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """`headrace serve --workers 3` over two versions."""
    ground = Ground(tmp_path_factory.mktemp("ground"), Size(200, 100))
    ground.prepare()
    settings = ground.settings(1)
    settings.var.mkdir(parents=True)
    (settings.var / "generations").symlink_to(ground.generations)
    told = settings.var / "settings.json"
    save(settings, told)
    command = [sys.executable, "-m", "headrace", "serve", "--settings", str(told), "--workers", "3"]
    process = subprocess.Popen(command, env=without_settings(os.environ) | SINGLE_THREADED)
    try:
        wait_for(lambda: sorted(statuses(ground)) == WORKERS)
        yield ground
    finally:
        process.terminate()
        process.wait(60)


def test_workers_share_one_port_and_all_of_them_answer(ground: Ground) -> None:
    assert len({status.port for status in statuses(ground).values()}) == 1
    wait_for(lambda: all(served(ground, "requests", 1)))
    wait_for(lambda: all(ask(ground)["rung"] == "model" for _ in range(6)))  # the first ones may pass their deadline


def test_a_way_back_reaches_every_worker(ground: Ground) -> None:
    ground.say("promote", NEW)
    wait_for(lambda: all(version == NEW for version in told(ground, "version")))
    back(ground)
    wait_for(lambda: all(version == OLD for version in told(ground, "version")))
    assert {ask(ground)["version"] for _ in range(20)} - {0} == {OLD}  # 0 is a lower rung's, past a deadline


def test_most_of_what_a_worker_has_in_memory_it_shares_with_the_others(ground: Ground) -> None:
    for status in statuses(ground).values():
        rollup = Path(f"/proc/{status.pid}/smaps_rollup").read_text().splitlines()
        kilobytes = {name: int(told.split()[0]) for name, _, told in (line.partition(":") for line in rollup[1:])}
        assert kilobytes["Private_Dirty"] < kilobytes["Shared_Dirty"]


def test_a_worker_that_is_killed_comes_again_while_the_others_answer(ground: Ground) -> None:
    before = statuses(ground)["serve-1"].pid
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: not alive(before))
    assert all(ask(ground)["items"] for _ in range(10))
    wait_for(lambda: "serve-1" in statuses(ground) and statuses(ground)["serve-1"].pid != before)


def test_only_the_first_worker_keeps_snapshots(ground: Ground) -> None:
    assert [path.name for path in (ground.settings(1).var / "snapshots").glob("*")] in ([], ["serve"])


def statuses(ground: Ground) -> dict[str, Status]:
    return read_status(ground.settings(1).var / "run")


def told(ground: Ground, name: str) -> list[Any]:
    """What each worker says of itself, while it is asked."""
    for _ in range(20):
        ask(ground)
    return [status.last.get(name) for status in statuses(ground).values()]


def served(ground: Ground, name: str, least: int) -> list[bool]:
    return [(value or 0) >= least for value in told(ground, name)]


def ask(ground: Ground) -> dict[str, Any]:
    """One answer, over a connection of its own, so that any worker may get it."""
    connection = http.client.HTTPConnection("127.0.0.1", statuses(ground)["serve"].port or 0, timeout=60)
    body = json.dumps({"user_id": "5", "n": 5, "dry_run": True})
    connection.request("POST", "/v1/recommend", body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    answer: dict[str, Any] = json.loads(response.read())
    connection.close()
    assert response.status == 200, answer
    return answer


def alive(pid: int) -> bool:
    """Whether any of its threads may still hold the port: its supervisor takes a dead one away when all are gone."""
    return Path(f"/proc/{pid}").exists()


def wait_for(true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.05)
