"""The referee: for one user and moment, the clicks that four slates would get by the world's truth.

Only Headrace's slate is ever shown or logged; the other three are counterfactual, with the same hidden state, so the
rates are paired and free of the noise of clicks. Popular is learned from the same log. Refuses to serve anything.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headrace.world import ATTENTION, Page, Reaction, World, looks


@dataclass(frozen=True, slots=True)
class Rates:
    """Expected clicks per item looked at."""

    headrace: float
    popular: float
    random: float
    oracle: float


def expected_clicks(world: World, page: Page, slate: Sequence[str], now: int) -> float:
    """Clicks that `slate` gets on average, if this page shows it now."""
    chance_I = world.chances(page.user_id, now)
    return _clicks(page, chance_I[[world.items.row_of(item_id) for item_id in slate]])


class Popularity:
    """Decayed clicks per view of everything that was shown; a view counts for the prior until it has company.

    >>> popular = Popularity(half_life=1_000)
    >>> popular.saw(["a", "b"], ["b"], now=0)
    >>> popular.best(1, now=0)
    ['b']
    """

    def __init__(self, *, half_life: int = 60_000, prior_views: float = 20.0) -> None:
        self._half_life = half_life
        self._prior_views = prior_views
        self._rows: dict[str, int] = {}
        self._views_I = np.zeros(256)
        self._clicks_I = np.zeros(256)
        self._at = 0

    def saw(self, shown: Sequence[str], clicked: Collection[str], now: int) -> None:
        """Count one page."""
        self._age(now)
        for item_id in shown:
            row = self._row(item_id)
            self._views_I[row] += 1.0
            self._clicks_I[row] += item_id in clicked

    def best(self, n: int, now: int) -> list[str]:
        """The n items with the most clicks per view, best first."""
        self._age(now)
        views_I, clicks_I = self._views_I[: len(self._rows)], self._clicks_I[: len(self._rows)]
        usual = clicks_I.sum() / max(views_I.sum(), 1e-9)
        rate_I = (clicks_I + usual * self._prior_views) / (views_I + self._prior_views)
        names = list(self._rows)
        return [names[row] for row in np.argsort(-rate_I, kind="stable")[:n]]

    def _age(self, now: int) -> None:
        if now > self._at:
            left = 0.5 ** ((now - self._at) / self._half_life)
            self._views_I *= left
            self._clicks_I *= left
            self._at = now

    def _row(self, item_id: str) -> int:
        row = self._rows.setdefault(item_id, len(self._rows))
        if row == len(self._views_I):
            self._views_I, self._clicks_I = (np.pad(a, (0, row)) for a in (self._views_I, self._clicks_I))
        return row


class Referee:
    """Compares slates: `judge` before a page is shown, `saw` after."""

    def __init__(self, world: World, seed: int) -> None:
        self._world = world
        self._rng = np.random.default_rng([seed, 4])
        self._popular = Popularity()
        self.judged: list[tuple[float, float, float, float, float]] = []

    def judge(self, page: Page, slate: Sequence[str], now: int) -> Rates:
        """The four expected rates at this moment; call it before `react`, which changes the user."""
        n, items = len(slate), self._world.items
        chance_I = self._world.chances(page.user_id, now)
        popular = self._popular.best(n, now) or [items.said[i].item_id for i in range(n)]
        clicks = (
            _clicks(page, chance_I[[items.row_of(item_id) for item_id in slate]]),
            _clicks(page, chance_I[[items.row_of(item_id) for item_id in popular]]),
            _clicks(page, chance_I[self._rng.choice(items.size, min(n, items.size), replace=False)]),
            _clicks(page, -np.sort(-chance_I)[:n]),
        )
        looked = float(looks(page, n).sum())
        self.judged.append((looked, *clicks))
        return Rates(*(float(click / looked) for click in clicks))

    def saw(self, reaction: Reaction, now: int) -> None:
        """The log grew by one page."""
        clicked = {click.item_id for click in reaction.clicks}
        self._popular.saw([seen.item_id for seen in reaction.shown], clicked, now)

    def rates(self, since: int = 0, until: int | None = None) -> Rates:
        """Averages over the pages judged from number `since` on, before `until`; zeros where there is none."""
        looked, *clicks = np.sum(self.judged[since:until] or [(0.0,) * 5], axis=0).tolist()
        return Rates(*(click / max(looked, 1e-9) for click in clicks))


def _clicks(page: Page, chance_n: npt.NDArray[np.float32]) -> float:
    n = len(chance_n)
    return float((looks(page, n) * ATTENTION ** np.arange(n) * chance_n).sum())
