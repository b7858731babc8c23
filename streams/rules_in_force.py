"""Which rules of a fold hold at an offset: those of the configure lines, else those that the process was given.

A state that stands at `next` was made by all frames before it, so it stands under the rules of the frame at
`next - 1`: an edge at `next` itself has not reached it. Nothing here changes a state over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from streams.decisions import Decisions

Held = TypeVar("Held")


class RulesInForce(Generic[Held]):
    """The rules of one fold in one partition, under today's decisions.

    `given` hold where the lines say nothing of this fold; `read` makes rules of what they say.

    >>> rules = RulesInForce("join", 0, Decisions(), given="5 s", read=str)
    >>> rules.at(7), rules.behind(0), rules.until(7)
    ('5 s', '5 s', None)
    """

    def __init__(
        self, fold: str, partition: int, decisions: Decisions, *, given: Held, read: Callable[[str], Held]
    ) -> None:
        self._fold, self._partition, self._decisions = fold, partition, decisions
        self._given, self._read = given, read
        self._known: dict[str, Held] = {}

    def at(self, offset: int) -> Held:
        """By which the frame at an offset of events is judged; raises what `read` does."""
        text = self._decisions.masking().settings(self._fold, self._partition, offset)
        if text is None:
            return self._given
        if text not in self._known:
            self._known[text] = self._read(text)
        return self._known[text]

    def behind(self, next: int) -> Held:
        """Under which a state stands that goes on at `next`; one that has read nothing stands under the base."""
        return self.at(next - 1)

    def until(self, offset: int) -> int | None:
        """The first offset above this one from which on rules may be others; None where there is none."""
        return self._decisions.masking().next_change(self._partition, offset)
