"""kill -9 in the middle of a rollback with a quarantine: whoever dies whenever, the same bytes come out.

And the proof that they are the right ones: the same log without the bad events, framed anew, folded from its begin.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from checkpoints.registry import Registry
from headrace.deployment import decision_log, run_folder, version_store
from headrace.digests import digest_of
from headrace.settings import Settings
from headrace.settings_file import save
from headrace.supervisor import Supervisor
from headrace.telemetry import read_status
from headrace.tree import tree_of
from tests.journeys.recorded import Recorded, record, recorded_settings, without

pytestmark = pytest.mark.timeout(1_800)

PROCESSES = ("serve", "join", "train", "follow")
FOLDS = ("events", "examples", "profiles", "popularity", "covisitation", "catalogue", "following")
LAST_GOOD = 2
MOMENTS_S = 6.0
"""Kills fall within this time after the command."""
PATIENCE_S = 300.0


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return record(tmp_path_factory.mktemp("recorded") / "var")


@pytest.fixture(scope="module")
def clean(recorded: Recorded, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The digests of the log that never held the bad events, through the command line."""
    gone_back = copied(recorded, tmp_path_factory.mktemp("gone_back") / "var")
    roll_back(recorded, gone_back)
    removed = recorded_settings(tmp_path_factory.mktemp("removed") / "var")
    with decision_log(gone_back) as decisions:
        decisions.follow()
        mask = decisions.fold.masking()
    without(gone_back, removed, mask)
    return digests(removed)


def copied(recorded: Recorded, var: Path) -> Settings:
    shutil.copytree(recorded.settings.var, var)
    return recorded_settings(var)


def headrace(settings: Settings, *words: str) -> str:
    """Run a command; what it printed."""
    written = run_folder(settings) / "settings.json"
    written.parent.mkdir(parents=True, exist_ok=True)
    save(settings, written)
    command = [sys.executable, "-m", "headrace", *words, "--settings", str(written)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def roll_back(recorded: Recorded, settings: Settings) -> None:
    """The operator's one command."""
    bad = f"app-version=9 from={recorded.bad_from} to={recorded.bad_to}"
    words = ("last-good", "--why", "a bad app", "--quarantine", bad, "--ripple", "--no-wait", "--json")
    assert json.loads(headrace(settings, "rollback", *words))["version"] == LAST_GOOD


def digests(settings: Settings) -> dict[str, str]:
    """Of everything, once new processes have brought every fold to the end of the log."""
    headrace(settings, "join", "--until-end")
    headrace(settings, "train", "--until-end")
    newest = list(version_store(settings).manifests())[-1]
    with decision_log(settings) as decisions:
        decisions.follow()
        assert decisions.fold.valid(newest.decisions, newest.input)
    return {name: digest_of(settings, name) for name in FOLDS} | {"weights": newest.digest}


@contextmanager
def running(settings: Settings) -> Iterator[Supervisor]:
    tree = tree_of(settings, PROCESSES)
    tree.start()
    try:
        tree.wait_ready(PATIENCE_S)
        yield tree
    finally:
        tree.stop()


def kill(tree: Supervisor, name: str) -> bool:
    """kill -9, if it runs."""
    status = tree.ready().get(name)
    if status is None:
        return False
    os.kill(status.pid, signal.SIGKILL)
    return True


def serves_what_is_live(settings: Settings) -> bool:
    """The server answers with what the decisions name: the old version, or one that has caught up since."""
    status = read_status(run_folder(settings)).get("serve")
    with decision_log(settings) as decisions:
        decisions.follow()
        live = Registry.of(decisions.fold).live
    assert live is not None
    manifest = version_store(settings).manifest(live)
    assert decisions.fold.valid(manifest.decisions, manifest.input)
    return status is not None and status.last.get("version") == live


def killed_in_the_middle(settings: Settings, recorded: Recorded, victims: list[str], chance: random.Random) -> None:
    """Processes run, the command is given, and each victim dies at a moment of its own; then all is stopped."""
    with running(settings) as tree:
        roll_back(recorded, settings)
        begin, dead = time.monotonic(), 0
        moments = sorted(chance.uniform(0, MOMENTS_S) for _ in victims)
        for moment, victim in zip(moments, victims, strict=True):
            while time.monotonic() < begin + moment or not kill(tree, victim):
                tree.watch()
                time.sleep(0.01)
            dead += 1
        end = time.monotonic() + PATIENCE_S
        while not serves_what_is_live(settings):
            tree.watch()
            assert time.monotonic() < end, f"the server does not follow; see {tree.run}"
            time.sleep(0.05)
        assert dead == len(victims)


def test_the_masked_log_and_the_log_without_the_events_say_the_same(
    recorded: Recorded, clean: dict[str, str], tmp_path: Path
) -> None:
    settings = copied(recorded, tmp_path / "var")
    before = digests(settings)
    roll_back(recorded, settings)
    after = digests(settings)
    assert after == clean
    assert {name for name in before if before[name] == after[name]} <= {"catalogue"}


def test_processes_killed_in_a_rollback_come_to_the_same_bytes(
    recorded: Recorded, clean: dict[str, str], tmp_path: Path
) -> None:
    settings = copied(recorded, tmp_path / "var")
    killed_in_the_middle(settings, recorded, list(PROCESSES), random.Random(3))
    assert digests(settings) == clean


@pytest.mark.drill
@pytest.mark.parametrize("round_", range(20))
def test_at_any_moment_of_a_rollback_a_process_may_be_killed(
    round_: int, recorded: Recorded, clean: dict[str, str], tmp_path: Path
) -> None:
    """Each round kills every process once, at random moments."""
    chance, settings = random.Random(100 + round_), copied(recorded, tmp_path / "var")
    victims = chance.sample(PROCESSES, len(PROCESSES))
    killed_in_the_middle(settings, recorded, victims, chance)
    assert digests(settings) == clean
    shutil.rmtree(tmp_path, ignore_errors=True)
