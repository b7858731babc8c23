"""Frozen copies of the live model: what would be served by one that is trained each hour, or each day.

A copy is taken anew when event time goes over a whole multiple of its age, after the batch that brought it there; until
then it stands still. Before the first of these it has learned nothing. Copies score, they never learn; no clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

HOUR, DAY = 3_600_000, 86_400_000
AGES: Mapping[str, int] = {"an hour old": HOUR, "a day old": DAY}

Model = TypeVar("Model")


class FrozenCopies(Generic[Model]):
    """`copy` makes one of the live model as it is.

    >>> live = [0]
    >>> frozen = FrozenCopies(live.copy, {"hour": 10})
    >>> told = []
    >>> for at in (3, 9, 12, 19, 21):
    ...     live[0] = at
    ...     frozen.learned(at)
    ...     told.append(frozen.copies["hour"][0])
    >>> told
    [0, 0, 12, 12, 21]
    """

    def __init__(self, copy: Callable[[], Model], ages: Mapping[str, int] = AGES) -> None:
        self._copy, self._ages = copy, dict(ages)
        self.copies: dict[str, Model] = {name: copy() for name in ages}
        self._turns: dict[str, int | None] = dict.fromkeys(ages)

    def learned(self, at: int) -> None:
        """The live model has learned up to event time `at`, in milliseconds: those whose time has come are renewed."""
        for name, age in self._ages.items():
            turn, stood = at // age, self._turns[name]
            if stood is not None and turn > stood:
                self.copies[name] = self._copy()
            self._turns[name] = turn if stood is None else max(stood, turn)

    def state(self) -> dict[str, int | None]:
        """Which turn each copy is of; the copies themselves are for the caller to keep."""
        return dict(self._turns)

    def load(self, turns: Mapping[str, int | None], copies: Mapping[str, Model]) -> None:
        """Become what `state` told, with these copies. ValueError where they are of other ages."""
        if not self._ages.keys() == turns.keys() == copies.keys():
            raise ValueError(
                f"copies are {sorted(copies)}, this keeps {sorted(self._ages)}: were the challengers' settings changed?"
            )
        self._turns, self.copies = dict(turns), dict(copies)
