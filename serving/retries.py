"""When what failed is tried again: twice as long after each failure, up to a minute. Knows no clock."""

from __future__ import annotations

FIRST, LAST = 1_000, 60_000
"""Milliseconds."""


class Retries:
    """By version.

    >>> retries = Retries()
    >>> retries.failed(7, now=0); retries.failed(7, now=1_000)
    >>> retries.resting(now=2_999), retries.resting(now=3_000), retries.times(7)
    ({7}, set(), 2)
    >>> retries.forget(7); retries.times(7)
    0
    """

    def __init__(self) -> None:
        self._failed: dict[int, tuple[int, int]] = {}

    def failed(self, version: int, now: int) -> None:
        """Once more."""
        times = self.times(version)
        self._failed[version] = (times + 1, now + min(FIRST * 2**times, LAST))

    def forget(self, version: int) -> None:
        """It went well."""
        self._failed.pop(version, None)

    def resting(self, now: int) -> set[int]:
        """Those that are not to be tried yet."""
        return {version for version, (_, at) in self._failed.items() if at > now}

    def times(self, version: int) -> int:
        """How often it failed in a row."""
        return self._failed.get(version, (0, 0))[0]
