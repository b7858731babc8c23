"""Whether a generation may be put in place: what it finds, how much is in it, how long it takes. Pure.

The second half of the gate: it stands where indices are built, since nobody knows sooner what they find. Two recalls
are measured. The canary's has a bar of its own, since its queries are of one kind in every version. What people ask
may be hard or easy by where they stand, which is no fault of an index: there it may only be no worse than the one that
serves, on the same queries.
"""

from __future__ import annotations

from dataclasses import dataclass

from serving.build_job import Built

PATIENCE = 3
"""How often a search may be slow, which a busy machine may be the cause of, before the version is held."""
FEW = 0.001
"""Where no generation stands to compare with, the least share of the items that a version knows. Most of them may
rightly be at rest, so it is small: what it finds is an index that lost its items."""

SLACK = 0.01
"""How much less of queries of late it may find than the generation that serves."""


@dataclass(frozen=True, slots=True)
class Asked:
    """`recall`: share of the canary's exact answers that must be found; `items`: share of the items of the generation
    before that must be in it; `latency`: ms that a search may take, at the median."""

    recall: float = 0.95
    items: float = 0.5
    latency: float = 50.0


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not; `lasting` where building it again would give the same."""

    why: str
    lasting: bool


def refusal(built: Built, before: int | None, asked: Asked) -> Refusal | None:
    """What speaks against it, or nothing; `before` is how many items the generation has that serves.

    >>> refusal(Built(7, "", recall=0.99, linked=True, items=0), 1_000, Asked()).why
    'the index has 0 items, the one before has 1,000: at least 500'
    >>> refusal(Built(7, "", recall=0.99, linked=True, items=900), 1_000, Asked()) is None
    True
    >>> refusal(Built(1, "", recall=1.0, items=0, known=40), None, Asked()).why
    'the index has 0 items, the version knows 40, and there is none before it: at least 1'
    >>> refusal(Built(1, "", recall=1.0), None, Asked()) is None  # it has learned nothing yet
    True
    """
    if before is None and built.known and built.items < (least := max(1, int(built.known * FEW))):
        known = f"the version knows {built.known:,}, and there is none before it: at least {least:,}"
        return Refusal(f"the index has {built.items:,} items, {known}", True)
    if before and built.items < before * asked.items:
        least = int(before * asked.items)
        return Refusal(f"the index has {built.items:,} items, the one before has {before:,}: at least {least:,}", True)
    if built.linked and built.recall < asked.recall:
        return Refusal(f"canary recall is {built.recall:.3f}, below {asked.recall:g}", True)
    if built.linked and (late := built.late) is not None and late.fell(SLACK):
        found = f"the index finds {late.recall:.3f}, the one that serves {late.before:.3f}"
        return Refusal(f"of what {late.asked} queries of late want {found}; canary recall is {built.recall:.3f}", True)
    if built.latency > asked.latency:
        return Refusal(f"a search takes {built.latency:.1f} ms, at most {asked.latency:g}", False)
    return None
