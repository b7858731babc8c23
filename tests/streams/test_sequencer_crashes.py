"""The sequencer killed at any effect, raced by writers, beside another, over logs that others changed."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.errors import LogError, PositionsBeyondLog
from streams.events import RAW_TOPICS, Event, Item, Tick, User
from streams.frames import decode_event, encode_event
from streams.intake import Intake
from streams.log import Log, Logs, MemoryLogs
from streams.request_ids import mint
from streams.sqlite_log import SqliteLogs
from tests.streams.raw_topics import (
    PARTS,
    Clock,
    Hooked,
    buried,
    click,
    frames,
    impression,
    put,
    settle,
    slate,
    slates_first,
    turns,
    written,
)


class Killed(BaseException):
    """The process died here."""


@dataclass
class Dying:
    """Logs whose process dies at its n-th append, before or after the effect."""

    logs: MemoryLogs
    appends: int
    after: bool

    def open(self, topic: str, partitions: int) -> Log:
        return Hooked(self.logs.open(topic, partitions), on_append=self._append)

    def close(self) -> None:
        """Nothing to let go of."""

    def _append(self, effect: Callable[[], int]) -> int:
        self.appends -= 1
        if self.appends == 0 and not self.after:
            raise Killed
        end = effect()
        if self.appends == 0:
            raise Killed
        return end


Thing = st.tuples(
    st.sampled_from(["slate", "impression", "click", "item", "user", "junk", "mismatch", "future", "misplaced"]),
    st.integers(0, PARTS - 1),
    st.integers(0, 3),
)


def put_thing(logs: Logs, n: int, thing: str, p: int, at: int) -> None:
    request = mint(at, 7, n.to_bytes(8, "big"))
    made: dict[str, Event] = {
        "slate": slate(request),
        "impression": impression(request),
        "click": click(n, request_id=request),
        "item": Item(f"e{n}", at, "tea", text=str(n)),
        "user": User(f"e{n}", at, "ana"),
        "mismatch": click(n, request_id=request, model_version=8),
        "future": click(n, ts=at + 10**9),
    }
    if thing == "junk":
        logs.open(RAW_TOPICS[n % 5], PARTS).append(p, [b"\xc1 %d" % n], at)
    elif thing == "misplaced":
        logs.open("users", PARTS).append(p, [encode_event(Tick(at))], at)
    else:
        put(logs, p, made[thing], at)


def filled(things: list[tuple[str, int, int]]) -> MemoryLogs:
    logs, at = MemoryLogs(), 500
    for n, (thing, p, later) in enumerate(things):
        at += later
        put_thing(logs, n, thing, p, at)
    return logs


@settings(deadline=None, max_examples=150)
@given(
    things=st.lists(Thing, max_size=40),
    kills=st.lists(st.tuples(st.integers(1, 5), st.booleans()), max_size=8),
    frame_events=st.integers(1, 7),
    read_limit=st.integers(1, 9),
)
def test_killed_anywhere_it_writes_the_same_events_and_buries_the_same_letters(
    things: list[tuple[str, int, int]], kills: list[tuple[int, bool]], frame_events: int, read_limit: int
) -> None:
    whole, killed = filled(things), filled(things)
    settle(whole, Clock(), frame_events=100, read_limit=1000)
    for appends, after in kills:
        try:
            settle(Dying(killed, appends, after), Clock(), frame_events=frame_events, read_limit=read_limit)
        except Killed:
            continue
    settle(killed, Clock(), frame_events=frame_events, read_limit=read_limit)
    for p in range(PARTS):
        assert written(killed, p) == written(whole, p)
    assert sorted(buried(killed), key=lambda letter: letter.origin) == sorted(
        buried(whole), key=lambda letter: letter.origin
    )


@settings(deadline=None, max_examples=100)
@given(
    actions=st.lists(st.tuples(st.integers(-500, 500), st.booleans()), min_size=3, max_size=20),
    bursts=st.lists(st.integers(0, 3), min_size=20, max_size=60),
)
def test_a_slate_never_comes_after_its_impression_however_writers_race_and_clocks_differ(
    actions: list[tuple[int, bool]], bursts: list[int]
) -> None:
    logs = MemoryLogs()
    steps: list[tuple[Event, int]] = []
    for n, (skew, clicked) in enumerate(actions):
        steps += [(slate(f"r{n}"), 10_000 + n + skew), (impression(f"r{n}"), 10_000 + n)]
        steps += [(click(n, request_id=f"r{n}"), 10_000 + n)] if clicked else []
    todo, sizes = iter(steps), iter(bursts)

    def race() -> None:
        """Between any two reads of the sequencer, some events more are written."""
        for event, at in islice(todo, next(sizes, 0)):
            put(logs, 0, event, at)

    class Racing:
        def open(self, topic: str, partitions: int) -> Log:
            log = logs.open(topic, partitions)
            return Hooked(log, on_read=race) if topic in ("slates", "impressions", "interactions") else log

        def close(self) -> None:
            """Nothing to let go of."""

    settle(Racing(), Clock(step=3), frame_ms=0)
    for event, at in todo:
        put(logs, 0, event, at)
    settle(logs, Clock(2_000_000))
    assert slates_first(logs, 0) == len(actions)


def test_positions_move_past_letters_also_when_nothing_else_comes() -> None:
    logs = MemoryLogs()
    logs.open("interactions", PARTS).append(0, [b"junk"], 1_000)
    settle(logs, Clock(), tick_ms=10**12)
    assert [(frame.events, frame.sources["interactions"]) for _, frame in frames(logs, 0)] == [((), {0: 1})]
    settle(logs, Clock())
    assert len(buried(logs)) == 1


def test_a_raw_topic_that_was_made_anew_is_refused() -> None:
    logs = MemoryLogs()
    put(logs, 0, click(0), 1_000)
    settle(logs, Clock())
    logs._logs.pop("interactions")
    with pytest.raises(PositionsBeyondLog, match=r"interactions\[0\] up to 1, but that ends at 0"):
        next(turns(logs, Clock()))


def test_a_second_sequencer_on_the_same_log_stops_one_of_them() -> None:
    logs, clock = MemoryLogs(), Clock()
    one, two = turns(logs, clock), turns(logs, clock)
    next(one)
    clock.now += 1_000
    next(two)
    with pytest.raises(LogError, match="another one runs"):
        next(one)


def test_over_the_embedded_log_it_goes_on_where_it_stood(tmp_path: Path) -> None:
    for begin in (0, 50):
        logs = SqliteLogs(tmp_path)
        for n in range(begin, begin + 50):
            put(logs, n % PARTS, click(n), 1_000 + n)
        settle(logs, Clock())
        logs.close()
    logs = SqliteLogs(tmp_path)
    assert [written(logs, p) for p in range(PARTS)] == [[click(n) for n in range(p, 100, PARTS)] for p in range(PARTS)]
    logs.close()


SEQUENCER = """
import sys, time
from pathlib import Path
from streams.sequencer import sequence
from streams.sqlite_log import SqliteLogs

