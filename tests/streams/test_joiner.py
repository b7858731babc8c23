"""What becomes of each impression and interaction: windows, corrections, fast answers, repeats."""

from __future__ import annotations

from streams.events import Event, Tick
from streams.join_keys import example_id
from streams.rules import Label, Rules
from tests.streams.join_stories import BOTH, CLICK, FAST, counts, done, rows_of, shown, told
from tests.streams.messy_logs import S


def test_what_is_undecided_at_its_close_is_a_no() -> None:
    assert told([shown(100, "tea"), Tick(114 * S)]) == []
    assert told([shown(100, "tea"), Tick(115 * S)]) == [("label", "tea", {"click": 0.0}, 112)]


def test_a_click_in_the_window_is_a_yes_at_the_close() -> None:
    assert told([shown(100, "tea"), done(110, "tea"), Tick(120 * S)]) == [("label", "tea", {"click": 1.0}, 112)]


def test_a_click_after_the_window_is_never_a_label() -> None:
    events: list[Event] = [shown(100, "tea"), done(111, "tea"), Tick(200 * S)]
    assert told(events) == [("label", "tea", {"click": 0.0}, 112)]
    assert counts(events)["out_of_window"] == 1


def test_a_click_before_its_impression_waits_for_it() -> None:
    events: list[Event] = [done(105, "tea"), shown(100, "tea"), Tick(120 * S)]
    assert told(events) == [("label", "tea", {"click": 1.0}, 112)]
    assert counts(events)["waited"] == 1
    assert "orphans" not in counts(events)


def test_a_click_without_its_impression_is_an_orphan() -> None:
    events: list[Event] = [done(105, "tea"), Tick(200 * S)]
    assert told(events) == []
    assert counts(events)["orphans"] == 1


def test_a_late_click_in_its_window_is_a_correction_of_the_same_example_once() -> None:
    events: list[Event] = [
        shown(100, "tea"), Tick(120 * S), done(105, "tea"), done(106, "tea"), Tick(200 * S)
    ]  # fmt: skip
    assert told(events) == [("label", "tea", {"click": 0.0}, 112), ("correction", "tea", {"click": 1.0}, 117)]
    first, second = (row.example for row, _, _ in rows_of(events))
    assert first == second == example_id("ana", "r", "tea")
    assert counts(events)["extra"] == 1


def test_a_click_beyond_the_horizon_is_counted_and_nothing_else() -> None:
    rules = Rules((CLICK.labels[0], Label("buy", event="purchase", window=90 * S)), grace=2 * S, out_of_orderness=3 * S)
    events: list[Event] = [shown(100, "tea"), Tick(140 * S), done(105, "tea")]
    assert [row[2] for row in told(events, rules)] == [{"click": 0.0}]
    assert counts(events, rules)["late"] == 1


def test_an_impression_too_late_for_a_short_window_opens_the_long_one() -> None:
    events: list[Event] = [Tick(130 * S), shown(100, "tea"), done(140, "tea", "purchase"), Tick(200 * S)]
    assert told(events, BOTH) == [("label", "tea", {"buy": 1.0}, 162)]


def test_an_impression_too_late_for_every_label_is_counted() -> None:
    events: list[Event] = [Tick(300 * S), shown(100, "tea", "jam"), Tick(400 * S)]
    assert told(events) == []
    assert counts(events) == {"late_impressions": 2}


