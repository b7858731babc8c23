"""Which ids have a row, in the learner that serves: they wait for one, lose it, and come back as if they were new."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec import structs
from safetensors.numpy import load_file

from learners.fields import Declared
from learners.named_learners import make_learner
from learners.ordering import Batch, Example
from serving.scorer import Scorer
from streams.examples import Attributes, Past
from tests.learners.lessons import ITEMS, batch, fact, forget, lesson, random_batch

USER, ITEM = 0, 1
NAMES = ["two_tower_deepfm", "two_tower_deepfm_torch"]


def fresh(rows: dict[str, Any] | None = None, name: str = NAMES[0], **told: Any) -> Any:
    return make_learner(name, labels=("click", "long"), context=("hour",), seed=7, rows=rows, **told)


def at(time: int, *examples: Example) -> Batch:
    """A batch of rows that were all decided at a time."""
    return batch(*(structs.replace(one, row=structs.replace(one.row, decided_at=time)) for one in examples))


def at_random(number: int) -> Batch:
    return at(10 * number, *random_batch(number).examples)


def row_of(learner: Any, space: int, text: str) -> int:
    code = learner._memory.names.code(space, text)
    found: int = learner._rows.find(*(np.array([part]) for part in code)).item()
    return found


def line_of(learner: Any, row: int) -> dict[str, bytes]:
    """Everything that is kept of a row."""
    arrays = learner._state()[0]
    names = ("rank.rows", "rank.state", "seek.rows", "seek.state", "counts")
    return {name: arrays[name][row].tobytes() for name in names}


def start_of(row: int) -> dict[str, bytes]:
    """What a row is before anything was learned of it."""
    learner = fresh()
    learner._model.grow(row + 1)
    weights = {name: array for name, array in learner._model.dump().items() if name.endswith(("rows", "state"))}
    return {name: array[row].tobytes() for name, array in weights.items()} | {"counts": np.zeros(6).tobytes()}


def unlike_any(name: str) -> Example:
    """A row of a user, an item, an author and a tag that nobody saw before."""
    told, one = Attributes(f"i{name}", 1, author=f"a{name}", tags=(f"t{name}",)), lesson(f"u{name}")
    return structs.replace(one, attributes=told, row=structs.replace(one.row, item_id=told.item_id))


def offered(learner: Any, folder: Path, version: int) -> set[str]:
    learner.export(folder / str(version), version=version)
    scorer = Scorer.open(folder / str(version))
    assert len(scorer.item_vectors) == len(scorer.item_ids)
    return set(scorer.item_ids)


def test_an_id_below_the_threshold_has_no_row_and_reads_and_teaches_the_fallback() -> None:
    learner = fresh({"spaces": {"user": {"admit": 3}}})
    before = line_of(learner, USER)
    learner.learn(at(10, lesson("ana"), lesson("ana", 1)))
    after = line_of(learner, USER)
    assert row_of(learner, USER, "ana") == -1
    assert after["rank.rows"] != before["rank.rows"]
    assert after["counts"] == before["counts"]
    one, other = (learner.score(batch(lesson(user, 2))).probability_BL for user in ("ana", "nobody"))
    assert np.array_equal(one, other)
    learner.learn(at(20, lesson("ana", 2)))
    assert row_of(learner, USER, "ana") >= 0
    assert row_of(learner, USER, "nobody") == -1


def test_what_waits_for_a_row_is_counted_nowhere_but_in_the_totals() -> None:
    learner = fresh({"spaces": {"user": {"admit": 5}}})
    learner.learn(at(10, *(lesson("ana", item) for item in range(4))))
    state = learner._state()[0]
    assert state["totals"][0] == 4
    assert len(state["pairs.user"]) == 0
    learner.learn(at(20, lesson("ana", 5)))
    state, user = learner._state()[0], row_of(learner, USER, "ana")
    assert state["totals"][0] == 5
    assert state["counts"][user, 0] == 1
    assert set(state["pairs.user"].tolist()) == {user}


def test_views_are_counted_and_not_rows_or_batches() -> None:
    """Of one list each view counts; what else is decided of a view later does not."""
    learner = fresh({"spaces": {"user": {"admit": 3}}})
    later = [lesson("ana", item, labels={"long": 1.0}, first=False) for item in range(5)]
    learner.learn(at(10, lesson("ana"), *later))
    learner.learn(at(20, *later))
    assert row_of(learner, USER, "ana") == -1
    learner.learn(at(30, lesson("ana", 1), lesson("ana", 2)))
    assert row_of(learner, USER, "ana") >= 0


def test_a_chance_of_one_half_admits_about_half() -> None:
    learner = fresh({"spaces": {"user": {"chance": 0.5}}})
    learner.learn(at(10, *(lesson(f"u{number}") for number in range(200))))
    assert 70 < sum(row_of(learner, USER, f"u{number}") >= 0 for number in range(200)) < 130


@pytest.mark.parametrize("name", NAMES)
def test_a_user_that_expired_starts_anew_with_fresh_state_and_no_counts(name: str) -> None:
    learner = fresh({"spaces": {"user": {"ttl": 100}}}, name)
    for time in (5, 10):  # a row that was made by a batch is read from the next one on
        learner.learn(at(time, *(lesson("ana", item) for item in range(8)), lesson("bob", 1)))
    row = row_of(learner, USER, "ana")
    assert all(line_of(learner, row)[name] != start for name, start in start_of(row).items())
    learner.learn(at(90, lesson("bob", 2)))
    learner.learn(at(120, lesson("bob", 3)))
    assert row_of(learner, USER, "ana") == -1
    assert row_of(learner, USER, "bob") >= 0
    assert line_of(learner, row) == start_of(row)
    assert row not in learner._state()[0]["pairs.user"]
    assert "ana" not in str(learner._state()[1]["names"])
    learner.learn(at(130, lesson("carol", 4, weight=0.0, first=False, labels={"click": 0.0})))
    learner.learn(at(140, lesson("carol", 4, weight=0.0, labels={"click": 0.0})))
    assert row_of(learner, USER, "carol") == row
    assert np.frombuffer(line_of(learner, row)["counts"])[0] == 1


def test_pairs_go_with_the_author_too() -> None:
    learner = fresh({"spaces": {"author": {"ttl": 100}}})
    learner.learn(at(10, lesson("ana", 0), lesson("ana", 1)))
    author = row_of(learner, 2, ITEMS[0].author or "")
    assert author in learner._state()[0]["pairs.value"][learner._state()[0]["pairs.user"] >= 0]
    learner.learn(at(150, lesson("ana", 1)))
    state = learner._state()[0]
    assert row_of(learner, 2, ITEMS[0].author or "") == -1
    assert author not in state["pairs.value"][state["pairs.user"] >= 0]
    assert row_of(learner, USER, "ana") in state["pairs.user"]


def test_an_item_that_expired_is_not_offered_and_comes_back_when_it_is_seen(tmp_path: Path) -> None:
    learner = fresh({"spaces": {"item": {"ttl": 100}}})
    learner.learn(at(10, *(lesson("ana", item) for item in range(4))))
    ids = [one.item_id for one in ITEMS]
    assert offered(learner, tmp_path, 1) == set(ids[:4])
    learner.learn(at(90, lesson("ana", 1)))
    learner.learn(at(150, lesson("ana", 2)))
    assert offered(learner, tmp_path, 2) == {ids[1], ids[2]}
    assert learner._memory.catalogue.known[0] == learner._memory.catalogue.known[0].__class__(
        ids[0], 1, ITEMS[0].author, ITEMS[0].categories, ITEMS[0].tags
    )
    learner.learn(at(160, lesson("bob", 0, kind="organic")))
    assert offered(learner, tmp_path, 3) == {ids[0], ids[1], ids[2]}
    learner.learn(at(170, fact(structs.replace(ITEMS[3], ts=9))))
    assert offered(learner, tmp_path, 4) == set(ids[:4])


def test_a_version_tells_which_ids_went_since_the_one_before(tmp_path: Path) -> None:
    learner = fresh({"spaces": {"user": {"ttl": 100}}})
    learner.learn(at(10, *(lesson(user) for user in ("11", "12", "13"))))
    learner.learn(at(150, lesson("14")))
    learner.learn(at(160, lesson("12"), forget("13")))
    told = []
    for version in (1, 2):
        learner.export(tmp_path / str(version), version=version)
        told.append(load_file(tmp_path / str(version) / "ids.safetensors"))
    assert told[0]["gone.key"].tolist() == [11]
    assert told[0]["gone.space"].tolist() == [2 * USER]
    assert "gone.key" not in told[1]


def test_what_is_only_drawn_neither_gets_a_row_nor_keeps_one() -> None:
    learner = fresh({"ttl": 100})
    for item in ITEMS:
        learner.learn(at(5, fact(item)))
    learner.learn(at(10, lesson("ana", 0)))
    assert [row_of(learner, ITEM, item.item_id) >= 0 for item in ITEMS] == [True] + 29 * [False]
    for time in range(20, 130, 10):
        learner.learn(at(time, lesson("ana", 1)))
    assert row_of(learner, ITEM, ITEMS[0].item_id) == -1


def test_an_item_of_a_history_is_used() -> None:
    learner = fresh({"spaces": {"item": {"ttl": 100}}})
    learner.learn(at(10, lesson("ana", 0), lesson("ana", 2)))
    past = (Past(ITEMS[0].item_id, "click", 5),)
    for time in range(60, 300, 40):
        learner.learn(at(time, lesson("ana", 1, history=past)))
    assert row_of(learner, ITEM, ITEMS[0].item_id) >= 0
    assert row_of(learner, ITEM, ITEMS[2].item_id) == -1


@pytest.mark.parametrize("terms", [{"ttl": 300}, {"cap": 400}], ids=["ttl", "cap"])
def test_churning_ids_keep_the_number_of_rows_bounded(terms: dict[str, Any], tmp_path: Path) -> None:
    learner, most = fresh(terms), 0
    for turn in range(60):
        learner.learn(at(50 * turn, *(unlike_any(f"{turn}.{number}") for number in range(10))))
        most = max(most, len(learner._rows))
    assert most < 500
    assert learner._rows.alive <= 400
    assert len(learner._memory.pairs.ids) < 500
    learner.snapshot(tmp_path)
    other = fresh(terms)
    other.restore(tmp_path)
    assert other.digest() == learner.digest()


TERMS = {"admit": 2, "ttl": 40, "cap": 150, "spaces": {"item": {"admit": 1}, "user": {"chance": 0.5}}}


@pytest.mark.parametrize("name", NAMES)
def test_a_restored_learner_goes_on_with_what_waits_and_what_is_to_go(name: str, tmp_path: Path) -> None:
    whole, first, second = (fresh(TERMS, name) for _ in range(3))
    for number in range(12):
        whole.learn(at_random(number))
        if number < 6:
            first.learn(at_random(number))
        if number == 4:
            first.export(tmp_path / "version", version=1)  # nothing that was learned changes by it
    first.snapshot(tmp_path / "kept")
    second.restore(tmp_path / "kept")
    assert second.digest() == first.digest()
    for number in range(6, 12):
        second.learn(at_random(number))
    assert second.digest() == whole.digest()
    assert len(whole._rows) > whole._rows.alive + 7


def test_scoring_and_a_refused_batch_change_nothing() -> None:
    learner = fresh(TERMS)
    for number in range(6):
        learner.learn(at_random(number))
    before = learner.digest()
    learner.score(at_random(6))
    assert learner.digest() == before
    assert not learner.learn(at(900, *random_batch(7).examples, lesson("new", weight=float("nan")))).finite
    assert learner.digest() == before


def test_both_models_keep_the_same_rows(tmp_path: Path) -> None:
    one, other = (fresh(TERMS, name) for name in NAMES)
    for number in range(10):
        one.learn(at_random(number))
        other.learn(at_random(number))
    for name, array in one._rows.dump().items():
        assert np.array_equal(array, other._rows.dump()[name]), name


def test_a_forgotten_user_is_not_counted_on_and_told_as_gone_nowhere() -> None:
    learner = fresh({"spaces": {"user": {"admit": 3, "ttl": 100}}})
    learner.learn(at(10, lesson("4711"), lesson("4711", 1), *(lesson("4712", item) for item in range(3))))
    learner.learn(at(200, lesson("5")))
    assert row_of(learner, USER, "4712") == -1
    learner.learn(at(210, forget("4711"), forget("4712")))
    numbers = [number for array in learner._rows.dump().values() for number in array.ravel().tolist()]
    assert 4711 not in numbers
    assert 4712 not in numbers
    learner.learn(at(220, lesson("4711")))
    assert row_of(learner, USER, "4711") == -1


def test_what_waits_and_what_goes_is_carried_over_to_other_features() -> None:
    brand = {"brand": Declared("category", "item.attributes.brand")}
    before, after = fresh(TERMS), fresh(TERMS, features=brand)
    for number in range(6):
        before.learn(at_random(number))
    after.carry(before)
    assert after._rows.alive == before._rows.alive
    assert after._rows.admission.waiting == before._rows.admission.waiting
    for number in range(6, 9):
        before.learn(at_random(number))
        after.learn(at_random(number))
    assert after._rows.admission.waiting == before._rows.admission.waiting


def test_other_terms_are_another_learner(tmp_path: Path) -> None:
    learner = fresh({"ttl": 100})
    learner.learn(random_batch(1))
    learner.snapshot(tmp_path)
    with pytest.raises(ValueError, match="settings changed"):
        fresh().restore(tmp_path)
    with pytest.raises(ValueError, match="terms of rows"):
        fresh().carry(learner)


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({"spaces": {"usr": {}}}, "rows.spaces.usr: there is no such space"),
        ({"spaces": {"user": {"cap": 3}}}, "rows.spaces.user.cap is no term"),
        ({"life": 3}, "rows.life is no term"),
        ({"admit": 0}, "count is at least 1"),
    ],
)
def test_terms_that_can_not_be_meant_are_refused(terms: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        fresh(terms)
