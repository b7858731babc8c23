"""Each version that serves or will has its generation, in the order in which they are needed."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from msgspec import structs

from serving.build import InlineBuilder, Rules
from serving.build_job import Built, Job
from serving.generation_files import versions_in
from serving.late_recall import LateRecall
from tests.serving.follower_town import Town
from tests.serving.plain_export import PlainScorer, crowd, drifted, say


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def test_a_published_version_becomes_a_generation(town: Town) -> None:
    with closing(town.follow()) as reports:
        assert town.settle(reports) == []
        town.publish(crowd(300))
        begun, placed = town.settle(reports)
    assert (begun.version, begun.built) == (1, 0)
    assert placed.rows_written == 300
    assert (placed.version, placed.built, placed.reused, placed.linked, placed.error) == (1, 1, False, True, "")
    assert placed.canary_recall is not None
    assert placed.canary_recall >= 0.95
    assert town.opened(1).version == 1
    assert town.vectors.version == 1


def test_only_what_changed_is_written_and_what_left_gets_a_tombstone(town: Town) -> None:
    vec_ID = crowd(300)
    with closing(town.follow()) as reports:
        town.publish(vec_ID)
        town.settle(reports)
        now = vec_ID[:-1].copy()
        now[:5] = drifted(now[:5], 0.1)
        town.publish(now)
        assert [report.rows_written for report in town.settle(reports)] == [0, 6]
    gone = town.vectors.get("i299")
    assert gone is not None
    assert (gone.version, gone.vector) == (2, None)


def test_a_follower_that_is_behind_takes_the_live_version_and_skips_those_between(town: Town) -> None:
    for step in range(4):
        town.publish(drifted(crowd(300), 0.01 * step))
    with closing(town.follow()) as reports:
        town.settle(reports)
    assert versions_in(town.generations) == [4]


def test_after_a_rollback_the_version_gone_back_to_gets_its_generation_first(town: Town) -> None:
    for step in range(3):
        town.publish(drifted(crowd(300), 0.01 * step))
    say(town.decisions, "rollback", 1)
    with closing(town.follow()) as reports:
        first = next(iter(town.settle(reports)))
    assert first.version == 1
    assert versions_in(town.generations) == [1, 3]


class Slow:
    """A builder that is never done by itself."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.abandoned = 0

    def start(self) -> None:
        """Nothing to start."""

    def begin(self, job: Job) -> None:
        self.begun.append(job.version)

    def poll(self) -> Built | None:
        return None

    def abandon(self) -> None:
        self.abandoned += 1

    def close(self) -> None:
        self.abandoned += 1


def test_a_rollback_takes_the_builder_from_a_newer_version_but_a_publish_does_not(town: Town) -> None:
    slow = Slow()
    town.publish(crowd(300))
    town.publish(crowd(300))
    with closing(town.follow(slow)) as reports:
        next(reports)
        town.publish(crowd(300))
        assert all(next(reports).idle for _ in range(3))
        assert (slow.begun, slow.abandoned) == ([2], 0)
        say(town.decisions, "rollback", 1)
        assert "older version is live" in next(reports).error
        next(reports)
        assert (slow.begun, slow.abandoned) == ([2, 1], 1)


def test_old_generations_go_but_never_the_live_one_or_the_way_back(town: Town) -> None:
    with closing(town.follow(keep=2)) as reports:
        for step in range(5):
            town.publish(drifted(crowd(300), 0.01 * step))
            town.settle(reports)
        next(reports)
        assert versions_in(town.generations) == [4, 5]
        say(town.decisions, "rollback", 1)
        town.settle(reports)
        next(reports)
        assert versions_in(town.generations) == [1, 4, 5]
    assert not list(town.generations.glob(".*"))


def test_an_index_that_lost_its_items_is_held_until_an_operator_wants_it(town: Town) -> None:
    with closing(town.follow()) as reports:
        town.publish(crowd(300))
        town.settle(reports)
        town.publish(crowd(100))
        assert "100 items, the one before has 300" in town.settle(reports)[-1].error
        town.decisions.follow()
        assert [(one.kind, one.who) for one in town.decisions.fold.lines[-1:]] == [("hold", "follower")]
        town.now += 60_000
        assert town.settle(reports) == []  # the version before serves; nothing is tried again
        say(town.decisions, "promote", 2)
        assert town.settle(reports)[-1].built == 1


def test_an_index_that_finds_less_of_what_is_asked_than_the_one_that_serves_is_held(town: Town) -> None:
    class Worse(InlineBuilder):
        def poll(self) -> Built | None:
            built = super().poll()
            return built and structs.replace(built, late=LateRecall(0.7, 0.8 if built.version > 1 else None, 0.02, 64))

    with closing(town.follow(Worse(PlainScorer.open, Rules(links_from=200)))) as reports:
        town.publish(crowd(300))
        assert [one.late_recall for one in town.settle(reports) if one.built] == [0.7]
        town.publish(drifted(crowd(300), 0.01))
        told = town.settle(reports)[-1].error
        assert "64 queries of late want the index finds 0.700, the one that serves 0.800" in told
        assert "canary recall is 1.0" in told
        town.decisions.follow()
        assert [(one.kind, one.why) for one in town.decisions.fold.lines[-1:]] == [("hold", told)]


def test_a_slow_search_is_tried_again_before_its_version_is_held(town: Town) -> None:
    class Slow(InlineBuilder):
        def poll(self) -> Built | None:
            built = super().poll()
            return built and structs.replace(built, latency=900.0 if built.version == 2 else 0.0)

    with closing(town.follow(Slow(PlainScorer.open, Rules(links_from=200)))) as reports:
        for step in range(2):
            town.publish(drifted(crowd(300), 0.01 * step))
            town.settle(reports)
        kinds = []
        for _ in range(3):
            town.decisions.follow()
            kinds.append(town.decisions.fold.lines[-1].kind)
            town.now += 60_000
            town.settle(reports)
        town.decisions.follow()
        assert (kinds, town.decisions.fold.lines[-1].kind) == (["publish", "publish", "hold"], "hold")
