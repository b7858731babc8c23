"""Retrieval on the next click: against brute force over an export, and each way to miss one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from msgspec import structs

from learners.named_learners import make_learner
from learners.ordering import Batch, Example
from learners.sought import NOT_RETRIEVED, RANKED_LOW, SEEN, SHOWN, UNKNOWN, WITHDRAWN, Served, best, mid_ranks
from learners.two_stage_learner import TwoStageLearner
from serving.policy import Quotas, SeenRule
from serving.scorer import Asker, Scorer
from streams.examples import Past, Row, Shot
from tests.learners.lessons import ITEMS, batch, fact, lesson, random_batch

LABELS = ("click", "long")
EVERYTHING = Served(candidates=len(ITEMS), slate=0, wanted_for=0)


def taught(name: str = "two_tower_deepfm", batches: int = 6) -> TwoStageLearner:
    learner = make_learner(name, labels=LABELS, context=("hour",), seed=3)
    assert isinstance(learner, TwoStageLearner)
    for one in (batch(*map(fact, ITEMS)), *map(random_batch, range(batches))):
        learner.score(one)
        learner.learn(one)
    return learner


def clicks(number: int = 99) -> Batch:
    return batch(*(e for e in random_batch(number, rows=200).examples if e.row.labels["click"] > 0))


def asker_of(shot: Shot) -> Asker:
    told = {"query_item_id": shot.query_item_id, "query_text": shot.query_text}
    return Asker(shot.user_id, shot.history, shot.surface, shot.context, shot.ts, **told)


def brute_ranks(scorer: Scorer, asked: Batch, barred: bool = False) -> list[float]:
    """One pair after the other, from the files that a server reads."""
    ranks = []
    for example in asked.examples:
        shot = example.shot
        assert shot is not None
        user_D, hidden = scorer.user_vector(asker_of(shot)), {shot.query_item_id}
        hidden |= {past.item_id for past in shot.history} if barred else set()
        score = {name: float(user_D @ scorer.item_vectors[at]) for at, name in enumerate(scorer.item_ids)}
        own = score.pop(example.row.item_id)
        others = [one for name, one in score.items() if name not in hidden]
        rank = 1 + sum(one > own + 1e-6 for one in others) + sum(abs(one - own) <= 1e-6 for one in others) / 2
        ranks.append(np.inf if example.row.item_id in hidden else rank)
    return ranks


@pytest.mark.parametrize("name", ["two_tower_deepfm", "two_tower_deepfm_torch"])
def test_ranks_are_those_of_the_vectors_that_a_server_would_read(name: str, tmp_path: Path) -> None:
    learner, asked = taught(name), clicks()
    learner.export(tmp_path, version=1)
    scorer = Scorer(tmp_path)
    for wanted_for, barred in ((3, False), (4, True)):  # histories are 4 ms old
        told = learner.sought(asked, replace(EVERYTHING, wanted_for=wanted_for), len(asked.examples))
        assert told.rank_P.tolist() == pytest.approx(brute_ranks(scorer, asked, barred))
        assert told.items == len(ITEMS)


def test_low_in_the_ranking_is_what_the_exported_ranker_says(tmp_path: Path) -> None:
    learner, asked = taught(), clicks()
    learner.export(tmp_path, version=1)
    scorer, served = Scorer(tmp_path), Served(candidates=12, slate=4, wanted_for=0)
    told = learner.sought(asked, served, len(asked.examples))
    for example, rank, fate in zip(asked.examples, told.rank_P, told.fate_P, strict=True):
        if fate in (SHOWN, RANKED_LOW):
            assert example.shot
            assert rank <= 12
            asker = asker_of(example.shot)
            near = scorer.item_vectors @ scorer.user_vector(asker)
            near[scorer.rows_of([example.shot.query_item_id or ""])[0] :][:1] -= 9 if example.shot.query_item_id else 0
            rows = np.argsort(-near, kind="stable")[:12]
            value = scorer.score(asker, rows).sum(axis=1)
            own = value[scorer.item_ids.index(example.row.item_id) == rows]
            assert fate == (RANKED_LOW if (value > own + 1e-6).sum() + 1 > 4 else SHOWN)
    assert {SHOWN, RANKED_LOW, NOT_RETRIEVED} <= set(told.fate_P.tolist())


def test_looking_changes_nothing_that_is_learned() -> None:
    one, other = taught(), taught()
    asked = clicks()
    strange = lesson("nobody", 3, history=(Past("never heard of", "click", 1),))
    one.sought(batch(*asked.examples, strange), Served(), 9)
    for learner in (one, other):
        learner.score(asked)
        learner.learn(asked)
    assert one.digest() == other.digest()


def test_items_alike_share_their_ranks() -> None:
    learner = make_learner(labels=LABELS)
    assert isinstance(learner, TwoStageLearner)
    bare = [structs.replace(ITEMS[i], item_id=f"bare{i}", categories=(), tags=(), author=None) for i in range(9)]
    learner.learn(batch(*map(fact, bare)))
    row = Row(1, 9, "label", "e", {"click": 1.0}, item_id="bare4")
    told = learner.sought(batch(Example(row, Shot("ana", 9), None, 0)), EVERYTHING, 0)
    assert told.rank_P.tolist() == [5.0]  # nobody has a row yet: nine equals


def test_each_way_to_miss_a_click_has_its_name() -> None:
    learner = taught()
    gone = structs.replace(ITEMS[7], ts=2, deleted=True)
    learner.learn(batch(fact(gone)))
    late, early = (Past(ITEMS[3].item_id, "click", ts) for ts in (900_000, 1))
    new = lesson("ana", 1)
    new = structs.replace(new, row=structs.replace(new.row, item_id="new"))
    rows = batch(lesson("ana", 7), lesson("ana", 3, ts=1_000_000, history=(late,)), new)
    assert learner.sought(rows, Served(), 3).fate_P.tolist() == [WITHDRAWN, SEEN, UNKNOWN]
    each = [batch(lesson("ana", item, ts=1_000_000, history=(early,))) for item in range(6)]
    rank, asked = next((int(rank), one) for one in each if (rank := learner.sought(one, EVERYTHING, 1).rank_P[0]) > 2)
    for served, fate in (
        (Served(candidates=rank - 1), NOT_RETRIEVED),
        (Served(candidates=30, slate=30), SHOWN),
        (Served(candidates=30, slate=0), RANKED_LOW),
    ):
        assert learner.sought(asked, served, 1).fate_P.tolist() == [fate]


def test_what_the_user_wanted_comes_back_where_too_little_is_left() -> None:
    learner = taught()
    history = tuple(Past(item.item_id, "click", 8) for item in ITEMS[:25])
    asked = batch(lesson("ana", 3, history=history))
    assert learner.sought(asked, Served(slate=5), 1).fate_P.tolist() == [SEEN]
    assert learner.sought(asked, Served(slate=6), 1).rank_P[0] < np.inf


def test_a_rank_among_equals_is_the_mean_of_what_ties_could_give() -> None:
    r = np.random.default_rng(5)
    score_PN = r.integers(0, 4, (50, 12)).astype(np.float32)
    own_P = r.integers(0, 12, 50)
    told = mid_ranks(score_PN, score_PN[np.arange(50), own_P])
    for scores, own, rank in zip(score_PN, own_P, told, strict=True):
        orders = [np.lexsort((r.random(12), -scores)) for _ in range(400)]
        first = min(int(np.flatnonzero(order == own)[0]) + 1 for order in orders)
        last = max(int(np.flatnonzero(order == own)[0]) + 1 for order in orders)
        assert rank == (first + last) / 2


def test_the_best_hold_what_was_chosen_whatever_the_ties() -> None:
    score_PN = np.zeros((3, 9), np.float32)
    for count in (1, 4, 9, 20):
        found = best(score_PN, np.array([0, 5, 8]), count)
        assert found[:, 0].tolist() == [0, 5, 8]
        assert all(len(set(line)) == min(count, 9) for line in found.tolist())


def test_servers_answer_by_default_as_it_is_assumed_here() -> None:
    assert (Served().candidates, Served().wanted_for) == (Quotas().vectors, SeenRule().wanted_for)
