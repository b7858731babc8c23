"""A store, decisions and a place for generations, where a follower is at work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from checkpoints.store import VersionStore
from checkpoints.vectors import MemoryVectors, Vectors
from serving.build import InlineBuilder, Rules
from serving.build_job import Builder
from serving.follower import Followed, follow
from serving.generation import Generation
from serving.generation_files import folder_of
from streams.decisions import DecisionLog
from streams.log import MemoryLog
from tests.serving.plain_export import Floats, PlainScorer, commit, names, say


@dataclass
class Town:
    """A store, decisions and a place for generations; the clock moves by hand."""

    root: Path
    log: MemoryLog = field(default_factory=lambda: MemoryLog("decisions", 1))
    vectors: Vectors = field(default_factory=MemoryVectors)
    now: int = 0

    def __post_init__(self) -> None:
        self.store = VersionStore(self.root / "versions")
        self.generations = self.root / "generations"
        self.decisions = DecisionLog(self.log)

    def publish(self, vec_ID: Floats, ids: list[str] | None = None) -> int:
        version = commit(self.store, ids or names(len(vec_ID)), vec_ID)
        say(self.decisions, "publish", version)
        return version

    def follow(self, builder: Builder | None = None, keep: int = 5) -> Iterator[Followed]:
        return follow(
            DecisionLog(self.log),
            store=self.store,
            generations=self.generations,
            vectors=self.vectors,
            builder=builder or InlineBuilder(PlainScorer.open, Rules(links_from=200)),
            open_export=PlainScorer.open,
            clock=lambda: self.now,
            keep=keep,
        )

    def settle(self, reports: Iterator[Followed]) -> list[Followed]:
        """Turns until there is nothing to do; those that did something."""
        return list(until_idle(reports))

    def opened(self, version: int) -> Generation:
        return Generation.open(folder_of(self.generations, version))


def until_idle(reports: Iterator[Followed]) -> Iterator[Followed]:
    for report in reports:
        if report.idle:
            return
        yield report
