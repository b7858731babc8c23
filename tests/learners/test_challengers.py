"""Challengers see the same rows as the live model, cost a fixed share, and outlive a restart byte for byte."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from learners.challengers import BLOCK, LIVE, Challengers, Paired
from learners.learner import Scores
from learners.metrics import auc, losses
from learners.ordering import Batch, Example
from learners.riding_along import RidingAlong
from learners.rivals import Popularity
from learners.river_linear import RiverFtrl
from streams.examples import Row, Shot
from tests.learners.rate_learner import RateLearner

ITEM = np.random.default_rng(1).uniform(0.05, 0.6, 30)


def made() -> Challengers:
    return Challengers({"ftrl": RiverFtrl(), "popularity": Popularity()}, every=4)


def turn(challengers: Challengers, number: int, *, noise: float = 0.0) -> None:
    """A batch whose live model knows the truth, but for noise."""
    random = np.random.default_rng([5, number])
    item = random.integers(30, size=256)
    value = (random.random(256) < ITEM[item]).astype(np.float64)
    live = 1 / (1 + np.exp(-(np.log(ITEM[item] / (1 - ITEM[item])) + random.normal(0, 1, 256) * noise)))
    at = challengers.taken([f"{number}-{row}" for row in range(256)])
    rows = [(f"item={item[row]}", f"hour={number % 24}") for row in at.tolist()]
    challengers.meet(rows, value[at], live[at])


def bytes_of(challengers: Challengers) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in challengers.state().items()}


def test_the_share_of_rows_is_bounded_and_a_function_of_ids_alone() -> None:
    ids = [f"{n:032x}" for n in range(20_000)]
    taken = Challengers({}, every=8).taken(ids)
    assert 0.9 < len(taken) * 8 / len(ids) < 1.1
    assert [ids[at] for at in taken] == [ids[20 * k + at] for k in range(1000) for at in made_of(ids[20 * k :][:20])]


def made_of(ids: list[str]) -> list[int]:
    return Challengers({}, every=8).taken(ids).tolist()


def test_everyone_is_judged_on_the_same_rows() -> None:
    challengers = made()
    for number in range(40):
        turn(challengers, number)
    table = challengers.table()
    assert len({line["n"] for line in table}) == 1
    assert {line["name"] for line in table} == {LIVE, "ftrl", "popularity"}
    assert {key for line in table for key in line} >= {"auc", "ne", "calibration", "window", "faded", "since"}


def test_the_truth_beats_what_has_to_be_learned_and_the_interval_says_so() -> None:
    challengers = made()
    for number in range(300):
        turn(challengers, number)
    table = {line["name"]: line for line in challengers.table()}
    assert next(iter(table)) == LIVE
    assert table["popularity"]["against"]["better"] == "live"
    assert table["popularity"]["against"]["high"] < 0


def test_a_live_model_that_is_worse_is_seen_to_be_worse() -> None:
    challengers = made()
    for number in range(300):
        turn(challengers, number, noise=1.5)
    table = {line["name"]: line for line in challengers.table()}
    assert table["popularity"]["against"]["better"] == "rival"
    assert [*table][-1] == LIVE


def test_figures_are_of_scores_from_before_the_rows_were_learned() -> None:
    class Echo:
        """Knows how many rows it learned, and says so."""

        def __init__(self) -> None:
            self.learned = 0

        def score(self, rows: list[tuple[str, ...]]) -> np.ndarray:
            return np.full(len(rows), 0.5 if self.learned == 0 else 0.9)

        def learn(self, rows: list[tuple[str, ...]], value_B: np.ndarray) -> None:
            self.learned += len(rows)

        def state(self) -> dict[str, np.ndarray]:
            return {}

        def held(self) -> Callable[[], dict[str, np.ndarray]]:
            return self.state

        def load(self, arrays: dict[str, np.ndarray]) -> None:
            pass

    challengers = Challengers({"echo": Echo()}, every=1)
    challengers.meet([("a",), ("b",)], np.array([1.0, 0.0]), np.array([0.8, 0.1]))
    table = {line["name"]: line for line in challengers.table()}
    assert table["echo"]["log_loss"] == pytest.approx(np.log(2))
    assert table[LIVE]["auc"] == auc(np.array([0.8, 0.1]), np.array([True, False]))


def test_a_row_that_is_not_finite_counts_for_none_and_poisons_nothing() -> None:
    challengers = made()
    turn(challengers, 0)
    before = {line["name"]: line["n"] for line in challengers.table()}
    challengers.meet([("item=1",), ("item=2",)], np.array([1.0, np.nan]), np.array([np.nan, 0.2]))
    assert challengers.not_finite == 2
    assert {line["name"]: line["n"] for line in challengers.table()} == before
    turn(challengers, 1)
    assert all(np.isfinite(line["log_loss"]) for line in challengers.table())


def test_a_restart_goes_on_with_the_same_bytes() -> None:
    whole, begun, other = made(), made(), made()
    for number in range(60):
        turn(whole, number)
    for number in range(25):
        turn(begun, number)
    other.load(begun.state())
    for number in range(25, 60):
        turn(other, number)
    assert bytes_of(other) == bytes_of(whole)
    assert other.table() == whole.table()


def test_a_state_of_other_rivals_is_refused() -> None:
    with pytest.raises(ValueError, match="ftrl"):
        made().load(Challengers({"popularity": Popularity()}).state())


def test_others_that_learn_elsewhere_stand_in_the_same_table() -> None:
    challengers = Challengers({}, every=1)
    value_N, live_N = np.array([1.0, 0, 1, 0]), np.full(4, 0.5)
    challengers.meet([("a",)] * 4, value_N, live_N)
    challengers.compare("hour", value_N, live_N, np.array([0.9, 0.1, 0.9, 0.1]))
    assert [line["name"] for line in challengers.table()] == ["hour", LIVE]
    other = Challengers({}, every=1)
    other.load(challengers.state())
    assert other.table() == challengers.table()


def test_differences_do_not_depend_on_how_rows_were_cut() -> None:
    random = np.random.default_rng(2)
    difference = random.normal(0.01, 0.1, BLOCK * 35 + 17)
    one, many = Paired(), Paired()
    one.add(difference)
    for cut in np.array_split(difference, 100):
        many.add(cut)
    assert one.told()["gap"] == pytest.approx(difference[: BLOCK * 35].mean())
    assert one.told() == pytest.approx(many.told())


def test_rivals_do_not_grow_beyond_their_bound() -> None:
    ftrl, popularity = RiverFtrl(most=10), Popularity(most=10)
    for rival in (ftrl, popularity):
        rival.learn([(f"item={n}",) for n in range(1000)], np.ones(1000))
        assert len(rival.score([("item=999",)])) == 1
    assert len(ftrl.state()["told_N3"]) == 10
    assert len(popularity.state()["seen_N2"]) == 11


def test_popularity_is_near_the_rate_of_each_item() -> None:
    rival, random = Popularity(), np.random.default_rng(4)
    item = random.integers(30, size=30_000)
    rival.learn([(f"item={i}",) for i in item], (random.random(30_000) < ITEM[item]).astype(np.float64))
    told = rival.score([(f"item={i}",) for i in range(30)])
    assert np.abs(told - ITEM).max() < 0.12
    assert losses(told[item], ITEM[item] > 0.3).mean() < 1


def test_a_batch_brings_only_label_rows_that_decide() -> None:
    shot = Shot("ana", 5, surface="home")
    kinds = ("label", "label", "correction", "item")
    examples = tuple(Example(Row(n, 9, kind, f"e{n}", item_id="tea"), shot, None, 0) for n, kind in enumerate(kinds))
    batch = Batch(examples, 10)
    ones = np.ones((4, 1), np.float32)
    scores = Scores(ones / 2, np.array([[True], [False], [True], [False]]), ones, np.ones(4, np.float32))
    riding = RidingAlong("click", every=1)
    riding.see(batch, scores, RateLearner())
    assert {line["name"]: line["n"] for line in riding.table()} == {LIVE: 1, "river ftrl": 1, "popularity": 1}
