"""What goes when a floor is set, in which order, and after any death."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from checkpoints.errors import NoSuchVersion
from checkpoints.floors import Trim
from checkpoints.retention import Effect, Retention, Topics, retain
from checkpoints.vouching import PREFIX
from streams.events import RAW_TOPICS
from streams.frames import EventFrame, encode_frame
from streams.positions import Positions
from tests.checkpoints.plain_site import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_what_serves_or_did_or_will_is_never_removed_nor_what_is_pinned(tmp_path: Path) -> None:
    site = Site(tmp_path, pinned=frozenset({1}))
    site.commit(20, 40, 60, 80, 100, 110, 120, 130)
    for version in (2, 4, 5):
        site.decide("publish", version=version, input={0: 20 * version})
    site.decide("rollback", version=3, input={0: 60})
    site.retention().turn()
    assert site.floor == 110
    assert site.versions == [1, 3, 5, 6, 7, 8], "3 is live, 5 was before and is the newest published"


def test_a_version_that_someone_goes_back_to_meanwhile_stays(site: Site) -> None:
    site.commit(20, 40, 60, 80, 100)
    running = site.retention().effects()
    while next(running) != "read back":
        pass
    site.decide("rollback", version=2, input={0: 40})
    list(running)
    assert site.versions == [2, 3, 4, 5]


def test_versions_above_the_floor_are_thinned_with_age_and_the_floor_stays(tmp_path: Path) -> None:
    site = Site(tmp_path, span=86_400_000)
    site.commit(*range(1, 101), after=2_000)
    done = site.retention().turn()
    assert done.floor is None
    assert site.versions[0] == 1
    assert site.versions[-3:] == [98, 99, 100]
    ages = [100 - version for version in site.versions]
    assert len(ages) < 30
    assert all(far <= 2 * max(near, 1) for far, near in pairwise(ages)), ages


def test_events_go_up_to_a_snapshot_whose_owner_knows_the_floor(site: Site) -> None:
    site.aside(0, 30, 50)
    site.commit(20, 40, 60, 80, 100)
    assert site.retention().turn().begins == {"examples": {0: 60}}
    assert site.events.begin(0) == 0, "its owner may thin away 50 before it hears of the floor"
    site.aside(90)
    assert site.retention().turn().begins == {"events": {0: 50}}
    assert site.events.begin(0) == 50
    assert site.examples.begin(0) == 60


def test_without_a_snapshot_the_events_stay(site: Site) -> None:
    site.commit(20, 40, 60, 80, 100)
    site.retention().turn()
    assert site.events.begin(0) == 0


def test_a_plan_says_what_a_turn_does_and_changes_nothing(site: Site) -> None:
    site.commit(20, 40, 60, 80, 100)
    plan = site.retention().plan()
    assert (plan.base, plan.floor, plan.gone, plan.trims) == (3, {0: 60}, (1, 2), (Trim("examples", 0, 60),))
    assert (site.floor, site.versions, site.examples.begin(0)) == (None, [1, 2, 3, 4, 5], 0)


def test_raw_topics_go_where_they_were_sequenced_and_are_older_than_the_span(tmp_path: Path) -> None:
    site = Site(tmp_path, span=30)
    raw = [site.logs.open(topic, 1) for topic in RAW_TOPICS]
    for log in raw:
        for n in range(100):
            log.append(0, [b"x"], at=n)
    letters = site.logs.open("dead-letters", 1)
    read: dict[str, Positions] = {topic: {0: 80} for topic in RAW_TOPICS} | {"items": {0: 40}}
    letters.append(0, [b"1", b"2"], at=69)
    letters.append(0, [b"3"], at=70)
    site.events.append(0, [encode_frame(EventFrame((), read))], at=100)
    site.now = 100
    retention = Retention(
        site.store, site.decisions, Topics(site.events, site.examples, raw, letters), dict, site.policy, lambda: 100
    )
    assert retention.turn().trimmed == 4 * 70 + 40 + 2
    assert {log.topic: log.begin(0) for log in raw} == dict.fromkeys(RAW_TOPICS, 70) | {"items": 40}
    assert letters.begin(0) == 2
    assert site.logs.open("decisions", 1).begin(0) == 0


@pytest.mark.parametrize("after", range(9))
def test_killed_after_any_effect_the_next_one_finishes_it(tmp_path: Path, after: int) -> None:
    def deployed(folder: Path) -> Site:
        site = Site(folder)
        site.commit(20, 40, 60, 80, 100)
        return site

    def state(site: Site) -> tuple[object, ...]:
        return site.floor, site.versions, site.examples.begin(0), site.events.begin(0)

    killed, whole = deployed(tmp_path / "killed"), deployed(tmp_path / "whole")
    effects: list[Effect] = list(whole.retention().effects())
    assert effects == ["planned", "appended", "read back", "removed", "removed", "trimmed"]
    for _ in zip(range(after), killed.retention().effects(), strict=False):
        pass
    killed.retention().turn()
    assert state(killed) == state(whole)
    assert killed.decisions.fold.position == 1, "one floor, one line"


def test_a_version_goes_in_one_step_and_leaves_of_deaths_are_swept(site: Site) -> None:
    site.commit(20, 40, 60, 80)
    torn = site.store.root / ".00000001.77"
    half = site.store.root / ".gone-00000001"
    for dead in (torn, half):
        dead.mkdir()
        (dead / "weights").write_bytes(b"w")
    site.retention().turn()
    left = sorted(path.name for path in site.store.root.iterdir() if not path.name.startswith(PREFIX))
    assert left == ["00000002", "00000003", "00000004", "highest"]
    with pytest.raises(NoSuchVersion):
        site.store.open(1)


def test_the_loop_works_when_it_is_due_and_is_idle_in_between(site: Site) -> None:
    site.commit(20, 40, 60, 80)
    loop: Iterator[object] = retain(site.retention(), every=1_000, clock=lambda: site.now)
    assert next(loop).floor == {0: 40}  # type: ignore[attr-defined]
    site.commit(100, after=0)
    assert next(loop).idle  # type: ignore[attr-defined]
    site.now += 1_000
    assert next(loop).floor == {0: 60}  # type: ignore[attr-defined]
