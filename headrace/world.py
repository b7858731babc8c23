"""A simulated world: people who ask for pages, look at the first few items, and click for reasons of their own.

Pure: everything follows from the seed and from the order and times of the calls; no clock, no socket, no thread. The
truth (`chances`) is for the referee in `world_oracle.py`, never for a feature. Refuses to be a dot product: a chance
is the strongest of several interests, behind moods and boredom, saturating.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headrace.world_items import TAG_NAMES, Catalogue, WorldItem
from headrace.world_people import INTERESTS, Boredom, People

HOUR_MS = 20_000
DEEPEST = 6
"""Nobody looks at more items of a page."""
READ_ON = {"phone": 0.78, "desktop": 0.85}
"""Chance to look at one more item."""
ATTENTION = 0.95
"""Each further position is looked at a little less well."""
APPEAL = 2.4
CEILING = 0.8
IDLE_CLICK = 0.02
DELAY_MEDIAN_MS, DELAY_SPREAD = 800.0, 0.9744
"""Log-normal: 3 % of clicks come later than 5 s."""
SEEN, CLICKED = 0.15, 1.0
TAG_SEEN, TAG_CLICKED = 0.01, 0.02
INTEREST_LIFE_S = 900


@dataclass(frozen=True, slots=True)
class Page:
    """What a user asks for. `number` counts pages; a reaction's chances derive from it."""

    number: int
    user_id: str
    surface: str
    context: dict[str, str | float]
    app_version: str


@dataclass(frozen=True, slots=True)
class Seen:
    """An item that was looked at, at its position in the slate."""

    item_id: str
    position: int


@dataclass(frozen=True, slots=True)
class Click:
    """A click that comes `delay` ms after the page was seen."""

    item_id: str
    position: int
    delay: int


@dataclass(frozen=True, slots=True)
class Reaction:
    """What a page led to."""

    shown: tuple[Seen, ...]
    clicks: tuple[Click, ...]


class World:
    """People and items over time. `arrivals` gives the new items, `ask` a page, `react` what a slate leads to.

    >>> world = World(1, started_at=0)
    >>> len(world.arrivals(0)), len(world.arrivals(3_000))
    (1000, 3)
    >>> page = world.ask(3_000)
    >>> reaction = world.react(page, ["i7", "i2", "i5"], 3_000)
    >>> reaction.shown[0], world.hour(45_000)
    (Seen(item_id='i7', position=0), 2)
    """

    def __init__(self, seed: int, *, started_at: int, users: int = 300, items: int = 1_000) -> None:
        nature, nurture, self._asking = (np.random.default_rng([seed, stream]) for stream in range(3))
        self._seed = seed
        self._started_at = started_at
        self._second = 0
        self._pages = 0
        self.items = Catalogue(nature)
        self.people = People(nurture, self.items, users=users)
        self._activity_U = np.cumsum(self.people.draw_activity())
        self._fresh = self.items.arrive(items)
        self._bored_of_items = Boredom(rows=users, columns=items + 256, half_life=90_000)
        self._bored_of_tags = Boredom(rows=users, columns=len(TAG_NAMES), half_life=20_000)

    def hour(self, now: int) -> int:
        """The world's hour of the day."""
        return max(0, now - self._started_at) // HOUR_MS % 24

    def arrivals(self, now: int) -> list[WorldItem]:
        """The items that are new since the last call; all of them at the first."""
        self._turn_to(now)
        fresh, self._fresh = self._fresh, []
        return fresh

    def ask(self, now: int) -> Page:
        """Somebody opens a page."""
        self._turn_to(now)
        rng = self._asking
        user = min(int(np.searchsorted(self._activity_U, rng.random())), len(self._activity_U) - 1)
        context: dict[str, str | float] = {
            "hour": str(self.hour(now)),
            "device": "phone" if rng.random() < (0.9 if user % 3 else 0.3) else "desktop",
        }
        page = Page(self._pages, f"u{user}", "home" if rng.random() < 0.8 else "feed", context, f"1.{user % 4 // 3}")
        self._pages += 1
        return page

    def react(self, page: Page, slate: Sequence[str], now: int) -> Reaction:
        """What happens when `slate` is put before the user; bores them with it."""
        self._turn_to(now)
        reaction = self.imagine(page, slate, now)
        user, clicked = int(page.user_id[1:]), {click.item_id for click in reaction.clicks}
        self._bored_of_items.widen(self.items.size)
        for seen in reaction.shown:
            row, hit = self.items.row_of(seen.item_id), seen.item_id in clicked
            tags = np.flatnonzero(self.items.tag_TI[:, row])
            self._bored_of_items.add(user, np.array([row]), np.array([CLICKED if hit else SEEN]), now)
            self._bored_of_tags.add(user, tags, np.full(len(tags), TAG_CLICKED if hit else TAG_SEEN), now)
        return reaction

    def imagine(self, page: Page, slate: Sequence[str], now: int) -> Reaction:
        """The reaction, without leaving a trace of it."""
        rng = np.random.default_rng([self._seed, 3, page.number])
        depth = min(int(rng.geometric(1.0 - READ_ON[str(page.context["device"])])), DEEPEST, len(slate))
        chance_I = self.chances(page.user_id, now)
        shown = tuple(Seen(item_id, position) for position, item_id in enumerate(slate[:depth]))
        clicks = []
        for seen, luck, delay in zip(shown, rng.random(depth), rng.standard_normal(depth), strict=True):
            if luck < chance_I[self.items.row_of(seen.item_id)] * ATTENTION**seen.position:
                late = int(DELAY_MEDIAN_MS * np.exp(DELAY_SPREAD * delay))
                clicks.append(Click(seen.item_id, seen.position, max(1, late)))
        return Reaction(shown, tuple(clicks))

    def chances(self, user_id: str, now: int) -> npt.NDArray[np.float32]:
        """Truth: for each item, the chance of a click by this user now, if it is looked at in the first place."""
        user = int(user_id[1:])
        self._bored_of_items.widen(self.items.size)
        quality_I = self.items.quality_I
        drive_I = self.people.drive(user, self.hour(now))
        appeal_I = quality_I * (APPEAL * drive_I + IDLE_CLICK)
        weary_I = self._bored_of_items.level(user, now)[: self.items.size]
        weary_I = weary_I + self._bored_of_tags.level(user, now) @ self.items.tag_TI
        out: npt.NDArray[np.float32] = (CEILING * (1.0 - np.exp(-appeal_I)) * np.exp(-weary_I)).astype(np.float32)
        return out

    def _turn_to(self, now: int) -> None:
        while self._second < (now - self._started_at) // 1_000:
            self._second += 1
            self._fresh.extend(self.items.arrive(1))
            self.people.drift(len(self.people.first_UK) * INTERESTS / INTEREST_LIFE_S)


def looks(page: Page, n: int) -> npt.NDArray[np.float64]:
    """For each of `n` positions, the chance that this page's user looks there.

    >>> looks(Page(0, "u1", "home", {"device": "phone"}, ""), 3).round(2).tolist()
    [1.0, 0.78, 0.61]
    """
    out: npt.NDArray[np.float64] = READ_ON[str(page.context["device"])] ** np.arange(n, dtype=float)
    out[DEEPEST:] = 0.0
    return out
