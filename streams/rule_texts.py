"""Rules as a configure line says them: one JSON object that names the code it was written for. Knows no fold."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any, TypeVar

import msgspec

from streams.errors import LogMismatch

Told = TypeVar("Told")


def text_of(rules: Any, *, code: int) -> str:
    """A dataclass of rules as JSON, in one order of keys."""
    return msgspec.json.encode({"code": code, **asdict(rules)}, order="deterministic").decode()


def rules_of(text: str, kind: type[Told], *, code: int, whose: str) -> Told:
    """The rules that a text says, `whose` is for people. Raises LogMismatch where this code can't follow them."""
    try:
        told = msgspec.json.decode(text, type=dict[str, Any])
        found = told.pop("code", None)
        if found == code and told.keys() == {field.name for field in fields(kind)}:  # type: ignore[arg-type]  # dataclass
            return msgspec.convert(told, kind)
        fault = f"they are for code {found} with {', '.join(told)}; this is code {code}"
    except (msgspec.MsgspecError, ValueError, TypeError) as error:
        fault = f"{error}"
    raise LogMismatch(
        f"the decisions hold rules of {whose} that can't be followed here: {fault}. They were written by another "
        "version of Headrace. Use that one for this log, or start a new log: `headrace configure show`"
    )
