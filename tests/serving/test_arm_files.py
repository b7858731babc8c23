"""What was read of an experiment outlives the server: bit-equal after a restart, gone back by a quarantine."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from serving.arm_files import folder_of
from serving.arm_fold import DAY, LATE
from serving.arm_reading import ArmReader
from streams.decisions import Decision, DecisionLog
from streams.events import Event, Impression, Interaction, Shown, Slate, Tick, User
from streams.experiments import Experiment, Trial, arm_of
from streams.frames import EventFrame, encode_frame
from streams.log import MemoryLogs
from streams.mask import Entry

MINUTE = 60_000
ITEMS = (Shown("tea", 0), Shown("jam", 1))
TRIAL = Trial("bold", "start", share=0.5, metric="page_ctr")
FRAMES = 60


def experiment(state: str = "running", changed_at: int = 0) -> Experiment:
    return Experiment(TRIAL, None, 0, {}, {0: 0, 1: 0}, 0, "ana", "try", state=state, changed_at=changed_at, lines=(3,))  # type: ignore[arg-type]


def frame(random: Random, n: int, p: int) -> list[Event]:
    """Some minutes of a life: pages, clicks, watch times, users who leave, out of order now and then."""
    found: list[Event] = []
    for k in range(12):
        user, ts, name = f"u{random.randrange(9)}-{p}", n * 20 * MINUTE + random.randrange(20 * MINUTE), f"r{n}-{k}-{p}"
        found.append(Slate(f"s{name}", ts, user, name, ITEMS, arms={"bold": arm_of(TRIAL, user)}, took=random.random()))
        found.append(Impression(f"i{name}", ts, user, name, ITEMS[: random.randrange(3)]))
        if random.random() < 0.5:
            found.append(Interaction(f"c{name}", ts + 9, user, "click", item_id="tea", request_id=name))
            found.append(Interaction(f"d{name}", ts + 10, user, "dwell", value=random.random(), request_id=name))
        if random.random() < 0.05:
            found.append(User(f"gone{name}", ts, user, deleted=True))
    return sorted(found, key=lambda event: event.ts) if random.random() < 0.7 else found


def logs_of(seed: int) -> MemoryLogs:
    logs, random = MemoryLogs(), Random(seed)
    for n in range(FRAMES):
        for p in (0, 1):
            logs.open("events", 2).append(p, [encode_frame(EventFrame(tuple(frame(random, n, p))))], at=n)
    return logs


def reader_of(logs: MemoryLogs, arms: Path | None, one: Experiment | None = None) -> ArmReader:
    return ArmReader(one or experiment(), logs.open("events", 2), DecisionLog(logs.open("decisions", 1)), arms=arms)


def to_the_end(reader: ArmReader) -> tuple[object, ...]:
    while reader.turn(7):
        pass
    return reader.sums().told()


def decide(logs: MemoryLogs, **more: object) -> None:
    log = DecisionLog(logs.open("decisions", 1))
    log.follow()
    log.decide(Decision("mask" if "add" in more else "expire", 1, "ana", "bad", log.fold.position, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(4))
def test_a_reader_that_dies_anywhere_ends_with_the_bytes_of_one_that_never_did(tmp_path: Path, seed: int) -> None:
    logs, random = logs_of(seed), Random(seed)
    whole = to_the_end(reader_of(logs, None))
    reader = reader_of(logs, tmp_path)
    for _ in range(12):
        reader.turn(random.randrange(1, 9))
        if random.random() < 0.5:
            reader.snapshot()
        if random.random() < 0.5:
            reader = reader_of(logs, tmp_path)
    assert to_the_end(reader) == whole


def test_what_was_read_is_not_read_again(tmp_path: Path) -> None:
    logs = logs_of(1)
    whole = to_the_end(reader_of(logs, None))
    reader = reader_of(logs, tmp_path)
    reader.turn(40)
    reader.snapshot()
    for p in (0, 1):
        logs.open("events", 2).trim(p, 40)
    again = reader_of(logs, tmp_path)
    assert (to_the_end(again), again.cut) == (whole, False)


@pytest.mark.parametrize("seed", range(3))
def test_a_quarantine_goes_back_to_a_snapshot_from_before_it(tmp_path: Path, seed: int) -> None:
    logs, bad = logs_of(seed), Entry("q", start={0: 25, 1: 31}, stop={0: 33, 1: 40})
    reader = reader_of(logs, tmp_path)
    while reader.turn(10):
        reader.snapshot()
    decide(logs, add=(bad,))
    told = to_the_end(reader_of(logs, None))
    for p in (0, 1):
        logs.open("events", 2).trim(p, 20)  # so that only a snapshot can lead there
    assert (to_the_end(reader), reader.cut) == (told, False)
    again = reader_of(logs, tmp_path)
    assert (to_the_end(again), again.cut) == (told, False)


def test_a_torn_snapshot_is_passed_over_for_the_one_before(tmp_path: Path) -> None:
    logs = logs_of(2)
    reader = reader_of(logs, tmp_path)
    for _ in range(3):
        reader.turn(10)
        reader.snapshot()
    newest = sorted((folder_of(tmp_path, experiment()) / "p0").glob("[0-9]*"))[-1]
    (newest / "pages").write_bytes((newest / "pages").read_bytes()[:-9])
    assert to_the_end(reader_of(logs, tmp_path)) == to_the_end(reader_of(logs, None))


def test_snapshots_go_once_the_floor_has_passed_them_but_for_one(tmp_path: Path) -> None:
    logs = logs_of(3)
    reader = reader_of(logs, tmp_path)
    for _ in range(9):
        reader.turn(6)
        reader.snapshot()
    decide(logs, floor={0: 40, 1: 40})
    reader.turn(1)
    reader.snapshot()
    places = [int(home.name[:16]) for home in (folder_of(tmp_path, experiment()) / "p0").glob("[0-9]*")]
    assert min(places) == 36
    assert max(places) == 55


def test_what_is_over_and_counted_names_nobody(tmp_path: Path) -> None:
    logs = logs_of(4)
    ended = experiment("aborted", 60 * 20 * MINUTE)
    reader = reader_of(logs, tmp_path, ended)
    to_the_end(reader)
    reader.snapshot()
    before = reader.sums()
    for p in (0, 1):
        tick = EventFrame((Tick(ended.changed_at + 2 * DAY + 2 * LATE),))
        logs.open("events", 2).append(p, [encode_frame(tick)], at=9)
    to_the_end(reader)
    reader.snapshot()
    assert reader.done
    assert (reader.sums().users(), before.users()[0] > 0) == (before.users(), True)
    decide(logs, floor={0: 61, 1: 61})
    reader.turn()
    reader.snapshot()
    texts = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert texts
    assert b"u1-0" not in texts
    assert reader_of(logs, tmp_path, ended).sums().told() == reader.sums().told()


def test_a_user_who_leaves_is_in_nothing_that_is_kept_from_then_on(tmp_path: Path) -> None:
    logs = MemoryLogs()
    ana = [Slate(f"s{n}", n, user, f"r{n}", ITEMS, arms={"bold": "on"}) for n, user in enumerate(("ana-0", "bo-0"))]
    late = Slate("s9", 3, "ana-0", "r9", ITEMS, arms={"bold": "on"})
    told: list[list[Event]] = [[*ana], [User("x", 5, "ana-0", deleted=True), late], [Tick(2 * DAY)]]
    for one in told:
        logs.open("events", 2).append(0, [encode_frame(EventFrame(tuple(one)))], at=1)
    reader = reader_of(logs, tmp_path)
    reader.turn(2)
    assert (reader.sums().users(), reader.sums().totals("page_ctr")[0]) == ((1, 0), (0, 0))
    to_the_end(reader)
    assert reader.sums().totals("page_ctr")[0] == (0, 1)
    reader.snapshot()
    assert not any(b"ana-0" in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
