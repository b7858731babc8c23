"""What is done about experiments without an operator."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from headrace.experiment_terms import Ground
from headrace.experiment_watch import EVERY, SNAPSHOT_EVERY, Watch
from headrace.experiments import find, move, reading, start
from headrace.operations import Operator
from serving.arm_fold import DAY
from streams.events import Slate, Tick
from streams.experiments import Experiments
from tests.headrace.experiment_ground import ANA, BOLD, HOUR, ground_in, pages, tell


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return ground_in(tmp_path)


def watched(ground: Ground, turns: int = 60) -> list[str]:
    now = iter(range(HOUR, HOUR + EVERY * (turns + 1), EVERY))
    watch = Watch(ground.decisions, ground.events, clock=lambda: next(now), who="watch")
    return [name for _ in range(turns) for name in watch.turn().stopped]


def test_what_is_surely_worse_is_aborted_by_itself_once(ground: Ground) -> None:
    start(BOLD, ground, ANA)
    tell(ground, *pages("bold", share=0.5, on=0.1, off=0.5), Tick(HOUR))
    assert watched(ground) == ["bold"]
    line = ground.decisions.fold.lines[-1]
    assert (line.who, line.trial and line.trial.action) == ("watch", "abort")
    assert "page_ctr -" in line.why
    assert watched(ground) == []


def test_lost_clicks_of_what_is_tried_abort_it(ground: Ground) -> None:
    start(BOLD, ground, ANA)
    tell(ground, *pages("bold", share=0.5, on=0.0, off=0.3), Tick(HOUR))
    assert watched(ground) == ["bold"]


def test_what_is_as_good_goes_on(ground: Ground) -> None:
    start(BOLD, ground, ANA)
    tell(ground, *pages("bold", share=0.5, on=0.4, off=0.4), Tick(HOUR))
    assert watched(ground) == []


def test_users_that_are_split_unevenly_pause_it(ground: Ground) -> None:
    """Half of those who get what is tried are never logged."""
    start(BOLD, ground, ANA)
    events = pages("bold", share=0.5, on=0.4, off=0.4)
    kept = (e for e in events if not (isinstance(e, Slate) and e.arms["bold"] == "on" and int(e.user_id[1:]) % 2))
    tell(ground, *kept, Tick(HOUR))
    assert watched(ground) == ["bold"]
    assert find("bold", ground.decisions).state == "paused"
    assert reading("bold", ground, now=HOUR)[1].verdict == "uneven"


def test_two_servers_that_watch_write_one_line(ground: Ground) -> None:
    start(BOLD, ground, ANA)
    tell(ground, *pages("bold", share=0.5, on=0.1, off=0.5), Tick(HOUR))
    watches = [Watch(ground.decisions, ground.events, clock=lambda: HOUR, who=f"w{n}") for n in range(2)]
    stopped = [name for _ in range(60) for watch in watches for name in watch.turn().stopped]
    assert stopped == ["bold"]
    assert len(Experiments.of(ground.decisions.fold).named["bold"].lines) == 2


def test_who_finds_it_stopped_in_the_last_moment_writes_nothing(ground: Ground) -> None:
    start(BOLD, ground, ANA)
    tell(ground, *pages("bold", share=0.5, on=0.1, off=0.5), Tick(HOUR))
    watch, running = Watch(ground.decisions, ground.events, clock=lambda: -1, who="w"), find("bold", ground.decisions)
    for _ in range(60):
        watch.turn()
    move("bold", "abort", ground, ANA)
    assert watch._judged(running, HOUR) is None
    assert len(find("bold", ground.decisions).lines) == 2


def test_a_watch_that_starts_again_reads_on_where_its_snapshot_stood_and_finishes_what_is_over(
    ground: Ground, tmp_path: Path
) -> None:
    n = start(BOLD, ground, ANA)
    tell(ground, *pages("bold", share=0.5, on=0.5, off=0.5, users=60), Tick(2 * HOUR))
    now = [0]

    def watch() -> Watch:
        return Watch(ground.decisions, ground.events, clock=lambda: now[0], who="serve", arms=tmp_path / "arms")

    first = watch()
    for _ in range(60):
        first.turn()
    now[0] += SNAPSHOT_EVERY
    assert first.turn().snapshots == 2
    told = reading("bold", ground, now=now[0])[1]
    assert told.pages[0] > 0
    for p in (0, 1):
        ground.events.trim(p, ground.events.end(p))
    kept = replace(ground, arms=tmp_path / "arms")
    assert reading("bold", kept, now=now[0])[1:] == (told, False)
    move("bold", "abort", ground, Operator("ana", "enough", now[0]))
    tell(ground, Tick(now[0] + 3 * DAY))
    again = watch()
    for _ in range(3):
        again.turn()
    now[0] += 2 * SNAPSHOT_EVERY
    again.turn()
    last = reading("bold", kept, now=now[0])[1]
    assert (last.pages, last.users) == (told.pages, told.users)
    folder = tmp_path / "arms" / f"{n:08d}"
    assert b"u1" not in max((folder / "p0").glob("[0-9]*")).joinpath("people").read_bytes()
