"""Errors of the checkpoints that other packages catch."""

from __future__ import annotations

from streams.errors import HeadraceError

__all__ = ["DamagedVersion", "NoSuchVersion", "VersionError"]


class VersionError(HeadraceError):
    """A version can't be used."""


class NoSuchVersion(VersionError):
    """The store holds no committed version of that number."""


class DamagedVersion(VersionError):
    """A file of a version is missing or is not what its manifest says."""
