"""One finding of the doctor: how bad it is, what it is about, what was found, and what to type next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "bad"]
LEVELS: tuple[Level, ...] = ("ok", "warn", "bad")


@dataclass(frozen=True, slots=True)
class Finding:
    """`next` is empty where there is nothing to do."""

    level: Level
    about: str
    told: str
    next: str = ""


def ok(about: str, told: str) -> Finding:
    return Finding("ok", about, told)


def warn(about: str, told: str, next: str) -> Finding:
    return Finding("warn", about, told, next)


def bad(about: str, told: str, next: str) -> Finding:
    return Finding("bad", about, told, next)


def worst(found: Iterable[Finding]) -> Level:
    """
    >>> worst([ok("log", "is there"), warn("lag", "is long", "headrace status")])
    'warn'
    """
    return max((one.level for one in found), key=LEVELS.index, default="ok")
