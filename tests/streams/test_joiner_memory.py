"""What the joiner remembers: histories, items, slates; and what it forgets."""

from __future__ import annotations

from streams.events import Event, Impression, Interaction, Item, Shown, Slate, Tick, User
from streams.given import resolved
from streams.join_state import JoinState, MemoryStore
from streams.joiner import Joiner
from streams.rules import Rules
from tests.streams.join_runs import fed, framed
from tests.streams.join_stories import BOTH, CLICK, counts, done, rows_of, shown, told, values_of
from tests.streams.messy_logs import S


def test_history_is_what_came_before_in_the_log_with_a_ts_up_to_the_impressions() -> None:
    events: list[Event] = [
        done(90, "a", request=None), done(99, "b", request=None), done(101, "c", request=None),
        shown(100, "tea"), done(95, "d", request=None), Tick(200 * S),
    ]  # fmt: skip
    shot = next(shot for row, shot, _ in rows_of(events) if row.kind == "label")
    assert shot is not None
    assert [past.item_id for past in shot.history] == ["a", "b"]


def test_history_is_bounded_and_the_oldest_goes_first() -> None:
    past = [done(90 + n, f"i{n}", request=None) for n in range(6)]
    frames, _ = fed([[*past, shown(100, "tea"), Tick(300 * S)]])
    shot = next(shot for row, shot, _ in resolved(frames) if row.kind == "label")
    assert shot is not None
    assert [one.item_id for one in shot.history] == ["i2", "i3", "i4", "i5"]


def test_items_are_as_they_were_when_shown() -> None:
    old, new = Item("x1", 50 * S, "tea", author="ana"), Item("x2", 60 * S, "tea", author="bob")
    rows = rows_of([old, shown(100, "tea"), new, Tick(200 * S)])
    assert [(row.kind, item.author if item else None) for row, _, item in rows] == [
        ("item", "ana"),
        ("item", "bob"),
        ("label", "ana"),
    ]


def test_of_two_upserts_the_larger_ts_and_event_id_wins_whatever_their_order() -> None:
    one, other = Item("x1", 50 * S, "tea", author="ana"), Item("x2", 50 * S, "tea", author="bob")
    for events in ([one, other], [other, one]):
        last = rows_of([*events, shown(100, "tea"), Tick(200 * S)])[-1][2]
        assert last is not None
        assert last.author == "bob"


def test_a_deleted_item_leaves_a_tombstone_that_older_upserts_do_not_lift() -> None:
    gone, late = Item("x2", 60 * S, "tea", deleted=True), Item("x1", 50 * S, "tea")
    assert [item.deleted for _, _, item in rows_of([gone, late]) if item] == [True]
    assert counts([gone, late]) == {"items": 1, "stale_items": 1}


def test_only_the_home_partition_of_an_item_tells_of_it_and_items_move_no_watermark() -> None:
    item = Item("x1", 900 * S, "tea")
    told_by = [fed([[item, shown(100, "tea")]], partition=p, partitions=4)[0] for p in range(4)]
    assert sorted(sum(len(f.rows) for f in frames) for frames in told_by) == [0, 0, 0, 1]
    assert max(frame.watermark for frames in told_by for frame in frames) == 95 * S


def test_a_slate_gives_scores_propensities_features_and_version() -> None:
    slate = Slate(
        "s",
        99 * S,
        "ana",
        "r",
        (Shown("tea", 0, 0.7, 0.1), Shown("jam", 1, 0.2)),
        context={"hour": 3.0},
        model_version=8,
    )
    shot = rows_of([slate, shown(100, "tea"), Tick(200 * S)])[0][1]
    assert shot is not None
    assert (shot.scores, shot.propensities) == ({"tea": 0.7, "jam": 0.2}, {"tea": 0.1})
    assert (shot.context, shot.model_version) == ({"hour": 3.0}, 8)


def test_a_late_slate_stamps_later_rows_and_not_the_close_before_it() -> None:
    slate = Slate("s", 99 * S, "ana", "r", (Shown("tea", 0, 0.7),))
    events: list[Event] = [shown(100, "tea"), Tick(115 * S), slate, Tick(200 * S)]
    for frames in ([events], framed(events, 1)):
        shots = [shot for _, shot, _ in resolved(fed(frames, BOTH)[0])]
        assert [shot.scores for shot in shots if shot] == [{}, {"tea": 0.7}]


def test_served_and_never_shown_is_counted_and_opens_nothing() -> None:
    slate = Slate("s", 99 * S, "ana", "r", (Shown("tea", 0, 0.7),))
    assert told([slate, Tick(300 * S)]) == []
    assert counts([slate, Tick(300 * S)]) == {"unshown_slates": 1}


def test_where_nobody_reports_what_was_shown_slates_open_labels() -> None:
    rules = Rules(CLICK.labels, grace=2 * S, out_of_orderness=3 * S, impressions="served")
    slate = Slate("s", 100 * S, "ana", "r", (Shown("tea", 0, 0.7), Shown("jam", 1)))
    rows = rows_of([slate, shown(101, "tea"), done(105, "jam"), Tick(200 * S)], rules)
    assert [(row.item_id, row.labels, shot.scores if shot else {}) for row, shot, _ in rows] == [
        ("tea", {"click": 0.0}, {"tea": 0.7}),
        ("jam", {"click": 1.0}, {"tea": 0.7}),
    ]


def test_an_interaction_without_a_request_is_an_organic_yes() -> None:
    rows = rows_of([done(100, "tea", request=None), done(101, "jam", "like", request=None)])
    assert [(row.kind, row.item_id, row.labels) for row, _, _ in rows] == [("organic", "tea", {"click": 1.0})]


# ---- forget ----------------------------------------------------------------------------------------------------------


def test_a_forgotten_user_has_no_open_labels_no_history_and_a_tombstone() -> None:
    events: list[Event] = [
        done(98, "tea", request="old"), shown(100, "tea"), User("f", 101 * S, "ana", deleted=True),
        shown(110, "jam", request="new"), Tick(300 * S),
    ]  # fmt: skip
    rows = rows_of(events)
    assert [(row.kind, row.example if row.kind == "forget" else row.item_id) for row, _, _ in rows] == [
        ("forget", "ana"),
        ("label", "jam"),
    ]
    shot = rows[1][1]
    assert shot is not None
    assert shot.history == ()


def test_a_late_repeat_does_not_bring_a_forgotten_user_back() -> None:
    events: list[Event] = [
        shown(100, "tea"), User("f", 101 * S, "ana", deleted=True), shown(100, "tea"), done(100, "tea"), Tick(300 * S),
    ]  # fmt: skip
    assert [row[0] for row in told(events)] == ["forget"]
    assert counts(events)["forgotten"] == 2


def test_forgetting_leaves_nothing_of_the_user_in_the_state() -> None:
    store = MemoryStore()
    state = JoinState(store)
    joiner = Joiner(CLICK, state, partition=0, partitions=1)
    user = "ana-the-only-one"
    slate = Slate("s", 99 * S, user, "r", (Shown("tea", 0),), context={"who": user})
    seen = Impression("v", 100 * S, user, "r", (Shown("tea", 0),), context={"who": user})
    waits = Interaction("c", 100 * S, user, "click", item_id="jam", request_id="q")
    joiner.feed(0, [slate, seen, waits])
    joiner.save()
    state.commit()
    assert any(user.encode() in value for value in values_of(store))
    joiner.feed(1, [User("f", 101 * S, user, deleted=True)])
    joiner.save()
    state.commit()
    assert not any(user.encode() in value for value in values_of(store))
