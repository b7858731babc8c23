"""Every cause that a joiner counts by, provoked once, alone."""

from __future__ import annotations

import re

import pytest

from streams import joiner
from streams.events import Event, Impression, Item, Shown, Slate, Tick, User
from streams.rules import Label, Rules
from tests.streams.join_runs import fed
from tests.streams.join_stories import counts, done, shown
from tests.streams.messy_logs import S

CLICK = Label("click", event="click", window=10 * S, horizon=20 * S)
LONG = Label("seconds", event="dwell", window=60 * S, min_value=18, graded=True)
RULES = Rules((CLICK, LONG), grace=2 * S, out_of_orderness=3 * S)
SERVED = Rules((CLICK,), grace=2 * S, out_of_orderness=3 * S, impressions="served")

EARLY = Tick(90 * S)
SHOWN = shown(100, "tea")
CLOSED = Tick(116 * S)
"""The click's window is closed, the dwell's is not."""
OVER = Tick(300 * S)


def slate(at: int, event: str = "s", request: str = "r") -> Slate:
    return Slate(event, at * S, "ana", request, (Shown("tea", 0, 0.5),))


def dwell(at: int, value: float) -> Event:
    return done(at, "tea", "dwell", value=value)


SHUT = {"shut_impressions"}
"""By the mask alone, which `test_shut_labels.py` has."""
STORIES: dict[str, tuple[list[Event], list[Event], Rules]] = {
    # what happened before, and what then counts once
    "repeats": ([SHOWN, done(101, "tea")], [done(101, "tea")], RULES),
    "late_interactions": ([OVER], [done(101, "tea")], RULES),
    "late_impressions": ([OVER], [SHOWN], RULES),
    "duplicate_impressions": ([SHOWN], [SHOWN], RULES),
    "unused_impressions": ([EARLY], [SHOWN], SERVED),
    "forgotten": ([User("f", 101 * S, "ana", deleted=True)], [SHOWN], RULES),
    "waited": ([EARLY], [done(101, "tea")], RULES),
    "orphans": ([done(101, "tea")], [OVER], RULES),
    "below_value": ([SHOWN], [dwell(110, 17.0)], RULES),
    "out_of_window": ([SHOWN], [done(111, "tea")], RULES),
    "extra": ([SHOWN, done(101, "tea")], [done(102, "tea")], RULES),
    "newer": ([SHOWN, dwell(110, 20.0)], [dwell(111, 30.0)], RULES),
    "late": ([SHOWN, CLOSED, Tick(136 * S)], [done(105, "tea")], RULES),
    "corrections": ([SHOWN, CLOSED], [done(105, "tea")], RULES),
    "positives": ([SHOWN, done(105, "tea")], [CLOSED], RULES),
    "negatives": ([SHOWN], [CLOSED], RULES),
    "organic": ([EARLY], [done(101, "tea", request=None)], RULES),
    "late_slates": ([OVER], [slate(99)], RULES),
    "repeated_slates": ([slate(99)], [slate(99)], RULES),
    "unshown_slates": ([slate(99)], [OVER, Tick(400 * S)], RULES),
    "stale_items": ([Item("x2", 60 * S, "tea")], [Item("x1", 50 * S, "tea")], RULES),
    "items": ([EARLY], [Item("x1", 50 * S, "tea")], RULES),
    "stale_users": ([User("u2", 60 * S, "ana")], [User("u1", 50 * S, "ana")], RULES),
    "users": ([EARLY], [User("u1", 50 * S, "ana")], RULES),
    "forgets": ([EARLY], [User("f", 101 * S, "ana", deleted=True)], RULES),
}


@pytest.mark.parametrize("cause", STORIES)
def test_a_cause_is_counted_once_and_alone(cause: str) -> None:
    before, now, rules = STORIES[cause]
    stood, stands = counts(before, rules), counts([*before, *now], rules)
    assert {name: times - stood.get(name, 0) for name, times in stands.items() if times != stood.get(name, 0)} == {
        cause: 1
    }


def test_every_cause_has_its_story() -> None:
    told = re.search(r"counts by cause: ([\w\s,]+)\.", joiner.__doc__ or "")
    assert told is not None
    assert set(re.split(r",\s+", told.group(1))) == STORIES.keys() | SHUT


def test_a_cause_counts_items_where_an_event_shows_several() -> None:
    both = Impression("v", 100 * S, "ana", "r", (Shown("tea", 0), Shown("jam", 1)))
    assert fed([[OVER, both]], RULES)[1] == {"late_impressions": 2}
