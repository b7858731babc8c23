"""From rules to other rules over one state: what stands under the old ones is made what the new ones go on with.

A function of the state and both rules alone, done before the first frame that the new rules judge; the joiner is then
made anew. Labels are known by their names: what was decided stays decided, what is open closes when the new rules
say, a label that is new stays shut for what was shown already, and one that goes takes its first showings along, so
that it begins anew should it come back. What was shown before its label became `delayed` is decided as if it were
`fast`, and a yes that came before it became graded is worth 1. Nothing older than the old rules remembered ever matters
again. An impression that opened stays open whatever `impressions` says, and slates that wait for one go on waiting.
Nothing here decides a label.
"""

from __future__ import annotations

from streams import join_head
from streams.join_head import Head
from streams.join_keys import OPEN, SLATE_AT, after_prefix, time_key, time_of
from streams.join_state import JoinState
from streams.opened import Openings, Record
from streams.rules import Rules
from streams.slates import Slates
from streams.verdicts import SETTLED, Standing, is_pending

Due = tuple[int, bytes, int]
"""A close, the key of its impression, and how long after that it lies."""


def change_over(state: JoinState, old: Rules, new: Rules) -> list[Due]:
    """Make a state of `old` one of `new`: 1 the head, 2 slates that hold no longer, 3 what is open.

    Gives what is overdue under the new rules, by (close, key, duration); it is closed at the watermark, in the next
    frame. The state must have no changes that are not committed, and no joiner may work on it.
    """
    head = join_head.load(state)
    _slates(state, head, old, new)
    _head(head, old, new)
    join_head.save(state, head)
    overdue: list[Due] = []
    openings = Openings(state)
    for key, _ in list(state.scan(OPEN, after_prefix(OPEN))):
        record = openings.record(key)
        if record is None:
            continue
        before = list(record.states)
        for i, label in enumerate(old.labels):
            if time_of(key) + label.window_on(record.surface) + old.grace <= head.watermark:
                record.closed(i, SETTLED)
        record.states = _renamed(record.states, old, new)
        if before != record.states:
            openings.change(key, record)
        overdue += _overdue(key, record, new, head.watermark)
    return sorted(overdue)


def _head(head: Head, old: Rules, new: Rules) -> None:
    head.since = max(head.since, head.watermark - new.lifespan + 1)
    if head.slates_until:
        head.slates_until += 2 * (new.lifespan - old.lifespan)
    kept = tuple(f"{name}/" for name in _names(old) if name in _names(new))
    head.first_shown = {name: at for name, at in head.first_shown.items() if name.startswith(kept)}


def _slates(state: JoinState, head: Head, old: Rules, new: Rules) -> None:
    """Let go of the slates that the sweep of the new rules would step over."""
    slates = Slates(state, head, lifespan=2 * old.lifespan)
    swept = [SLATE_AT + time_key(head.purged - rules.lifespan) for rules in (old, new)]
    for marker, told in list(state.scan(*swept)) if swept[0] < swept[1] else []:
        head.count("unshown_slates", int(slates.expire(marker, told)))
        state.delete(marker)


def _renamed(states: list[bytes], old: Rules, new: Rules) -> list[bytes]:
    """The standings in the order of the new labels. Where a decision would be forgotten, nameless standings at the end
    keep it: an example is decided for the first time once."""
    by_name, none = dict(zip(_names(old), states, strict=False)), bytes(len(states[0]))
    renamed = [by_name.get(name, none) for name in _names(new)]
    most = zip(map(max, *states, none), map(max, *renamed, none), strict=True)
    nameless = bytes(was if was > Standing.HIT >= now else 0 for was, now in most)
    return [*renamed, nameless] if any(nameless) else renamed


def _overdue(key: bytes, record: Record, new: Rules, watermark: int) -> set[Due]:
    labels = [(label, label.window_on(record.surface) + new.grace) for label in new.labels]
    due = [(i, label, duration) for i, (label, duration) in enumerate(labels) if time_of(key) + duration <= watermark]
    return {
        (time_of(key) + duration, key, duration)
        for i, label, duration in due
        for k, standing in enumerate(record.states[i])
        if is_pending(label, standing, (record.graded or {}).get(k, {}).get(label.name))
    }


def _names(rules: Rules) -> list[str]:
    return [label.name for label in rules.labels]
