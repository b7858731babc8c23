"""What the processes want people to know, as lines in their logs. What a warning means is for its writer to know."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable

AGAIN = 600_000
"""Milliseconds after which the same words are written once more."""


class Warned:
    """Writes a line for each warning to stderr, which is a process's log; the same words again only after a while."""

    def __init__(self, process: str) -> None:
        self._process = process
        self._told: dict[str, int] = {}

    def take(self, words: Iterable[str], now: int) -> None:
        """Write those that are new at `now` (ms); empty ones say nothing."""
        self._told = {told: at for told, at in self._told.items() if now - at < AGAIN}
        for told in words:
            if told and told not in self._told:
                at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now / 1_000))
                sys.stderr.write(f"{at} {self._process}: {told}\n")
                sys.stderr.flush()
                self._told[told] = now
