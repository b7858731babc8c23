"""Three servers over one log, and an operator who goes back a second time while everyone still catches up; processes
die by kill -9 meanwhile. All servers come to the live version, and the bytes are those of one way back."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from checkpoints.registry import Registry
from headrace.deployment import decision_log, run_folder, version_store
from headrace.settings import Settings
from headrace.settings_file import save
from headrace.supervisor import Supervisor
from headrace.telemetry import read_status
from headrace.tree import command_of, tree_of
from tests.journeys.recorded import Recorded, recorded_settings
from tests.journeys.test_kills import (
    MOMENTS_S,
    PATIENCE_S,
    PROCESSES,
    copied,
    digests,
    headrace,
    kill,
    roll_back,
)
from tests.journeys.test_kills import clean as clean
from tests.journeys.test_kills import recorded as recorded

pytestmark = pytest.mark.timeout(1_800)

SERVERS = 3
FIRST = 1
"""The version that the second way back leads to: one before the first one's."""


@contextmanager
def running(settings: Settings, place: Path) -> Iterator[list[Supervisor]]:
    """Every process, and more servers, each with a folder of its own over the same log, versions and generations."""
    with ExitStack() as stack:
        trees = [tree_of(settings, PROCESSES)]
        for number in range(1, SERVERS):
            var = place / f"server{number}"
            var.mkdir()
            (var / "generations").symlink_to(settings.var / "generations")
            store = settings.store.model_copy(update={"versions": str(settings.var / "versions")})
            told = {"var": var, "log": f"sqlite://{settings.var}/log", "store": store}
            written = var / "settings.json"
            save(recorded_settings(var).model_copy(update=told), written)
            trees.append(Supervisor({"serve": command_of("serve", written)}, var / "run"))
        for tree in trees:
            tree.start()
            stack.callback(tree.stop)
        for tree in trees:
            tree.wait_ready(PATIENCE_S)
        yield trees


def wait_for(what: str, trees: list[Supervisor], true: object) -> None:
    end = time.monotonic() + PATIENCE_S
    while not true():  # type: ignore[operator]
        for tree in trees:
            tree.watch()
        assert time.monotonic() < end, f"{what}: see {[str(tree.run) for tree in trees]}"
        time.sleep(0.02)


def live(settings: Settings) -> int | None:
    with decision_log(settings) as decisions:
        decisions.follow()
        return Registry.of(decisions.fold).live


def newest(settings: Settings) -> int:
    return max(manifest.version for manifest in version_store(settings).manifests())


def answering(trees: list[Supervisor]) -> list[object]:
    """What each server answers with."""
    found = []
    for tree in trees:
        status = read_status(tree.run).get("serve")
        found.append((status.last.get("warm") or [None])[-1] if status else None)
    return found


def twice_back(settings: Settings, recorded: Recorded, place: Path, chance: random.Random) -> None:
    """One way back with a quarantine, a second one to an older version in the middle of it, then on again."""
    with running(settings, place) as trees:
        began, newest_before = time.monotonic(), newest(settings)
        victims = [(trees[0], name) for name in PROCESSES] + [(tree, "serve") for tree in trees[1:]]
        moments = sorted((chance.uniform(0, MOMENTS_S), at) for at in range(len(victims)))
        again = chance.uniform(0, MOMENTS_S / 2)
        roll_back(recorded, settings)
        done = False
        for moment, at in [*moments, (MOMENTS_S, -1)]:
            if not done and moment > again:
                wait_for("the second moment", trees, lambda: time.monotonic() > began + again)
                headrace(settings, "rollback", str(FIRST), "--why", "still bad", "--no-wait", "--json")
                done = True
            wait_for("a moment", trees, lambda m=moment: time.monotonic() > began + m)  # type: ignore[misc]
            if at >= 0:
                wait_for("one to kill", trees, lambda one=victims[at]: kill(*one))  # type: ignore[misc]
        wait_for("all at the older version", trees, lambda: set(answering(trees)) == {FIRST})
        assert live(settings) == FIRST, "nothing is published over the head of the operator"
        wait_for("all is learned again", trees, lambda: newest(settings) > newest_before)
        headrace(settings, "resume", "--why", "and on")
        headrace(settings, "publish", str(newest(settings)), "--why", "nothing more comes, so nothing else would be")
        wait_for("all at what is live", trees, lambda: set(answering(trees)) == {live(settings)})


def test_a_second_way_back_during_catch_up_comes_to_the_same_bytes(
    recorded: Recorded, clean: dict[str, str], tmp_path: Path
) -> None:
    settings = copied(recorded, tmp_path / "var")
    store = version_store(settings)
    assert max(len(store.links(one.version)) for one in store.manifests()) > 1, "versions stand on each other"
    twice_back(settings, recorded, tmp_path, random.Random(5))
    assert run_folder(settings).is_dir()
    assert digests(settings) == clean


@pytest.mark.drill
@pytest.mark.parametrize("round_", range(10))
def test_whenever_it_comes_and_whoever_dies(
    round_: int, recorded: Recorded, clean: dict[str, str], tmp_path: Path
) -> None:
    settings = copied(recorded, tmp_path / "var")
    twice_back(settings, recorded, tmp_path, random.Random(200 + round_))
    assert digests(settings) == clean
