"""Slow drift is heard, health is not, and nothing broken silences a detector."""

from __future__ import annotations

import numpy as np
import pytest

from learners.drift_alarms import KEEP, DriftAlarms, Watch, adwin, page_hinkley


def batch(number: int, lift: float = 1.0, size: int = 512) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng([7, number])
    p = 1 / (1 + np.exp(-random.normal(-2, 0.7, size)))
    return p, (random.random(size) < np.minimum(p * lift, 1)).astype(np.float64)


def test_a_model_that_is_right_gives_no_alarm() -> None:
    alarms = DriftAlarms()
    for number in range(1500):
        alarms.see(*batch(number))
    assert alarms.count == 0


def test_a_rate_that_creeps_up_is_heard_with_its_direction() -> None:
    alarms = DriftAlarms()
    for number in range(800):
        alarms.see(*batch(number, 1 + 0.5 * max(0, number - 400) / 400))
    assert alarms.alarms
    first = alarms.alarms[0]
    assert first.batch > 400
    assert first.direction == "up"
    assert all(alarm.direction == "up" for alarm in alarms.alarms if alarm.signal != "loss")


def test_a_rate_that_creeps_down_is_heard_too() -> None:
    alarms = DriftAlarms()
    for number in range(800):
        alarms.see(*batch(number, 1 - 0.5 * max(0, number - 400) / 400))
    assert {alarm.direction for alarm in alarms.alarms if alarm.signal != "loss"} == {"down"}


def test_numbers_that_are_not_finite_silence_nothing() -> None:
    plain, broken = DriftAlarms(), DriftAlarms()
    for number in range(700):
        p, y = batch(number, 1.6 if number > 500 else 1.0)
        plain.see(p, y)
        bad = np.array([np.nan, np.inf, 0.3])
        broken.see(np.concatenate([p, bad]), np.concatenate([y, [1.0, 0.0, np.nan]]))
    assert plain.alarms
    assert broken.alarms == plain.alarms


def test_a_batch_with_no_finite_row_is_counted_and_not_fed() -> None:
    alarms = DriftAlarms()
    assert alarms.see(np.array([np.nan]), np.array([1.0])) == []
    assert (alarms.batches, alarms.broken) == (1, 1)
    assert not len(alarms.state()["loss"])


@pytest.mark.parametrize("make", [adwin, page_hinkley])
@pytest.mark.parametrize("cut", [1, KEEP - 1, 2 * KEEP + 5, 2 * KEEP + 700])
def test_a_restart_hears_what_an_unbroken_run_hears(make: type, cut: int) -> None:
    random = np.random.default_rng(3)
    values = [float(v) + (1.5 if i > 2 * KEEP + 800 else 0) for i, v in enumerate(random.normal(0, 1, 2 * KEEP + 1000))]
    whole, begun, other = Watch(make), Watch(make), Watch(make)
    heard = [whole.see(value) for value in values]
    for value in values[:cut]:
        begun.see(value)
    other.begin(list(begun.values))
    assert [other.see(value) for value in values[cut:]] == heard[cut:]
    assert other.values == whole.values
    assert any(told is not None for told in heard)


def test_the_state_carries_alarms_and_counts() -> None:
    alarms, other = DriftAlarms(), DriftAlarms()
    for number in range(300):
        alarms.see(*batch(number, 2.0 if number > 200 else 1.0))
    other.load(alarms.state())
    assert other.report() == alarms.report()
    for number in range(300, 500):
        assert other.see(*batch(number)) == alarms.see(*batch(number))
    assert {name: a.tobytes() for name, a in other.state().items()} == {
        name: a.tobytes() for name, a in alarms.state().items()
    }
