from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.decisions import Decision, Decisions
from streams.digest import digest_of_events, digest_of_examples
from streams.errors import FramesLost
from streams.events import Interaction, Tick
from streams.examples import Attributes, ExampleFrame, Row, Shot, encode
from streams.frames import EventFrame, encode_frame
from streams.log import MemoryLog
from streams.mask import Entry, Masking

EVENTS = [Interaction(f"e{n}", n, "ana", "click", item_id="tea") for n in range(8)]


def row(n: int, **more: Any) -> Row:
    return Row(
        n, **({"decided_at": 100 + n, "kind": "label", "example": f"x{n}", "labels": {"a": 1.0, "b": 0.0}} | more)
    )


def frame(rows: Sequence[Row], input_offset: int, prev: int, **more: Any) -> ExampleFrame:
    told: dict[str, Any] = {"lineage": "", "watermark": 1_000, "config": "c"} | more
    return ExampleFrame(input=input_offset, prev=prev, rows=tuple(rows), **told)


def examples(*frames: ExampleFrame, partitions: int = 1) -> MemoryLog:
    log = MemoryLog("examples", partitions)
    log.append(0, [encode(each) for each in frames], at=1)
    return log


def digest(*frames: ExampleFrame) -> str:
    return digest_of_examples(examples(*frames), Decisions())


def events(cuts: list[int], events_: Sequence[Interaction | Tick] = EVENTS) -> str:
    log = MemoryLog("events", 1)
    bounds = [0, *sorted(cuts), len(events_)]
    for n, (start, stop) in enumerate(pairwise(bounds)):
        log.append(0, [encode_frame(EventFrame(tuple(events_[start:stop]), {"users": {0: n}}))], at=n)
    return digest_of_events(log)


@given(st.lists(st.integers(0, len(EVENTS)), max_size=5))
def test_frames_do_not_show_in_the_digest_of_events(cuts: list[int]) -> None:
    assert events(cuts) == events([])


def test_any_change_of_events_shows() -> None:
    told = {events([]), events([], EVENTS[::-1]), events([], EVENTS[1:]), events([], [*EVENTS, Tick(9)])}
    assert len(told) == 4


def test_the_partition_of_an_event_shows() -> None:
    logs = [MemoryLog("events", 2), MemoryLog("events", 2)]
    for p, log in enumerate(logs):
        log.append(p, [encode_frame(EventFrame(tuple(EVENTS)))], at=1)
    assert digest_of_events(logs[0]) != digest_of_events(logs[1])


def test_frames_offsets_and_provenance_do_not_show_in_the_digest_of_examples() -> None:
    ana, tea = Shot("ana", 5), Attributes("tea")
    rows = [row(0, shot=0, attributes=0), row(1, shot=0), row(2)]
    whole = digest(frame(rows, 7, -1, shots=(ana,), attributes=(tea,)))
    split = digest(
        frame(
            [row(0, shot=1, attributes=1, input=3)],
            2,
            -1,
            shots=(Shot("bob", 1), ana),
            attributes=(Attributes("x"), tea),
        ),
        frame([], 3, 2, watermark=500, config="d"),
        frame([row(1, shot=0, input=2), row(2)], 9, 3, shots=(ana,), config="d"),
    )
    assert whole == split


@pytest.mark.parametrize(
    "changed",
    [{"labels": {"a": 0.0, "b": 0.0}}, {"labels": {"a": 1.0}}, {"weight": 0.5}, {"decided_at": 101}, {"first": True}],
)
def test_any_change_of_a_row_shows(changed: dict[str, Any]) -> None:
    assert digest(frame([row(0)], 0, -1)) != digest(frame([row(0, **changed)], 0, -1))


def test_a_change_of_the_history_that_a_row_points_to_shows() -> None:
    pointing = [row(0, shot=0)]
    shots = [Shot("ana", 5), Shot("ana", 6)]
    assert len({digest(frame(pointing, 0, -1, shots=(shot,))) for shot in shots}) == 2


def test_the_order_of_labels_in_a_row_does_not_show() -> None:
    assert digest(frame([row(0)], 0, -1)) == digest(frame([row(0, labels={"b": 0.0, "a": 1.0})], 0, -1))


def test_repeats_and_dead_frames_do_not_show() -> None:
    first, second = frame([row(0)], 3, -1), frame([row(1)], 5, 3)
    dead = frame([row(1, weight=9.0)], 5, 3, lineage="another mask")
    assert digest(first, second) == digest(first, dead, first, second, first, second)


def test_what_a_rewind_made_void_does_not_show() -> None:
    bad = Entry("q", start={0: 5})
    lineage = Masking([bad]).lineage(0, 5)
    decisions = Decisions()
    decisions.feed(Decision("mask", at=1, who="ana", why="", seen=0, add=(bad,)))
    kept, gone, again = (
        frame([row(0)], 3, -1),
        frame([row(1)], 5, 3),
        frame([row(1, weight=0.0)], 5, 3, lineage=lineage),
    )
    assert digest_of_examples(examples(kept, gone, again), decisions) == digest(kept, frame([row(1, weight=0.0)], 5, 3))


def test_rows_from_the_least_watermark_on_are_not_told_yet() -> None:
    log = examples(frame([row(0), row(50)], 0, -1), partitions=2)
    assert digest_of_examples(log, Decisions()) == digest()
    log.append(1, [encode(frame([], 0, -1, watermark=120))], at=1)
    alone = examples(frame([row(0)], 0, -1), partitions=2)
    alone.append(1, [encode(frame([], 0, -1, watermark=999))], at=1)
    assert digest_of_examples(log, Decisions()) == digest_of_examples(alone, Decisions())


def test_a_lost_frame_is_an_error_and_no_digest() -> None:
    with pytest.raises(FramesLost):
        digest(frame([row(0)], 0, -1), frame([row(1)], 5, 3))
