"""What an operator sees of the guard and tells it: holds as they stand, and orders as lines of the decisions."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from checkpoints.store import VersionStore
from headrace.operations import Operator
from headrace.telemetry import read_status
from learners.judged_rows import AXES
from learners.refusing import FOLD, Order
from streams.decisions import Decision, DecisionLog
from streams.errors import HeadraceError
from streams.log import Log

ALL = "all"


class GuardError(HeadraceError):
    """An order that can't be given."""


def standing(store: VersionStore, run: Path) -> dict[str, Any]:
    """What the guard holds: what the running trainer said last, else what stands in the newest version. `from` says
    which of the two, None where neither is there."""
    status = read_status(run).get("train")
    if status and status.last.get("guard"):
        return {"from": "trainer", "at": status.updated_at, **status.last["guard"]}
    manifests = store.manifests()
    if manifests and manifests[-1].guard:
        newest = manifests[-1]
        return {"from": f"version {newest.version}", "at": newest.created_at, **newest.guard}
    return {"from": None, "at": None, "held": [], "changed": [], "broken": 0}


def slice_of(text: str) -> tuple[str, str]:
    """Axis and value of a slice as it is written; two empty texts for all rows. Raises GuardError.

    >>> slice_of("producer=web"), slice_of("app-version=2.1"), slice_of("all")
    (('producer', 'web'), ('app_version', '2.1'), ('', ''))
    """
    if text == ALL:
        return "", ""
    axis, equals, value = text.partition("=")
    axis = axis.strip().replace("-", "_")
    if not equals or axis not in AXES:
        axes = ", ".join(one.replace("_", "-") for one in AXES)
        raise GuardError(f"{text!r} is no slice: write `all` or AXIS=VALUE, where AXIS is one of {axes}")
    return axis, value


def written(axis: str, value: str) -> str:
    """A slice as `slice_of` reads it.

    >>> written("app_version", "2.1"), written("", "")
    ('app-version=2.1', 'all')
    """
    return f"{axis.replace('_', '-')}={value}" if axis else ALL


def give(
    order: Literal["accept", "refuse"],
    where: tuple[str, str],
    *,
    decisions: DecisionLog,
    events: Log,
    operator: Operator,
    dry_run: bool = False,
) -> int | None:
    """Write an order down, to hold from the log ends on; the number of its line, None where it was only tried.

    The trainer follows it at the first batch that relies on a later frame. Raises GuardError where no process has
    started on this log yet, or where retention moved its floor beyond the ends meanwhile.
    """
    decisions.follow()
    fold = decisions.fold
    if not fold.masking().configured:
        raise GuardError("nothing was learned from this log yet, so nothing is held. Start it: headrace up")
    if dry_run:
        return None
    told = Order(*where, order, fold.position)
    n, holds = decisions.decide(
        Decision(
            "configure",
            operator.at,
            operator.who,
            f"guard: {order} {written(*where)}: {operator.why}",
            seen=fold.position,
            settings={FOLD: told.text},
            start={p: events.end(p) for p in range(events.partitions)},
        )
    )
    if not holds:
        raise GuardError(f"the order was written as decision {n}, but it is void: retention moved on. Try again.")
    return n
