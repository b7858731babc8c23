"""Which versions stay: bases of chains, hours and days, and what is pinned."""

from __future__ import annotations

from pathlib import Path

from checkpoints.compaction import compact
from streams.mask import Entry
from tests.checkpoints.chained_site import HOUR, Site


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
