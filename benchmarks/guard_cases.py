"""The cases of the guard's drill: a fault that ends, a change for good, a stream on which nothing happens.

A fault begins with a batch, ends inside one, and is judged by the true labels after it; a change by its last rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.ctr_stream import figures
from benchmarks.guard_runs import Run, forked, guarded, unguarded
from benchmarks.guard_streams import BATCH, Bools, Floats, Scene, spoilt
from learners.guard.words import Event
from learners.guarded_columns import GuardedColumns

Found = dict[str, Any]
SOON = 64
"""Batches after a change within which a hold is one of that change."""


@dataclass(frozen=True, slots=True)
class Begin:
    """A learner behind its guard as it stands before row `row` (the first of a batch)."""

    scene: Scene
    shell: GuardedColumns
    row: int


@dataclass(frozen=True, slots=True)
class Fault:
    """What is done to the labels of a group, over how many rows, and over how many after that it is weighed."""

    kind: str
    group: int
    rows: int
    after: int
    counted: bool = False


def fault(begin: Begin, told: Fault, seed: int, clean_N: Floats) -> Found:
    """`clean_N`: predictions of a learner that met no fault."""
    stop = begin.row + told.rows - BATCH // 2
    end = min(stop + told.after, len(begin.scene.label_N))
    scene = _cut(begin.scene, end)
    number_N = np.arange(end)
    bad_N = (number_N >= begin.row) & (number_N < stop) & (scene.group_NA == told.group).any(axis=1)
    label_N, rows, after = spoilt(scene, told.kind, bad_N, seed), slice(begin.row, end), slice(stop, end)
    open_N = unguarded(scene, label_N, begin.shell.live, rows)
    kept = guarded(scene, label_N, forked(begin.shell, scene), rows, counted=told.counted)
    rest_N = ~bad_N & (number_N >= begin.row)
    first, last = begin.row // BATCH, stop // BATCH
    holds, ends = _of(kept, {"hold"}), _of(kept, {"return", "accept"})
    return {
        "held_at": next((at - first + 1 for at, _ in holds if at <= last), None),
        "learned_share": float(kept.learned_N[bad_N].mean()),
        "ne_clean": _ne(scene.label_N, clean_N, after),
        "ne_open": _ne(scene.label_N, open_N, after),
        "ne_guard": _ne(scene.label_N, kept.p_N, after),
        "held_at_end": kept.held,
        "held_before": len(begin.shell.guard.held),
        "back_after": None if kept.held or not ends else ends[-1][0] - last,
        "right_group": all(event.group == told.group for at, event in holds if at <= last),
        "clean_lost": float((rest_N & ~kept.learned_N).sum() / max(rest_N.sum(), 1)),
        "holds": len(holds),
        "holds_after": sum(at > last for at, _ in holds),
        "accepts": len(_of(kept, {"accept"})),
    }


def change(begin: Begin, scene: Scene, last: int) -> Found:
    """The world is another from `row` on; weighed over the `last` rows."""
    rows, after = slice(begin.row, len(scene.label_N)), slice(len(scene.label_N) - last, len(scene.label_N))
    open_N = unguarded(scene, scene.label_N, begin.shell.live, rows)
    kept = guarded(scene, scene.label_N, forked(begin.shell, scene), rows)
    first = begin.row // BATCH
    holds = _of(kept, {"hold"})
    soon = [at for at, event in _of(kept, {"return", "accept"}) if event.first - first < SOON]
    never = int((~kept.learned_N[rows]).sum())
    return {
        "held_at": holds[0][0] - first + 1 if holds else None,
        "learned_share": float(kept.learned_N[rows].mean()),
        "ne_clean": None,
        "ne_open": _ne(scene.label_N, open_N, after),
        "ne_guard": _ne(scene.label_N, kept.p_N, after),
        "held_at_end": kept.held,
        "learned_by": max(soon) - first + 1 if soon else (1 if not holds or holds[0][0] - first >= SOON else None),
        "calibration": _calibration(scene.label_N, kept.p_N, after),
        "rows_lost": never,
        "kinds": " ".join(sorted({f"{event.kind}:{event.group}" for _, event in holds})),
        "holds": len(holds),
        "accepts": len(_of(kept, {"accept"})),
        "longest": _longest(kept.events),
        "guard_share": kept.guard_s / (kept.all_s - kept.guard_s),
    }


def quiet(parts: list[Run], scene: Scene, rows: int) -> Found:
    """A stream on which nothing happened, as it was passed in these parts, the first from its first row on."""
    events = [(at, event) for run in parts for at, event in run.events]
    holds = [(at, event) for at, event in events if event.verdict == "hold"]
    learned_N = np.any([run.learned_N[:rows] for run in parts], axis=0)
    spent, whole = sum(run.guard_s for run in parts), sum(run.all_s for run in parts)
    return {
        "held_at": holds[0][0] + 1 if holds else None,
        "learned_share": float(learned_N.mean()),
        "ne_clean": None,
        "ne_open": None,
        "ne_guard": _ne(scene.label_N, np.nanmean([run.p_N[:rows] for run in parts], axis=0), slice(0, rows)),
        "held_at_end": parts[-1].held,
        "rows_lost": sum(run.refused for run in parts) + parts[-1].waiting,
        "kinds": " ".join(sorted({f"{event.kind}:{event.group}" for _, event in holds})),
        "holds": len(holds),
        "accepts": sum(event.verdict == "accept" for _, event in events),
        "longest": _longest(events),
        "told": " ".join(f"{at}:{event.verdict}:{event.kind}:{event.group}" for at, event in events),
        "rows": rows,
        "guard_share": spent / (whole - spent),
    }


def rounded(case: Mapping[str, Any]) -> Found:
    return {key: round(value, 5) if isinstance(value, float) else value for key, value in case.items()}


def _longest(events: list[tuple[int, Event]]) -> int:
    """Batches of the longest hold that ended."""
    return max((event.seen for _, event in events if event.verdict in ("return", "accept")), default=0)


def _of(run: Run, verdicts: set[str]) -> list[tuple[int, Event]]:
    return [(at, event) for at, event in run.events if event.verdict in verdicts]


def _cut(scene: Scene, rows: int) -> Scene:
    return Scene(scene.key_NF[:rows], scene.label_N[:rows], scene.group_NA[:rows], scene.groups)


def _ne(label_N: Bools, p_N: Floats, rows: slice) -> float:
    return float(figures(p_N[rows], label_N[rows])["ne"])


def _calibration(label_N: Bools, p_N: Floats, rows: slice) -> float:
    return float(figures(p_N[rows], label_N[rows])["calibration"])
