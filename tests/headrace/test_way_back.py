"""One line brings a version back and takes bad data out; what came between its reading and itself is made up for."""

from __future__ import annotations

from pathlib import Path

import pytest

from checkpoints.errors import BadOrder, BelowFloor, DamagedVersion, VersionError
from checkpoints.quarantine import Order
from streams.decisions import DecisionLog
from streams.events import Interaction
from streams.mask import Entry
from tests.headrace.way_back_ground import BAD, Ground


def test_one_line_brings_the_version_back_and_masks(tmp_path: Path) -> None:
    ground = Ground(tmp_path, 3, 5, 8)
    done = ground.back("last-good", BAD)
    assert (done.line, done.version, done.tainted) == (3, 2, (3,))
    assert len(ground.decisions.fold.lines) == 4
    line = ground.decisions.fold.lines[3]
    assert (line.kind, line.version, line.add, line.until) == ("rollback", 2, done.entries, {0: 10, 1: 10})
    assert (ground.registry.live, ground.registry.paused) == (2, True)
    (entry,) = done.entries
    assert (entry.id, entry.start, entry.stop) == ("q3", {0: 5, 1: 5}, None)
    assert (done.replay_from, done.frames, done.span_ms) == ({0: 5, 1: 5}, 10, 400)


def test_publishing_goes_on_once_a_version_has_caught_up(tmp_path: Path) -> None:
    ground = Ground(tmp_path, 3, 8)
    ground.back("last-good", BAD)
    ground.publish(ground.commit(6, made_under=3))
    ground.decisions.follow()
    assert (ground.registry.live, ground.registry.paused) == (1, True)
    ground.publish(ground.commit(10, made_under=3))
    ground.decisions.follow()
    assert (ground.registry.live, ground.registry.paused) == (4, False)


def test_the_joiner_goes_back_less_far_than_the_trainer_that_needs_a_version(tmp_path: Path) -> None:
    done = Ground(tmp_path, 3, 8).back("last-good", BAD)
    assert (done.replay_from, done.frames, done.joined) == ({0: 3, 1: 3}, 14, 10)


def test_with_pause_it_stands_until_someone_resumes(tmp_path: Path) -> None:
    ground = Ground(tmp_path, 3, 8)
    done = ground.back(1, BAD, then="pause")
    assert (done.until, done.ends, ground.registry.until) == (None, {0: 10, 1: 10}, None)
    ground.publish(ground.commit(10, made_under=3))
    ground.decisions.follow()
    assert ground.registry.paused


def test_without_a_quarantine_only_servers_go_back(tmp_path: Path) -> None:
    ground = Ground(tmp_path, 3, 8)
    done = ground.back(1)
    assert (done.version, done.entries, done.until, done.replay_from, done.span_ms) == (1, (), None, None, 0)
    assert ground.ids == []


def test_without_a_quarantine_the_version_that_serves_is_none_to_go_back_to(tmp_path: Path) -> None:
    ground = Ground(tmp_path, 3, 5, 8)
    ground.commit(10)
    with pytest.raises(VersionError, match="version 3 serves already"):
        ground.back(3)
    assert ground.back("last-good").version == 2
    assert ground.back("last-good").version == 1
    with pytest.raises(VersionError, match="no version that passed"):
        ground.back("last-good")
    assert len(ground.decisions.fold.lines) == 5


def test_a_replay_that_would_feed_nothing_again_is_refused_but_a_pause_is_not(tmp_path: Path) -> None:
    ground = Ground(tmp_path, 3, 8)
    later = Order(t0=5_000, app_version="9")
    for then in (None, "replay"):
        with pytest.raises(BadOrder, match=r"nothing that was learned is masked by this.*--then pause"):
            ground.back("last-good", later, then=then)
    assert len(ground.decisions.fold.lines) == 2
    assert ground.back("last-good", later, then="pause").until is None
    assert ground.ids == ["q2"]


def test_what_is_masked_already_is_taken_from_servers_by_naming_it_again(tmp_path: Path) -> None:
    ground = Ground(tmp_path, 3, 8)
    ground.add(BAD)
    assert ground.back("last-good", BAD).version == 1
    with pytest.raises(BadOrder, match="masked already"):
        ground.back("last-good", BAD)


def test_a_version_that_failed_its_gate_is_none_to_go_back_to(tmp_path: Path) -> None:
    ground = Ground(tmp_path)
    ground.commit(2, verdict="fail")
    ground.publish(ground.commit(8))
    with pytest.raises(VersionError, match="version 1 failed its gate"):
        ground.back(1)
    assert len(ground.decisions.fold.lines) == 1


def test_a_replay_or_a_ripple_of_nothing_is_refused(tmp_path: Path) -> None:
    ground = Ground(tmp_path, 3, 8)
    with pytest.raises(BadOrder, match="same log, same model"):
        ground.back(1, then="replay")
    with pytest.raises(BadOrder, match="--quarantine"):
        ground.back(1, ripple=True)
    assert len(DecisionLog(ground.topic).follow()) == 2


def test_a_ripple_masks_what_the_tainted_versions_caused(tmp_path: Path) -> None:
    ground = Ground(tmp_path, 3, 6, 8)
    done = ground.back("last-good", BAD, ripple=True)
    assert (done.version, done.tainted, ground.ids) == (1, (2, 3), ["q3", "q3.ripple"])
    mask = ground.decisions.fold.masking()
    hidden = [mask.hides(0, 7, Interaction("e", 700, "ana", "click", model_version=v)) for v in (1, 2, 3)]
    assert hidden == [False, True, True]


