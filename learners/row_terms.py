"""On which terms ids have rows, as they are told: plain values in, the rules of each space and of all together out.

    told = {"admit": 3, "ttl": 2592000000, "spaces": {"user": {"ttl": 604800000}}}

Nothing told: every id gets a row at once and keeps it. What the terms do is in `tables/`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from learners.tables.kinds import Kind, Limits

OF_SPACE: Mapping[str, str] = {"admit": "count", "chance": "chance", "ttl": "ttl_ms"}
OF_ALL: Mapping[str, str] = {"cap": "cap", "half_life": "half_life_ms"}


def check(told: Mapping[str, Any], spaces: Sequence[str]) -> None:
    """Raises ValueError where terms can't be meant.

    >>> check({"spaces": {"usr": {"ttl": 5}}}, ("user", "item"))
    Traceback (most recent call last):
    ValueError: rows.spaces.usr: there is no such space of ids; there are user, item
    """
    of_spaces = told.get("spaces", {})
    if unknown := sorted(of_spaces.keys() - set(spaces)):
        raise ValueError(f"rows.spaces.{unknown[0]}: there is no such space of ids; there are {', '.join(spaces)}")
    for place, one, known in (
        ("rows", told, {*OF_SPACE, *OF_ALL, "spaces"}),
        *((f"rows.spaces.{name}", one, {*OF_SPACE}) for name, one in sorted(of_spaces.items())),
    ):
        if odd := sorted(one.keys() - known):
            raise ValueError(f"{place}.{odd[0]} is no term; there are {', '.join(sorted(known))}")


def kinds(told: Mapping[str, Any], spaces: Sequence[str]) -> list[Kind]:
    """The rules of each space, in their order.

    >>> kinds({"admit": 3, "spaces": {"item": {"admit": 1, "ttl": 5}}}, ("user", "item"))
    [Kind(count=3, chance=0.0, ttl_ms=0), Kind(count=1, chance=0.0, ttl_ms=5)]
    """
    usual = {name: told[name] for name in OF_SPACE if name in told}
    each = (usual | dict(told.get("spaces", {}).get(space, {})) for space in spaces)
    return [Kind(**{OF_SPACE[name]: value for name, value in one.items()}) for one in each]


def limits(told: Mapping[str, Any], *, seed: int) -> Limits:
    """The rules of all ids together."""
    return Limits(**{OF_ALL[name]: told[name] for name in OF_ALL if name in told}, seed=seed)
