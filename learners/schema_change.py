"""What was learned under one schema as it is under another: features come without a say, and go without a trace.

A feature that came has zeros wherever the first layers read it, so every score is what it was; its own rows, names and
counts begin. One that went takes its columns, and where the id space was its own its ids, with it. One that is
declared otherwise went and came. The result is what a learner of the new schema holds: rows stand without holes, the
fallbacks first. Arrays in, arrays out; nothing here learns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from learners.keeping import Arrays
from learners.learner import Ints
from learners.schema import Schema
from learners.schema_items import items_under, measures_under, numbers_under
from learners.schema_rows import touched_under, waiting_under

Array = npt.NDArray[Any]
Shapes = Mapping[str, Mapping[str, tuple[int, ...]]]
BY_ROW = frozenset({"rank.rows", "rank.state", "seek.rows", "seek.state", "counts", "expiry.last", "expiry.score"})
FLAT = frozenset({"rank.dense", "rank.moments", "seek.dense", "seek.moments"})
AS_IT_IS = frozenset(
    {"rank.steps", "seek.steps", "totals", "often.gap", "often.last", "items.rests"}
    | {"ids.clock", "admission.clock", "expiry.clock"}
)
DOCUMENT = frozenset(
    {"format", "labels", "context", "features", "seed", "losses", "rows", "names", "items", "often", "rows_learned"}
)
DONE = frozenset(
    {"ids.space", "ids.key", "pairs.user", "pairs.value", "pairs.counts", "items.measures", "numbers"}
    | {"admission.space", "admission.key", "admission.count"}
    | {"touched.stamp", "touched.now", "touched.gone.stamp", "touched.gone.space", "touched.gone.key"}
)


@dataclass(frozen=True, slots=True)
class Held:
    """A learner's state under its schema: what it dumps, and the shapes of its dense weights by stage and name."""

    schema: Schema
    arrays: Arrays
    document: dict[str, Any]
    shapes: Shapes


def difference(old: Schema, new: Schema) -> dict[str, list[str]]:
    """Which features came and which went, by name; one that is declared otherwise did both.

    >>> difference(Schema(("click",), ("hour",)), Schema(("click",), ("hour", "mood")))
    {'added': ['context.mood'], 'dropped': []}
    """
    kept = kept_fields(old, new)
    return {
        "added": [name for name in new.fields if name not in kept],
        "dropped": [name for name in old.fields if name not in kept],
    }


def kept_fields(old: Schema, new: Schema) -> frozenset[str]:
    """Fields that are the same in both."""
    before, after = ({field.name: (field.told, field.reads) for field in (*of.askers, *of.items)} for of in (old, new))
    return frozenset({name for name, told in after.items() if before.get(name) == told} | {"position"})


def carried(old: Held, new: Held) -> tuple[Arrays, dict[str, Any]]:
    """The arrays and the document of `new`, which has learned nothing, with what `old` has learned.

    Raises KeyError for an array that this does not know how to carry.
    """
    rows = _Rows(old, new)
    arrays: Arrays = {"ids.space": rows.space_R, "ids.key": rows.key_R} | _pairs(old.arrays, rows)
    arrays |= waiting_under(old.arrays, rows.after_O) | touched_under(old.arrays, rows.after_O, len(rows.space_R))
    for name, array in old.arrays.items():
        if name in BY_ROW:
            arrays[name] = rows.of(array, new.arrays[name])
        elif name in FLAT:
            arrays[name] = _flat(name, old, new)
        elif name in AS_IT_IS:
            arrays[name] = array.copy()
        elif name not in DONE:
            raise KeyError(
                f"{name} is in the state of a learner; say in {__name__} whether it belongs to rows or weights"
            )
    if unknown := old.document.keys() - DOCUMENT:
        raise KeyError(f"{', '.join(unknown)}: in the document of a learner; say in {__name__} how it is carried over")
    of = old.schema, new.schema, kept_fields(old.schema, new.schema)
    items, names = old.document["items"], old.document["names"]
    spaces = zip(new.schema.spaces, rows.before_S.tolist(), strict=True)
    document = new.document | {
        "names": {space: names[space] if number >= 0 else [] for space, number in spaces},
        "items": items_under(items, *of),
        "often": old.document["often"],
        "rows_learned": old.document["rows_learned"],
    }
    return arrays | measures_under(old.arrays, len(items), *of) | numbers_under(old.arrays, *of), document


