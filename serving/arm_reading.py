"""Reads the log for one experiment: a fold for each partition, gone back where the mask changed below what was read."""

from __future__ import annotations

from pathlib import Path

from serving.arm_files import folder_of, newest, save, terms_of, thin
from serving.arm_fold import DAY, LATE, ArmFold
from serving.arm_sums import ArmSums
from serving.part_heads import State
from streams.decisions import DecisionLog
from streams.experiments import Experiment
from streams.frames import decode_frame
from streams.log import Log


class ArmReader:
    """Feeds the visible events since the start of an experiment to its folds; `arms` holds snapshots of them.

    Promised: after `turn` says 0 the sums are those of a single pass over what the mask leaves of the log, up to its
    end, or to two days after the experiment was over, wherever it was interrupted. Not promised: what retention took
    before it was read (`cut`).
    """

    def __init__(
        self,
        experiment: Experiment,
        events: Log,
        decisions: DecisionLog,
        *,
        served: bool = False,
        arms: Path | None = None,
    ) -> None:
        self.experiment = experiment
        self._events, self._decisions, self._served = events, decisions, served
        self._folder = None if arms is None else folder_of(arms, experiment)
        self._terms = terms_of(experiment, served=served)
        self._folds = [ArmFold(experiment.name, served=served) for _ in range(events.partitions)]
        self._next = [0] * events.partitions
        self._cut = [False] * events.partitions
        decisions.follow()
        for partition in range(events.partitions):
            self._begin(partition)
        self._made = decisions.fold.position

    def turn(self, limit: int = 50) -> int:
        """Read at most `limit` frames of each partition; how many that were."""
        self._decisions.follow()
        fold = self._decisions.fold
        for partition, next in enumerate(self._next):
            if not fold.valid(self._made, {partition: next}):
                self._begin(partition)
        self._made = fold.position
        return sum(self._feed(partition, limit) for partition in range(self._events.partitions))

    def snapshot(self) -> int:
        """Keep what was read, partition by partition, and let older snapshots go; how many were written."""
        if self._folder is None:
            return 0
        for partition, fold in enumerate(self._folds):
            folder = self._folder / f"p{partition}"
            save(fold, folder, self._head(partition), anew=self._over(fold))
            thin(folder, self._decisions.fold, self._next[partition])
        return len(self._folds)

    def sums(self) -> ArmSums:
        """All partitions together."""
        whole = ArmSums()
        for fold in self._folds:
            whole = whole.plus(fold.sums)
        return whole

    @property
    def cut(self) -> bool:
        """Whether retention took something before it was read."""
        return any(self._cut)

    @property
    def done(self) -> bool:
        """Whether the experiment is over, and all that could count was read."""
        return all(self._over(fold) for fold in self._folds)

    def follow(self, experiment: Experiment) -> None:
        """The same experiment, as it stands now."""
        self.experiment = experiment

    def _begin(self, partition: int) -> None:
        """From the newest snapshot that is what today's mask gives; from where the experiment began without one."""
        fold = self._folds[partition].like()
        folder = None if self._folder is None else self._folder / f"p{partition}"
        found = None if folder is None else newest(fold, folder, self._terms, self._decisions.fold)
        if found is None:
            self._folds[partition], self._next[partition] = fold, self.experiment.begin.get(partition, 0)
            self._cut[partition] = False
            return
        self._folds[partition], head = found
        self._next[partition], self._cut[partition] = head.next, head.cut

    def _feed(self, partition: int, limit: int) -> int:
        fold = self._folds[partition]
        if self._over(fold):
            fold.finish()
            return 0
        records = self._events.read(partition, self._next[partition], limit)
        self._cut[partition] |= bool(records) and records[0].offset > self._next[partition]
        mask = self._decisions.fold.masking()
        for record in records:
            fold.feed(mask.visible(partition, record.offset, decode_frame(record.value).events))
            self._next[partition] = record.offset + 1
        return len(records)

    def _over(self, fold: ArmFold) -> bool:
        return self.experiment.over and fold.now > self.experiment.changed_at + DAY + DAY + LATE

    def _head(self, partition: int) -> State:
        return State(
            partition=partition,
            next=self._next[partition],
            decisions=self._made,
            rules=self._terms,
            newest=self._folds[partition].now,
            forgotten={},
            covisit_origin=0,
            digest="",
            cut=self._cut[partition],
        )
