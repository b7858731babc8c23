"""How one interaction stands to one label of one open impression, and what a label's close tells.

By event time and watermark alone. Nothing here writes a row.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Literal

from streams.graded import Graded, is_newer
from streams.opened import Item
from streams.rules import Label


class Standing(IntEnum):
    """Of one label of one example, decided above HIT. `HIT` is a yes that waits for its close; `EARLY_NO` a no that
    was told at once, which the close leaves as it is; nothing follows on `CORRECTED`."""

    UNOPENED = 0
    UNDECIDED = 1
    HIT = 2
    POSITIVE = 3
    NEGATIVE = 4
    EARLY_NO = 5
    CORRECTED = 6


Verdict = Literal["below_value", "out_of_window", "positive", "newer", "extra", "correction", "late"]


_UNDECIDED, _HIT, _POSITIVE = int(Standing.UNDECIDED), int(Standing.HIT), int(Standing.POSITIVE)
_NEGATIVE, _EARLY_NO, _CORRECTED = int(Standing.NEGATIVE), int(Standing.EARLY_NO), int(Standing.CORRECTED)


SETTLED = bytes({_UNDECIDED: _NEGATIVE, _HIT: _POSITIVE}.get(n, n) for n in range(256))
"""For each standing the one behind its close."""


def judge(
    label: Label, standing: int, *, delay: int, value: float | None, to_close: int, window: int, newer: bool = False
) -> Verdict:
    """`delay` is the interaction's ts behind its impression's, `to_close` how far the watermark is before the close.

    `newer` says of a graded label that this value would take the place of the one that came before; it is noted, and
    if it comes in time the close tells of it: there is one correction, so it should be the last word.

    >>> click = Label("click", event="click", window=100, horizon=50)
    >>> [judge(click, s, delay=20, value=None, to_close=t, window=100) for s, t in ((1, 9), (4, -9), (4, -50), (3, 9))]
    ['positive', 'correction', 'late', 'extra']
    >>> judge(click, 1, delay=101, value=None, to_close=9, window=100)
    'out_of_window'
    >>> [judge(click, Standing.EARLY_NO, delay=20, value=None, to_close=t, window=100) for t in (9, -9, -50)]
    ['correction', 'correction', 'late']
    """
    if not label.reached(value):
        return "below_value"
    if delay > window:
        return "out_of_window"
    newer = newer and label.graded
    if standing == _UNDECIDED:
        return "positive" if to_close > 0 else "late"
    if standing == _HIT:
        return "newer" if newer else "extra"
    if standing == _CORRECTED or (standing == _POSITIVE and not newer):
        return "extra"
    if to_close > 0 and standing in (_POSITIVE, _EARLY_NO):
        return "correction" if not label.graded else "newer" if newer else "extra"
    # a plain no is told before its close only where a change of rules made the window longer
    told = standing != Standing.UNOPENED
    return "correction" if told and label.horizon and -to_close < label.horizon else "late"


def is_pending(label: Label, standing: int, known: Graded | None) -> bool:
    """Whether the close of a label has still something to tell; `known` is what came for it, where it is graded.

    >>> click = Label("click", event="click", window=100)
    >>> [is_pending(click, standing, None) for standing in Standing]
    [False, True, True, False, False, False, False]
    """
    if standing in (_UNDECIDED, _HIT) or known is None:
        return standing in (_UNDECIDED, _HIT)
    if standing == _POSITIVE:
        return label.graded and known.told not in (None, known.value)
    return standing == _EARLY_NO


def takes_over(standing: int, known: Graded | None, ts: int, value: float) -> bool:
    """Whether a value takes the place of what came for a graded label; not where nobody knows what was told."""
    return is_newer(known, ts, value) and (known is not None or standing != _POSITIVE)


def settle(item: Item, closing: list[tuple[int, Label]]) -> tuple[dict[str, float], int, dict[float, dict[str, float]]]:
    """What the close of these labels tells: the values of the undecided ones, how many of them are a yes, and by
    weight the corrections of graded ones. They are decided now."""
    labels: dict[str, float] = {}
    fixed: dict[float, dict[str, float]] = {}
    hits = 0
    for i, label in closing:
        standing = item.states[i]
        if standing == _UNDECIDED:
            item.states[i], labels[label.name] = _NEGATIVE, 0.0
            continue
        known = item.graded.get(label.name) if item.graded else None
        if standing == _HIT:
            item.states[i], labels[label.name] = _POSITIVE, _told(label, known)
            hits += 1
        elif known is not None and is_pending(label, standing, known):
            item.states[i] = _CORRECTED
            fixed.setdefault(weight_of(standing), {})[label.name] = _told(label, known)
    return labels, hits, fixed


def weight_of(standing: int) -> float:
    """Of a correction of what stood there: a newer value instead of a yes is no news to who learns yes and no."""
    return 0.0 if standing == _POSITIVE else 1.0


def _told(label: Label, known: Graded | None) -> float:
    if known is None or not label.graded:  # its rule was another one when the yes came
        return 1.0
    known.told = known.value
    return known.value
