"""What a user wanted of late and is not offered again yet: one rule for servers and for figures of retrieval. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from streams.examples import Past


def wanted_of_late(history: Iterable[Past], at: int, within: int) -> frozenset[str]:
    """The items of interactions at most `within` ms before `at`.

    >>> sorted(wanted_of_late([Past("tea", "click", 50), Past("salt", "dismiss", 1)], 70, 30))
    ['tea']
    """
    return frozenset(past.item_id for past in history if at - past.ts <= within)
