"""What a guard in front of a learner watches, and how far its patience goes, as settings tell it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from learners.guard.rules import GuardRules

WINDOW = "window."
"""What the window on a surface is told under, with the surface's name behind it."""


@dataclass(frozen=True, slots=True)
class Watch:
    """How the label that is judged is told: by which `event` (empty: nothing is counted of it), within which window (of
    single surfaces: another), closed how much later, and whether a yes is told at once. `announced` is the longest
    time between two announcements of a source. All in ms."""

    event: str = ""
    window: int = 0
    surfaces: Mapping[str, int] = field(default_factory=dict)
    grace: int = 0
    fast: bool = False
    announced: int = 120_000

    def close(self, shown_at: int, surface: str) -> int:
        """When an impression is closed.

        >>> Watch(window=5_000, surfaces={"mail": 60_000}, grace=500).close(1_000, "mail")
        61500
        """
        return shown_at + self.surfaces.get(surface, self.window) + self.grace


@dataclass(frozen=True, slots=True)
class Terms:
    """What the guard watches: which label (None: the first that is a chance), how many shadows there may be, and how
    many batches `wait` before they are learned."""

    label: str | None = None
    most_shadows: int = 2
    rules: GuardRules = field(default_factory=GuardRules)
    watch: Watch = field(default_factory=Watch)
    wait: int = 0


def terms_of(told: Mapping[str, str | int]) -> Terms:
    """The terms that settings tell.

    >>> terms = terms_of({"label": "click", "hold": 8, "window": 5000, "window.mail": 60000, "mode": "fast"})
    >>> terms.rules.hold, terms.watch.fast, terms.watch.close(0, "mail")
    (8, True, 60000)
    """
    patience = {name: int(told[name]) for name in ("hold", "ask") if name in told}
    times = {name: int(told[name]) for name in ("window", "grace", "announced") if name in told}
    surfaces = {name.removeprefix(WINDOW): int(at) for name, at in told.items() if name.startswith(WINDOW)}
    watch = Watch(str(told.get("event", "")), surfaces=surfaces, fast=told.get("mode") == "fast", **times)
    label, shadows = told.get("label"), int(told.get("shadows", 2))
    wait = int(told.get("wait", 0))
    return Terms(None if label is None else str(label), shadows, GuardRules(**patience), watch, wait)


def watched(terms: Terms, labels: Sequence[str], values: Collection[str]) -> int:
    """The place of the label that is judged; `values` are those that are no chances. ValueError where it is one of
    these, or where there is no other.

    >>> watched(Terms(), ("dwell", "click"), {"dwell"})
    1
    """
    chances = [name for name in labels if name not in values]
    label = terms.label or (chances[0] if chances else None)
    if label not in chances:
        raise ValueError(
            f"the guard is to watch the label {label!r}, which is not foreseen as a chance; those that are: "
            f"{', '.join(chances) or 'none'}. Name one as `label` in [trainer.guard], or switch the guard off"
        )
    return labels.index(label)
