"""What rivals hold for a version is what they are at that moment, also when it is made into arrays much later."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest

from learners.rivals import Arrays, Popularity, Rival
from learners.river_linear import RiverFtrl


def river(rival: RiverFtrl) -> Arrays:
    """Looked up name by name."""
    optimizer, weights = rival._optimizer, rival._model.weights
    names = list(optimizer.n)
    told = [[weights.get(name, 0.0), optimizer.z[name], optimizer.n[name]] for name in names]
    return {"names": _json(names), "told_N3": np.array(told).reshape(-1, 3)}


def popularity(rival: Popularity) -> Arrays:
    """The same."""
    return {"names": _json(list(rival._items)), "seen_N2": np.array([rival._all, *rival._items.values()])}


@pytest.mark.parametrize(
    ("make", "plain"), [(lambda: RiverFtrl(most=40), river), (lambda: Popularity(most=25), popularity)]
)
@pytest.mark.parametrize("seed", range(4))
def test_what_is_held_is_what_is_found_name_by_name(
    make: Callable[[], Rival], plain: Callable[[Rival], Arrays], seed: int
) -> None:
    random, rival, held = np.random.default_rng(seed), make(), []
    for step in random.choice(["learn", "hold", "forget", "restart"], 60, p=[0.5, 0.3, 0.1, 0.1]).tolist():
        if step == "learn":
            users, items = random.integers(12, size=9).tolist(), random.integers(40, size=9).tolist()
            rows = [
                (f"item={item}", f"user={user}", f"user*category={user}*a")
                for user, item in zip(users, items, strict=True)
            ]
            rival.learn(rows, random.random(9).round())
        elif step == "hold":
            held.append((rival.held(), plain(rival)))
        elif step == "forget":
            rival.forget(str(random.integers(12)))
        else:
            again = make()
            again.load(rival.state())
            rival = again
    for later, wanted in [*held, (rival.held(), plain(rival))]:
        found = later()
        for name, array in wanted.items():
            assert found[name].tobytes() == array.tobytes(), name


def _json(names: list[object]) -> np.ndarray:
    return np.frombuffer(json.dumps(names).encode(), np.uint8)
