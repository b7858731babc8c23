"""What users did and were shown, one row for each user, item and kind: what lists of feedback are read from.

A fold beside the others of a partition (`part.py`), off unless the rules keep rows for it. Bounded: the rows that were
not added to for the longest go first. Nothing is learned or recommended from it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

from msgspec import Struct

from streams.events import Impression, Interaction, Slate

KIND, COMMENT, LABELS = "feedback_type", "feedback_comment", "feedback_labels"
PUT, GIVEN = "feedback_put", "feedback_ts"

"""What an interaction's context says of the feedback that it was, where it came as one."""
UNDONE = "feedback deleted"
"""The reason of an interaction that takes rows back."""
READ = "read"
"""The kind of a row about what was shown."""


class Row(Struct, array_like=True):
    """One row; times in ms, `given` is the time as it was told."""

    kind: str
    item_id: str
    value: float
    first_ts: int
    updated_ts: int
    comment: str = ""
    labels: str = ""
    given: str = ""


class Feedbacks:
    """The rows of one partition, at most `keep`.

    >>> rows = Feedbacks(keep=2)
    >>> for ts, item in enumerate(("tea", "jam", "tea", "oil")):
    ...     rows.act(Interaction(f"e{ts}", ts, "ana", "like", item_id=item, value=1.5))
    >>> [(row.item_id, row.value, row.first_ts, row.updated_ts) for row in rows.of("ana")]
    [('tea', 3.0, 0, 2), ('oil', 1.5, 3, 3)]
    """

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._rows: OrderedDict[tuple[str, str, str], Row] = OrderedDict()
        self._of: dict[str, dict[tuple[str, str, str], None]] = {}

    def act(self, done: Interaction) -> None:
        """Something was done with an item."""
        if not self._keep or done.item_id is None:
            return
        if done.reason == UNDONE:
            self._undo(done.user_id, done.item_id, done.context.get(KIND))
            return
        kind = done.context.get(KIND, done.type)
        row = self._row(done.user_id, str(kind), done.item_id, done.ts)
        value = done.value or 0.0
        row.value = value if PUT in done.context else row.value + value
        row.comment = str(done.context.get(COMMENT, row.comment))
        row.labels = str(done.context.get(LABELS, row.labels))
        row.given = row.given or str(done.context.get(GIVEN, ""))

    def show(self, shown: Slate | Impression) -> None:
        """Items were shown."""
        if self._keep:
            for item in shown.items:
                row = self._row(shown.user_id, str(shown.context.get(KIND, READ)), item.item_id, shown.ts)
                row.given = row.given or str(shown.context.get(GIVEN, ""))

    def forget(self, user_id: str) -> None:
        """Nothing of the user any more."""
        for key in self._of.pop(user_id, {}):
            del self._rows[key]

    def of(self, user_id: str) -> list[Row]:
        """The rows of a user, those that were not added to for the longest first."""
        found = (self._rows.get(key) for key in list(self._of.get(user_id, {})))
        return sorted((row for row in found if row is not None), key=lambda row: row.updated_ts)

    def names(self) -> list[tuple[str, str, str]]:
        """(kind, user, item) of every row."""
        return [(kind, user_id, item_id) for user_id, kind, item_id in list(self._rows)]

    def row(self, kind: str, user_id: str, item_id: str) -> Row | None:
        """One row."""
        return self._rows.get((user_id, kind, item_id))

    def told(self) -> Iterator[tuple[str, Row]]:
        """Every row, for a snapshot."""
        for (user_id, _, _), row in self._rows.items():
            yield user_id, row

    def take(self, user_id: str, row: Row) -> None:
        """One row of a snapshot."""
        self._keep_row((user_id, row.kind, row.item_id), row)

    def _row(self, user_id: str, kind: str, item_id: str, ts: int) -> Row:
        key = user_id, kind, item_id
        row = self._rows.get(key)
        if row is None:
            row = Row(kind, item_id, 0.0, ts, ts)
            self._keep_row(key, row)
        row.updated_ts = max(row.updated_ts, ts)
        self._rows.move_to_end(key)
        return row

    def _keep_row(self, key: tuple[str, str, str], row: Row) -> None:
        self._rows[key] = row
        self._of.setdefault(key[0], {})[key] = None
        while len(self._rows) > self._keep:
            self._drop(next(iter(self._rows)))

    def _undo(self, user_id: str, item_id: str, kind: str | float | None) -> None:
        for key in [key for key in self._of.get(user_id, {}) if key[2] == item_id and kind in (None, key[1])]:
            self._drop(key)

    def _drop(self, key: tuple[str, str, str]) -> None:
        del self._rows[key]
        mine = self._of[key[0]]
        del mine[key]
        if not mine:
            del self._of[key[0]]
