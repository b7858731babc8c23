"""Looks after experiments without being asked: aborts one that is surely worse, pauses one whose users are split
unevenly. One line each, by the same fold that `headrace experiment show` reads.

Every server may run it: who finds the experiment stopped already writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from serving.arm_figures import read
from serving.arm_reading import ArmReader
from streams.decisions import TOPIC, Decision, DecisionLog
from streams.experiments import Experiment, Experiments, Trial
from streams.log import Log, Logs

if TYPE_CHECKING:
    from headrace.settings import Settings

EVERY = 10_000
"""Milliseconds between two judgements; the intervals hold at all of them at once."""
LIMIT = 2
"""Frames of each partition in one turn, each of which rests: who answers requests has the processor first."""


@dataclass(frozen=True, slots=True)
class Watched:
    """One turn; `stopped` names the experiments that were aborted or paused, `warning` says why."""

    idle: bool
    stopped: tuple[str, ...] = ()
    warning: str = ""


class Watch:
    """Reads the log for each experiment that runs, as far as it goes, and judges when that is due."""

    def __init__(
        self, decisions: DecisionLog, events: Log, *, clock: Callable[[], int], who: str, served: bool = False
    ) -> None:
        self._decisions, self._events = decisions, events
        self._clock, self._who, self._served = clock, who, served
        self._experiments = Experiments()
        self._readers: dict[str, ArmReader] = {}
        self._due = 0

    def turn(self) -> Watched:
        """1. what runs; 2. read on; 3. when it is due and all is read, judge, and write what follows."""
        self._decisions.follow()
        self._experiments.follow(self._decisions.fold)
        running = {one.name: one for one in self._experiments.running() if not one.trial.mirror}
        self._readers = {name: self._readers.get(name) or self._reader(one) for name, one in running.items()}
        frames = sum(reader.turn(LIMIT) for reader in self._readers.values())
        now = self._clock()
        if frames or now < self._due or not running:
            return Watched(idle=True)
        self._due = now + EVERY
        told = [stop for one in running.values() if (stop := self._judged(one, now))]
        return Watched(
            idle=not told, stopped=tuple(name for name, _ in told), warning="; ".join(why for _, why in told)
        )

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
        return ArmReader(one, self._events, self._decisions, served=self._served)


def watch_experiments(settings: Settings, logs: Logs) -> Iterator[Watched]:
    """The watch over a deployment, one report a turn, for ever."""
    from headrace.options import now, who

    decisions, events = DecisionLog(logs.open(TOPIC, 1)), logs.open("events", settings.partitions)
    served = settings.join.impressions == "served"
    watch = Watch(decisions, events, clock=now, who=f"{who()}, by itself", served=served)
    while True:
        yield watch.turn()
