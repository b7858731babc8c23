"""What the fields of those who ask are: the one place that says so, for training and for serving alike.

A shot of training and an asker of serving are read by the same lines, column by column. Only values come out: which
rows they have, and what an item's tags are, belongs to whoever asks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from learners.fields import Field
from learners.learner import Doubles
from learners.numeric import number_of
from learners.schema import SILENT, Schema, context_text
from learners.text_ngrams import grams_of
from streams.examples import Past

Texts = list[tuple[str, ...]]
Value = str | float | None
Read = TypeVar("Read")


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
    @property
    def query_text(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Column:
    """One field of S askers, in the form of its kind: texts (of items, for a history), buckets, or numbers."""

    field: Field
    texts_S: Texts | None = None
    keys_S: list[tuple[int, ...]] | None = None
    number_S: Doubles | None = None


def asked(whos: Sequence[Who], schema: Schema) -> tuple[Column, ...]:
    """The columns of askers, in the order of the schema; fields that go through the same items share the list.

    >>> from streams.examples import Shot
    >>> shot = Shot("ana", 7, context={"hour": 9.0}, history=(Past("tea", "click", 5),))
    >>> columns = asked([shot], Schema((), ("hour",)))
    >>> [column.texts_S for column in columns if column.field.name in ("user", "history", "surface", "context.hour")]
    [[('ana',)], [('tea',)], [()], [('9',)]]
    """
    through: dict[tuple[str, tuple[str, ...], int], Texts] = {}
    return tuple(_column(field, whos, through) for field in schema.askers)


def values_of(field: Field, values: Sequence[Value]) -> Column:
    """A column of single values, of askers and of items alike."""
    told = field.told
    match field.kind:
        case "number":
            return Column(field, number_S=np.array([number_of(value, told.log) for value in values], np.float64))
        case "text":
            most = field.most
            return Column(field, keys_S=_each(values, lambda value: grams_of(context_text(value), told, most)))
        case "many":
            return Column(field, texts_S=_each(values, lambda value: _split(value, told.separator, field.most)))
        case _:
            return Column(field, texts_S=_each(values, lambda value: (context_text(value),)))


def _each(values: Sequence[Value], read: Callable[[str | float], tuple[Read, ...]]) -> list[tuple[Read, ...]]:
    """What is read of each value, nothing of none; many say the same, so each is read once."""
    told = {value: read(value) for value in dict.fromkeys(values) if value is not None}
    return [() if value is None else told[value] for value in values]


def _column(field: Field, whos: Sequence[Who], through: dict[tuple[str, tuple[str, ...], int], Texts]) -> Column:
    if field.kind == "history":
        of, _, _ = field.source.partition(".")
        key = of, field.told.types, field.most
        if key not in through:
            through[key] = _queries(whos) if of == "query" else _histories(whos, field.told.types, field.most)
        return Column(field, texts_S=through[key])
    return values_of(field, _values(field, whos))


def _values(field: Field, whos: Sequence[Who]) -> Sequence[Value]:
    match field.source:
        case "user":
            return [who.user_id or None for who in whos]
        case "surface":
            return [who.surface or None for who in whos]
        case "query_text":
            return [who.query_text or None for who in whos]
    key = field.key if field.source.startswith("context.") else f"user.{field.key}"
    return [who.context.get(key) for who in whos]


def _histories(whos: Sequence[Who], types: tuple[str, ...], most: int) -> Texts:
    if types:
        told = [tuple([past.item_id for past in who.history if past.type in types and past.item_id]) for who in whos]
    else:
        told = [
            tuple([past.item_id for past in who.history if past.type not in SILENT and past.item_id])
            if who.history
            else ()
            for who in whos
        ]
    return [items[-most:] for items in told] if most else told


def _queries(whos: Sequence[Who]) -> Texts:
    return [(who.query_item_id,) if who.query_item_id else () for who in whos]


def _split(value: str | float, separator: str, most: int) -> tuple[str, ...]:
    parts = (part.strip() for part in context_text(value).split(separator))
    return tuple(dict.fromkeys(part for part in parts if part))[:most]
