"""What an operator does about the mask alone: add, list, lift, close. Who serves is left as it is.

Each is one line that is read back; no terminal is known here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from checkpoints.errors import NoSuchEntry
from checkpoints.manifest import Manifest
from checkpoints.quarantine import RIPPLE, Order, closed, tainted_by
from checkpoints.registry import Registry
from checkpoints.store import VersionStore
from headrace.operations import Operator
from headrace.quarantine_amends import amend, check_read_back
from headrace.quarantine_changes import Change, change, ordered
from headrace.quarantine_words import positions_told, words
from streams.decisions import Decision, DecisionLog, Decisions
from streams.log import Log
from streams.mask import Entry
from streams.positions import Positions


@dataclass(frozen=True, slots=True)
class Masked:
    """What a change of the mask did, or would do (`line` -1). `tainted` are all versions that are not valid after it,
    `live` the one that serves: where it is tainted too, only a rollback takes it away at once."""

    line: int
    entries: tuple[Entry, ...]
    removed: tuple[str, ...]
    tainted: tuple[int, ...]
    live: int | None
    replay_from: Positions | None
    span_ms: int
    frames: int
    joined: int = 0


def quarantine_add(
    orders: tuple[Order, ...],
    *,
    store: VersionStore,
    decisions: DecisionLog,
    operator: Operator,
    events: Log,
    ripple: bool = False,
    ahead: int,
    dry_run: bool = False,
) -> Masked:
    """Mask what `orders` name, in one line; with `dry_run` only say what that would do.

    1. resolve, refuse what reaches below the floor; 2. one line; 3. read back; 4. one more line where someone
    published or masked between the reading and the line. Raises QuarantineError; before 2 nothing has changed.
    """
    manifests = store.manifests()
    decisions.follow()
    made = ordered(
        orders,
        manifests=manifests,
        decisions=decisions.fold,
        events=events,
        ahead=ahead,
        at=operator.at,
        ripple=ripple,
    )
    if dry_run:
        return _masked(-1, made, decisions.fold)
    n = _written(made, decisions, operator)
    amended = amend(n, made, store=store, decisions=decisions, operator=operator, ripple=ripple)
    return _masked(n, made, decisions.fold, amended.entries, amended.tainted)


def quarantine_lift(
    id: str, *, store: VersionStore, decisions: DecisionLog, operator: Operator, events: Log, dry_run: bool = False
) -> Masked:
    """Take an entry out of the mask, and its ripple in the same line: versions become good again together. The ripple
    stays while another entry of the same line stands. Raises NoSuchEntry, BelowFloor."""
    manifests = store.manifests()
    decisions.follow()
    _entry(id, decisions.fold)
    made = change(decisions.fold, manifests, events, remove=_together(id, decisions.fold))
    return _masked(-1 if dry_run else _written(made, decisions, operator), made, decisions.fold)


def quarantine_close(
    id: str, *, store: VersionStore, decisions: DecisionLog, operator: Operator, events: Log, dry_run: bool = False
) -> Masked:
    """Let an open entry mask nothing new from now on: one line replaces it by itself with an end.

    Raises NoSuchEntry, also where someone lifts it meanwhile (then it stays lifted), and BadOrder where it is closed.
    """
    manifests = store.manifests()
    decisions.follow()
    entry = closed(_entry(id, decisions.fold), events, operator.at)
    made = change(decisions.fold, manifests, events, add=(entry,), remove=(id,))
    n = -1 if dry_run else _written(made, decisions, operator)
    fold = decisions.fold
    if any(fold.effective[k] and id in fold.lines[k].remove for k in range(made.seen, n)):
        why = f"undoes decision {n}: {id} was lifted while it was being closed"
        decisions.decide(Decision("mask", operator.at, operator.who, why, seen=fold.position, remove=(id,)))
        raise NoSuchEntry(f"{id} was lifted while it was being closed; it stays lifted. See `headrace decisions`")
    return _masked(n, made, fold)


def quarantine_list(decisions: DecisionLog, store: VersionStore | None = None) -> list[dict[str, Any]]:
    """One row per entry in force, oldest first; `tainted` counts versions of the store, None without one."""
    manifests = None if store is None else store.manifests()
    decisions.follow()
    rows = [_row(entry, decisions.fold, manifests) for entry in decisions.fold.masking().entries]
    return sorted(rows, key=lambda row: (row["line"], row["id"]))


def _row(entry: Entry, fold: Decisions, manifests: list[Manifest] | None) -> dict[str, Any]:
    n = _since(entry.id, fold)
    line = fold.lines[n]
    return {
        "id": entry.id,
        "line": n,
        "at": line.at,
        "who": line.who,
        "why": line.why,
        "masks": words(entry),
        "open": entry.stop is None,
        "frames": positions_told(entry),
        "tainted": None if manifests is None else len(tainted_by(entry, fold, manifests)),
        "entry": msgspec.to_builtins(entry, str_keys=True),
    }


def _since(id: str, fold: Decisions) -> int:
    """The line since which an entry of that id has stood without a gap."""
    found, stood = 0, False
    for n, line in enumerate(fold.lines):
        if not fold.effective[n]:
            continue
        added = any(entry.id == id for entry in line.add)
        if added and not stood:
            found = n
        stood = added or (stood and id not in line.remove)
    return found


def _entry(id: str, fold: Decisions) -> Entry:
    standing = {entry.id: entry for entry in fold.masking().entries}
    if id not in standing:
        there = ", ".join(standing) or "none"
        raise NoSuchEntry(f"no entry {id!r} is in force; those that are: {there}. See `headrace quarantine list`")
    return standing[id]


def _together(id: str, fold: Decisions) -> tuple[str, ...]:
    stem = id.partition(".")[0]
    family = [entry.id for entry in fold.masking().entries if entry.id.partition(".")[0] == stem and entry.id != id]
    ripples = [other for other in family if other.startswith(stem + RIPPLE)]
    return (id, *ripples) if ripples == family else (id,)


def _written(made: Change, decisions: DecisionLog, operator: Operator) -> int:
    line = Decision(
        "mask", operator.at, operator.who, operator.why, seen=made.seen, add=made.add, remove=made.remove
    )  # fmt: skip
    n, _ = decisions.decide(line)
    check_read_back(n, decisions.fold)
    return n


def _masked(
    line: int,
    made: Change,
    fold: Decisions,
    entries: tuple[Entry, ...] | None = None,
    tainted: tuple[int, ...] | None = None,
) -> Masked:
    return Masked(
        line,
        made.add if entries is None else entries,
        made.remove,
        made.tainted if tainted is None else tainted,
        Registry.of(fold).live,
        made.replay_from,
        made.span_ms,
        made.frames,
        made.joined,
    )
