"""Before every route: who asks, whether they may, and how often. Pure, but for the clock that comes in.

A key that was verified costs a digest; one that was not is verified once, slowly, and only a few times a second for one
id, so that guessing can't take the server with it. Keys are never told: refusals name an id at most.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from serving.access import role_of
from serving.keys import Key, KeyRing, Role
from streams.rates import RateLimits, Rates

GUESSES = 5
"""Keys a second that are verified for one id."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is turned away; `reason` is one word, for counting."""

    status: int
    reason: str
    detail: str
    retry_s: int = 0
    key_id: str = ""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A key that must be verified first."""

    key: Key
    text: str


Verdict = Key | Refusal | Doubt | None
"""Who is let in (None: whoever it is), or not, or not yet."""


class Doorkeeper:
    """Judges requests by the keys of a ring; `rate` is the requests a second of a key that has none of its own.

    >>> from pathlib import Path
    >>> keeper = Doorkeeper(KeyRing(Path("nowhere"), clock=lambda: 0), clock=lambda: 0)
    >>> keeper.judge("GET", "/healthz", None) is None, keeper.judge("POST", "/v1/recommend", None).reason
    (True, 'missing')
    """

    def __init__(self, ring: KeyRing, *, clock: Callable[[], int], rate: int = 0, burst_ms: int = 10_000) -> None:
        self.ring = ring
        self._clock = clock
        self._rate = rate
        self._own: dict[str, int] = {}
        self._rates = Rates(RateLimits(rate, self._own, burst_ms))
        self._guesses = Rates(RateLimits(GUESSES, burst_ms=1_000))

    def judge(self, method: str, path: str, text: str | None) -> Verdict:
        """Whether a request with this key may go on."""
        role = role_of(method, path)
        if role is None:
            return None
        if not text:
            return Refusal(401, "missing", "no key came with the request: send one as X-API-Key, or as bearer")
        key = self.ring.remembered(text)
        if key is not None:
            return self.admit(key, role)
        entry = self.ring.entry(text)
        if entry is None:
            return Refusal(401, "unknown", "the key is none of this server's, or was revoked")
        if wait := self._wait(self._guesses, entry.id):
            return Refusal(429, "guessing", "too many wrong keys of one id", wait, entry.id)
        return Doubt(entry, text)

    def settle(self, doubt: Doubt, method: str, path: str) -> Verdict:
        """The same for a key that must be verified; slow, for a thread of its own."""
        if not self.ring.verify(doubt.key, doubt.text):
            return Refusal(401, "wrong", "the key is none of this server's, or was revoked", key_id=doubt.key.id)
        role = role_of(method, path)
        return None if role is None else self.admit(doubt.key, role)

    def admit(self, key: Key, role: Role) -> Key | Refusal:
        """Whether a key that is right may do this, now."""
        if role not in key.roles:
            what = f"key {key.id} ({key.name}) is for {', '.join(key.roles)}; this route is for {role}"
            return Refusal(403, "role", what, key_id=key.id)
        if key.rate:
            self._own[key.id] = key.rate
        else:
            self._own.pop(key.id, None)
        if wait := self._wait(self._rates, key.id):
            what = f"key {key.id} ({key.name}) asks more than {key.rate or self._rate} times a second"
            return Refusal(429, "rate", what, wait, key.id)
        return key

    def _wait(self, rates: Rates, name: str) -> int:
        """Seconds until one more may come, 0 where it may now."""
        wait, _ = rates.wait({name: 1}, now=self._clock())
        return -(-wait // 1_000)


def key_in(headers: Mapping[bytes, bytes]) -> str | None:
    """The key that came with a request, in either of its places.

    >>> key_in({b"x-api-key": b"one"}), key_in({b"authorization": b"Bearer two"}), key_in({b"authorization": b"Basic"})
    ('one', 'two', None)
    """
    text = headers.get(b"x-api-key")
    if text is None:
        kind, _, rest = headers.get(b"authorization", b"").partition(b" ")
        text = rest.strip() if kind.lower() == b"bearer" else b""
    return text.decode("latin-1") or None
