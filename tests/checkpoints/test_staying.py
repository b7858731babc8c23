"""Which versions stay: bases of chains, hours and days, what is pinned, and as many as the disk has room for."""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import pytest

from checkpoints.compacting import Compacted, Compacting
from checkpoints.compaction import compact
from checkpoints.deltas import changed, delta, write
from checkpoints.floors import Policy
from checkpoints.locations import Location
from checkpoints.manifest import Manifest, TrainerPosition
from checkpoints.retained import Topics
from checkpoints.retention import Retention, retain
from checkpoints.store import VersionStore
from streams.decisions import Decision, DecisionLog
from streams.frames import EventFrame, encode_frame
from streams.log import MemoryLogs
from streams.mask import Entry
from tests.checkpoints.test_places import Broken, broken

FRAMES = 400
HOUR = 3_600_000


class Site:
    """A log of `FRAMES` frames, a trainer that writes chains, and retention over both."""

    def __init__(self, folder: Path, **policy: object) -> None:
        logs = MemoryLogs()
        self.events, self.examples = logs.open("events", 1), logs.open("examples", 1)
        for n in range(FRAMES):
            self.events.append(0, [encode_frame(EventFrame((), {}))], at=n)
            self.examples.append(0, [b""], at=n)
        self._lines = logs.open("decisions", 1)
        self.decisions = DecisionLog(self._lines)
        self.store, self.now, self.upto = VersionStore(folder / "versions"), 0, 0
        self.policy = Policy(**{"span": 0, "versions": 3} | policy)  # type: ignore[arg-type]

    def commit(self, versions: int = 1, *, chain: int = 4, after: int = 1_000, full: int = 4_000) -> None:
        """Versions of a line, a full one after each `chain`; a full one is about `full` bytes, a delta a tenth."""
        for _ in range(versions):
            self.now, self.upto = self.now + after, self.upto + 1
            self.decisions.follow()
            manifests = self.store.manifests()
            parent = manifests[-1].version if manifests else None
            base = parent if parent and len(self.store.links(parent)) < chain else None
            number = self.store.reserve()
            table = np.full(full // 8, number)
            part = (
                {"t": table} if base is None else delta(base, changed("t", table, np.arange(full // 160), len(table)))
            )
            at = TrainerPosition(self.upto, watermark=10 * self.upto, input=self.upto)
            draft = Manifest(
                number, parent, self.decisions.fold.position, {0: at},
                examples=self.upto, created_at=self.now, verdict="pass", base=base,
            )  # fmt: skip
            self.store.commit(number, lambda folder, part=part: write(folder / "t.safetensors", part), draft)

    def decide(self, kind: str, **fields: object) -> None:
        self.decisions.follow()
        seen = self.decisions.fold.position
        self.decisions.decide(Decision(kind, self.now, "ana", "test", seen, **fields))  # type: ignore[arg-type]

    def retention(self) -> Retention:
        topics = Topics(self.events, self.examples)
        return Retention(self.store, DecisionLog(self._lines), topics, dict, self.policy, lambda: self.now)

    @property
    def versions(self) -> list[int]:
        return [m.version for m in self.store.manifests()]

    @property
    def bytes(self) -> int:
        return sum(path.stat().st_size for path in self.store.root.rglob("*") if path.name.endswith(".safetensors"))


def test_what_stands_below_the_floor_stays_while_something_above_stands_on_it(quick: Path) -> None:
    site = Site(quick)
    site.commit(7)
    done = site.retention().turn()
    assert (done.base, site.versions) == (5, [5, 6, 7]), "5 is full, 1 to 4 were a chain of their own"
    site.commit(1)
    assert (site.retention().turn().base, site.versions) == (6, [5, 6, 7, 8]), "8, 7 and 6 stand on 5"
    site.commit(1)
    assert (site.retention().turn().base, site.versions) == (7, [5, 6, 7, 8, 9]), "9 is full, 8 and 7 stand on 5 and 6"
    for version in site.versions:
        site.store.chain(version)


def test_a_compacted_version_lets_go_of_what_it_stood_on(quick: Path) -> None:
    site = Site(quick)
    site.commit(8, chain=8)
    site.retention().turn()
    assert site.versions == [1, 2, 3, 4, 5, 6, 7, 8]
    compact(site.store, 6)
    assert site.retention().turn().gone == (1, 2, 3, 4, 5)
    for version in site.versions:
        site.store.chain(version)


def test_what_stands_on_others_goes_before_them(quick: Path) -> None:
    site = Site(quick)
    site.commit(8)
    running = site.retention().effects()
    for effect in running:
        if effect == "removed":
            for version in site.versions:
                site.store.chain(version)
    assert site.versions == [5, 6, 7, 8]


def test_a_pinned_version_stays_with_its_chain_until_it_is_unpinned(quick: Path) -> None:
    site = Site(quick)
    site.commit(3)
    site.decide("pin", version=2)
    site.commit(9)
    site.retention().turn()
    assert site.versions == [1, 2, 9, 10, 11, 12]
    site.decide("unpin", version=2)
    site.retention().turn()
    assert site.versions == [9, 10, 11, 12]


def test_a_version_that_is_pinned_meanwhile_stays_with_its_chain(quick: Path) -> None:
    site = Site(quick)
    site.commit(12)
    running = site.retention().effects()
    while next(running) != "removed":
        pass
    assert 8 not in site.versions
    site.decide("pin", version=3)
    list(running)
    assert site.versions == [1, 2, 3, 9, 10, 11, 12]


def test_one_version_of_each_of_the_last_hours_and_days_stays_wherever_the_floor_is(quick: Path) -> None:
    site = Site(quick, hourly=3, daily=2, versions=2)
    site.commit(120, chain=1, after=HOUR // 2)
    site.retention().turn()
    site.decisions.follow()
    assert site.decisions.fold.floor() == {0: 119}
    assert site.versions == [95, 117, 119, 120], "day 1 ends with 95, hours 58 to 60 with 117, 119 and 120"


def test_tainted_versions_are_none_of_the_hours(quick: Path) -> None:
    site = Site(quick, hourly=2, versions=1)
    site.commit(6, chain=1, after=HOUR // 2)
    site.decide("mask", add=(Entry("q", start={0: 3}),))
    site.commit(1, chain=1, after=HOUR // 2)
    site.retention().turn()
    valid = [m.version for m in site.store.manifests() if site.decisions.fold.valid(m.decisions, m.input)]
    assert valid == [3, 7], "hour 1 and hour 3; 5 and 6 were closer, but learned what is masked"


# ---- a bounded disk --------------------------------------------------------------------------------------------------


def test_the_disk_is_held_to_its_bound_by_going_back_less_far(quick: Path) -> None:
    """Versions of 4,000 bytes, a day of span: without a bound all of them would stay."""
    site = Site(quick, span=24 * HOUR, versions=50, disk=42_000, lifespan=20)
    floors = []
    for _ in range(40):
        site.commit(3, chain=1)
        done = site.retention().turn()
        assert not done.warning
        assert site.bytes <= 42_000
        assert done.bytes is not None
        assert site.bytes == pytest.approx(done.bytes, rel=0.05)
        floors.append((done.floor or {0: 0})[0])
        newest = site.versions[-1]
        assert newest == site.upto
        assert newest - floors[-1] >= 2, "what was learned last can always be masked"
    assert floors == sorted(floors)
    assert floors[-1] > 100, "the floor follows, so that the log goes as well"
    assert site.examples.begin(0) == floors[-1]


def test_however_small_the_disk_what_was_learned_last_can_be_masked(quick: Path) -> None:
    site = Site(quick, disk=5_000, lifespan=50, versions=2)
    for _ in range(10):
        site.commit(4, chain=1)
        done = site.retention().turn()
        if done.floor:
            assert site.upto - done.floor[0] >= 5
            assert "[retention] disk allows 4.9 KiB" in done.warning
    assert site.versions == [32, 36, 40], "the base of the floor, the one that will be the next, and the newest"


def test_nothing_goes_for_want_of_room_that_is_not_in_the_way(quick: Path) -> None:
    bounded, free = Site(quick / "bounded", disk=1_000_000), Site(quick / "free")
    for site in (bounded, free):
        site.commit(20)
        site.retention().turn()
    assert bounded.versions == free.versions


def test_what_can_not_go_is_said_loudly(quick: Path) -> None:
    site = Site(quick, disk=9_000)
    site.commit(12, chain=1)
    for version in (2, 4):
        site.decide("pin", version=version)
    site.decide("publish", version=6, input={0: 6})
    plan = site.retention().plan()
    done = site.retention().turn()
    assert site.versions == [2, 4, 6, 11, 12], "two pinned, one live, the base of the floor, the newest"
    assert done.warning == plan.warning
    assert "versions take 19.9 KiB, but [retention] disk allows 8.8 KiB" in done.warning
    assert "2, 4, 6, 11, 12" in done.warning
    assert "headrace versions list" in done.warning
    site.decide("unpin", version=2)
    site.decide("unpin", version=4)
    site.decide("publish", version=12, input={0: 12})
    site.decide("publish", version=12, input={0: 12})
    assert "6, 11, 12" in site.retention().turn().warning, "6 was live before"


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_decided_and_committed_all_that_stays_opens_and_nothing_needed_goes(quick: Path, seed: int) -> None:
    r = Random(seed)
    bound = r.choice([0, 12_000, 30_000])
    site = Site(quick, versions=r.randrange(1, 5), hourly=r.randrange(3), disk=bound, lifespan=r.choice([0, 60]))
    pins: set[int] = set()
    for _ in range(30):
        site.commit(r.randrange(1, 5), chain=r.randrange(1, 6), after=r.choice([1_000, HOUR // 3]), full=2_000)
        version = r.choice(site.versions)
        match r.randrange(6):
            case 0:
                site.decide("pin", version=version)
                pins.add(version)
            case 1:
                site.decide("unpin", version=version)
                pins.discard(version)
            case 2:
                site.decide("publish", version=version, input={0: 1})
            case 3:
                compact(site.store, version)
            case 4:
                floor = (site.decisions.fold.floor() or {0: 0})[0]
                site.decide("mask", add=(Entry(f"q{version}", start={0: r.randrange(floor, site.upto + 2)}),))
        retention = site.retention()
        for effect, _ in zip(retention.effects(), range(r.choice([3, 4, 5, 99])), strict=False):
            assert effect
        left = site.versions
        for one in left:
            site.store.chain(one)
        assert pins <= set(left)
        site.decisions.follow()
        floor = site.decisions.fold.floor()
        assert floor is None or any(site.store.manifest(one).input[0] <= floor[0] for one in left)


def test_a_place_that_does_not_answer_is_warned_of_and_asked_again(
    quick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site(quick)
    site.store = broken(quick / "copies")
    site.commit(6, chain=1)
    loop = retain(site.retention(), every=1_000, clock=lambda: site.now)
    monkeypatch.setattr(Broken, "error", ConnectionRefusedError("port 9000"))
    report = next(loop)
    assert "nothing was taken away: broken://v does not answer" in report.warning
    assert next(loop).idle
    monkeypatch.undo()
    site.now += 1_000
    report = next(loop)
    assert (report.gone, report.warning) == ((1, 2, 3), "")


# ---- compaction in the background ------------------------------------------------------------------------------------


def test_chains_are_made_short_by_a_child_while_the_loop_goes_on(quick: Path) -> None:
    site = Site(quick)
    site.commit(5, chain=99)
    compacting = Compacting(Location(str(site.store.root)), most=6, every=1, clock=lambda: site.now)
    loop = retain(site.retention(), every=10**9, clock=lambda: site.now, compacting=compacting)
    assert next(loop).idle is False
    for report in loop:
        site.now += 1
        if report.compacted is not None:
            break
    assert (report.compacted, report.warning) == (5, "")
    site.commit(2, chain=99)
    assert [len(site.store.chain(version)) for version in (4, 5, 6, 7)] == [4, 1, 2, 3]
    loop.close()  # type: ignore[attr-defined]


def test_a_child_that_fails_is_told_and_tried_again_later(quick: Path) -> None:
    site = Site(quick)
    site.commit(4, chain=99)
    (site.store.folder(2) / "t.safetensors").write_bytes(b"torn")
    compacting = Compacting(Location(str(site.store.root)), most=4, every=1_000, clock=lambda: site.now)
    assert compacting.turn() is None
    while (made := compacting.turn()) is None:
        pass
    assert made.version == 4
    assert "00000002/t.safetensors" in made.error
    site.now += 1_000
    assert compacting.turn() is None
    assert compacting._child is None, "it rests"
    site.now += 1_000
    compacting.turn()
    assert compacting._child is not None
    compacting.close()


def test_a_short_chain_is_left_alone(quick: Path) -> None:
    site = Site(quick)
    compacting = Compacting(Location(str(site.store.root)), most=8, every=1, clock=lambda: site.now)
    assert compacting.turn() is None
    site.commit(3, chain=99)
    site.now += 1
    assert compacting.turn() is None
    assert compacting._child is None
    assert Compacted(1).error == ""
