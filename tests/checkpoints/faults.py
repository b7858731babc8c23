"""A process that dies, and a disk that forgets or is full, at any line that changes files."""

from __future__ import annotations

import errno
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CHANGING = ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.link", "os.truncate")


class Stopped(BaseException):
    """The process dies here; nothing that runs on the way out may tidy up."""


def killed_at(step: int, act: Callable[[], object]) -> bool:
    """Run in a process of its own that is killed (-9) just before its `step`th change of files; whether it got there.

    Changes are what the interpreter audits: opening for writing, renames, folders, removals; and each fsync.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads: the child runs none
        child = os.fork()
    if not child:
        try:
            _die_at(step)
            act()
        except BaseException:
            os._exit(7)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, -signal.SIGKILL), f"the child failed by itself: {status}"
    return status != 0


def _die_at(step: int) -> None:
    left, real = step, os.fsync

    def change() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def heard(event: str, told: tuple[object, ...]) -> None:
        writes = event == "open" and isinstance(told[2], int) and told[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if event in CHANGING or writes:
            change()

    def synced(handle: int) -> None:
        change()
        real(handle)

    os.fsync = synced
    sys.addaudithook(heard)


@contextmanager
def changes(monkeypatch: pytest.MonkeyPatch, before: Callable[[], None]) -> Iterator[set[int]]:
    """Calls `before` ahead of each change of files; gives the inodes that were synced since they were made."""
    synced: set[int] = set()
    fsync = os.fsync

    def told(real: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            before()
            return real(*args, **kwargs)

        return call

    def sync(handle: int) -> None:
        before()
        fsync(handle)
        synced.add(os.fstat(handle).st_ino)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", sync)
        for owner, name in ((Path, "replace"), (Path, "rename"), (Path, "mkdir"), (Path, "rmdir"), (os, "unlink")):
            patch.setattr(owner, name, told(getattr(owner, name)))
        yield synced


def forgotten(folder: Path, synced: set[int]) -> None:
    """The power was lost: of what was never synced only a part is there."""
    for path in folder.rglob("*"):
        if path.is_file() and path.stat().st_ino not in synced:
            os.truncate(path, path.stat().st_size // 2)


def full() -> OSError:
    return OSError(errno.ENOSPC, "No space left on device")
