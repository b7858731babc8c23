"""What was served, kept until its impression comes: scores, propensities and features by request.

The first slate of a request holds; a slate that arrives after its impression stamps the rows decided from then on,
never those before. Nothing here opens a label.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from streams.events import Context, Impression, Shown, Slate
from streams.examples import Past, Shot
from streams.join_head import Head
from streams.join_keys import SLATE, SLATE_AT, after_prefix, request_name, time_key
from streams.join_state import JoinState

RECENT = 1024
"""How many slates are kept decoded in each partition: most are asked for right after they came."""


class Served(Struct, array_like=True, gc=False):
    """One slate."""

    ts: int
    context: Context
    model_version: int | None
    query_item_id: str | None
    query_text: str | None
    scores: dict[str, float]
    propensities: dict[str, float]


class Slates:
    """Slates of one partition, by user and request. Each holds for `lifespan` ms after its ts."""

    def __init__(self, state: JoinState, head: Head, *, lifespan: int) -> None:
        self._state, self._head = state, head
        self.lifespan = lifespan
        self._recent: dict[bytes, Served] = {}

    def keep(self, slate: Slate, *, at: int) -> bool:
        """Keep a slate; False where the request has one already."""
        name = request_name(slate.user_id, slate.request_id)
        before = self._find(name)
        if before is not None:
            if self._holds(before, at):
                return False
            self._state.delete(_marker(name, before))  # the next sweep's work
        self._head.slates_until = max(self._head.slates_until, slate.ts + self.lifespan)
        scores, propensities = scores_of(slate.items)
        served = Served(
            slate.ts,
            slate.context,
            slate.model_version,
            slate.query_item_id,
            slate.query_text,
            scores,
            propensities,
        )
        self._remember(name, served)
        self._state.put(SLATE + name, _encode(served))
        self._state.put(_marker(name, served), b"")
        return True

    def of(self, user_id: str, request_id: str, *, at: int) -> Served | None:
        """The slate of a request that holds at this watermark."""
        if at >= self._head.slates_until:
            return None  # spares a look-up for each impression where nobody logs slates
        served = self._find(request_name(user_id, request_id))
        return served if served is not None and self._holds(served, at) else None

    def claim(self, user_id: str, request_id: str, served: Served) -> None:
        """An impression of this slate was opened."""
        self._state.put(_marker(request_name(user_id, request_id), served), _CLAIMED)

    def expire(self, marker: bytes, told: bytes) -> bool:
        """The slate behind a SLATE_AT key goes, which holds `told`; whether it was served but never shown."""
        name = marker[7:]
        self._recent.pop(name, None)
        self._state.delete(SLATE + name)
        return told != _CLAIMED

    def forget(self, owner: bytes) -> None:
        """The slates of a user go, and are not missed."""
        mine = SLATE + owner
        for key, told in list(self._state.scan(mine, after_prefix(mine))):
            self._recent.pop(key[1:], None)
            self._state.delete(key)
            self._state.delete(_marker(key[1:], _decode(told)))

    def _holds(self, served: Served, at: int) -> bool:
        return served.ts + self.lifespan > at

    def _find(self, name: bytes) -> Served | None:
        served = self._recent.get(name)
        if served is None:
            told = self._state.get(SLATE + name)
            if told is not None:
                served = _decode(told)
                self._remember(name, served)
        return served

    def _remember(self, name: bytes, served: Served) -> None:
        if len(self._recent) >= RECENT:
            self._recent.clear()
        self._recent[name] = served


def scores_of(items: tuple[Shown, ...]) -> tuple[dict[str, float], dict[str, float]]:
    """Scores and propensities by item, where there are any.

    >>> scores_of((Shown("tea", 0, score=0.5), Shown("jam", 1)))
    ({'tea': 0.5}, {})
    """
    return (
        {shown.item_id: shown.score for shown in items if shown.score is not None},
        {shown.item_id: shown.propensity for shown in items if shown.propensity is not None},
    )


def shot_of(event: Impression | Slate, history: tuple[Past, ...], user: Context) -> Shot:
    """The circumstances of an impression as it tells them itself, over those of its `user`."""
    scores, propensities = scores_of(event.items)
    return Shot(
        event.user_id,
        event.ts,
        request_id=event.request_id,
        surface=event.surface,
        context=user | event.context if user else event.context,
        history=history,
        model_version=event.model_version,
        query_item_id=event.query_item_id,
        query_text=event.query_text,
        producer=event.producer,
        app_version=event.app_version,
        scores=scores,
        propensities=propensities,
    )


def slated(shot: Shot, served: Served) -> Shot:
    """The shot with what its slate says; where both speak, features, scores and propensities as served hold."""
    return msgspec.structs.replace(
        shot,
        context={**shot.context, **served.context},
        model_version=shot.model_version if served.model_version is None else served.model_version,
        query_item_id=shot.query_item_id if served.query_item_id is None else served.query_item_id,
        query_text=shot.query_text if served.query_text is None else served.query_text,
        scores={**shot.scores, **served.scores},
        propensities={**shot.propensities, **served.propensities},
    )


def _marker(name: bytes, served: Served) -> bytes:
    return SLATE_AT + time_key(served.ts) + name


_CLAIMED = b"+"
"""What stands behind the SLATE_AT key of a slate once an impression of it was opened."""
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Served).decode
