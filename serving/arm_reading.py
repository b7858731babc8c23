"""Reads the log for one experiment: a fold for each partition, anew where the mask has changed below what was read."""

from __future__ import annotations

from collections.abc import Sequence

from serving.arm_fold import DAY, LATE, ArmFold
from serving.arm_sums import ArmSums
from streams.decisions import DecisionLog
from streams.experiments import Experiment
from streams.frames import decode_frame
from streams.log import Log


class ArmReader:
    """Feeds the visible events since the start of an experiment to its folds.

    Promised: after `turn` says 0 the sums are those of a single pass over what the mask leaves of the log, up to its
    end, or to a day after the experiment was over. Not promised: what retention took before it was read (`cut`).
    """

    def __init__(self, experiment: Experiment, events: Log, decisions: DecisionLog, *, served: bool = False) -> None:
        self.experiment = experiment
        self.cut = False
        self._made = 0
        self._events, self._decisions, self._served = events, decisions, served
        self._begin()

    def turn(self, limit: int = 50) -> int:
        """Read at most `limit` frames of each partition; how many that were."""
        self._decisions.follow()
        fold = self._decisions.fold
        if not fold.valid(self._made, dict(enumerate(self._next))):
            self._begin()
        self._made = fold.position
        return sum(self._feed(partition, limit) for partition in range(self._events.partitions))

    def sums(self) -> ArmSums:
        """All partitions together."""
        whole = ArmSums()
        for fold in self._folds:
            whole = whole.plus(fold.sums)
        return whole

    @property
    def now(self) -> int:
        """The newest time heard of in every partition (ms)."""
        return min((fold.now for fold in self._folds), default=0)

    def follow(self, experiment: Experiment) -> None:
        """The same experiment, as it stands now."""
        self.experiment = experiment

    def _begin(self) -> None:
        name, begin = self.experiment.name, self.experiment.begin
        partitions: Sequence[int] = range(self._events.partitions)
        self._folds = [ArmFold(name, served=self._served) for _ in partitions]
        self._next = [begin.get(partition, 0) for partition in partitions]
        self._made = self._decisions.fold.position

    def _feed(self, partition: int, limit: int) -> int:
        fold, over = self._folds[partition], self.experiment
        if over.over and fold.now > over.changed_at + DAY + DAY + LATE:
            return 0
        records = self._events.read(partition, self._next[partition], limit)
        self.cut |= bool(records) and records[0].offset > self._next[partition]
        mask = self._decisions.fold.masking()
        for record in records:
            fold.feed(mask.visible(partition, record.offset, decode_frame(record.value).events))
            self._next[partition] = record.offset + 1
        return len(records)
