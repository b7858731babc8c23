"""As many versions stay as the disk has room for, and what was learned last can always be masked."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from checkpoints.compaction import compact
from streams.mask import Entry
from tests.checkpoints.chained_site import HOUR, Site


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
