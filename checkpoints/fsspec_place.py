"""Versions at any url that fsspec knows: s3://, gs://, abfs://, memory:// and many more.

Such places have no rename, so the manifest that comes last is all that commits; what a death left without one is
nothing. Files are read from copies on this machine, whose digests are checked like those of any other. The only file
that knows fsspec.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from errno import EDQUOT, ENOSPC
from pathlib import Path
from typing import Any
from uuid import uuid4

import fsspec
from fsspec.core import url_to_fs

from checkpoints.chains import MANIFEST
from checkpoints.files import files_in
from checkpoints.place_errors import EXTRAS, protocol_of, told_of, unknown_protocol
from checkpoints.places import aside_of, emptied, tidy_asides
from checkpoints.vouching import unsay

CLAIM = "reserved"
COPIES = 64
YOUNG = 600.0
"""Seconds for which a copy stays after its last use, whatever else there is."""


class FsspecPlace:
    """`places.Place` over a url; `cache` is a folder of this machine that it may fill and empty.

    A claim is won by creating a file that must not be there. Where a file system can't do that, two trainers must not
    be started at once.
    """

    def __init__(self, url: str, cache: Path, options: Mapping[str, Any] | None = None) -> None:
        self.where, self._cache = url.rstrip("/"), cache
        self._manifests: dict[str, bytes] = {}
        try:
            self._fs, self._root = url_to_fs(self.where, use_listings_cache=False, **(options or {}))
        except (ImportError, ValueError) as error:
            raise unknown_protocol(url, error, fsspec.available_protocols()) from error
        except Exception as error:
            raise told_of(self.where, error) from error

    def claim(self, name: str) -> bool:
        path = self._path(f"{name}/{CLAIM}")
        with self._reaching(writing=True):
            self._make(self._path(name))
            if self._fs.exists(path):
                return False
            try:
                self._fs.pipe_file(path, uuid4().bytes, mode="create")
            except FileExistsError:
                return False
        return True

    def names(self, under: str = "") -> list[str]:
        with self._reaching():
            self._fs.invalidate_cache()
            try:
                found = self._fs.ls(self._path(under), detail=False)
            except FileNotFoundError:
                return []
        return sorted({path.rstrip("/").rsplit("/", 1)[-1] for path in found})

    def read(self, path: str) -> bytes:
        if path in self._manifests:
            return self._manifests[path]
        with self._reaching():
            data: bytes = self._fs.cat_file(self._path(path))
        if path.endswith(f"/{MANIFEST}"):
            self._manifests[path] = data
        return data

    def write(self, path: str, data: bytes) -> None:
        to = self._path(path)
        with self._reaching(writing=True):
            self._make(to.rpartition("/")[0])
            self._fs.pipe_file(to, data)

    def size(self, name: str) -> int:
        with self._reaching():
            return int(self._fs.du(self._path(name)))

    def aside(self, name: str) -> Path:
        return emptied(self._cache / aside_of(name))

    def put(self, aside: Path, name: str) -> None:
        """1. send every file; 2. what was sent is the first copy."""
        for path in files_in(aside):
            to = self._path(f"{name}/{path.relative_to(aside)}")
            with self._reaching(writing=True):
                self._make(to.rpartition("/")[0])
                self._fs.put_file(str(path), to)
        copy = self._cache / name
        shutil.rmtree(copy, ignore_errors=True)
        copy.parent.mkdir(parents=True, exist_ok=True)
        aside.replace(copy)

    def fetch(self, name: str, files: Collection[str]) -> Path:
        folder = self._cache / name
        for file in files:
            if not (folder / file).is_file():
                self._fetch(f"{name}/{file}", folder / file)
        folder.mkdir(parents=True, exist_ok=True)
        os.utime(folder)
        self._forget_copies()
        return folder

    def again(self, name: str, files: Collection[str]) -> bool:
        for file in files:
            (self._cache / name / file).unlink(missing_ok=True)
        return True

    def drop(self, name: str) -> None:
        """1. the manifest; 2. the rest; 3. the copy."""
        self._manifests.pop(f"{name}/{MANIFEST}", None)
        with self._reaching():
            for path in (f"{name}/{MANIFEST}", name):
                try:
                    self._fs.rm(self._path(path), recursive=path == name)
                except FileNotFoundError:
                    continue
        shutil.rmtree(self._cache / name, ignore_errors=True)
        unsay(self._cache / name)

    def tidy(self, before: int) -> None:
        tidy_asides(self._cache, before)

    def _make(self, folder: str) -> None:
        """Object stores have no folders, and would make a bucket."""
        if protocol_of(self.where) not in EXTRAS:
            self._fs.makedirs(folder, exist_ok=True)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}".rstrip("/")

    def _fetch(self, path: str, to: Path) -> None:
        """A copy under its name only once it is all there; none where there is no such file."""
        to.parent.mkdir(parents=True, exist_ok=True)
        part = to.with_name(f".{to.name}.{os.getpid()}")
        try:
            with self._reaching():
                self._fs.get_file(self._path(path), str(part))
            part.replace(to)
        except FileNotFoundError:
            part.unlink(missing_ok=True)

    def _forget_copies(self) -> None:
        """Copies go that were not used for a while, but for the last few."""
        copies = [path for under in ("", "compacted") for path in _folders(self._cache / under)]
        used = sorted(((path.stat().st_mtime, path) for path in copies if path.exists()), reverse=True)
        for at, path in used[COPIES:]:
            if at < time.time() - YOUNG:
                shutil.rmtree(path, ignore_errors=True)

    @contextmanager
    def _reaching(self, *, writing: bool = False) -> Iterator[None]:
        """What a file system raises, as one error that says what to do."""
        try:
            yield
        except FileNotFoundError as error:
            if not writing:
                raise
            raise told_of(self.where, error) from error
        except Exception as error:
            if isinstance(error, OSError) and error.errno in (ENOSPC, EDQUOT):
                raise
            raise told_of(self.where, error) from error


def _folders(folder: Path) -> list[Path]:
    is_copy: Callable[[Path], bool] = lambda path: path.name.isdigit() and len(path.name) == 8  # noqa: E731
    return [path for path in folder.iterdir() if is_copy(path)] if folder.is_dir() else []
