"""From columns to bags: names become keys, items lead to what they are, numbers become weights. No rows, no weights
that are learned."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from learners.asked import Column
from learners.bags import Bags, joined, listed, measured
from learners.catalogue import Catalogue
from learners.fields import MEASURED, Field
from learners.learner import Doubles, Floats, Ints
from learners.names import Names
from learners.numeric import Numbers

Through = dict[int, tuple[Ints, Ints]]
"""Entries of lists of items that were looked up already, and how many each list has."""


def asker_bags(columns: Sequence[Column], names: Names, catalogue: Catalogue, numbers: Numbers) -> Bags:
    """The fields of askers, field by field."""
    through: Through = {}
    return joined([_asker_bag(column, names, catalogue, numbers, through) for column in columns])


def item_bags(entries: Ints, catalogue: Catalogue, fields: Sequence[Field], numbers: Numbers) -> Bags:
    """The fields of items, field by field."""
    return joined([_item_bag(entries, catalogue, field, numbers) for field in fields])


def weighed(value_ED: Doubles, field: Field, numbers: Numbers) -> Doubles | Floats:
    """Numbers and vectors of owners as weights, NaN where there is none."""
    return numbers.standard(field.name, value_ED) if field.kind == "number" else value_ED


def _asker_bag(column: Column, names: Names, catalogue: Catalogue, numbers: Numbers, through: Through) -> Bags:
    field = column.field
    if column.number_S is not None:
        return measured(2 * field.space, weighed(column.number_S[:, None], field, numbers))
    if column.keys_S is not None:
        return listed(2 * field.space, column.keys_S)
    assert column.texts_S is not None
    if field.kind != "history":
        return _named(field.space, column.texts_S, names)
    if id(column.texts_S) not in through:
        through[id(column.texts_S)] = _entries(catalogue, column.texts_S)
    return _through(catalogue, *through[id(column.texts_S)], field.through)


def _item_bag(entries: Ints, catalogue: Catalogue, field: Field, numbers: Numbers) -> Bags:
    if field.kind not in MEASURED:
        return _columns(entries, catalogue, field.name)
    value_ED = catalogue.measures[entries, catalogue.measured[field.name]]
    return measured(2 * field.space, weighed(value_ED, field, numbers))


def _columns(entries: Ints, catalogue: Catalogue, field: str) -> Bags:
    space_EC = catalogue.spaces[entries, catalogue.columns[field]]
    key_EC = catalogue.keys[entries, catalogue.columns[field]]
    there_EC = space_EC >= 0
    return Bags(space_EC[there_EC], key_EC[there_EC], there_EC.sum(axis=1))


def _entries(catalogue: Catalogue, items_S: Sequence[tuple[str, ...]]) -> tuple[Ints, Ints]:
    entry = catalogue.entry
    entries = np.array([entry(item) for items in items_S for item in items], np.int64)
    return entries, np.array([len(items) for items in items_S], np.int64)


def _through(catalogue: Catalogue, entries: Ints, count_S: Ints, field: str) -> Bags:
    """Bags of what items are."""
    these = _columns(entries, catalogue, field)
    owner = np.repeat(np.arange(len(count_S)), count_S)
    count = np.bincount(owner, weights=these.count_G, minlength=len(count_S)).astype(np.int64)
    return Bags(these.space_N, these.key_N, count)


def _named(space: int, texts_S: Sequence[tuple[str, ...]], names: Names) -> Bags:
    """Few distinct texts may stand for many askers, so each is named once."""
    texts = [text for one in texts_S for text in one]
    codes = {text: names.code(space, text) for text in dict.fromkeys(texts)}
    spaces = np.array([codes[text][0] for text in texts], np.int64)
    keys = np.array([codes[text][1] for text in texts], np.int64)
    return Bags(spaces, keys, np.array([len(one) for one in texts_S], np.int64))
