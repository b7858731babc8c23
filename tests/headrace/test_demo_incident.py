"""The incident: when what happens, what one app makes of clicks, and that it hurts only those who learn from it."""

from __future__ import annotations

import functools
from typing import Literal

import pytest

from headrace.demo_incident import APP, MARGIN_MS, Incident, inverted
from headrace.demo_stage import Stage, WireEvent
from headrace.world import Click, Page, Reaction, Seen, World
from headrace.world_oracle import Rates, Referee
from tests.headrace.simple_learner import TagAffinity

PAGES = 4_000
PAGES_PER_SECOND = 90
Learns = Literal["the truth", "every report", "no bad report"]


def test_it_goes_by_shares_of_the_events_and_never_back() -> None:
    incident, phases = Incident(100, seed=1), []
    for events in (0, 39, 40, 54, 55, 59, 60, 99, 20):
        incident.turn(events, now=events)
        phases.append(incident.phase)
    assert phases == ["learning", "learning", "bug", "bug", "repaired", "repaired", "back", "back", "back"]
    assert (incident.window, incident.way_back_due) == ((40 - MARGIN_MS, 55 + MARGIN_MS), True)


def test_a_log_that_grows_by_leaps_misses_no_step() -> None:
    incident = Incident(100, seed=1)
    incident.turn(70, now=9)
    assert (incident.phase, incident.began_at, incident.repaired_at) == ("back", 9, 9)


def test_the_window_is_not_known_before_the_app_is_repaired() -> None:
    incident = Incident(100, seed=1)
    incident.turn(45, now=9)
    with pytest.raises(ValueError, match=r"'bug'.*no end yet"):
        _ = incident.window


def test_half_of_the_users_get_the_new_app_when_the_bug_begins_and_keep_it() -> None:
    incident, world = Incident(100, seed=1), World(1, started_at=0)
    pages = [world.ask(n) for n in range(2_000)]
    assert [incident.opened(page) for page in pages] == pages
    for events in (40, 60):
        incident.turn(events, now=events)
        has_it = {page.user_id: incident.opened(page).app_version == APP for page in pages}
        assert sum(has_it.values()) / len(has_it) == pytest.approx(0.5, abs=0.03)


def test_only_the_new_app_reports_the_wrong_way_round_and_only_while_the_bug_lasts() -> None:
    incident, page = Incident(100, seed=1), Page(3, "u8", "home", {}, "1.0")
    truth = Reaction((Seen("i1", 0), Seen("i2", 1)), (Click("i2", 1, 700),))
    bent = []
    for events in (39, 40, 55):
        incident.turn(events, now=events)
        assert incident.reported(page, truth) == truth
        bent.append(incident.reported(incident.opened(page), truth) != truth)
    assert bent == [False, True, False]


def test_a_click_is_reported_for_all_that_was_left_and_nothing_else() -> None:
    page = Page(3, "u8", "home", {}, APP)
    shown = tuple(Seen(f"i{n}", n) for n in range(4))
    truth = Reaction(shown, (Click("i0", 0, 700), Click("i3", 3, 90)))
    report = inverted(page, truth, seed=1)
    assert report.shown == shown
    assert [(click.item_id, click.position) for click in report.clicks] == [("i1", 1), ("i2", 2)]
    assert all(click.delay > 0 for click in report.clicks)
    assert inverted(page, truth, seed=1) == report
    assert inverted(page, Reaction(shown, ()), seed=1).clicks[1].position == 1


def played(incident: Incident | None) -> tuple[Stage, list[WireEvent]]:
    stage, out = Stage(seed=1, started_at=0, incident=incident), []
    for n in range(300):
        now = n * 20
        items = [{"item_id": f"i{(n * 10 + k) % 900}", "position": k} for k in range(10)]
        stage.show(stage.ask(now), {"request_id": f"r{n}", "items": items}, now, events=n)
        out += stage.due(now)
    return stage, [posting.event for posting in out + stage.due(10_000_000)]


def clicks_of(events: list[WireEvent], first: int, last: int, app: str) -> set[str]:
    """Ids of clicks on the pages from `first` on, before `last`, of one app."""
    ids = {event["event_id"] for event in events if event["type"] == "click" and event["app_version"] == app}
    return {name for name in ids if first <= int(name.partition(".")[0][1:]) < last}


def test_people_behave_as_ever_and_are_judged_as_ever_whatever_is_reported() -> None:
    (plain, true), (bent, said) = played(None), played(Incident(300, seed=1))
    assert plain.referee.judged == bent.referee.judged
    shown = [[event["items"] for event in events if event["type"] == "impression"] for events in (true, said)]
    assert shown[0] == shown[1]
    assert clicks_of(said, 0, 120, APP) == set()
    seen = {
        f"{event['request_id']}.{item['position']}"
        for event in said if event["type"] == "impression" and event["app_version"] == APP
        for item in event["items"]
    }  # fmt: skip
    clicked = set().union(*(clicks_of(true, 0, 300, app) for app in ("1.0", "1.1")))
    during = {name for name in seen if 120 <= int(name.partition(".")[0][1:]) < 165}
    assert clicks_of(said, 120, 165, APP) == during - clicked
    assert clicks_of(said, 165, 300, APP) == (seen & clicked) - during


def test_rates_can_be_had_between_two_numbers_of_events() -> None:
    stage, _ = played(None)
    assert stage.between(0) == stage.referee.rates()
    assert stage.between(100, 200) == stage.referee.rates(100, 200) != stage.between(100)
    assert stage.between(900) == Rates(0.0, 0.0, 0.0, 0.0)


@functools.cache
def closed_loop(learns: Learns, seed: int = 1) -> tuple[Rates, Rates, Rates]:
    """Click rates before, during and after, of a learner that is told the truth, every report, or what a mask by app
    version and time leaves."""
    world, learner, incident = World(seed, started_at=0), TagAffinity(seed), Incident(PAGES, seed=seed)
    referee = Referee(world, seed)
    for number in range(PAGES):
        now = number * 1_000 // PAGES_PER_SECOND
        incident.turn(number, now)
        learner.add(world.arrivals(now))
        page = incident.opened(world.ask(now))
        slate = learner.slate(page, 10)
        referee.judge(page, slate, now)
        reaction = world.react(page, slate, now)
        referee.saw(reaction, now)
        bad = incident.phase == "bug" and page.app_version == APP
        if not (bad and learns == "no bad report"):
            learner.saw(page, reaction if learns == "the truth" else incident.reported(page, reaction))
    return incident.rates(lambda since, until: referee.rates(int(since), int(until)))


def test_who_learns_from_the_reports_shows_worse_slates() -> None:
    (before, during, _), (as_before, undisturbed, _) = closed_loop("every report"), closed_loop("the truth")
    assert before == as_before
    assert during.headrace < 0.8 * undisturbed.headrace


def test_who_never_saw_the_bad_reports_hardly_suffers() -> None:
    (_, during, after), (_, undisturbed, at_last) = closed_loop("no bad report"), closed_loop("the truth")
    assert during.headrace > 0.93 * undisturbed.headrace
    assert after.headrace > 0.95 * at_last.headrace
    assert after.headrace > 1.02 * closed_loop("every report")[2].headrace
