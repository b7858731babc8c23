"""What the rows of a foreign table become under a mapping: events as producers post them, in order of time.

`wire.py` judges them afterwards. Opens no file and posts nothing.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from streams.columns import Cell, Column, Place, Unit, number_in, text_of, time_in, truth_in
from streams.errors import BadEvent
from streams.listed_rows import elements, in_list
from streams.mapping import Items, Outcome, Table

Fields = dict[str, Any]
"""One event as producers post it."""

TIMES = ("ts", "impression_ts", "available_from", "available_until")
OF_ITEM = ("item_id", "position", "score", "propensity")
IDS = ("event_id", "user_id", "item_id", "request_id", "surface", "producer", "app_version", "author", "query_item_id")


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line of which an event could not be made or was not taken: the field, and why."""

    line: int
    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class Made:
    """An event that a line gave, as producers post it."""

    line: int
    event: Fields


def item_of(items: Items, unit: Unit, row: Mapping[str, Cell], place: Place) -> tuple[str, Fields]:
    """The id of the item in a row, and its attributes as fields of an event. Raises BadEvent."""
    told: Fields = {}
    for name in ("author", "text", "available_from", "available_until"):
        column: Column | None = getattr(items, name)
        if column is not None and (value := column.read(row, place)) is not None:
            is_time = name in TIMES and column.date is None
            told[name] = _time(name, value, unit) if is_time else value if name in TIMES else text_of(value)
    for name in ("categories", "tags"):
        values = [column.read(row, place) for column in getattr(items, name)]
        told[name] = [part for value in values for part in _texts(value)]
    return text_of(items.item_id.read(row, place)), told


Row = tuple[Place, Mapping[str, Cell] | BadEvent]


def in_time(table: Table, files: Iterable[Iterable[Row]]) -> Iterator[Row]:
    """The rows of several files as one, by their times: files of one log often overlap. Each must be in time itself."""
    parts = list(files)
    return iter(parts[0]) if len(parts) == 1 else heapq.merge(*parts, key=partial(_at, table))


def _at(table: Table, row: Row) -> float:
    """The time of a row, before all others where it can't be read."""
    column = table.fields.get("ts")
    try:
        value = None if column is None or isinstance(row[1], BadEvent) else column.read(row[1], row[0])
        return -math.inf if value is None else number_in(value)
    except (BadEvent, ValueError):
        return -math.inf


def events_of(table: Table, rows: Iterable[Row], known: Mapping[str, Fields]) -> Iterator[Made | Rejected]:
    """The events of all rows, outcomes at their own time, items before their first use; `known` has items of another
    table. A row that is a BadEvent could not be read."""
    later: list[tuple[int, int, Made]] = []
    used: set[str] = set()
    met: set[str] = set()
    count = reached = 0
    for place, row in sorted(rows, key=partial(_at, table)) if table.sort else rows:
        try:
            if isinstance(row, BadEvent):
                raise row
            first, outcomes = _listed(table, row, place) if table.shown is not None else _made(table, row, place)
            before = _history(table, row, first, met)
            items = _first_uses(table, row, place, first, known, used)
        except BadEvent as error:
            yield Rejected(place.line, error.field, error.reason)
            continue
        reached = max(reached, first.get("ts", 0))
        while later and later[0][0] <= reached:
            yield heapq.heappop(later)[2]
        yield from (Made(place.line, event) for event in (*items, *before, first))
        for outcome in outcomes:
            heapq.heappush(later, (outcome["ts"], count, Made(place.line, outcome)))
            count += 1
    while later:
        yield heapq.heappop(later)[2]


def _made(table: Table, row: Mapping[str, Cell], place: Place) -> tuple[Fields, list[Fields]]:
    event = {name: value for name, column in table.fields.items() if (value := column.read(row, place)) is not None}
    for name, value in event.items():
        if name in IDS:
            event[name] = text_of(value)
        elif name in TIMES and table.fields[name].date is None:
            event[name] = _time(name, value, table.time_unit)
    context = {name: value for name, column in table.context.items() if (value := column.read(row, place)) is not None}
    if context:
        event["context"] = context
    if "type" in event:
        event["type"] = table.types.get(str(event["type"]), event["type"])
    if table.rows == "events":
        return event, []
    event["type"] = "impression"
    for name in ("user_id", "item_id", "ts", "request_id"):
        if name not in event:
            raise BadEvent(name, "is missing")
    event.setdefault("event_id", f"{event['request_id']}/{event['item_id']}")
    return event, [made for outcome in table.outcomes if (made := _outcome(outcome, event, row, place)) is not None]


