"""What a server knows of each user: the last interactions and what was shown, so the next answer sees the last click.

The history follows the joiner's rule, so that serving computes from what training learned: interactions on items,
sorted by ts, for equal ts as they came, and bounded by the same function. Repeats and forgotten users are dropped
before an event gets here (`part.py`). Nothing here reads a log or scores.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from streams.events import Context, User
from streams.examples import Past
from streams.histories import bounded
from streams.known_users import Standing, circumstances, newer

Seen = tuple[int, int]
"""How often an item was shown since it was last wanted, and when (ms) it was last shown."""


@dataclass(slots=True)
class Profile:
    """One user. `history` is oldest first and replaced as a whole, so that a request may read it at any moment; `seen`
    has what was shown longest ago first."""

    history: list[Past] = field(default_factory=list)
    history_at: int | None = None
    seen: dict[str, Seen] = field(default_factory=dict)
    told: Standing | None = None
    """The newest upsert of the user."""

    @property
    def circumstances(self) -> Context:
        """The user's attributes, as the joiner puts them among the circumstances of an impression."""
        return {} if self.told is None else circumstances(self.told[2])

    def until(self, at: int) -> tuple[Past, ...]:
        """The history as of `at`: what lies later is not known yet."""
        return tuple(past for past in self.history if past.ts <= at)

    def then(self, session: Iterable[Past]) -> Profile:
        """The same user, who also did what a session tells; nothing is remembered of it.

        >>> NOBODY.then([Past("tea", "click", 5)]).history_at, NOBODY.history_at
        (5, None)
        """
        history = sorted([*self.history, *session], key=lambda past: past.ts)
        return replace(self, history=history, history_at=history[-1].ts if history else None)


NOBODY = Profile()
"""What is known of a user who was never met; nobody may write to it."""


class Profiles:
    """Every user of one partition.

    >>> profiles = Profiles(history=2, seen=100)
    >>> for ts, item in enumerate(("tea", "jam", "oil")):
    ...     profiles.act("ana", Past(item, "click", ts), wanted=True)
    >>> [past.item_id for past in profiles.of("ana").history], profiles.of("ana").history_at
    (['jam', 'oil'], 2)
    >>> profiles.forget("ana"); profiles.of("ana").history_at
    """

    def __init__(self, *, history: int, seen: int, history_of: Mapping[str, int] | None = None) -> None:
        self.users: dict[str, Profile] = {}
        self._history, self._history_of = history, history_of or {}
        self._seen = seen

    def of(self, user_id: str) -> Profile:
        """What is known of a user, for reading only."""
        return self.users.get(user_id, NOBODY)

    def show(self, user_id: str, item_ids: Iterable[str], ts: int) -> None:
        """Items were shown to a user."""
        seen = self._user(user_id).seen
        for item_id in item_ids:
            count, _ = seen.pop(item_id, (0, 0))
            seen[item_id] = (count + 1, ts)
        while len(seen) > self._seen:
            del seen[next(iter(seen))]

    def act(self, user_id: str, past: Past, *, wanted: bool) -> None:
        """A user did something with an item; `wanted` ends its count of showings in vain."""
        profile = self._user(user_id)
        pasts = [*profile.history, past]
        if len(pasts) > 1 and pasts[-2].ts > past.ts:
            pasts.sort(key=lambda one: one.ts)
        profile.history = list(bounded(pasts, self._history, self._history_of))
        profile.history_at = past.ts if profile.history_at is None else max(profile.history_at, past.ts)
        if wanted and past.item_id in profile.seen:
            profile.seen[past.item_id] = (0, profile.seen[past.item_id][1])

    def upsert(self, event: User) -> None:
        """Take a user's attributes, where they are the newest."""
        profile = self._user(event.user_id)
        if newer(event, profile.told):
            profile.told = event.ts, event.event_id, event.attributes

    def attributes(self) -> Iterator[tuple[str, Standing]]:
        """What users were told to be, for a snapshot."""
        return ((user_id, profile.told) for user_id, profile in self.users.items() if profile.told is not None)

    def forget(self, user_id: str) -> None:
        """Nothing is known of the user any more."""
        self.users.pop(user_id, None)

    def told(self) -> Iterator[tuple[str, list[Past], int | None, dict[str, Seen]]]:
        """Every user as plain values, for a snapshot."""
        for user_id, profile in self.users.items():
            yield user_id, profile.history, profile.history_at, profile.seen

    def take(self, user_id: str, history: list[Past], history_at: int | None, seen: dict[str, Seen]) -> None:
        """One user of a snapshot."""
        self.users[user_id] = Profile(history, history_at, seen)

    def take_attributes(self, user_id: str, told: Standing) -> None:
        """The attributes of one user of a snapshot, who was taken before."""
        self._user(user_id).told = told

    def _user(self, user_id: str) -> Profile:
        profile = self.users.get(user_id)
        if profile is None:
            profile = self.users[user_id] = Profile()
        return profile
