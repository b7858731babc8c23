"""Rows that hold lists: the items that were shown together, with what was done to each, and what a user did before.

Takes lists apart; what their parts mean is for the mapping (`mapping.py`), what events they become for
`mapped_rows.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from streams.columns import Cell, absent, text_of
from streams.errors import BadEvent


class Listed(Struct, frozen=True, forbid_unknown_fields=True):
    """A column whose cells are lists: in JSON and Parquet as they are, in texts cut at `split` (one or more of it).

    Each element is a table of its own, or one value, or a text cut at `between`: `parts` names what that gives, as
    columns that fields and outcomes may use beside those of the row. The first part takes what is too much.
    """

    column: str
    split: str = " "
    between: str | None = None
    parts: tuple[str, ...] = ("item_id",)


class Earlier(Struct, frozen=True, forbid_unknown_fields=True):
    """What users did before the table begins: a list of items, oldest first, in the first row of each user.

    Each becomes an interaction of `type` without an impression, `apart` ms after the one before, and the last as long
    before the row: close enough that a joiner with short windows does not find them too late.
    """

    column: str
    split: str = " "
    type: str = "click"
    apart: int = 100


def elements(listed: Listed, row: Mapping[str, Cell]) -> Iterator[Mapping[str, Cell]]:
    """The row once for each element of its list, with the columns of the element. Raises BadEvent.

    >>> shown = Listed("shown", between="-", parts=("news", "clicked"))
    >>> [(one["news"], one["clicked"], one["who"]) for one in elements(shown, {"who": 7, "shown": "N1-0 a-b-1"})]
    [('N1', '0', 7), ('a-b', '1', 7)]
    """
    for value in in_list(row.get(listed.column), listed.split, listed.column):
        yield {**row, **_parts(listed, value)}


def in_list(value: Cell, split: str, column: str) -> list[Cell]:
    """What a cell lists, nothing where it is empty. Raises BadEvent.

    >>> in_list("N1  N2", " ", "history"), in_list(["N1"], " ", "history"), in_list(None, " ", "history")
    (['N1', 'N2'], ['N1'], [])
    """
    if absent(value):
        return []
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, str):
        return [part.strip() for part in value.split(split) if part.strip()]
    raise BadEvent(column, f"is {value!r}, which is no list")


def _parts(listed: Listed, value: Cell) -> Mapping[str, Cell]:
    if isinstance(value, dict):
        told: dict[str, Any] = value
        return told
    if listed.between is None:
        return {listed.parts[0]: value}
    cut = text_of(value).rsplit(listed.between, len(listed.parts) - 1)
    if len(cut) != len(listed.parts):
        wanted = listed.between.join(listed.parts)
        raise BadEvent(listed.column, f"holds {text_of(value)!r}, which is not {wanted}")
    return dict(zip(listed.parts, cut, strict=True))
