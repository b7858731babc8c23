"""From cold to clearly better than popular, in a world with hidden interests."""

from __future__ import annotations

from learners.named_learners import make_learner
from tests.learners.hidden_world import HiddenWorld, learn_pages, slate_rates


def test_after_twenty_one_thousand_rows_learned_slates_beat_popular_ones_by_far() -> None:
    world = HiddenWorld(seed=1)
    learner = make_learner(labels=("click",))
    learn_pages(world, learner, 4200)
    rates = slate_rates(world, learner)
    assert learner.rows_learned == 21_000
    assert rates["learned"] >= 1.25 * rates["popular"] > 1.1 * rates["random"]
