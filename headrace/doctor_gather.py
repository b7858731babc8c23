"""Gathers what `headrace doctor` looks at: asks the log, reads what lies on the disk, changes nothing.

Every look stands alone: what one can't see is left out or told as its own fact, and the others go on. Opens no RocksDB;
where a fold goes on is read from its snapshots, versions, frames and last words.
"""

from __future__ import annotations

import os
import resource
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from checkpoints.errors import VersionError
from checkpoints.registry import Registry
from headrace.configuration import configured, differing
from headrace.deployment import fold_settings, rules_of, run_folder, topics, version_store
from headrace.doctor_facts import Decided, Facts, Machine, Place, Process, Stored, Topic, Versions
from headrace.doctor_locks import locks_in
from headrace.log_places import broker_of, broker_topics, logs_of, on_broker
from headrace.retaining import aside
from headrace.settings import Settings
from headrace.telemetry import Status, read_status
from streams import dead_letters, decisions
from streams.dead_letters import DeadLetters
from streams.decisions import DecisionLog, Decisions
from streams.errors import HeadraceError
from streams.examples import decode as decode_examples
from streams.frames import decode_frame
from streams.log import Log, Logs
from streams.topics import told


def gather(settings: Settings, clock: Callable[[], int]) -> Facts:
    """The facts as of when the last of them was gathered: looking takes a while, and records come meanwhile."""
    machine = machine_of(settings.var)
    processes = tuple(_process(one, clock()) for one in read_status(run_folder(settings)).values())
    locks = tuple(locks_in(settings.var))
    here = Facts(
        now=clock(),
        place=Place(settings.log_url),
        machine=machine,
        processes=processes,
        locks=locks,
        partitions=settings.partitions,
        out_of_orderness=rules_of(settings).out_of_orderness,
    )
    try:
        place, readable = _broker(settings) if on_broker(settings) else _folder(settings)
        if not readable:
            return replace(here, place=place)
        with closing(logs_of(settings)) as logs:
            return replace(_with_log(replace(here, place=place), settings, logs), now=clock())
    except (HeadraceError, OSError) as error:
        return replace(here, place=Place(settings.log_url, error=_short(error)))


def machine_of(folder: Path) -> Machine:
    """What is under our feet; `folder` is that of run-time data."""
    there = next((one for one in (folder, *folder.absolute().parents) if one.exists()), Path("/"))
    disk = shutil.disk_usage(there)
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    files = sys.maxsize if limit == resource.RLIM_INFINITY else limit
    return Machine(disk.free, disk.total, files, sys.version_info[:3], _torch(), _crc32c())


def _with_log(here: Facts, settings: Settings, logs: Logs) -> Facts:
    decided = DecisionLog(logs.open(decisions.TOPIC, 1))
    decided.follow()
    letters = DeadLetters(logs.open(dead_letters.TOPIC, dead_letters.PARTITIONS))
    still_open = [letter.at for _, letter, standing in letters.standing() if standing == "open"]
    stored = tuple(_stored(settings, logs, decided.fold))  # before the ends: while one looks, both move on
    return replace(
        here,
        topics=tuple(_topics(settings, logs)),
        stored=stored,
        versions=_versions(settings, decided.fold),
        decided=_decided(settings, decided),
        letters=len(still_open),
        letter_at=max(still_open, default=0),
    )


def _broker(settings: Settings) -> tuple[Place, bool]:
    """The place, and whether its topics can be read as they are."""
    with broker_of(settings) as broker:
        unlike = broker.unlike(broker_topics(settings))
        place = Place(settings.log_url, broker=broker.version, unlike=tuple(told(unlike).splitlines()))
        return place, all(one.config for one in unlike)


def _folder(settings: Settings) -> tuple[Place, bool]:
    """The embedded log makes what is not there, so it is opened only where it is."""
    there = Path(settings.log_url.partition("://")[2]).is_dir()
    return Place(settings.log_url), there


