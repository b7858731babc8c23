"""Rows go when their time has come, or when others are used more; never others, and never in one long sweep."""

from __future__ import annotations

import numpy as np
import pytest

from learners.tables.expiry import PER_NEW_ROW, STRETCH, Expiry, Longs
from learners.tables.kinds import Kind, Limits

NOW = 1_700_000_000_000
HOUR = 3_600_000


def rounds(expiry: Expiry, at: int, space_R: Longs, calls: int) -> list[int]:
    """Rows due, over several calls, each taken out at once."""
    gone: list[int] = []
    for _ in range(calls):
        due = expiry.due(at, space_R, int((space_R >= 0).sum()), 0)
        space_R[due] = -2
        expiry.ended(due)
        gone += due.tolist()
    return gone


def test_a_row_goes_once_it_was_not_used_for_longer_than_the_life_of_its_kind() -> None:
    expiry = Expiry([Kind(ttl_ms=1000), Kind(ttl_ms=50), Kind()], np.array([0, 1, 2]), Limits())
    space_R = np.arange(30_000) % 3
    expiry.used(np.arange(30_000), np.array([NOW]), 30_000)
    expiry.used(np.array([1, 4, 30]), np.array([NOW + 1000]), 30_000)
    gone = rounds(expiry, NOW + 1000, space_R, 8)
    assert sorted(gone) == [row for row in range(1, 30_000, 3) if row not in (1, 4)]
    assert sorted(rounds(expiry, NOW + 1001, space_R, 8)) == [row for row in range(0, 30_000, 3) if row != 30]
    assert sorted(rounds(expiry, NOW + 10**9, space_R, 8)) == [1, 4, 30]
    assert (space_R[2::3] == 2).all()


def test_one_call_looks_at_a_bounded_stretch() -> None:
    expiry, rows = Expiry([Kind(ttl_ms=1)], np.array([0]), Limits()), 100_000
    expiry.used(np.arange(rows), np.array([NOW]), rows)
    assert len(expiry.due(NOW + 9, np.zeros(rows, np.int64), rows, 0)) == STRETCH
    assert len(expiry.due(NOW + 9, np.zeros(rows, np.int64), rows, 100)) == STRETCH + 100 * PER_NEW_ROW


def test_an_earlier_use_never_makes_a_row_older() -> None:
    expiry = Expiry([Kind(ttl_ms=10)], np.array([0]), Limits())
    expiry.used(np.array([0, 0]), np.array([NOW, NOW - 50]), 1)
    assert not len(expiry.due(NOW + 10, np.zeros(1, np.int64), 1, 0))


def test_beyond_the_cap_the_least_used_go_and_the_cap_holds_after_every_call() -> None:
    draw, rows, cap = np.random.default_rng(2), 40_000, 30_000
    limits = Limits(cap=cap, low=0.9, half_life_ms=HOUR)
    expiry = Expiry([Kind()], np.array([0]), limits)
    row_N, at_N = draw.integers(0, rows, 300_000), NOW + np.sort(draw.integers(0, 9 * HOUR, 300_000))
    row_N = np.minimum(row_N, draw.integers(0, rows, 300_000))
    for part in np.array_split(np.arange(300_000), 11):
        expiry.used(row_N[part], at_N[part], rows)
    faded_R = np.zeros(rows)
    np.add.at(faded_R, row_N, 0.5 ** ((NOW + 9 * HOUR - at_N) / HOUR))
    alive = int((faded_R > 0).sum())
    space_R = np.where(faded_R > 0, 0, -2)
    gone = expiry.due(NOW + 9 * HOUR, space_R, alive, 0)
    assert alive - len(gone) <= cap
    kept = np.setdiff1d(np.flatnonzero(faded_R > 0), gone)
    assert len(gone) > 1000
    assert faded_R[gone].max() <= np.sort(faded_R[faded_R > 0])[alive - int(0.9 * cap)] * 2 ** (1 / 8)
    assert np.median(faded_R[gone]) < np.median(faded_R[kept])


def test_uses_fade_by_half_lives_over_any_stretch_of_time() -> None:
    limits = Limits(cap=10, low=0.5, half_life_ms=1)
    expiry = Expiry([Kind()], np.array([0]), limits)
    for row in range(8):
        expiry.used(np.array([row] * (8 - row)), np.array([NOW + row * 10**6]), 8)
    space_R = np.zeros(8, np.int64)
    due = expiry.due(NOW + 10**7, space_R, 8, 0)
    assert due.tolist() == [0, 1, 2]


def test_two_that_did_the_same_say_the_same_after_a_load_on_the_way() -> None:
    draw, rows = np.random.default_rng(5), 9000
    kinds, limits = [Kind(ttl_ms=HOUR)], Limits(cap=6000, half_life_ms=HOUR // 3)
    one, other = (Expiry(kinds, np.array([0]), limits) for _ in range(2))
    spaces = [np.zeros(rows, np.int64), np.zeros(rows, np.int64)]
    for turn in range(40):
        row_N = draw.integers(0, rows, 400)
        dues = []
        for space_R, expiry in zip(spaces, (one, other), strict=True):
            expiry.used(row_N[space_R[row_N] >= 0], np.array([NOW + turn * HOUR // 20]), rows)
            due = expiry.due(NOW + turn * HOUR // 20, space_R, int((space_R >= 0).sum()), 0)
            space_R[due] = -2
            expiry.ended(due)
            dues.append(due.tolist())
        assert dues[0] == dues[1]
        if turn % 7 == 0:
            dumped = other.dump(rows)
            other = Expiry(kinds, np.array([0]), limits)
            other.load(dumped, spaces[1])
            assert all(np.array_equal(array, one.dump(rows)[name]) for name, array in other.dump(rows).items())


@pytest.mark.parametrize("cap", [0, 100])
def test_where_no_row_ever_goes_nothing_is_kept_of_uses(cap: int) -> None:
    expiry = Expiry([Kind()], np.array([0]), Limits(cap=cap))
    expiry.used(np.arange(50), np.array([NOW]), 50)
    assert expiry.idle == (cap == 0)
    assert not len(expiry.due(NOW * 2, np.zeros(50, np.int64), 50, 0))
