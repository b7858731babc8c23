"""Ids get a row at the sighting that the rule names, exactly, for any threshold and any number of ids."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learners.tables.admission import Admission, Longs
from learners.tables.kinds import Kind, Limits, chance_of


def admit(admission: Admission, keys: Longs, at: Longs | int, kind: int = 0) -> list[bool]:
    """Sightings of ids without a row."""
    none = np.full(len(keys), kind, np.int64)
    at_N = np.broadcast_to(np.asarray(at, np.int64), len(keys)).copy()
    said = admission.admit(none, none, keys, at_N, np.arange(len(keys)))
    admission.passed(len(keys), int(at_N.max(initial=0)))
    return said.tolist()


@pytest.mark.parametrize("wanted", [1, 5, 100])
def test_the_sighting_that_is_wanted_is_admitted_and_none_before(wanted: int) -> None:
    ids = 20_000 // wanted * 2
    keys = np.random.default_rng(wanted).permutation(np.repeat(np.arange(ids) << 40, wanted))
    admission, seen, start = Admission([Kind(count=wanted)], Limits()), Counter[int](), 0
    for size in (1, 7, 900, 40_000):
        for key, said in zip(part := keys[start : start + size], admit(admission, part, 5), strict=True):
            seen[int(key)] += 1
            assert said == (seen[int(key)] >= wanted)
        admission.settle()
        start += size
    assert set(seen.values()) == {wanted}
    assert admission.waiting == 0


def test_each_kind_has_a_rule_of_its_own() -> None:
    admission = Admission([Kind(), Kind(count=2)], Limits())
    keys = np.array([7, 7, 8])
    assert admit(admission, keys, 1, kind=0) == [True, True, True]
    assert admit(admission, keys, 1, kind=1) == [False, True, False]
    assert not admission.open
    assert Admission([Kind()], Limits()).open


def test_a_count_begins_anew_after_a_long_silence_whether_it_was_swept_or_not() -> None:
    for others in (0, 9000):
        admission = Admission([Kind(count=3)], Limits(forget_ms=100))
        one = np.array([7])
        assert admit(admission, one, 0) == admit(admission, one, 100) == [False]
        admission.settle()
        admit(admission, 100 + np.arange(others), 201)
        admission.settle()
        assert [admit(admission, one, at)[0] for at in (201, 301, 401)] == [False, False, True]


def test_ids_that_wait_in_vain_are_forgotten() -> None:
    admission, most = Admission([Kind(count=2)], Limits(forget_ms=1000)), 0
    for batch in range(300):
        admit(admission, np.arange(500) + 500 * batch, 100 * batch)
        admission.settle()
        most = max(most, admission.waiting)
    assert most <= 500 * 10 * 1.5 + 4096
    assert admission.waiting >= 500 * 10


def test_what_is_withdrawn_was_never_counted() -> None:
    draw = np.random.default_rng(8)
    twins = [Admission([Kind(count=4), Kind(chance=0.3)], Limits()) for _ in range(2)]
    for batch in range(60):
        for twin in (0, 1):
            if twin and batch % 3:
                admit(twins[1], draw.integers(0, 60, 40), batch + 5)
                admit(twins[1], draw.integers(0, 60, 40), batch + 9, kind=1)
                twins[1].withdraw()
        keys = draw.integers(0, 60, 30)
        assert admit(twins[0], keys, batch) == admit(twins[1], keys, batch)
        assert admit(twins[0], keys, batch, kind=1) == admit(twins[1], keys, batch, kind=1)
        for twin in twins:
            twin.settle()
        dumps = [twin.dump() for twin in twins]
        assert all(np.array_equal(dumps[0][name], dumps[1][name]) for name in dumps[0])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 12), max_size=200), st.lists(st.integers(1, 60), min_size=1))
def test_how_sightings_are_cut_into_batches_changes_nothing(keys: list[int], cuts: list[int]) -> None:
    whole, cut = (Admission([Kind(chance=0.2), Kind(count=3)], Limits(seed=6)) for _ in range(2))
    key_N, at_N = np.array(keys, np.int64), np.arange(len(keys))
    kind_N = key_N % 2
    said = whole.admit(kind_N, kind_N, key_N, at_N, at_N).tolist()
    start, turn, parts = 0, 0, list[bool]()
    while start < len(keys):
        size = cuts[turn % len(cuts)]
        part = slice(start, start + size)
        parts += cut.admit(kind_N[part], kind_N[part], key_N[part], at_N[part], at_N[: len(key_N[part])]).tolist()
        cut.passed(len(key_N[part]), start)
        start, turn = start + size, turn + 1
    assert said == parts


def test_by_chance_as_many_are_admitted_as_the_formula_says() -> None:
    ids, sightings = 20_000, 5
    chance = chance_of(sightings)
    admission = Admission([Kind(chance=chance)], Limits(seed=3))
    got, keys = np.zeros(ids, np.bool_), np.arange(ids) << 20
    for sighting in range(1, sightings + 1):
        left = np.flatnonzero(~got)
        got[left] = admit(admission, keys[left], 0)
        assert abs(got.mean() - (1 - (1 - chance) ** sighting)) < 0.01
    assert abs(got.mean() - 0.95) < 0.01
    assert admission.waiting == 0


def test_chances_of_two_seeds_are_unlike() -> None:
    one, other = (
        np.array(admit(Admission([Kind(chance=0.5)], Limits(seed=seed)), np.arange(4000), 0)) for seed in (1, 2)
    )
    assert 0.45 < (one == other).mean() < 0.55


def test_impossible_rules_are_refused() -> None:
    for wrong in ({"count": 0}, {"chance": 1.5}, {"ttl_ms": -1}):
        with pytest.raises(ValueError, match="count is at least 1"):
            Kind(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="low is in"):
        Limits(low=0.0)
