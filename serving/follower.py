"""From a published version to an index that servers can map.

The follower owns `var/follow` (the newest vectors) and `var/generations`; nobody else writes there. It decides nothing
about which version serves. No turn waits for work: looking at the files of a version and writing its vectors happen
behind its back, deriving and building in another process, so that a version that was gone back to comes first.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from checkpoints.errors import VersionError
from checkpoints.registry import Registry
from checkpoints.store import VersionStore
from checkpoints.vectors import Vectors
from learners.writing import Writer, WritesAtOnce
from serving.build_job import Builder, Built, Export, Job
from serving.generation_files import EXPORT
from serving.generation_folders import GenerationFolders
from serving.held_back import hold, is_wished
from serving.index_gate import PATIENCE, Asked, Refusal, refusal
from serving.newest_vectors import NewestVectors
from serving.retries import Retries
from serving.standing import outpaced, spare, wanted
from serving.version_export import job_of
from streams.decisions import DecisionLog
from streams.experiments import Experiments

Done = Job | int
"""What work behind the follower's back comes to: a version that was opened, or how many vectors were written."""


@dataclass(frozen=True, slots=True)
class Followed:
    """One turn. `built` is 1 where a generation was put in place; `canary_recall` is what it finds of its canary,
    `late_recall` of queries of late, None where nobody asked; an `error` names its cause and is tried again later."""

    idle: bool
    version: int | None = None
    built: int = 0
    rows_written: int = 0
    canary_recall: float | None = None
    late_recall: float | None = None
    reused: bool | None = None
    linked: bool | None = None
    tail: int | None = None
    seconds: float | None = None
    error: str = ""


def follow(
    decisions: DecisionLog,
    *,
    store: VersionStore,
    generations: Path,
    vectors: Vectors,
    builder: Builder,
    open_export: Callable[[Path], Export],
    clock: Callable[[], int],
    keep: int = 5,
    asked: Asked | None = None,
    writer: Writer[Done] | None = None,
) -> Iterator[Followed]:
    """A generation for each version that serves or will, one report a turn, until closed.

    1. read the decisions; 2. open the version's chain, its digests verified; 3. have the child derive its serving
    files where it holds none, and build aside; 4. look at what that finds, and hold the version where it is too
    little; 5. write its changed vectors and tombstones; 6. rename into place; 7. remove what nothing needs. The
    `writer` does 2 and 5.

    A death between any two leaves the old generations and a folder aside, which the next start removes.
    """
    folders, writer = GenerationFolders(generations, store), writer or WritesAtOnce[Done]()
    folders.begin()
    builder.start()
    newest = NewestVectors(vectors, open_export)
    follower = _Follower(decisions, folders, newest, builder, writer, clock, keep, asked or Asked())
    try:
        while True:
            yield follower.turn()
    finally:
        builder.close()
        follower.let_go(wait=True)


@dataclass(slots=True)
class _Task:
    """A version that is under way: opened where it has a job, built where it has that."""

    version: int
    since: int
    job: Job | None = None
    built: Built | None = None