def _listed(table: Table, row: Mapping[str, Cell], place: Place) -> tuple[Fields, list[Fields]]:
    """One impression of all items of a row's list, and what was done with each; one that is named twice stands at its
    first place."""
    assert table.shown is not None
    items: dict[str, Fields] = {}
    outcomes: dict[str, Fields] = {}
    event: Fields = {}
    for at, element in enumerate(elements(table.shown, row)):
        event, done = _made(table, element, place)
        item = {name: event.pop(name) for name in OF_ITEM if name in event}
        items.setdefault(item["item_id"], {"position": at} | item)
        outcomes |= {outcome["event_id"]: {"position": at} | outcome for outcome in reversed(done)}
    if not items:
        raise BadEvent(table.shown.column, "lists no item")
    if "event_id" not in table.fields:
        event["event_id"] = f"{event['request_id']}/shown"
    return event | {"items": list(items.values())}, list(outcomes.values())


def _history(table: Table, row: Mapping[str, Cell], first: Fields, met: set[str]) -> list[Fields]:
    """What a user who is met for the first time did before."""
    told, user = table.history, first.get("user_id")
    if told is None or user is None or "ts" not in first or user in met:
        return []
    items = [text_of(item) for item in in_list(row.get(told.column), told.split, told.column)]
    met.add(user)
    begin = first["ts"] - len(items) * told.apart
    return [
        {
            "type": told.type,
            "event_id": f"before/{user}/{n}",
            "user_id": user,
            "item_id": item,
            "ts": begin + n * told.apart,
        }
        for n, item in enumerate(items)
    ]


def _outcome(outcome: Outcome, event: Fields, row: Mapping[str, Cell], place: Place) -> Fields | None:
    when = outcome.when
    try:
        if not truth_in(when.read(row, place)):
            return None
        delay = outcome.delay.read(row, place)
        later = 0 if delay is None else time_in(delay, "ms")
    except ValueError as error:
        raise BadEvent(outcome.type, f"{when.column} or its delay: {error}") from None
    kept = ("user_id", "item_id", "request_id", "surface", "position", "producer", "app_version")
    made = {name: event[name] for name in kept if name in event}
    made |= {"type": outcome.type, "event_id": f"{event['event_id']}/{outcome.type}"}
    made |= {"ts": event["ts"] + later, "impression_ts": event["ts"]}
    if outcome.value is not None and (value := outcome.value.read(row, place)) is not None:
        made["value"] = value
    return made


def _first_uses(
    table: Table, row: Mapping[str, Cell], place: Place, event: Fields, known: Mapping[str, Fields], used: set[str]
) -> list[Fields]:
    """The items of an event that no event had before, as far as something is known of them."""
    if table.items is None:
        return []
    elements_of = [row] if table.shown is None else list(elements(table.shown, row))
    made, ts = list[Fields](), event.get("ts", 0)
    for element in elements_of:
        column = table.fields.get("item_id")
        cell = None if column is None else column.read(element, place)
        item_id = None if cell is None else text_of(cell)
        if item_id is None or item_id in used:
            continue
        used.add(item_id)
        there = table.items.file is not None
        told = known.get(item_id) if there else item_of(table.items, table.time_unit, element, place)[1]
        if told is not None:
            made.append({"type": "item", "event_id": f"item/{item_id}/{ts}", "ts": ts, "item_id": item_id, **told})
    return made


def _time(name: str, value: Cell, unit: Unit) -> int:
    try:
        return time_in(value, unit)
    except ValueError as error:
        raise BadEvent(name, f"is {value!r}: {error}") from None


def _texts(value: Cell) -> list[str]:
    if value is None:
        return []
    return [text_of(part) for part in value] if isinstance(value, list | tuple) else [text_of(value)]
