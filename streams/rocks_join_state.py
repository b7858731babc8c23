"""The joiner's state in RocksDB: one store per partition, snapshots by hard links, a pointer that is switched.

Families below 0x80 are time-major and lie in a column family of their own, where ranges are dropped; point look-ups
by name never meet a range tombstone. The only file of this package that imports rocksdict.
"""

from __future__ import annotations

import json
import os
import shutil
import weakref
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from rocksdict import (
    BlockBasedOptions,
    Cache,
    Checkpoint,
    DBCompressionType,
    Options,
    Rdict,
    WriteBatch,
)

from streams.join_disk import DamagedSnapshot, Snapshot
from streams.join_keys import FORMAT
from streams.join_state import Changes, JoinStore, Ranges

_MEMTABLE_BYTES = 16 << 20
_CACHE_BYTES = 64 << 20
_POINTER = "CURRENT"
_MANIFEST = "manifest.json"


class RocksStore:
    """The JoinStore contract over one RocksDB; one process at a time (RocksDB's own lock says so)."""

    def __init__(self, path: Path) -> None:
        names = ["timed", "named"]
        self._db: Any = Rdict(str(path), _options(), column_families={name: _options() for name in names})
        self._timed: Any
        self._named: Any
        self._timed, self._named = (self._db.get_column_family(name) for name in names)
        self._handles = [self._db.get_column_family_handle(name) for name in names]
        # a database that is open while the interpreter goes down may crash it
        self._ending = weakref.finalize(self, _let_go, self._db, [self._timed, self._named])

    def get(self, key: bytes) -> bytes | None:
        found: bytes | None = (self._timed if key[0] < 128 else self._named).get(key)
        return found

    def scan(self, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        family: Any = self._timed if start[0] < 128 else self._named
        for key, value in family.items(from_key=start):
            if key >= stop:
                return
            yield key, value

    def write(self, dropped: Ranges, changes: Changes) -> None:
        batch: Any = WriteBatch(raw_mode=True)
        timed, named = self._handles
        put, delete = batch.put, batch.delete
        for start, stop in dropped:
            batch.delete_range(start, stop, timed if start[0] < 128 else named)
        for key, value in changes:
            if value is None:
                delete(key, timed if key[0] < 128 else named)
            else:
                put(key, value, timed if key[0] < 128 else named)
        self._db.write(batch)

    def checkpoint(self, path: Path) -> None:
        """A copy of what stands, by hard links; `path` must not exist."""
        maker = Checkpoint(self._db)
        maker.create_checkpoint(str(path))
        del maker  # while it lives, the lock is not let go

    def close(self) -> None:
        """Let go of the lock: every handle first, then the database."""
        self._handles = []
        self._timed = self._named = None
        self._ending()
        self._db = None


class RocksDisk:
    """The JoinDisk contract in two folders: `folder` has the states and a pointer, `snapshots` what was put aside.

    Both must lie on one file system, or hard links become copies.
    """

    def __init__(self, folder: Path, snapshots: Path) -> None:
        self._folder, self._snapshots = folder, snapshots
        self._store: RocksStore | None = None

    def current(self) -> JoinStore | None:
        if self._store is None:
            pointer = self._folder / _POINTER
            if not pointer.exists():
                return None
            stands = pointer.read_text().strip()
            self._clear_but(stands)
            self._store = RocksStore(self._folder / stands)
        return self._store

    def switch(self, base: Snapshot | None, changes: Changes) -> JoinStore:
        """1 link the base aside, 2 open it and make the changes, 3 move the pointer, 4 remove what stood before."""
        self._folder.mkdir(parents=True, exist_ok=True)
        if self._store is None:
            self._clear_but(self._pointed())
        aside = self._folder / f"state-{self._numbered() + 1:06d}"
        if base is not None:
            self._link(base, aside)
        try:
            store = RocksStore(aside)
            store.write([], changes)
        except Exception as error:
            shutil.rmtree(aside, ignore_errors=True)
            raise DamagedSnapshot(f"{base.name if base else 'an empty state'} can't be opened: {error}") from error
        _replace(self._folder / _POINTER, aside.name)
        self.close()
        self._store = store
        self._clear_but(aside.name)
        return store

    def snapshot(self, snapshot: Snapshot) -> None:
        """1 checkpoint aside, 2 its manifest, 3 rename."""
        target, aside = self._snapshots / snapshot.name, self._snapshots / f".{snapshot.name}"
        if target.exists():
            return
        if self._store is None:
            raise DamagedSnapshot(f"snapshot {snapshot.name} can't be made: nothing is open")
        self._snapshots.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(aside, ignore_errors=True)
        self._store.checkpoint(aside)
        files = {path.name: path.stat().st_size for path in sorted(aside.iterdir())}
        told = {
            "fold": "join",
            "format": FORMAT,
            "next": snapshot.next,
            "decisions": snapshot.decisions,
            "config": snapshot.config,
        }
        (aside / _MANIFEST).write_text(json.dumps(told | {"files": files}))
        os.replace(aside, target)

    def snapshots(self) -> list[Snapshot]:
        found = []
        for path in self._snapshots.glob(f"[0-9]*/{_MANIFEST}"):
            with suppress(FileNotFoundError):  # another worker thins them too
                told = json.loads(path.read_text())
                if told.get("format") == FORMAT:
                    found.append(Snapshot(told["next"], told["decisions"], told["config"]))
        return sorted(found)

    def remove(self, snapshot: Snapshot) -> None:
        """Out of sight in one step, then gone: what is there in part would be taken for a base."""
        gone = self._snapshots / f".gone-{snapshot.name}"
        shutil.rmtree(gone, ignore_errors=True)
        with suppress(FileNotFoundError):
            os.replace(self._snapshots / snapshot.name, gone)
        shutil.rmtree(gone, ignore_errors=True)

    def close(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None

    def _pointed(self) -> str:
        pointer = self._folder / _POINTER
        return pointer.read_text().strip() if pointer.exists() else ""

    def _numbered(self) -> int:
        return max((int(path.name[6:]) for path in self._folder.glob("state-*")), default=0)

    def _clear_but(self, name: str) -> None:
        for path in self._folder.glob("state-*"):
            if path.name != name:
                shutil.rmtree(path)

    def _link(self, base: Snapshot, aside: Path) -> None:
        source = self._snapshots / base.name
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir()
        try:
            for name, size in json.loads((source / _MANIFEST).read_text())["files"].items():
                if (source / name).stat().st_size != size:
                    raise DamagedSnapshot(f"snapshot {base.name}: {name} should have {size:,} bytes, but has not")
                if name.endswith(".sst"):
                    os.link(source / name, aside / name)  # never written again
                else:
                    shutil.copyfile(source / name, aside / name)
        except (OSError, ValueError, DamagedSnapshot) as error:
            shutil.rmtree(aside)
            raise DamagedSnapshot(f"{error}. The snapshot is passed over; remove {source}.") from error


def _let_go(db: Any, families: list[Any]) -> None:
    while families:
        families.pop().close()
    db.close()


def _replace(path: Path, text: str) -> None:
    fresh = path.with_suffix(".new")
    with fresh.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)


def _options() -> Any:
    table = BlockBasedOptions()
    table.set_block_cache(Cache(_CACHE_BYTES))
    table.set_bloom_filter(10, False)
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    options.create_missing_column_families(True)
    options.set_compression_type(DBCompressionType.lz4())
    options.set_write_buffer_size(_MEMTABLE_BYTES)
    options.set_block_based_table_factory(table)
    options.set_memtable_whole_key_filtering(True)
    options.set_memtable_prefix_bloom_ratio(0.05)
    options.set_keep_log_file_num(2)
    return options
