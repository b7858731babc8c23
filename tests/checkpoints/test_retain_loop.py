"""The loop that takes away, beside a child that makes chains short."""

from __future__ import annotations

from pathlib import Path

import pytest

from checkpoints.compacting import Compacted, Compacting
from checkpoints.locations import Location
from checkpoints.retention import retain
from tests.checkpoints.broken_place import Broken, broken
from tests.checkpoints.chained_site import Site


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
