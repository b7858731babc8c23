"""The ranker among River's: every check that River makes of a classifier, pipelines, clones and frames."""

from __future__ import annotations

import gc
import re
import warnings
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from river import checks, compose, preprocessing

from learners.river_learner import HeadraceClassifier

MADE = HeadraceClassifier(fields=4, hidden=(8,))
CHECKS = list(checks.yield_checks(MADE))
ENOUGH = 300
"""Rows of a data set: of all but one check that is more than River takes anyway."""


def rows(n: int, seed: int = 0) -> list[tuple[dict[str, object], bool]]:
    random = np.random.default_rng(seed)
    told = []
    for _ in range(n):
        item, size = int(random.integers(8)), float(random.normal())
        told.append(({"item": f"i{item}", "size": size}, bool(random.random() < (0.85 if item < 4 else 0.15))))
    return told


@pytest.fixture(autouse=True, scope="module")
def _what_was_imported_is_not_looked_through_again() -> Iterator[None]:
    """River's checks collect garbage, and there are many modules."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.parametrize("place", range(len(CHECKS)))
def test_river_finds_nothing_wrong_with_it(place: int) -> None:
    check = CHECKS[place]
    if check.__name__ in MADE._unit_test_skips():
        pytest.skip("one step of many rows is not many steps of one")
    told = getattr(check, "keywords", {})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(MADE.clone(), **{name: islice(rows, ENOUGH) for name, rows in told.items() if name == "dataset"})


def test_it_learns_behind_a_scaler_of_river() -> None:
    model = compose.Select("size") | preprocessing.StandardScaler()
    model = (model + compose.Select("item")) | HeadraceClassifier(fields=4)
    told = rows(300)
    hits = 0
    for x, y in told:
        hits += model.predict_one(x) == y
        model.learn_one(x, y)
    assert hits > 0.7 * len(told)


def test_a_prediction_leaves_no_trace() -> None:
    model = HeadraceClassifier(fields=2)
    for x, y in rows(20):
        model.learn_one(x, y)
    before = model.learned.digest()
    model.predict_proba_one({"item": "never seen", "name": "never heard", "size": float("nan")})
    assert model.learned.digest() == before


def test_a_clone_knows_nothing_of_what_was_learned() -> None:
    model = HeadraceClassifier(fields=2, seed=3)
    empty = model.clone().learned.digest()
    model.learn_one({"item": "a"}, True)
    assert model.clone().learned.digest() == empty != model.learned.digest()


def test_frames_of_one_row_teach_what_single_rows_teach() -> None:
    pandas = pytest.importorskip("pandas")
    one, many = HeadraceClassifier(fields=1), HeadraceClassifier(fields=1)
    for x, y in rows(30):
        one.learn_one(x, y)
        many.learn_many(pandas.DataFrame([x]), pandas.Series([y]))
    assert one.learned.digest() == many.learned.digest()


def test_names_beyond_the_fields_are_told_in_a_bag_in_any_order() -> None:
    told = [(x | {"third": "c", "fourth": y}, y) for x, y in rows(60)]
    one, other = HeadraceClassifier(fields=1), HeadraceClassifier(fields=1)
    for x, y in told:
        one.learn_one(x, y)
        other.learn_one(dict(reversed(x.items())), y)
    assert one.learned.digest() == other.learned.digest()
    assert one.predict_one(told[0][0]) == told[0][1]


def test_the_pipeline_in_the_documentation_runs() -> None:
    pytest.importorskip("pandas")
    page = (Path(__file__).parents[2] / "docs" / "learning.md").read_text()
    (block,) = [told for told in re.findall("```python\n(.*?)```", page, re.DOTALL) if "HeadraceClassifier" in told]
    exec(compile(block, "docs/learning.md", "exec"), {})
