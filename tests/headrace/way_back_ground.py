"""Where the way back is tested: two partitions of ten frames, versions, and decisions that others write too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from checkpoints.manifest import Manifest, TrainerPosition
from checkpoints.quarantine import Order
from checkpoints.registry import Registry
from checkpoints.store import VersionStore
from headrace.operations import Operator
from headrace.quarantine_operations import Masked, quarantine_add
from headrace.way_back import RolledBack, roll_back
from streams.decisions import Decision, DecisionLog
from streams.log import MemoryLog

NOW = 10_000
BAD = Order(t0=500, app_version="9")
"""From frame 5 on in every partition of `Ground`."""


class Slipped(MemoryLog):
    """A log of decisions in which another writer appends first, once."""

    def __init__(self) -> None:
        super().__init__("decisions", 1)
        self.first: Callable[[], object] | None = None

    def append(self, partition: int, values: Any, at: int) -> int:
        first, self.first = self.first, None
        if first is not None:
            first()
        return super().append(partition, values, at)


class Ground:
    """Two partitions of ten frames, closed at 0, 100, ..., 900, and versions that read so many frames of each."""

    def __init__(self, folder: Path, *versions: int, published: bool = True) -> None:
        self.store = VersionStore(folder / "versions")
        self.topic = Slipped()
        self.decisions = DecisionLog(self.topic)
        self.events = MemoryLog("events", 2)
        for p in (0, 1):
            for n in range(10):
                self.events.append(p, [b""], at=100 * n)
        for upto in versions:
            manifest = self.commit(upto)
            if published:
                self.publish(manifest)

    def commit(self, upto: int, *, made_under: int = 0, verdict: Any = "pass") -> Manifest:
        version = self.store.reserve()
        positions = {p: TrainerPosition(input=upto) for p in (0, 1)}
        draft = Manifest(version, None, made_under, positions, examples=upto, verdict=verdict)
        return self.store.commit(version, lambda aside: (aside / "weights").write_text("w") and None, draft)  # type: ignore[func-returns-value]

    def publish(self, made: Manifest) -> None:
        self.line("publish", version=made.version, input=made.input, mask_position=made.decisions)

    def line(self, kind: Any, **more: Any) -> int:
        writer = DecisionLog(self.topic)
        writer.follow()
        return writer.decide(Decision(kind, 1, "other", "", writer.fold.position, **more))[0]

    def back(self, target: Any = "last-good", *orders: Order, dry: bool = False, **more: Any) -> RolledBack:
        return roll_back(target, **self.known(), orders=orders, ahead=0, dry_run=dry, **more)

    def add(self, *orders: Order, **more: Any) -> Masked:
        return quarantine_add(orders, **self.known(), ahead=0, **more)

    def known(self) -> dict[str, Any]:
        operator = Operator("ana", "bad app", NOW)
        return {"store": self.store, "decisions": self.decisions, "operator": operator, "events": self.events}

    @property
    def registry(self) -> Registry:
        return Registry.of(self.decisions.fold)

    @property
    def ids(self) -> list[str]:
        return [entry.id for entry in self.decisions.fold.masking().entries]
