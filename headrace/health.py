"""Whether a process gets on, told from its last word: the health check of processes that listen nowhere.

A word is written after each turn of a loop, so silence means that the loop hangs, not only that the process is gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from headrace.telemetry import Status
from streams.errors import HeadraceError


class Unwell(HeadraceError):
    """A process has said nothing for too long."""


def well(name: str, said: Mapping[str, Status], now: int, *, within: int, run: Path) -> str:
    """A sentence about a process that spoke less than `within` ms ago. Raises Unwell.

    >>> said = {"join": Status("join", 7, 0, updated_at=9_000)}
    >>> well("join", said, 9_500, within=30_000, run=Path("var/run"))
    'join (pid 7) spoke 0.5 s ago'
    >>> well("join", said, 90_000, within=30_000, run=Path("var/run"))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    headrace.health.Unwell: join (pid 7) has said nothing for 81 s, and 30 s are allowed: it hangs or is gone. ...
    """
    if name not in said:
        known = f"those that spoke: {', '.join(sorted(said))}" if said else "nobody else has either"
        raise Unwell(f"{name} has said nothing in {run} yet; {known}. Start it: headrace {name}")
    status = said[name]
    silent = max(now - status.updated_at, 0)
    told = f"{name} (pid {status.pid})"
    if silent > within:
        raise Unwell(
            f"{told} has said nothing for {silent / 1000:.0f} s, and {within / 1000:.0f} s are allowed: it hangs or is "
            f"gone. Its last words may be in {run / name}.log; `headrace doctor` looks further"
        )
    return f"{told} spoke {silent / 1000:.1f} s ago"
