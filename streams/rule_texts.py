"""Rules as a configure line says them: one JSON object that names the code it was written for. Knows no fold.

A field that came later is UNSAID where it has its default: so older lines go on saying what they said, and the rules
that they say keep their digest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from threading import Lock
from typing import Any, TypeVar

import msgspec

from streams.errors import LogMismatch

Told = TypeVar("Told")

_one_by_one = Lock()
"""Joiners of several partitions read rules at the same time, and msgspec crashes where two threads are the first with a
dataclass: the second takes what the first has filled in half."""

UNSAID: Mapping[str, bool] = {"unsaid": True}
"""Metadata of a field that texts leave out where it has its default."""


def plain_of(rules: Any) -> Any:
    """A dataclass of rules, with those in it, as plain values.

    >>> from dataclasses import dataclass, field
    >>> @dataclass
    ... class Rule:
    ...     old: int = 1
    ...     new: int = field(default=2, metadata=UNSAID)
    >>> plain_of((Rule(), Rule(new=3)))
    [{'old': 1}, {'old': 1, 'new': 3}]
    """
    if is_dataclass(rules):
        return {field.name: plain_of(getattr(rules, field.name)) for field in fields(rules) if _said(field, rules)}
    return [plain_of(one) for one in rules] if isinstance(rules, tuple | list) else rules


def text_of(rules: Any, *, code: int) -> str:
    """A dataclass of rules as JSON, in one order of keys."""
    return msgspec.json.encode({"code": code, **plain_of(rules)}, order="deterministic").decode()


def rules_of(text: str, kind: type[Told], *, code: int, whose: str) -> Told:
    """The rules that a text says, `whose` is for people. Raises LogMismatch where this code can't follow them."""
    try:
        told = msgspec.json.decode(text, type=dict[str, Any])
        found = told.pop("code", None)
        if found == code:
            with _one_by_one:
                rules = msgspec.convert(told, kind)
            if plain_of(rules) == told:  # else it says more than this code knows, or less than it needs
                return rules
        fault = f"they are for code {found} with {', '.join(told)}; this is code {code}"
    except (msgspec.MsgspecError, ValueError, TypeError) as error:
        fault = f"{error}"
    raise LogMismatch(
        f"the decisions hold rules of {whose} that can't be followed here: {fault}. They were written by another "
        "version of Headrace. Use that one for this log, or start a new log: `headrace configure show`"
    )


def _said(field: Field[Any], rules: Any) -> bool:
    default = field.default if field.default_factory is MISSING else field.default_factory()
    return not field.metadata.get("unsaid") or getattr(rules, field.name) != default
