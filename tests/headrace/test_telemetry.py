from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import numpy as np
import pytest
from prometheus_client import generate_latest
from prometheus_client.registry import CollectorRegistry

from headrace.metrics import expose
from headrace.telemetry import EVERY, Telemetry, read_status
from headrace.turn_costs import costs, noted
from headrace.warned import AGAIN
from streams.join_turn import Joined


@dataclass(frozen=True)
class Turn:
    idle: bool = False
    rows: int = 0
    lag: float = 0.0
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class PartitionTurn:
    partition: int
    idle: bool = False
    rows: int = 0
    lag: float = 0.0


def test_counts_add_up_and_the_rest_is_as_it_was_last_with_something_in_it(tmp_path: Path) -> None:
    telemetry = Telemetry("join", tmp_path, clock=lambda: 5)
    for turn in (Turn(rows=2, lag=3.0, counts={"late": 1}), Turn(rows=1, lag=1.0, counts={"late": 1}), Turn(idle=True)):
        telemetry.count(turn)
    status = telemetry.status()
    assert (status.totals["rows"], status.last["counts"]) == (3, {"late": 1})
    assert (status.last["lag"], status.turns, status.idle_turns) == (1.0, 3, 1)


def test_a_loop_that_reports_by_partition_is_told_by_partition(tmp_path: Path) -> None:
    telemetry = Telemetry("join", tmp_path, clock=lambda: 5)
    for partition, lag in ((0, 3.0), (1, 4.0), (0, 5.0)):
        telemetry.count(PartitionTurn(partition, lag=lag, rows=1))
    status = telemetry.status()
    assert {p: last["lag"] for p, last in status.partitions.items()} == {"0": 5.0, "1": 4.0}
    assert status.totals["rows"] == 3


def test_an_idle_turn_at_another_place_takes_the_last_word(tmp_path: Path) -> None:
    """A joiner that gave its partition back in mid-turn said nothing of it; it gets it again, and there is no news."""
    telemetry = Telemetry("join", tmp_path, clock=lambda: 5)
    for turn in (Joined(0, False, 200, next=200, lag=109), Joined(0, next=309), Joined(0, next=309)):
        telemetry.count(turn)
    told = telemetry.status().partitions["0"]
    assert (told["next"], told["lag"]) == (309, 0)


def test_what_a_process_knows_beside_its_reports_is_told_with_them(tmp_path: Path) -> None:
    telemetry = Telemetry("serve", tmp_path, clock=lambda: 5, more=lambda: {"version": 7})
    telemetry.count(Turn(lag=1.0))
    assert telemetry.status().last | {"version": 7, "lag": 1.0} == telemetry.status().last


def test_what_work_took_is_noted_apart_from_turns_that_went_back(tmp_path: Path) -> None:
    telemetry = Telemetry("join", tmp_path, clock=lambda: 5)
    for turn in (Joined(0, False, frames=3), Joined(1, False, frames=9, rewound=True), Joined(0, True)):
        telemetry.take(turn, ms=4.0 * turn.frames)
    telemetry.take(Joined(0, False, frames=2))
    assert telemetry.status().costs == {"turns": 1, "units": 3, "units2": 9, "ms": 12, "unit_ms": 36}
    assert read_status(tmp_path)["join"].costs["units"] == 3


def test_what_turns_cost_is_found_again_in_noise() -> None:
    random, sums = Random(1), dict[str, float]()
    for _ in range(10_000):
        units = 1 + int(random.expovariate(0.25))
        sums = noted(sums, units, max(15 + 0.8 * units + random.gauss(0, 10), 0.1))
    turn, unit = costs(sums) or (0.0, 0.0)
    assert turn == pytest.approx(15, rel=0.15)
    assert unit == pytest.approx(0.8, rel=0.3)


def test_turns_that_are_all_alike_foretell_nothing() -> None:
    sums: dict[str, float] = {}
    for _ in range(100):
        sums = noted(sums, 4, 10.0)
    assert costs(sums) is None


def test_the_file_is_written_at_most_twice_a_second_and_is_always_whole(tmp_path: Path) -> None:
    now = [0]
    telemetry = Telemetry("join", tmp_path, clock=lambda: now[0])
    seen = []
    for now[0] in range(0, 4 * EVERY, 10):
        telemetry.take(Turn(rows=1))
        seen.append(read_status(tmp_path)["join"].updated_at)
    assert sorted(set(seen)) == [0, EVERY, 2 * EVERY, 3 * EVERY]
    assert [path.name for path in tmp_path.iterdir()] == ["join.json"]


def test_a_clock_that_is_set_back_does_not_stop_the_word(tmp_path: Path) -> None:
    now = [10**9]
    telemetry = Telemetry("join", tmp_path, clock=lambda: now[0])
    telemetry.take(Turn())
    now[0] = 5
    telemetry.take(Turn())
    assert read_status(tmp_path)["join"].updated_at == 5


@dataclass(frozen=True)
class WarningTurn:
    idle: bool = False
    warning: str = ""
    damaged: tuple[str, ...] = ()


def test_what_a_report_warns_of_is_a_line_in_the_log_and_not_again_for_a_while(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0]
    telemetry = Telemetry("retain", tmp_path, clock=lambda: now[0])
    for turn in (
        WarningTurn(warning="full"),
        WarningTurn(),
        WarningTurn(warning="full", damaged=("7 is torn", "8 is")),
    ):
        telemetry.take(turn)
    assert capsys.readouterr().err.splitlines() == [
        f"1970-01-01 00:00:00 retain: {told}" for told in ("full", "7 is torn", "8 is")
    ]
    now[0] = AGAIN
    telemetry.take(WarningTurn(warning="full"))
    assert capsys.readouterr().err == "1970-01-01 00:10:00 retain: full\n"


def test_what_is_no_status_is_left_out(tmp_path: Path) -> None:
    Telemetry("join", tmp_path, clock=lambda: 5).write()
    (tmp_path / "settings.json").write_text("{}")
    (tmp_path / "torn.json").write_text('{"process": "to')
    assert list(read_status(tmp_path)) == ["join"]
    assert read_status(tmp_path / "absent") == {}


def test_numbers_of_numpy_and_paths_can_be_reported(tmp_path: Path) -> None:
    telemetry = Telemetry("join", tmp_path, clock=lambda: 5)
    telemetry.take(Turn(lag=np.float32(0.5), counts={"at": np.int64(3)}))  # type: ignore[arg-type, dict-item]
    assert read_status(tmp_path)["join"].last["lag"] == pytest.approx(0.5)


def test_one_scrape_shows_every_process(tmp_path: Path) -> None:
    for process in ("join", "sequence"):
        telemetry = Telemetry(process, tmp_path, clock=lambda: 9_000)
        telemetry.take(Turn(rows=2, lag=3.0, counts={"late": 1}))
    registry = CollectorRegistry()
    expose(tmp_path, registry)
    page = generate_latest(registry).decode().split("\n")
    for line in (
        'headrace_updated_at_seconds{process="join"} 9.0',
        'headrace_updated_at_seconds{process="sequence"} 9.0',
        "headrace_join_rows_total 2.0",
        'headrace_join_counts{of="late"} 1.0',
        "headrace_join_lag 3.0",
    ):
        assert line in page
