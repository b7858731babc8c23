"""How labels of a stream may become known, and what a learner may do about it; `delayed.py` runs and judges them.

Times are seconds since the stream began. Nothing here learns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.ctr_stream import Stream
from learners.links import Link
from learners.predictions import predicted

WINDOW, REACH = 120.0, 600.0
"""When a label closes, and after which time a yes is told to nobody."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Part = tuple[Ints, Any, Doubles, Any]
"""Rows, their values, when they are told, whether they are learned."""

Weights = Callable[[Floats, Floats, float], Floats]


@dataclass(frozen=True, slots=True)
class Told:
    """Labels as they become known, in that order: of which row, yes or no, when, and whether they are learned."""

    row_N: Ints
    value_N: Floats
    at_N: Doubles
    learned_N: NDArray[np.bool_]

    @classmethod
    def joined(cls, *parts: Part) -> Told:
        """Parts of (row, value, at, learned) brought into one order of time."""
        row_N = np.concatenate([part[0] for part in parts])
        columns = [np.concatenate([np.broadcast_to(part[i], part[0].shape) for part in parts]) for i in (1, 2, 3)]
        order_N = np.argsort(columns[1], kind="stable")
        value_N, at_N, learned_N = (column[order_N] for column in columns)
        return cls(row_N[order_N], value_N.astype(np.float32), at_N, learned_N.astype(np.bool_))


def told_at_once(made: Stream) -> Told:
    return Told.joined((np.arange(len(made)), made.label_N, made.at_N, True))


def told_at_close(made: Stream) -> Told:
    return Told.joined((np.arange(len(made)), made.delay_N <= WINDOW, made.at_N + WINDOW, True), _late(made, False))


def told_fast(made: Stream) -> Told:
    """What comes before the first window has gone round is told at once all the same, and weighs nothing."""
    in_time_N = made.delay_N <= WINDOW
    at_N = np.where(in_time_N, made.at_N + made.delay_N, made.at_N + WINDOW)
    weighs_N = ~in_time_N | (at_N >= made.at_N[0] + WINDOW)
    return Told.joined((np.arange(len(made)), in_time_N, at_N, weighs_N), _late(made, False))


def told_held(made: Stream) -> Told:
    return Told.joined(_held(made), _late(made, False))


def told_late(made: Stream) -> Told:
    return Told.joined(_held(made), _late(made, True))


def told_fake(made: Stream) -> Told:
    yes_M = np.flatnonzero(made.label_N)
    yes = (yes_M, 1.0, made.at_N[yes_M] + made.delay_N[yes_M], made.delay_N[yes_M] <= REACH)
    return Told.joined((np.arange(len(made)), 0.0, made.at_N, True), yes)


def told_again(made: Stream) -> Told:
    late_N = (made.delay_N > WINDOW) & (made.delay_N <= REACH)
    final_N = made.at_N + np.where(late_N, made.delay_N, REACH)
    return Told.joined(_held(made), (np.arange(len(made)), made.delay_N <= REACH, final_N, True))


def _held(made: Stream) -> Part:
    """A yes when it comes, but none before the first window has gone round."""
    in_time_N = made.delay_N <= WINDOW
    early_N = made.at_N + made.delay_N
    at_N = np.where(in_time_N & (early_N >= made.at_N[0] + WINDOW), early_N, made.at_N + WINDOW)
    return np.arange(len(made)), in_time_N, at_N, True


def _late(made: Stream, learned: bool) -> Part:
    """The yeses that come after the window."""
    late_M = np.flatnonzero((made.delay_N > WINDOW) & (made.delay_N <= REACH))
    return late_M, 1.0, made.at_N[late_M] + made.delay_N[late_M], learned


def plain(p_B: Floats, value_B: Floats, coverage: float) -> Floats:
    return np.ones_like(p_B)


def fake_weights(p_B: Floats, value_B: Floats, coverage: float) -> Floats:
    """As `learners/losses/delayed.py` has them, without their common factor: a learner that is told of weights takes
    them for what they are."""
    q_B = (1 - coverage) * p_B
    return np.where(value_B > 0, 1 + q_B, (1 + q_B) * (1 - p_B) / (1 - p_B + q_B)).astype(np.float32)


def resent_weights(p_B: Floats, value_B: Floats, coverage: float) -> Floats:
    half = (1 - coverage) / 2
    return np.where(value_B > 0, 1 / (1 - half), (1 - p_B) / (1 - p_B + half * p_B)).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Way:
    """How labels are told, how rows are weighted, and what is divided by the coverage where it is read."""

    told: Callable[[Stream], Told]
    weights: Weights = plain
    window: float | None = None
    """Yeses up to here are in time, where a coverage is measured."""
    corrected: Callable[[Doubles, Doubles], Doubles] | None = None


def divided(p_N: Doubles, coverage_N: Doubles) -> Doubles:
    return np.minimum(p_N / coverage_N, 1.0)


def of_fakes(p_N: Doubles, coverage_N: Doubles) -> Doubles:
    """The odds that were learned are the chance, where everything was a no at first."""
    return predicted(Link("odds", coverage=0.0), np.log(p_N / (1 - p_N)))


WAYS = {
    "at_once": Way(told_at_once),
    "wait": Way(told_at_close, window=WINDOW, corrected=divided),
    "fast": Way(told_fast, window=WINDOW, corrected=divided),
    "held": Way(told_held, window=WINDOW, corrected=divided),
    "fake": Way(told_fake, corrected=of_fakes),
    "fnw": Way(told_fake, weights=fake_weights),
    "late": Way(told_late, weights=fake_weights, window=WINDOW),
    "resent": Way(told_again, weights=resent_weights, window=WINDOW),
}
