"""Which ids have a row, in the learner that serves: they wait for one, lose it, and come back as if they were new."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec import structs
from safetensors.numpy import load_file

from streams.examples import Past
from tests.learners.lessons import ITEMS, batch, fact, forget, lesson
from tests.learners.row_lives import ITEM, NAMES, USER, at, fresh, line_of, offered, row_of, start_of, unlike_any


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
