"""Rows that come too seldom or too often, and what undoes that."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from learners.losses.registry import loss_of
from learners.losses.sampling import Importance, KeptNegatives
from learners.losses.targets import Target
from learners.predictions import predicted
from tests.learners.losses.draws import CHANCES, counted, drawn, settled, target

ROWS = 2_000_000
KEPT = 0.05


def kept() -> tuple[np.ndarray, np.ndarray]:
    """How many yeses there were, and how many noes were kept."""
    yes = drawn(CHANCES, ROWS, seed=1)
    ids = torch.arange(int((ROWS - yes).sum()))
    learned = KeptNegatives(KEPT).drawn(ids, torch.zeros(len(ids)))
    parts = torch.split(learned, (ROWS - yes).tolist())
    return yes, np.array([int(part.sum()) for part in parts])


def test_five_in_a_hundred_negatives_are_enough_to_be_calibrated_within_1_percent() -> None:
    yes, no = kept()
    group, told = counted(yes, no, ROWS // 10)
    for name in ("log", "fnw"):
        loss = loss_of(name, {"kept": KEPT} | ({"coverage": 1.0} if name == "fnw" else {}))
        p = predicted(loss.link, settled(lambda z, loss=loss: loss(z[group], told), 4).numpy())
        assert p == pytest.approx(CHANCES, rel=0.01), name


def test_which_negatives_are_kept_goes_by_their_ids_alone() -> None:
    ids, value = torch.arange(10_000), torch.zeros(10_000)
    value[::7] = 1.0
    rule = KeptNegatives(0.2)
    drawn_R = rule.drawn(ids, value)
    back = torch.arange(9_999, -1, -1)
    assert torch.equal(rule.drawn(ids[back], value[back]), drawn_R[back])
    assert bool(drawn_R[::7].all())
    assert float(drawn_R[value == 0].double().mean()) == pytest.approx(0.2, abs=0.015)
    assert bool((rule.drawn(ids, value) <= KeptNegatives(0.4).drawn(ids, value)).all())


def test_importance_recovers_the_rate_that_the_policy_hid() -> None:
    """Half the rows are clicked at .4 and shown 9 times as often as the others, which are clicked at .1."""
    random = np.random.default_rng(2)
    liked = random.random(100_000) < 0.5
    chance = np.where(liked, 0.45, 0.05)
    shown = random.random(len(liked)) < chance
    value = (random.random(len(liked)) < np.where(liked, 0.4, 0.1))[shown]
    told = target(
        torch.from_numpy(value.astype(float)),
        [1 / shown.sum()] * shown.sum(),
        propensity_R=torch.from_numpy(chance[shown]),
    )
    for options in ({"importance": True}, {"importance": True, "normalised": True}):
        loss = loss_of("log", options)
        logit = settled(lambda z, loss=loss: loss(z.expand(len(value)), told), 1)
        assert predicted(loss.link, logit.numpy()) == pytest.approx(0.25, rel=0.02)
    assert value.mean() == pytest.approx(0.37, rel=0.02)


def test_weights_are_cut_and_rows_without_a_propensity_weigh_1() -> None:
    chance = torch.tensor([0.5, 0.001, float("nan"), 0.0, 1.0])
    weighted = Importance(most=20.0).weighted(target([1.0] * 5, [1.0, 1.0, 1.0, 2.0, 0.0], propensity_R=chance))
    assert weighted.weight_R.tolist() == [2.0, 20.0, 1.0, 2.0, 0.0]


def test_normalised_weights_sum_to_the_rows_that_count() -> None:
    chance = torch.tensor([0.5, 0.1, 0.2, 0.3])
    weighted = Importance(normalised=True).weighted(target([1.0] * 4, [1.0, 1.0, 1.0, 0.0], propensity_R=chance))
    assert float(weighted.weight_R.sum()) == pytest.approx(3.0)


def test_a_batch_in_which_nothing_counts_stays_empty() -> None:
    none = Target(torch.zeros(2), torch.zeros(2), propensity_R=torch.tensor([0.1, 0.2]))
    assert Importance(normalised=True).weighted(none).weight_R.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("share", [0.0, 1.5, float("nan")])
def test_a_share_of_negatives_is_a_share(share: float) -> None:
    with pytest.raises(ValueError, match="share of negatives"):
        KeptNegatives(share)
