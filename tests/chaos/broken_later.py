"""Rules of those who learn, serve and take away, each with a switch that turns it off; see `broken.py`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from msgspec.structs import replace

import checkpoints.retention as retention
import checkpoints.staying as staying
import learners.ordering as ordering
import serving.folding as folding
from checkpoints.manifest import Manifest
from checkpoints.retention import Retention
from learners.learned_state import State, States
from learners.ordering import Batch, Ordering
from learners.trainer import Trainer
from serving.part import Part
from streams.decisions import Decision, Decisions
from streams.log import Log
from streams.positions import Positions


def old_watermark_kept(patch: pytest.MonkeyPatch) -> None:
    reread = States.reread

    def keeping(self: States, state: State) -> None:
        before = state.ordering
        reread(self, state)
        for p, lane in state.ordering._lanes.items():
            lane.watermark = max(lane.watermark, before._lanes[p].watermark)

    patch.setattr(States, "reread", keeping)


def no_watermark_proof(patch: pytest.MonkeyPatch) -> None:
    """`input` names the frames with learned rows alone, not the one that proved the batch complete."""
    move = ordering._move

    def unproven(lane: ordering._Lane, sequence: int, horizon: int) -> list[ordering.Counts]:
        relied, start = lane.stands.input, lane.stands.sequence
        for frame in lane.frames:
            if frame.end and start < sequence:
                relied, start = max(relied, frame.input + 1), frame.end
        over = move(lane, sequence, horizon)
        lane.stands = replace(lane.stands, input=relied)
        return over

    patch.setattr(ordering, "_move", unproven)


def released_without_the_least_watermark(patch: pytest.MonkeyPatch) -> None:
    def at_once(self: Ordering) -> None:
        for lane in self._lanes.values():
            self._pending += lane.rows
            lane.rows.clear()
        self._pending.sort(key=ordering._decided_at)

    patch.setattr(Ordering, "_release", at_once)


def batches_cut_at_each_poll(patch: pytest.MonkeyPatch) -> None:
    def at_hand(self: Ordering) -> Batch | None:
        self._release()
        taken = tuple(self._pending[: self._size])
        return Batch(taken, taken[-1].row.decided_at) if taken else None

    patch.setattr(Ordering, "cut", at_hand)


def invalid_state_kept(patch: pytest.MonkeyPatch) -> None:
    adopt = Trainer._adopt

    def keeping(self: Trainer) -> Any:
        with pytest.MonkeyPatch.context() as blind:
            if self._state is not None:
                blind.setattr(Decisions, "valid", lambda *_: True)
            return adopt(self)

    patch.setattr(Trainer, "_adopt", keeping)


def invalid_versions_restored(patch: pytest.MonkeyPatch) -> None:
    newest = States.newest

    def blindly(self: States, examples: Log) -> State:
        with pytest.MonkeyPatch.context() as blind:
            blind.setattr(Decisions, "valid", lambda *_: True)
            return newest(self, examples)

    patch.setattr(States, "newest", blindly)


def server_folds_not_rewound(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(folding, "_invalid", lambda *_: [])


def server_snapshots_not_tested(patch: pytest.MonkeyPatch) -> None:
    restored = folding._restored

    def blindly(*told: Any, **named: Any) -> Part:
        with pytest.MonkeyPatch.context() as blind:
            blind.setattr(Decisions, "valid", lambda *_: True)
            return restored(*told, **named)

    patch.setattr(folding, "_restored", blindly)


def no_floor(patch: pytest.MonkeyPatch) -> None:
    """A mask line below the floor is not void."""
    feed = Decisions.feed

    def unbounded(self: Decisions, line: Decision) -> bool:
        floors, self._floors = self._floors, [None] if line.add or line.remove else self._floors
        holds = feed(self, line)
        if floors is not self._floors:
            self._floors = [*floors, floors[-1]]
        return holds

    patch.setattr(Decisions, "feed", unbounded)


def no_seen(patch: pytest.MonkeyPatch) -> None:
    """An expire line holds whatever came between its writer's reading and itself."""
    feed = Decisions.feed

    def trusting(self: Decisions, line: Decision) -> bool:
        return feed(self, replace(line, seen=self.position) if line.kind == "expire" else line)

    patch.setattr(Decisions, "feed", trusting)
    _planned_base_believed(patch)


def floor_not_read_back(patch: pytest.MonkeyPatch) -> None:
    """Retention takes away what lies below the floor that it wrote, void or not."""
    follow = Retention._follow

    def believing(self: Retention) -> None:
        follow(self)
        fold = self._decisions.fold
        if fold.lines and fold.lines[-1].kind == "expire":
            fold._floors[-1], fold.effective[-1] = fold.lines[-1].floor, True

    patch.setattr(Retention, "_follow", believing)
    _planned_base_believed(patch)


def _planned_base_believed(patch: pytest.MonkeyPatch) -> None:
    """What is taken away follows from the plan: nobody asks again whether its base is still good."""
    expire, planned = Retention._expire, list[Manifest]()

    def told(self: Retention, base: Manifest, seen: int) -> Decision:
        planned[:] = [base]
        return expire(self, base, seen)

    def believed(floor: Positions, newest_first: Iterable[Manifest]) -> Manifest | None:
        return planned[0] if planned else None

    patch.setattr(Retention, "_expire", told)
    patch.setattr(staying, "base_at", believed)
    patch.setattr(retention, "base_at", believed)
