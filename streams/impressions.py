"""How labels open: an impression, or a slate where nobody reports what was shown, becomes examples.

An item that is open already is a duplicate, whatever its event says; labels whose close has passed stay shut, and
so do those that the mask keeps shut.
"""

from __future__ import annotations

from collections.abc import Collection

from streams.dues import Dues
from streams.events import Impression, Shown, Slate
from streams.examples import Shot
from streams.given import encode
from streams.join_keys import OPEN, request_name, short_id, time_key
from streams.kept import Kept
from streams.label_rows import LabelRows
from streams.opened import Asked, Found, Record, Waiting
from streams.slates import shot_of, slated


class Impressions:
    """Opens examples, and gives them what waited for them."""

    def __init__(self, kept: Kept, labels: LabelRows, dues: Dues) -> None:
        self._kept, self._labels, self._dues = kept, labels, dues

    def open(self, event: Impression | Slate, offset: int, shut: Collection[str] = ()) -> None:
        """Open what can be opened of this event, which stands at `offset`, without the labels that are `shut`."""
        kept, head = self._kept, self._kept.head
        states = self._labels.undecided(event.ts, event.surface) if event.ts >= head.since else []
        if not states:
            head.count("late_impressions", len(event.items))
            return
        if shut and not any(states := self._labels.without(shut, states)):
            head.count("shut_impressions", len(event.items))
            return
        name = request_name(event.user_id, event.request_id)
        asked = kept.openings.asked(name)
        fresh = self._fresh(event, asked)
        head.count("duplicate_impressions", len(event.items) - len(fresh))
        if not fresh:
            return
        tail = short_id(event.user_id, event.request_id, event.event_id, fresh[0].item_id)
        key = OPEN + time_key(event.ts) + tail
        record = self._record(event, offset, fresh, states)
        waiting = kept.openings.open(key, name, record, asked)
        self._dues.opened(key)
        self._labels.started(event.ts, event.surface, states)
        self._labels.opened(key, record)
        if waiting:
            self._give(Found(key, name, record, 0), waiting)

    def _fresh(self, event: Impression | Slate, asked: Asked | None) -> tuple[Shown, ...]:
        """The items that are not open already."""
        if asked is None or not asked.keys:
            return event.items
        already = self._kept.openings.open_items(asked, since=self._kept.head.since)
        return tuple(shown for shown in event.items if shown.item_id not in already)

    def _record(self, event: Impression | Slate, offset: int, fresh: tuple[Shown, ...], states: list[int]) -> Record:
        shot, slated = self._shot(event)
        reference, user_id, request_id = self._kept.items.reference, event.user_id, event.request_id
        item_ids = [shown.item_id for shown in fresh]
        return Record(
            event.surface,
            offset,
            slated,
            encode(shot),
            item_ids,
            [shown.position for shown in fresh],
            b"".join([short_id(user_id, request_id, item_id) for item_id in item_ids]),
            [reference(item_id) for item_id in item_ids],
            [bytes((state,)) * len(fresh) for state in states],
        )

    def _give(self, found: Found, waiting: list[Waiting]) -> None:
        """What waited, by item in the order of the impression, then as it came."""
        for k, item_id in enumerate(found.record.item_ids):
            found.index = k
            for one in waiting:
                if one.item_id != item_id:
                    continue
                if one.ts < self._kept.head.since:
                    self._kept.head.count("orphans")
                else:
                    self._labels.interact(found, one)

    def _shot(self, event: Impression | Slate) -> tuple[Shot, bool]:
        """The circumstances, and whether the slate is in them."""
        slates = self._kept.slates
        users, histories = self._kept.users, self._kept.histories
        shot = shot_of(event, histories.before(event.user_id, event.ts), users.of(event.user_id))
        if isinstance(event, Slate):
            return shot, True
        served = slates.of(event.user_id, event.request_id, at=self._kept.head.watermark)
        if served is None:
            return shot, False
        slates.claim(event.user_id, event.request_id, served)
        return slated(shot, served), True
