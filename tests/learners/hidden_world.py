"""A small world whose truth is not the learner's equation: a few liked tags per user, the best of an item's tags
decides, some items are simply better, and lower positions are seen less."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from learners.learner import Learner
from learners.ordering import Batch, Example
from streams.examples import Attributes, Past, Row, Shot

HISTORY = 20


@dataclass
class Page:
    user: int
    items: list[int]


class HiddenWorld:
    def __init__(self, *, users: int = 300, items: int = 1000, tags: int = 30, seed: int = 1) -> None:
        self.random = np.random.default_rng(seed)
        self.liked_UT = np.zeros((users, tags))
        for user in range(users):
            self.liked_UT[user, self.random.choice(tags, 4, replace=False)] = self.random.uniform(0.4, 1.0, 4)
        self.tags_I = [self.random.choice(tags, self.random.integers(1, 4), replace=False) for _ in range(items)]
        self.quality_I = self.random.beta(2, 3, items)
        self.attributes = [
            Attributes(f"item{i}", 1, tags=tuple(f"tag{t}" for t in self.tags_I[i]), author=f"author{i % 40}")
            for i in range(items)
        ]
        self.history: list[tuple[Past, ...]] = [()] * users
        self.views_I, self.clicks_I = np.zeros(items), np.zeros(items)
        self.now = 0

    def chance(self, user: int, items: np.ndarray | list[int]) -> np.ndarray:
        return np.array(
            [0.03 + 0.6 * (self.liked_UT[user, self.tags_I[i]].max() ** 2) * (0.3 + self.quality_I[i]) for i in items]
        )

    def popular(self, items: np.ndarray) -> np.ndarray:
        rate = self.clicks_I.sum() / max(1.0, self.views_I.sum())
        return (self.clicks_I[items] + 10 * rate) / (self.views_I[items] + 10)

    def shot(self, user: int) -> Shot:
        return Shot(f"user{user}", self.now, surface="home", context={}, history=self.history[user])

    def examples(self, page: Page) -> list[Example]:
        """The page as it was shown, with its clicks."""
        shot, rows = self.shot(page.user), []
        chances = self.chance(page.user, page.items)
        for position, (item, chance) in enumerate(zip(page.items, chances, strict=True)):
            clicked = self.random.random() < chance * 0.85**position
            self.views_I[item] += 1
            self.clicks_I[item] += clicked
            self.now += 1
            if clicked:
                past = Past(f"item{item}", "click", self.now)
                self.history[page.user] = (*self.history[page.user], past)[-HISTORY:]
            row = Row(self.now, self.now, "label", f"{self.now:x}", {"click": float(clicked)}, item_id=f"item{item}")
            row = Row(*[getattr(row, f) if f not in ("position", "first") else v for f, v in _fields(row, position)])
            rows.append(Example(row, shot, self.attributes[item], 0))
        return rows

    def scores(self, learner: Learner, user: int, items: np.ndarray) -> np.ndarray:
        """What the learner thinks of items for a user, at position 0."""
        shot = self.shot(user)
        asked = [
            Example(Row(0, 0, "label", "", {"click": 0.0}, item_id=f"item{i}"), shot, self.attributes[i], 0)
            for i in items
        ]
        return learner.score(Batch(tuple(asked), 0)).probability_BL[:, 0]


def _fields(row: Row, position: int) -> list[tuple[str, object]]:
    told = {"position": position, "first": True}
    return [(name, told.get(name)) for name in row.__struct_fields__]


def learn_pages(world: HiddenWorld, learner: Learner, pages: int, *, shown: int = 5, batch_pages: int = 60) -> None:
    """Pages chosen by the learner itself among 60 random items, one slot left to chance."""
    waiting: list[Example] = []
    users = len(world.history)
    for number in range(1, pages + 1):
        user = int(world.random.integers(users))
        offered = world.random.choice(len(world.attributes), 60, replace=False)
        best = offered[np.argsort(-world.scores(learner, user, offered), kind="stable")]
        page = [int(i) for i in (*best[: shown - 1], world.random.choice(offered))]
        waiting += world.examples(Page(user, page))
        if number % batch_pages == 0:
            batch = Batch(tuple(waiting), world.now)
            learner.score(batch)
            learner.learn(batch)
            waiting = []


def slate_rates(world: HiddenWorld, learner: Learner, *, slates: int = 300, offered: int = 200) -> dict[str, float]:
    """Expected clicks per item of five, by the truth: the learner's, the popular ones, the best, random ones."""
    random = np.random.default_rng(99)
    sums = dict.fromkeys(("learned", "popular", "oracle", "random"), 0.0)
    for _ in range(slates):
        user = int(random.integers(len(world.history)))
        items = random.choice(len(world.attributes), offered, replace=False)
        truth = world.chance(user, items)
        orders = {
            "learned": np.argsort(-world.scores(learner, user, items), kind="stable"),
            "popular": np.argsort(-world.popular(items), kind="stable"),
            "oracle": np.argsort(-truth, kind="stable"),
            "random": np.arange(len(items)),
        }
        for name, order in orders.items():
            sums[name] += float(truth[order[:5]].mean()) / slates
    return sums
