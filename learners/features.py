"""From examples to bags of exact integer ids: numpy and plain Python, no torch, no rows, no weights.

What many rows share stands once: a request's fields once per shot, an item's once per item. `asked` is the one
function that says what an asker's fields are, for training and for serving alike. Nothing here is learned, except
which items and names are known, and that only provisionally until the learner settles it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Protocol

import numpy as np

from learners.catalogue import COLUMNS, Catalogue
from learners.learner import Bools, Floats, Ints
from learners.names import Names
from learners.ordering import Batch
from learners.schema import ITEM_FIELDS, SILENT, SPACES, Schema, context_text
from streams.examples import Past, Row, Shot

USER, SURFACE, POSITION = (SPACES.index(name) for name in ("user", "surface", "position"))
LESSONS = frozenset({"label", "correction", "organic"})


class Who(Protocol):
    """What a shot of training and an asker of serving have in common."""

    @property
    def user_id(self) -> str: ...
    @property
    def history(self) -> tuple[Past, ...]: ...
    @property
    def surface(self) -> str: ...
    @property
    def context(self) -> Mapping[str, str | float]: ...
    @property
    def query_item_id(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Asked:
    """The fields of askers, column by column: texts of a space (None for absent), and items, which bring their tags."""

    singles: tuple[tuple[int, list[str | None]], ...]
    histories: list[tuple[str, ...]]
    queries: list[tuple[str, ...]]


def asked(whos: Sequence[Who], context: Sequence[str]) -> Asked:
    """What the fields of askers are: the one place that says so, for training and for serving.

    >>> from streams.examples import Shot
    >>> asked([Shot("ana", 7, context={"hour": 9.0}, history=(Past("tea", "click", 5),))], ("hour",))
    Asked(singles=((0, ['ana']), (5, [None]), (7, ['9'])), histories=[('tea',)], queries=[()])
    """
    singles = [(USER, [who.user_id or None for who in whos]), (SURFACE, [who.surface or None for who in whos])]
    for space, name in enumerate(context, len(SPACES)):
        values = [who.context.get(name) for who in whos]
        singles.append((space, [None if value is None else context_text(value) for value in values]))
    histories = [
        tuple([past.item_id for past in who.history if past.type not in SILENT and past.item_id]) if who.history else ()
        for who in whos
    ]
    queries: list[tuple[str, ...]] = [(who.query_item_id,) if who.query_item_id else () for who in whos]
    return Asked(tuple(singles), histories, queries)


@dataclass(frozen=True, slots=True)
class Bags:
    """Bags of ids one after the other: `count_G` ids in each bag, in the order of `space_N` and `key_N`."""

    space_N: Ints
    key_N: Ints
    count_G: Ints


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
    ranked_R: Bools
    finite: bool

    @property
    def chosen(self) -> Bools:
        """Rows where something was chosen, and that weigh."""
        chosen: Bools = (self.decided_RL & (self.value_RL > 0)).any(axis=1) & (self.weight_R > 0)
        return chosen


def features(batch: Batch, schema: Schema, names: Names, catalogue: Catalogue, extra: Sequence[int] = ()) -> Features:
    """The features of a batch's lessons, whose item facts `catalogue` holds already; `extra` are entries wanted
    beside those of the rows."""
    lessons = [(at, e.row, e.shot) for at, e in enumerate(batch.examples) if e.shot and is_lesson(e.row)]
    rows = [row for _, row, _ in lessons]
    asker_list, shot_R = _askers([shot for _, _, shot in lessons])
    entry_R = [catalogue.entry(row.item_id) for row in rows]
    items = {entry: place for place, entry in enumerate(dict.fromkeys(entry_R))}
    entry_I = np.array([*items, *extra], np.int64)
    told = asked(asker_list, schema.context)
    position = np.array([row.position for row in rows], np.int64)
    placed = Bags(np.full(len(rows), 2 * POSITION, np.int64), position, np.ones(len(rows), np.int64))
    value_RL, decided_RL = _targets(rows, schema.labels)
    weight_R = np.array([row.weight for row in rows], np.float32)
    return Features(
        bags=_joined((asker_bags(told, names, catalogue), item_bags(entry_I, catalogue), placed)),
        shots=len(asker_list),
        entry_I=entry_I,
        negatives=len(extra),
        at_R=np.array([at for at, _, _ in lessons], np.int64),
        shot_R=shot_R,
        item_R=np.array([items[entry] for entry in entry_R], np.int64),
        decided_RL=decided_RL,
        value_RL=value_RL,
        weight_R=weight_R,
        first_R=np.array([row.first for row in rows], np.bool_),
        ranked_R=np.array([row.kind != "organic" for row in rows], np.bool_),
        finite=_finite(value_RL, weight_R, asker_list),
    )


def is_lesson(row: Row) -> bool:
    """Whether a row says something new of yes and no. A correction without weight is a yes with a newer value: learned
    or counted, it would be a second yes."""
    return row.kind in LESSONS and (row.weight != 0 or row.kind != "correction")


def asker_bags(told: Asked, names: Names, catalogue: Catalogue) -> Bags:
    """The asker fields, field by field: user, history, its tags, query, its tags, surface, context."""
    singles = [_single(space, texts, names) for space, texts in told.singles]
    history, query = _through(catalogue, told.histories), _through(catalogue, told.queries)
    return _joined((*singles[:1], *history, *query, *singles[1:]))


def item_bags(entries: Ints, catalogue: Catalogue) -> Bags:
    """The item fields of entries, field by field."""
    return _joined([_columns(entries, catalogue, field) for field in ITEM_FIELDS])


def _columns(entries: Ints, catalogue: Catalogue, field: str) -> Bags:
    space_EC = catalogue.spaces[entries, COLUMNS[field]]
    key_EC = catalogue.keys[entries, COLUMNS[field]]
    there_EC = space_EC >= 0
    return Bags(space_EC[there_EC], key_EC[there_EC], there_EC.sum(axis=1))


def _through(catalogue: Catalogue, items_S: Sequence[tuple[str, ...]]) -> tuple[Bags, Bags]:
    """Bags of items, and bags of the tags of these items."""
    entry = catalogue.entry
    entries = np.array([entry(item) for items in items_S for item in items], np.int64)
    count_S = np.array([len(items) for items in items_S], np.int64)
    owner = np.repeat(np.arange(len(items_S)), count_S)
    tags = _columns(entries, catalogue, "tags")
    tags_S = np.bincount(owner, weights=tags.count_G, minlength=len(items_S)).astype(np.int64)
    these = _columns(entries, catalogue, "item")
    return Bags(these.space_N, these.key_N, count_S), Bags(tags.space_N, tags.key_N, tags_S)


def _single(space: int, texts: Sequence[str | None], names: Names) -> Bags:
    """A field of at most one id. Few distinct texts may stand for many askers, so each is named once."""
    codes = {text: names.code(space, text) for text in dict.fromkeys(texts) if text is not None}
    there = [codes[text] for text in texts if text is not None]
    spaces = np.array([code[0] for code in there], np.int64)
    keys = np.array([code[1] for code in there], np.int64)
    return Bags(spaces, keys, np.array([text is not None for text in texts], np.int64))


def _joined(parts: Iterable[Bags]) -> Bags:
    listed = list(parts)
    return Bags(
        np.concatenate([part.space_N for part in listed]),
        np.concatenate([part.key_N for part in listed]),
        np.concatenate([part.count_G for part in listed]),
    )


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
