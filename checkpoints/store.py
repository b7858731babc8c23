"""Versions on a disk: files and a manifest, written aside, synced, renamed, the manifest last.

A folder `%08d` without a manifest is a number that was reserved and never committed. Who serves which version is not
decided here (`registry.py`), and which ones may go neither.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec

from checkpoints.errors import DamagedVersion, NoSuchVersion, VersionError
from checkpoints.files import digest_of, files_in, sync_folder, sync_tree, write_whole
from checkpoints.manifest import Manifest, decode_manifest, encode_manifest

MANIFEST = "manifest.json"
HIGHEST = "highest"
GONE = ".gone-"


class VersionStore:
    """The versions below one folder; many readers, one committing trainer at a time.

    Promised: a committed version never changes, a number is never used twice (also after its version was removed), a
    process that dies at any line leaves the version committed or not there. Not promised: that a version is valid
    under today's mask.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def reserve(self) -> int:
        """The next number: 1 + the highest ever. An atomic mkdir decides between two trainers."""
        self.root.mkdir(parents=True, exist_ok=True)
        number = 1 + max(self._highest(), *self._numbers(), 0)
        while True:
            try:
                self.folder(number).mkdir()
            except FileExistsError:
                number += 1
                continue
            write_whole(self.root / HIGHEST, str(number).encode())
            return number

    def commit(self, version: int, write: Callable[[Path], None], draft: Manifest) -> Manifest:
        """Commit the reserved number with what `write` puts into a folder.

        1. files into a folder aside; 2. digests; 3. sync; 4. rename each into the version's folder; 5. the manifest.
        Raises VersionError where the version is committed already.
        """
        folder = self.folder(version)
        if (folder / MANIFEST).exists():
            raise VersionError(f"version {version} is committed already; reserve a new number for another state")
        aside = self.root / f".{version:08d}.{os.getpid()}"
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        write(aside)
        digests = {str(path.relative_to(aside)): digest_of(path) for path in files_in(aside)}
        sync_tree(aside)
        for path in sorted(aside.iterdir()):
            path.replace(folder / path.name)
        aside.rmdir()
        sync_folder(folder)
        manifest = msgspec.structs.replace(draft, version=version, files=digests)
        write_whole(folder / MANIFEST, encode_manifest(manifest))
        return manifest

    def folder(self, version: int) -> Path:
        return self.root / f"{version:08d}"

    def manifest(self, version: int) -> Manifest:
        """What a committed version says of itself. Raises NoSuchVersion, DamagedVersion."""
        path = self.folder(version) / MANIFEST
        try:
            manifest = decode_manifest(path.read_bytes())
        except FileNotFoundError:
            raise NoSuchVersion(
                f"{self.root} holds no version {version}; `headrace versions list` shows those that it holds"
            ) from None
        except msgspec.MsgspecError as error:
            raise DamagedVersion(f"{path} is not a manifest ({error}); restore it, or use its parent") from error
        if manifest.version != version:
            raise DamagedVersion(f"{path} says it is of version {manifest.version}, not {version}; use its parent")
        return manifest

    def open(self, version: int) -> Path:
        """The folder of a version whose files are what its manifest says. Raises NoSuchVersion, DamagedVersion."""
        manifest, folder = self.manifest(version), self.folder(version)
        for name, wanted in sorted(manifest.files.items()):
            path = folder / name
            found = digest_of(path) if path.is_file() else "missing"
            if found != wanted:
                raise DamagedVersion(
                    f"{path} is {found[:12]}, its manifest says {wanted[:12]}. The file was torn or changed. "
                    f"Use the parent, version {manifest.parent}: headrace rollback {manifest.parent} --why 'damaged'"
                )
        return folder

    def manifests(self) -> list[Manifest]:
        """All committed versions that can be read, oldest first."""
        found = []
        for number in self._numbers():
            try:
                found.append(self.manifest(number))
            except VersionError:
                continue
        return found

    def remove(self, version: int) -> None:
        """Take a version away: out of sight in one step, then gone, so that it is never found in part."""
        gone = self.root / f"{GONE}{version:08d}"
        shutil.rmtree(gone, ignore_errors=True)
        with contextlib.suppress(FileNotFoundError):
            self.folder(version).rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def sweep(self, before: int) -> None:
        """Take away what deaths left of numbers below `before`: versions half removed or half written."""
        for left in [*self.root.glob(f"{GONE}*"), *self.root.glob(".[0-9]*.*"), *map(self.folder, self._numbers())]:
            number = int(left.name.removeprefix(GONE).strip(".").partition(".")[0])
            if left.name.startswith(GONE) or (number < before and not (left / MANIFEST).exists()):
                shutil.rmtree(left, ignore_errors=True)

    def _numbers(self) -> list[int]:
        if not self.root.is_dir():
            return []
        return sorted(int(path.name) for path in self.root.iterdir() if path.name.isdigit() and len(path.name) == 8)

    def _highest(self) -> int:
        try:
            return int((self.root / HIGHEST).read_text())
        except (FileNotFoundError, ValueError):
            return 0
