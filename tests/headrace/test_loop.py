import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from headrace.loop import drive
from headrace.telemetry import Telemetry, read_status


@dataclass(frozen=True)
class Turn:
    idle: bool
    rows: int = 0


def telemetry(run: Path) -> Telemetry:
    return Telemetry("join", run, clock=lambda: 5)


def test_a_loop_that_ends_has_its_last_word_written(tmp_path: Path) -> None:
    drive(iter([Turn(False, 1), Turn(True), Turn(False, 2)]), telemetry(tmp_path), threading.Event())
    assert read_status(tmp_path)["join"].totals == {"rows": 3.0}


def test_a_stop_lets_the_turn_end_and_closes_the_loop(tmp_path: Path) -> None:
    asked, seen = threading.Event(), []

    def loop() -> Iterator[Turn]:
        try:
            for n in range(100):
                seen.append(n)
                if n == 3:
                    asked.set()
                yield Turn(False)
        finally:
            seen.append("closed")

    drive(loop(), telemetry(tmp_path), asked)
    assert seen == [0, 1, 2, 3, "closed"]


def test_a_loop_that_fails_is_heard(tmp_path: Path) -> None:
    def loop() -> Iterator[Turn]:
        yield Turn(False)
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        drive(loop(), telemetry(tmp_path), threading.Event())


def test_the_file_is_there_before_the_first_turn(tmp_path: Path) -> None:
    there = []

    def loop() -> Iterator[Turn]:
        there.append("join" in read_status(tmp_path))
        yield Turn(True)

    drive(loop(), telemetry(tmp_path), threading.Event(), rest=0)
    assert there == [True]


class Rests(threading.Event):
    """Notes how long it was waited for, and waits for nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.seconds.append(timeout or 0.0)
        return False


def test_rests_grow_while_there_is_nothing_to_do_and_begin_anew_after_work(tmp_path: Path) -> None:
    turns, rests = [Turn(True)] * 9 + [Turn(False)] + [Turn(True)] * 2, Rests()
    drive(iter(turns), telemetry(tmp_path), rests, rest=1.0, longest=2.0)
    assert rests.seconds[:3] == [1.0, 1.25, 1.5625]
    assert rests.seconds[5:9] == [2.0] * 4
    assert rests.seconds[9:] == [1.0, 1.25]


def test_rests_stay_as_they_are_where_no_longest_is_told(tmp_path: Path) -> None:
    rests = Rests()
    drive(iter([Turn(True)] * 3), telemetry(tmp_path), rests, rest=1.0)
    assert rests.seconds == [1.0] * 3
