"""The rows of a report: a figure, the bar it is held to, and whether it is met."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """`bar` is empty where the figure only stands beside another."""

    name: str
    figure: float
    bar: str = ""
    met: bool = True


def at_least(name: str, figure: float, bar: float) -> Row:
    """A row whose figure may not be smaller.

    >>> at_least("recall", .98, .95)
    Row(name='recall', figure=0.98, bar='>= 0.95', met=True)
    """
    return Row(name, figure, f">= {bar:g}", bool(figure >= bar))


def at_most(name: str, figure: float, bar: float) -> Row:
    """A row whose figure may not be larger."""
    return Row(name, figure, f"<= {bar:g}", bool(figure <= bar))


def told(row: Row) -> str:
    """One line of a table."""
    verdict = ("met" if row.met else "MISSED") if row.bar else ""
    return f"{row.name:32} {row.figure:>14,.4f}  {row.bar:10} {verdict}".rstrip()


def as_json(rows: Iterable[Row]) -> str:
    """One flat object; `missed` names the figures below their bar."""
    rows = list(rows)
    figures: dict[str, float | str] = {row.name: round(float(row.figure), 5) for row in rows}
    return json.dumps(figures | {"missed": " ".join(row.name for row in rows if not row.met)})
