"""What a quarantine would take out, in words and as plain values. Pure; shows nothing itself."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec

from checkpoints.quarantine import RIPPLE, Order
from headrace.affected import Taken
from headrace.durations import written
from headrace.quarantine_preview import Preview
from headrace.quarantine_terms import terms_of
from headrace.quarantine_words import iso, numbers, words
from headrace.telemetry import Status
from headrace.way_back_progress import expected
from headrace.way_back_words import told_cost

NOTHING = "Nothing that came so far matches: check times and fields before you mask what may come."


def told_preview(found: Preview, command: str, statuses: Mapping[str, Status] = MappingProxyType({})) -> str:
    """All of it, with the command that does it."""
    entries = [f"It would be masked as {entry.id}: {words(entry)}" for entry in found.plain.add]
    target = "No version that passed stands without it." if found.target is None else _target(found)
    cost = told_cost(found.wide, statuses)[-1]
    empty = [] if found.counted.plain.events or found.counted.plain.shut else [NOTHING]
    return "\n".join([*entries, *_windows(found), told_counts(found), cost, target, *empty, f"Do it: {command}"])


def told_counts(found: Preview) -> str:
    """What is affected: by the order itself, by the versions that fall, and by the ripple."""
    counted, served = found.counted, sum(found.counted.served.values())
    lines = [
        *_taken(counted.plain, "It takes"),
        f"Looked at: {counted.events:,} events, {counted.rows:,} rows of labels.",
    ]
    if not found.tainted:
        return "\n".join([*lines, "No version falls by it."])
    lines.append(f"Versions {numbers(found.tainted)} fall by it; they showed {_many(served, 'impression')} since.")
    ripple = _taken(counted.ripple, "With --ripple it also takes what they caused:")
    return "\n".join([*lines, *ripple])


def command_of(found: Preview, orders: Sequence[Order]) -> str:
    """What does it: a way back where the version that serves falls and there is one to go to, else the mask alone."""
    # who leaves out one label wants to keep the others, and a ripple takes all of what the versions showed
    hides = any(not order.labels for order in orders)
    ripple = " --ripple" if hides and found.counted.ripple.events else ""
    if found.live in found.tainted and found.target is not None:
        terms = " ".join(f"--quarantine {shlex.quote(terms_of(order))}" for order in orders)
        return f"headrace rollback {found.target} --why TEXT {terms}{ripple}"
    adds = (f"headrace quarantine add --why TEXT {terms_of(order, mark='--')}{ripple}" for order in orders)
    return " && ".join(adds)


def plain_preview(found: Preview, statuses: Mapping[str, Status] = MappingProxyType({})) -> dict[str, Any]:
    """All of it as JSON has it; `entries` has the ripple as well."""
    entries = [{"masks": words(entry), "entry": entry} for entry in found.wide.add]
    told = {
        "entries": entries,
        "target": found.target,
        "live": found.live,
        "replay_from": found.wide.replay_from,
        "span_ms": found.wide.span_ms,
        "frames": found.wide.frames,
        "expected_ms": expected(found.wide.span_ms, found.wide.frames, statuses, found.wide.joined).ms,
    }
    plain: dict[str, Any] = msgspec.to_builtins(told, str_keys=True)
    return plain | plain_counts(found)


def plain_counts(found: Preview) -> dict[str, Any]:
    """The counts as JSON has them: of the order alone, and what the ripple takes besides."""
    counted = found.counted
    return {
        "plain": _plain(counted.plain),
        "ripple": _plain(counted.ripple) if any(e.id.partition(RIPPLE)[1] for e in found.wide.add) else None,
        "tainted": list(found.tainted),
        "served": {str(version): n for version, n in sorted(counted.served.items())},
        "looked_at": {"frames": found.frames, "events": counted.events, "rows": counted.rows},
    }


def _plain(taken: Taken) -> dict[str, Any]:
    return {
        "events": dict(sorted(taken.events.items())),
        "shut": dict(sorted(taken.shut.items())),
        "examples": taken.examples,
        "labels": {name: {"yes": taken.yes[name], "no": taken.no[name]} for name in sorted({*taken.yes, *taken.no})},
        "corrections": taken.corrections,
        "answers": len(taken.answers),
    }


def _taken(taken: Taken, head: str) -> list[str]:
    events, by_type = sum(taken.events.values()), _each(taken.events)
    lines = [f"{head} {_many(events, 'event')}" + (f": {by_type}." if by_type else ".")]
    if taken.shut:
        lines = [f"{head} no event, but labels of impressions: {_each(taken.shut)}."] if not events else lines
    labels = "; ".join(
        f"{name} {taken.yes[name]:,} yes, {taken.no[name]:,} no" for name in sorted({*taken.yes, *taken.no})
    )
    if labels:
        whole = f"{_many(taken.examples, 'example')} whole; " if taken.examples else ""
        lines.append(f"  Of what was joined: {whole}labels: {labels}.")
    if taken.answers:
        lines.append(f"  {_many(len(taken.answers), 'more example')} lose something that was done with them.")
    return lines


def _windows(found: Preview) -> list[str]:
    """Of labels: what was shown before, and could still be answered when the entry begins."""
    told = []
    for entry in found.plain.add:
        longest = max((found.windows.get(name, 0) for name in entry.labels or ()), default=0)
        if longest and entry.t0 is not None:
            since, names = iso(entry.t0 - longest), ", ".join(entry.labels or ())
            told.append(
                f"What was shown up to {written(longest)} before could still get {names} when this begins: "
                f"from={since} leaves that out too."
            )
    return told


def _target(found: Preview) -> str:
    serves = "; it serves now" if found.target == found.live else ""
    return f"Newest version that stands without it: {found.target}{serves}."


def _each(counts: Mapping[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{name} {times:,}" for name, times in ordered)


def _many(count: int, what: str) -> str:
    """
    >>> _many(1, "event"), _many(1_200, "event")
    ('1 event', '1,200 events')
    """
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"
