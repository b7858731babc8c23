"""Errors of the checkpoints that other packages catch.

HeadraceError
+-- VersionError         a version can't be used
|   +-- NoSuchVersion    the store holds no committed version of that number
|   +-- DamagedVersion   a file of a version is not what its manifest says
|   +-- NotWritten       there was no room for a version
|   +-- PlaceError       the place of the versions can't be used: no connection, no right, a package is missing
+-- QuarantineError      the mask can't be changed like this
    +-- BadOrder         what is to be taken out is not told well enough, or contradicts itself
    +-- NoSuchEntry      no entry of that id is in force
    +-- BelowFloor       it reaches below what retention kept
"""

from __future__ import annotations

from streams.errors import HeadraceError

__all__ = [
    "BadOrder",
    "BelowFloor",
    "DamagedVersion",
    "NoSuchEntry",
    "NoSuchVersion",
    "NotWritten",
    "PlaceError",
    "QuarantineError",
    "VersionError",
]


class VersionError(HeadraceError):
    """A version can't be used."""


class NoSuchVersion(VersionError):
    """The store holds no committed version of that number."""


class DamagedVersion(VersionError):
    """A file of a version is missing or is not what its manifest says."""


class NotWritten(VersionError):
    """A version could not be written, most often for want of room; those before it are untouched."""


class PlaceError(VersionError):
    """The place where versions lie can't be used."""


class QuarantineError(HeadraceError):
    """The mask can't be changed like this; nothing was written unless the message says so."""


class BadOrder(QuarantineError):
    """What is to be taken out is not told well enough, or contradicts itself."""


class NoSuchEntry(QuarantineError):
    """No entry of the mask in force has that id."""


class BelowFloor(QuarantineError):
    """A change of the mask reaches below what retention kept, so nothing could be made anew without it."""
