"""What was announced against what came: lost, doubled, late announcements, sources that start anew."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from streams.deliveries import OTHERS, Deliveries
from streams.events import Announcement, Item, Tick
from tests.streams.raw_topics import click, impression


def said(source: str, since: int = 100, producer: str = "web", **totals: int) -> Announcement:
    return Announcement("a", 9, source, since, totals, producer)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=9), st.randoms(use_true_random=False), st.integers(0, 3))
def test_lost_doubled_and_late_announcements_come_out_at_the_last_total(
    steps: list[int], chance: random.Random, lost: int
) -> None:
    totals = [sum(steps[: n + 1]) for n in range(len(steps))]
    told = [said("page-1", click=total) for total in totals[:-1]] * 2
    chance.shuffle(told)
    deliveries = Deliveries(since=0)
    for announcement in [*told[lost:], said("page-1", click=totals[-1])]:
        deliveries.feed(announcement)
    assert deliveries.announced.get(("web", "click"), 0) == totals[-1]


def test_devices_of_one_producer_are_summed_and_a_restart_is_a_new_source() -> None:
    deliveries = Deliveries(since=0)
    for announcement in (said("a-1", click=3, dwell=1), said("b-1", click=4), said("a-2", click=1)):
        deliveries.feed(announcement)
    assert deliveries.announced == {("web", "click"): 8, ("web", "dwell"): 1}


def test_what_came_is_counted_by_its_type_on_the_wire() -> None:
    deliveries = Deliveries(since=0)
    for event in (click(1, producer="web"), impression("r"), Item("i", 5, "tea", deleted=True), Tick(5)):
        deliveries.feed(event)
    assert deliveries.delivered == {("web", "click"): 1, ("", "impression"): 1, ("", "item_delete"): 1}


def test_a_source_from_before_the_fold_is_counted_from_its_first_announcement_on() -> None:
    deliveries = Deliveries(since=1_000)
    for announcement in (said("old", since=10, click=900), said("old", since=10, click=905)):
        deliveries.feed(announcement)
    assert deliveries.announced == {("web", "click"): 5}


def test_what_is_forgotten_is_never_counted_twice() -> None:
    deliveries = Deliveries(since=0, most_sources=2)
    for name in ("a", "b", "c", "a"):
        deliveries.feed(said(name, click=10))
    assert deliveries.announced == {("web", "click"): 30}


def test_names_without_end_end_in_one_row() -> None:
    deliveries = Deliveries(since=0, most_kinds=3)
    for n in range(50):
        deliveries.feed(click(n, producer=f"p{n}"))
    assert len(deliveries.delivered) == 4
    assert deliveries.delivered[OTHERS, "click"] == 47
