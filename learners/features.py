"""From examples to bags of exact integer ids: numpy and plain Python, no torch, no rows, no weights.

What many rows share stands once: a request's fields once per shot, an item's once per item. Nothing here is learned,
except which items and names are known, and that only provisionally until the learner settles it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np

from learners.asked import Column, Who, asked
from learners.bags import Bags as Bags
from learners.bags import joined
from learners.catalogue import Catalogue
from learners.field_bags import asker_bags, item_bags
from learners.learner import Bools, Doubles, Floats, Ints, Where
from learners.names import Names
from learners.numeric import Numbers
from learners.ordering import Batch
from learners.schema import SPACES, Schema
from streams.examples import Row, Shot

USER, POSITION = (SPACES.index(name) for name in ("user", "position"))
WHERE = ("surface", "producer", "app_version")
LESSONS = frozenset({"label", "correction", "organic"})


@dataclass(frozen=True, slots=True)
class Features:
    """A batch of lessons. Bags stand field by field: the asker's for S shots, the item's for I items, then a
    position for each of the R rows; `shot_R` and `item_R` say which belong to a row, `at_R` where it stands in the
    batch. The last `negatives` items are no row's."""

    bags: Bags
    shots: int
    entry_I: Ints
    negatives: int
    at_R: Ints
    shot_R: Ints
    item_R: Ints
    decided_RL: Bools
    value_RL: Floats
    weight_R: Floats
    first_R: Bools
    position_R: Ints
    ranked_R: Bools
    label_R: Bools
    finite: bool
    shot_S: list[Shot]
    wheres: tuple[Where, ...]
    where_S: Ints
    """Which of `wheres` each shot has."""
    columns: tuple[Column, ...]
    """The circumstances, and what their fields are before they are bags."""
    number_RK: Doubles
    """What each row's numeric fields were before they were standardised, NaN for nothing."""

    @property
    def chosen(self) -> Bools:
        """Rows where something was chosen, and that weigh."""
        chosen: Bools = (self.decided_RL & (self.value_RL > 0)).any(axis=1) & (self.weight_R > 0)
        return chosen


def features(
    batch: Batch,
    schema: Schema,
    names: Names,
    catalogue: Catalogue,
    extra: Sequence[int] = (),
    numbers: Numbers | None = None,
) -> Features:
    """Features of lessons whose item facts `catalogue` holds; `extra` are entries wanted beside those of the rows."""
    numbers = numbers or Numbers(schema.numbers)
    lessons = [(at, e.row, e.shot) for at, e in enumerate(batch.examples) if e.shot and is_lesson(e.row)]
    rows = [row for _, row, _ in lessons]
    asker_list, shot_R = _askers([shot for _, _, shot in lessons])
    wheres, where_S = _wheres(asker_list)
    entry_R = [catalogue.entry(row.item_id) for row in rows]
    items = {entry: place for place, entry in enumerate(dict.fromkeys(entry_R))}
    entry_I = np.array([*items, *extra], np.int64)
    told = asked(asker_list, schema)
    position = np.array([row.position for row in rows], np.int64)
    placed = Bags(np.full(len(rows), 2 * POSITION, np.int64), position, np.ones(len(rows), np.int64))
    value_RL, decided_RL = _targets(rows, schema.labels)
    weight_R = np.array([row.weight for row in rows], np.float32)
    parts = (asker_bags(told, names, catalogue, numbers), item_bags(entry_I, catalogue, schema.items, numbers), placed)
    return Features(
        bags=joined(parts),
        shots=len(asker_list),
        entry_I=entry_I,
        negatives=len(extra),
        at_R=np.array([at for at, _, _ in lessons], np.int64),
        shot_R=shot_R,
        item_R=np.array([items[entry] for entry in entry_R], np.int64),
        decided_RL=decided_RL,
        value_RL=value_RL,
        weight_R=weight_R,
        position_R=position,
        first_R=np.array([row.first for row in rows], np.bool_),
        ranked_R=~_are("organic", rows),
        label_R=_are("label", rows),
        finite=_finite(value_RL, weight_R, asker_list),
        shot_S=asker_list,
        wheres=wheres,
        where_S=where_S,
        columns=told,
        number_RK=_numbers(schema, told, shot_R, catalogue, np.array(entry_R, np.int64)),
    )


