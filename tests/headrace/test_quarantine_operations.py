"""The mask by itself: added, listed, lifted, closed, and who serves is left as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from checkpoints.errors import BadOrder, BelowFloor, NoSuchEntry
from checkpoints.quarantine import Order
from headrace.quarantine_operations import quarantine_close, quarantine_lift, quarantine_list
from tests.headrace.way_back_ground import BAD, NOW, Ground
from tests.streams.messy_logs import RULES


def test_a_quarantine_alone_leaves_who_serves_and_names_it_when_it_is_tainted(tmp_path: Path) -> None:
    ground = Ground(tmp_path, 3, 8)
    assert ground.add(BAD, dry_run=True).line == -1
    done = ground.add(BAD, Order(t0=600, surface="home"), ripple=True)
    assert (done.line, done.live, done.tainted) == (2, 2, (2,))
    assert ground.ids == ["q2", "q2.2", "q2.ripple"]
    assert ground.decisions.fold.lines[2].kind == "mask"


def test_the_list_says_since_when_what_and_how_many_versions_fell(tmp_path: Path) -> None:
    ground = Ground(tmp_path, 3, 6, 8)
    ground.add(BAD)
    ground.add(Order(t0=700, t1=800, surface="home"))
    first, second = quarantine_list(ground.decisions, ground.store)
    assert (first["id"], first["line"], first["who"], first["open"], first["tainted"]) == ("q3", 3, "ana", True, 2)
    assert (second["id"], second["open"], second["frames"], second["tainted"]) == ("q4", False, "0:7-8 1:7-8", 1)
    assert second["masks"] == "events of surface home from 1970-01-01T00:00:00.700Z to before 1970-01-01T00:00:00.800Z"


def test_a_lift_takes_the_ripple_along_and_makes_versions_good_again(tmp_path: Path) -> None:
    ground = Ground(tmp_path, 3, 8)
    ground.add(BAD, ripple=True)
    done = quarantine_lift("q2", **ground.known())
    assert (done.removed, done.tainted, ground.ids) == (("q2", "q2.ripple"), (), [])
    with pytest.raises(NoSuchEntry, match="'q2'"):
        quarantine_lift("q2", **ground.known())


def test_a_ripple_stays_while_another_entry_of_its_line_stands(tmp_path: Path) -> None:
    ground = Ground(tmp_path, 3, 8)
    ground.add(BAD, Order(t0=600, surface="home"), ripple=True)
    assert quarantine_lift("q2", **ground.known()).removed == ("q2",)
    assert quarantine_lift("q2.2", **ground.known()).removed == ("q2.2", "q2.ripple")
    assert ground.ids == []


def test_a_lift_below_the_floor_is_refused_and_closing_is_not(tmp_path: Path) -> None:
    ground = Ground(tmp_path, 3, 8)
    ground.add(BAD)
    ground.line("expire", floor={0: 8, 1: 8})
    ground.decisions.follow()
    ground.line("expire", floor={0: 8, 1: 8})
    with pytest.raises(BelowFloor, match="headrace quarantine close"):
        quarantine_lift("q2", **ground.known())
    done = quarantine_close("q2", **ground.known())
    assert (done.entries[0].stop, done.entries[0].t1, done.replay_from) == ({0: 10, 1: 10}, NOW, None)
    (row,) = quarantine_list(ground.decisions)
    assert (row["line"], row["open"], row["tainted"]) == (2, False, None)
    with pytest.raises(BadOrder, match="closed already"):
        quarantine_close("q2", **ground.known())


def test_what_is_lifted_while_it_is_closed_stays_lifted(tmp_path: Path) -> None:
    ground = Ground(tmp_path, 3, 8)
    ground.add(BAD)
    ground.topic.first = lambda: ground.line("mask", remove=("q2",))
    with pytest.raises(NoSuchEntry, match="was lifted while it was being closed"):
        quarantine_close("q2", **ground.known())
    assert ground.ids == []


def test_a_label_that_the_log_was_never_joined_with_is_refused(tmp_path: Path) -> None:
    ground = Ground(tmp_path, 3)
    ground.line("configure", settings={"join": RULES.text})
    with pytest.raises(BadOrder, match=r"there is no label 'byu'.* click, long_view"):
        ground.add(Order(t0=500, labels=("byu",)))
    assert ground.add(Order(t0=500, labels=("buy",))).entries[0].labels == ("buy",)
