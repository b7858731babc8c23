"""Replay: the joiner over events at hand."""

from __future__ import annotations

from collections import defaultdict
from random import Random

import pytest

from streams.events import Tick
from streams.examples import ExampleFrame
from streams.given import resolved
from streams.replay import replay
from tests.streams.messy_logs import RULES, messy_log, shares
from tests.streams.plain_join import decided, plain_join


def replayed(seed: int, **how: int) -> dict[int, list[ExampleFrame]]:
    arrivals = [(at, event) for at, event in messy_log(Random(seed), 60) if not isinstance(event, Tick)]
    frames: dict[int, list[ExampleFrame]] = defaultdict(list)
    for p, frame in replay(arrivals, RULES, partitions=2, **how):
        frames[p].append(frame)
    return frames


@pytest.mark.parametrize("seed", range(4))
def test_a_replay_gives_the_same_rows_for_every_frame_size(seed: int) -> None:
    wanted = {p: resolved(frames) for p, frames in replayed(seed, frame_events=1).items()}
    for size in (20, 100, 100_000):
        assert {p: resolved(frames) for p, frames in replayed(seed, frame_events=size).items()} == wanted


def test_a_replay_decides_what_the_plain_join_decides_and_closes_everything() -> None:
    arrivals = [(at, event) for at, event in messy_log(Random(9), 60) if not isinstance(event, Tick)]
    end = (10**9, Tick(10**9))
    frames = replayed(9, tick_ms=10**8)
    for p, events in enumerate(shares([*arrivals, end], 2)):
        assert decided(frames[p]) == plain_join(events, RULES)


def test_partitions_without_traffic_hear_of_time() -> None:
    arrivals = [(at, event) for at, event in messy_log(Random(9), 60) if getattr(event, "user_id", "") == "u1"]
    watermarks = defaultdict(list)
    for p, frame in replay(arrivals, RULES, partitions=2, frame_events=1, tick_ms=5000):
        watermarks[p].append(frame.watermark)
    assert len(watermarks) == 2
    assert min(len(told) for told in watermarks.values()) > 20