@dataclass(slots=True)
class _Follower:
    decisions: DecisionLog
    folders: GenerationFolders
    newest: NewestVectors
    builder: Builder
    writer: Writer[Done]
    clock: Callable[[], int]
    keep: int
    asked: Asked
    registry: Registry = field(default_factory=Registry)
    experiments: Experiments = field(default_factory=Experiments)
    fallback: int | None = None
    _live: int | None = None
    _task: _Task | None = None
    _derived: str = ""
    _retries: Retries = field(default_factory=Retries)

    def turn(self) -> Followed:
        self._read()
        have = self.folders.have()
        if self._task is not None:
            return self._go_on(self._task, have)
        if not self.let_go(wait=False):
            return Followed(idle=True)
        live = self.registry.live
        if live in have and (trouble := self.folders.trouble(live)):
            return Followed(idle=False, version=live, error=trouble)
        resting = self._retries.resting(self.clock())
        published = [one for one in self.registry.published if one not in self.registry.held]
        version = wanted(live, published, have | resting, self.experiments.needed(self.decisions.fold))
        return self._tidy(have) if version is None else self._begin(version, have)

    def let_go(self, *, wait: bool) -> bool:
        """Whether what a dropped version left under way has come to its end, whichever that was."""
        if not self.writer.busy:
            return True
        try:
            return self.writer.ended(wait=wait) is not None
        except (VersionError, OSError, ValueError):
            return True

    def _read(self) -> None:
        self.decisions.follow()
        self.registry.follow(self.decisions.fold)
        self.experiments.follow(self.decisions.fold)
        if self.registry.live != self._live:
            self.fallback, self._live = self._live, self.registry.live

    def _begin(self, version: int, have: set[int]) -> Followed:
        folders, derived = self.folders, self._derived
        self.writer.begin(lambda: job_of(folders.store, version, folders.root, have=have, derived=derived))
        self._task = _Task(version, self.clock())
        return self._go_on(self._task, have)

    def _go_on(self, task: _Task, have: set[int]) -> Followed:
        if outpaced(task.version, self.registry.live, have):
            self.builder.abandon()
            self._task, self._derived = None, ""
            return Followed(idle=False, version=task.version, error="dropped: an older version is live again")
        try:
            if task.job is None:
                return self._open(task)
            return self._wait(task, have) if task.built is None else self._written(task, task.built)
        except (VersionError, OSError, ValueError) as error:
            return self._failed(task.version, str(error))

    def _open(self, task: _Task) -> Followed:
        job = self.writer.ended(wait=False)
        if not isinstance(job, Job):
            return Followed(idle=True)
        shutil.rmtree(job.aside, ignore_errors=True)
        self.builder.begin(job)
        task.job = job
        return Followed(idle=False, version=task.version)

    def _wait(self, task: _Task, have: set[int]) -> Followed:
        built = self.builder.poll()
        if built is None:
            return Followed(idle=True)
        assert task.job is not None
        self._derived = task.job.chain[-1].digest if task.job.chain and not built.error else ""
        if built.error:
            return self._failed(task.version, built.error)
        refused = refusal(built, self.folders.items_beside(task.version), self.asked)
        if refused and not is_wished(task.version, self.decisions.fold):
            return self._refused(task.version, refused)
        newest, export = self.newest, Path(built.aside) / EXPORT
        self.writer.begin(lambda: newest.write(task.version, export))
        task.built = built
        return self._written(task, built)

    def _written(self, task: _Task, built: Built) -> Followed:
        rows = self.writer.ended(wait=False)
        return self._place(task, built, rows) if isinstance(rows, int) else Followed(idle=True)

    def _refused(self, version: int, refused: Refusal) -> Followed:
        """Not put in place, and held where trying again would change nothing."""
        told = self._failed(version, refused.why)
        if refused.lasting or self._retries.times(version) >= PATIENCE:
            hold(self.decisions, self.folders.store.manifest(version), refused.why, at=self.clock())
        return told

    def _place(self, task: _Task, built: Built, rows: int) -> Followed:
        self._task = None
        self.folders.place(Path(built.aside), task.version)
        self._retries.forget(task.version)
        self._tidy(self.folders.have())
        return Followed(
            idle=False,
            version=task.version,
            built=1,
            rows_written=rows,
            canary_recall=built.recall,
            late_recall=None if built.late is None else built.late.recall,
            reused=built.reused,
            linked=built.linked,
            tail=built.tail,
            seconds=(self.clock() - task.since) / 1000,
        )

    def _tidy(self, have: set[int]) -> Followed:
        tried = self.experiments.needed(self.decisions.fold)
        for version in spare(have, self.registry.live, self.fallback, self.keep, tried):
            self.folders.remove(version)
        return Followed(idle=True)

    def _failed(self, version: int, error: str) -> Followed:
        self._task = None
        self._retries.failed(version, self.clock())
        return Followed(idle=False, version=version, error=error)
