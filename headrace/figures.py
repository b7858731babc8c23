"""The numbers in status files, one by one, for whoever shows them: Prometheus, first of all. Reads no file."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from headrace.telemetry import COUNTS, Status, kind_of

Figure = tuple[str, dict[str, str], float, bool]
"""Name, labels, value, and whether it is a count."""


def figures(statuses: Mapping[str, Status]) -> Iterator[Figure]:
    """Each number that the processes reported.

    >>> last = {"0": {"lag": 7, "counts": {"late": 1}}}
    >>> status = Status("join", 1, 0, 9_000, totals={"rows": 2}, last={"rows": 1}, partitions=last)
    >>> for figure in figures({"join": status}):
    ...     print(figure)
    ('updated_at_seconds', {'process': 'join'}, 9.0, False)
    ('join_rows', {}, 2, True)
    ('join_lag', {'partition': '0'}, 7, False)
    ('join_counts', {'partition': '0', 'of': 'late'}, 1, False)
    >>> train = Status("train", 1, 0, 9_000, last={"challenger": {"live": {"auc": 0.7}}})
    >>> list(figures({"train": train}))[1]
    ('train_challenger', {'name': 'live', 'of': 'auc'}, 0.7, False)
    """
    for process, status in statuses.items():
        kind = kind_of(process)
        own = {} if process == kind else {"worker": process}
        yield "updated_at_seconds", {"process": process}, status.updated_at / 1000, False
        for name, total in status.totals.items():
            yield f"{kind}_{name}", own, total, True
        yield from _gauges(kind, status.last, own)
        for partition, last in status.partitions.items():
            yield from _gauges(kind, last, own | {"partition": partition})


def _gauges(process: str, last: dict[str, Any], labels: dict[str, str]) -> Iterator[Figure]:
    for name, value in last.items():
        if name in COUNTS.get(process, ()) or name == "partition":
            continue
        if isinstance(value, dict) and value and all(isinstance(of, dict) for of in value.values()):
            for who, of in value.items():
                yield from _gauges(process, {name: of}, labels | {"name": who})
            continue
        for key, number in value.items() if isinstance(value, dict) else ((None, value),):
            if _is_number(number):
                yield f"{process}_{name}", labels if key is None else labels | {"of": key}, number, False


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
