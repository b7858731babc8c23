"""Retention: says in the decisions how far back nothing can be rebuilt any more, and only then takes away.

Takes away versions and log; snapshots are taken away by the folds that own them, which read the floor in the decisions.
Never sleeps, logs or decides what is masked. One at a time is enough; two, or one that was stopped in the middle for an
hour, do no harm: floors never fall, and what is taken away follows from the floor in force.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Literal

from checkpoints.chain_plan import with_bases
from checkpoints.compacting import Compacting
from checkpoints.errors import PlaceError, VersionError
from checkpoints.floors import Aside, Plan, Policy, Trim, base_at, bases, lacking, sequenced, trims
from checkpoints.manifest import Manifest
from checkpoints.registry import Registry
from checkpoints.retained import Retained, Topics
from checkpoints.staying import Shelf, Stay, gone, needed, pressed, stay
from checkpoints.store import VersionStore
from streams.decisions import Decision, DecisionLog
from streams.experiments import Experiments
from streams.frames import decode_frame
from streams.log import Log
from streams.positions import Positions, covers

Effect = Literal["planned", "appended", "read back", "removed", "trimmed"]


class Retention:
    """One turn at a time; `aside` lists the snapshots of all folds that have any, whatever their state.

    `effects` stops after each effect, and when it ends `report` is of that turn:

    1. plan: the base is the newest good version that the policy, or the room on the disk, lets go no further than,
       whose files are whole, and from whose positions every fold has a valid snapshot to start at;
    2. append its positions as the floor (an `expire` line that says how much its writer had read);
    3. read back: where a mask came in between the line is void, and nothing is taken away;
    4. remove versions older than the base, and thin those above it; those that stand on others go before these;
    5. trim `events`, `examples`, then what is old of the raw topics and the dead letters.

    A death between any two leaves a floor that is too high for what is still there, never the other way round.
    """

    def __init__(
        self,
        store: VersionStore,
        decisions: DecisionLog,
        topics: Topics,
        aside: Callable[[], Aside],
        policy: Policy,
        clock: Callable[[], int],
    ) -> None:
        self._store, self._decisions, self._topics = store, decisions, topics
        self._aside, self._policy, self._clock = aside, policy, clock
        self._registry = Registry()
        self._whole: set[int] = set()
        self._warned = ""
        self.report = Retained()

    def turn(self) -> Retained:
        """One turn; its effects are numbered above."""
        for _ in self.effects():
            pass
        return self.report

    def plan(self) -> Plan:
        """What a turn would do now, if no mask came in between. Nothing is changed."""
        self._follow()
        shelf = self._shelf()
        base, held = self._next_base(shelf)
        floor = self._decisions.fold.floor() if base is None else base.input
        staying = self._staying(shelf, floor)
        return Plan(
            base=None if base is None else base.version,
            floor=None if base is None else base.input,
            held=held,
            gone=tuple(sorted(gone(shelf, staying))),
            trims=tuple(trim for trim in self._trims(floor) if trim.before > self._log(trim).begin(trim.partition)),
            warning="" if staying is None else staying.warning(self._policy.disk),
        )

    def effects(self) -> Iterator[Effect]:
        """One turn that stops after each effect."""
        self._follow()
        seen = self._decisions.fold.position
        base, held = self._next_base(self._shelf())
        self.report = Retained(held=held)
        yield "planned"
        if base is not None:
            n = self._decisions.append(self._expire(base, seen))
            yield "appended"
            self._follow()
            holds = self._decisions.fold.effective[n]
            self.report = replace(self.report, idle=False, expired=n, void=not holds)
            yield "read back"
            if not holds:
                return
        yield from self._remove()
        yield from self._trim()

    def _follow(self) -> None:
        self._decisions.follow()
        self._registry.follow(self._decisions.fold)

    def _shelf(self) -> Shelf:
        manifests, compacted = self._store.manifests(), self._store.compacted()
        return Shelf(manifests, compacted, self._store.sizes(manifests, compacted))

    def _staying(self, shelf: Shelf, floor: Positions | None) -> Stay | None:
        return stay(shelf, floor, self._decisions.fold, self._registry, self._policy)

    def _next_base(self, shelf: Shelf) -> tuple[Manifest | None, str]:
        """The base that the floor can be raised to, or why there is none."""
        fold, policy = self._decisions.fold, self._policy
        standing, floor = shelf.standing(fold), fold.floor()
        wanted = pressed(shelf, floor, fold, self._registry, policy)
        if len(standing) >= policy.versions:
            wanted += [m for m in bases(standing, policy, self._clock()) if m not in wanted]
        elif not wanted:
            return None, f"there are {len(standing)} valid versions, and {policy.versions} always stay"
        aside, events = self._aside(), self._topics.events
        begins = {p: events.begin(p) for p in range(events.partitions)}
        held = "no valid version is old enough"
        for base in sorted(wanted, key=lambda m: (m.examples, m.version), reverse=True):
            if floor is not None and covers(floor, base.input):
                return None, held
            held = lacking(base.input, aside, fold, begins) or self._damage(base)
            if not held:
                return base, ""
        return None, held

    def _damage(self, base: Manifest) -> str:
        if base.version in self._whole:
            return ""
        try:
            self._store.open(base.version)
        except VersionError as error:
            return str(error)
        self._whole = {base.version}
        return ""

    def _expire(self, base: Manifest, seen: int) -> Decision:
        why = f"version {base.version} is the oldest to go back to"
        return Decision("expire", self._clock(), "retention", why, seen, floor=base.input)

    def _remove(self) -> Iterator[Effect]:
        floor, shelf = self._decisions.fold.floor(), self._shelf()
        staying = self._staying(shelf, floor)
        base = None if floor is None else base_at(floor, shelf.standing(self._decisions.fold))
        self.report = replace(self.report, floor=floor, base=base.version if base else None)
        if staying is None:
            self.report = replace(self.report, held="no version is left at the floor; nothing is taken away")
        else:
            warning, before = staying.warning(self._policy.disk), self._warned
            self.report = replace(self.report, bytes=staying.fit.length, warning=warning)
            self._warned = warning
            if warning or before:
                self._tell()  # also that there is nothing to warn of any more
        for version in gone(shelf, staying):
            self._follow()
            if version in self._wanted_now(shelf):
                continue  # someone went back to it, or pinned it, just now
            self._store.remove(version)
            self._tell(gone=tuple(sorted((*self.report.gone, version))), removed=self.report.removed + 1)
            yield "removed"
        self._store.sweep(base.version if base else 0)

    def _wanted_now(self, shelf: Shelf) -> frozenset[int]:
        tried = Experiments.of(self._decisions.fold).needed(self._decisions.fold)
        return with_bases(needed(self._registry) | self._registry.pinned | tried, shelf.chains)

    def _trim(self) -> Iterator[Effect]:
        for trim in self._trims(self._decisions.fold.floor()):
            log = self._log(trim)
            begin = log.begin(trim.partition)
            log.trim(trim.partition, trim.before)
            if (now := log.begin(trim.partition)) > begin:
                begins = {topic: dict(of) for topic, of in (self.report.begins or {}).items()}
                begins.setdefault(trim.topic, {})[trim.partition] = now
                self._tell(begins=begins, trimmed=self.report.trimmed + now - begin)
                yield "trimmed"

    def _tell(self, **fields: object) -> None:
        self.report = replace(self.report, idle=False, **fields)  # type: ignore[arg-type]

    def _trims(self, floor: Positions | None) -> list[Trim]:
        fold, found = self._decisions.fold, list[Trim]()
        base = None if floor is None else base_at(floor, self._shelf().standing(fold))
        if floor is not None and base is not None:
            found += trims(base, floor, self._aside(), fold)
        before = self._clock() - self._policy.span
        read = self._sequenced()
        for log in self._topics.raw:
            for p in range(log.partitions):
                found.append(Trim(log.topic, p, min(read.get(log.topic, {}).get(p, 0), log.offset_at(p, before))))
        if (letters := self._topics.letters) is not None:
            found += [Trim(letters.topic, p, letters.offset_at(p, before)) for p in range(letters.partitions)]
        return found

    def _sequenced(self) -> dict[str, Positions]:
        """Up to where the sequencer has read: its own memory, the headers of its last frames."""
        if not self._topics.raw:
            return {}
        events = self._topics.events
        last = {p: events.read(p, events.end(p) - 1, 1) for p in range(events.partitions)}
        return sequenced({p: decode_frame(told[0].value).sources if told else {} for p, told in last.items()})

    def _log(self, trim: Trim) -> Log:
        topics = self._topics
        logs: list[Log] = [topics.events, topics.examples, *topics.raw, *([topics.letters] if topics.letters else [])]
        return next(log for log in logs if log.topic == trim.topic)


def retain(
    retention: Retention, *, every: int, clock: Callable[[], int], compacting: Compacting | None = None
) -> Iterator[Retained]:
    """A turn each `every` ms, for ever, and chains made short in between; idle reports where there is nothing to do. A
    place of versions that does not answer is warned of, and asked again next time."""
    due = clock()
    try:
        while True:
            if clock() >= due:
                yield _turn(retention)
                due = clock() + every
            elif compacting is not None and (made := compacting.turn()) is not None:
                yield Retained(idle=False, compacted=None if made.error else made.version, warning=made.error)
            else:
                yield Retained()
    finally:
        if compacting is not None:
            compacting.close()


def _turn(retention: Retention) -> Retained:
    try:
        return retention.turn()
    except PlaceError as error:
        return Retained(idle=False, warning=f"nothing was taken away: {error}")
