"""Which of two rankings people prefer, on the same page: team-draft interleaving, pure.

Two rankings take turns in choosing the next item, a coin deciding who goes first in each round, and a click counts for
the one that chose the item (Radlinski, Kurup, Joachims, "How Does Clickthrough Data Reflect Retrieval Quality?", CIKM
2008, algorithm 2). As each page holds both, it needs far fewer pages than two arms. In replay the page is the one that
was shown: both rankings order its items, and only its clicks are known. Then position bias favours whichever ranking is
more like the order that was shown; so compare two rankings of which neither served, or read it as a lower bound.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

Team = Literal["left", "right"]


@dataclass(frozen=True, slots=True)
class Page:
    """One page in replay: its items as either ranking orders them, and those that were clicked."""

    left: Sequence[str]
    right: Sequence[str]
    clicked: Collection[str]


@dataclass(frozen=True, slots=True)
class Preferred:
    """Pages on which either ranking had more of the clicks, and ties among pages with a click. `preference` is the
    share of the right one in the decided pages, `low` and `high` what it lies between (95 %, Wilson); `p` that of a
    sign test."""

    pages: int
    left: int
    right: int
    ties: int
    preference: float | None
    low: float | None
    high: float | None
    p: float


def team_draft(left: Sequence[str], right: Sequence[str], count: int, random: Random) -> list[tuple[str, Team]]:
    """The first `count` items of both rankings taken in turns, each with the ranking that chose it.

    >>> [item for item, _ in team_draft("abc", "bcd", 4, Random(1))]
    ['a', 'b', 'c', 'd']
    >>> sorted({team for _, team in team_draft("ab", "ab", 2, Random(1))})
    ['left', 'right']
    """
    drafted: list[tuple[str, Team]] = []
    taken: set[str] = set()
    rankings: dict[Team, Sequence[str]] = {"left": left, "right": right}
    next_at: dict[Team, int] = {"left": 0, "right": 0}
    chosen: dict[Team, int] = {"left": 0, "right": 0}
    while len(drafted) < count:
        team: Team = "left" if chosen["left"] < chosen["right"] else "right"
        if chosen["left"] == chosen["right"] and random.random() < 0.5:
            team = "left"
        item = _best(rankings[team], next_at, team, taken)
        if item is None:  # it has no more: the other goes on alone
            team = "right" if team == "left" else "left"
            item = _best(rankings[team], next_at, team, taken)
        if item is None:
            break
        taken.add(item)
        chosen[team] += 1
        drafted.append((item, team))
    return drafted


def credit(drafted: Iterable[tuple[str, Team]], clicked: Collection[str]) -> tuple[int, int]:
    """Clicks by the ranking that chose what was clicked: left, right.

    >>> credit([("a", "left"), ("b", "right"), ("c", "left")], {"a", "c", "z"})
    (2, 0)
    """
    teams = [team for item, team in drafted if item in clicked]
    return teams.count("left"), teams.count("right")


def replayed(pages: Iterable[Page], *, count: int = 10, seed: int = 0, drafts: int = 1) -> Preferred:
    """What pages that were shown say of two rankings. Each page is drafted `drafts` times, since who goes first is
    chance: the clicks of all its drafts are added, and the page counts once.

    >>> pages = [Page("ab", "ba", "b")] * 50
    >>> found = replayed(pages, count=1, drafts=9)
    >>> found.right, found.left, found.p < 0.001
    (50, 0, True)
    """
    random = Random(seed)
    seen = left = right = ties = 0
    for page in pages:
        seen += 1
        if not page.clicked:
            continue
        told = [credit(team_draft(page.left, page.right, count, random), page.clicked) for _ in range(drafts)]
        ours, theirs = sum(one for one, _ in told), sum(other for _, other in told)
        left, right, ties = left + (ours > theirs), right + (theirs > ours), ties + (ours == theirs)
    return _preferred(seen, left, right, ties)


def _preferred(pages: int, left: int, right: int, ties: int) -> Preferred:
    decided = left + right
    if not decided:
        return Preferred(pages, left, right, ties, None, None, None, 1.0)
    share, z2 = right / decided, 1.959964**2
    middle = (share + z2 / (2 * decided)) / (1 + z2 / decided)
    half = math.sqrt(z2 * (share * (1 - share) / decided + z2 / (4 * decided**2))) / (1 + z2 / decided)
    z = (abs(right - left) - 1) / math.sqrt(decided)
    p = min(1.0, math.erfc(max(z, 0.0) / math.sqrt(2)))
    return Preferred(pages, left, right, ties, share, middle - half, middle + half, p)


def _best(ranking: Sequence[str], next_at: dict[Team, int], team: Team, taken: set[str]) -> str | None:
    while next_at[team] < len(ranking):
        item = ranking[next_at[team]]
        next_at[team] += 1
        if item not in taken:
            return item
    return None