def _topics(settings: Settings, logs: Logs) -> Iterator[Topic]:
    for row in topics(settings):
        log = logs.open(row["topic"], len(row["ends"]))
        newest = [record.at for p in range(log.partitions) for record in log.read(p, log.end(p) - 1, 1) if log.end(p)]
        begins, ends = dict(enumerate(row["begins"])), dict(enumerate(row["ends"]))
        yield Topic(log.topic, begins, ends, max(newest, default=None))


def _stored(settings: Settings, logs: Logs, fold: Decisions) -> Iterator[Stored]:
    """Where the sequencer, the joiner, the trainer and servers go on."""
    events, examples = (logs.open(topic, settings.partitions) for topic in ("events", "examples"))
    for p in range(settings.partitions):
        for source, positions in _last(events, p, lambda data: decode_frame(data).sources, {}).items():
            yield from (Stored("sequencer", source, q, next) for q, next in positions.items())
        if said := _last(examples, p, lambda data: decode_examples(data).input + 1, 0):
            yield Stored("joiner", "events", p, said)
    snapshots = aside(settings.var / "snapshots", settings.partitions)
    for who, name in (("join", "joiner's newest snapshot"), ("serve", "server's newest snapshot")):
        for p, found in snapshots.get(who, {}).items():
            valid = [next for next, made in found if fold.valid(made, {p: next})]
            yield from (Stored(name, "events", p, max(valid)) for _ in valid[:1])
    good = [m for m in version_store(settings).manifests() if fold.valid(m.decisions, m.input) and m.verdict != "fail"]
    for manifest in good[-1:]:
        for p, at in manifest.positions.items():
            yield Stored(f"trainer (version {manifest.version})", "examples", p, at.examples)
            yield Stored(f"trainer (version {manifest.version})", "events", p, at.input)


def _last(log: Log, partition: int, read: Any, nothing: Any) -> Any:
    end = log.end(partition)
    records = log.read(partition, end - 1, 1) if end else []
    return read(records[0].value) if records else nothing


def _versions(settings: Settings, fold: Decisions) -> Versions:
    store, registry = version_store(settings), Registry.of(fold)
    manifests = store.manifests()
    valid = [m.version for m in manifests if fold.valid(m.decisions, m.input)]
    usable = [m.version for m in manifests if m.version in valid and m.verdict != "fail"]
    damage = ""
    if registry.live is not None:
        try:
            store.open(registry.live)
        except VersionError as error:
            damage = str(error)
    return Versions(
        valid=len(valid),
        tainted=len(manifests) - len(valid),
        live=registry.live,
        live_valid=registry.live is None or registry.live in valid,
        damage=damage,
        usable=max(usable, default=None),
        paused=registry.paused,
    )


def _decided(settings: Settings, decided: DecisionLog) -> Decided:
    entries = decided.fold.masking().entries
    stands = configured(decided)
    unlike = [] if stands is None else differing(fold_settings(settings), stands)
    endless = tuple(entry.id for entry in entries if entry.stop is None and entry.t1 is None)
    return Decided(tuple(one.told for one in unlike), endless, len(entries), decided.fold.floor())


def _process(one: Status, now: int) -> Process:
    lags = [last["lag"] for last in one.partitions.values() if "lag" in last]
    lag = sum(lags) if lags else one.last.get("behind")
    marks = [last["watermark"] for last in one.partitions.values() if last.get("watermark")]
    mark = min(marks) if marks else one.last.get("watermark")
    behind = lag if isinstance(lag, int) and not isinstance(lag, bool) else None
    known = mark if isinstance(mark, int) and mark > 0 else None
    age, warning = max(now - one.updated_at, 0), str(one.last.get("warning") or "")
    return Process(one.process, one.pid, _lives(one.pid), age, behind, known, warning)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _torch() -> str | None:
    try:
        return version("torch")
    except PackageNotFoundError:
        return None


def _crc32c() -> Literal["hardware", "software", "missing"]:
    if find_spec("crc32c") is None:
        return "missing"
    import crc32c

    return "hardware" if crc32c.hardware_based else "software"


def _short(error: Exception) -> str:
    return str(error) or type(error).__name__
