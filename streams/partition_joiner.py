"""The host of one partition's joiner: the order of effects, between a log and a disk.

Batch: 1 decode and mask, 2 feed, 3 ONE write of state, next position, decisions position and outbox, 4 send the
outbox, 5 clear it, 6 perhaps a snapshot, only with an empty outbox. A batch ends where other settings begin; the next
one changes the state over before it feeds, and its write holds both. Rewind, between two batches: 1 is the state still
valid? then stay, 2 choose the newest valid snapshot, 3 ONE switch to it, 4 feed again, 5 what readers have in force
already is not sent again. A crash between any two repeats frames and loses none; repeats have the same bytes, and
readers drop them. Other partitions, trainers and servers are never waited for. No rule of the join is here.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import Literal

from streams.changeover import Due, change_over
from streams.errors import LogError, LogMismatch, PositionsBeyondLog
from streams.events import Arrival, Event
from streams.frames import EventFrame, decode_frame
from streams.in_force import InForce
from streams.join_disk import DamagedSnapshot, JoinDisk, Snapshot, spare
from streams.join_keys import OUTBOX, after_prefix
from streams.join_standing import Standing, changes_of, floor_of, standing_of
from streams.join_state import JoinState, JoinStore
from streams.join_turn import Joined, Pace, Tally, Topics
from streams.joiner import Joiner
from streams.log import Record
from streams.rules import Rules
from streams.rules_in_force import RulesInForce

Effect = Literal["switched", "fed", "written", "sent", "cleared", "saved"]


class PartitionJoiner:
    """One partition; `turn` yields after each effect, and when it ends `report` is of that turn.

    `rules` are those of a log whose decisions hold none.
    """

    def __init__(self, partition: int, topics: Topics, *, rules: Rules, disk: JoinDisk, pace: Pace) -> None:
        self.partition = partition
        self.topics = topics
        self._disk, self._pace = disk, pace
        self._in_force = RulesInForce("join", partition, topics.decisions.fold, given=rules, read=Rules.of)
        self._lineages = InForce(partition, topics.decisions.fold)
        self._standing: Standing | None = None
        self._outbox: list[tuple[bytes, bytes]] = []
        self._saved_at, self._saved_next = pace.clock(), -1
        self._tally = Tally()
        self.report = Joined(partition)

    def turn(self) -> Iterator[Effect]:
        """Adopt decisions, send what a crash left behind, do one batch."""
        self.topics.decisions.follow()
        self._tally = Tally()
        yield from self._adopt()
        yield from self._send()
        yield from self._batch()
        self.report = self._told()

    def _adopt(self) -> Iterator[Effect]:
        decisions = self.topics.decisions.fold
        store = None if self._standing else self._disk.current()
        standing = self._standing if store is None else standing_of(store)
        if standing is None or not decisions.valid(standing.decisions, {self.partition: standing.next}):
            yield from self._rewind()
            return
        if store is not None:
            if (yield from self._go_to(self._bases(standing.next + 1))):
                return  # another worker had the partition, and came further
            self._agree(standing)
            self._work_on(store, standing)
        if standing.decisions != decisions.position:
            self._agree(standing)
            if decisions.masking(standing.decisions) is not decisions.masking():
                standing.floor = floor_of(self.topics.examples, self._lineages)
            standing.decisions = decisions.position

    def _agree(self, standing: Standing) -> None:
        """The state must stand under the rules that hold there."""
        config = self._config_behind(standing.next)
        if standing.config != config:
            raise LogMismatch(
                f"the join state of partition {self.partition} was made with rules {standing.config}, but those that "
                f"hold at {standing.next:,} are {config}. A label, a window or a time was changed. "
                "Set it back, or see `headrace configure apply`."
            )

    def _config_behind(self, next: int) -> str:
        return self._in_force.behind(next).digest()

    def _rewind(self) -> Iterator[Effect]:
        begin = self.topics.events.begin(self.partition)
        if not (yield from self._go_to(self._bases(begin))):
            raise LogError(
                f"events[{self.partition}] begins at {begin:,}, and no snapshot of its joiner from there on is valid. "
                "They were lost, or a mask reaches below them. Lift that mask: `headrace quarantine list` shows it."
            )

    def _go_to(self, bases: Sequence[Snapshot | None]) -> Generator[Effect, None, bool]:
        """Let the first of these that can be restored take the place of what stands; False where there is none."""
        if not bases:
            return False
        floor, position = floor_of(self.topics.examples, self._lineages), self.topics.decisions.fold.position
        for base in bases:
            next = base.next if base else 0
            standing = Standing(next, position, self._config_behind(next), floor)
            try:
                store = self._disk.switch(base, changes_of(standing))
            except DamagedSnapshot:
                continue  # the next older one takes its place
            self._work_on(store, standing)
            self._tally.rewound = True
            yield "switched"
            return True
        return False

    def _bases(self, begin: int) -> list[Snapshot | None]:
        """What may be gone back to, best first; None is the begin of the log, where that is still there."""
        valid = self.topics.decisions.fold.valid
        good = [
            one
            for one in self._disk.snapshots()
            if one.next >= begin
            and valid(one.decisions, {self.partition: one.next})
            and one.config == self._config_behind(one.next)
        ]
        nothing: list[Snapshot | None] = [None] if begin == 0 else []
        return [*sorted(good, reverse=True), *nothing]

    def _work_on(self, store: JoinStore, standing: Standing) -> None:
        self._standing = standing
        self._state = JoinState(store)
        self._rules = self._in_force.behind(standing.next)
        self._joiner = self._made(())
        self._outbox = list(store.scan(OUTBOX, after_prefix(OUTBOX)))

    def _made(self, overdue: Iterable[Due]) -> Joiner:
        partitions = self.topics.events.partitions
        return Joiner(self._rules, self._state, partition=self.partition, partitions=partitions, overdue=overdue)

    def _change_over(self, rules: Rules, standing: Standing) -> None:
        """Go on with other rules, in memory: the write of the batch that follows makes it last."""
        if rules == self._rules:
            return
        self._state = JoinState(self._state.store)
        overdue = change_over(self._state, self._rules, rules)
        self._rules, standing.config = rules, rules.digest()
        self._joiner = self._made(overdue)

    def _batch(self) -> Iterator[Effect]:
        standing = self._stands()
        records = self.topics.events.read(self.partition, standing.next, self._pace.frames)
        if not records:
            return
        if records[0].offset > standing.next:
            yield from self._rewind()  # retention took what lies between, since a newer snapshot is valid
            return
        self._change_over(self._in_force.at(records[0].offset), standing)
        until = self._in_force.until(records[0].offset)
        records = [record for record in records if until is None or record.offset < until]
        for record in records:
            self._feed(record, standing)
        yield "fed"
        standing.next = records[-1].offset + 1
        self._joiner.save()
        self._write()
        yield "written"
        yield from self._send()
        yield from self._snapshot(standing)

    def _feed(self, record: Record, standing: Standing) -> None:
        frame = decode_frame(record.value)
        events = frame.events
        mask, at = self.topics.decisions.fold.masking(), record.offset
        visible = mask.visible(self.partition, at, events)
        given = self._joiner.feed(at, visible, _aside(frame, visible), mask.shut(self.partition, at, visible))
        tally = self._tally
        tally.frames, tally.events = tally.frames + 1, tally.events + len(events)
        tally.masked += len(events) - len(visible)
        if given is None:
            return
        tally.rows += len(given.rows)
        if record.offset > standing.floor:
            told = given.encoded(self._lineages.lineage(record.offset), record.offset, standing.config)
            self._outbox.append((OUTBOX + record.offset.to_bytes(8, "big"), told))
            self._state.put(*self._outbox[-1])

    def _send(self) -> Iterator[Effect]:
        if self._outbox:
            self.topics.examples.append(self.partition, [told for _, told in self._outbox], self._pace.clock())
            yield "sent"
            for key, _ in self._outbox:
                self._state.delete(key)
            self._write()
            self._outbox = []
            yield "cleared"

    def _snapshot(self, standing: Standing) -> Iterator[Effect]:
        now = self._pace.clock()
        if now - self._saved_at < self._pace.snapshot_ms or standing.next == self._saved_next:
            return
        self._disk.snapshot(Snapshot(standing.next, standing.decisions, standing.config))
        self._saved_at, self._saved_next, self._tally.saved = now, standing.next, True
        decisions = self.topics.decisions.fold
        for old in spare(self._disk.snapshots(), self.partition, decisions, keep=self._pace.keep):
            self._disk.remove(old)
        yield "saved"

    def _write(self) -> None:
        for key, value in changes_of(self._stands()):
            if value is not None:
                self._state.put(key, value)
        self._state.commit()

    def _stands(self) -> Standing:
        if self._standing is None:
            raise RuntimeError("a partition works before it stands anywhere: `turn` adopts first")
        return self._standing

    def _told(self) -> Joined:
        tally, standing, end = self._tally, self._stands(), self.topics.events.end(self.partition)
        if end < standing.next:
            raise PositionsBeyondLog(
                f"the join state of partition {self.partition} goes on at events {standing.next:,}, but the log ends "
                f"at {end:,}. The topic was probably made anew. Remove the state's folder to start from its begin."
            )
        return Joined(
            self.partition,
            tally.frames == 0,
            tally.frames,
            tally.events,
            tally.masked,
            tally.rows,
            standing.next,
            end - standing.next,
            self._joiner.head.watermark,
            tally.rewound,
            tally.saved,
            dict(self._joiner.head.counts),
        )


def _aside(frame: EventFrame, visible: Sequence[Event]) -> list[Arrival]:
    """What is counted without being folded: announcements, and events that are masked."""
    aside: list[Arrival] = [said for _, said in frame.announced]
    if len(visible) < len(frame.events):
        seen = {id(event) for event in visible}
        aside += [event for event in frame.events if id(event) not in seen]
    return aside
