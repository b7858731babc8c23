"""What became of the pages of each arm, in a world where every page's end is known."""

from __future__ import annotations

import pytest

from serving.arm_fold import CLICKS, DAY, GAP, LATE, MINUTE, WINDOW, ArmFold
from streams.events import Event, Impression, Interaction, Shown, Slate, Tick, User

ITEMS = (Shown("tea", 0), Shown("jam", 1))
LATER = Tick(3 * DAY)


def slate(user: str, ts: int, arm: str = "on", request: str = "", took: float | None = None) -> Slate:
    name = request or f"r-{user}-{ts}"
    return Slate(f"s-{name}", ts, user, name, ITEMS, arms={"bold": arm} if arm else {}, took=took)


def shown(user: str, ts: int, request: str = "") -> Impression:
    name = request or f"r-{user}-{ts}"
    return Impression(f"i-{name}", ts, user, name, ITEMS)


def click(user: str, ts: int, request: str, item: str = "tea", **more: object) -> Interaction:
    kind = "dwell" if "value" in more else "click"
    event_id = str(more.pop("event_id", f"{kind}-{user}-{ts}-{item}"))
    return Interaction(event_id, ts, user, kind, item_id=item, request_id=request, **more)  # type: ignore[arg-type]


def totals(metric: str, *events: Event, served: bool = False) -> list[tuple[float, float]]:
    fold = ArmFold("bold", served=served)
    fold.feed(events)
    fold.feed([LATER])
    assert fold.open == 0
    return fold.sums.totals(metric)


def test_a_page_counts_once_however_many_clicks_it_has() -> None:
    events = (slate("ana", 0), click("ana", 5, "r-ana-0"), click("ana", 9, "r-ana-0", "jam"), slate("bo", 1, "off"))
    assert totals("page_ctr", *events) == [(1, 1), (0, 1)]


def test_clicks_are_by_item_shown() -> None:
    events = (slate("ana", 0), shown("ana", 0), click("ana", 5, "r-ana-0"), click("ana", 6, "r-ana-0"))
    assert totals("click_rate", *events) == [(1, 2), (0, 0)]
    assert totals("click_rate", slate("ana", 0), click("ana", 5, "r-ana-0")) == [(0, 0), (0, 0)]


def test_where_slates_count_as_shown_every_item_of_theirs_does() -> None:
    assert totals("click_rate", slate("ana", 0), click("ana", 5, "r-ana-0"), served=True) == [(1, 2), (0, 0)]


def test_a_page_whose_clicks_are_counted_is_not_begun_again() -> None:
    fold = ArmFold("bold")
    fold.feed([slate("ana", 0), Tick(CLICKS + LATE), slate("ana", 0), LATER])
    assert fold.sums.totals("page_ctr")[0] == (0, 1)


def test_watch_time_is_added_up_by_page_and_an_event_that_comes_twice_counts_once() -> None:
    watched = click("ana", 5, "r-ana-0", value=12.5)
    events = (slate("ana", 0), watched, watched, click("ana", 9, "r-ana-0", "jam", value=2.5), slate("ana", 50))
    assert totals("watch_time", *events) == [(15.0, 2), (0, 0)]


@pytest.mark.parametrize(
    "stray",
    [
        click("ana", CLICKS + 1, "r-ana-0"),
        click("bo", 5, "r-ana-0"),
        click("ana", 5, "r-of-nobody"),
        Interaction("o", 5, "ana", "click", item_id="tea"),
    ],
    ids=["too late", "somebody else's", "of no page", "organic"],
)
def test_what_is_not_of_the_page_is_not_counted(stray: Interaction) -> None:
    assert totals("page_ctr", slate("ana", 0), stray) == [(0, 1), (0, 0)]


def test_a_slate_that_comes_twice_is_one_page() -> None:
    assert totals("page_ctr", slate("ana", 0), slate("ana", 0), click("ana", 5, "r-ana-0")) == [(1, 1), (0, 0)]


