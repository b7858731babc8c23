"""A way back is as far as its slowest process, and no process is believed before it read the line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from headrace.telemetry import Status, Telemetry
from headrace.way_back import RolledBack
from headrace.way_back_progress import AROUND, FRESH, Expected, Following, Progress, expected, running
from headrace.way_back_watch import watch
from headrace.way_back_words import told_progress
from streams.decisions import Decision, DecisionLog
from streams.log import MemoryLog

BEGAN = 10_000
ENDS = {0: 100, 1: 100}
BACK = RolledBack(7, 3, (4, 5), (), ENDS, {0: 50, 1: 50}, span_ms=40_000, frames=100, ends=ENDS)
PAUSED = replace(BACK, until=None)


def status(process: str, turns: int, at: int, *, started_at: int = 0, **more: Any) -> Status:
    return Status(process, 1, started_at, at, turns=turns, **more)


def train(turns: int, at: int, upto: int, **more: Any) -> Status:
    return status("train", turns, at, last={"reached": {"0": upto, "1": upto}}, **more)


def join(turns: int, at: int, *stands: int) -> Status:
    return status("join", turns, at, partitions={str(p): {"next": offset} for p, offset in enumerate(stands)})


def serve(version: int, at: int = BEGAN) -> Status:
    return status("serve", 1, at, last={"warm": [4, version], "version": 4})


def looks(*seen: tuple[int, Mapping[str, Status]], back: RolledBack = BACK, published: bool = False) -> list[Progress]:
    following = Following(back, began_at=BEGAN)
    return [following.saw(statuses, published=published, at=at) for at, statuses in seen]


def test_positions_of_before_the_line_are_no_progress() -> None:
    before, first, second = looks(
        (BEGAN, {"train": train(5, BEGAN - 1, 100)}),
        (BEGAN + 1, {"train": train(6, BEGAN + 1, 100)}),
        (BEGAN + 500, {"train": train(7, BEGAN + 500, 60)}),
    )
    assert [look.learned for look in (before, first, second)] == [0.0, 0.0, 0.2]
    assert second.left_frames == 80


def test_a_process_that_started_after_the_line_has_read_it() -> None:
    (look,) = looks((BEGAN + 9, {"train": train(1, BEGAN + 9, 75, started_at=BEGAN + 1)}))
    assert look.learned == 0.5


def test_each_partition_of_the_joiner_has_to_have_had_its_turn() -> None:
    found = looks(
        (BEGAN + 1, {"join": join(10, BEGAN + 1, 100, 100)}),
        (BEGAN + 2, {"join": join(11, BEGAN + 2, 60, 100)}),
        (BEGAN + 3, {"join": join(12, BEGAN + 3, 60, 50)}),
        (BEGAN + 4, {"join": join(20, BEGAN + 4, 100, 90)}),
        (BEGAN + 5, {"join": join(22, BEGAN + 5, 120, 100)}),
    )
    assert [look.joined for look in found] == [0, 0, 0, 1, 2]


def test_the_time_that_is_left_follows_from_the_rate_once_there_is_one() -> None:
    found = looks(
        (BEGAN + 1, {"train": train(1, BEGAN + 1, 100)}),
        (BEGAN + 1_000, {"train": train(2, BEGAN + 1_000, 60)}),
        (BEGAN + 2_000, {"train": train(3, BEGAN + 2_000, 80)}),
    )
    assert [(look.left_frames, look.left_ms) for look in found] == [(100, None), (80, None), (40, 1_000)]


def test_servers_are_there_once_they_answered_with_the_target() -> None:
    on_way, there, beyond = looks(
        (BEGAN, {"serve": serve(5)}), (BEGAN + 1, {"serve": serve(3)}), (BEGAN + 2, {"serve": serve(9)})
    )
    assert [(look.serving, look.on_target) for look in (on_way, there, beyond)] == [(5, False), (3, True), (9, True)]


def test_of_several_servers_the_last_one_counts() -> None:
    def two(first: int, second: int) -> dict[str, Status]:
        return {"serve": serve(first), "serve-1": status("serve-1", 1, BEGAN, last={"warm": [second]})}

    found = looks(*((BEGAN, two(*versions)) for versions in ((5, 3), (9, 5), (9, 3))))
    assert [(look.serving, look.on_target) for look in found] == [(5, False), (9, False), (9, False)]
    assert looks((BEGAN, two(5, 3)), (BEGAN, two(3, 9)))[-1].on_target


def test_a_server_that_is_gone_is_not_waited_for() -> None:
    gone = status("serve-1", 1, BEGAN - FRESH - 1, last={"warm": [5]})
    (look,) = looks((BEGAN, {"serve": serve(3), "serve-1": gone}))
    assert (look.serving, look.on_target, look.running) == (3, True, ("serve",))


def test_it_is_done_when_a_version_that_has_caught_up_was_published() -> None:
    everyone = {"serve": serve(3), "join": join(9, BEGAN, 100, 100), "train": train(9, BEGAN, 100)}
    later = {"serve": serve(3), "join": join(19, BEGAN + 1, 100, 100), "train": train(19, BEGAN + 1, 100)}
    assert [look.done for look in looks((BEGAN, everyone), (BEGAN + 1, later))] == [False, False]
    assert looks((BEGAN, everyone), (BEGAN + 1, later), published=True)[-1].done
    assert looks((BEGAN, everyone), (BEGAN + 1, later), back=PAUSED)[-1].done


def test_who_does_not_run_is_not_waited_for() -> None:
    (look,) = looks((BEGAN, {"serve": serve(3), "train": train(1, BEGAN - FRESH - 1, 0)}))
    assert (look.running, look.learned, look.joined, look.done) == (("serve",), None, None, True)
    assert running({"gateway": status("gateway", 1, BEGAN)}, BEGAN) == ()


def test_where_nothing_is_fed_again_only_servers_are_waited_for() -> None:
    plain = replace(BACK, until=None, replay_from=None, frames=0)
    everyone = {"serve": serve(3), "join": join(9, BEGAN, 1, 1), "train": train(9, BEGAN, 1)}
    (look,) = looks((BEGAN, everyone), back=plain)
    assert (look.joined, look.learned, look.done) == (None, None, True)


def test_the_time_beforehand_is_the_span_at_twenty_times_real_time() -> None:
    assert expected(BACK.span_ms) == Expected(2_000, measured=False)


def test_the_joiner_is_charged_with_what_it_feeds_itself() -> None:
    slow = {"turns": 100.0, "units": 300.0, "units2": 1_100.0, "ms": 4_000.0, "unit_ms": 13_000.0}
    everyone = {
        "join": Status("join", 1, 0, 0, totals={"frames": 1_000, "rows": 1}, costs=slow),
        "train": Status("train", 1, 0, 0, costs=slow),
    }
    all_of_it, its_own = (expected(BACK.span_ms, 10_000, everyone, joined) for joined in (0, 1_000))
    assert (all_of_it.ms - AROUND, its_own.ms - AROUND) == (51_250, 5_125)


def test_a_look_is_told_in_one_line() -> None:
    (look,) = looks((BEGAN + 9, {"serve": serve(5), "train": train(1, BEGAN + 9, 75, started_at=BEGAN + 1)}))
    assert told_progress(look, 3) == "servers: version 5, on the way to 3; learned again: 50 %, 50 frames left"


def decided() -> DecisionLog:
    decisions = DecisionLog(MemoryLog("decisions", 1))
    for n in range(8):
        decisions.decide(Decision("resume", n, "ana", "", n))
    return decisions


def test_watching_ends_at_once_where_nobody_runs(tmp_path: Path, capsys: Any) -> None:
    assert watch(BACK, decided(), tmp_path, clock=lambda: BEGAN) is False
    assert "adopts the decision when it starts" in capsys.readouterr().out


def test_ctrl_c_only_ends_the_watching(tmp_path: Path, capsys: Any) -> None:
    Telemetry("train", tmp_path, clock=lambda: BEGAN).write()
    asked = iter([BEGAN, BEGAN])

    def clock() -> int:
        if (at := next(asked, None)) is None:
            raise KeyboardInterrupt
        return at

    assert watch(BACK, decided(), tmp_path, clock=clock) is False
    assert "it goes on" in capsys.readouterr().out


def test_watching_ends_when_it_is_done(tmp_path: Path, capsys: Any) -> None:
    decisions = decided()
    decisions.decide(Decision("publish", 9, "trainer", "", 8, version=9, input=ENDS))
    Telemetry("train", tmp_path, clock=lambda: BEGAN + 1).write()
    assert watch(BACK, decisions, tmp_path, clock=lambda: BEGAN) is True
    assert "learned again: 100 %" in capsys.readouterr().out
    assert watch(BACK, decisions, tmp_path, clock=lambda: BEGAN, quiet=True) is True
    assert capsys.readouterr().out == ""
