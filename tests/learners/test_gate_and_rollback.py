"""A rollback in a world that moves quickly: what was learned since serves again, without anybody saying so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from checkpoints.manifest import Manifest
from headrace.operations import Operator, pause, promote, resume
from learners.gate import Limits
from streams.decisions import DecisionLog
from tests.learners.gated_town import ITEMS, PLAN, Town, measures

ANA = Operator("ana", "it went wrong", 9)
MINUTE = 60_000


def town_of(folder: Path) -> Town:
    town = Town(folder, plan=replace(PLAN, gate=Limits(every=2, rows=200, young=1_000)))
    moves(town, minutes=0)
    town.play(1_200)
    return town


def moves(town: Town, *, minutes: int) -> None:
    """Other items are liked, by all, and time goes by."""
    town.world.now += minutes * MINUTE
    liked_I = np.random.default_rng(town.world.now // MINUTE).permutation(ITEMS) < ITEMS // 3
    town.world.chance = lambda user, items: np.where(liked_I[items], 0.7, 0.02)  # type: ignore[method-assign]


def paused_in_the_past(town: Town, back: int) -> DecisionLog:
    decisions = DecisionLog(town.logs.open("decisions", 1))
    decisions.follow()
    promote(sorted(town.registry.published)[-back], town.store, decisions, ANA)
    pause(decisions, ANA)
    return decisions


def orders(versions: list[Manifest]) -> list[float]:
    return [float(str(measures(one)["order"]["figure"])) for one in versions if "figure" in measures(one)["order"]]


def test_versions_are_published_again_within_a_few_commits(tmp_path: Path) -> None:
    town = town_of(tmp_path)
    decisions = paused_in_the_past(town, back=3)
    back = town.registry.live
    for _ in range(6):
        moves(town, minutes=3)
        town.play(150)
    assert town.registry.live == back
    resume(decisions, ANA)
    since = town.play(600)
    assert max(orders(since)) > 0.8, "the world is not another one, so this test shows nothing"
    published = [one.version for one in since if one.version in town.registry.published]
    assert published[0] <= since[1].version
    assert len(published) > len(since) / 2
    late = measures(since[-1])["order"]
    assert (late["copy"], late["verdict"]) >= (published[0], "pass")