class _Rows:
    """Where each row of before stands, and what the rows after it are."""

    def __init__(self, old: Held, new: Held) -> None:
        self.before_S = _spaces_before(old.schema, new.schema)
        self.after_O: Ints = np.full(len(old.schema.spaces), -1, np.int64)
        self.after_O[self.before_S[self.before_S >= 0]] = np.flatnonzero(self.before_S >= 0)
        space_R, key_R = old.arrays["ids.space"], old.arrays["ids.key"]
        owned_R = space_R >= 0
        after_R = np.where(owned_R, self.after_O[np.where(owned_R, space_R >> 1, 0)], -1)
        self.kept = np.flatnonzero(after_R >= 0)
        fallbacks = len(new.schema.spaces)
        self.space_R = np.concatenate(
            [new.arrays["ids.space"][:fallbacks], 2 * after_R[self.kept] + (space_R[self.kept] & 1)]
        )
        self.key_R = np.concatenate([new.arrays["ids.key"][:fallbacks], key_R[self.kept]])
        self.now_R: Ints = np.full(len(space_R), -1, np.int64)
        self.now_R[self.before_S[self.before_S >= 0]] = np.flatnonzero(self.before_S >= 0)
        self.now_R[self.kept] = fallbacks + np.arange(len(self.kept))

    def of(self, old_R: Array, new_R: Array) -> Array:
        """An array with a line for each row."""
        first = new_R[: len(self.before_S)].copy()
        there = self.before_S >= 0
        first[there] = old_R[self.before_S[there]]
        return np.concatenate([first, old_R[self.kept]])


def _spaces_before(old: Schema, new: Schema) -> Ints:
    """The number that each space had, -1 for a new one, or one whose owner is declared otherwise."""
    kept = kept_fields(old, new)
    number = {name: place for place, name in enumerate(old.spaces)}
    owned = {*old.features, *new.features}
    return np.array(
        [number.get(name, -1) if name in kept or name not in owned else -1 for name in new.spaces], np.int64
    )


def _pairs(arrays: Arrays, rows: _Rows) -> Arrays:
    """Pairs whose user and value are both still there, in their order."""
    user_P, value_P = arrays["pairs.user"], arrays["pairs.value"]
    alive_P = user_P >= 0
    user_P, value_P = (np.where(alive_P, rows.now_R[np.where(alive_P, row_P, 0)], -1) for row_P in (user_P, value_P))
    kept = np.flatnonzero((user_P >= 0) & (value_P >= 0))
    return {"pairs.user": user_P[kept], "pairs.value": value_P[kept], "pairs.counts": arrays["pairs.counts"][kept]}


def _flat(name: str, old: Held, new: Held) -> Array:
    """Flat weights of a stage, 0 for what came; or lines of what belongs to them, which starts as it does."""
    stage, of = name.split(".")
    fresh = np.zeros_like(new.arrays[name]) if of == "dense" else new.arrays[name]
    before, after = _parts(old.arrays[name], old.shapes[stage]), _parts(fresh, new.shapes[stage])
    parts = [_dense(weight, before[weight], part, old.schema, new.schema) for weight, part in after.items()]
    return np.concatenate([part.reshape(*fresh.shape[:-1], -1) for part in parts], axis=-1)


def _parts(flat: Array, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Array]:
    """The weights in flat ones by name; what stands before the last axis stays before theirs."""
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes.values()])
    pieces = np.split(flat, ends[:-1], axis=-1)
    return {
        name: piece.reshape(*flat.shape[:-1], *shape)
        for (name, shape), piece in zip(shapes.items(), pieces, strict=True)
    }


def _dense(name: str, before: Array, fresh: Array, old: Schema, new: Schema) -> Array:
    """One weight: its own where a field stayed, `fresh` where one came."""
    if name == "first.weight":
        was, axis = _inputs(old, new, before.shape[-2]), -2
    elif name in ("asker.weight", "item.weight"):
        asker = name == "asker.weight"
        was, axis = _fields(old, new, *(of.asker_fields if asker else of.item_fields for of in (old, new))), -3
    else:
        return before
    placed = np.moveaxis(fresh.copy(), axis, 0)
    placed[was >= 0] = np.moveaxis(before, axis, 0)[was[was >= 0]]
    return np.moveaxis(placed, 0, axis)


def _fields(old: Schema, new: Schema, before: tuple[str, ...], after: tuple[str, ...]) -> Ints:
    kept = kept_fields(old, new)
    place = {name: f for f, name in enumerate(before) if name in kept}
    return np.array([place.get(name, -1) for name in after], np.int64)


def _inputs(old: Schema, new: Schema, inputs: int) -> Ints:
    """Where each input of the first layer stood: vectors, products of any two fields, statistics, crosses."""
    was, stats, crosses = len(old.fields), old.stats, 3 * len(old.labels)
    dim = (inputs - crosses) // was - was - stats
    field_F = _fields(old, new, old.fields, new.fields)
    there_FF = (field_F[:, None] >= 0) & (field_F[None, :] >= 0)
    pair_FF = np.where(there_FF, was * dim + field_F[:, None] * was + field_F[None, :], -1)
    last = was * (dim + was + stats)
    blocks = (_spread(field_F, dim, 0), pair_FF.ravel(), _spread(field_F, stats, was * (dim + was)))
    if last + crosses != inputs:
        raise ValueError(f"the first layer has {inputs} inputs, {was} fields of dim {dim} want {last + crosses}")
    return np.concatenate([*blocks, np.arange(last, inputs)])


def _spread(field_F: Ints, width: int, start: int) -> Ints:
    at_FW = start + field_F[:, None] * width + np.arange(width)
    spread: Ints = np.where(field_F[:, None] >= 0, at_FW, -1).ravel()
    return spread
