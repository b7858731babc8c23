"""What a filter's conditions mean over the arrays of the items' fields: which of some items they let through.

Pure: the same arrays give the same answer. Texts are compared by their numbers, so that only a range of texts looks at
each text that there is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from serving.columns import Codes, Column, Columns, Lists
from serving.filter_terms import AnyOf, Condition, Every, Has, Is, Not, Term, Within

Lets = NDArray[np.bool_]
FEW = 256
"""So few items are looked at one by one."""


def let_through(term: Term, columns: Columns, codes: Codes) -> Lets:
    """By item, whether the term holds.

    >>> from serving.filters import parsed
    >>> from streams.events import Item
    >>> columns = Columns()
    >>> columns.put(0, Item("e", 5, "tea", tags=("new",), attributes={"price": 5.0}), None)
    >>> let_through(parsed("price < 9 AND NOT tags = 'old'").term, columns, np.array([0, 1])).tolist()
    [True, False]
    """
    match term:
        case Not():
            return ~let_through(term.term, columns, codes)
        case Every():
            every: Lets = np.logical_and.reduce([let_through(one, columns, codes) for one in term.terms])
            return every
        case AnyOf():
            some: Lets = np.logical_or.reduce([let_through(one, columns, codes) for one in term.terms])
            return some
    many = columns.many(term.name)
    if many is not None:
        return _of_lists(term, many, codes)
    single = columns.single(term.name)
    return np.zeros(len(codes), np.bool_) if single is None else _of_column(term, single, codes)


def _of_column(condition: Condition, column: Column, codes: Codes) -> Lets:
    match condition:
        case Has():
            there: Lets = (column.text_C.at(codes) >= 0) | ~np.isnan(column.number_C.at(codes))
            return there
        case Is():
            texts = [column.texts.get(value, -2) for value in condition.values if isinstance(value, str)]
            numbers = [value for value in condition.values if not isinstance(value, str)]
            let_K = np.isin(column.text_C.at(codes), texts) if texts else np.zeros(len(codes), np.bool_)
            return let_K | np.isin(column.number_C.at(codes), numbers) if numbers else let_K
        case Within(low=low, high=high) if isinstance(low if high is None else high, str):
            return _texts_within(condition, column.texts, column.text_C.at(codes))
        case Within():
            return _numbers_within(condition, column.number_C.at(codes))


def _numbers_within(condition: Within, number_K: NDArray[np.float64]) -> Lets:
    low, high = condition.low, condition.high
    let_K: Lets = ~np.isnan(number_K)
    if low is not None:
        let_K &= number_K > float(low) if condition.open else number_K >= float(low)
    if high is not None:
        let_K &= number_K < float(high) if condition.open else number_K <= float(high)
    return let_K


def _texts_within(condition: Within, texts: dict[str, int], text_K: NDArray[np.int32]) -> Lets:
    wanted = [number for text, number in list(texts.items()) if _between(text, condition)]
    let_K: Lets = np.isin(text_K, wanted) if wanted else np.zeros(len(text_K), np.bool_)
    return let_K


def _of_lists(condition: Condition, lists: Lists, codes: Codes) -> Lets:
    list_K = lists.list_C.at(codes)
    match condition:
        case Has():
            return list_K > 0
        case Is():
            wanted = [lists.texts.get(value, -2) for value in condition.values if isinstance(value, str)]
        case Within():
            wanted = [number for text, number in list(lists.texts.items()) if _between(text, condition)]
    start, flat = lists.start.values, lists.flat.values
    if len(codes) <= FEW:
        ids = set(wanted)
        starts, ends = start[list_K].tolist(), start[list_K + 1].tolist()
        lists_K = zip(starts, ends, strict=True)
        told = [a < b and not ids.isdisjoint(flat[a:b].tolist()) for a, b in lists_K]
        return np.array(told, np.bool_)
    count = int(list_K.max(initial=0)) + 1
    hits = np.concatenate([[0], np.cumsum(np.isin(flat[: start[count]], wanted))])
    hit_S = hits[start[1 : count + 1]] > hits[start[:count]]
    hit_S[0] = False
    return np.asarray(hit_S[list_K], np.bool_)


def _between(text: str, condition: Within) -> bool:
    low, high = condition.low, condition.high
    if not isinstance(low if high is None else high, str):
        return False
    above = low is None or (text > str(low) if condition.open else text >= str(low))
    return above and (high is None or (text < str(high) if condition.open else text <= str(high)))
