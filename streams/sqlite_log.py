"""The embedded log: one SQLite file per topic, in WAL mode, for many processes of one machine.

It is no queue: readers keep their own positions, and only `trim` takes out, from the begin. A trimmed file does not
shrink: its free pages take the next records. Without loss of power nothing that `append` returned for is lost; with
it, `synchronous="FULL"` keeps the promise too, at one sync per append.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from uuid import uuid4

from streams.errors import LogError, LogMismatch
from streams.log import Record

Synchronous = Literal["NORMAL", "FULL"]
FORMAT = "1"
PARTITIONER = "murmur2"
WAIT_S = 30.0
PIECE, PAUSE_S = 1_000, 0.02
"""Records that `trim` takes out in one transaction, and the pause after each: who writes waits for milliseconds."""

_OFFSET_BITS = 44
_OFFSETS = (1 << _OFFSET_BITS) - 1

_SCHEMA = """
PRAGMA journal_mode = WAL;
BEGIN;
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE records (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, value BLOB NOT NULL);
"""


class SqliteLog:
    """The Log contract over one file. Threads may share it; a fork may not.

    A record's key is its partition above its offset, so each partition is one dense run of the table: no second
    index is written, and `offset_at` halves the run. Readers and writers have a connection each; the reader's
    `data_version` says whether anything was committed since, so asking for news at the end costs microseconds.
    """

    def __init__(self, path: Path, topic: str, partitions: int, *, synchronous: Synchronous = "NORMAL") -> None:
        self.path = path
        self.topic = topic
        self.partitions = partitions
        self._writing, self._reading = threading.Lock(), threading.Lock()
        self._ends: dict[int, int] = {}
        self._seen = -1
        if not path.exists():
            _create(path, topic, partitions)
        with self._named("it is no log"):
            self._writer, self._reader = _connect(path, synchronous), _connect(path, synchronous)
        try:
            self._check()
        except LogError:
            self.close()
            raise

    def append(self, partition: int, values: Sequence[bytes], at: int) -> int:
        """Append `values` with record time `at` in one transaction; LogError, naming the file, where it can't."""
        low, high = self._run(partition)
        with self._writing, self._named(f"{len(values)} records were not appended"), _transaction(self._writer):
            first = _end(self._writer, low, high)
            self._writer.executemany(
                "INSERT INTO records VALUES (?, ?, ?)", [(first + i, at, value) for i, value in enumerate(values)]
            )
            return (first + len(values)) & _OFFSETS

    def read(self, partition: int, since: int, limit: int = 1000) -> list[Record]:
        low, high = self._run(partition)
        with self._reading, self._named("it can't be read"):
            if since >= self._fresh_end(partition, low, high):
                return []
            rows = self._reader.execute(
                "SELECT id, at, value FROM records WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?",
                (low + max(since, 0), high, limit),
            ).fetchall()
        return [Record(key & _OFFSETS, at, value) for key, at, value in rows]

    def begin(self, partition: int) -> int:
        low, high = self._run(partition)
        with self._reading, self._named("it can't be read"):
            return _begin(self._reader, low, high) & _OFFSETS

    def end(self, partition: int) -> int:
        low, high = self._run(partition)
        with self._reading, self._named("it can't be read"):
            return self._fresh_end(partition, low, high)

    def offset_at(self, partition: int, at: int) -> int:
        low, high = self._run(partition)
        with self._reading, self._named("it can't be read"), _transaction(self._reader, "BEGIN"):
            left, right = _begin(self._reader, low, high), _end(self._reader, low, high)
            while left < right:
                middle = (left + right) // 2
                if self._reader.execute("SELECT at FROM records WHERE id = ?", (middle,)).fetchone()[0] < at:
                    left = middle + 1
                else:
                    right = middle
        return left & _OFFSETS

    def trim(self, partition: int, before: int) -> None:
        """Take away what lies below `before` but the last record, piece by piece, each in a transaction of its own."""
        low, high = self._run(partition)
        while True:
            with self._writing, self._named("it was not trimmed"), _transaction(self._writer):
                begin = _begin(self._writer, low, high)
                wanted = min(low + before, _end(self._writer, low, high) - 1)
                stop = min(wanted, begin + PIECE)
                self._writer.execute("DELETE FROM records WHERE id >= ? AND id < ?", (begin, stop))
            if stop >= wanted:
                return
            time.sleep(PAUSE_S)

    def close(self) -> None:
        with self._writing, self._reading:
            self._writer.close()
            self._reader.close()

    def _run(self, partition: int) -> tuple[int, int]:
        if not 0 <= partition < self.partitions:
            raise IndexError(f"{self.path} has partitions 0 to {self.partitions - 1}; {partition} was asked for")
        return partition << _OFFSET_BITS, (partition << _OFFSET_BITS) | _OFFSETS

    def _fresh_end(self, partition: int, low: int, high: int) -> int:
        seen = self._reader.execute("PRAGMA data_version").fetchone()[0]
        if seen != self._seen:
            self._seen, self._ends = seen, {}
        if partition not in self._ends:
            self._ends[partition] = _end(self._reader, low, high) & _OFFSETS
        return self._ends[partition]

    @contextmanager
    def _named(self, what: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise LogError(
                f"{self.path}: {what}: {error}. Is the disk full, the log closed, or the file of another program? "
                f"See `df -h {self.path.parent}`"
            ) from error

    def _check(self) -> None:
        with self._named("it is no log"):
            found = dict(self._reader.execute("SELECT name, value FROM meta").fetchall())
        for name, wanted in _meta(self.topic, self.partitions).items():
            if found.get(name) != wanted:
                raise LogMismatch(
                    f"{self.path} was made with {name} {found.get(name)}, but {name} {wanted} is asked for; "
                    f"keys would not be found where they are. Set {name} = {found.get(name)} in headrace.toml, "
                    "or begin a new log: `headrace up --log sqlite://NEW_FOLDER`"
                )


class SqliteLogs:
    """All topics in one folder; each is opened once and shared."""

    def __init__(self, folder: Path, *, synchronous: Synchronous = "NORMAL") -> None:
        self.folder = folder
        self._synchronous: Synchronous = synchronous
        self._logs: dict[str, SqliteLog] = {}
        self._opening = threading.Lock()

    def open(self, topic: str, partitions: int) -> SqliteLog:
        """The log of a topic, made with `partitions` where it is new; LogMismatch where it has another number."""
        with self._opening:
            log = self._logs.get(topic)
            if log is None or log.partitions != partitions:
                self.folder.mkdir(parents=True, exist_ok=True)
                path = self.folder / f"{topic}.sqlite"
                log = self._logs[topic] = SqliteLog(path, topic, partitions, synchronous=self._synchronous)
            return log

    def close(self) -> None:
        for log in self._logs.values():
            log.close()
        self._logs.clear()


def _create(path: Path, topic: str, partitions: int) -> None:
    """Make the file aside and give it its name once it is whole: of two processes that start at once, one wins."""
    aside = path.with_name(f".{path.name}.{uuid4().hex}")
    made = sqlite3.connect(aside, isolation_level=None)
    try:
        made.executescript(_SCHEMA)
        made.executemany("INSERT INTO meta VALUES (?, ?)", _meta(topic, partitions).items())
        made.execute("COMMIT")
        made.close()
        os.link(aside, path)
    except FileExistsError:
        pass
    except sqlite3.Error as error:
        raise LogError(f"{path} can't be made: {error}. See `df -h {path.parent}`") from error
    finally:
        made.close()
        for name in (aside, f"{aside}-wal", f"{aside}-shm"):
            Path(name).unlink(missing_ok=True)


def _meta(topic: str, partitions: int) -> dict[str, str]:
    return {"format": FORMAT, "topic": topic, "partitions": str(partitions), "partitioner": PARTITIONER}


def _connect(path: Path, synchronous: Synchronous) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=WAIT_S, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute("PRAGMA secure_delete = FAST")  # some builds write zeros over all that is trimmed
    return connection


@contextmanager
def _transaction(connection: sqlite3.Connection, begin: str = "BEGIN IMMEDIATE") -> Iterator[None]:
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _end(connection: sqlite3.Connection, low: int, high: int) -> int:
    last = connection.execute("SELECT max(id) FROM records WHERE id BETWEEN ? AND ?", (low, high)).fetchone()[0]
    return low if last is None else int(last) + 1


def _begin(connection: sqlite3.Connection, low: int, high: int) -> int:
    first = connection.execute("SELECT min(id) FROM records WHERE id BETWEEN ? AND ?", (low, high)).fetchone()[0]
    return low if first is None else int(first)
