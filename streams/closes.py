"""When labels close after an impression, by its surface: the rules, looked up once per surface. Pure."""

from __future__ import annotations

from streams.opened import Record
from streams.rules import Label, Rules
from streams.verdicts import SETTLED

MOST = 1_000
"""Of so many surfaces without rules of their own the closes are kept: their names come from outside."""


class Closes:
    """The closes of some rules.

    >>> closes = Closes(Rules((Label("click", event="click", window=5, surfaces={"mail": 9}),), 1, 0))
    >>> closes.durations_on("home"), closes.durations_on("mail"), len(closes.closing_on(6, "mail"))
    ([6], [10], 0)
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._surfaces = {surface for label in rules.labels for surface in label.surfaces}
        self._durations: dict[str, list[int]] = {}
        self._closing: dict[tuple[int, str], list[tuple[int, Label]]] = {}

    def durations_on(self, surface: str) -> list[int]:
        """How long after an impression each label closes."""
        found = self._durations.get(surface)
        if found is None:
            found = [one.window_on(surface) + self._rules.grace for one in self._rules.labels]
            if surface in self._surfaces or len(self._durations) < MOST:
                self._durations[surface] = found
        return found

    def closing_on(self, duration: int, surface: str) -> list[tuple[int, Label]]:
        """Which labels close so long after an impression, with their numbers."""
        found = self._closing.get((duration, surface))
        if found is None:
            durations, labels = self.durations_on(surface), self._rules.labels
            found = [(i, labels[i]) for i, one in enumerate(durations) if one == duration]
            if surface in self._surfaces or len(self._closing) < MOST:
                self._closing[duration, surface] = found
        return found

    def settle(self, record: Record, duration: int) -> None:
        """What closes earlier than `duration` after its impression is closed, though the record does not say so."""
        states = record.states
        for i, one in enumerate(self.durations_on(record.surface)):
            if one < duration:
                states[i] = states[i].translate(SETTLED)
