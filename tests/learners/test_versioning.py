"""Versions that are written behind the trainer's back: dead, full or slow, the next life ends with the same bytes."""

from __future__ import annotations

import itertools
import shutil
import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from checkpoints.compaction import compact
from checkpoints.errors import NotWritten, PlaceError
from checkpoints.places import DiskPlace
from checkpoints.store import VersionStore
from learners.committing import Committed
from learners.plan import Plan, Trained
from learners.trainer import Trainer
from learners.writing import Writer, WritesAtOnce, WritesBehind
from streams.log import MemoryLogs
from tests.checkpoints.faults import Stopped, changes, full
from tests.learners.joined_log import COME_AND_GO, PARTITIONS, fresh, joined, logs_of, trainer_of

PLAN = Plan(partitions=PARTITIONS, bucket_ms=20_000, batch_size=32, commit_batches=3, chain=3, until_end=True)


@pytest.fixture(scope="module")
def logs() -> MemoryLogs:
    return logs_of(joined(visits=70))


@pytest.fixture(scope="module")
def wanted(logs: MemoryLogs, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The digest at the end of an undisturbed life that writes whole versions."""
    folder = tmp_path_factory.mktemp("undisturbed")
    return end(run(logs, folder, replace(PLAN, chain=0)), folder)


def run(
    logs: MemoryLogs, folder: Path, plan: Plan = PLAN, writer: Writer[Committed] | None = None
) -> Iterator[Trained]:
    trainer = trainer_of(logs, folder, plan, lambda: fresh(COME_AND_GO), writer)
    while not trainer.done.ended:
        yield trainer.turn()


def end(life: Iterator[Trained], folder: Path) -> str:
    """Live it to its end; the digest of the newest version, of which all can be opened."""
    for _ in life:
        pass
    store = VersionStore(folder)
    versions = store.manifests()
    for manifest in versions:
        store.chain(manifest.version)
    return versions[-1].digest


def counted(monkeypatch: pytest.MonkeyPatch, life: Iterator[Trained], at: int, act: Callable[[], None]) -> int:
    """Live, and `act` ahead of the change of files of that number; how many changes there were."""
    seen = 0

    def before() -> None:
        nonlocal seen
        seen += 1
        if seen - 1 == at:
            act()

    with changes(monkeypatch, before):
        try:
            for _ in life:
                pass
        except Stopped:
            life.close()  # type: ignore[attr-defined]
    return seen


def stop() -> None:
    raise Stopped


@pytest.mark.parametrize("behind", [False, True], ids=["at once", "behind"])
def test_killed_at_any_change_of_files_the_next_life_ends_with_the_same_bytes(
    behind: bool, logs: MemoryLogs, wanted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def life(folder: Path) -> Iterator[Trained]:
        writer: Writer[Committed] = WritesBehind() if behind else WritesAtOnce()
        return run(logs, folder, PLAN, writer)

    total = counted(monkeypatch, life(tmp_path / "all"), -1, stop)
    assert total > 60
    for at in range(int(behind), total, 9):
        folder = tmp_path / str(at)
        counted(monkeypatch, life(folder), at, stop)
        assert end(run(logs, folder), folder) == wanted, f"killed ahead of change {at}"
        shutil.rmtree(folder)


def test_a_version_that_found_no_room_is_told_of_and_the_next_one_holds_what_it_held(
    logs: MemoryLogs, wanted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room() -> None:
        raise full()

    told: list[Trained] = []
    counted(monkeypatch, (told.append(turn) or turn for turn in run(logs, tmp_path)), 40, no_room)  # type: ignore[func-returns-value]
    warnings = [turn.warning for turn in told if turn.warning]
    assert len(warnings) == 1
    assert "No space left" in warnings[0]
    assert told[-1].ended
    assert end(iter(()), tmp_path) == wanted


def test_a_version_whose_base_went_meanwhile_is_written_whole(logs: MemoryLogs, wanted: str, tmp_path: Path) -> None:
    store, warned = VersionStore(tmp_path), ""
    for turn in run(logs, tmp_path, replace(PLAN, chain=30)):
        warned = warned or turn.warning
        if turn.committed and turn.committed.version == 2:
            store.remove(2)
    assert "2" in warned
    assert any(m.base is None for m in store.manifests() if m.version > 2)
    assert store.manifests()[-1].digest == wanted


def test_at_the_end_a_version_must_be_written(
    logs: MemoryLogs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room() -> None:
        raise full()

    with pytest.raises(NotWritten):
        counted(monkeypatch, run(logs, tmp_path, replace(PLAN, commit_batches=10**6)), 12, no_room)


def test_learning_goes_on_while_a_version_is_written_and_the_next_one_waits(logs: MemoryLogs, tmp_path: Path) -> None:
    """By the clock: every turn is due, the first version takes as long as it is held."""
    held = threading.Event()

    class Slow(WritesBehind[Committed]):
        def begin(self, work: Callable[[], Committed]) -> None:
            super().begin(lambda: (held.wait(60), work())[1])

    plan = replace(PLAN, commit_batches=0, commit_ms=1)
    steps = 0
    for turn in run(logs, tmp_path, plan, Slow()):
        steps += turn.learned is not None
        if steps == 6:
            assert VersionStore(tmp_path).manifests() == []
            held.set()
    examples = [m.examples for m in VersionStore(tmp_path).manifests()]
    assert len(examples) > 1
    assert examples == sorted(set(examples))


def test_a_version_is_published_only_once_it_is_committed(logs: MemoryLogs, tmp_path: Path) -> None:
    for turn in run(logs, tmp_path, replace(PLAN, commit_batches=0, commit_ms=1), WritesBehind()):
        if turn.published:
            assert turn.committed is not None
            assert VersionStore(tmp_path).manifest(turn.committed.version) == turn.committed


def test_a_chain_that_was_compacted_is_gone_on_from_without_what_it_was_made_of(
    logs: MemoryLogs, wanted: str, tmp_path: Path
) -> None:
    store, lengths = VersionStore(tmp_path), list[int]()
    for turn in run(logs, tmp_path, replace(PLAN, chain=30)):
        if turn.committed is None:
            continue
        version = turn.committed.version
        lengths.append(len(store.links(version)))
        if version % 4 == 0:
            compact(store, version)
            for older in range(1, version):
                store.remove(older)
    assert lengths[:5] == [1, 2, 3, 4, 2]
    newest = store.manifests()[-1]
    assert newest.digest == wanted
    assert (store.chain(newest.version)[0].parent.name) == "compacted"
    trainer = trainer_of(logs, tmp_path, PLAN, lambda: fresh(COME_AND_GO))
    assert trainer.turn().restored == newest.version
    while not trainer.done.ended:
        trainer.turn()
    assert trainer.done.examples == newest.examples


class Silent(DiskPlace):
    """A place that does not answer for a while."""

    left = 0

    def fetch(self, name: str, files: Collection[str]) -> Path:
        if self.left:
            self.left -= 1
            raise PlaceError(f"{self.where} does not answer")
        return super().fetch(name, files)


def test_a_place_that_does_not_answer_is_waited_for_and_no_older_version_is_gone_back_to(
    logs: MemoryLogs, wanted: str, tmp_path: Path
) -> None:
    for turn in run(logs, tmp_path):
        if turn.committed and turn.committed.version == 3:
            break
    place = Silent(tmp_path)
    place.left = 2
    store, ticks = VersionStore(tmp_path, place), itertools.count()
    trainer = Trainer(logs, store, lambda: fresh(COME_AND_GO), plan=PLAN, clock=ticks.__next__)
    warned = [trainer.turn().warning for _ in range(2)]
    assert all("does not answer" in warning for warning in warned)
    assert trainer.turn().restored == 3
    while not trainer.done.ended:
        trainer.turn()
    assert store.manifests()[-1].digest == wanted
