"""`headrace retain` as it runs beside the others: a process that reads what they say of themselves, and goes back."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from checkpoints.manifest import Manifest, TrainerPosition
from headrace.deployment import decision_log, version_store
from headrace.settings import Settings
from headrace.telemetry import Status
from streams.decisions import Decision

PATIENCE_S = 120
TOLD = """
[rollback.automatic]
on = true
metrics = ["errors"]
every = "200ms"
windows = 2
bad = 2
bake = 0
"""


def write(folder: Path) -> None:
    (folder / "told.txt").write_text("a version")


def published(settings: Settings, versions: int) -> None:
    """So many good versions, of which the last one serves, each since a day or longer."""
    store, at = version_store(settings), int(time.time() * 1_000) - 2 * 86_400_000
    with decision_log(settings) as decisions:
        for n in range(1, versions + 1):
            draft = Manifest(0, None, 0, {p: TrainerPosition(input=n) for p in range(4)}, verdict="pass")
            made = store.commit(store.reserve(), write, draft)
            decisions.decide(Decision("publish", at + n, "trainer", "due", n - 1, made.version, input=made.input))


def say(settings: Settings, requests: int, failed: int) -> None:
    """What a server says of itself, as its telemetry would."""
    run, now = settings.var / "run", int(time.time() * 1_000)
    run.mkdir(exist_ok=True)
    status = Status("serve", 1, now, now, last={"requests": requests, "failed": failed, "version": 2})
    aside = run / "serve.new"
    aside.write_bytes(msgspec.json.encode(status))
    aside.replace(run / "serve.json")


@contextmanager
def retaining(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    file = settings.var / "headrace.toml"
    file.write_text(TOLD)
    command = [sys.executable, "-m", "headrace", "retain", "--settings", str(file), "--var", str(settings.var)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.terminate()


def rollbacks(settings: Settings) -> list[Decision]:
    with decision_log(settings) as decisions:
        decisions.follow()
        return [line for line in decisions.fold.lines if line.kind == "rollback"]


def test_a_process_of_its_own_goes_back_once_when_requests_fail(tmp_path: Path) -> None:
    settings = Settings(var=tmp_path)
    published(settings, 2)
    requests = failed = 0
    with retaining(settings) as process:
        end = time.monotonic() + PATIENCE_S
        while not rollbacks(settings) and time.monotonic() < end and process.poll() is None:
            requests, failed = requests + 500, failed + 100
            say(settings, requests, failed)
            time.sleep(0.1)
        for _ in range(20):  # it goes on, and has no older version to go back to
            say(settings, requests := requests + 500, failed := failed + 100)
            time.sleep(0.05)
    lines = rollbacks(settings)
    assert [(line.who, line.version) for line in lines] == [("automatic", 1)]
    assert "of requests failed" in lines[0].why


def test_a_process_that_hears_of_no_failure_decides_nothing(tmp_path: Path) -> None:
    settings = Settings(var=tmp_path)
    published(settings, 2)
    with retaining(settings) as process:
        end, requests = time.monotonic() + PATIENCE_S, 0
        while not (tmp_path / "run" / "retain.json").exists() and time.monotonic() < end and process.poll() is None:
            say(settings, requests := requests + 500, 0)
            time.sleep(0.1)
        for _ in range(20):
            say(settings, requests := requests + 500, 0)
            time.sleep(0.05)
        assert process.poll() is None
    assert rollbacks(settings) == []
