"""Everything that a server knows of one partition of `events`: its folds, with one position.

They stand together because they see the same events once: repeats and forgotten users are dropped here, before any of
them counts. Masks are for the caller (`folding.py`): what comes in is visible.
"""

from __future__ import annotations

from collections.abc import Iterable

from serving.catalogue import Catalogue
from serving.covisitation import Covisitation
from serving.feedback import Feedbacks
from serving.fold_rules import FoldRules
from serving.following import Following
from serving.popularity import Popularity
from serving.profiles import Profiles
from serving.remembered import Remembered
from streams.events import Arrival, Event, Impression, Interaction, Item, Slate, Tick, User
from streams.examples import Past
from streams.positions import Positions, partition_of
from streams.repeats import Repeats


class Part:
    """Profiles, popularity, co-visitation and catalogue of one partition, and what the rules ask for beside them.

    >>> part = Part(0, 1, FoldRules())
    >>> click = Interaction("e1", 1_000, "ana", "click", item_id="tea")
    >>> part.feed(0, 0, [click, click])
    >>> part.positions, [past.item_id for past in part.profiles.of("ana").history]
    ({0: 1}, ['tea'])
    """

    def __init__(self, partition: int, partitions: int, rules: FoldRules) -> None:
        self.partition = partition
        self.partitions = partitions
        self.rules = rules
        self.next = 0
        self.newest = 0
        """The largest time (ms) that moved the watermark."""
        self.passed, self.since = 0, 0
        """As of the last change of rules: the watermark, below which it never goes, and what was too old already."""
        self.decisions = 0
        """How many decisions were read when this was last known to be what their mask gives."""
        self.cut = False
        """Whether retention had taken events before this could read them."""
        self.forgotten: dict[str, int] = {}
        self.changed: list[Item] = []
        """Items that changed since someone last took them from here."""
        self.remembered = Remembered(least=10_000)
        self._repeats = Repeats(self.remembered, horizon=rules.horizon)
        self.profiles = Profiles(history=rules.history, history_of=rules.history_of, seen=rules.seen)
        self.popularity = Popularity(slow=rules.slow_half_life, fast=rules.fast_half_life)
        self.covisitation = Covisitation(
            half_life=rules.covisit_half_life,
            window=rules.covisit_window,
            clicks=rules.covisit_clicks,
            keep=rules.covisit_keep,
        )
        self.catalogue = Catalogue(partition=partition, partitions=partitions)
        self.feedback = Feedbacks(rules.feedback)
        self.following = Following(half_life=rules.covisit_half_life, window=rules.follow_window)

    @property
    def positions(self) -> Positions:
        """The next offset to read."""
        return {self.partition: self.next}

    @property
    def watermark(self) -> int:
        """The joiner's (ms): what is older by more than the horizon is too late."""
        return max(self.newest - self.rules.out_of_orderness, self.passed)

    @property
    def oldest(self) -> int:
        """What is older (ms) can't matter any more."""
        return max(self.watermark - self.rules.horizon, self.since)

    def is_home_of(self, event: Arrival) -> bool:
        """Whether what the event changes is kept here: an item comes through every partition."""
        return not isinstance(event, Item) or partition_of(event.item_id, self.partitions) == self.partition

    def judge_by(self, rules: FoldRules) -> None:
        """Other rules for what comes next (`part_changeover.py` brings the states along)."""
        self.passed, self.since = self.watermark, max(self.watermark - self.rules.horizon + 1, self.since)
        self.rules = rules
        self._repeats = Repeats(self.remembered, horizon=rules.horizon)

    def feed(self, partition: int, offset: int, events: Iterable[Event]) -> None:
        """Take the visible events of the frame at `offset`; one that was taken already changes nothing."""
        if partition != self.partition:
            raise ValueError(f"a frame of partition {partition} was fed to the fold of partition {self.partition}")
        if offset < self.next:
            return
        for event in events:
            self._take(event)
        self.next = offset + 1
        self.remembered.forget(since=self.oldest)

    def _take(self, event: Event) -> None:
        match event:
            case Tick():
                self.newest = max(self.newest, event.ts)
            case Item():
                if self.catalogue.put(event):
                    self.changed.append(self.catalogue.items[event.item_id])
            case User():
                if event.deleted:
                    self._forget(event)
                elif event.ts > self.forgotten.get(event.user_id, -1):
                    self.profiles.upsert(event)
            case _:
                self.newest = max(self.newest, event.ts)
                if self._tells(event) and self._fresh(event):
                    self._count(event)

    def _tells(self, event: Slate | Impression | Interaction) -> bool:
        """Whether the kind counts: what was done, and either what was served or what was shown of it, never both."""
        return isinstance(event, Interaction) or isinstance(event, Impression) == (self.rules.impressions == "shown")

    def _fresh(self, event: Slate | Impression | Interaction) -> bool:
        """Whether an event is not forgotten, too late or a repeat; judged as the joiner does."""
        if event.ts < self.since:
            return False
        name, since = event.event_id, event.ts
        if isinstance(event, Interaction):
            since = since if event.impression_ts is None else min(since, event.impression_ts)
        else:
            name = f"shown {name}"  # some producers give an impression and its click one id
        if since <= self.forgotten.get(event.user_id, -1):
            return False
        return self._repeats.standing(name, ts=event.ts, watermark=self.watermark) == "fresh"

    def _count(self, event: Slate | Impression | Interaction) -> None:
        if isinstance(event, Interaction):
            self._act(event)
            self.feedback.act(event)
        else:
            self.feedback.show(event)
            item_ids = [shown.item_id for shown in event.items]
            self.profiles.show(event.user_id, item_ids, event.ts)
            self.popularity.show(item_ids, event.ts)

    def _act(self, event: Interaction) -> None:
        if event.item_id is None:
            return
        wanted = event.type in self.rules.positives
        if wanted:
            history = self.profiles.of(event.user_id).history
            before = [past for past in history if past.type in self.rules.positives]
            self.covisitation.want(event.item_id, before, event.ts)
            self.popularity.want(event.item_id, event.ts)
            self.following.want(event.item_id, before, event.ts)
        self.profiles.act(event.user_id, Past(event.item_id, event.type, event.ts), wanted=wanted)

    def _forget(self, event: User) -> None:
        self.profiles.forget(event.user_id)
        self.feedback.forget(event.user_id)
        oldest = self.oldest
        self.forgotten = {user: ts for user, ts in self.forgotten.items() if ts >= oldest}
        self.forgotten[event.user_id] = max(event.ts, self.forgotten.get(event.user_id, 0))