logs = SqliteLogs(Path(sys.argv[1]))
for report in sequence(logs, partitions=2, clock=lambda: time.time_ns() // 1_000_000, clock_ahead=0, frame_events=7):
    print(report.events, flush=True)
    time.sleep(0.002 if report.idle else 0)
"""


def test_a_process_killed_while_producers_write_loses_and_doubles_nothing(tmp_path: Path) -> None:
    logs = SqliteLogs(tmp_path)
    intake = Intake(logs, partitions=PARTS, clock=lambda: time.time_ns() // 1_000_000)
    done = threading.Event()

    def produce() -> None:
        for n in itertools.count():
            intake.append(click(n, user_id=f"u{n % 7}"))
            if done.wait(0.0005):
                break

    producer = threading.Thread(target=produce)
    producer.start()
    for turns_seen in (5, 40, 17, 90):
        with subprocess.Popen([sys.executable, "-c", SEQUENCER, str(tmp_path)], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            for _ in range(turns_seen):
                process.stdout.readline()
            process.send_signal(signal.SIGKILL)
    done.set()
    producer.join()
    settle(logs, Clock(now=time.time_ns() // 1_000_000))
    raw = logs.open("interactions", PARTS)
    for p in range(PARTS):
        sent = [decode_event(record.value).event_id for record in raw.read(p, 0, 10**6)]
        assert [event.event_id for event in written(logs, p)] == sent
    logs.close()
