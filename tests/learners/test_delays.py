"""The share of yeses that come in time, while others are still to come."""

from __future__ import annotations

import math

import numpy as np
import pytest

from learners.delays import Coverage

S = 1000
WINDOW, REACH = 120 * S, 600 * S


def fed(coverage: Coverage, *, seconds: int, rate: float = 20.0, growth: float = 1.0, seed: int = 1) -> list[float]:
    """Feed yeses second by second as they become known, with lognormal delays (median 30 s); the estimate of each
    minute. The rate of showings grows to `growth` times what it was."""
    random = np.random.default_rng(seed)
    shown_N = np.sort(random.random(int(rate * seconds)) ** (1 / growth)) * seconds * S
    delay_N = random.lognormal(math.log(30), 1.0, len(shown_N)) * S
    order_N = np.argsort(shown_N + delay_N, kind="stable")
    shown_N, delay_N = shown_N[order_N].astype(np.int64), delay_N[order_N].astype(np.int64)
    known_N, told = shown_N + delay_N, []
    edges = np.searchsorted(known_N, np.arange(1, seconds + 1) * S)
    for second, (start, stop) in enumerate(zip(np.append(0, edges), edges, strict=False), 1):
        coverage.see(shown_N[start:stop], delay_N[start:stop], now=second * S)
        if second % 60 == 0:
            told.append(coverage.share)
    return told


def within(seconds: float) -> float:
    """The share of delays up to so many seconds, by the law they were drawn from."""
    return 0.5 * (1 + math.erf(math.log(seconds / 30) / math.sqrt(2)))


def coverage() -> Coverage:
    return Coverage(window=WINDOW, reach=REACH, half_life=3600 * S)


def test_the_share_is_found() -> None:
    assert fed(coverage(), seconds=3600)[-1] == pytest.approx(within(120) / within(600), abs=0.004)


def test_it_is_near_long_before_the_reach_has_passed() -> None:
    """After five minutes the last five minutes of delay were never seen; what was seen is weighed rightly."""
    told = fed(coverage(), seconds=300, rate=200.0)
    assert told[-1] == pytest.approx(within(120) / within(300), abs=0.015)


@pytest.mark.parametrize("growth", [0.5, 3.0])
def test_more_and_more_traffic_does_not_look_like_early_yeses(growth: float) -> None:
    told = fed(coverage(), seconds=1500, rate=100.0, growth=growth)
    assert told[-1] == pytest.approx(within(120) / within(600), abs=0.008)


def test_as_long_as_nothing_is_known_nothing_is_corrected() -> None:
    told = coverage()
    assert told.share == 1.0
    told.see(np.array([5 * S]), np.array([3 * S]), now=9 * S)
    assert told.share == 1.0


def test_a_yes_beyond_the_reach_is_none() -> None:
    one, other = coverage(), coverage()
    for told in (one, other):
        fed(told, seconds=900)
    other.see(np.full(50, 100 * S), np.full(50, 700 * S), now=900 * S)
    assert other.share == one.share


def test_what_people_do_now_counts_more_than_what_they_did() -> None:
    told = Coverage(window=WINDOW, reach=REACH, half_life=600 * S)
    for minute in range(240):
        late = 300 if minute < 120 else 150
        at = np.full(10, minute * 60 * S)
        told.see(at, np.array([10] * 8 + [late, late]) * S, now=(minute * 60 + 59) * S)
    assert told.share == pytest.approx(0.8, abs=0.005)
    for minute in range(240, 480):
        told.see(np.full(10, minute * 60 * S), np.full(10, 10 * S), now=(minute * 60 + 59) * S)
    assert told.share > 0.999


def test_it_goes_on_from_a_snapshot_bit_by_bit() -> None:
    random, one, other = np.random.default_rng(3), coverage(), coverage()
    for turn in range(400):
        shown = random.integers(0, 5 * S, 7) + turn * 5 * S
        delay = random.integers(0, 650 * S, 7)
        if turn == 217:
            other = coverage()
            other.load(one.dump())
        for told in (one, other) if turn >= 217 else (one,):
            told.see(shown, delay, now=(turn + 1) * 5 * S)
    assert other.share == one.share
    assert all(np.array_equal(array, other.dump()[name]) for name, array in one.dump().items())


def test_a_long_silence_costs_no_more_than_a_short_one() -> None:
    told = coverage()
    told.see(np.array([0, 0, 0, 0]), np.array([1, 2, 3, 300 * S]), now=301 * S)
    told.see(np.array([10**12]), np.array([S]), now=10**12 + S)
    assert told.share > 0.999


def test_no_late_yes_can_be_known_without_a_horizon() -> None:
    with pytest.raises(ValueError, match="Give the label a horizon"):
        Coverage(window=100, reach=100)