def test_each_label_of_an_example_is_decided_at_its_own_close_and_the_first_is_marked() -> None:
    events: list[Event] = [shown(100, "tea"), done(105, "tea"), done(150, "tea", "purchase"), Tick(200 * S)]
    rows = [row for row, _, _ in rows_of(events, BOTH)]
    assert [(row.labels, row.first, row.decided_at // S) for row in rows] == [
        ({"click": 1.0}, True, 112),
        ({"buy": 1.0}, False, 162),
    ]
    assert len({row.example for row in rows}) == 1


def test_labels_that_close_at_the_same_moment_are_one_row() -> None:
    labels = (Label("click", event="click", window=10 * S), Label("like", event="like", window=10 * S))
    rules = Rules(labels, grace=0, out_of_orderness=0)
    events: list[Event] = [shown(100, "tea"), done(101, "tea", "like"), Tick(110 * S)]
    assert told(events, rules) == [("label", "tea", {"click": 0.0, "like": 1.0}, 110)]


def test_a_window_may_differ_by_surface() -> None:
    rules = Rules(
        (Label("click", event="click", window=10 * S, surfaces={"mail": 60 * S}),), grace=0, out_of_orderness=0
    )
    events: list[Event] = [shown(100, "tea", surface="mail"), done(150, "tea"), Tick(160 * S)]
    assert told(events, rules) == [("label", "tea", {"click": 1.0}, 160)]


def test_a_label_with_a_least_value_takes_no_less() -> None:
    rules = Rules((Label("long_view", event="dwell", window=30 * S, min_value=18),), grace=0, out_of_orderness=0)
    short, long_ = done(105, "tea", "dwell", value=17.9), done(106, "tea", "dwell", value=18.0)
    assert told([shown(100, "tea"), short, Tick(130 * S)], rules)[0][2] == {"long_view": 0.0}
    assert told([shown(100, "tea"), short, long_, Tick(130 * S)], rules)[0][2] == {"long_view": 1.0}
    assert counts([shown(100, "tea"), short, Tick(130 * S)], rules)["below_value"] == 1


# ---- fast ------------------------------------------------------------------------------------------------------------


def test_a_fast_yes_is_told_at_once_but_weighs_nothing_until_the_first_window_went_round() -> None:
    first = [shown(100, "tea", request="a"), done(101, "tea", request="a")]
    later = [shown(120, "tea", request="b"), done(121, "tea", request="b")]
    rows = [row for row, _, _ in rows_of([*first, *later], FAST)]
    assert [(row.labels, row.weight, row.decided_at // S) for row in rows] == [
        ({"click": 1.0}, 0.0, 98),
        ({"click": 1.0}, 1.0, 118),
    ]


def test_the_first_window_goes_round_for_each_surface_by_itself() -> None:
    events: list[Event] = [
        shown(100, "tea", request="a"),
        shown(130, "tea", request="b", surface="mail"), done(131, "tea", request="b"),
        shown(132, "tea", request="c"), done(133, "tea", request="c"),
    ]  # fmt: skip
    yes = [
        (shot.surface, row.weight) for row, shot, _ in rows_of(events, FAST) if row.labels == {"click": 1.0} and shot
    ]
    assert yes == [("mail", 0.0), ("", 1.0)]


def test_a_fast_no_still_waits_for_its_close() -> None:
    assert told([shown(100, "tea", "jam"), done(101, "jam"), Tick(200 * S)], FAST) == [
        ("label", "jam", {"click": 1.0}, 98),
        ("label", "tea", {"click": 0.0}, 112),
    ]


# ---- repeats ---------------------------------------------------------------------------------------------------------


def test_a_repeated_interaction_is_dropped_by_its_event_id() -> None:
    again = done(101, "tea", event="same")
    events: list[Event] = [
        shown(100, "tea"),
        again,
        again,
        done(103, "tea", "like", event="next"),
        shown(104, "x", request="q"),
    ]
    assert counts(events)["repeats"] == 1
    after = rows_of([*events, Tick(300 * S)])[-1][1]
    assert after is not None
    assert [(past.type, past.ts // S) for past in after.history] == [("click", 101), ("like", 103)]


def test_a_repeated_impression_is_dropped_even_with_another_time() -> None:
    events: list[Event] = [shown(100, "tea"), shown(101, "tea", "jam"), Tick(200 * S)]
    assert told(events) == [("label", "tea", {"click": 0.0}, 112), ("label", "jam", {"click": 0.0}, 113)]
    assert counts(events)["duplicate_impressions"] == 1


def test_an_interaction_too_old_to_be_told_from_a_repeat_is_counted() -> None:
    assert counts([Tick(500 * S), done(100, "tea", request=None)]) == {"late_interactions": 1}
