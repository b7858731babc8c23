"""In which order events arrive, within the out-of-orderness, and in how many partitions: the same questions with the
same answers reach the learner. How near the scores are is measured at length in `benchmarks/arrival.py`."""

from __future__ import annotations

import pytest

from benchmarks.arrival import Arrivals, happenings, in_order, learned, rules_of, shuffled
from streams.replay import replay
from streams.rules import Rules

Told = list[tuple[int, str, str, float]]
RULES = rules_of()


@pytest.fixture(scope="module")
def ordered() -> Arrivals:
    return in_order(happenings(1_000))


@pytest.fixture(scope="module")
def mixed() -> Arrivals:
    return shuffled(happenings(1_000), RULES.out_of_orderness, seed=3)


def decided(arrivals: Arrivals, rules: Rules, partitions: int) -> Told:
    """Every label as it was decided, and when."""
    return sorted(
        (row.decided_at, row.example, row.item_id, row.labels["click"])
        for _, frame in replay(arrivals, rules, partitions=partitions)
        for row in frame.rows
        if row.kind == "label"
    )


def test_most_events_are_overtaken_when_they_are_shuffled(mixed: Arrivals) -> None:
    times = [event.ts for _, event in mixed]
    assert sum(one < max(times[max(0, i - 50) : i], default=0) for i, one in enumerate(times)) > 0.8 * len(times)


@pytest.mark.parametrize("partitions", [1, 4])
def test_each_label_is_decided_at_the_same_time_and_alike(partitions: int, ordered: Arrivals, mixed: Arrivals) -> None:
    told = decided(ordered, RULES, 4)
    assert len(told) > 3_000
    assert decided(ordered, RULES, partitions) == told
    assert decided(mixed, RULES, partitions) == told


def test_shuffled_or_in_one_partition_the_model_foresees_as_well(ordered: Arrivals, mixed: Arrivals) -> None:
    base = learned(ordered, RULES)
    for run in (learned(mixed, RULES), learned(ordered, RULES, partitions=1)):
        assert run["n"] == base["n"]
        assert run["auc"] == pytest.approx(base["auc"], rel=0.02)
        assert run["calibration"] == pytest.approx(base["calibration"], rel=0.02)
