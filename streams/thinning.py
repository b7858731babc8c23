"""Of states put aside one after the other: which to keep so that one can go back a little and far.

The newest few, and one for each doubling of the distance behind the newest. Pure arithmetic; what a distance is
(frames, milliseconds) and what may never go is for the owners of the states to say.
"""

from __future__ import annotations

from collections.abc import Sequence


def spared(distances: Sequence[int], keep: int) -> set[int]:
    """Which of `distances`, nearest first, are kept, by their index.

    The farthest of each doubling stays, since it will be the first to reach the next one.

    >>> sorted(spared([0, 10, 20, 30, 40, 50, 60, 70], keep=2))
    [0, 1, 3, 6, 7]
    """
    farthest = {distance.bit_length(): n for n, distance in enumerate(distances)}
    return {*range(min(keep, len(distances))), *farthest.values()}
