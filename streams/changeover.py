"""From rules to other rules over one state: what stands under the old ones is made what the new ones go on with.

A function of the state and both rules alone, done before the first frame that the new rules judge; the joiner is then
made anew. Labels are known by their names: what was decided stays decided, what is open closes when the new rules
say, a label that is new stays shut for what was shown already, and one that goes takes its first showings along, so
that it begins anew should it come back. Nothing older than the old rules remembered ever matters again. An impression
that opened stays open whatever `impressions` says, and slates that wait for one go on waiting. Nothing here decides a
label.
"""

from __future__ import annotations

from streams import join_head
from streams.join_head import Head
from streams.join_keys import OPEN, SLATE_AT, after_prefix, time_key, time_of
from streams.join_state import JoinState
from streams.opened import Openings, Record
from streams.rules import Rules
from streams.slates import Slates
from streams.verdicts import Standing

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
        before = [item.states for item in record.items]
        for item in record.items:
            item.states = _renamed(item.states, old, new)
        if before != [item.states for item in record.items]:
            openings.put(key, record)
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
    for marker in [key for key, _ in state.scan(*swept)] if swept[0] < swept[1] else []:
        head.count("unshown_slates", int(slates.expire(marker)))
        state.delete(marker)


def _renamed(states: list[int], old: Rules, new: Rules) -> list[int]:
    """The standings in the order of the new labels. Where a decision would be forgotten, one nameless standing at the
    end keeps it: an example is decided for the first time once."""
    by_name = dict(zip(_names(old), states, strict=False))
    renamed = [by_name.get(name, int(Standing.UNOPENED)) for name in _names(new)]
    if max(states) > Standing.HIT >= max(renamed):
        renamed.append(max(states))
    return renamed


def _overdue(key: bytes, record: Record, new: Rules, watermark: int) -> set[Due]:
    durations = [label.window_on(record.surface) + new.grace for label in new.labels]
    return {
        (time_of(key) + duration, key, duration)
        for item in record.items
        for duration, standing in zip(durations, item.states, strict=False)
        if standing in (Standing.UNDECIDED, Standing.HIT) and time_of(key) + duration <= watermark
    }


def _names(rules: Rules) -> list[str]:
    return [label.name for label in rules.labels]
