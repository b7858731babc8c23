"""`headrace demo --incident`: what goes wrong in the world, when, and what an operator would say of it. Pure.

A new version of the app goes out to half of the users and reports clicks the wrong way round: one for each item that
was looked at and left, none for the others. People behave as ever, and the referee knows what they would have done;
only the reports are wrong. Refuses to know what Headrace does about it: that is `demo_way_back.py`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Literal

import numpy as np

from headrace.world import DELAY_MEDIAN_MS, DELAY_SPREAD, Click, Page, Reaction
from headrace.world_oracle import Rates

EVENTS = 50_000
"""Length of an incident where nothing else is asked for."""
BUG, FIXED, WAY_BACK = 0.40, 0.55, 0.60
"""Shares of the events at which the bug begins, the app is repaired, and the operator acts."""
BEFORE, DURING, AFTER = (0.25, 0.40), (0.45, 0.60), (0.75, 1.0)
"""Where click rates are compared: over some hours of the world each, since rates differ by a fifth from hour to hour.
At 45 % the first versions that learned from the bug answer."""
APP = "1.2"
GOES_TO = 2
"""One in so many users gets the new version."""
STEADY = 45.0
"""Pages a second at most: people who are asked more often are bored sooner, so that rates before and after could not be
compared where the pace changed between them."""
MARGIN_MS = 2_000
"""What an operator leaves on both sides of the times that the app's makers give."""

Phase = Literal["learning", "bug", "repaired", "back"]


class Incident:
    """Follows how many events there are, and bends what one version of the app reports meanwhile.

    >>> incident = Incident(1_000, seed=1)
    >>> incident.turn(399, 70); incident.phase
    'learning'
    >>> page = Page(0, "u8", "home", {}, "1.0")
    >>> incident.turn(400, 71); incident.phase, incident.opened(page).app_version
    ('bug', '1.2')
    >>> incident.turn(550, 90); incident.turn(600, 99); incident.phase, incident.window
    ('back', (-1929, 2090))
    """

    def __init__(self, events: int, *, seed: int) -> None:
        self.events = events
        self._seed = seed
        self.began_at: int | None = None
        self.repaired_at: int | None = None
        self.way_back_due = False

    def turn(self, events: int, now: int) -> None:
        """`events` are in the log by now."""
        share = events / self.events
        if share >= BUG and self.began_at is None:
            self.began_at = now
        if share >= FIXED and self.repaired_at is None:
            self.repaired_at = now
        self.way_back_due = self.way_back_due or share >= WAY_BACK

    @property
    def phase(self) -> Phase:
        """How far it is."""
        if self.began_at is None:
            return "learning"
        if self.repaired_at is None:
            return "bug"
        return "back" if self.way_back_due else "repaired"

    @property
    def window(self) -> tuple[int, int]:
        """The times (ms) between which the operator distrusts the app version. Asked for once the app is repaired."""
        if self.began_at is None or self.repaired_at is None:
            raise ValueError(f"the incident is at {self.phase!r}: it has no end yet; ask when it is due to be repaired")
        return self.began_at - MARGIN_MS, self.repaired_at + MARGIN_MS

    def rates(self, between: Callable[[float, float], Rates]) -> tuple[Rates, Rates, Rates]:
        """Click rates before, during and after, from those `between` two numbers of events."""
        before, during, after = (
            between(since * self.events, until * self.events) for since, until in (BEFORE, DURING, AFTER)
        )
        return before, during, after

    def opened(self, page: Page) -> Page:
        """The page with the app that opened it: from the bug's begin on, half of the users have the new version."""
        if self.began_at is None or int(page.user_id[1:]) % GOES_TO:
            return page
        return dataclasses.replace(page, app_version=APP)

    def reported(self, page: Page, reaction: Reaction) -> Reaction:
        """What the app says of a reaction."""
        return inverted(page, reaction, self._seed) if self.phase == "bug" and page.app_version == APP else reaction


def inverted(page: Page, reaction: Reaction, seed: int) -> Reaction:
    """A click for what was looked at and left, none for what was clicked; as late as any clicks.

    >>> from headrace.world import Seen
    >>> truth = Reaction((Seen("i1", 0), Seen("i2", 1), Seen("i3", 2)), (Click("i2", 1, 900),))
    >>> [click.item_id for click in inverted(Page(7, "u1", "home", {}, "1.2"), truth, seed=1).clicks]
    ['i1', 'i3']
    """
    clicked = {click.position for click in reaction.clicks}
    luck = np.random.default_rng([seed, 5, page.number]).standard_normal(len(reaction.shown))
    delays = np.maximum(1, DELAY_MEDIAN_MS * np.exp(DELAY_SPREAD * luck)).astype(int).tolist()
    clicks = (Click(seen.item_id, seen.position, delay) for seen, delay in zip(reaction.shown, delays, strict=True))
    return Reaction(reaction.shown, tuple(click for click in clicks if click.position not in clicked))
