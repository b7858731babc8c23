"""Off-policy estimates: unbiased, sure of what they say, and silent where too little was seen."""

from __future__ import annotations

from dataclasses import fields
from random import Random

import numpy as np
import pytest

from serving.off_policy import Estimate, Pages, estimated
from serving.reranking import choose, foreseen
from tests.serving.logged_world import ITEMS, PLACES, LoggedWorld


def test_intervals_hold_the_truth_in_93_of_100_streams() -> None:
    world = LoggedWorld(seed=1, logged=0.8, tried=0.3)
    told = [estimated(world.logged(6_000, seed)) for seed in range(100)]
    for name in ("ips", "snips", "dr"):
        assert sum(_holds(getattr(one, name), world.truth) for one in told) >= 93, name


def test_estimates_are_about_the_other_policy_and_not_about_the_logged_one() -> None:
    world = LoggedWorld(seed=1, logged=0.8, tried=0.3)
    told = [estimated(world.logged(6_000, seed)) for seed in range(30)]
    means = {name: np.mean([getattr(one, name).value for one in told]) for name in ("logged", "ips", "snips", "dr")}
    assert abs(means["logged"] - world.truth) > 0.1
    assert all(abs(means[name] - world.truth) < 0.02 for name in ("ips", "snips", "dr"))


def test_a_model_that_is_wrong_makes_dr_less_sure_but_not_wrong() -> None:
    right, wrong = (LoggedWorld(seed=1, logged=0.8, tried=0.3, trust=trust) for trust in (0.9, -0.5))
    held = [_holds(estimated(wrong.logged(6_000, seed)).dr, wrong.truth) for seed in range(60)]
    assert sum(held) >= 54
    assert _width(estimated(wrong.logged(6_000, 0)).dr) > _width(estimated(right.logged(6_000, 0)).dr)


def test_a_good_model_makes_dr_the_surest() -> None:
    told = [estimated(LoggedWorld(seed=1, logged=0.8, tried=0.3).logged(6_000, seed)) for seed in range(10)]
    assert np.mean([_width(one.dr) for one in told]) < np.mean([_width(one.ips) for one in told])


def test_pages_of_one_user_are_not_taken_for_independent_ones() -> None:
    pages = LoggedWorld(seed=1, logged=0.9, tried=0.8).logged(400, 3)
    again = Pages(**{field.name: np.repeat(getattr(pages, field.name), 10, axis=0) for field in fields(Pages)})
    assert _width(estimated(again).ips) == pytest.approx(_width(estimated(pages).ips), rel=1e-9)


def test_too_few_effective_pages_have_no_interval() -> None:
    ratio, one = np.full((1_000, 1), 1e-6), np.ones((1_000, 1))
    ratio[:20] = 50.0
    told = estimated(Pages(ratio, one * np.arange(1_000)[:, None] % 2, 0 * one, 0 * one, np.arange(1_000)))
    assert told.effective == pytest.approx(20, rel=1e-3)
    assert told.snips.value == pytest.approx(0.5, rel=1e-3)
    assert told.snips.low is told.snips.high is None
    assert told.logged.low is not None
    assert told.largest == 50.0


def test_no_page_is_refused() -> None:
    none = np.zeros((0, 3))
    with pytest.raises(ValueError, match="no page"):
        estimated(Pages(none, none, none, none, np.zeros(0, np.int64)))


def test_a_policy_is_foreseen_as_it_chooses() -> None:
    """Of many lists that were really chosen, each place's chance is what was logged with it, and all add up to 1."""
    random, numbers = Random(5), np.random.default_rng(5)
    value, like = numbers.random(ITEMS).astype(np.float32), np.eye(ITEMS, dtype=np.float32)
    seen: dict[tuple[int, ...], float] = {}
    for _ in range(4_000):
        chosen = choose(value, like, PLACES, diversity=0.3, epsilon=0.8, random=random)
        shown = [one.index for one in chosen]
        told = foreseen(value, like, shown, value, diversity=0.3, epsilon=0.8)
        assert [one.chance for one in told] == [one.propensity for one in chosen]
        seen[tuple(shown)] = float(np.prod([one.chance for one in told]))
    assert sum(seen.values()) == pytest.approx(1.0, abs=0.02)


def test_nothing_is_foreseen_behind_an_item_that_the_policy_never_shows() -> None:
    value = np.array([1.0, 0.5, 0.2], np.float32)
    told = foreseen(value, np.eye(3, dtype=np.float32), [0, 2, 1], value, diversity=0.0, epsilon=0.0)
    assert [one.chance for one in told] == [1.0, 0.0]
    told = foreseen(value, np.eye(3, dtype=np.float32), [-1, 0], value, diversity=0.0, epsilon=0.1)
    assert [one.chance for one in told] == [0.0]


def _holds(told: Estimate, truth: float) -> bool:
    return told.low is not None and told.high is not None and told.low <= truth <= told.high


def _width(told: Estimate) -> float:
    assert told.low is not None
    assert told.high is not None
    return told.high - told.low
