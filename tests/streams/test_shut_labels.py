"""A mask of single labels: what it names is never opened, and everything else is as it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace as changed
from random import Random

import pytest
from msgspec.structs import replace

from streams.events import Event, Slate, Tick
from streams.mask import Entry, Masking
from streams.rules import Rules
from tests.streams.join_runs import events_of, fed, framed, rows_of
from tests.streams.join_stories import BOTH, done, shown
from tests.streams.messy_logs import EVERY, RULES, S
from tests.streams.plain_join import decided, plain_join


def masked(events: Sequence[Event], *entries: Entry) -> tuple[list[Event], list[frozenset[str]]]:
    """The events, each an object of its own that stands at the offset of its place, and what each must leave shut."""
    mask, apart = Masking(entries), [replace(event) for event in events]
    return apart, [mask.shut(0, offset, [event]).get(id(event), frozenset()) for offset, event in enumerate(apart)]


def by_id(events: Sequence[Event], shut: Sequence[frozenset[str]]) -> dict[int, frozenset[str]]:
    return {id(event): names for event, names in zip(events, shut, strict=True) if names}


def test_a_lost_buy_button_costs_no_click() -> None:
    story: list[Event] = [shown(100, "tea", "jam"), done(105, "tea"), done(120, "tea", "purchase"), Tick(200 * S)]
    events, shut = masked(story, Entry("q", {0: 0}, labels=("buy",)))
    told = [(row.item_id, row.labels) for row, _, _ in rows_of(events, BOTH, by_id(events, shut))]
    assert told == [("tea", {"click": 1.0}), ("jam", {"click": 0.0})]


def test_it_hides_nothing_so_histories_have_what_was_done() -> None:
    story: list[Event] = [
        shown(100, "tea"), done(105, "tea", "purchase"), shown(150, "jam", request="r2"), Tick(300 * S),
    ]  # fmt: skip
    entry = Entry("q", {0: 0}, labels=("buy",))
    events, shut = masked(story, entry)
    assert not any(Masking([entry]).hides(0, 0, event) for event in events)
    told = rows_of(events, BOTH, by_id(events, shut))
    history = [shot.history for row, shot, _ in told if row.item_id == "jam" and shot is not None]
    assert [[past.item_id for past in one] for one in history if one] == [["tea"]]


def test_an_impression_all_of_whose_labels_are_shut_opens_nothing_and_is_counted() -> None:
    story: list[Event] = [shown(100, "tea", "jam"), Tick(300 * S)]
    events, shut = masked(story, Entry("q", {0: 0}, labels=("buy", "click")))
    frames, counts = fed(framed(events, 7), BOTH, shut=by_id(events, shut))
    assert not any(frame.rows for frame in frames)
    assert counts == {"shut_impressions": 2}


def test_where_slates_open_labels_slates_leave_them_shut() -> None:
    served = changed(BOTH, impressions="served")
    slate = Slate("s", 100 * S, "ana", "r", shown(100, "tea").items)
    events, shut = masked([slate, Tick(300 * S)], Entry("q", {0: 0}, labels=("buy",)))
    assert [row.labels for row, _, _ in rows_of(events, served, by_id(events, shut))] == [{"click": 0.0}]


def test_an_interaction_that_needs_no_impression_gives_no_such_label() -> None:
    story: list[Event] = [done(100, "tea", "purchase", request=None), done(101, "tea", request=None), Tick(300 * S)]
    events, shut = masked(story, Entry("q", {0: 0}, labels=("buy",)))
    assert [row.labels for row, _, _ in rows_of(events, BOTH, by_id(events, shut))] == [{"click": 1.0}]


def test_what_was_shown_before_the_entry_is_decided_as_ever() -> None:
    story: list[Event] = [
        shown(100, "tea"),
        shown(101, "jam", request="r2"),
        done(120, "tea", "purchase"),
        Tick(300 * S),
    ]
    events, shut = masked(story, Entry("q", {0: 1}, labels=("buy",)))
    bought = {
        row.item_id: row.labels["buy"]
        for row, _, _ in rows_of(events, BOTH, by_id(events, shut))
        if "buy" in row.labels
    }
    assert bought == {"tea": 1.0}


def without(rules: Rules, name: str) -> Rules:
    return changed(rules, labels=tuple(label for label in rules.labels if label.name != name))


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(("rules", "name"), [(RULES, "click"), (EVERY, "click"), (EVERY, "seconds"), (EVERY, "seen")])
def test_shut_everywhere_is_a_world_in_which_nobody_ever_asked(seed: int, rules: Rules, name: str) -> None:
    assert without(rules, name).lifespan == rules.lifespan, "else more than the label differs"
    events, shut = masked(events_of(seed), Entry("q", {0: 0}, labels=(name,)))
    assert rows_of(events, rules, by_id(events, shut)) == rows_of(events, without(rules, name))


@pytest.mark.parametrize("seed", range(40))
def test_every_decision_is_that_of_the_plain_join_which_never_opened_them(seed: int) -> None:
    random, rules = Random(seed), EVERY if seed % 2 else RULES
    entries = [some_entry(random, rules, f"q{n}", len(events_of(seed))) for n in range(random.randrange(1, 4))]
    events, shut = masked(events_of(seed), *entries)
    frames, _ = fed(framed(events, 5), rules, shut=by_id(events, shut))
    assert decided(frames) == plain_join(events, rules, shut)


def some_entry(random: Random, rules: Rules, id: str, end: int) -> Entry:
    names = tuple(label.name for label in rules.labels if random.randrange(3)) or (rules.labels[-1].name,)
    t0, at = random.choice((None, random.randrange(200) * S)), random.randrange(end // 2)
    stop = random.choice((None, {0: at + random.randrange(1, end)}))
    return Entry(
        id, {0: at}, stop, t0, None if stop is None or t0 is None else t0 + 90 * S,
        app_version=random.choice((None, "1", "9")), surface=random.choice((None, "", "mail")), labels=names,
    )  # fmt: skip
