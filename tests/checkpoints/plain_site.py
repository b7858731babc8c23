"""One partition, versions written by hand, snapshots that are a list, and retention over them."""

from __future__ import annotations

from pathlib import Path

from checkpoints.floors import Policy
from checkpoints.manifest import Manifest, TrainerPosition
from checkpoints.retention import Retention, Topics
from checkpoints.store import VersionStore
from streams.decisions import Decision, DecisionLog
from streams.frames import EventFrame, encode_frame
from streams.log import MemoryLogs
from streams.mask import Entry

FRAMES = 200


def weights(folder: Path) -> None:
    (folder / "weights").write_bytes(b"w")


class Site:
    """One partition of `FRAMES` frames, versions by hand, a joiner whose snapshots are a list."""

    def __init__(self, folder: Path, **policy: object) -> None:
        self.logs = MemoryLogs()
        self.events, self.examples = self.logs.open("events", 1), self.logs.open("examples", 1)
        for n in range(FRAMES):
            self.events.append(0, [encode_frame(EventFrame((), {}))], at=n)
            self.examples.append(0, [b""], at=n)
        self.decisions = DecisionLog(self.logs.open("decisions", 1))
        self.store = VersionStore(folder / "versions")
        self.snapshots: dict[str, dict[int, list[tuple[int, int]]]] = {"join": {0: []}}
        self.now = 0
        self.policy = Policy(**{"span": 0, "versions": 3} | policy)  # type: ignore[arg-type]

    def commit(self, *inputs: int, after: int = 1_000, verdict: str = "pass") -> None:
        """Versions that relied on so many frames, one each `after` ms, made under today's decisions."""
        self.decisions.follow()
        for upto in inputs:
            self.now += after
            version = self.store.reserve()
            at = TrainerPosition(upto, upto - 1, watermark=10 * upto, input=upto)
            draft = Manifest(
                version, version - 1 or None, self.decisions.fold.position, {0: at}, examples=upto,
                created_at=self.now, verdict=verdict,  # type: ignore[arg-type]
            )  # fmt: skip
            self.store.commit(version, weights, draft)

    def decide(self, kind: str, **fields: object) -> bool:
        self.decisions.follow()
        line = Decision(kind, self.now, "ana", "test", self.decisions.fold.position, **fields)  # type: ignore[arg-type]
        return self.decisions.decide(line)[1]

    def mask(self, start: int, name: str = "q") -> bool:
        return self.decide("mask", add=(Entry(name, start={0: start}),))

    def aside(self, *nexts: int) -> None:
        """The joiner takes snapshots: it has read all decisions."""
        self.decisions.follow()
        self.snapshots["join"][0] += [(next, self.decisions.fold.position) for next in nexts]

    def retention(self) -> Retention:
        """A process starts."""
        log = DecisionLog(self.logs.open("decisions", 1))
        topics = Topics(self.events, self.examples)
        return Retention(self.store, log, topics, lambda: self.snapshots, self.policy, lambda: self.now)

    @property
    def versions(self) -> list[int]:
        return [manifest.version for manifest in self.store.manifests()]

    @property
    def floor(self) -> int | None:
        self.decisions.follow()
        return (self.decisions.fold.floor() or {}).get(0)
