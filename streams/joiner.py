"""The joiner: what was shown, joined with what was done, as a pure fold of one partition.

Each event is judged by itself: first it moves the watermark, then everything due is closed, then it is handled. So
rows do not depend on where frames or batches end. Clocks, logs and disks belong to its host; of masked events it hears
only to count them. `head.counts` counts by cause: repeats, late_interactions, late_impressions, shut_impressions,
duplicate_impressions, unused_impressions, forgotten, waited, orphans, below_value, out_of_window, extra, newer, late,
corrections, positives, negatives, organic, late_slates, repeated_slates, unshown_slates, stale_items, items,
stale_users, users, forgets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from streams import join_head
from streams.changeover import Due
from streams.dues import Dues
from streams.events import Announcement, Arrival, Event, Impression, Interaction, Item, Slate, User
from streams.examples import Past, Row, RowKind, Shot
from streams.given import Given
from streams.impressions import Impressions
from streams.join_keys import example_id, request_name
from streams.join_state import JoinState
from streams.kept import Kept
from streams.label_rows import LabelRows
from streams.mask import Shut
from streams.opened import Waiting
from streams.positions import partition_of
from streams.rules import Rules

QUIET_MS = 1000
"""A frame without rows is written when the watermark rose by this much."""

_TIMELESS = frozenset((Item, User))


class Joiner:
    """Fold of one partition over `state`; call `save` before each commit of the state. `overdue` is what a change of
    rules left to be closed (`changeover.py`).

    >>> from streams.events import Shown, Tick
    >>> from streams.join_state import MemoryStore
    >>> from streams.rules import Label
    >>> rules = Rules((Label("click", event="click", window=5_000),), grace=500, out_of_orderness=1_000)
    >>> joiner = Joiner(rules, JoinState(MemoryStore()), partition=0, partitions=1)
    >>> shown = Impression("i1", 10_000, "ana", "r1", (Shown("tea", 0), Shown("jam", 1)))
    >>> click = Interaction("c1", 12_000, "ana", "click", item_id="jam", request_id="r1")
    >>> [(row.item_id, row.labels) for row in joiner.feed(0, [shown, click, Tick(16_500)]).rows]
    [('tea', {'click': 0.0}), ('jam', {'click': 1.0})]
    """

    def __init__(
        self, rules: Rules, state: JoinState, *, partition: int, partitions: int, overdue: Iterable[Due] = ()
    ) -> None:
        self._rules, self._lifespan = rules, rules.lifespan
        self._partition, self._partitions = partition, partitions
        self._kept = Kept(rules, state)
        self.head = self._kept.head
        self._labels = LabelRows(self._kept)
        self._dues = Dues(state, rules.durations, watermark=self.head.watermark)
        self._impressions = Impressions(self._kept, self._labels, self._dues)
        self._gathering = self._labels.begin()
        self._offset, self._overdue = -1, list(overdue)
        self._shut: Shut = {}
        self._handlers: dict[type, Callable[[Any], None]] = {
            Slate: self._slate,
            Impression: self._impression,
            Interaction: self._interaction,
            Item: self._item,
            User: self._user,
        }

    def feed(
        self, offset: int, events: Iterable[Event], aside: Iterable[Arrival] = (), shut: Shut | None = None
    ) -> Given | None:
        """Take the visible events of the frame at `offset`; None where there is nothing to say. What stands `aside`,
        announcements and masked events, is counted and no more; what is `shut` does not open."""
        self._offset, self._shut = offset, shut or {}
        self._gathering = self._labels.begin()
        while self._overdue:
            _, key, duration = self._overdue.pop(0)
            self._labels.close(self.head.watermark, key, duration)
        for event in events:
            self._pass_time(event)
            handler = self._handlers.get(type(event))
            if handler is not None:
                handler(event)
        for arrival in aside:
            self._count(arrival)
        head, gathered = self.head, self._gathering
        if not gathered.rows and head.watermark - head.said < QUIET_MS:
            return None
        prev, head.last, head.said = head.last, offset, head.watermark
        counted = self._kept.counters.take()
        told = tuple(gathered.rows), tuple(gathered.shots), tuple(gathered.attributes)
        return Given(prev, head.watermark, *told, counted)

    def save(self) -> None:
        """Put the head into the state: everything else is there already."""
        join_head.save(self._kept.state, self.head)

    def _pass_time(self, event: Event) -> None:
        """Items and users have their own times and move nothing."""
        head = self.head
        if type(event) in _TIMELESS:
            return
        watermark = event.ts - self._rules.out_of_orderness
        if watermark > head.watermark:
            if head.counting < 0:
                head.counting = event.ts
            head.watermark = watermark
            head.since = max(head.since, watermark - self._lifespan + 1)
            if watermark >= self._dues.next_at:
                for close, key, duration in self._dues.take(watermark):
                    self._labels.close(close, key, duration)
            if head.since - head.purged >= self._kept.sweep_every:
                self._kept.sweep()

    def _slate(self, slate: Slate) -> None:
        if self._kept.forgotten.covers(slate.user_id, slate.ts):
            self.head.count("forgotten")
        elif self._rules.impressions == "served":
            self._impressions.open(slate, self._offset, self._shut.get(id(slate), ()))
        elif slate.ts < self.head.since:
            self.head.count("late_slates")
        elif not self._kept.slates.keep(slate, at=self.head.watermark):
            self.head.count("repeated_slates")

    def _impression(self, impression: Impression) -> None:
        if self._kept.forgotten.covers(impression.user_id, impression.ts):
            self.head.count("forgotten")
        elif self._rules.impressions == "served":
            self.head.count("unused_impressions")
        else:
            self._impressions.open(impression, self._offset, self._shut.get(id(impression), ()))

    def _interaction(self, done: Interaction) -> None:
        forgotten = self._kept.forgotten
        shown_at = done.ts if done.impression_ts is None else done.impression_ts
        if forgotten.covers(done.user_id, min(done.ts, shown_at)):
            self._count(done)
            self.head.count("forgotten")
            return
        since, repeats = self.head.since, self._kept.repeats
        known = done.ts >= since  # below, nobody can tell any more
        standing = repeats.standing(done.event_id, ts=done.ts, watermark=self.head.watermark) if known else "too_late"
        if standing != "repeat":
            self._count(done)
        if standing != "fresh":
            self.head.count("repeats" if standing == "repeat" else "late_interactions")
            return
        if done.request_id is None:
            self._organic(done)
        elif done.item_id is not None and done.type in self._labels.by_event:
            self._join(done, done.request_id, done.item_id)
        if done.item_id is not None:
            self._kept.histories.add(done.user_id, Past(done.item_id, done.type, done.ts))

    def _join(self, done: Interaction, request_id: str, item_id: str) -> None:
        name = request_name(done.user_id, request_id)
        found = self._kept.openings.find(name, item_id, since=self.head.since)
        waiting = Waiting(done.ts, done.type, done.value, item_id)
        if found is not None:
            self._labels.interact(found, waiting)
        else:
            self.head.count("waited")
            self._kept.openings.wait(name, waiting)

    def _organic(self, done: Interaction) -> None:
        """Done without an impression: a yes that has no noes beside it."""
        shut, asking = self._shut.get(id(done), ()), self._labels.by_event.get(done.type, ())
        labels = {
            one.name: one.worth(done.value) for _, one in asking if one.reached(done.value) and one.name not in shut
        }
        if done.item_id is None or not labels:
            return
        shot = Shot(
            done.user_id,
            done.ts,
            surface=done.surface,
            context=self._kept.users.of(done.user_id) | done.context,
            history=self._kept.histories.before(done.user_id, done.ts),
            model_version=done.model_version,
            query_text=done.query_text,
            producer=done.producer,
            app_version=done.app_version,
        )
        example = example_id(done.user_id, "", done.event_id)
        attributes = self._kept.items.reference(done.item_id)
        at = self._gathering.shot(bytes.fromhex(example), shot)
        self.head.count("organic")
        self._row("organic", example, labels=labels, item_id=done.item_id, shot=at, attributes=attributes)

    def _item(self, item: Item) -> None:
        reference = self._kept.items.upsert(item, now=self.head.watermark + self._rules.out_of_orderness)
        if reference is None:
            self.head.count("stale_items")
        elif partition_of(item.item_id, self._partitions) == self._partition:
            self.head.count("items")
            self._row("item", item.item_id, item_id=item.item_id, attributes=reference)

    def _user(self, user: User) -> None:
        if user.deleted:
            self._kept.forget(user.user_id, user.ts)
            self.head.count("forgets")
            self._row("forget", user.user_id)
        elif self._kept.forgotten.covers(user.user_id, user.ts):
            self.head.count("forgotten")
        else:
            self.head.count("users" if self._kept.users.upsert(user) else "stale_users")

    def _count(self, arrival: Arrival) -> None:
        """What is announced, or an interaction that came: what is masked did come, too."""
        if isinstance(arrival, Announcement):
            self._kept.counters.announced(arrival)
        elif isinstance(arrival, Interaction):
            self._kept.counters.came(arrival.producer, arrival.type)

    def _row(
        self,
        kind: RowKind,
        example: str,
        *,
        labels: dict[str, float] | None = None,
        item_id: str = "",
        shot: int = -1,
        attributes: bytes = b"",
    ) -> None:
        """A row that this event gives by itself."""
        head, index = self.head, self._labels.attributes_index(attributes)
        self._gathering.add(
            Row(
                head.sequence,
                head.watermark,
                kind,
                example,
                labels or {},
                item_id=item_id,
                shot=shot,
                attributes=index,
                input=self._offset,
            )
        )
        head.sequence += 1
