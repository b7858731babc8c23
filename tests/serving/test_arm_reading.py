"""The log is read for one experiment as its mask says today."""

from __future__ import annotations

from serving.arm_fold import CLICKS, LATE
from serving.arm_reading import ArmReader
from streams.decisions import Decision, DecisionLog
from streams.events import Shown, Slate, Tick
from streams.experiments import Experiment, Trial
from streams.frames import EventFrame, encode_frame
from streams.log import MemoryLogs
from streams.mask import Entry


def reader_of(logs: MemoryLogs, **more: int) -> ArmReader:
    one = Experiment(Trial("bold", "start", share=0.5), None, 0, {}, {0: more.get("begin", 0)}, 0, "ana", "try")
    return ArmReader(one, logs.open("events", 1), DecisionLog(logs.open("decisions", 1)))


def logs_of(pages: int) -> MemoryLogs:
    logs = MemoryLogs()
    for n in range(pages):
        slate = Slate(f"s{n}", n, f"u{n}", f"r{n}", (Shown("tea", 0),), arms={"bold": "on"})
        logs.open("events", 1).append(0, [encode_frame(EventFrame((slate,)))], at=1)
    logs.open("events", 1).append(0, [encode_frame(EventFrame((Tick(CLICKS + LATE + pages),)))], at=1)
    return logs


def pages_of(reader: ArmReader) -> float:
    while reader.turn(3):
        pass
    return reader.sums().totals("page_ctr")[0][1]


def test_what_is_masked_after_it_was_read_is_taken_out_again() -> None:
    logs = logs_of(10)
    reader = reader_of(logs)
    assert pages_of(reader) == 10
    mask = Decision("mask", 1, "ana", "bad", 0, add=(Entry("q", start={0: 4}, stop={0: 7}),))
    DecisionLog(logs.open("decisions", 1)).decide(mask)
    assert pages_of(reader) == 7


def test_reading_begins_where_the_experiment_did() -> None:
    assert pages_of(reader_of(logs_of(10), begin=6)) == 4
