"""Labelled rows through a model: each scored before it is learned, held-out ones never learned, figures exact."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest

from learners.columns import Columns
from learners.fields import Declared
from learners.learner import Floats, Learned
from learners.linear_columns import LinearColumns
from learners.row_backtest import RowBacktest
from learners.row_columns import MISSING, Cells, Keyed, RowEncoder, Texts, batches
from learners.row_models import MODELS, RateColumns, make_row_learner
from learners.row_schema import RowSchema

SCHEMA = RowSchema(
    ("clicked",),
    {"shop": Declared("category"), "price": Declared("number"), "tags": Declared("many", most=2)},
)


def texts(*words: str | None, count: list[int] | None = None) -> Texts:
    said = [(word or "").encode() for word in words]
    there_N = None if None not in words else np.array([word is not None for word in words], np.int64)
    count_B = None if count is None else np.array(count)
    return Texts(np.frombuffer(b"".join(said), np.uint8), np.cumsum([len(each) for each in said]), there_N, count_B)


def cells(rows: int, *, seed: int = 0) -> Cells:
    """A yes is likely where the shop is even."""
    random = np.random.default_rng(seed)
    shop_B = random.integers(0, 10, rows)
    value_B = random.random(rows) < np.where(shop_B % 2, 0.1, 0.8)
    return Cells(
        {"shop": texts(*[f"shop-{shop}" for shop in shop_B]), "tags": texts(*["a"] * rows, count=[1] * rows)},
        {"price": random.normal(10, 3, rows)},
        value_B.astype(np.float32)[:, None],
        None,
        np.arange(2, rows + 2),
    )


class Watching:
    """A model that writes down what it was asked, in order."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    def score(self, columns: Columns) -> Floats:
        self.asked.append(("score", len(columns)))
        return np.full((len(columns), 1), 0.5, np.float32)

    def learn(self, columns: Columns) -> Learned:
        self.asked.append(("learn", len(columns)))
        return Learned(len(columns), True, 0.0, 0.0)


def mid_rank_auc(score_N: Floats, yes_N: Floats) -> float:
    """By the definition: over all pairs, ties half."""
    above, below = score_N[yes_N > 0][:, None], score_N[yes_N == 0][None, :]
    return float(((above > below) + 0.5 * (above == below)).mean())


def test_each_batch_is_scored_before_it_is_learned_and_held_out_rows_never_are() -> None:
    watching, encoder = Watching(), RowEncoder(SCHEMA)
    test = RowBacktest(("clicked",), watching, encoder)
    rows = list(batches([encoder.keyed(cells(5))], 3))
    assert [len(told) for told in test.progressive("pass 1", rows)] == [3, 2]
    assert [len(told) for told in test.held_out("test", rows)] == [3, 2]
    assert watching.asked == [("score", 3), ("learn", 3), ("score", 2), ("learn", 2), ("score", 3), ("score", 2)]
    assert (test.figures("pass 1")["clicked"]["n"], test.figures("test")["clicked"]["n"]) == (5, 5)


def test_another_may_score_than_the_one_that_learns() -> None:
    encoder, old, new = RowEncoder(SCHEMA), Watching(), Watching()
    test = RowBacktest(("clicked",), new, encoder, scorer=old)
    list(test.progressive("pass 1", [encoder.keyed(cells(4))]))
    assert (old.asked, new.asked) == ([("score", 4)], [("learn", 4)])


@pytest.mark.parametrize("model", ["deepfm", "fm", "logistic", "river"])
def test_what_can_be_learned_is_and_the_auc_is_that_of_what_was_told(model: str) -> None:
    encoder = RowEncoder(SCHEMA)
    learner = make_row_learner(model, fields=encoder.fields, bags=1, labels=1)
    test = RowBacktest(("clicked",), learner, encoder)
    told = list(test.progressive("pass 1", batches([encoder.keyed(cells(4000))], 128)))
    figures = test.figures("pass 1")["clicked"]
    score_N = np.concatenate([one.probability_BL[:, 0] for one in told])
    yes_N = np.concatenate([one.value_BL[:, 0] for one in told])
    assert figures["auc"] == pytest.approx(mid_rank_auc(score_N, yes_N), abs=1e-9)
    assert figures["auc"] > 0.8
    list(test.held_out("test", [encoder.keyed(cells(1000, seed=1))]))
    assert test.figures("test")["clicked"]["auc"] > 0.8


def scores(model: str, sizes: list[int]) -> Floats:
    encoder = RowEncoder(SCHEMA)
    test = RowBacktest(("clicked",), make_row_learner(model, fields=2, bags=1, labels=1), encoder)
    whole = encoder.keyed(cells(sum(sizes)))
    edges = np.cumsum([0, *sizes]).tolist()
    blocks: Iterator[Keyed] = (whole.part(a, b) for a, b in pairwise(edges))
    return np.concatenate([told.probability_BL for told in test.progressive("pass 1", batches(blocks, 64))])


