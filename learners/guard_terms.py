"""What a guard in front of a learner watches, and how far its patience goes, as settings tell it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from learners.guard.rules import GuardRules


@dataclass(frozen=True, slots=True)
class Terms:
    """What the guard watches: which label (None: the first that is a chance), and how many shadows there may be."""

    label: str | None = None
    most_shadows: int = 2
    rules: GuardRules = field(default_factory=GuardRules)


def terms_of(told: Mapping[str, str | int]) -> Terms:
    """The terms that settings tell.

    >>> terms_of({"label": "click", "hold": 8}).rules.hold
    8
    """
    patience = {name: int(told[name]) for name in ("hold", "ask") if name in told}
    label, shadows = told.get("label"), int(told.get("shadows", 2))
    return Terms(None if label is None else str(label), shadows, GuardRules(**patience))


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
