"""What an index finds of queries of late, beside what was found before: how a fall is told from chance. Pure."""

from __future__ import annotations

from msgspec import Struct


class LateRecall(Struct, frozen=True):
    """What an index finds of `asked` queries of late, and what the one that was asked them finds `before`, of its own
    vectors (None where it looks at every item). The fall from that to this is sure to `margin`.

    >>> LateRecall(0.70, 0.79, 0.02, 64).fell(0.01), LateRecall(0.77, 0.79, 0.02, 64).fell(0.01)
    (True, False)
    >>> LateRecall(0.70).fell(0.01)
    False
    """

    recall: float
    before: float | None = None
    margin: float = 0.0
    asked: int = 0

    def fell(self, slack: float) -> bool:
        """Whether it finds less than before, by more than `slack` for certain."""
        return self.before is not None and self.before - self.recall - self.margin > slack
