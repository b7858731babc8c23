"""Joiners on a real broker: workers as processes, a stream that goes on meanwhile, and what must come out."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from threading import Event, Thread
from typing import Any

from headrace.deployment import check_configuration, open_logs, rules_of
from headrace.log_places import make_or_check_topics
from headrace.settings import Settings
from headrace.settings_file import save, secrets_of, without_settings
from headrace.telemetry import Status, read_status
from headrace.tree import SINGLE_THREADED
from streams.decisions import DecisionLog
from streams.digest import digest_of_examples
from streams.frames import EventFrame, encode_frame
from streams.log import Log, Logs, MemoryLogs
from streams.poll_joiner import join, to_the_end
from tests.streams.join_runs import framed
from tests.streams.messy_logs import RULES, messy_log, shares

PATIENCE = 120.0
"""Seconds: longer than anything takes on a machine that others use too."""


def joining(var: Path, url: str, *, partitions: int, **changes: Any) -> Settings:
    """Settings whose rules are those of the messy logs, on a broker whose topics are made."""
    labels = {
        one.name: {name: getattr(one, name) for name in ("event", "window", "mode", "horizon", "min_value", "surfaces")}
        for one in RULES.labels
    }
    told = {"grace": RULES.grace, "out_of_orderness": RULES.out_of_orderness, "history": RULES.history}
    own = {"session": "6s", "snapshot_every": "1s"} | changes.pop("join", {})
    settings = Settings(var=var, log=url, partitions=partitions, labels=labels, join=told | own, **changes)
    assert rules_of(settings) == RULES
    make_or_check_topics(settings)
    check_configuration(settings)
    return settings


def frames_of(seed: int, visits: int, partitions: int, *, size: int = 5) -> list[list[bytes]]:
    """A messy stream in frames, by partition."""
    split = shares(messy_log(Random(seed), visits), partitions)
    return [[encode_frame(EventFrame(tuple(one))) for one in framed(events, size)] for events in split]


def append(log: Log, frames: Sequence[Sequence[bytes]]) -> None:
    """Append the frames of all partitions at once."""
    for p, ones in enumerate(frames):
        log.append(p, ones, at=time.time_ns() // 1_000_000)


@contextmanager
def appending(log: Log, frames: Sequence[Sequence[bytes]], seconds: float) -> Iterator[None]:
    """Frames come while the block goes on, as fast as if it took `seconds`; some in any case after all of it."""
    over = Event()
    producer = Thread(target=_append_slowly, args=(log, frames, seconds, over))
    producer.start()
    try:
        yield
    finally:
        over.set()
        producer.join()


def _append_slowly(log: Log, frames: Sequence[Sequence[bytes]], seconds: float, over: Event) -> None:
    rounds = max(map(len, frames))
    began = time.monotonic()
    for n in range(rounds):
        if n == rounds * 9 // 10:
            over.wait()
        append(log, [ones[n : n + 1] for ones in frames])
        over.wait(max(0.0, began + (n + 1) * seconds / rounds - time.monotonic()))


@dataclass
class Workers:
    """Workers by name; whoever is still there at the end is killed."""

    settings: Settings
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.run = self.settings.var / "run"
        self.run.mkdir(parents=True, exist_ok=True)
        save(self.settings, self.run / "settings.json")

    def start(self, *names: str) -> None:
        command = [sys.executable, "-m", "headrace", "join", "--settings", str(self.run / "settings.json")]
        environ = SINGLE_THREADED | without_settings(os.environ) | secrets_of(self.settings)
        for name in names:
            own = [*command, "--worker", name, "--parent", str(os.getpid())]
            with (self.run / f"{name}.log").open("ab") as words:
                self.running[name] = subprocess.Popen(own, stdout=words, stderr=words, env=environ)

    def kill(self, name: str) -> None:
        process = self.running.pop(name)
        process.kill()
        process.wait()

    def stop(self, name: str) -> int:
        """Ask it to stop; the status with which it ended."""
        process = self.running.pop(name)
        process.terminate()
        return process.wait(PATIENCE)

    def close(self) -> None:
        for name in list(self.running):
            self.kill(name)

    def words(self, name: str) -> str:
        return (self.run / f"{name}.log").read_text()

    def status(self, name: str) -> Status | None:
        return read_status(self.run).get(name)

    def stands(self) -> dict[int, int]:
        """The furthest that any worker says of each partition."""
        furthest: dict[int, int] = {}
        for status in read_status(self.run).values():
            for p, last in status.partitions.items():
                furthest[int(p)] = max(furthest.get(int(p), 0), last["next"])
        return furthest

    def holders(self) -> dict[int, str]:
        """Who holds the lock of each partition's state now."""
        held = {}
        for name, process in self.running.items():
            open_files = Path(f"/proc/{process.pid}/fd")
            for one in open_files.iterdir() if open_files.exists() else ():
                try:
                    path = Path(os.readlink(one))
                except OSError:
                    continue
                if path.name == "LOCK":
                    held[int(path.parent.parent.name[1:])] = name
        return held

    def share(self, *names: str) -> bool:
        """Whether each partition is in somebody's hands, and these have one at least."""
        held = self.holders()
        return len(held) == self.settings.partitions and set(held.values()) == set(names)

    def wait(self, what: Callable[[], object], patience: float = PATIENCE) -> None:
        """Wait until it is so, while all workers live."""
        began = time.monotonic()
        while not what():
            for name, process in self.running.items():
                assert process.poll() is None, f"{name} ended with {process.poll()}: {self.words(name)}"
            assert time.monotonic() < began + patience, f"not within {patience} s; {self.stands()} {self.holders()}"
            time.sleep(0.02)

    def caught_up(self, log: Log) -> bool:
        stands = self.stands()
        return all(stands.get(p, 0) == log.end(p) for p in range(log.partitions))


@contextmanager
def workers(settings: Settings, *names: str) -> Iterator[tuple[Workers, Logs]]:
    """Workers that were started, and the log they work on."""
    with open_logs(settings) as logs:
        crew = Workers(settings)
        try:
            crew.start(*names)
            yield crew, logs
        finally:
            crew.close()


def digests(logs: Logs, settings: Settings, folder: Path) -> tuple[str, str]:
    """The digest of what workers joined, and that of an undisturbed poll loop over the same events and decisions."""
    copied = MemoryLogs()
    for topic, partitions in (("events", settings.partitions), ("decisions", 1)):
        source, target = logs.open(topic, partitions), copied.open(topic, partitions)
        for p in range(partitions):
            since, end = 0, source.end(p)
            while since < end:
                records = source.read(p, since)
                assert records[0].offset == since
                target.append(p, [record.value for record in records], at=0)
                since = records[-1].offset + 1
    undisturbed = join(
        copied, partitions=settings.partitions, rules=RULES, folder=folder / "join", snapshots=folder / "aside",
        clock=lambda: 0,
    )  # fmt: skip
    for _ in to_the_end(undisturbed, settings.partitions):
        pass
    decisions = DecisionLog(logs.open("decisions", 1))
    decisions.follow()
    told = [digest_of_examples(one.open("examples", settings.partitions), decisions.fold) for one in (logs, copied)]
    return told[0], told[1]
