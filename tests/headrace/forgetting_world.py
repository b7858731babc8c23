"""One partition, every fold over it, and a clock that the test turns."""

from __future__ import annotations

from pathlib import Path

from headrace.deployment import version_store
from headrace.forget import Ground, append
from headrace.operations import Operator
from headrace.settings import Settings
from learners.plan import Plan
from serving.fold_rules import FoldRules
from serving.folding import fold
from serving.known import Known
from streams.decisions import DecisionLog
from streams.events import Impression, Interaction, Shown, Slate
from streams.examples import decode
from streams.intake import Intake
from streams.log import MemoryLogs
from streams.poll_joiner import join, to_the_end
from streams.rules import Label, Rules
from streams.sequencer import sequence

ANA, BO = "ana-the-first", "bo"
ME = Operator("op@host", "asked for it", 10_000)
RULES = Rules((Label("click", event="click", window=5_000),), grace=500, out_of_orderness=1_000)


class World:
    """One partition, every fold over it, and a clock that the test turns."""

    def __init__(self, folder: Path) -> None:
        self.now = 1_000
        self.folder = folder
        self.logs = MemoryLogs()
        settings = Settings(var=folder, partitions=1)
        self.ground = Ground(settings, self.logs, DecisionLog(self.logs.open("decisions", 1)))
        self.intake = Intake(self.logs, partitions=1, clock=lambda: self.now)
        self.known = Known(partitions=1, rules=FoldRules(out_of_orderness=1_000, horizon=RULES.lifespan))
        self._sequenced = sequence(self.logs, partitions=1, clock=self._tick, clock_ahead=0)
        self._folded = fold(self.logs, self.known, folder=folder / "serve", clock=lambda: self.now)

    def page(self, user: str, request: str, at: int, *items: str) -> None:
        shown = tuple(Shown(item, place) for place, item in enumerate(items))
        self.now = at
        self.intake.append(
            Slate(f"s{request}", at, user, request, shown), Impression(f"i{request}", at, user, request, shown)
        )

    def click(self, user: str, request: str | None, at: int, item: str, **more: str) -> None:
        self.now = max(at, self.now)
        self.intake.append(Interaction(f"c{user}{request}{item}{at}", at, user, "click", item, request, **more))  # type: ignore[arg-type]

    def delete(self, at: int = 10_000) -> None:
        self.now = at
        append(self.ground, ANA, Operator("op@host", "asked for it", at))

    def settle(self, until: int) -> None:
        """Let all folds take everything, and time pass."""
        for at in (self.now, until):
            self.now = at
            for _ in range(8):
                next(self._sequenced)
        joined = join(
            self.logs, partitions=1, rules=RULES, folder=self.folder / "join", snapshots=self.folder / "snapshots",
            clock=lambda: self.now,
        )  # fmt: skip
        for _ in to_the_end(joined, 1):
            pass
        joined.close()  # type: ignore[attr-defined]
        for _ in range(5):
            next(self._folded)

    def rows(self) -> list[tuple[str, str, dict[str, float], tuple[str, ...]]]:
        found = []
        for record in self.logs.open("examples", 1).read(0, 0):
            frame = decode(record.value)
            for row in frame.rows:
                shot = frame.shots[row.shot] if row.shot >= 0 else None
                who = row.example if shot is None else shot.user_id
                pasts = () if shot is None else tuple(past.item_id for past in shot.history)
                found.append((who, row.kind, row.labels, pasts))
        return found

    def learn(self) -> None:
        """Versions up to the end of the examples, one per batch."""
        from learners.named_learners import make_learner
        from learners.trainer import train

        plan = Plan(partitions=1, bucket_ms=1_000, batch_size=4, commit_batches=1, until_end=True)
        store = version_store(self.ground.settings)
        for _ in train(self.logs, store, lambda: make_learner(labels=("click",)), plan=plan, clock=self._tick):
            pass

    def learned(self, version: int) -> str:
        """All texts that a version holds."""
        folder = version_store(self.ground.settings).folder(version)
        return "".join(path.read_bytes().decode(errors="replace") for path in folder.rglob("*") if path.is_file())

    def _tick(self) -> int:
        self.now += 5
        return self.now
