"""Labels that say no at once, and labels with values: stories of single impressions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streams.events import Event, Tick
from streams.rules import Label, Mode, Rules
from tests.streams.join_stories import counts, done, rows_of, shown, told
from tests.streams.messy_logs import S


def rules(*labels: Label) -> Rules:
    return Rules(labels, grace=2 * S, out_of_orderness=3 * S)


CLICK = Label("click", event="click", window=10 * S, mode="delayed", horizon=20 * S)
SECONDS = Label("seconds", event="dwell", window=60 * S, horizon=20 * S, graded=True)
DELAYED = rules(CLICK)


def kept(events: list[Event], label: Label = SECONDS, mode: Mode = "wait") -> list[tuple[str, float, float, int]]:
    """(kind, value, weight, decided at in s) of the rows of one label in a mode."""
    made = rows_of(events, rules(replace(label, mode=mode)))
    return [(row.kind, row.labels[label.name], row.weight, row.decided_at // S) for row, _, _ in made]


# ---- delayed ---------------------------------------------------------------------------------------------------------


def test_a_delayed_label_says_no_when_it_opens_and_nothing_at_its_close() -> None:
    assert told([shown(100, "tea", "jam")], DELAYED) == [
        ("label", "tea", {"click": 0.0}, 97),
        ("label", "jam", {"click": 0.0}, 97),
    ]
    assert len(told([shown(100, "tea", "jam"), Tick(300 * S)], DELAYED)) == 2


def test_a_yes_in_the_window_corrects_it_at_once_and_once() -> None:
    events: list[Event] = [shown(100, "tea"), done(105, "tea"), done(107, "tea"), Tick(200 * S)]
    assert told(events, DELAYED) == [("label", "tea", {"click": 0.0}, 97), ("correction", "tea", {"click": 1.0}, 102)]
    rows = [row for row, _, _ in rows_of(events, DELAYED)]
    assert rows[0].example == rows[1].example
    assert [(row.first, row.weight) for row in rows] == [(True, 1.0), (False, 1.0)]
    assert counts(events, DELAYED) == {"negatives": 1, "corrections": 1, "extra": 1}


def test_a_yes_that_waited_for_the_impression_corrects_a_no_that_is_told_first() -> None:
    assert told([done(101, "tea"), shown(100, "tea")], DELAYED) == [
        ("label", "tea", {"click": 0.0}, 98),
        ("correction", "tea", {"click": 1.0}, 98),
    ]


@pytest.mark.parametrize(
    ("clicked", "arrives", "kinds", "cause"),
    [
        (110, 120, ["label", "correction"], "corrections"),
        (110, 137, ["label"], "late"),
        (111, 113, ["label"], "out_of_window"),
    ],
)
def test_a_yes_after_the_close_corrects_within_the_horizon_and_one_out_of_the_window_never(
    clicked: int, arrives: int, kinds: list[str], cause: str
) -> None:
    other = Label("long", event="like", window=90 * S)  # keeps the impression beyond the horizon of the click
    events: list[Event] = [shown(100, "tea"), Tick(arrives * S), done(clicked, "tea")]
    assert [row[0] for row in told(events, rules(CLICK, other))] == kinds
    assert counts(events, rules(CLICK, other))[cause] == 1


def test_a_delayed_label_without_a_horizon_is_corrected_until_its_close() -> None:
    plain = rules(replace(CLICK, horizon=0), Label("buy", event="purchase", window=90 * S))
    assert [row[0] for row in told([shown(100, "tea"), done(110, "tea")], plain)] == ["label", "correction"]
    assert [row[0] for row in told([shown(100, "tea"), Tick(115 * S), done(110, "tea")], plain)] == ["label"]


def test_an_impression_too_late_for_a_delayed_label_says_nothing_of_it() -> None:
    both = rules(CLICK, Label("buy", event="purchase", window=60 * S, mode="delayed"))
    rows = rows_of([Tick(130 * S), shown(100, "tea"), done(105, "tea"), done(106, "tea", "purchase")], both)
    assert [(row.kind, row.labels) for row, _, _ in rows] == [("label", {"buy": 0.0}), ("correction", {"buy": 1.0})]


def test_all_modes_meet_in_one_example_and_its_first_row_is_marked() -> None:
    all_ = rules(
        CLICK,
        Label("like", event="like", window=10 * S, mode="fast"),
        Label("buy", event="purchase", window=20 * S),
        Label("share", event="share", window=20 * S, mode="delayed"),
    )
    events: list[Event] = [shown(100, "tea"), done(103, "tea", "like"), done(104, "tea"), Tick(300 * S)]
    rows = [row for row, _, _ in rows_of(events, all_)]
    assert [(row.kind, row.labels, row.first) for row in rows] == [
        ("label", {"click": 0.0, "share": 0.0}, True),
        ("label", {"like": 1.0}, False),
        ("correction", {"click": 1.0}, False),
        ("label", {"buy": 0.0}, False),
    ]
    assert len({row.example for row in rows}) == 1


def test_a_repeated_impression_says_no_once() -> None:
    events: list[Event] = [shown(100, "tea"), shown(101, "tea", "jam")]
    assert [row[1] for row in told(events, DELAYED)] == ["tea", "jam"]


# ---- values ----------------------------------------------------------------------------------------------------------


def dwell(at: int, value: float | None, event: str = "") -> Event:
    return done(at, "tea", "dwell", event=event or f"d{at}.{value}", value=value)


def test_a_graded_label_has_the_value_of_its_interaction_and_0_where_none_came() -> None:
    assert kept([shown(100, "tea"), dwell(130, 18.5), Tick(200 * S)]) == [("label", 18.5, 1.0, 162)]
    assert kept([shown(100, "tea"), Tick(200 * S)]) == [("label", 0.0, 1.0, 162)]


def test_of_several_values_the_newest_by_event_time_counts_and_of_equals_the_larger() -> None:
    for order in ((30, 5, 7), (7, 30, 5), (5, 7, 30)):
        at = {30: 110, 5: 140, 7: 140}
        assert kept([shown(100, "tea"), *(dwell(at[n], n) for n in order), Tick(200 * S)])[0][1] == 7.0


@pytest.mark.parametrize("value", [None, 0.0, -3.0, 4.9])
def test_a_value_below_the_least_or_up_to_0_is_no_value(value: float | None) -> None:
    label = replace(SECONDS, min_value=5.0 if value == 4.9 else None)
    events: list[Event] = [shown(100, "tea"), dwell(110, value), Tick(200 * S)]
    assert kept(events, label) == [("label", 0.0, 1.0, 162)]
    assert counts(events, rules(label))["below_value"] == 1


def test_a_fast_value_is_told_at_once_and_what_it_became_at_the_close() -> None:
    events: list[Event] = [shown(100, "tea"), dwell(110, 5), dwell(120, 9), dwell(130, 20)]
    assert kept(events, mode="fast") == [("label", 5.0, 0.0, 107)]
    after = kept([*events, Tick(200 * S), dwell(140, 50)], mode="fast")
    assert after == [("label", 5.0, 0.0, 107), ("correction", 20.0, 0.0, 162)]
    told = counts([*events, Tick(170 * S), dwell(140, 50)], rules(replace(SECONDS, mode="fast")))
    assert (told["newer"], told["corrections"], told["extra"], told["positives"]) == (2, 1, 1, 1)


def test_a_value_that_came_back_to_what_was_told_is_not_corrected() -> None:
    events: list[Event] = [shown(100, "tea"), dwell(110, 5), dwell(120, 9), dwell(130, 5), Tick(200 * S)]
    assert kept(events, mode="fast") == [("label", 5.0, 0.0, 107)]


def test_a_delayed_value_is_told_at_the_close_since_it_is_corrected_once() -> None:
    events: list[Event] = [shown(100, "tea"), dwell(110, 5), dwell(120, 9), Tick(200 * S)]
    assert kept(events, mode="delayed") == [("label", 0.0, 1.0, 97), ("correction", 9.0, 1.0, 162)]


@pytest.mark.parametrize("mode", ["wait", "fast"])
def test_a_newer_value_that_arrives_within_the_horizon_is_a_correction_of_no_weight(mode: Mode) -> None:
    late: list[Event] = [Tick(170 * S), dwell(112, 7), dwell(115, 8), dwell(116, 9)]
    rows = kept([shown(100, "tea"), dwell(114, 5), *late], mode=mode)
    assert [row[:3] for row in rows[1:]] == [("correction", 8.0, 0.0)]


def test_a_value_after_a_no_within_the_horizon_is_a_correction_of_full_weight() -> None:
    late: list[Event] = [Tick(170 * S), dwell(112, 7), dwell(115, 8)]
    assert kept([shown(100, "tea"), *late]) == [("label", 0.0, 1.0, 162), ("correction", 7.0, 1.0, 167)]


def test_an_organic_interaction_has_its_value() -> None:
    rows = rows_of([done(100, "tea", "dwell", request=None, value=7.0)], rules(SECONDS))
    assert [(row.kind, row.labels) for row, _, _ in rows] == [("organic", {"seconds": 7.0})]


def test_one_dwell_answers_a_question_of_yes_and_no_and_one_of_how_much() -> None:
    both = rules(Label("long", event="dwell", window=60 * S, min_value=18), SECONDS)
    events: list[Event] = [shown(100, "tea"), dwell(110, 30), dwell(120, 7), Tick(200 * S)]
    assert [row[2] for row in told(events, both)] == [{"long": 1.0, "seconds": 7.0}]
