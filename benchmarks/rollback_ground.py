"""What `rollback.py` measures over: a log with items in it, two versions of a learner of that size, their generations,
and servers that are processes of their own, each with a folder of its own over the same log. Nothing here is timed.

What took long to make may stay for the next run: a folder that was prepared for as many items is used as it is.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.restore_model import LABELS, Size, Traffic, fresh, grown
from checkpoints.deltas import read, write
from checkpoints.manifest import Manifest, TrainerPosition
from checkpoints.store import VersionStore
from checkpoints.vectors import MemoryVectors
from headrace.deployment import open_logs, version_store
from headrace.options import now
from headrace.settings import Settings
from headrace.settings_file import save, without_settings
from headrace.stream_settings import Label
from headrace.supervisor import Supervisor
from headrace.tree import SINGLE_THREADED, command_of
from learners.catalogue import CATEGORY, ITEM
from learners.evaluation import Evaluation
from learners.keeping import ARRAYS
from learners.learned_state import EVALUATION, LEARNED
from serving.build import RULES, InlineBuilder
from serving.follower import follow
from serving.scorer import Scorer
from streams.decisions import TOPIC as DECISIONS
from streams.decisions import Decision, DecisionLog, Kind
from streams.events import Item
from streams.frames import EventFrame, encode_frame

OLD, NEW = 1, 2
EVENTS = "click", "dwell"
FRAME = 1_000
PATIENCE = 600.0
PREPARED = "prepared"


@dataclass(frozen=True, slots=True)
class Ground:
    """Where everything lies."""

    var: Path
    size: Size

    def settings(self, number: int = 0) -> Settings:
        """Of one server; all share the log, the versions and the generations."""
        var = self.var / f"server{number}"
        return Settings(
            var=var,
            log=f"sqlite://{self.var}/log",
            partitions=1,
            labels={name: Label(event=event, window=120_000) for name, event in zip(LABELS, EVENTS, strict=True)},
            serving={"port": 0},  # type: ignore[arg-type]
            store={"versions": f"{self.var}/versions"},  # type: ignore[arg-type]
        )

    @property
    def generations(self) -> Path:
        return self.var / "generations"

    def prepare(self) -> None:
        """The log, the older version, which serves, and a newer one, which does not yet; generations of both. Nothing
        where an earlier run did it. Raises ValueError where that was for other numbers of items."""
        done, size = self.var / PREPARED, f"{self.size.items} {self.size.users}"
        if done.exists():
            if done.read_text() != size:
                raise ValueError(f"{self.var} was made for {done.read_text()} items and users, not {size}: remove it")
            return
        self.var.mkdir(parents=True, exist_ok=True)
        self._make()
        done.write_text(size)

    def _make(self) -> None:
        settings = self.settings()
        store = version_store(settings)
        with open_logs(settings) as logs:
            events = logs.open("events", 1)
            for first in range(1, self.size.items + 1, FRAME):
                events.append(0, [encode_frame(EventFrame(tuple(self._items(first))))], at=now())
        for _ in (OLD, NEW):
            self._commit(store)
        for version in (OLD, NEW, OLD):
            self.say("publish" if version == NEW else "promote", version)
            self._build(store)

    def say(self, kind: Kind, version: int) -> None:
        """One line of decisions."""
        with open_logs(self.settings()) as logs:
            decisions = DecisionLog(logs.open(DECISIONS, 1))
            decisions.follow()
            line = Decision(kind, at=now(), who="benchmark", why="", seen=decisions.fold.position, version=version)
            decisions.decide(line)

    @contextmanager
    def servers(self, count: int) -> Iterator[list[int]]:
        """So many of them, ready; their ports."""
        with ExitStack() as stack:
            ports = []
            for number in range(1, count + 1):
                settings = self.settings(number)
                shutil.rmtree(settings.var, ignore_errors=True)
                settings.var.mkdir(parents=True)
                (settings.var / "generations").symlink_to(self.generations)
                told = settings.var / "settings.json"
                save(settings, told)
                environ = SINGLE_THREADED | without_settings(os.environ)
                server = Supervisor({"serve": command_of("serve", told)}, settings.var / "run", environ=environ)
                server.start()
                stack.callback(server.stop)
                ports.append(server.wait_ready(PATIENCE)["serve"].port or 0)
            yield ports

    def _items(self, first: int) -> Iterator[Item]:
        for n in range(first, min(first + FRAME, self.size.items + 1)):
            category = str(1 + n % 1_000)
            yield Item(f"item{n}", 1, str(n), (category,), (str(1 + n % 300), str(1 + n % 7)))

    def _commit(self, store: VersionStore) -> None:
        """A version whole; each next one has learned a little more of other traffic."""
        version = store.reserve()

        def write(folder: Path) -> None:
            grown(folder / LEARNED, self.size)
            alike(folder / LEARNED)
            if version > OLD:
                learner = fresh()
                learner.restore(folder / LEARNED)
                learner.learn(Traffic(self.size, seed=version).batch(1_000))
                learner.snapshot(folder / LEARNED)
            np.savez(folder / EVALUATION, allow_pickle=False, **Evaluation(LABELS).state())

        parent = None if version == OLD else version - 1
        store.commit(version, write, Manifest(version, parent, 0, {0: TrainerPosition()}, verdict="pass"))

    def _build(self, store: VersionStore) -> None:
        with open_logs(self.settings()) as logs:
            reports = follow(
                DecisionLog(logs.open(DECISIONS, 1)),
                store=store,
                generations=self.generations,
                vectors=MemoryVectors(),
                builder=InlineBuilder(Scorer.open, replace(RULES, politely_from=self.size.items + 1)),
                open_export=Scorer.open,
                clock=now,
            )
            for report in reports:
                if report.error:
                    raise RuntimeError(report.error)
                if report.idle:
                    return


def alike(folder: Path, *, seed: int = 1) -> None:
    """Have items of a category, and more so of an author, lie near each other, as learned ones do: among vectors that
    point anywhere no graph finds its way, and every search is a scan."""
    metadata, arrays = read(folder / ARRAYS)
    random, space_R = np.random.default_rng(seed), arrays["ids.space"] >> 1
    drawn_RD = random.standard_normal(arrays["seek.rows"].shape, np.float32)
    arrays["seek.rows"] = drawn_RD * np.select([space_R == ITEM, space_R == CATEGORY], [0.5, 1.5], 1.0)[:, None].astype(
        np.float32
    )
    write(folder / ARRAYS, arrays, metadata)
