"""What a label must be told as, by all that came for it at once: no state, no order of work.

`Hit`s are the interactions that are a yes in the window of one label of one opening, in order of arrival.
"""

from __future__ import annotations

from dataclasses import dataclass

from streams.rules import Label

Told = list[tuple[str, float, float | None]]
"""(kind, value, weight); None where a weight depends on the first window."""


@dataclass(frozen=True)
class Hit:
    """`at` is the watermark when it met its impression."""

    at: int
    ts: int
    value: float


def told_of(label: Label, hits: list[Hit], *, close: int, closed: bool) -> Told:
    """Every row of one label of one opening that was not too late; `closed` says that time came to its close."""
    early = [hit for hit in hits if hit.at < close]
    late = [hit for hit in hits if close <= hit.at < close + label.horizon]
    if label.mode == "delayed":
        return [("label", 0.0, 1.0), *_after_no(label, early, late, closed)]
    if label.mode == "fast" and early:
        first = [("label", early[0].value, None)]
        if closed and label.graded and _newest(early).value != early[0].value:
            return [*first, ("correction", _newest(early).value, 0.0)]
        return [*first, *_after_yes(label, early, late)]
    if not closed:
        return []
    if early:
        return [("label", _newest(early).value, 1.0), *_after_yes(label, early, late)]
    return [("label", 0.0, 1.0), *[("correction", hit.value, 1.0) for hit in late[:1]]]


def _after_no(label: Label, early: list[Hit], late: list[Hit], closed: bool) -> Told:
    """After a no that was told at the opening."""
    if not label.graded:
        return [("correction", 1.0, 1.0)] if early or late else []
    if early:
        return [("correction", _newest(early).value, 1.0)] if closed else []
    return [("correction", hit.value, 1.0) for hit in late[:1]]


def _after_yes(label: Label, early: list[Hit], late: list[Hit]) -> Told:
    """After a yes that was right at the close: the first that is newer and says something else."""
    if not label.graded:
        return []
    known, told = _newest(early), _newest(early).value
    for hit in late:
        if (hit.ts, hit.value) > (known.ts, known.value):
            if hit.value != told:
                return [("correction", hit.value, 0.0)]
            known = hit
    return []


def _newest(hits: list[Hit]) -> Hit:
    return max(hits, key=lambda hit: (hit.ts, hit.value))
