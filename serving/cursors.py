"""Where a page ended: an opaque text that the client gives back, so that no page repeats an item of those before.

It holds the items themselves, so it outlives a swap of versions, a restart and another server; nothing is kept here. It
is bounded: a session ends after `MOST` items. It proves nothing and hides nothing: whoever made one up excludes items,
as `exclude_ids` does.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Iterable, Sequence

import msgspec

from streams.errors import HeadraceError

MOST = 1_000
MAX_CHARACTERS = 1 << 16
MAX_BYTES = 1 << 19


class BadCursor(HeadraceError):
    """A text that is no cursor, or one of another user."""


def page_end(user_id: str, shown: Sequence[str], new: Iterable[str], n: int) -> str | None:
    """The cursor after a page of `new` items, behind those `shown` before; None where there is no next page: fewer
    than `n` came, or the session is full.

    >>> after = page_end("ana", [], ["tea", "jam"], 2)
    >>> shown_before("ana", after), shown_before("ana", "")
    (('tea', 'jam'), ())
    >>> page_end("ana", [], ["tea"], 2) is None
    True
    """
    here = list(new)
    listed = [*shown, *here]
    if len(here) < n or len(listed) >= MOST:
        return None
    packed = zlib.compress(msgspec.msgpack.encode([user_id, listed]), 6)
    text = base64.urlsafe_b64encode(packed).decode().rstrip("=")
    return text if len(text) <= MAX_CHARACTERS else None


def shown_before(user_id: str, cursor: str) -> tuple[str, ...]:
    """The items of the pages before; none where a session begins (""). Raises BadCursor."""
    if not cursor:
        return ()
    try:
        packed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        opened = zlib.decompressobj()
        plain = opened.decompress(packed, MAX_BYTES)
        if not opened.eof:
            raise BadCursor("is cut off, or none that was given here; begin again with an empty one")
        whose, listed = msgspec.msgpack.decode(plain, type=tuple[str, tuple[str, ...]])
    except (binascii.Error, ValueError, zlib.error, msgspec.MsgspecError) as error:
        raise BadCursor("is none that was given here; begin again with an empty one") from error
    if whose != user_id:
        raise BadCursor(f"was given to {whose!r}, but {user_id!r} asks; begin again with an empty one")
    return listed[:MOST]
