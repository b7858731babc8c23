"""Errors of the streams that other packages catch.

HeadraceError
+-- BadEvent            an event that no fold may see: the field and the reason
+-- LogError
|   +-- LogMismatch     a log opened with other settings than it was made with
|   +-- PositionsBeyondLog   a reader stands behind the end of its log
|   +-- FramesLost      the chain of `prev` in examples has a gap
|   +-- FramesDiffer    one identity, two contents: mixed code or settings
"""

from __future__ import annotations

__all__ = ["BadEvent", "FramesDiffer", "FramesLost", "HeadraceError", "LogError", "LogMismatch", "PositionsBeyondLog"]


class HeadraceError(Exception):
    """Everything that Headrace raises on purpose."""


class BadEvent(HeadraceError):
    """An event that can't be taken.

    >>> str(BadEvent("ts", "is missing"))
    'ts: is missing'
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class LogError(HeadraceError):
    """The log is not what its reader or writer expects."""


class LogMismatch(LogError):
    """The log was made with other settings; its message says which and what to do."""


class PositionsBeyondLog(LogError):
    """Positions stand after the end of the log: it was recreated, or the state is of another log."""


class FramesLost(LogError):
    """A frame of examples names a predecessor that its reader has not seen."""


class FramesDiffer(LogError):
    """Two frames with the same identity hold different bytes: two versions of code or settings write one log."""
