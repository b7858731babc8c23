"""What the folds of a server are made with, and the digest of it.

They stand in the decisions as text and hold from an offset on. A snapshot that was made with other rules than hold
there is passed over: the folds of a server can always be fed again from the log.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from streams.rule_texts import UNSAID, plain_of, rules_of, text_of

CODE = 2
"""Goes up with every change of what the same events give."""

MINUTE = 60_000
HOUR = 60 * MINUTE


@dataclass(frozen=True, slots=True)
class FoldRules:
    """Bounds, half-lives and kinds; times in ms.

    `history`, `history_of`, `out_of_orderness`, `impressions` and `horizon` (its `Rules.lifespan`) must be the
    joiner's, or a server reads other histories than the trainer learned from. `positives` are the interactions that
    count as wanting an item.

    >>> FoldRules().digest() == FoldRules(history=20).digest(), FoldRules().digest() == FoldRules(history=5).digest()
    (True, False)
    """

    history: int = 20
    out_of_orderness: int = 5_000
    horizon: int = 24 * HOUR
    impressions: Literal["shown", "served"] = "shown"
    seen: int = 256
    slow_half_life: int = 6 * HOUR
    fast_half_life: int = 10 * MINUTE
    covisit_half_life: int = 24 * HOUR
    covisit_window: int = 24 * HOUR
    covisit_clicks: int = 5
    covisit_keep: int = 48
    positives: tuple[str, ...] = ("click", "like", "comment", "share", "follow", "purchase")
    history_of: dict[str, int] = field(default_factory=dict, metadata=UNSAID)
    feedback: int = field(default=0, metadata=UNSAID)
    """Rows of feedback that each partition keeps for lists of it; 0: none."""
    follow_window: int = field(default=0, metadata=UNSAID)
    """How long after an item (ms) what else is wanted counts as following it; 0: nothing is counted."""

    @property
    def text(self) -> str:
        """The rules as a configure line says them: JSON in one order of keys."""
        return text_of(self, code=CODE)

    @classmethod
    def of(cls, text: str) -> FoldRules:
        """The rules that a `text` says. Raises LogMismatch where it says none that this code can follow.

        >>> FoldRules.of(FoldRules(history=7).text) == FoldRules(history=7)
        True
        """
        return rules_of(text, cls, code=CODE, whose="a server's folds")

    def digest(self) -> str:
        """16 hex digits; equal for equal rules under the same code."""
        told = msgspec.json.encode([CODE, plain_of(self)], order="deterministic")
        return hashlib.sha256(told).hexdigest()[:16]
