"""Durations as people write them: "10m", "500ms", "1.5s"; inside they are integer milliseconds.

Months and years have no fixed length, so they are no units here.
"""

from __future__ import annotations

import re

UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_WRITTEN = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")


def milliseconds(written: str | int | float) -> int:
    """The milliseconds of a written duration; a bare number already is milliseconds.

    >>> [milliseconds(d) for d in ("10m", "500ms", "1.5s", 250)]
    [600000, 500, 1500, 250]
    """
    if isinstance(written, bool) or not isinstance(written, int | float | str):
        raise ValueError(f'{written!r} is no duration; write "10m", "500ms" or a number of milliseconds')
    if isinstance(written, str) and not written.strip().isdecimal():
        found = _WRITTEN.fullmatch(written.strip())
        if found is None:
            raise ValueError(f'{written!r} is no duration; write "10m", "500ms" or a number of milliseconds')
        return round(float(found[1]) * UNITS[found[2]])
    if float(written) < 0:
        raise ValueError(f"{written} is negative; a duration is not")
    return round(float(written))


def written(ms: int) -> str:
    """The shortest way to write a duration.

    >>> [written(ms) for ms in (600_000, 500, 1_500, 21_600_000, 0)]
    ['10m', '500ms', '1500ms', '6h', '0ms']
    """
    for unit in ("d", "h", "m", "s"):
        if ms and ms % UNITS[unit] == 0:
            return f"{ms // UNITS[unit]}{unit}"
    return f"{ms}ms"


def about(ms: int) -> str:
    """A duration as one says it, in its two largest units.

    >>> [about(ms) for ms in (40, 1_500, 85_000, 7_260_000, 200_000_000)]
    ['40 ms', '1.5 s', '1 m 25 s', '2 h 1 m', '2 d 7 h']
    """
    if ms < 1_000:
        return f"{ms} ms"
    if ms < 60_000:
        return f"{ms / 1_000:.1f} s"
    found = next(n for n, unit in enumerate(_LARGE) if ms >= UNITS[unit])
    large, small = _LARGE[found], (*_LARGE[1:], "s")[found]
    rest = ms % UNITS[large] // UNITS[small]
    return f"{ms // UNITS[large]} {large}" + (f" {rest} {small}" if rest else "")


_LARGE = ("d", "h", "m")
