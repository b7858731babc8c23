"""When to start a dead process again, and when to give up. Knows times, not processes."""

from __future__ import annotations

from dataclasses import dataclass, field

DEATHS = 5
WITHIN = 60_000
FIRST_PAUSE, LONGEST_PAUSE = 100, 5_000


@dataclass(slots=True)
class Restarts:
    """The deaths of one process.

    >>> restarts = Restarts()
    >>> [restarts.pause_after(death) for death in (0, 1_000, 2_000, 3_000, 4_000)]
    [100, 200, 400, 800, None]
    >>> Restarts(deaths=[0, 1, 2, 3]).pause_after(100_000)
    100
    """

    deaths: list[int] = field(default_factory=list)

    def pause_after(self, died_at: int) -> int | None:
        """Milliseconds to wait before the next start; None where it has died too often to try again."""
        self.deaths = [at for at in self.deaths if at > died_at - WITHIN] + [died_at]
        if len(self.deaths) >= DEATHS:
            return None
        return min(FIRST_PAUSE << (len(self.deaths) - 1), LONGEST_PAUSE)
