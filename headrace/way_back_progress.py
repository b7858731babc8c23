"""How far a way back has come, told from what processes say of themselves. Pure: statuses in, a frozen page out.

A process is believed only once it ended a turn that it began after the line: until then its positions are those of
before, and would look as if all had been done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from headrace.statuses import merged
from headrace.telemetry import Status, kind_of
from headrace.turn_costs import costs
from headrace.way_back import RolledBack

REAL_TIMES = 20
"""How many times faster than it happened a stretch of log is learned anew, at least; a bound until it is measured."""

FULL_TURN = 200
"""Frames that a joiner takes at once when it has to catch up."""

AROUND = 1_500
"""Milliseconds that a way back takes beside feeding: a version is restored, and one written, fetched and swapped."""

FRESH = 10_000
"""Milliseconds after which a process that has said nothing is taken for gone."""

FOLLOWERS = ("serve", "join", "train")


@dataclass(frozen=True, slots=True)
class Expected:
    """How long it will take; `measured`: by what the processes themselves took, else a bound."""

    ms: int
    measured: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """One look. `serving` is what servers answer with, while they differ one that is not there yet; `joined` how many
    partitions are joined again, `learned` which share of the frames is learned again; None where that process does not
    run, or has nothing to do again. `left_ms` is None until a rate has been seen. `done`: all that run are where the
    way back leads."""

    serving: int | None
    on_target: bool
    joined: int | None
    partitions: int
    learned: float | None
    left_frames: int
    left_ms: int | None
    running: tuple[str, ...]
    done: bool


class Following:
    """What is seen of one way back, look after look. `published`: a version that has caught up serves.

    >>> back = RolledBack(7, 3, (4,), (), {0: 20}, {0: 10}, span_ms=4_000, frames=10, ends={0: 20})
    >>> train = Status("train", 1, started_at=90, updated_at=100, turns=5, last={"reached": {"0": 15}})
    >>> seen = Following(back, began_at=50).saw({"train": train}, published=False, at=100)
    >>> seen.learned, seen.left_frames, seen.running, seen.done
    (0.5, 5, ('train',), False)
    """

    def __init__(self, back: RolledBack, *, began_at: int) -> None:
        self._back = back
        self._began_at = began_at
        self._ends = back.ends
        self._turns: dict[str, int] = {}
        self._there: set[str] = set()
        self._first: tuple[int, int] | None = None

    def saw(self, statuses: Mapping[str, Status], *, published: bool, at: int) -> Progress:
        """Take one look at `at`, at every worker by its name."""
        said = {name: status for name, status in statuses.items() if at - status.updated_at <= FRESH}
        together = merged(said)
        fresh = {name: together[name] for name in running(said, at)}
        serving, on_target = self._served(said, published=published)
        again = self._back.frames > 0
        joined = self._joined(fresh["join"]) if again and "join" in fresh else None
        learned, left = self._learned(fresh["train"], published=published) if again and "train" in fresh else (None, 0)
        done = (
            (on_target or "serve" not in fresh)
            and joined in (None, len(self._ends))
            and (published or learned is None or (left == 0 and self._back.until is None))
        )
        return Progress(
            serving=serving,
            on_target=on_target,
            joined=joined,
            partitions=len(self._ends),
            learned=learned,
            left_frames=left,
            left_ms=self._left(left, at) if learned is not None else None,
            running=tuple(fresh),
            done=done,
        )

    def _served(self, statuses: Mapping[str, Status], *, published: bool) -> tuple[int | None, bool]:
        """What servers answer with, and whether all of them were seen with the target."""
        servers = {name: status for name, status in statuses.items() if kind_of(name) == "serve"}
        answered = {name: _serving(status.last) for name, status in servers.items()}
        self._there |= {name for name, version in answered.items() if published or version == self._back.version}
        late = [version for name, version in answered.items() if name not in self._there]
        return next(iter(late or answered.values()), None), published or (bool(answered) and not late)

    def _joined(self, status: Status) -> int:
        if not self._adopted(status, turns=len(self._ends)):
            return 0
        stands = {p: int(status.partitions.get(str(p), {}).get("next", 0)) for p in self._ends}
        return sum(stands[p] >= end for p, end in self._ends.items())

    def _learned(self, status: Status, *, published: bool) -> tuple[float, int]:
        """The share of the frames that is learned again, and how many are left."""
        if published:
            return 1.0, 0
        if not self._adopted(status, turns=1):
            return 0.0, self._back.frames
        stands = {int(p): int(offset) for p, offset in dict(status.last.get("reached", {})).items()}
        left = min(sum(max(end - stands.get(p, 0), 0) for p, end in self._ends.items()), self._back.frames)
        return (self._back.frames - left) / self._back.frames, left

    def _adopted(self, status: Status, *, turns: int) -> bool:
        """Whether the process has read the decisions since the line: each turn does, so one that began after it."""
        if status.started_at >= self._began_at:
            return True
        if status.updated_at < self._began_at:
            return False
        return status.turns >= self._turns.setdefault(status.process, status.turns) + turns

    def _left(self, left: int, at: int) -> int | None:
        """Time that is left by the rate since the first frame was seen to be learned again."""
        if self._first is None:
            if left < self._back.frames:
                self._first = (at, left)
            return None
        since, before = self._first
        return round(left * (at - since) / (before - left)) if before > left and at > since else None


def running(statuses: Mapping[str, Status], at: int) -> tuple[str, ...]:
    """The kinds of processes that a way back concerns and of which one has said something lately.

    >>> running({"join-1": Status("join-1", 1, 0, 5_000), "train": Status("train", 1, 0, 100)}, at=12_000)
    ('join',)
    """
    kinds = {kind_of(name) for name, status in statuses.items() if at - status.updated_at <= FRESH}
    return tuple(name for name in FOLLOWERS if name in kinds)


def expected(
    span_ms: int, frames: int = 0, statuses: Mapping[str, Status] = MappingProxyType({}), joined: int = 0
) -> Expected:
    """About how long it takes until such a stretch of log has been fed again and serves, in ms; `joined` is how many
    of its frames the joiner feeds, 0 where that is not known.

    By what turns of the joiner and the trainer took lately: they work side by side, so the slower one counts. Where
    one of them has not said enough, a bound by the length of the stretch.

    >>> expected(600_000)
    Expected(ms=30000, measured=False)
    >>> few, many = {"turns": 100.0, "units": 300.0, "units2": 1100.0, "ms": 400.0, "unit_ms": 1300.0}, 10_000
    >>> join = Status("join", 1, 0, 0, totals={"frames": 50, "rows": 100}, costs=few)
    >>> expected(600_000, many, {"join": join, "train": Status("train", 1, 0, 0, costs=few)})
    Expected(ms=28167, measured=True)
    >>> expected(600_000, many, {"join": join, "train": Status("train", 1, 0, 0, costs=few)}, joined=100).ms
    28167
    """
    join, train = statuses.get("join"), statuses.get("train")
    joining = None if join is None else costs(join.costs)
    learned = 0 if train is None else train.costs.get("units", 0)
    done = 0 if join is None else join.totals.get("frames", 0)
    if join is None or train is None or joining is None or not learned or not done or not frames:
        return Expected(span_ms // REAL_TIMES, measured=False)
    turn, frame = joining
    feeding = joined or frames
    join_ms = feeding * frame + turn * max(feeding / FULL_TURN, 1)
    # batches are cut as they were, so a row costs what it cost: its share of a turn and itself
    row_ms = train.costs["ms"] / learned
    train_ms = frames * row_ms * join.totals.get("rows", 0) / done
    return Expected(round(max(join_ms, train_ms)) + AROUND, measured=True)


def _serving(last: Mapping[str, Any]) -> int | None:
    """The version that answers. The bundle swapped in last is the last of those kept warm; `version` beside it is
    counted at requests, so it stands still without any."""
    warm = last.get("warm") or []
    found = warm[-1] if warm else last.get("version")
    return int(found) if found else None
