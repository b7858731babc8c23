"""Of states put aside one after the other: which to keep so that one can go back a little and far.

The newest few, and four for each doubling of the distance behind the newest: who goes back some way feeds at most
about a quarter of it again below the place that matters. Pure arithmetic; what a distance is (frames, milliseconds)
and what may never go is for the owners of the states to say.
"""

from __future__ import annotations

from collections.abc import Sequence


def spared(distances: Sequence[int], keep: int) -> set[int]:
    """Which of `distances`, nearest first, are kept, by their index.

    The farthest of each step stays, since it will be the first to reach the next one.

    >>> [10 * n for n in sorted(spared(range(0, 400, 10), keep=2))]
    [0, 10, 20, 30, 40, 50, 60, 70, 90, 110, 120, 150, 190, 220, 250, 310, 380, 390]
    """
    farthest = {_step(distance): n for n, distance in enumerate(distances)}
    return {*range(min(keep, len(distances))), *farthest.values()}


def _step(distance: int) -> tuple[int, int]:
    """Which quarter of which doubling: the length in bits, and the two bits below the first."""
    length = distance.bit_length()
    return length, distance >> max(length - 3, 0)
