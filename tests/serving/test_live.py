"""A reader holds one version from begin to end, and the swap to another costs it nothing."""

from __future__ import annotations

import gc
import shutil
import threading
import weakref
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from serving.generation import Generation
from serving.generation_files import folder_of
from serving.live import Bundle, BundleKeeper, Live, MixedBundle
from streams.decisions import DecisionLog
from tests.serving.follower_town import Town
from tests.serving.plain_export import PlainScorer, commit, crowd, drifted, names, say, write_export

ITEMS = 260


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def grow(town: Town, versions: int, keep: int = 9) -> None:
    """That many versions, each with its generation, the newest live."""
    with closing(town.follow(keep=keep)) as reports:
        for _ in range(versions):
            town.publish(drifted(crowd(ITEMS), 0.02))
            town.settle(reports)


def keeper(town: Town, live: Live, **options: object) -> BundleKeeper:
    return BundleKeeper(
        DecisionLog(town.log),
        town.generations,
        live,
        open_scorer=PlainScorer.open,  # type: ignore[arg-type]
        **options,  # type: ignore[arg-type]
    )


def version_of(live: Live) -> int | None:
    bundle = live.current()
    return None if bundle is None else bundle.version


def test_the_live_version_answers_once_its_generation_stands(town: Town) -> None:
    live = Live()
    kept = keeper(town, live)
    assert kept.turn().idle
    town.publish(crowd(ITEMS))
    assert (kept.turn().idle, live.current()) == (True, None)
    with closing(town.follow()) as reports:
        town.settle(reports)
    turned = kept.turn()
    assert (turned.version, turned.opened, turned.swapped) == (1, 1, 1)
    assert version_of(live) == 1
    assert kept.turn().idle


def test_a_way_back_to_a_warm_version_opens_nothing(town: Town) -> None:
    live, seen = Live(), []
    kept = keeper(town, live, warm=lambda bundle: seen.append(bundle.version))
    for _ in range(3):
        grow(town, 1)
        kept.turn()
    shutil.rmtree(town.generations)
    say(town.decisions, "rollback", 2)
    turned = kept.turn()
    assert (turned.version, turned.opened, turned.swapped) == (2, 0, 1)
    assert seen == [1, 2, 3]


def test_only_the_last_few_bundles_stay_and_the_others_are_freed(town: Town) -> None:
    """Without the collector of garbage: a server has it pass over what is old (`short_turns.py`)."""
    live, held = Live(), []
    kept = keeper(town, live, keep=2)
    gc.collect()
    gc.disable()
    try:
        for _ in range(4):
            grow(town, 1)
            kept.turn()
            held.append(weakref.ref(live.current()))  # type: ignore[arg-type]
        assert kept.turn().warm == (3, 4)
        assert [ref() is not None for ref in held] == [False, False, True, True]
    finally:
        gc.enable()


def test_going_down_keeps_the_bad_version_until_the_good_one_is_ready(town: Town) -> None:
    live = Live()
    grow(town, 3)
    kept = keeper(town, live)
    kept.turn()
    shutil.rmtree(folder_of(town.generations, 1))
    say(town.decisions, "rollback", 1)
    assert kept.turn().idle
    assert version_of(live) == 3
    with closing(town.follow()) as reports:
        town.settle(reports)
    assert kept.turn().version == 1


def test_on_the_way_up_again_no_version_that_was_rolled_back_answers(town: Town) -> None:
    live = Live()
    grow(town, 4)
    kept = keeper(town, live)
    kept.turn()
    say(town.decisions, "rollback", 2)
    assert kept.turn().version == 2
    say(town.decisions, "resume", None)
    town.publish(drifted(crowd(ITEMS), 0.02))
    assert kept.turn().idle
    assert version_of(live) == 2
    with closing(town.follow(keep=9)) as reports:
        town.settle(reports)
    assert kept.turn().version == 5


def test_a_damaged_generation_is_told_once_and_taken_when_it_was_replaced(town: Town) -> None:
    live = Live()
    grow(town, 2)
    folder = folder_of(town.generations, 2)
    whole = shutil.copytree(folder, town.root / "whole")
    (folder / "links.npy").unlink()
    kept = keeper(town, live)
    turned = kept.turn()
    assert "links.npy" in turned.trouble
    assert turned.swapped == 0
    assert [kept.turn().version, version_of(live)] == [1, 1]
    assert kept.turn() == kept.turn()
    shutil.rmtree(folder)
    Path(whole).rename(folder)
    assert kept.turn().version == 2


def test_parts_of_two_versions_are_no_bundle(town: Town, tmp_path: Path) -> None:
    grow(town, 2)
    one, two = (Generation.open(folder_of(town.generations, version)) for version in (1, 2))
    scorers = [PlainScorer.open(generation.export) for generation in (one, two)]
    Bundle(1, scorers[0], one)  # type: ignore[arg-type]
    write_export(tmp_path / "mixed", 1, names(ITEMS), crowd(ITEMS), ranker=2)
    write_export(tmp_path / "short", 1, names(9), crowd(9))
    mixed, short = PlainScorer.open(tmp_path / "mixed"), PlainScorer.open(tmp_path / "short")
    for version, scorer, generation in [
        (1, scorers[0], two),
        (2, scorers[0], two),
        (2, scorers[1], one),
        (1, scorers[1], two),
        (1, mixed, one),
        (1, short, one),
    ]:
        with pytest.raises(MixedBundle, match="version"):
            Bundle(version, scorer, generation)  # type: ignore[arg-type]


def test_readers_never_see_two_versions_in_one_request(town: Town) -> None:
    """Swaps and ways back under four reading threads; each version's items lie elsewhere, so a mix would show."""
    with closing(town.follow(keep=9)) as reports:
        for version in range(1, 7):
            commit(town.store, [f"{version}-{row}" for row in range(ITEMS)], crowd(ITEMS, seed=version))
            say(town.decisions, "publish", version)
            town.settle(reports)
    live, stop, trouble, answers = Live(), threading.Event(), [], 0
    kept = keeper(town, live)
    kept.turn()

    def read() -> None:
        nonlocal answers
        while not stop.is_set():
            bundle = live.current()
            assert bundle is not None
            query_D = bundle.scorer.item_vectors[answers % ITEMS]
            rows, _ = bundle.generation.search(np.array(query_D), 5)
            owner = {bundle.scorer.item_ids[row].split("-")[0] for row in rows}
            if owner != {str(bundle.version)} or bundle.generation.version != bundle.version:
                trouble.append((bundle.version, owner))
            if bundle.scorer.item_ids[rows[0]] != f"{bundle.version}-{answers % ITEMS}" and answers < 0:
                trouble.append((bundle.version, "wrong item"))
            answers += 1

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    swaps, random = 0, np.random.default_rng(2)
    for _ in range(80):
        say(town.decisions, "rollback", int(random.integers(1, 7)))
        swaps += kept.turn().swapped
    stop.set()
    for thread in threads:
        thread.join()
    assert trouble == []
    assert swaps > 40
    assert answers > 1000
