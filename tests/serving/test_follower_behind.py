"""No turn of the follower waits: not for files to be looked at, not for vectors to be written, not for a version to be
derived. A way back that comes meanwhile is taken at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from checkpoints.vectors import Floats, MemoryVectors, Stored
from learners.deriving import LEARNED, derive
from learners.writing import WritesBehind
from serving.build import InlineBuilder, Rules
from serving.builder_child import ChildBuilder
from serving.follower import Followed, follow
from serving.generation_files import folder_of, versions_in
from serving.live import BundleKeeper, Live
from serving.scorer import Scorer
from streams.decisions import DecisionLog
from tests.serving.follower_town import Town
from tests.serving.plain_export import PlainScorer, crowd, drifted, say
from tests.serving.test_follower_of_chains import Line

PATIENCE = 60.0


class Gated:
    """Vectors whose writing waits until it is let through."""

    def __init__(self) -> None:
        self.kept, self.open, self.begun = MemoryVectors(), threading.Event(), threading.Event()

    @property
    def version(self) -> int | None:
        return self.kept.version

    def write(self, version: int, item_ids: Sequence[str], vec_CD: Floats, gone: Sequence[str] = ()) -> None:
        self.begun.set()
        assert self.open.wait(PATIENCE)
        self.kept.write(version, item_ids, vec_CD, gone)

    def get(self, item_id: str) -> Stored | None:
        return self.kept.get(item_id)

    def scan(self) -> Iterator[Stored]:
        return self.kept.scan()

    def close(self) -> None:
        self.open.set()


def following(town: Town) -> Iterator[Followed]:
    return follow(
        DecisionLog(town.log),
        store=town.store,
        generations=town.generations,
        vectors=town.vectors,
        builder=InlineBuilder(PlainScorer.open, Rules(links_from=200)),
        open_export=PlainScorer.open,
        clock=lambda: town.now,
        writer=WritesBehind(),
    )


def until(reports: Iterator[Followed], true: object) -> None:
    end = time.monotonic() + PATIENCE
    while not true():  # type: ignore[operator]
        assert time.monotonic() < end
        next(reports)
        time.sleep(0.001)


def test_a_way_back_comes_before_vectors_that_are_being_written(tmp_path: Path) -> None:
    gate = Gated()
    town = Town(tmp_path, vectors=gate)
    for step in range(2):
        town.publish(drifted(crowd(300), 0.01 * step))
    with closing(following(town)) as reports:
        until(reports, gate.begun.is_set)
        assert all(next(reports).idle for _ in range(5))
        say(town.decisions, "rollback", 1)
        assert "older version is live" in next(reports).error
        assert all(next(reports).idle for _ in range(5)), "two are never written at a time"
        gate.open.set()
        until(reports, lambda: versions_in(town.generations) == [1, 2])
    assert town.opened(1).version == 1


def test_servers_go_back_to_a_warm_version_while_the_follower_is_at_another(tmp_path: Path) -> None:
    gate, live = Gated(), Live()
    town = Town(tmp_path, vectors=gate)
    server = BundleKeeper(
        DecisionLog(town.log),
        town.generations,
        live,
        open_scorer=PlainScorer.open,  # type: ignore[arg-type]
    )
    with closing(following(town)) as reports:
        gate.open.set()
        for number in (1, 2):
            town.publish(drifted(crowd(300), 0.01 * number))
            until(reports, lambda n=number: n in versions_in(town.generations))
            assert server.turn().version == number
        gate.open.clear()
        gate.begun.clear()
        town.publish(crowd(300))
        until(reports, gate.begun.is_set)
        say(town.decisions, "rollback", 1)
        turned = server.turn()
        assert (turned.version, turned.swapped, turned.opened) == (1, 1, 0)
        assert next(reports).idle, "what it is at goes on: nothing is missing for the way back"
        gate.open.set()


def test_the_end_of_a_follower_waits_for_what_is_being_written(tmp_path: Path) -> None:
    gate = Gated()
    town = Town(tmp_path, vectors=gate)
    town.publish(crowd(300))
    reports = following(town)
    until(reports, gate.begun.is_set)
    threading.Timer(0.05, gate.open.set).start()
    reports.close()  # type: ignore[attr-defined]
    assert gate.version == 1


def test_the_child_derives_what_a_whole_derivation_gives_and_turns_go_on(tmp_path: Path) -> None:
    line = Line(tmp_path, sparing=True)
    town, waited = line.town, 0
    reports = follow(
        DecisionLog(town.log),
        store=town.store,
        generations=town.generations,
        vectors=town.vectors,
        builder=ChildBuilder(("--links-from", "10")),
        open_export=Scorer.open,
        clock=lambda: 0,
        writer=WritesBehind(),
    )
    with closing(reports):
        for number in range(4):
            line.learn(number)
            version = line.commit()
            end = time.monotonic() + PATIENCE
            while version not in versions_in(town.generations):
                report = next(reports)
                assert not report.error
                assert time.monotonic() < end
                waited += report.idle
                time.sleep(0.002)
            export = folder_of(town.generations, version) / "serving"
            anew, digest = tmp_path / f"anew{version}", town.store.manifest(version).digest
            derive(town.store.chain(version), anew, version=version, digest=digest)
            assert {path.name for path in anew.iterdir()} == {path.name for path in export.iterdir()}
            for path in anew.iterdir():
                assert path.read_bytes() == (export / path.name).read_bytes(), path.name
    assert waited, "turns came while the child was at work"
    assert (town.store.chain(4)[0] / LEARNED).is_dir()
