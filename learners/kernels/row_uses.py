"""Uses of rows as loops: sightings of ids that have no row yet, last uses, faded uses, and who is to go.

A faded use halves with every half-life. Its logarithm, less the time, never changes between uses, so it is kept as
`score = 1 + log2(uses faded to their last) + last / half-life`: the order of two rows needs no clock. `count_H` counts
rows by score in steps of an eighth from `base` on: the score below which so many rows lie is known without a scan.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from learners.kernels.prefetch import touch
from learners.kernels.vectors import compiled

Longs = NDArray[np.int64]
Doubles = NDArray[np.float64]
Bools = NDArray[np.bool_]

STEPS = 8
"""Steps of the count in one halving."""
AHEAD = 16


@compiled
def count_sightings(
    row_N: Longs, at_N: Longs, wanted_N: Longs, forget_ms: int, count_R2: Longs, enough_N: Bools
) -> None:  # fmt: skip
    """Count each sighting, and say whether it is one of as many as are wanted. `count_R2` are sightings and the time of
    the last; they begin anew where the last is longer ago than `forget_ms`."""
    for n in range(len(row_N)):
        row, at = row_N[n], at_N[n]
        if count_R2[row, 0] > 0 and at - count_R2[row, 1] > forget_ms:
            count_R2[row, 0] = 0
        count_R2[row, 1] = max(count_R2[row, 1], at) if count_R2[row, 0] > 0 else at
        count_R2[row, 0] += 1
        enough_N[n] = count_R2[row, 0] >= wanted_N[n]


@compiled
def stale_rows(space_R: Longs, count_R2: Longs, first: int, last: int, before: int, row_M: Longs) -> int:
    """Put the rows that have an id and were last seen before `before` into `row_M`; how many they are."""
    found = 0
    for row in range(first, last):
        if space_R[row] >= 0 and count_R2[row, 1] < before:
            row_M[found] = row
            found += 1
    return found


@compiled
def use_rows(
    row_N: Longs, at_N: Longs, per_ms: float, last_R1: Longs, score_R1: Doubles, count_H: Longs, base: Longs
) -> None:  # fmt: skip
    """Note a use of each row, at its time (`at_N` is read round and round). A score of 0 is that of a row that is not
    counted yet. `per_ms` is 0 where nobody asks for scores."""
    times, here = len(at_N), 0
    for n in range(len(row_N)):
        if n + AHEAD < len(row_N):
            touch(last_R1, row_N[n + AHEAD])
            touch(score_R1, row_N[n + AHEAD])
        row, at = row_N[n], at_N[here]
        here = here + 1 if here + 1 < times else 0
        last_R1[row, 0] = max(last_R1[row, 0], at)
        if per_ms > 0:
            score, now = score_R1[row, 0], at * per_ms + 1.0
            if score != 0:
                count_H[step_of(score, base[0], len(count_H))] -= 1
                now += np.log2(1.0 + 2.0 ** (score - now)) if score - now < 500 else score - now
            if int(np.floor(now * STEPS)) - base[0] >= len(count_H):
                shift_steps(count_H, base, int(np.floor(now * STEPS)) - len(count_H) // 2)
            score_R1[row, 0] = now
            count_H[step_of(now, base[0], len(count_H))] += 1


@compiled
def step_of(score: float, base: int, steps: int) -> int:
    return min(max(int(np.floor(score * STEPS)) - base, 0), steps - 1)


@compiled
def shift_steps(count_H: Longs, base: Longs, start: int) -> None:
    """Begin later; what lies below counts as the first."""
    steps, by, low = len(count_H), start - base[0], 0
    for step in range(steps):
        if step <= by:
            low += count_H[step]
        count_H[step] = count_H[step + by] if step + by < steps else 0
    count_H[0], base[0] = low, start


@compiled
def end_rows(row_M: Longs, last_R1: Longs, score_R1: Doubles, count_H: Longs, base: Longs) -> None:
    """These rows are nobody's any more."""
    for row in row_M:
        if score_R1[row, 0] != 0:
            count_H[step_of(score_R1[row, 0], base[0], len(count_H))] -= 1
        last_R1[row, 0], score_R1[row, 0] = 0, 0


@compiled
def count_scores(space_R: Longs, score_R1: Doubles, count_H: Longs, base: Longs) -> None:
    """Count all rows anew."""
    count_H[:] = 0
    for row in range(len(space_R)):
        if score_R1[row, 0] != 0:
            count_H[step_of(score_R1[row, 0], base[0], len(count_H))] += 1


@compiled
def step_below(count_H: Longs, rows: int) -> int:
    """The least step at or below which so many rows lie."""
    total = 0
    for step in range(len(count_H)):
        total += count_H[step]
        if total >= rows:
            return step
    return len(count_H) - 1


@compiled
def sweep_rows(
    first: int, last: int, at: int, space_R: Longs, kind_S: Longs, ttl_K: Longs, last_R1: Longs, score_R1: Doubles,
    base: int, steps: int, step: int, most: int, row_M: Longs,
) -> int:  # fmt: skip
    """Put the rows that are to go into `row_M`, how many they are: those that lived beyond their kind's `ttl_K` (0: it
    never ends), and at most `most` of those at or below a step of the score."""
    found = 0
    for row in range(first, last):
        if space_R[row] < 0:
            continue
        ttl = ttl_K[kind_S[space_R[row]]]
        if ttl > 0 and at - last_R1[row, 0] > ttl:
            row_M[found] = row
            found += 1
        elif most > 0 and step_of(score_R1[row, 0], base, steps) <= step:
            row_M[found] = row
            found += 1
            most -= 1
    return found
