"""A plain learner of tags, for closed loops in process: per user and tag, clicks per view, shrunk to everyone's."""

from __future__ import annotations

from collections import defaultdict, deque

import numpy as np

from headrace.world import Page, Reaction
from headrace.world_items import WorldItem

NAMES = 200


class TagAffinity:
    """Sees what Headrace sees (users, shown items, clicks, what items say of themselves), and nothing of the truth."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._names: dict[str, int] = {}
        self._item_ids: list[str] = []
        self._has_IT = np.zeros((0, NAMES))
        self._counts_2T = np.zeros((2, NAMES))
        self._item_counts_2I = np.zeros((2, 0))
        self._user_counts_2T: dict[str, np.ndarray] = defaultdict(lambda: np.zeros((2, NAMES)))
        self._clicked: dict[str, deque[str]] = defaultdict(lambda: deque(maxlen=30))

    def add(self, items: list[WorldItem]) -> None:
        has_IT = np.zeros((len(items), NAMES))
        for row, item in enumerate(items):
            names = (*item.tags, *item.categories, item.author)
            has_IT[row, [self._names.setdefault(name, len(self._names)) for name in names]] = 1.0
            self._item_ids.append(item.item_id)
        self._has_IT = np.concatenate([self._has_IT, has_IT])
        self._item_counts_2I = np.pad(self._item_counts_2I, ((0, 0), (0, len(items))))

    def slate(self, page: Page, n: int) -> list[str]:
        views_T, clicks_T = self._counts_2T
        usual = (clicks_T.sum() + 1) / (views_T.sum() + 10)
        rate_T = (clicks_T + 5 * usual) / (views_T + 5)
        own_2T, item_2I = self._user_counts_2T[page.user_id], self._item_counts_2I
        own_T = (own_2T[1] + 2 * rate_T) / (own_2T[0] + 2)
        liked_I = np.log((self._has_IT * own_T).max(axis=1) + 0.3 * (self._has_IT @ own_T))
        known_I = np.log((item_2I[1] + 8 * usual) / (item_2I[0] + 8) / usual)
        score_I = liked_I + 0.5 * known_I + 0.15 * self._rng.gumbel(size=len(self._item_ids))
        for item_id in self._clicked[page.user_id]:
            score_I[int(item_id[1:])] -= 1.0
        return [self._item_ids[row] for row in np.argsort(-score_I)[:n]]

    def saw(self, page: Page, reaction: Reaction) -> None:
        clicked = {click.item_id for click in reaction.clicks}
        self._clicked[page.user_id].extend(clicked)
        for seen in reaction.shown:
            row, hit = int(seen.item_id[1:]), seen.item_id in clicked
            grown_2T = np.stack([self._has_IT[row], self._has_IT[row] * hit])
            self._user_counts_2T[page.user_id] += grown_2T
            self._counts_2T += grown_2T
            self._item_counts_2I[:, row] += (1, hit)
