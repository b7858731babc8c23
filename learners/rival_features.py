"""A row of an example as texts, as challengers read it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from learners.ordering import Example
from learners.rivals import Features

MOST_TAGS = 4


def features_of(example: Example, context: Sequence[str] = ()) -> Features:
    """What a linear model reads of a row, the item first: who, what, where, and how the two meet.

    >>> from streams.examples import Row, Shot
    >>> shot = Shot("ana", 5, surface="home", context={"hour": 7})
    >>> features_of(Example(Row(0, 9, "label", "e", item_id="tea", position=2), shot, None, 0), ("hour",))
    ['item=tea', 'position=2', 'user=ana', 'surface=home', 'surface*item=home*tea', 'hour=7']
    """
    row, shot, attributes = example.row, example.shot, example.attributes
    told = [f"item={row.item_id}", f"position={row.position}"]
    user = shot.user_id if shot is not None else ""
    if shot is not None:
        told += [f"user={user}", f"surface={shot.surface}", f"surface*item={shot.surface}*{row.item_id}"]
        told += [f"{name}={shot.context[name]}" for name in context if name in shot.context]
        told += [f"last*item={past.item_id}*{row.item_id}" for past in shot.history[-1:]]
    if attributes is not None:
        told += [f"author={attributes.author}"] if attributes.author else []
        for category in dict.fromkeys(attributes.categories[:MOST_TAGS]):
            told += [f"category={category}", f"user*category={user}*{category}"]
    return told
