"""Labels with values: which of several interactions a label's value is, and which value was told.

The newest by event time, and of equals the larger: a rating that was changed is the last one, a dwell that is reported
again and again is the last and longest, and arrival order shows in neither. Pure; nothing here writes a row.
"""

from __future__ import annotations

from msgspec import Struct


class Graded(Struct, array_like=True, gc=False):
    """The newest interaction in the window of one label of one example; `told` is what rows say of it, None for
    nothing yet."""

    ts: int
    value: float
    told: float | None = None


def is_newer(known: Graded | None, ts: int, value: float) -> bool:
    """
    >>> [is_newer(Graded(7, 2.0), ts, value) for ts, value in ((8, 1.0), (7, 3.0), (7, 2.0), (6, 9.0))]
    [True, True, False, False]
    """
    return known is None or (ts, value) > (known.ts, known.value)


def note(graded: dict[str, Graded] | None, name: str, newest: Graded) -> dict[str, Graded]:
    """What is known of an example's labels after this one; what was told before stays told."""
    known = (graded or {}).get(name)
    if newest.told is None and known is not None:
        newest.told = known.told
    return {**(graded or {}), name: newest}
