"""The tally: what counts as failed, as mixed, as a swap; and quantiles that occurred."""

from __future__ import annotations

from typing import Any

import pytest

from headrace.demo_tally import Quantiles, Tally, is_mixed, quantiles


def answer(version: int = 3, rung: str = "model", *, retrieval: int = 3, ranking: int = 3, generation: int = 3) -> Any:
    stamps = {"retrieval": retrieval, "ranking": ranking, "generation": generation}
    return {"request_id": "r", "version": version, "rung": rung, "stamps": stamps, "items": []}


def test_an_answer_whose_stages_agree_with_its_version_is_whole() -> None:
    assert not is_mixed(answer())


@pytest.mark.parametrize("stage", ["retrieval", "ranking", "generation"])
def test_one_stage_of_another_version_is_mixed(stage: str) -> None:
    assert is_mixed(answer(**{stage: 2}))


def test_stages_that_agree_with_each_other_but_not_with_the_version_are_mixed() -> None:
    assert is_mixed(answer(version=4))


@pytest.mark.parametrize("stage", ["retrieval", "ranking", "generation"])
def test_a_model_answer_with_a_stage_that_used_no_arrays_is_mixed(stage: str) -> None:
    assert is_mixed(answer(**{stage: 0}))


def test_an_answer_without_a_model_is_not_mixed() -> None:
    assert not is_mixed(answer(0, "popular", retrieval=0, ranking=0, generation=0))


def test_a_popular_answer_that_claims_no_model_but_used_one_is_mixed() -> None:
    assert is_mixed(answer(0, "popular", retrieval=3, ranking=0, generation=0))


def test_each_version_counts_as_one_swap_however_often_it_answers() -> None:
    tally = Tally()
    for at, version in enumerate((3, 3, 4, 3, 4)):
        stamps = {"retrieval": version, "ranking": version, "generation": version}
        tally.answered(answer(version, **stamps), ms=1.0, at=at)
    assert (tally.counted().swaps, tally.first_answers()) == (2, {3: 0, 4: 2})


def test_the_last_answer_of_a_version_counts_on_any_rung_that_used_one() -> None:
    tally = Tally()
    for at, rung, version in ((1, "model", 3), (5, "cached", 3), (7, "popular", 0), (4, "model", 3)):
        tally.answered(answer(version, rung), ms=1.0, at=at)
    assert tally.last_answers() == {3: 5}


def test_the_first_personalised_answer_is_by_a_model() -> None:
    tally = Tally()
    tally.answered(answer(0, "popular", retrieval=0, ranking=0, generation=0), ms=1.0, at=5)
    assert tally.counted().first_model_at is None
    tally.answered(answer(), ms=1.0, at=9)
    assert tally.counted().first_model_at == 9


def test_a_failed_request_is_a_request_and_leaves_its_complaint() -> None:
    tally = Tally()
    tally.failed("status 500")
    tally.posted()
    counted = tally.counted()
    assert (counted.requests, counted.failed, counted.complaint) == (2, 1, "status 500")


def test_events_are_counted_one_by_one() -> None:
    tally = Tally()
    tally.took(["slate"])
    tally.took(["impression", "click", "click", "item"])
    assert tally.counted().events == 5


def test_quantiles_are_values_that_occurred() -> None:
    assert quantiles([30.0, 10.0, 20.0]) == Quantiles(20.0, 30.0)
    assert quantiles([7.0]) == Quantiles(7.0, 7.0)
    assert quantiles([]) == Quantiles(None, None)
