"""All that a joiner keeps, and how it lets go: of what is too old to matter, and of users.

One horizon bounds everything: what is older than `head.since` can neither open, decide nor repeat anything. Slates
alone live twice as long, since an impression may come a while after its slate and still needs it at its last close.
"""

from __future__ import annotations

from streams import join_head
from streams.histories import Forgotten, Histories
from streams.join_keys import (
    EXAMPLE,
    OF_USER,
    OPEN,
    RETIRED,
    SEEN_AT,
    SLATE,
    SLATE_AT,
    TIMED,
    WAIT_AT,
    after_prefix,
    owner_id,
    time_key,
)
from streams.join_state import JoinState
from streams.known_items import KnownItems
from streams.opened import Openings
from streams.repeats import Repeats
from streams.rules import Rules
from streams.slates import Slates

SWEEPS = 64
"""In how many steps a lifespan is swept: a step costs by itself, and what waits for it costs room."""
LEAST_SWEEP_MS = 1000


class Kept:
    """The books of one partition, each over the same state."""

    def __init__(self, rules: Rules, state: JoinState) -> None:
        self.rules = rules
        self.sweep_every = max(LEAST_SWEEP_MS, rules.lifespan // SWEEPS)
        self.state = state
        self.head = join_head.load(state)
        self.openings, self.slates, self.items = (
            Openings(state),
            Slates(state, self.head, lifespan=2 * rules.lifespan),
            KnownItems(state),
        )
        self.histories, self.forgotten = Histories(state, size=rules.history), Forgotten(state)
        self.repeats = Repeats(state, horizon=rules.lifespan)

    def sweep(self) -> None:
        """Drop all that is older than `head.since`."""
        head = self.head
        for marker in self._swept(WAIT_AT):
            head.count("orphans", self.openings.expire(marker, since=head.since))
        for marker in self._swept(SLATE_AT):
            head.count("unshown_slates", int(self.slates.expire(marker)))
        for marker in self._swept(SEEN_AT):
            self.repeats.expire(marker)
        for marker in self._swept(RETIRED):
            self.items.expire(marker)
        for key, told in list(self.state.scan(*self._range(OPEN))):
            self.openings.unlink(key, told)
        for family in TIMED:
            self.state.drop(*self._range(family))
        self.forgotten.expire(since=head.since)
        head.purged = head.since

    def forget(self, user_id: str, ts: int) -> None:
        """Remove what there is of a user, and remember that nothing up to `ts` may come back."""
        mine = OF_USER + owner_id(user_id)
        for tail in [key[len(mine) :] for key, _ in self.state.scan(mine, after_prefix(mine))]:
            if tail[:1] == OPEN:
                self.openings.remove(tail)
            elif tail[:1] == EXAMPLE:
                self.openings.take_waiting(tail[1:])
            elif tail[:1] == SLATE:
                self.slates.remove(tail[1:])
        self.histories.forget(user_id)
        self.forgotten.add(user_id, ts)

    def _swept(self, family: bytes) -> list[bytes]:
        return [key for key, _ in self.state.scan(*self._range(family))]

    def _range(self, family: bytes) -> tuple[bytes, bytes]:
        later = self.rules.lifespan if family == SLATE_AT else 0
        return family + time_key(self.head.purged - later), family + time_key(self.head.since - later)
