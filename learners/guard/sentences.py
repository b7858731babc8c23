"""One sentence for an operator about what the guard does with a group. Words only."""

from __future__ import annotations

from learners.guard.words import HeldView, Verdict


def sentence(verdict: Verdict, seen: HeldView, clean: int) -> str:
    """What happened, with the figures that say so.

    >>> view = HeldView(0, "level", 3, 4, 1, 0.5, 1.0, 0.8, 0.8, 2.0, 31, None)
    >>> sentence("hold", view, 0)
    'held: the odds of a yes moved by a factor of 0.50, since about batch 3; learned in 31 batches unless it returns'
    """
    what = {
        "level": f"the odds of a yes moved by a factor of {seen.factor:.2f}",
        "rank": f"labels no longer follow the predictions (slope {seen.slope:.2f} of the usual one)",
        "lost": "fewer clicks arrived than were announced",
    }[seen.kind]
    if verdict == "hold":
        ends = (
            f"learned in {seen.learned_in} batches unless it returns" if seen.kind == "level" else "look at the labels"
        )
        return f"held: {what}, since about batch {seen.since}; {ends}"
    if verdict == "return":
        return f"learned again: as before since batch {clean}, after {seen.seen} held batches; those before are refused"
    if verdict == "accept":
        by = "by order" if seen.order == "accept" else "it lasts and can be learned"
        return f"learned after {seen.seen} held batches, {by}: {what}; AUC {seen.auc_live:.3f} to {seen.auc_shadow:.3f}"
    return f"held for {seen.seen} batches, and nothing speaks for an end: {what}; order accept or refuse"