def test_pages_without_an_arm_or_of_another_experiment_are_nobodys() -> None:
    other = Slate("s", 0, "ana", "r", ITEMS, arms={"shy": "on"})
    assert totals("page_ctr", slate("bo", 0, ""), other) == [(0, 0), (0, 0)]


@pytest.mark.parametrize(
    ("second", "arm", "expected"),
    [
        (GAP - 1, "on", [(0, 1), (0, 0)]),
        (GAP, "on", [(1, 2), (0, 0)]),
        (DAY, "on", [(1, 2), (0, 0)]),
        (DAY + 1, "on", [(0, 2), (0, 0)]),
        (DAY, "", [(1, 1), (0, 0)]),
    ],
    ids=["the same visit", "soon", "just within a day", "after a day", "when the experiment stands"],
)
def test_a_visit_is_come_back_from_where_another_begins_within_a_day(
    second: int, arm: str, expected: list[tuple[float, float]]
) -> None:
    assert totals("return_rate", slate("ana", 0), slate("ana", second, arm)) == expected


def test_visits_are_counted_a_day_later_so_that_who_came_back_has_no_head_start() -> None:
    fold = ArmFold("bold")
    fold.feed([slate("ana", 0), slate("bo", 0), slate("ana", GAP)])
    assert fold.sums.totals("return_rate")[0] == (0, 0)
    fold.feed([Tick(DAY + 60 * MINUTE + LATE)])
    assert fold.sums.totals("return_rate")[0] == (1, 3)


def test_a_page_is_closed_by_time_alone_first_for_clicks_then_for_watch_time() -> None:
    fold = ArmFold("bold")
    fold.feed([slate("ana", 0), Tick(CLICKS + LATE - 1)])
    assert fold.sums.totals("page_ctr")[0] == (0, 0)
    fold.feed([click("ana", 5, "r-ana-0"), Tick(CLICKS + LATE)])
    assert (fold.open, fold.sums.totals("page_ctr")[0]) == (1, (1, 1))
    fold.feed([click("ana", WINDOW, "r-ana-0", value=7.0), click("ana", WINDOW + 1, "r-ana-0", value=9.0)])
    fold.feed([Tick(WINDOW + LATE)])
    assert (fold.open, fold.sums.totals("watch_time")[0]) == (0, (7.0, 1))


def test_latency_is_by_page_and_its_percentiles_are_close() -> None:
    fold = ArmFold("bold")
    fold.feed(slate(f"u{n}", n, took=float(1 + n % 100)) for n in range(1_000))
    fold.feed([LATER])
    assert fold.sums.totals("latency")[0] == (50_500.0, 1_000)
    assert fold.sums.quantile(0, 0.95) == pytest.approx(95, rel=0.06)


def test_users_are_told_apart_and_who_crosses_is_counted() -> None:
    fold = ArmFold("bold")
    fold.feed([slate("ana", 0), slate("ana", 9), slate("bo", 1, "off"), slate("ana", 20, "off")])
    assert (fold.sums.users(), fold.sums.crossed) == ((1, 1), 1)


def test_who_is_forgotten_is_not_known_to_come_back() -> None:
    gone = User("u", 10, "ana", deleted=True)
    assert totals("return_rate", slate("ana", 0), gone, slate("ana", GAP + 11)) == [(0, 2), (0, 0)]


def test_sums_of_partitions_add_up_to_those_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.arm_sums.SAMPLE", 50)
    events = [e for n in range(200) for e in (slate(f"u{n}", n), click(f"u{n}", n + 1, f"r-u{n}-{n}"))]
    whole, parts = ArmFold("bold"), (ArmFold("bold"), ArmFold("bold"))
    whole.feed([*events, LATER])
    for n, part in enumerate(parts):
        part.feed([*(e for e in events if int(e.user_id[1:]) % 2 == n), LATER])
    both = parts[0].sums.plus(parts[1].sums)
    assert [both.totals(m) for m in ("page_ctr", "return_rate")] == [
        whole.sums.totals(m) for m in ("page_ctr", "return_rate")
    ]
    assert sum(both.users()) <= 50
    assert both.users()[0] * both.of_users == pytest.approx(200, rel=0.5)
