"""What is known of users by their own upserts, as of each moment of the log: circumstances under `user.KEY`.

The upsert with the larger (ts, event_id) wins, as with items. What was read at an impression stays with its example,
so nothing is kept of what was overwritten. Ids and histories are elsewhere.
"""

from __future__ import annotations

import msgspec

from streams.events import Context, User
from streams.join_keys import USER
from streams.join_state import JoinState

NEAR = 1 << 13
"""Of how many users the attributes are at hand."""
PLACE = "user."
"""Before the name of an attribute among circumstances; a request that names one itself is believed."""

Standing = tuple[int, str, Context]
"""ts, event id, attributes."""


def circumstances(attributes: Context) -> Context:
    """
    >>> circumstances({"country": "ch"})
    {'user.country': 'ch'}
    """
    return {f"{PLACE}{name}": value for name, value in attributes.items()}


def newer(event: User, standing: Standing | None) -> bool:
    """Whether an upsert wins over what stands."""
    return standing is None or (event.ts, event.event_id) > standing[:2]


class KnownUsers:
    """The attributes of users of one partition.

    >>> from streams.join_state import MemoryStore
    >>> users = KnownUsers(JoinState(MemoryStore()))
    >>> users.upsert(User("e2", 7, "ana", {"country": "ch"})), users.upsert(User("e1", 7, "ana", {"country": "de"}))
    (True, False)
    >>> users.of("ana"), users.of("bob")
    ({'user.country': 'ch'}, {})
    >>> users.forget("ana"); users.of("ana")
    {}
    """

    def __init__(self, state: JoinState) -> None:
        self._state = state
        self._near: dict[str, Context] = {}

    def upsert(self, event: User) -> bool:
        """Take an upsert; False where a larger one stands."""
        name = USER + event.user_id.encode()
        told = self._state.get(name)
        if not newer(event, None if told is None else _decode(told)):
            return False
        self._near.pop(event.user_id, None)
        self._state.put(name, _encode((event.ts, event.event_id, event.attributes)))
        return True

    def of(self, user_id: str) -> Context:
        """What the circumstances of a user are now."""
        known = self._near.get(user_id)
        if known is None:
            told = self._state.get(USER + user_id.encode())
            if len(self._near) >= NEAR:
                self._near.clear()
            known = self._near[user_id] = {} if told is None else circumstances(_decode(told)[2])
        return known

    def forget(self, user_id: str) -> None:
        """Nothing is known of a user any more."""
        self._near.pop(user_id, None)
        self._state.delete(USER + user_id.encode())


_encode = msgspec.msgpack.Encoder(order="deterministic").encode
_decode = msgspec.msgpack.Decoder(Standing).decode
