"""Errors of the learners that other packages catch."""

from __future__ import annotations

from streams.errors import HeadraceError

__all__ = ["LearnerError", "NothingLeft", "OtherSettings"]


class LearnerError(HeadraceError):
    """Learning can't go on."""


class OtherSettings(LearnerError):
    """A version was made with other settings than those that want to go on with it."""


class NothingLeft(LearnerError):
    """No version is valid under today's mask, and the log no longer reaches back to its begin."""
