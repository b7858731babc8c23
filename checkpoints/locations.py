"""Where versions lie, as plain words that settings and child processes can pass on, and the store that is there."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from checkpoints.places import DiskPlace
from checkpoints.store import VersionStore

ON_DISK = "file://"


class Location(Struct, frozen=True):
    """`url` is a folder of this machine, or any url that fsspec knows; `cache` the folder for copies of what lies far
    away; `options` go to fsspec."""

    url: str
    cache: str = ""
    options: dict[str, str | int | float | bool] = {}

    @property
    def folder(self) -> Path | None:
        """The folder, where it is one of this machine.

        >>> Location("file:///var/v").folder, Location("s3://bucket/v").folder
        (PosixPath('/var/v'), None)
        """
        path = self.url.removeprefix(ON_DISK)
        return None if "://" in path else Path(path)


def store_at(location: Location) -> VersionStore:
    """The versions at a location. Raises PlaceError where its kind is not known, or a package for it is missing."""
    if location.folder is not None:
        return VersionStore(location.folder, DiskPlace(location.folder))
    from checkpoints.fsspec_place import FsspecPlace  # half a second that a folder of this machine need not cost

    cache = Path(location.cache)
    return VersionStore(cache, FsspecPlace(location.url, cache, location.options))
