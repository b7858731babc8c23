"""How logits are read back, the same way wherever that happens."""

from __future__ import annotations

import numpy as np
import pytest

from learners.links import KINDS, Link
from learners.predictions import predicted

Z = np.linspace(-8, 8, 33)


def test_a_coverage_divides_chances_and_none_passes_one() -> None:
    whole, part = predicted(Link(), Z), predicted(Link(coverage=0.8), Z)
    assert part == pytest.approx(np.minimum(whole / 0.8, 1.0))


def test_odds_of_a_stream_told_twice_are_the_chance_itself() -> None:
    """With q = (1 - c) p of the rows told twice, the odds that are learned are p / (1 - p + q)."""
    p = np.array([0.01, 0.2, 0.7])
    for c in (0.0, 0.4, 1.0):
        odds = p / (1 - p + (1 - c) * p)
        assert predicted(Link("odds", coverage=c), np.log(odds)) == pytest.approx(p)


@pytest.mark.parametrize("kind", KINDS)
def test_every_link_rises_stays_finite_and_keeps_the_type(kind: str) -> None:
    link = Link(kind, spread=2.0)  # type: ignore[arg-type]
    told = predicted(link, np.array([-1e30, -5.0, 0.0, 5.0, 1e30], np.float32))
    assert told.dtype == np.float32
    assert np.isfinite(told).all()
    assert (np.diff(told) >= 0).all()


def test_values_are_cut_to_their_range_and_chances_to_1() -> None:
    assert predicted(Link("identity", centre=3.0, low=1.0, high=5.0), Z)[[0, -1]].tolist() == [1.0, 5.0]
    assert predicted(Link("exp", spread=60.0, low=0.0, high=600.0), Z).max() == 600.0
    assert predicted(Link("expm1", low=0.0), Z).min() == 0.0
    assert predicted(Link("odds", coverage=0.0), Z).max() == 1.0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"kind": "logit"}, "no link 'logit'; choose one of sigmoid, odds"),
        ({"coverage": 0.0}, "coverage of 0.0 for 'sigmoid'"),
        ({"coverage": 1.5}, "coverage of 1.5"),
        ({"kind": "identity", "spread": 0.0}, "spread 0.0"),
        ({"kind": "identity", "low": 2.0, "high": 2.0}, "low 2.0"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Link(**options)  # type: ignore[arg-type]
