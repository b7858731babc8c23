"""Retention: says in the decisions how far back nothing can be rebuilt any more, and only then takes away.

Takes away versions and log; snapshots are taken away by the folds that own them, which read the floor in the decisions.
Never sleeps, logs or decides what is masked. One at a time is enough; two, or one that was stopped in the middle for an
hour, do no harm: floors never fall, and what is taken away follows from the floor in force.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from checkpoints.errors import VersionError
from checkpoints.floors import (
    Aside,
    Plan,
    Policy,
    Trim,
    base_at,
    bases,
    gone,
    good,
    lacking,
    needed,
    sequenced,
    trims,
)
from checkpoints.manifest import Manifest
from checkpoints.registry import Registry
from checkpoints.store import VersionStore
from streams.decisions import Decision, DecisionLog
from streams.frames import decode_frame
from streams.log import Log
from streams.positions import Positions, covers

Effect = Literal["planned", "appended", "read back", "removed", "trimmed"]


@dataclass(frozen=True, slots=True)
class Topics:
    """The logs that retention shortens: `raw` is what the sequencer reads. The decisions stay whole."""

    events: Log
    examples: Log
    raw: Sequence[Log] = ()
    letters: Log | None = None


@dataclass(frozen=True, slots=True)
class Retained:
    """One turn. `floor` is in force after it and `base` the version there; `expired` is the line that raised it, `void`
    where a mask came in between; `held` says why it was not raised. `gone` are the versions taken away, `begins` where
    the topics that were trimmed begin now; `removed` and `trimmed` count versions and records."""

    idle: bool = True
    floor: Positions | None = None
    base: int | None = None
    expired: int | None = None
    void: bool = False
    held: str = ""
    gone: tuple[int, ...] = ()
    begins: dict[str, Positions] | None = None
    removed: int = 0
    trimmed: int = 0


class Retention:
    """One turn at a time; `aside` lists the snapshots of all folds that have any, whatever their state.

    `effects` stops after each effect, and when it ends `report` is of that turn:

    1. plan: the base is the newest good version that the policy lets go no further than, whose files are whole, and
       from whose positions every fold has a valid snapshot to start at;
    2. append its positions as the floor (an `expire` line that says how much its writer had read);
    3. read back: where a mask came in between the line is void, and nothing is taken away;
    4. remove versions older than the base, and thin those above it;
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
        self.report = Retained()

    def turn(self) -> Retained:
        """One turn; its effects are numbered above."""
        for _ in self.effects():
            pass
        return self.report

    def plan(self) -> Plan:
        """What a turn would do now, if no mask came in between. Nothing is changed."""
        self._follow()
        base, held = self._next_base()
        floor = self._decisions.fold.floor() if base is None else base.input
        return Plan(
            base=None if base is None else base.version,
            floor=None if base is None else base.input,
            held=held,
            gone=tuple(self._gone(floor)),
            trims=tuple(trim for trim in self._trims(floor) if trim.before > self._log(trim).begin(trim.partition)),
        )

    def effects(self) -> Iterator[Effect]:
        """One turn that stops after each effect."""
        self._follow()
        seen = self._decisions.fold.position
        base, held = self._next_base()
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

    def _next_base(self) -> tuple[Manifest | None, str]:
        """The base that the floor can be raised to, or why there is none."""
        fold, policy = self._decisions.fold, self._policy
        standing, floor = good(self._store.manifests(), fold), fold.floor()
        if len(standing) < policy.versions:
            return None, f"there are {len(standing)} valid versions, and {policy.versions} always stay"
        aside, events = self._aside(), self._topics.events
        begins = {p: events.begin(p) for p in range(events.partitions)}
        held = "no valid version is old enough"
        for base in bases(standing, policy, self._clock()):
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

    def _gone(self, floor: Positions | None) -> list[int]:
        return gone(self._store.manifests(), floor, self._decisions.fold, self._registry, self._policy)

    def _remove(self) -> Iterator[Effect]:
        floor = self._decisions.fold.floor()
        base = None if floor is None else base_at(floor, good(self._store.manifests(), self._decisions.fold))
        self.report = replace(self.report, floor=floor, base=base.version if base else None)
        if floor is not None and base is None:
            self.report = replace(self.report, held="no version is left at the floor; nothing is taken away")
        for version in self._gone(floor):
            self._follow()
            if version in needed(self._registry):
                continue  # someone went back to it just now
            self._store.remove(version)
            self._tell(gone=(*self.report.gone, version), removed=self.report.removed + 1)
            yield "removed"
        self._store.sweep(base.version if base else 0)

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
        base = None if floor is None else base_at(floor, good(self._store.manifests(), fold))
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


def retain(retention: Retention, *, every: int, clock: Callable[[], int]) -> Iterator[Retained]:
    """A turn each `every` ms, for ever; idle reports in between."""
    due = clock()
    while True:
        if clock() < due:
            yield Retained()
            continue
        yield retention.turn()
        due = clock() + every
