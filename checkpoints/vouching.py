"""The word of whoever looked at a version's files last, kept beside its folder for other processes.

A word holds as long as each file is the one that was looked at (inode, length, times of the last change of bytes and of
the entry). What the disk itself loses without a write is not seen: who restores from a version reads every byte. A word
that can't be kept or read is no word; nothing fails for it.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import msgspec

from checkpoints.files import Stamp

PREFIX = ".whole-"


def vouch(folder: Path, seen: tuple[Stamp, ...]) -> None:
    """Say that the files of a folder, as they stand, are what its manifest says.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as root:
    ...     (folder := Path(root) / "00000007").mkdir()
    ...     vouch(folder, ((1, 2, 3, 4),))
    ...     vouched(folder, ((1, 2, 3, 4),)), vouched(folder, ((1, 2, 3, 5),))
    (True, False)
    """
    with suppress(OSError):
        _word(folder).write_bytes(msgspec.json.encode(seen))


def vouched(folder: Path, seen: tuple[Stamp, ...]) -> bool:
    """Whether someone looked at exactly these files, and found them whole."""
    try:
        return msgspec.json.decode(_word(folder).read_bytes(), type=tuple[Stamp, ...]) == seen
    except (OSError, msgspec.MsgspecError):
        return False


def unsay(folder: Path) -> None:
    """The folder goes, and the word with it."""
    with suppress(OSError):
        _word(folder).unlink()


def _word(folder: Path) -> Path:
    return folder.with_name(f"{PREFIX}{folder.name}")
