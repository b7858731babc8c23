"""Files that survive a loss of power: synced before they are renamed, hashed before they are believed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path


def files_in(folder: Path) -> Iterator[Path]:
    """Every file below a folder, in the order of their names."""
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


HASHED = 1 << 22
"""Bytes that are hashed at a time: after each a thread wants the interpreter lock, and takes it from another."""


def digest_of(path: Path) -> str:
    """sha256 of a file's bytes, in hex."""
    digest, piece = hashlib.sha256(), memoryview(bytearray(HASHED))
    with path.open("rb", buffering=0) as file:
        while read := file.readinto(piece):
            digest.update(piece[:read])
    return digest.hexdigest()


Stamp = tuple[int, int, int, int]


def stamps(folder: Path, names: Iterable[str]) -> tuple[Stamp, ...] | None:
    """What tells that files were not written to since: inode, length, times of the last change of the bytes and of the
    entry; None where one is missing."""
    try:
        told = [(folder / name).stat() for name in sorted(names)]
    except OSError:
        return None
    return tuple((one.st_ino, one.st_size, one.st_mtime_ns, one.st_ctime_ns) for one in told)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a loss of power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_tree(folder: Path) -> None:
    """Make every file below a folder, and every name, survive a loss of power."""
    for path in files_in(folder):
        with path.open("rb") as file:
            os.fsync(file.fileno())
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir():
            sync_folder(path)
    sync_folder(folder)


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file in one step: it holds the old bytes or the new ones, never a part.

    1. write beside it; 2. sync; 3. rename over it; 4. sync the folder. Raises OSError, and what is beside it is gone.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with aside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
        sync_folder(path.parent)
    except OSError:
        with suppress(OSError):
            aside.unlink()
        raise