def is_lesson(row: Row) -> bool:
    """Whether a row says something new of yes and no. A correction without weight is a yes with a newer value: learned
    or counted, it would be a second yes."""
    return row.kind in LESSONS and (row.weight != 0 or row.kind != "correction")


def where_of(shot: Shot) -> Where:
    """Along `WHERE`."""
    return shot.surface, shot.producer, shot.app_version


def _are(kind: str, rows: Sequence[Row]) -> Bools:
    """Which are of a kind: mostly all, or none."""
    kinds: list[str] = [row.kind for row in rows]
    count = kinds.count(kind)
    if count in (0, len(kinds)):
        return np.full(len(kinds), count > 0)
    return np.array([one == kind for one in kinds], np.bool_)


def _wheres(shots: Sequence[Shot]) -> tuple[tuple[Where, ...], Ints]:
    """Where they were asked, and which of it each has; later the shots would have to be fetched again."""
    wheres: dict[Where, int] = {}
    place_S = [wheres.setdefault(where_of(shot), len(wheres)) for shot in shots]
    return tuple(wheres), np.array(place_S, np.int64)


def _askers(shots: Sequence[Shot]) -> tuple[list[Shot], Ints]:
    """The distinct circumstances, and which of them each row has.

    Told apart by what they say: rows of one impression may come from several frames, with a shot in each, and how a
    log is cut into frames must not reach a sum.
    """
    distinct: list[Shot] = []
    place_of: dict[int, int] = {}
    alike: dict[tuple[str, str, int], list[int]] = {}
    for shot in shots:
        if id(shot) in place_of:
            continue
        places = alike.setdefault((shot.user_id, shot.request_id, shot.ts), [])
        place = next((place for place in places if distinct[place] == shot), None)
        if place is None:
            place = len(distinct)
            places.append(place)
            distinct.append(shot)
        place_of[id(shot)] = place
    return distinct, np.array([place_of[id(shot)] for shot in shots], np.int64)


def _numbers(schema: Schema, told: Sequence[Column], shot_R: Ints, catalogue: Catalogue, entry_R: Ints) -> Doubles:
    """The numbers of rows, as they were told."""
    asked_S = {column.field.name: column.number_S for column in told}
    number_RK: Doubles = np.full((len(shot_R), len(schema.numbers)), np.nan)
    for place, field in enumerate(schema.numbers):
        number_S = asked_S.get(field.name)
        if number_S is not None:
            number_RK[:, place] = number_S[shot_R]
        else:
            number_RK[:, place] = catalogue.measures[entry_R, catalogue.measured[field.name]][:, 0]
    return number_RK


def _targets(rows: Sequence[Row], labels: Sequence[str]) -> tuple[Floats, Bools]:
    """Values and mask of labels; names that nothing predicts are passed over."""
    value_RL = np.zeros((len(rows), len(labels)), np.float32)
    decided_RL = np.zeros((len(rows), len(labels)), np.bool_)
    for column, label in enumerate(labels):
        told = [row.labels.get(label) for row in rows]
        decided_RL[:, column] = [value is not None for value in told]
        value_RL[:, column] = [value or 0.0 for value in told]
    return value_RL, decided_RL


def _finite(value_RL: Floats, weight_R: Floats, whos: Sequence[Who]) -> bool:
    arrays = bool(np.isfinite(value_RL).all() and np.isfinite(weight_R).all())
    return arrays and all(
        isfinite(value) for who in whos for value in who.context.values() if not isinstance(value, str)
    )
