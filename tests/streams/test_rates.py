from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.rates import SWEPT_AT, RateLimits, Rates

Calls = st.lists(st.tuples(st.integers(0, 400), st.integers(1, 30)), max_size=40)


@given(Calls)
def test_no_span_holds_more_than_the_rate_and_one_burst(calls: list[tuple[int, int]]) -> None:
    rates, now, let_in = Rates(RateLimits(rate=20, burst_ms=2_000)), 0, list[tuple[int, int]]()
    for later, count in calls:
        now += later
        if not rates.wait({"web": count}, now=now)[0]:
            let_in.append((now, count))
    for i, (begin, _) in enumerate(let_in):
        for j in range(i, len(let_in)):
            assert sum(count for _, count in let_in[i : j + 1]) <= 40 + (let_in[j][0] - begin) * 20 / 1000 + 1e-6


@given(Calls)
def test_who_waits_as_long_as_told_is_let_in(calls: list[tuple[int, int]]) -> None:
    rates, now = Rates(RateLimits(rate=7, burst_ms=1_000)), 0
    for later, count in calls:
        now += later
        wait, _ = rates.wait({"web": count}, now=now)
        if wait:
            now += wait
            assert rates.wait({"web": count}, now=now) == (0, "")


def test_of_two_producers_neither_pays_for_the_other_and_a_call_of_both_is_all_or_nothing() -> None:
    rates = Rates(RateLimits(rate=10, rates={"slow": 1}, burst_ms=1_000))
    assert rates.wait({"web": 10, "slow": 1}, now=0) == (0, "")
    assert rates.wait({"slow": 1, "other": 10}, now=500) == (500, "slow")
    assert rates.wait({"other": 10}, now=500) == (0, "")


def test_without_a_rate_nobody_waits_and_nothing_is_kept() -> None:
    rates = Rates(RateLimits(rates={"slow": 1}))
    assert rates.wait({"web": 10**9}, now=0) == (0, "")
    assert rates.wait({"slow": 10**9}, now=0) == (0, "")
    assert rates.wait({"slow": 1}, now=10**9)[0] > 0


def test_producers_that_come_and_go_leave_nothing_behind() -> None:
    rates = Rates(RateLimits(rate=10, burst_ms=1_000))
    for n in range(10 * SWEPT_AT):
        rates.wait({f"p{n}": 1}, now=n * 10)
    assert len(rates._buckets) < 3 * SWEPT_AT
