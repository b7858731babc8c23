"""Rules as data: what is told is made, and what can't be is refused by name."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from itertools import pairwise
from math import inf, nan
from typing import Any

import pytest

from learners.optimizers.rules import Adagrad, Adam, Clip, Clippy, DenseRules, Ftrl, RowRules, Sgd, UpdateRules
from learners.optimizers.schedules import Schedule
from learners.optimizers.told_rules import rules_of


def test_nothing_told_is_the_default() -> None:
    assert rules_of({}) == UpdateRules()


def test_everything_can_be_told() -> None:
    told: dict[str, Any] = {
        "rows": {
            "vectors": {"kind": "adam", "rate": 0.01},
            "linear": "ftrl",
            "clippy": {"relative": 0.1},
            "weight_decay": 0.1,
            "largest_norm": 4,
        },
        "dense": {"rule": {"kind": "adagrad", "decay": 1}, "clippy": None, "adaptive": 0.2},
        "clip": {"norm": inf, "value": 1.0},
        "schedule": {"shape": "exponential", "span": 100, "warm_up": 5, "least": 0.5},
    }
    assert rules_of(told) == UpdateRules(
        RowRules(Adam(rate=0.01), Ftrl(), Clippy(relative=0.1), 0.1, 4),
        DenseRules(Adagrad(decay=1), None, adaptive=0.2),
        Clip(inf, 1.0),
        Schedule("exponential", 5, 100, 0.5),
    )


REFUSED: dict[str, tuple[Any, str]] = {
    "a rate below 0": ({"rows": {"vectors": {"kind": "adagrad", "rate": -0.1}}}, "rate of Adagrad is -0.1.* above 0"),
    "no rate": ({"rows": {"vectors": {"kind": "sgd", "rate": 0}}}, "rate of Sgd is 0"),
    "a rate that is none": ({"dense": {"rule": {"kind": "adam", "rate": nan}}}, "rate of Adam is nan"),
    "an infinite rate": ({"dense": {"rule": {"kind": "adam", "rate": inf}}}, "rate of Adam is inf"),
    "a growing memory": ({"rows": {"vectors": {"kind": "adagrad", "decay": 1.5}}}, "decay of Adagrad is 1.5"),
    "no floor": ({"rows": {"vectors": {"kind": "adagrad", "floor": 0}}}, "floor of Adagrad is 0"),
    "a negative relative part": ({"rows": {"clippy": {"relative": -1}}}, "relative of Clippy is -1"),
    "no absolute part": ({"dense": {"clippy": {"absolute": 0}}}, "absolute of Clippy is 0.*never move"),
    "a negative penalty": ({"rows": {"linear": {"kind": "ftrl", "l1": -1}}}, "l1 of Ftrl is -1"),
    "ftrl for vectors": ({"rows": {"vectors": "ftrl"}}, "vectors of RowRules.*random start"),
    "ftrl for layers": ({"dense": {"rule": "ftrl"}}, "rule of DenseRules.*rows.linear"),
    "a decay that turns weights": ({"dense": {"weight_decay": 300}}, r"weight_decay of DenseRules is 300.*\(0.005\)"),
    "a clip of 0": ({"clip": {"norm": 0}}, "norm of Clip is 0"),
    "an unknown shape": ({"schedule": {"shape": "cosine"}}, "shape of Schedule is 'cosine'.*inverse_sqrt"),
    "a warm-up before the start": ({"schedule": {"warm_up": -1}}, "warm_up of Schedule is -1"),
    "a rate that ends": ({"schedule": {"least": 0}}, "least of Schedule is 0"),
    "an unknown kind": (
        {"rows": {"vectors": {"kind": "lion"}}},
        "rules.rows.vectors.kind is 'lion'; there are adagrad",
    ),
    "an unknown field": ({"rows": {"vectors": {"kind": "adam", "lr": 1}}}, "rules.rows.vectors.lr .* it has rate"),
    "an unknown part": ({"rowz": {}}, "rules.rowz .* it has rows"),
    "words for a number": ({"clip": {"norm": "high"}}, "rules.clip.norm is 'high'"),
    "a number for a table": ({"rows": 3}, "rules.rows is 3, but it is a table of vectors"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_can_not_be_is_refused_by_name(name: str) -> None:
    told, error = REFUSED[name]
    with pytest.raises(ValueError, match=error):
        rules_of(told)


def test_a_rule_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        Sgd().rate = 1.0  # type: ignore[misc]


def test_a_schedule_rises_then_falls_and_never_stops_to_learn() -> None:
    for shape in ("constant", "inverse_sqrt", "exponential"):
        pace = [Schedule(shape, warm_up=10, span=50, least=0.2)(step) for step in range(1, 5000)]
        assert pace[:10] == [step / 10 for step in range(1, 11)]
        assert all(later <= earlier for earlier, later in pairwise(pace[9:]))
        assert min(pace[9:]) == (1.0 if shape == "constant" else 0.2)
