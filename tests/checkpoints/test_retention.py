"""What is taken away, in which order, and that there is always something left to go back to."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from checkpoints.errors import NoSuchVersion
from checkpoints.floors import Policy, Trim, good
from checkpoints.manifest import Manifest, TrainerPosition
from checkpoints.retention import Effect, Retention, Topics, retain
from checkpoints.store import VersionStore
from streams.decisions import Decision, DecisionLog
from streams.events import RAW_TOPICS
from streams.frames import EventFrame, encode_frame
from streams.log import MemoryLogs
from streams.mask import Entry
from streams.positions import Positions

FRAMES = 200


def weights(folder: Path) -> None:
    (folder / "weights").write_bytes(b"w")


class Site:
    """One partition of `FRAMES` frames, versions by hand, a joiner whose snapshots are a list."""

    def __init__(self, folder: Path, **policy: object) -> None:
        self.logs = MemoryLogs()
        self.events, self.examples = self.logs.open("events", 1), self.logs.open("examples", 1)
        for n in range(FRAMES):
            self.events.append(0, [encode_frame(EventFrame((), {}))], at=n)
            self.examples.append(0, [b""], at=n)
        self.decisions = DecisionLog(self.logs.open("decisions", 1))
        self.store = VersionStore(folder / "versions")
        self.snapshots: dict[str, dict[int, list[tuple[int, int]]]] = {"join": {0: []}}
        self.now = 0
        self.policy = Policy(**{"span": 0, "versions": 3} | policy)  # type: ignore[arg-type]

    def commit(self, *inputs: int, after: int = 1_000, verdict: str = "pass") -> None:
        """Versions that relied on so many frames, one each `after` ms, made under today's decisions."""
        self.decisions.follow()
        for upto in inputs:
            self.now += after
            version = self.store.reserve()
            at = TrainerPosition(upto, upto - 1, watermark=10 * upto, input=upto)
            draft = Manifest(
                version, version - 1 or None, self.decisions.fold.position, {0: at}, examples=upto,
                created_at=self.now, verdict=verdict,  # type: ignore[arg-type]
            )  # fmt: skip
            self.store.commit(version, weights, draft)

    def decide(self, kind: str, **fields: object) -> bool:
        self.decisions.follow()
        line = Decision(kind, self.now, "ana", "test", self.decisions.fold.position, **fields)  # type: ignore[arg-type]
        return self.decisions.decide(line)[1]

    def mask(self, start: int, name: str = "q") -> bool:
        return self.decide("mask", add=(Entry(name, start={0: start}),))

    def aside(self, *nexts: int) -> None:
        """The joiner takes snapshots: it has read all decisions."""
        self.decisions.follow()
        self.snapshots["join"][0] += [(next, self.decisions.fold.position) for next in nexts]

    def retention(self) -> Retention:
        """A process starts."""
        log = DecisionLog(self.logs.open("decisions", 1))
        topics = Topics(self.events, self.examples)
        return Retention(self.store, log, topics, lambda: self.snapshots, self.policy, lambda: self.now)

    @property
    def versions(self) -> list[int]:
        return [manifest.version for manifest in self.store.manifests()]

    @property
    def floor(self) -> int | None:
        self.decisions.follow()
        return (self.decisions.fold.floor() or {}).get(0)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


# ---- the floor -------------------------------------------------------------------------------------------------------


def test_nothing_goes_before_there_are_as_many_versions_as_always_stay(site: Site) -> None:
    site.commit(20, 40)
    done = site.retention().turn()
    assert (done.floor, done.held, site.versions) == (None, "there are 2 valid versions, and 3 always stay", [1, 2])


def test_the_floor_is_what_the_oldest_version_that_stays_had_relied_on(site: Site) -> None:
    site.commit(20, 40, 60, 80, 100)
    done = site.retention().turn()
    assert (site.floor, done.base, done.floor) == (60, 3, {0: 60})
    assert site.versions == [3, 4, 5]


def test_tainted_and_failed_versions_do_not_count(site: Site) -> None:
    site.commit(20, 40, 60, 80)
    site.mask(70)
    site.commit(70)
    site.commit(71, verdict="fail")
    site.retention().turn()
    assert site.floor == 40
    assert site.versions == [2, 3, 4, 5, 6], "what is tainted above the floor may be good again after a lift"


def test_the_floor_is_no_younger_than_the_span(tmp_path: Path) -> None:
    site = Site(tmp_path, span=3_500)
    site.commit(20, 40, 60, 80, 100, 120, 140)
    assert site.retention().turn().base == 3
    site.now += 1_000
    assert site.retention().turn().base == 4


def test_the_floor_stays_behind_the_newest_version_by_the_lifespan_of_an_event(tmp_path: Path) -> None:
    site = Site(tmp_path, lifespan=600)
    site.commit(20, 40, 60, 80, 100)
    assert site.retention().turn().base == 2
    assert site.floor == 40


def test_the_floor_never_falls(site: Site) -> None:
    site.commit(20, 40, 60, 80)
    slow = site.retention().effects()
    assert next(slow) == "planned"
    site.commit(100, 120, 140)
    site.retention().turn()
    assert site.floor == 100
    list(slow)
    assert site.floor == 100


def test_a_fold_without_a_snapshot_at_the_floor_holds_it_down(site: Site) -> None:
    site.commit(20, 40, 60, 80, 100, 120)
    site.events.trim(0, 10)
    site.aside(50, 90)
    done = site.retention().turn()
    assert (site.floor, done.base) == (80, 4)
    site.snapshots["serve"] = {0: [(110, 0)]}
    site.commit(140)
    done = site.retention().turn()
    assert done.held == "serve has no valid snapshot of partition 0 at 100 or below"
    assert site.floor == 80


def test_a_damaged_version_is_no_base(site: Site) -> None:
    site.commit(20, 40, 60, 80)
    (site.store.folder(2) / "weights").write_bytes(b"torn")
    done = site.retention().turn()
    assert done.base == 1


# ---- void ------------------------------------------------------------------------------------------------------------


def test_a_mask_between_plan_and_line_makes_it_void_and_nothing_goes(site: Site) -> None:
    site.commit(20, 40, 60, 80, 100)
    retention = site.retention()
    running = retention.effects()
    assert next(running) == "planned"
    assert site.mask(30)
    assert list(running) == ["appended", "read back"]
    assert retention.report.void
    assert (site.floor, site.versions) == (None, [1, 2, 3, 4, 5])
    fold = site.decisions.fold
    assert [m.version for m in good(site.store.manifests(), fold)] == [1], "what is left to go back to"


def test_a_mask_after_the_line_is_void_below_the_floor_and_holds_above(site: Site) -> None:
    site.commit(20, 40, 60, 80, 100)
    site.aside(30, 55)
    site.retention().turn()
    assert not site.mask(59)
    assert site.mask(60)
    assert [m.version for m in good(site.store.manifests(), site.decisions.fold)] == [3]


# ---- what goes -------------------------------------------------------------------------------------------------------


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


# ---- deaths ----------------------------------------------------------------------------------------------------------


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
    for left in (torn, half):
        left.mkdir()
        (left / "weights").write_bytes(b"w")
    site.retention().turn()
    assert sorted(path.name for path in site.store.root.iterdir()) == ["00000002", "00000003", "00000004", "highest"]
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
