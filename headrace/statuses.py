"""What several workers of one kind say, as if they were one process. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from headrace.telemetry import Status, kind_of


def merged(statuses: Mapping[str, Status]) -> dict[str, Status]:
    """The same with those that share one kind of work as one: of each partition what was said last, of the times the
    ones that promise least.

    >>> one = Status("join-0", 7, 10, 50, turns=3, partitions={"0": {"next": 5}})
    >>> two = Status("join-1", 8, 20, 40, turns=4, partitions={"0": {"next": 2}, "1": {"next": 9}})
    >>> both = merged({"join-0": one, "join-1": two})["join"]
    >>> both.turns, both.started_at, both.updated_at, both.partitions
    (7, 20, 40, {'0': {'next': 5}, '1': {'next': 9}})
    """
    found: dict[str, Status] = {}
    for status in sorted(statuses.values(), key=lambda status: status.updated_at):
        kind = kind_of(status.process)
        before = found.get(kind)
        found[kind] = status if before is None else _both(before, status, kind)
    return found


def _both(before: Status, status: Status, kind: str) -> Status:
    return Status(
        kind, status.pid, max(before.started_at, status.started_at), min(before.updated_at, status.updated_at),
        status.port, before.turns + status.turns, before.idle_turns + status.idle_turns,
        {name: before.totals.get(name, 0) + total for name, total in status.totals.items()},
        before.last | status.last, before.partitions | status.partitions,
    )  # fmt: skip
