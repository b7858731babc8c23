"""How one interaction stands to one label of one open impression. Pure, by event time and watermark alone."""

from __future__ import annotations

from enum import IntEnum
from typing import Literal

from streams.rules import Label


class Standing(IntEnum):
    """Of one label of one example, decided above HIT. `HIT` is a yes that waits for its close."""

    UNOPENED = 0
    UNDECIDED = 1
    HIT = 2
    POSITIVE = 3
    NEGATIVE = 4


Verdict = Literal["below_value", "out_of_window", "positive", "extra", "correction", "late"]


def judge(label: Label, standing: int, *, delay: int, value: float | None, to_close: int, window: int) -> Verdict:
    """`delay` is the interaction's ts behind its impression's, `to_close` how far the watermark is before the close.

    >>> click = Label("click", event="click", window=100, horizon=50)
    >>> [judge(click, s, delay=20, value=None, to_close=t, window=100) for s, t in ((1, 9), (4, -9), (4, -50), (3, 9))]
    ['positive', 'correction', 'late', 'extra']
    >>> judge(click, 1, delay=101, value=None, to_close=9, window=100)
    'out_of_window'
    """
    if not label.reached(value):
        return "below_value"
    if delay > window:
        return "out_of_window"
    if standing in (Standing.HIT, Standing.POSITIVE):
        return "extra"
    if standing == Standing.NEGATIVE:  # before its close only where a change of rules made the window longer
        return "correction" if label.horizon and -to_close < label.horizon else "late"
    return "positive" if standing == Standing.UNDECIDED and to_close > 0 else "late"
