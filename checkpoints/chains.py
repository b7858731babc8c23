"""What was committed, read: manifests, chains of deltas, and whether the files are what the manifests say.

A chain goes through what was compacted where it is there. Nothing here writes, and nothing says what to do instead.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from checkpoints.errors import DamagedVersion, NoSuchVersion
from checkpoints.files import Stamp, digest_of, stamps
from checkpoints.manifest import Manifest, decode_manifest
from checkpoints.places import Place
from checkpoints.vouching import vouch, vouched

MANIFEST = "manifest.json"
COMPACTED = "compacted"


class Link(NamedTuple):
    """One of a chain: where it lies, and what it says of itself."""

    name: str
    manifest: Manifest


class Chains:
    """The committed versions of a place, for readers. Files that were looked at and stand untouched are not read
    again."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._whole: dict[Path, tuple[Stamp, ...]] = {}

    def numbers(self) -> list[int]:
        """Reserved and committed ones."""
        return sorted(int(name) for name in self._place.names() if _is_number(name))

    def compacted(self) -> frozenset[int]:
        """The versions that are kept once more, whole."""
        return frozenset(int(name) for name in self._place.names(COMPACTED) if _is_number(name))

    def read(self, name: str) -> Manifest:
        """The manifest in a folder. Raises NoSuchVersion, DamagedVersion."""
        path, version = f"{self._place.where}/{name}/{MANIFEST}", int(name[-8:])
        try:
            manifest = decode_manifest(self._place.read(f"{name}/{MANIFEST}"))
        except FileNotFoundError:
            raise NoSuchVersion(
                f"{self._place.where} holds no version {version}; `headrace versions list` shows those that it holds"
            ) from None
        except msgspec.MsgspecError as error:
            raise DamagedVersion(f"{path} is not a manifest ({error}); restore it, or use its parent") from error
        if manifest.version != version:
            raise DamagedVersion(f"{path} says it is of version {manifest.version}, not {version}; use its parent")
        return manifest

    def committed(self, name: str) -> bool:
        """Whether a manifest stands there, be it a damaged one."""
        try:
            self.read(name)
        except NoSuchVersion:
            return False
        except DamagedVersion:
            return True
        return True

    def stands(self, version: int) -> None:
        """Raise NoSuchVersion where a version was taken away, whatever was known of it before."""
        if version not in self.numbers():
            raise NoSuchVersion(f"{self._place.where} holds no version {version} any more; it was taken away just now")
        self.read(named(version))

    def links(self, version: int, compacted: Collection[int]) -> list[Link]:
        """The chain of a version, the full one first. Raises NoSuchVersion, DamagedVersion."""
        links: list[Link] = []
        wanted: int | None = version
        while wanted is not None:
            above = links[0].manifest.version if links else wanted + 1
            try:
                if wanted >= above:
                    raise NoSuchVersion
                links.insert(0, self._link(wanted, compacted))
            except NoSuchVersion:
                if not links:
                    raise
                raise DamagedVersion(
                    f"version {above} stands on version {wanted}, which {self._place.where} has not"
                ) from None
            wanted = links[0].manifest.base
        return links

    def checked(self, version: int, *, by_word: bool = False) -> tuple[Path, ...]:
        """The folders of the chain, every file looked at: through what was compacted, or, where that is damaged,
        through what it was made of; `by_word`, files that another process looked at are taken for whole while they
        stand untouched. Raises NoSuchVersion, DamagedVersion."""
        compacted = self.compacted()
        try:
            return tuple(self._check(link, by_word) for link in self.links(version, compacted))
        except (DamagedVersion, NoSuchVersion):
            if compacted:
                with suppress(DamagedVersion, NoSuchVersion):
                    return tuple(self._check(link, by_word) for link in self.links(version, ()))
            raise

    def looked_at(self, version: int) -> Path:
        """The folder of one version as it was written, every file looked at. Raises NoSuchVersion, DamagedVersion."""
        return self._check(Link(name := named(version), self.read(name)))

    def _link(self, version: int, compacted: Collection[int]) -> Link:
        if version in compacted:
            with suppress(NoSuchVersion, DamagedVersion):  # it is being made just now
                return Link(name := short(version), self.read(name))
        return Link(name := named(version), self.read(name))

    def _check(self, link: Link, by_word: bool = False) -> Path:
        files = link.manifest.files
        folder = self._place.fetch(link.name, files)
        seen = stamps(folder, files)
        if seen is not None and (self._whole.get(folder) == seen or (by_word and vouched(folder, seen))):
            return folder
        unlike = _unlike(folder, files)
        if unlike and self._place.again(link.name, unlike):
            unlike = _unlike(self._place.fetch(link.name, files), files)
        for name, found in unlike.items():
            raise DamagedVersion(
                f"{folder / name} is {found[:12]}, its manifest says {files[name][:12]}. The file was torn or changed"
            )
        if (seen := stamps(folder, files)) is not None:
            self._whole[folder] = seen
            vouch(folder, seen)
        return folder


def named(version: int) -> str:
    """The folder of a version.

    >>> named(8), short(8)
    ('00000008', 'compacted/00000008')
    """
    return f"{version:08d}"


def short(version: int) -> str:
    """The folder in which a version is kept once more, whole."""
    return f"{COMPACTED}/{version:08d}"


def _is_number(name: str) -> bool:
    return name.isdigit() and len(name) == 8


def _unlike(folder: Path, files: dict[str, str]) -> dict[str, str]:
    """Files that are not what the manifest says, with what they are."""
    found = {name: digest_of(folder / name) if (folder / name).is_file() else "missing" for name in sorted(files)}
    return {name: digest for name, digest in found.items() if digest != files[name]}
