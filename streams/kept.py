"""All that a joiner keeps, and how it lets go: of what is too old to matter, and of users.

One horizon bounds everything: what is older than `head.since` can neither open, decide nor repeat anything. Slates
live twice as long, since an impression may come a while after its slate and still needs it at its last close; what
sources announced, an hour longer.
"""

from __future__ import annotations

from itertools import islice

from streams import join_head
from streams.counters import KEPT_MS, Counters
from streams.histories import Forgotten, Histories
from streams.join_keys import (
    OPEN,
    RETIRED,
    SEEN_AT,
    SLATE_AT,
    SOURCE_AT,
    TIMED,
    WAIT_AT,
    owner_id,
    time_key,
    time_of,
)
from streams.join_state import JoinState
from streams.known_items import KnownItems
from streams.known_users import KnownUsers
from streams.opened import Openings
from streams.repeats import Repeats
from streams.rules import Rules
from streams.slates import Slates

SWEEPS = 256
"""In how many steps a lifespan is swept: a step costs by itself, and what waits for it costs room."""
LEAST_SWEEP_MS = 1000
MOST_SWEPT = 500
"""How much of a kind one step lets go of, but for what is of one and the same ms: the next event waits for it."""


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
        self.users = KnownUsers(state)
        self.histories = Histories(state, size=rules.history, size_of=rules.history_of)
        self.forgotten = Forgotten(state)
        self.repeats = Repeats(state, horizon=rules.lifespan)
        self.counters = Counters(state, self.head)

    def sweep(self) -> None:
        """Drop what is older than `head.since`, or the oldest of it: a step, each time by which event it comes."""
        head, (until, old) = self.head, self._step()
        for marker, _ in old[WAIT_AT]:
            head.count("orphans", self.openings.expire(marker, since=until))
        for marker, told in old[SLATE_AT]:
            head.count("unshown_slates", int(self.slates.expire(marker, told)))
        for marker, _ in old[SEEN_AT]:
            self.repeats.expire(marker)
        for marker, _ in old[RETIRED]:
            self.items.expire(marker)
        for marker, _ in old[SOURCE_AT]:
            self.counters.expire(marker)
        for key, told in old[OPEN]:
            self.openings.unlink(key, told)
        for family in TIMED:
            self.state.drop(*self._range(family, until))
        self.forgotten.expire(since=until)
        head.purged = until

    def forget(self, user_id: str, ts: int) -> None:
        """Remove what there is of a user, and remember that nothing up to `ts` may come back."""
        owner = owner_id(user_id)
        self.openings.forget(owner)
        self.slates.forget(owner)
        self.histories.forget(user_id)
        self.users.forget(user_id)
        self.forgotten.add(user_id, ts)

    def _step(self) -> tuple[int, dict[bytes, list[tuple[bytes, bytes]]]]:
        """Up to where a step goes, and what it lets go of by family."""
        until = self.head.since
        old = {family: list(islice(self.state.scan(*self._range(family, until)), MOST_SWEPT)) for family in TIMED}
        for family, pairs in old.items():
            if len(pairs) == MOST_SWEPT:
                until = min(until, time_of(pairs[-1][0]) + self._later(family))
        until = max(until, self.head.purged + 1)
        return until, {family: self._before(family, until, pairs) for family, pairs in old.items()}

    def _before(self, family: bytes, until: int, pairs: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        start, stop = self._range(family, until)
        if len(pairs) == MOST_SWEPT and pairs[-1][0] < stop:  # more than that in one ms
            return list(self.state.scan(start, stop))
        return [pair for pair in pairs if pair[0] < stop]

    def _range(self, family: bytes, until: int) -> tuple[bytes, bytes]:
        later = self._later(family)
        return family + time_key(self.head.purged - later), family + time_key(until - later)

    def _later(self, family: bytes) -> int:
        if family == SLATE_AT:
            return self.rules.lifespan
        return KEPT_MS if family == SOURCE_AT else 0
