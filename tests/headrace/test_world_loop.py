"""The world can be learned: a plain learner of tags, in process, beats popular slates by far."""

from __future__ import annotations

import pytest

from headrace.world import World
from headrace.world_oracle import Rates, Referee
from tests.headrace.simple_learner import TagAffinity

PAGES = 8_000
PAGES_PER_SECOND = 90


def closed_loop(seed: int, pages: int) -> Rates:
    world, learner = World(seed, started_at=0), TagAffinity(seed)
    referee = Referee(world, seed)
    for number in range(pages):
        now = number * 1_000 // PAGES_PER_SECOND
        learner.add(world.arrivals(now))
        page = world.ask(now)
        slate = learner.slate(page, 10)
        referee.judge(page, slate, now)
        reaction = world.react(page, slate, now)
        referee.saw(reaction, now)
        learner.saw(page, reaction)
    return referee.rates(since=pages * 6 // 10)


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.drill) for seed in (2, 3))])
def test_learning_tags_beats_popular_by_far(seed: int) -> None:
    rates = closed_loop(seed, PAGES)
    assert rates.headrace > 1.25 * rates.popular
    assert rates.popular > 1.1 * rates.random
    assert rates.oracle > 1.5 * rates.headrace
