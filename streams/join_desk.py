"""One partition's joiner at work in a thread of its own, for hosts that are given partitions and must give them back.

Threads, because a host's loop must stay free for its heartbeats, and because a turn may wait minutes for a broker.
Knows no framework and no group; the order of effects is that of `partition_joiner.py`.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

from streams.decisions import DecisionLog
from streams.errors import LogError
from streams.join_turn import Joined, Pace, Topics
from streams.log import Log, Record
from streams.partition_joiner import PartitionJoiner
from streams.rocks_join_state import RocksDisk
from streams.rules import Rules

REST_S = 0.02
"""How long an idle desk sleeps where nobody wakes it: it looks for decisions then."""
OPENING_S = 15.0
"""How long a folder or a state that somebody still holds is waited for."""


@dataclass(frozen=True, slots=True)
class Work:
    """What the desks of one worker share; its states lie in folder/p{n}, all snapshots in snapshots/join/p{n}."""

    events: Log
    examples: Log
    decisions: Log
    rules: Rules
    pace: Pace
    folder: Path
    snapshots: Path


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """The folder of a worker, for it alone, waiting for a predecessor that is not quite gone. Raises LogError."""
    folder.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + OPENING_S
    with (folder / "worker.lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > end:
                    raise LogError(
                        f"{folder} has been held by another process for {OPENING_S:.0f} s. Two workers must not share "
                        "a name: stop one, or start it with another `--worker NAME`."
                    ) from error
            time.sleep(0.05)
        yield


class Desk:
    """A partition from `start` until `leave`, or until it fails: then `failed` is told, and `error` says why.

    `next` is where it stands, `pulse` moves whenever it gets on with anything.
    """

    def __init__(
        self,
        partition: int,
        work: Work,
        *,
        told: Callable[[Joined], None],
        failed: Callable[[BaseException], None],
        slot: AbstractContextManager[object],
    ) -> None:
        self.partition, self.next, self.pulse = partition, -1, 0
        self._work, self._told, self._failed, self._slot = work, told, failed, slot
        self._news, self._leaving = Event(), Event()
        self._thread = Thread(target=self._run, name=f"join-p{partition}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """There is something to read."""
        self._news.set()

    def leave(self) -> None:
        """Ask it to end; it has ended when it is not `busy` any more, and then its state is closed."""
        self._leaving.set()
        self._news.set()

    @property
    def busy(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        work, name = self._work, f"p{self.partition}"
        disk = RocksDisk(work.folder / name, work.snapshots / "join" / name)
        try:
            self._open(disk)
            topics = Topics(Pulsed(work.events, self), Pulsed(work.examples, self), DecisionLog(work.decisions))
            joiner = PartitionJoiner(self.partition, topics, rules=work.rules, disk=disk, pace=work.pace)
            while not self._leaving.is_set():
                self._turn(joiner)
        except BaseException as error:
            place = f"from {self.next:,} on" if self.next >= 0 else "from where its state stands"
            error.add_note(f"while joining events[{self.partition}] {place}; nothing was passed over")
            self._failed(error)
        finally:
            disk.close()

    def _turn(self, joiner: PartitionJoiner) -> None:
        self._news.clear()
        with self._slot:
            for _ in joiner.turn():
                self.pulse += 1
                if self._leaving.is_set():
                    return  # between two effects; what is left of the turn is done by whoever comes next
        self.next = joiner.report.next
        self._told(joiner.report)
        if joiner.report.idle:
            self._news.wait(REST_S)

    def _open(self, disk: RocksDisk) -> None:
        """Open the state that stands there, waiting for a desk that was left while it waited for the broker."""
        end = time.monotonic() + OPENING_S
        while True:
            try:
                disk.current()
                return
            except Exception as error:
                if "LOCK" not in str(error):
                    raise
                if self._leaving.is_set() or time.monotonic() > end:
                    raise LogError(
                        f"the join state p{self.partition} in {self._work.folder} was still held after {OPENING_S:.0f} "
                        "s by whoever had it before. Start the worker again."
                    ) from error
            time.sleep(0.1)


class Pulsed:
    """A log whose reads that find something move the pulse of a desk: it gets on, though its position may not."""

    def __init__(self, log: Log, desk: Desk) -> None:
        self.topic, self.partitions = log.topic, log.partitions
        self._log, self._desk = log, desk
        self.append, self.begin, self.end = log.append, log.begin, log.end
        self.offset_at, self.trim, self.close = log.offset_at, log.trim, log.close

    def read(self, partition: int, since: int, limit: int = 1000) -> list[Record]:
        records = self._log.read(partition, since, limit)
        self._desk.pulse += bool(records)
        return records
