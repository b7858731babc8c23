"""What the way back did or would do, and how far it has come, in words and as plain values. Shows nothing itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import msgspec

from headrace.quarantine_changes import Change
from headrace.quarantine_operations import Masked
from headrace.quarantine_words import numbers, words
from headrace.telemetry import Status
from headrace.way_back import RolledBack
from headrace.way_back_progress import Progress, expected
from streams.mask import Entry


def plain(done: RolledBack | Masked, statuses: Mapping[str, Status] = MappingProxyType({})) -> dict[str, Any]:
    """A report as JSON has it; `line` is null where nothing was written."""
    told = {field.name: getattr(done, field.name) for field in fields(done)}
    told |= {
        "line": None if done.line < 0 else done.line,
        "expected_ms": expected(done.span_ms, done.frames, statuses, done.joined).ms,
    }
    told["entries"] = [{"masks": words(entry), "entry": entry} for entry in done.entries]
    found: dict[str, Any] = msgspec.to_builtins(told, str_keys=True)
    return found


def told_back(back: RolledBack, statuses: Mapping[str, Status] = MappingProxyType({})) -> str:
    """A way back in a few lines.

    >>> print(told_back(RolledBack(7, 3, (4, 5), (), {0: 20}, {0: 10}, span_ms=600_000, frames=10)))
    Servers go to version 3 (decision 7).
    Tainted versions: 4-5.
    To be fed again: 10m of log, 10 frames; takes about 30 s, or less.
    Publishing goes on by itself once a version has learned up to where the log ended at the command.
    """
    tried = back.line < 0
    if tried:
        head = f"Nothing was written. Servers would go to version {back.version}."
    else:
        head = f"Servers go to version {back.version} (decision {back.line})."
    if back.until is None:
        paused = "would be paused, until" if tried else "is paused. Go on with"
        after = f"Publishing {paused}: headrace resume --why TEXT"
    else:
        goes = "would go" if tried else "goes"
        after = f"Publishing {goes} on by itself once a version has learned up to where the log ended at the command."
    return "\n".join([head, *_entries(back.entries), *told_cost(back, statuses), after])


def told_masked(masked: Masked, statuses: Mapping[str, Status] = MappingProxyType({})) -> str:
    """A change of the mask in a few lines.

    >>> print(told_masked(Masked(7, (), ("q1", "q1.ripple"), (), 5, None, 0, 0)))
    The mask is changed (decision 7).
    Lifted: q1, q1.ripple
    Nothing has to be fed again.
    """
    head = "Nothing was written." if masked.line < 0 else f"The mask is changed (decision {masked.line})."
    gone = [id for id in masked.removed if id not in {entry.id for entry in masked.entries}]
    lifted = [f"Lifted: {', '.join(gone)}"] if gone else []
    lines = [head, *lifted, *_entries(masked.entries), *told_cost(masked, statuses)]
    if masked.live in masked.tainted:
        lines.append(
            f"Version {masked.live} serves and is tainted, until a new one is published. "
            "At once: headrace rollback last-good --why TEXT"
        )
    return "\n".join(lines)


def told_progress(progress: Progress, version: int) -> str:
    """One look in one line.

    >>> print(told_progress(Progress(3, True, 2, 4, 0.25, 30, 4_000, ("serve", "join", "train"), False), 3))
    servers: version 3, there; joined again: 2 of 4 partitions; learned again: 25 %, 30 frames left, about 4 s
    """
    parts = []
    if progress.serving is not None or "serve" in progress.running:
        there = "there" if progress.on_target else f"on the way to {version}"
        parts.append(f"servers: version {progress.serving or 'none'}, {there}")
    if progress.joined is not None:
        parts.append(f"joined again: {progress.joined} of {progress.partitions} partitions")
    if progress.learned is not None:
        left = "" if progress.left_ms is None or not progress.left_frames else f", about {_seconds(progress.left_ms)}"
        frames = f", {progress.left_frames:,} frames left" if progress.left_frames else ""
        parts.append(f"learned again: {progress.learned:.0%}".replace("%", " %") + frames + left)
    return "; ".join(parts) or "no process says anything"


def _entries(entries: tuple[Entry, ...]) -> list[str]:
    return [f"Masked as {entry.id}: {words(entry)}" for entry in entries]


def told_cost(done: RolledBack | Masked | Change, statuses: Mapping[str, Status] = MappingProxyType({})) -> list[str]:
    """What falls, and how much is to be made anew; how long that takes, by what processes said."""
    tainted = [f"Tainted versions: {numbers(done.tainted)}."] if done.tainted else []
    if done.replay_from is None:
        return [*tainted, "Nothing has to be fed again."]
    takes = expected(done.span_ms, done.frames, statuses, done.joined)
    told = f"takes about {_seconds(takes.ms)}" + ("" if takes.measured else ", or less")
    return [*tainted, f"To be fed again: {_span(done.span_ms)} of log, {done.frames:,} frames; {told}."]


def _span(ms: int) -> str:
    """A stretch of log, as people say it.

    >>> _span(725_300), _span(8_400), _span(90_000_000)
    ('12m 5s', '8 s', '1 day, 1:00:00')
    """
    minutes, seconds = divmod(ms // 1000, 60)
    if not minutes:
        return f"{seconds} s"
    if minutes >= 60:
        return str(timedelta(minutes=minutes))
    return f"{minutes}m {seconds}s" if seconds else f"{minutes}m"


def _seconds(ms: int) -> str:
    return f"{max(round(ms / 1000), 1)} s" if ms < 120_000 else _span(ms)
