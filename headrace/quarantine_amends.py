"""After a line that changes the mask: whether it holds, and what came between its writer's reading and itself.

Decisions are appended without a lock, so another line may have slipped in. Nothing is retried here in a loop: one
more line says what is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from checkpoints.errors import BelowFloor, VersionError
from checkpoints.manifest import Manifest
from checkpoints.quarantine import RIPPLE, free_id, ripple, tainted
from checkpoints.store import VersionStore
from headrace.operations import Operator
from headrace.quarantine_changes import Change
from streams.decisions import Decision, DecisionLog, Decisions
from streams.mask import Entry, equal_below

SERVING = ("publish", "promote", "rollback")
"""Kinds of lines that name a version which may serve."""


@dataclass(frozen=True, slots=True)
class Amended:
    """The entries as they stand after all, and all versions that are not valid now."""

    entries: tuple[Entry, ...]
    tainted: tuple[int, ...]


def check_read_back(n: int, decisions: Decisions, target: Manifest | None = None) -> None:
    """Raise where line `n` is void, or where servers pass over it since its target is not valid after it."""
    line = decisions.lines[n]
    if not decisions.effective[n]:
        raise BelowFloor(
            f"decision {n} is void: retention raised its floor between the reading and the line, and the quarantine "
            "reaches below it. Nothing has moved. Name a later begin, or choose again: headrace rollback last-good"
        )
    if target is None:
        return
    if not equal_below(decisions.masking(target.decisions), decisions.masking(n + 1), target.input):
        masked = f" Its entries hold ({', '.join(e.id for e in line.add)})." if line.add else ""
        raise VersionError(
            f"servers pass over decision {n}: another line masked what version {target.version} learned from, after "
            f"this one had read {line.seen} lines.{masked} Choose again: headrace rollback last-good --why TEXT"
        )


def amend(
    n: int, made: Change, *, store: VersionStore, decisions: DecisionLog, operator: Operator, ripple: bool
) -> Amended:
    """Append one more mask line where, between the reading and line `n`,
    - with `ripple`, a version that is tainted now began to serve: its clicks are masked too;
    - another writer added an entry under an id of ours, which our line replaced: it comes back under another id.
    """
    fold, between = decisions.fold, range(made.seen, n)
    now = tainted(fold, fold.masking(n + 1), store.manifests(), fold.lines[: n + 1])
    entries = _extended(made.add, now, fold, between, stem=f"q{made.seen}") if ripple else made.add
    fresh = [entry for entry in entries if entry not in made.add]
    back = _displaced(made.add, fold, between)
    if fresh or back:
        why = f"completes decision {n}: what came between its reading and itself"
        line = Decision("mask", operator.at, operator.who, why, seen=fold.position, add=(*fresh, *back))
        check_read_back(decisions.decide(line)[0], fold)
    return Amended(entries, now)


def _extended(
    add: tuple[Entry, ...], now: Sequence[int], fold: Decisions, between: range, *, stem: str
) -> tuple[Entry, ...]:
    own = next((entry for entry in add if entry.id.startswith(stem + RIPPLE)), None)
    has = set() if own is None or own.model_versions is None else set(own.model_versions)
    lines = (fold.lines[k] for k in between if fold.effective[k])
    late = set(now).intersection(line.version for line in lines if line.kind in SERVING) - has
    if not late:
        return add
    rest = tuple(entry for entry in add if entry is not own)
    if own is None:
        return (*rest, ripple(rest, sorted(late), stem + RIPPLE, served_from=_inputs(fold, late)))
    wider = ripple([own], sorted(has | late), own.id)
    return (*rest, wider)


def _inputs(fold: Decisions, versions: set[int]) -> dict[int, int]:
    inputs = [line.input for line in fold.lines if line.version in versions and line.input]
    every = set().union(*inputs) if inputs else set()
    return {p: min(input.get(p, 0) for input in inputs) for p in every}


def _displaced(add: tuple[Entry, ...], fold: Decisions, between: range) -> list[Entry]:
    """What our line replaced though its writer could not know: under a new id. What was lifted before it stays so."""
    standing = {entry.id for entry in fold.masking(between.stop).entries}
    ours, back = {entry.id for entry in add} & standing, list[Entry]()
    for k in between:
        if not fold.effective[k]:
            continue
        for entry in fold.lines[k].add:
            if entry.id in ours:
                taken = [e.id for e in fold.masking().entries] + [e.id for e in back]
                # ids are no part of what an entry says to its readers
                back.append(replace(entry, id=free_id(entry.id, taken)))
    return back
