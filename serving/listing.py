"""Long lists in pages, by cursors that tell only the last name: the names in order, put in order once in a while.

A listing that is under way goes on over names as they stood when it began, or as of the last time they were put in
order; who begins anew sees all that is there. What became of a name meanwhile is for who reads it.
"""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable

STANDS = 60_000
"""Milliseconds for which an order of names is good enough for the pages after the first."""
LAST = "\U0010ffff"
"""After every other letter."""


class BadPage(ValueError):
    """A cursor that is none."""


class Listing:
    """Names in pages.

    >>> listing = Listing(lambda: ["tea", "jam", "oil"], clock=lambda: 0)
    >>> first, cursor = listing.page(2, "")
    >>> first, listing.page(2, cursor)
    (['jam', 'oil'], (['tea'], ''))
    """

    def __init__(self, names: Callable[[], Iterable[str]], *, clock: Callable[[], int]) -> None:
        self._names, self._clock = names, clock
        self._ordered: list[str] = []
        self._at: int | None = None

    def page(self, n: int, cursor: str, *, begun: str = "") -> tuple[list[str], str]:
        """The names behind a cursor that begin so, `n` at most, and the cursor of the next page, "" at the
        end. Raises BadPage."""
        last = _opened(cursor)
        now = self._clock()
        if not cursor or self._at is None or now - self._at > STANDS:
            self._ordered, self._at = sorted(self._names()), now
        ordered = self._ordered
        begin, end = bisect_left(ordered, begun), bisect_left(ordered, begun + LAST) if begun else len(ordered)
        begin = max(begin, bisect_right(ordered, last)) if cursor else begin
        names = ordered[begin : min(begin + n, end)]
        more = begin + n < end and names
        return names, base64.urlsafe_b64encode(names[-1].encode()).decode() if more else ""


def _opened(cursor: str) -> str:
    try:
        return base64.b64decode(cursor, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise BadPage(f"cursor {cursor[:40]!r} is none that was given here") from error
