"""What turns of a loop cost: a line through (work done, time taken), kept as five sums. Pure.

A turn costs something by itself, and something for each unit of work. While all is well turns are short; when a loop
catches up they are full, so the two must be told apart before one can say how long that takes. Half of what was seen
is forgotten again and again, since machines get busier.
"""

from __future__ import annotations

from collections.abc import Mapping

UNITS: Mapping[str, str] = {"join": "frames", "train": "rows"}
"""What counts as work, by process: a field of its reports."""
REMEMBERED = 4096
"""After so many turns half of them is forgotten."""
ENOUGH = 20
"""With fewer turns nothing is foretold."""
ALIKE = 0.01
"""Turns that differ less in size (squared, by share) say nothing of larger ones."""
SUMS = ("turns", "units", "units2", "ms", "unit_ms")


def noted(sums: Mapping[str, float], units: float, ms: float) -> dict[str, float]:
    """The sums after one more turn that did `units` in `ms`.

    >>> noted({}, 3, 12.0)
    {'turns': 1.0, 'units': 3.0, 'units2': 9.0, 'ms': 12.0, 'unit_ms': 36.0}
    """
    half = 0.5 if sums.get("turns", 0.0) >= REMEMBERED else 1.0
    more = (1.0, units, units * units, ms, units * ms)
    return {name: half * sums.get(name, 0.0) + one for name, one in zip(SUMS, more, strict=True)}


def costs(sums: Mapping[str, float]) -> tuple[float, float] | None:
    """What a turn costs by itself and what a unit does (ms), by least squares, neither below 0; None where too little
    was seen, or all turns were alike.

    >>> seen = {}
    >>> for units in [1, 2, 3, 10] * 10:
    ...     seen = noted(seen, units, 5 + 2 * units)
    >>> tuple(round(one, 6) for one in costs(seen))
    (5.0, 2.0)
    """
    turns, units, units2, ms, unit_ms = (sums.get(name, 0.0) for name in SUMS)
    if turns < ENOUGH or units <= 0:
        return None
    spread = turns * units2 - units * units
    if spread < ALIKE * turns * units2:
        return None
    unit = min(max((turns * unit_ms - units * ms) / spread, 0.0), ms / units)
    return (ms - unit * units) / turns, unit
