"""A log, a trainer that writes chains of versions, and retention over both."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from checkpoints.deltas import changed, delta, write
from checkpoints.floors import Policy
from checkpoints.manifest import Manifest, TrainerPosition
from checkpoints.retained import Topics
from checkpoints.retention import Retention
from checkpoints.store import VersionStore
from streams.decisions import Decision, DecisionLog
from streams.frames import EventFrame, encode_frame
from streams.log import MemoryLogs

FRAMES = 400
HOUR = 3_600_000


class Site:
    """A log of `FRAMES` frames, a trainer that writes chains, and retention over both."""

    def __init__(self, folder: Path, **policy: object) -> None:
        logs = MemoryLogs()
        self.events, self.examples = logs.open("events", 1), logs.open("examples", 1)
        for n in range(FRAMES):
            self.events.append(0, [encode_frame(EventFrame((), {}))], at=n)
            self.examples.append(0, [b""], at=n)
        self._lines = logs.open("decisions", 1)
        self.decisions = DecisionLog(self._lines)
        self.store, self.now, self.upto = VersionStore(folder / "versions"), 0, 0
        self.policy = Policy(**{"span": 0, "versions": 3} | policy)  # type: ignore[arg-type]

    def commit(self, versions: int = 1, *, chain: int = 4, after: int = 1_000, full: int = 4_000) -> None:
        """Versions of a line, a full one after each `chain`; a full one is about `full` bytes, a delta a tenth."""
        for _ in range(versions):
            self.now, self.upto = self.now + after, self.upto + 1
            self.decisions.follow()
            manifests = self.store.manifests()
            parent = manifests[-1].version if manifests else None
            base = parent if parent and len(self.store.links(parent)) < chain else None
            number = self.store.reserve()
            table = np.full(full // 8, number)
            part = (
                {"t": table} if base is None else delta(base, changed("t", table, np.arange(full // 160), len(table)))
            )
            at = TrainerPosition(self.upto, watermark=10 * self.upto, input=self.upto)
            draft = Manifest(
                number, parent, self.decisions.fold.position, {0: at},
                examples=self.upto, created_at=self.now, verdict="pass", base=base,
            )  # fmt: skip
            self.store.commit(number, lambda folder, part=part: write(folder / "t.safetensors", part), draft)

    def decide(self, kind: str, **fields: object) -> None:
        self.decisions.follow()
        seen = self.decisions.fold.position
        self.decisions.decide(Decision(kind, self.now, "ana", "test", seen, **fields))  # type: ignore[arg-type]

    def retention(self) -> Retention:
        topics = Topics(self.events, self.examples)
        return Retention(self.store, DecisionLog(self._lines), topics, dict, self.policy, lambda: self.now)

    @property
    def versions(self) -> list[int]:
        return [m.version for m in self.store.manifests()]

    @property
    def bytes(self) -> int:
        return sum(path.stat().st_size for path in self.store.root.rglob("*") if path.name.endswith(".safetensors"))
