"""How labels open: an impression, or a slate where nobody reports what was shown, becomes examples.

An item that is open already is a duplicate, whatever its event says; labels whose close has passed stay shut.
"""

from __future__ import annotations

from streams.dues import Dues
from streams.events import Impression, Slate
from streams.examples import Shot
from streams.join_keys import OPEN, owner_id, short_id, time_key
from streams.kept import Kept
from streams.label_rows import LabelRows
from streams.opened import Found, Item, Record, Waiting
from streams.slates import shot_of, slated


class Impressions:
    """Opens examples, and gives them what waited for them."""

    def __init__(self, kept: Kept, labels: LabelRows, dues: Dues) -> None:
        self._kept, self._labels, self._dues = kept, labels, dues

    def open(self, event: Impression | Slate, offset: int) -> None:
        """Open what can be opened of this event, which stands at `offset`."""
        kept, head = self._kept, self._kept.head
        states = self._labels.undecided(event.ts, event.surface) if event.ts >= head.since else []
        if not states:
            head.count("late_impressions", len(event.items))
            return
        fresh = self._fresh(event, states)
        head.count("duplicate_impressions", len(event.items) - len(fresh))
        if not fresh:
            return
        items = [item for item, _ in fresh]
        name = short_id(event.user_id, event.request_id, event.event_id, items[0].item_id)
        key = OPEN + time_key(event.ts) + name
        for item, waiting in fresh:
            if waiting:
                kept.openings.take_waiting(item.example)
        record = Record(event.surface, owner_id(event.user_id), offset, items)
        shot, complete = self._shot(event)
        kept.openings.open(key, record, shot, slated=complete)
        self._dues.opened(key)
        self._labels.started(event.ts, event.surface, states)
        for item, waiting in fresh:
            for one in waiting:
                if one.ts < head.since:
                    head.count("orphans")
                else:
                    self._labels.interact(Found(key, record, item), one)

    def _fresh(self, event: Impression | Slate, states: list[int]) -> list[tuple[Item, list[Waiting]]]:
        """The items that are not open already, each with what waits for it."""
        fresh = []
        user_id, request_id, since = event.user_id, event.request_id, self._kept.head.since
        look, reference = self._kept.openings.look, self._kept.items.reference
        for shown in event.items:
            item_id = shown.item_id
            example = short_id(user_id, request_id, item_id)
            waiting = look(example, since=since)
            if waiting is not None:
                fresh.append((Item(item_id, shown.position, example, reference(item_id), list(states)), waiting))
        return fresh

    def _shot(self, event: Impression | Slate) -> tuple[Shot, bool]:
        """The circumstances, and whether the slate is in them."""
        slates = self._kept.slates
        shot = shot_of(event, self._kept.histories.before(event.user_id, event.ts))
        if isinstance(event, Slate):
            return shot, True
        served = slates.of(event.user_id, event.request_id, at=self._kept.head.watermark)
        if served is None:
            return shot, False
        slates.claim(event.user_id, event.request_id, served)
        return slated(shot, served), True
