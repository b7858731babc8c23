"""The versions of one trainer: taken out of its state when one is due, written, and let serve.

What is written behind the trainer's back is asked for at each turn; a version that is due before the last one is
written comes as soon as it is. One that could not be written is told of (`warning`), and the next one holds what it
held, since it is asked for what changed since the last that was committed. Learns nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from checkpoints.errors import NoSuchVersion, VersionError
from checkpoints.manifest import Manifest
from checkpoints.registry import Registry
from checkpoints.store import VersionStore
from learners.committing import Committed, Since, brings_files, commit, hold, publish, ready, take
from learners.learned_state import State
from learners.plan import Plan
from learners.writing import Writer, WritesAtOnce
from streams.decisions import DecisionLog
from streams.positions import Positions

Effect = Literal["reserved", "taken", "committed", "published"]


@dataclass(frozen=True, slots=True)
class Lines:
    """Where decisions are read and written, and who serves what by them."""

    decisions: DecisionLog
    registry: Registry


class Versions:
    """Of one trainer; without a store there are none."""

    def __init__(
        self,
        store: VersionStore | None,
        lines: Lines,
        *,
        plan: Plan,
        clock: Callable[[], int],
        writer: Writer[Committed] | None = None,
    ) -> None:
        self._store, self._lines, self._plan, self._clock = store, lines, plan, clock
        self._writer = writer or WritesAtOnce[Committed]()
        self._handed = Since(clock())
        self.since = Since(clock())
        self.committed: Manifest | None = None
        """Of this turn."""
        self.published, self.warning, self.held = False, "", ""
        self._holding = False

    def begin(self) -> None:
        """A turn begins."""
        self.committed, self.published, self.warning, self.held = None, False, "", ""

    def effects(self, state: State, *, adopted: int, config: str, idle: bool, ending: bool) -> Iterator[Effect]:
        """1. the end of what is being written, where it has ended: that version is published; 2. one that is due is
        taken, for the writer to commit; where that would take long, a part of it, and the rest in the turns to come;
        3. the same as 1, for a writer that writes at once.

        Where versions are counted in batches, and where this is the end (`ending`), all of it comes in this turn, and
        writing is waited for; at the end it must not fail.
        """
        if self._store is None:
            return
        due = bool(self.since.batches) if ending else self.since.due(self._plan, self._clock())
        yield from self._settled(state, wait=ending or (due and bool(self._plan.commit_batches)), must=ending)
        if due and not self._writer.busy:
            if ending or self._plan.commit_batches or ready(state, self._plan):
                yield from self._begun(self._store, state, adopted, config)
                yield from self._settled(state, wait=ending, must=ending)
        elif idle and state.version and not self._writer.busy and self._is_wanted(state):
            self.published = self._publish(self._store.manifest(state.version), state.ordering.reached)
            yield "published"

    def settle(self, state: State | None) -> None:
        """Wait for what is being written, before another version is gone back to, and begin to count anew."""
        for _ in self._settled(state, wait=True):
            pass
        self.since = Since(self._clock())

    def _begun(self, store: VersionStore, state: State, adopted: int, config: str) -> Iterator[Effect]:
        version = store.reserve() if brings_files(state, self._plan) else 0
        yield "reserved"
        now, finite = self._clock(), self.since.finite
        live, plan = self._lines.registry.live, self._plan
        draft = take(state, plan, version=version, decisions=adopted, config=config, finite=finite, at=now, live=live)
        self._handed, self.since = self.since, Since(now)
        self._writer.begin(lambda: commit(draft, store))
        yield "taken"

    def _settled(self, state: State | None, *, wait: bool, must: bool = False) -> Iterator[Effect]:
        try:
            written = self._writer.ended(wait=wait)
        except (VersionError, OSError) as error:
            if must:
                raise
            self._failed(state, error)
            return
        if written is not None:
            self.committed = written.settle()
            yield "committed"
            self.published = self._publish(self.committed, written.draft.reached)
            if self._plan.publish:
                self._hold(self.committed)
            yield "published"

    def _hold(self, committed: Manifest) -> None:
        """Told as a warning once, not with every version of a stretch that is held."""
        before, self.held = self._holding, hold(committed, self._lines.decisions, self._clock)
        self._holding = bool(self.held)
        self.warning = self.warning or ("" if before else self.held)

    def _failed(self, state: State | None, error: VersionError | OSError) -> None:
        """What was to be in it is still to be written; where its base went, everything is."""
        handed, since = self._handed, self.since
        self.since = Since(
            since.at, since.batches + handed.batches, since.rows + handed.rows, since.finite or handed.finite
        )
        self.warning = str(error)
        if isinstance(error, NoSuchVersion) and state is not None:
            state.links = 0

    def _is_wanted(self, state: State) -> bool:
        """Whether a rollback waits for no more than what is committed already: on a quiet log, or one whose last
        stretch is masked, no other version will come."""
        registry = self._lines.registry
        return registry.until is not None and not self.since.batches and registry.takes(state.ordering.reached)

    def _publish(self, manifest: Manifest, reached: Positions) -> bool:
        lines = self._lines
        return self._plan.publish and publish(manifest, reached, lines.decisions, lines.registry, self._clock)
