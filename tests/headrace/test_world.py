"""The world: pure, seeded, positional, late at times, and with a truth that its reactions follow."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from headrace.world import DEEPEST, READ_ON, Page, World
from headrace.world_items import TAG_NAMES
from headrace.world_oracle import Popularity, Referee, expected_clicks

SEEDS = pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.drill) for seed in (2, 3))])


def stream(seed: int, pages: int = 60) -> list[object]:
    world = World(seed, started_at=5_000)
    out: list[object] = []
    for n in range(pages):
        now = 5_000 + n * 700
        page = world.ask(now)
        slate = [f"i{(n * 37 + k * 11) % 1000}" for k in range(10)]
        out += [world.arrivals(now), page, world.react(page, slate, now)]
    return out


def test_the_same_seed_and_calls_give_the_same_world() -> None:
    assert stream(1) == stream(1)


def test_another_seed_is_another_world() -> None:
    assert stream(1) != stream(2)


def test_the_pages_of_a_world_do_not_depend_on_what_was_shown() -> None:
    one, other = World(1, started_at=0), World(1, started_at=0)
    pages = []
    for n in range(50):
        page = one.ask(n * 100)
        one.react(page, ["i1", "i2"], n * 100)
        pages.append(page)
    assert pages == [other.ask(n * 100) for n in range(50)]


def test_a_page_names_its_hour_which_lasts_twenty_seconds() -> None:
    world = World(1, started_at=1_000)
    hours = [world.ask(at).context["hour"] for at in (1_000, 20_999, 21_000, 1_000 + 24 * 20_000)]
    assert hours == ["0", "0", "1", "0"]


def test_a_new_item_arrives_every_second_and_is_given_once() -> None:
    world = World(1, started_at=0)
    first = world.arrivals(0)
    assert len(first) == 1_000
    assert [item.item_id for item in world.arrivals(2_500)] == ["i1000", "i1001"]
    assert world.arrivals(2_600) == []


def test_what_an_item_says_of_itself_is_true_though_not_all_of_the_truth() -> None:
    world = World(1, started_at=0)
    said = {item.item_id: item.tags for item in world.arrivals(0)}
    true_TI = world.items.tag_TI
    for item_id, tags in said.items():
        assert all(true_TI[TAG_NAMES.index(tag), world.items.row_of(item_id)] for tag in tags)
    assert sum(map(len, said.values())) < true_TI.sum()


def test_only_the_first_few_items_are_looked_at() -> None:
    world = World(1, started_at=0)
    slate = [f"i{n}" for n in range(10)]
    page = on(world.ask(0), device="desktop")
    depths = [len(world.imagine(dataclasses.replace(page, number=n), slate, 0).shown) for n in range(4_000)]
    reached = [np.mean([depth > position for depth in depths]) for position in range(10)]
    assert reached[0] == 1.0
    assert reached[:DEEPEST] == pytest.approx([READ_ON["desktop"] ** n for n in range(DEEPEST)], abs=0.03)
    assert reached[DEEPEST:] == [0.0] * (10 - DEEPEST)


def test_shown_items_are_the_head_of_the_slate_in_its_order() -> None:
    world = World(1, started_at=0)
    slate = ["i9", "i4", "i7", "i1"]
    for n in range(20):
        shown = world.imagine(dataclasses.replace(world.ask(0), number=n), slate, 0).shown
        assert [seen.item_id for seen in shown] == slate[: len(shown)]
        assert [seen.position for seen in shown] == list(range(len(shown)))


def test_clicks_are_late_by_a_median_of_800_ms_and_three_in_a_hundred_by_more_than_5_s() -> None:
    world = World(1, started_at=0)
    page = world.ask(0)
    best = [f"i{row}" for row in np.argsort(-world.chances(page.user_id, 0))[:6]]
    reactions = (world.imagine(dataclasses.replace(page, number=n), best, 0) for n in range(8_000))
    delays = [click.delay for reaction in reactions for click in reaction.clicks]
    assert np.median(delays) == pytest.approx(800, rel=0.05)
    assert np.mean(np.array(delays) > 5_000) == pytest.approx(0.03, abs=0.006)


@SEEDS
def test_expected_clicks_are_the_mean_of_what_happens(seed: int) -> None:
    world = World(seed, started_at=0)
    page = world.ask(0)
    slate = [f"i{row}" for row in np.argsort(-world.chances(page.user_id, 0))[:40:4]]
    happened = [len(world.imagine(dataclasses.replace(page, number=n), slate, 0).clicks) for n in range(8_000)]
    error = np.std(happened) / np.sqrt(len(happened))
    assert np.mean(happened) == pytest.approx(expected_clicks(world, page, slate, 0), abs=4 * error)


def test_what_was_just_clicked_bores_and_is_wanted_again_later() -> None:
    world = World(1, started_at=0)
    page = world.ask(0)
    row = int(np.argmax(world.chances(page.user_id, 0)))
    fresh = world.chances(page.user_id, 0)[row]
    while not world.react(page, [f"i{row}"], 0).clicks:
        page = dataclasses.replace(page, number=page.number + 1)
    bored = world.chances(page.user_id, 0)[row]
    assert bored < 0.5 * fresh
    assert world.chances(page.user_id, 19_999)[row] > bored


def test_an_imagined_reaction_leaves_no_trace() -> None:
    world = World(1, started_at=0)
    page = world.ask(0)
    before = world.chances(page.user_id, 0)
    world.imagine(page, ["i1", "i2", "i3"], 0)
    assert (world.chances(page.user_id, 0) == before).all()


def test_moods_change_what_is_wanted_with_the_hour() -> None:
    world = World(1, started_at=0)
    by_hour = {hour: world.people.drive(7, hour).tolist() for hour in range(24)}
    assert len({tuple(drive) for drive in by_hour.values()}) > 2


def test_interests_drift() -> None:
    world = World(1, started_at=0)
    before = world.people.first_UK.copy()
    world.ask(120_000)
    changed = (world.people.first_UK != before).mean()
    assert 0.03 < changed < 0.3


def test_an_item_of_another_world_is_told_as_such() -> None:
    world = World(1, started_at=0)
    with pytest.raises(KeyError, match=r"i5000.*log of another demo"):
        world.react(world.ask(0), ["i5000"], 0)


def test_no_slate_beats_the_oracle_at_its_moment() -> None:
    world, rng = World(1, started_at=0), np.random.default_rng(1)
    referee = Referee(world, 1)
    for n in range(300):
        now = n * 50
        page = world.ask(now)
        slate = [f"i{row}" for row in rng.choice(1_000, 10, replace=False)]
        rates = referee.judge(page, slate, now)
        assert rates.oracle >= max(rates.headrace, rates.popular, rates.random)
        referee.saw(world.react(page, slate, now), now)


@SEEDS
def test_popular_is_clearly_better_than_random(seed: int) -> None:
    world, rng = World(seed, started_at=0), np.random.default_rng(seed)
    referee = Referee(world, seed)
    for n in range(3_000):
        now = n * 11
        page = world.ask(now)
        slate = [f"i{row}" for row in rng.choice(1_000, 10, replace=False)]
        referee.judge(page, slate, now)
        referee.saw(world.react(page, slate, now), now)
    rates = referee.rates(since=1_500)
    assert rates.popular > 1.3 * rates.random
    assert rates.oracle > 2.0 * rates.popular


def test_popular_forgets() -> None:
    popular = Popularity(half_life=1_000)
    popular.saw(["old"] * 50, {"old"}, now=0)
    assert popular.best(1, now=0) == ["old"]
    for _ in range(9):
        popular.saw(["new", "old"], {"new"}, now=20_000)
    assert popular.best(1, now=20_000) == ["new"]


def on(page: Page, *, device: str) -> Page:
    return dataclasses.replace(page, context=page.context | {"device": device})
