"""The ids of events that a server has folded, in memory, for `streams.repeats.Repeats` to keep its promise on."""

from __future__ import annotations

from streams.join_keys import SEEN


class Remembered:
    """The times of seen ids, by id. What lies before a moment goes when there is twice as much as after the last time.

    >>> ids = Remembered()
    >>> for n in range(3): ids.put(SEEN + bytes([n]), n.to_bytes(6, "big"))
    >>> ids.forget(since=2); ids.get(SEEN + bytes([1])), ids.get(SEEN + bytes([2])) is not None
    (None, True)
    """

    def __init__(self, least: int = 0) -> None:
        self.at: dict[bytes, bytes] = {}
        self._least = least
        self._full = least

    def get(self, key: bytes) -> bytes | None:
        return self.at.get(key)

    def put(self, key: bytes, value: bytes) -> None:
        if key.startswith(SEEN):  # the other family is an expiry index, which `forget` does without
            self.at[key] = value

    def delete(self, key: bytes) -> None:
        self.at.pop(key, None)

    def forget(self, *, since: int) -> None:
        """Drop the ids of before `since` (ms), now and then."""
        if len(self.at) > self._full:
            oldest = max(since, 0).to_bytes(6, "big")
            self.at = {key: at for key, at in self.at.items() if at >= oldest}
            self._full = max(self._least, 2 * len(self.at))
