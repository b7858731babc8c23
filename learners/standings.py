"""Who wins, as a trainer reports it: the table of challengers cut to what a status or a gauge can carry. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

FIGURES = ("n", "auc", "log_loss", "ne", "calibration")


def standings(table: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A line for each: the whole's figures, the faded normalised entropy, the interval, and the verdict in words.

    >>> against = {"gap": -0.1, "low": -0.2, "high": -0.05, "blocks": 40, "better": "live"}
    >>> standings([{"name": "popularity", "n": 9, "auc": 0.5, "against": against, "verdict": "worse", "window": {}}])
    [{'name': 'popularity', 'n': 9, 'auc': 0.5, 'gap': -0.1, 'low': -0.2, 'high': -0.05, 'verdict': 'worse'}]
    """
    lines = []
    for line in table:
        told = {"name": line["name"]} | {name: line[name] for name in FIGURES if line.get(name) is not None}
        if (faded := line.get("faded", {}).get("ne")) is not None:
            told["faded_ne"] = faded
        against = line.get("against", {})
        told |= {name: against[name] for name in ("gap", "low", "high") if against.get(name) is not None}
        lines.append(told | ({"verdict": line["verdict"]} if "verdict" in line else {}))
    return lines


def gauges(lines: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """The numbers of `standings` by who it is of.

    >>> gauges([{"name": "live", "n": 9, "auc": 0.5}, {"name": "popularity", "n": 9, "verdict": "worse"}])
    {'live': {'n': 9, 'auc': 0.5}, 'popularity': {'n': 9}}
    """
    return {
        line["name"]: {name: value for name, value in line.items() if isinstance(value, int | float)} for line in lines
    }
