"""What a foreign table means: which column is which field of which event, as one TOML file says it.

A row is one event, or an impression of one item with its outcomes: columns that say what was done, each an
interaction of its own some time later; or an impression of a whole list of items, each with its outcomes
(`listed_rows.py`). What rows become under a mapping is in `mapped_rows.py`.
"""

from __future__ import annotations

import tomllib
from typing import Any, Literal

import msgspec
from msgspec import Struct

from streams.columns import Column, Unit
from streams.errors import HeadraceError
from streams.listed_rows import Earlier, Listed
from streams.wire_fields import Wire


class BadMapping(HeadraceError):
    """A mapping that can't be read, or that does not fit its table."""


class Outcome(Struct, frozen=True, forbid_unknown_fields=True):
    """An interaction of `type` in each row whose column `when` says yes, `delay` after the impression."""

    type: str
    when: Column
    delay: Column = Column(constant=0)
    value: Column | None = None


class Items(Struct, frozen=True, forbid_unknown_fields=True):
    """Attributes of items: from a table of their own, by `item_id`, or from the rows themselves where it has no `file`.

    Each item comes before its first use, once, with the time of that use.
    """

    item_id: Column
    file: str | None = None
    author: Column | None = None
    text: Column | None = None
    categories: tuple[Column, ...] = ()
    tags: tuple[Column, ...] = ()
    available_from: Column | None = None
    available_until: Column | None = None


class Table(Struct, frozen=True):
    """The mapping file. `fields` and `context` name event fields, `types` renames what stands in a type column.

    `shown` and `history` are lists in columns. `delimiter` and `header` are of a table of text: what stands between
    cells, and the columns' names where its first line has none. `sort`: it is not in order of time, so it is read whole
    and sorted. The other tables of the file, `settings`, are not the mapping's: labels and whatever a backtest needs.
    """

    fields: dict[str, Column]
    rows: Literal["events", "impressions", "lists"] = "events"
    time_unit: Unit = "ms"
    context: dict[str, Column] = {}
    types: dict[str, str] = {}
    outcomes: tuple[Outcome, ...] = ()
    items: Items | None = None
    shown: Listed | None = None
    history: Earlier | None = None
    delimiter: str | None = None
    header: tuple[str, ...] = ()
    sort: bool = False
    settings: dict[str, Any] = {}


def read_mapping(text: str) -> Table:
    """The mapping in a TOML file. Raises BadMapping.

    >>> read_mapping('fields = {type = {constant = "click"}, user_id = "who"}').fields["user_id"].column
    'who'
    >>> read_mapping('fields = {user_id = "who"}')
    Traceback (most recent call last):
    streams.mapping.BadMapping: fields: 'type' is missing; rows = 'events' needs type
    """
    try:
        table = msgspec.convert(_spelled_out(tomllib.loads(text)), Table)
    except tomllib.TOMLDecodeError as error:
        raise BadMapping(f"the mapping is not TOML: {error}") from None
    except (msgspec.ValidationError, TypeError) as error:
        raise BadMapping(f"the mapping can't be read: {error}") from None
    unknown = sorted(table.fields.keys() - set(Wire.__struct_fields__))
    if unknown:
        known = ", ".join(sorted(Wire.__struct_fields__))
        raise BadMapping(f"fields: {unknown[0]!r} is no field of an event; known are {known}")
    wanted = {"type"} if table.rows == "events" else {"user_id", "item_id", "ts", "request_id"}
    if missing := sorted(wanted - table.fields.keys()):
        raise BadMapping(f"fields: {missing[0]!r} is missing; rows = {table.rows!r} needs {', '.join(sorted(wanted))}")
    if table.outcomes and table.rows == "events":
        raise BadMapping('outcomes need rows = "impressions" or "lists": only an impression has outcomes')
    if (table.rows == "lists") != (table.shown is not None):
        raise BadMapping(
            f"rows = {table.rows!r}, but [shown] is {'there' if table.shown else 'missing'}: lists need it"
        )
    if table.delimiter is not None and len(table.delimiter) != 1:
        raise BadMapping(f"delimiter is {table.delimiter!r}; it is one character")
    return table


def columns_of(table: Table) -> list[str]:
    """The columns that the rows must have, in order."""
    told = [*table.fields.values(), *table.context.values()]
    for outcome in table.outcomes:
        told += [outcome.when, outcome.delay, *([outcome.value] if outcome.value else [])]
    if table.items is not None and table.items.file is None:
        told += item_columns(table.items)
    own = {column.column for column in told if column.column is not None}
    own -= set() if table.shown is None else set(table.shown.parts)
    return sorted(own | {listed.column for listed in (table.shown, table.history) if listed is not None})


def item_columns(items: Items) -> list[Column]:
    """Everything that an item is read from."""
    single = (items.item_id, items.author, items.text, items.available_from, items.available_until)
    return [column for column in (*single, *items.categories, *items.tags) if column is not None]


def _spelled_out(table: Any) -> Any:
    """Where a column is meant, a bare text is the name of one."""
    if not isinstance(table, dict):
        raise BadMapping("the mapping is not a table")
    known = set(Table.__struct_fields__)
    told = {name: part for name, part in table.items() if name in known and name != "settings"}
    told["settings"] = {name: part for name, part in table.items() if name not in known}
    for name in ("fields", "context"):
        told[name] = {field: _column(part) for field, part in table.get(name, {}).items()}
    told["outcomes"] = [_part(outcome, ("when", "delay", "value")) for outcome in table.get("outcomes", [])]
    if "items" in table:
        single = ("item_id", "author", "text", "available_from", "available_until")
        told["items"] = _part(table["items"], single, ("categories", "tags"))
    return told


def _part(table: dict[str, Any], single: tuple[str, ...], many: tuple[str, ...] = ()) -> dict[str, Any]:
    told = {name: _column(part) if name in single else part for name, part in table.items()}
    for name in many:
        parts = table.get(name, [])
        told[name] = [_column(part) for part in (parts if isinstance(parts, list) else [parts])]
    return told


def _column(part: Any) -> Any:
    return {"column": part} if isinstance(part, str) else part
