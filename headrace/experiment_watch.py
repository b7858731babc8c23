"""Looks after experiments without being asked: aborts one that is surely worse, pauses one whose users are split
unevenly. One line each, by the same fold that `headrace experiment show` reads, and keeps snapshots of that fold.

Every server may run it: who finds the experiment stopped already writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from serving.arm_figures import read
from serving.arm_files import folder_of, tidy
from serving.arm_fold import DAY
from serving.arm_reading import ArmReader
from streams.decisions import TOPIC, Decision, DecisionLog
from streams.experiments import Experiment, Experiments, Trial
from streams.log import Log, Logs

if TYPE_CHECKING:
    from headrace.settings import Settings

EVERY = 10_000
"""Milliseconds between two judgements; the intervals hold at all of them at once."""
SNAPSHOT_EVERY = 60_000
LIMIT = 2
"""Frames of each partition in one turn, each of which rests: who answers requests has the processor first."""
WAITED = 3 * DAY
"""So long after its end something may still come that counts, be the log a day behind."""


@dataclass(frozen=True, slots=True)
class Watched:
    """One turn; `stopped` names the experiments that were aborted or paused, `warning` says why; `snapshots` were
    written."""

    idle: bool
    stopped: tuple[str, ...] = ()
    warning: str = ""
    snapshots: int = 0


class Watch:
    """Reads the log for each experiment that stands or ended lately, as far as it goes, and judges those that run when
    that is due. `arms` is where snapshots go."""

    def __init__(
        self,
        decisions: DecisionLog,
        events: Log,
        *,
        clock: Callable[[], int],
        who: str,
        served: bool = False,
        arms: Path | None = None,
    ) -> None:
        self._decisions, self._events = decisions, events
        self._clock, self._who, self._served, self._arms = clock, who, served, arms
        self._experiments = Experiments()
        self._readers: dict[str, ArmReader] = {}
        self._due = 0
        self._snapshot_at = clock() + SNAPSHOT_EVERY

    def turn(self) -> Watched:
        """1. what is to be read; 2. read on; 3. snapshots where they are due; 4. when it is due and all is read that
        runs, judge, and write what follows."""
        self._decisions.follow()
        self._experiments.follow(self._decisions.fold)
        now = self._clock()
        wanted = {one.name: one for one in self._experiments.named.values() if self._reads(one, now)}
        self._readers = {name: self._reader(one) for name, one in wanted.items()}
        frames = {name: reader.turn(LIMIT) for name, reader in self._readers.items()}
        taken = self._snapshots(now)
        running = [one for one in wanted.values() if one.state == "running"]
        if now < self._due or not running or any(frames[one.name] for one in running):
            return Watched(idle=True, snapshots=taken)
        self._due = now + EVERY
        told = [stop for one in running if (stop := self._judged(one, now))]
        return Watched(
            not told, tuple(name for name, _ in told), "; ".join(why for _, why in told), snapshots=taken
        )  # fmt: skip

    def _reads(self, one: Experiment, now: int) -> bool:
        return not one.trial.mirror and (not one.over or now < one.changed_at + WAITED)

    def _snapshots(self, now: int) -> int:
        """Of those that are read; of the others older ones go once the floor has passed them."""
        if self._arms is None or now < self._snapshot_at:
            return 0
        self._snapshot_at = now + SNAPSHOT_EVERY
        for one in self._experiments.named.values():
            if one.name not in self._readers:
                tidy(folder_of(self._arms, one), self._decisions.fold)
        return sum(reader.snapshot() for reader in self._readers.values())

    def _judged(self, one: Experiment, now: int) -> tuple[str, str] | None:
        found = read(one, self._readers[one.name].sums(), now=now)
        if found.verdict not in ("abort", "uneven"):
            return None
        action: Literal["abort", "pause"] = "abort" if found.verdict == "abort" else "pause"
        self._decisions.follow()
        self._experiments.follow(self._decisions.fold)
        if self._experiments.named[one.name].state != "running":
            return None  # another server was quicker
        trial, seen = Trial(one.name, action), self._decisions.fold.position
        self._decisions.decide(Decision("experiment", now, self._who, found.why, seen=seen, trial=trial))
        return one.name, f"experiment {one.name}: {action}, since {found.why}"

    def _reader(self, one: Experiment) -> ArmReader:
        known = self._readers.get(one.name)
        if known is None:
            return ArmReader(one, self._events, self._decisions, served=self._served, arms=self._arms)
        known.follow(one)
        return known


def watch_experiments(settings: Settings, logs: Logs) -> Iterator[Watched]:
    """The watch over a deployment, one report a turn, for ever."""
    from headrace.experiment_terms import arms_of
    from headrace.options import now, who

    decisions, events = DecisionLog(logs.open(TOPIC, 1)), logs.open("events", settings.partitions)
    served = settings.join.impressions == "served"
    by = f"{who()}, by itself"
    watch = Watch(decisions, events, clock=now, who=by, served=served, arms=arms_of(settings))
    while True:
        yield watch.turn()