@pytest.mark.parametrize("model", list(MODELS))
def test_scores_are_the_same_however_the_file_was_cut(model: str) -> None:
    assert np.array_equal(scores(model, [500]), scores(model, [1, 99, 333, 67]))


def test_ids_are_exact_and_what_is_missing_is_an_id_of_its_own_or_nothing() -> None:
    encoder = RowEncoder(SCHEMA)
    told = {"shop": texts("7", "07", None, "7"), "tags": texts("a", "b", "c", "a", count=[3, 0, 0, 1])}
    price_B, value_BL = np.array([1.0, 2.0, np.nan, 3.0]), np.zeros((4, 1), np.float32)
    columns = encoder.columns(encoder.keyed(Cells(told, {"price": price_B}, value_BL, None, np.arange(4))))
    seven, other, missing, again = columns.key_BF[:, 0].tolist()
    assert (seven == again, seven == other, missing) == (True, False, MISSING)
    assert columns.key_BF[2, 1] == MISSING
    assert columns.bags is not None
    assert columns.bags.count_BG[:, 0].tolist() == [2, 0, 0, 1]
    assert columns.bags.key_N[0] == columns.bags.key_N[2]


def test_the_steps_of_a_number_follow_the_rows_learned_before_and_no_later_ones() -> None:
    encoder = RowEncoder(SCHEMA)
    rows = encoder.keyed(cells(2000))
    before = encoder.columns(rows).key_BF[:, 1]
    assert len(set(before.tolist())) == 1, "no scale is known before a row was learned"
    encoder.count(rows)
    after = encoder.columns(rows).key_BF[:, 1]
    assert 15 < len(set(after.tolist())) <= 33
    by_price = after[np.argsort(rows.number_BK[:, 0])]
    assert (np.diff(by_price) >= 0).all()


def test_bags_keep_their_rows_when_batches_are_cut() -> None:
    schema = RowSchema(("y",), {"tags": Declared("many"), "title": Declared("text", size=1)})
    encoder = RowEncoder(schema)
    told = {"tags": texts("a", "b", "c", count=[2, 0, 1]), "title": texts("red tea", "", "red jam")}
    rows = encoder.keyed(Cells(told, {}, np.zeros((3, 1), np.float32), None, np.arange(3)))
    last = rows.part(2, 3)
    assert rows.bags.count_BG.tolist() == [[2, 2], [0, 0], [1, 2]]
    assert last.bags.key_N.tolist() == rows.bags.key_N[4:].tolist()
    assert last.bags.key_N[1] == rows.bags.key_N[2], "both say red"
    assert encoder.columns(rows).key_BF.shape == (3, 1)


def test_a_row_that_no_model_knows_is_foreseen_by_the_rate() -> None:
    learner, rate = LinearColumns(labels=1), RateColumns(labels=1)
    told = Columns(np.arange(1000)[:, None], (np.arange(1000) % 4 == 0).astype(np.float32)[:, None])
    for _ in range(30):
        learner.learn(told)
    rate.learn(told)
    new = Columns(np.array([[5000]]), np.zeros((1, 1), np.float32))
    assert rate.score(new)[0, 0] == pytest.approx(0.25, abs=0.01)
    assert learner.score(new)[0, 0] == pytest.approx(0.25, abs=0.1)


@pytest.mark.parametrize("model", list(MODELS))
def test_a_copy_answers_with_what_was_known_when_it_was_made(model: str) -> None:
    encoder = RowEncoder(SCHEMA)
    learner = make_row_learner(model, fields=2, bags=1, labels=1)
    test, rows = RowBacktest(("clicked",), learner, encoder), list(batches([encoder.keyed(cells(600))], 100))
    list(test.progressive("pass 1", rows[:3]))
    test.keep()
    known = learner.score(encoder.columns(rows[5])).copy()
    list(test.progressive("pass 2", rows, first=False))
    assert not np.array_equal(next(test.held_out("new", rows[5:])).probability_BL, known)
    test.answer_as_kept()
    assert np.array_equal(next(test.held_out("kept", rows[5:])).probability_BL, known)


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ({}, "no feature"),
        ({"y": Declared("category")}, "is a label"),
        ({"x": Declared("vector")}, "can't be read from a cell"),
        ({"x": Declared("category", log=True)}, "log means nothing"),
        ({"X": Declared("category")}, "small letters"),
        ({"x": Declared("category", space="tag")}, "space means nothing"),
    ],
)
def test_a_schema_that_cannot_be_meant_is_refused(features: dict[str, Declared], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RowSchema(("y",), features)
