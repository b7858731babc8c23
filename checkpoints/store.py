"""Versions: files and a manifest, written aside and moved into their place, the manifest last.

A folder `%08d` without a manifest is a number that was reserved and never committed. A delta stands on the version
that its manifest names as `base`, and is opened with it; `compacted/%08d` may hold the same version once more, whole.
Where the files lie is the business of a `Place`. Who serves which version is not decided here (`registry.py`), and
which ones may go neither.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from checkpoints.chains import MANIFEST, Chains, named, short
from checkpoints.errors import DamagedVersion, NoSuchVersion, NotWritten, PlaceError, VersionError
from checkpoints.files import digest_of, files_in
from checkpoints.manifest import Manifest, encode_manifest
from checkpoints.places import DiskPlace, Place

HIGHEST = "highest"


@dataclass(frozen=True, slots=True)
class Opened:
    """A version that can be read: the folders of its chain, the full one first, its own last. `passed` says what was
    wrong with those that were looked at before it."""

    manifest: Manifest
    folders: tuple[Path, ...]
    passed: tuple[str, ...] = ()


class VersionStore:
    """The versions of one place; many readers, one committing trainer at a time. `root` is the folder of this machine
    in which files are read: the place itself, or where copies of a far one lie.

    Promised: a committed version never changes, a number is never used twice (also after its version was removed), a
    process that dies at any line leaves the version committed or not there. Not promised: that a version is valid
    under today's mask.
    """

    def __init__(self, root: Path, place: Place | None = None) -> None:
        self.root = root
        self._place = place or DiskPlace(root)
        self._chains = Chains(self._place)

    @property
    def where(self) -> str:
        """The place, for people."""
        return self._place.where

    def reserve(self) -> int:
        """The next number: 1 + the highest ever. An atomic claim decides between two trainers."""
        number = 1 + max(self.highest(), *self._chains.numbers(), 0)
        while not self._place.claim(named(number)):
            number += 1
        self._place.write(HIGHEST, str(number).encode())
        return number

    def commit(self, version: int, write: Callable[[Path], None], draft: Manifest) -> Manifest:
        """Commit the reserved number with what `write` puts into a folder.

        1. files into a folder aside; 2. digests; 3. into the version's folder, synced; 4. the base of a delta is still
        there; 5. the manifest. Raises VersionError where the version is committed already, NoSuchVersion where its base
        went (write it full), NotWritten where the place had no room; nothing is committed then, unless the last sync of
        all failed.
        """
        if self._chains.committed(named(version)):
            raise VersionError(f"version {version} is committed already; reserve a new number for another state")
        if draft.base is not None and draft.base >= version:
            raise VersionError(f"version {version} can't stand on version {draft.base}: only on an older one")
        return self._settle(named(version), write, msgspec.structs.replace(draft, version=version))

    def compact(self, version: int, write: Callable[[Path], None]) -> Manifest:
        """Keep a version once more, whole, as `write` puts it into a folder; its chain is short from then on. The same
        effects as of `commit`, and none where it was done before; one at a time."""
        name, manifest = short(version), self.manifest(version)
        if self._chains.committed(name):
            return self._chains.read(name)
        self._place.drop(name)  # of one that died over it
        return self._settle(name, write, msgspec.structs.replace(manifest, base=None))

    def folder(self, version: int) -> Path:
        return self.root / named(version)

    def highest(self) -> int:
        """The highest number ever reserved, 0 where none was."""
        try:
            return int(self._place.read(HIGHEST))
        except (FileNotFoundError, ValueError):
            return 0

    def manifest(self, version: int) -> Manifest:
        """What a committed version says of itself. Raises NoSuchVersion, DamagedVersion."""
        return self._chains.read(named(version))

    def manifests(self) -> list[Manifest]:
        """All committed versions that can be read, oldest first."""
        found = []
        for number in self._chains.numbers():
            try:
                found.append(self.manifest(number))
            except (NoSuchVersion, DamagedVersion):
                continue
        return found

    def compacted(self) -> frozenset[int]:
        """The versions that are kept once more, whole."""
        return self._chains.compacted()

    def sizes(self, manifests: Iterable[Manifest], compacted: Collection[int] = ()) -> dict[int, int]:
        """Bytes of each version's own files; of the compacted ones, those of both forms."""
        forms = {m.version: [named(m.version)] for m in manifests}
        for version in forms.keys() & {*compacted}:
            forms[version].append(short(version))
        return {version: sum(self._size(name) for name in names) for version, names in forms.items()}

    def open(self, version: int) -> Path:
        """The folder of a version, once its whole chain is what the manifests say; of a delta it holds what changed.
        Raises NoSuchVersion, DamagedVersion."""
        return self.chain(version)[-1]

    def chain(self, version: int) -> tuple[Path, ...]:
        """The folders of a version's chain: the full one first, its own last. Every file of every link is what its
        manifest says; a file that was looked at and stands untouched is not read again.

        Raises NoSuchVersion; DamagedVersion, naming the file and the newest version to use instead.
        """
        return self._checked(version)

    def vouched(self, version: int) -> Path:
        """As `open`, but files that a process of this machine looked at before, and that stand untouched since, are
        taken by its word: a way back waits for no gigabyte. Raises NoSuchVersion, DamagedVersion."""
        return self._checked(version, by_word=True)[-1]

    def looked_at(self, version: int) -> Path:
        """The folder of one version, every file of which is what its manifest says, whatever it stands on. Raises
        NoSuchVersion, DamagedVersion."""
        return self._chains.looked_at(version)

    def links(self, version: int) -> tuple[Manifest, ...]:
        """The manifests of a version's chain, the full one first; no file is read. Raises NoSuchVersion,
        DamagedVersion."""
        return tuple(link.manifest for link in self._chains.links(version, self.compacted()))

    def first_openable(self, wanted: Iterable[Manifest]) -> Opened | None:
        """The first of these versions whose chain is whole."""
        passed: list[str] = []
        for manifest in wanted:
            try:
                return Opened(manifest, self._chains.checked(manifest.version), tuple(passed))
            except (NoSuchVersion, DamagedVersion) as error:
                passed.append(str(error))
        return None

    def remove(self, version: int) -> None:
        """Take a version away in both forms, so that it is never found in part. Those that stand on it can't be opened
        any more: take them first."""
        if version in self.compacted():
            self._place.drop(short(version))
        self._place.drop(named(version))

    def sweep(self, before: int) -> None:
        """Take away what deaths left of numbers below `before`: versions half removed or half written."""
        self._place.tidy(before)
        forms = [(number, named(number)) for number in self._chains.numbers()]
        forms += [(number, short(number)) for number in self.compacted()]
        for number, name in forms:
            if number < before and not self._chains.committed(name):
                self._place.drop(name)

    def _settle(self, name: str, write: Callable[[Path], None], draft: Manifest) -> Manifest:
        aside = None
        try:
            aside = self._place.aside(name)
            write(aside)
            digests = {str(path.relative_to(aside)): digest_of(path) for path in files_in(aside)}
            length = sum(path.stat().st_size for path in files_in(aside))
            self._place.put(aside, name)
            if draft.base is not None:
                self._chains.stands(draft.base)
            manifest = msgspec.structs.replace(draft, files=digests, bytes=length)
            self._place.write(f"{name}/{MANIFEST}", encode_manifest(manifest))
        except (NoSuchVersion, PlaceError):
            self._abandon(name, aside)
            raise
        except OSError as error:
            self._abandon(name, aside)
            raise NotWritten(
                f"version {draft.version} could not be written to {self.where} ({error}); the versions before it are "
                "untouched. Make room there: headrace retain --once takes away what is not needed"
            ) from error
        return manifest

    def _abandon(self, name: str, aside: Path | None) -> None:
        with suppress(OSError, VersionError):
            self._place.drop(name)
        if aside is not None:
            shutil.rmtree(aside, ignore_errors=True)

    def _checked(self, version: int, *, by_word: bool = False) -> tuple[Path, ...]:
        try:
            return self._chains.checked(version, by_word=by_word)
        except DamagedVersion as error:
            raise DamagedVersion(f"{error}. {self._instead(version)}") from error

    def _instead(self, version: int) -> str:
        """What to do when a version can't be opened."""
        older = sorted((m for m in self.manifests() if m.version < version), key=lambda m: m.version, reverse=True)
        found = self.first_openable(older)
        if found is None:
            return "No older version can be opened either: restore the file from a copy, or let the trainer begin anew"
        number = found.manifest.version
        return f"Use version {number}, the newest older one that is whole: headrace rollback {number} --why 'damaged'"

    def _size(self, name: str) -> int:
        try:
            return self._chains.read(name).bytes or self._place.size(name)
        except VersionError:
            return 0
