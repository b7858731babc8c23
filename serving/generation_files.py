"""The folder of a generation: which files it holds, how they are sealed, and how a damaged one is known.

Everything in it is immutable and hashed. The manifest holds the digest of itself, so that not one byte of the folder
can change unseen. What the arrays mean is for `graph.py`; nothing here searches.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import msgspec
from msgspec import Struct

from checkpoints.files import digest_of, files_in, sync_tree, write_whole
from streams.errors import HeadraceError

MANIFEST = "manifest.json"
EXPORT = "serving"
CANARY = "canary.npz"
ARRAYS = ("links", "upper", "uoff", "labels", "vec", "base")


class DamagedGeneration(HeadraceError):
    """A generation that can't be served; its message names the folder, the file and the cause."""

    def __init__(self, folder: Path, file: str, cause: str) -> None:
        super().__init__(
            f"generation {folder}: {file}: {cause}. The file was torn or changed; remove the folder, "
            "and the follower builds it anew from its version"
        )
        self.file = file


class About(Struct, frozen=True):
    """What a generation says of itself: `version` is read from the vectors' own export, never told by the asker.

    `ef` is how many nodes a search keeps in hand; `linked` the version whose vectors the links were built for,
    `cosine` the mean of today's vectors to those, `recall` that of the canary, `recall_built` as of the build, `late`
    the recall of queries of late, None where nobody had asked.
    """

    version: int
    parent: int | None
    items: int
    dim: int
    entry: int = 0
    m: int = 16
    ef_construction: int = 100
    seed: int = 17
    ef: int = 200
    linked: int = 0
    cosine: float = 1.0
    recall: float = 1.0
    recall_built: float = 1.0
    late: float | None = None
    files: dict[str, str] = {}
    digest: str = ""


def folder_of(generations: Path, version: int) -> Path:
    return generations / f"{version:08d}"


def versions_in(generations: Path) -> list[int]:
    """The versions that have a generation in place, oldest first; folders aside are none."""
    try:
        names = os.listdir(generations)  # loops ask many times a second
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(int(name) for name in names if name.isdigit() and len(name) == 8)


def link(source: Path, target: Path) -> None:
    """The same bytes under a second name: a hard link where the file system has them, else a copy."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def seal(folder: Path, about: About) -> About:
    """1. hash every file; 2. sync them; 3. write the manifest, which holds its own digest."""
    files = {str(path.relative_to(folder)): digest_of(path) for path in files_in(folder)}
    about = msgspec.structs.replace(about, files=files, digest="")
    about = msgspec.structs.replace(about, digest=hashlib.sha256(_encode(about)).hexdigest())
    sync_tree(folder)
    write_whole(folder / MANIFEST, _encode(about))
    return about


def read_about(folder: Path) -> About:
    """The manifest, if each of its bytes is as it was sealed. Raises DamagedGeneration."""
    try:
        raw = (folder / MANIFEST).read_bytes()
        about = _decode(raw)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DamagedGeneration(folder, MANIFEST, f"can't be read ({error})") from error
    # of the bytes and not of what they mean: a manifest of another release holds other fields
    found = hashlib.sha256(raw.replace(about.digest.encode(), b"", 1)).hexdigest()
    if found != about.digest:
        raise DamagedGeneration(folder, MANIFEST, f"says its digest is {about.digest[:12]}, but it is {found[:12]}")
    if len(folder.name) == 8 and folder.name.isdigit() and int(folder.name) != about.version:
        raise DamagedGeneration(folder, MANIFEST, f"is of version {about.version}; the folder was renamed")
    return about


def verify(folder: Path, about: About) -> None:
    """Every file is there and is what the manifest says. Raises DamagedGeneration."""
    for name in (CANARY, *(f"{array}.npy" for array in ARRAYS)):
        if name not in about.files:
            raise DamagedGeneration(folder, name, "the manifest does not name it")
    known: dict[tuple[int, int], str] = {}  # one file under two names is read once
    for name, wanted in sorted(about.files.items()):
        try:
            place = (folder / name).stat()
            inode = place.st_dev, place.st_ino
            found = known[inode] = known.get(inode) or digest_of(folder / name)
        except OSError as error:
            raise DamagedGeneration(folder, name, f"can't be read ({error.strerror})") from error
        if found != wanted:
            raise DamagedGeneration(folder, name, f"is {found[:12]}, the manifest says {wanted[:12]}")


def _encode(about: About) -> bytes:
    return msgspec.json.format(msgspec.json.encode(about, order="deterministic"), indent=1)


_decode = msgspec.json.Decoder(About).decode
