"""What is missing of announced clicks: never the time that announcements take, always what was lost."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from learners.missing_clicks import MissingClicks
from learners.ordering import Counts
from streams.examples import Counted

DELAY, EVERY = 10_000, 20_000


def told(frames: list[tuple[int, int, int]], producer: str = "web") -> list[Counts]:
    return [Counts(at, (Counted(producer, "click", announced, came),)) for at, announced, came in frames]


def frames(seed: int, seconds: int, *, every: int, lost_from: int | None = None) -> list[tuple[int, int, int]]:
    """A frame each 200 ms with a few clicks; each `every` seconds all that were made by then are announced."""
    random, made, made_frames = Random(seed), 0, []
    for n in range(5 * seconds):
        clicks = random.randrange(4)
        made += clicks
        came = clicks if lost_from is None or n < 5 * lost_from else clicks // 2
        announced, made = (made, 0) if n % (5 * every) == 5 * every - 1 else (0, made)
        made_frames.append((n * 200, announced, came))
    return made_frames


def missing(clicks: MissingClicks, until: int = 1 << 40) -> int:
    return sum(should - came for should, came in clicks.until(until).values())


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 99), every=st.integers(1, 15))
def test_announcements_that_come_in_heaps_are_no_loss(seed: int, every: int) -> None:
    clicks = MissingClicks("click", delay=DELAY, every=EVERY)
    clicks.take(told(frames(seed, 200, every=every)))
    assert missing(clicks) == 0


def test_what_is_lost_is_missing_by_the_number() -> None:
    clicks = MissingClicks("click", delay=DELAY, every=EVERY)
    log = frames(3, 300, every=10, lost_from=100)
    clicks.take(told(log))
    whole = frames(3, 300, every=10)
    assert missing(clicks) == sum(came for _, _, came in whole) - sum(came for _, _, came in log)


def test_a_producer_that_announces_nothing_is_not_counted() -> None:
    clicks = MissingClicks("click", delay=DELAY, every=EVERY)
    clicks.take(told([(at, 0, 3) for at in range(0, 90_000, 1000)]))
    assert clicks.until(1 << 40) == {}


def test_counts_wait_as_long_as_the_rows_that_they_are_about() -> None:
    clicks = MissingClicks("click", delay=DELAY, every=EVERY)
    clicks.take(told([(5_000, 2, 2)]))
    assert (clicks.until(14_999), clicks.until(15_000)) == ({}, {"web": (2, 2)})


def test_a_restart_in_between_changes_nothing() -> None:
    log = told(frames(5, 200, every=7, lost_from=100))
    once, often = (MissingClicks("click", delay=DELAY, every=EVERY) for _ in range(2))
    for n, one in enumerate(log):
        once.take([one])
        often.take([one])
        assert once.until(one.watermark) == often.until(one.watermark)
        if n % 50 == 0:
            state, often = often.state(), MissingClicks("click", delay=DELAY, every=EVERY)
            often.load(state)
    assert once.state()["clicks"].tobytes() == often.state()["clicks"].tobytes()
