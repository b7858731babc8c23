"""The floor: how far back there is always something to go back to, and that it is void under a mask."""

from __future__ import annotations

from pathlib import Path

import pytest

from checkpoints.floors import good
from tests.checkpoints.plain_site import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


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