def test_a_tainted_version_that_was_published_in_between_is_rippled_too(tmp_path: Path) -> None:
    ground = Ground(tmp_path, 3, 6)
    ground.topic.first = lambda: ground.publish(ground.commit(8))
    done = ground.back("last-good", BAD, ripple=True)
    assert (done.line, done.tainted) == (3, (2, 3))
    assert [line.kind for line in ground.decisions.fold.lines[3:]] == ["rollback", "mask"]
    assert ground.ids == ["q2", "q2.ripple"]
    assert done.entries[-1].model_versions == (2, 3)
    assert ground.decisions.fold.masking().entries[-1] == done.entries[-1]


def test_where_the_first_tainted_version_comes_in_between_the_ripple_begins_there(tmp_path: Path) -> None:
    ground = Ground(tmp_path, 3)
    ground.topic.first = lambda: ground.publish(ground.commit(8))
    done = ground.back("last-good", BAD, ripple=True)
    assert [(e.id, e.model_versions) for e in done.entries] == [("q1", None), ("q1.ripple", (2,))]
    assert ground.ids == ["q1", "q1.ripple"]


def test_two_writers_of_one_moment_lose_no_entry(tmp_path: Path) -> None:
    ground = Ground(tmp_path, 3, 8)
    theirs = Entry("q2", start={0: 7, 1: 7}, surface="home")
    ground.topic.first = lambda: ground.line("mask", add=(theirs,))
    ground.back("last-good", BAD)
    entries = {entry.id: entry for entry in ground.decisions.fold.masking().entries}
    assert (entries["q2"].app_version, entries["q2.2"].surface) == ("9", "home")


def test_what_was_added_and_lifted_in_between_stays_lifted(tmp_path: Path) -> None:
    ground = Ground(tmp_path, 3, 8)

    def there_and_gone() -> None:
        ground.line("mask", add=(Entry("q2", start={0: 7, 1: 7}, surface="home"),))
        ground.line("mask", remove=("q2",))

    ground.topic.first = there_and_gone
    ground.back("last-good", BAD)
    assert ground.ids == ["q2"]
    assert ground.decisions.fold.masking().entries[0].app_version == "9"


def test_a_late_ripple_leaves_alone_what_fell_earlier(tmp_path: Path) -> None:
    ground = Ground(tmp_path, 3, 4)
    old = Entry("old", start={0: 3, 1: 3}, stop={0: 4, 1: 4})
    ground.line("mask", add=(old,))
    made_under = ground.line("pause") + 1
    ground.publish(ground.commit(5, made_under=made_under))
    ground.topic.first = lambda: ground.publish(ground.commit(8, made_under=made_under))
    done = ground.back("last-good", BAD, ripple=True)
    assert done.entries[-1].id.endswith(".ripple")
    assert done.entries[-1].model_versions == (4,), "version 2 fell by the old mask"


def test_a_target_that_falls_in_between_moves_no_server_and_says_so(tmp_path: Path) -> None:
    ground = Ground(tmp_path, 3, 8)
    ground.topic.first = lambda: ground.line("mask", add=(Entry("x", start={0: 1, 1: 1}),))
    with pytest.raises(VersionError, match=r"pass over decision 3.*q2"):
        ground.back(1, BAD)
    assert (ground.registry.live, ground.ids) == (2, ["q2", "x"])


def test_a_floor_that_rises_in_between_makes_the_line_void(tmp_path: Path) -> None:
    ground = Ground(tmp_path, 3, 8)
    ground.topic.first = lambda: ground.line("expire", floor={0: 8, 1: 8})
    with pytest.raises(BelowFloor, match="decision 3 is void"):
        ground.back(1, BAD)
    assert (ground.registry.live, ground.ids) == (2, [])


def test_below_the_floor_it_is_refused_with_the_floors_time(tmp_path: Path) -> None:
    ground = Ground(tmp_path, 3, 8)
    ground.line("expire", floor={0: 6, 1: 7})
    with pytest.raises(BelowFloor, match=r"before 1970-01-01T00:00:00\.700Z.*from=1970-01-01T00:00:00\.700Z"):
        ground.back(1, BAD)
    assert len(ground.decisions.fold.lines) == 3
    done = ground.add(Order(t0=700, app_version="9"))
    assert done.entries[0].start == {0: 7, 1: 7}
    assert ground.add(Order(app_version="8")).entries[0].start == {0: 6, 1: 7}


def test_a_damaged_or_tainted_target_is_refused_before_anything_moves(tmp_path: Path) -> None:
    ground = Ground(tmp_path, 3, 4, 8)
    with pytest.raises(VersionError, match="version 3 learned from events that are masked by this"):
        ground.back(3, BAD)
    (ground.store.folder(2) / "weights").write_text("torn")
    with pytest.raises(DamagedVersion):
        ground.back(2, BAD)
    assert len(ground.decisions.fold.lines) == 3
    assert ground.back("last-good", BAD).version == 1


def test_a_preview_says_the_same_and_writes_nothing(tmp_path: Path) -> None:
    ground = Ground(tmp_path, 3, 6, 8)
    told = ground.back("last-good", BAD, ripple=True, dry=True)
    assert (told.line, len(ground.decisions.fold.lines)) == (-1, 3)
    done = ground.back("last-good", BAD, ripple=True)
    assert (told.version, told.tainted, told.entries, told.until) == (
        done.version, done.tainted, done.entries, done.until,
    )  # fmt: skip
    with pytest.raises(VersionError, match="masked by this"):
        ground.back(3, Order(t0=400, app_version="8"), dry=True)
