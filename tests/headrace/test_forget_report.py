"""The report of what is left of a user who was forgotten, and the command that asks for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from checkpoints.manifest import Manifest, TrainerPosition
from headrace import forget as forgetting
from headrace.deployment import open_logs, version_store
from headrace.forget import NotForgotten, forget, look
from headrace.forget_report import Found, Held, Version, held, progress
from headrace.forget_search import Deleted, Named
from headrace.settings import Settings
from streams.dead_letters import DeadLetter, DeadLetters
from streams.events import Interaction, Tick, User
from streams.frames import EventFrame, encode_frame
from tests.headrace.command_line import runner
from tests.headrace.forgetting_world import ANA, BO, ME, World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_versions_after_the_delete_have_no_name_and_older_ones_are_told(world: World) -> None:
    world.click(ANA, None, 2_000, "oil")
    world.page(ANA, "r1", 3_000, "tea", "jam")
    world.page(BO, "r2", 3_000, "tea", "jam")
    world.click(ANA, "r1", 4_000, "jam")
    world.settle(20_000)
    world.learn()
    assert [ANA in world.learned(version) for version in (1, 2)] == [True, True]
    world.delete(21_000)
    world.page(BO, "r3", 22_000, "tea")
    world.settle(60_000)
    world.learn()
    newest = version_store(world.ground.settings).manifests()[-1].version
    assert (ANA in world.learned(newest), BO in world.learned(newest)) == (False, True)
    found = look(world.ground, ANA)
    assert found.learned is not None
    assert 2 < found.learned <= newest
    assert [version.number for version in found.versions] == list(range(1, found.learned))
    assert all(ANA not in world.learned(version) for version in range(found.learned, newest + 1))


def test_the_report_names_each_place_that_holds_the_user(world: World) -> None:
    world.page(ANA, "r1", 8_000, "tea")
    world.settle(16_000)
    letters = DeadLetters(world.logs.open("dead-letters", 1))
    letters.bury([DeadLetter(5, "is wrong", "v", "gateway", b'{"user_id": "%s"}' % ANA.encode())])
    letters.bury([DeadLetter(5, "is wrong", "v", "gateway", b'{"user_id": "%s-not"}' % ANA.encode())])
    world.delete(17_000)
    world.settle(18_000)
    found = look(world.ground, ANA)
    places = {one.place: one.count for one in held(found, span=1_000)}
    assert places == {
        "slates[0]": 1, "impressions[0]": 1, "users[0]": 1, "events[0]": 2, "examples[0]": 2, "dead-letters[0]": 1,
    }  # fmt: skip
    assert (found.joined, found.learned, found.served) == (True, None, None)
    assert not [one for one in look(world.ground, "nobody").named if one.records]


def test_versions_from_before_the_delete_hold_it_and_the_first_after_is_named(world: World) -> None:
    world.delete()
    world.settle(12_000)
    deleted = look(world.ground, ANA).deleted
    assert deleted is not None
    store = version_store(world.ground.settings)
    for last in (-1, deleted.offset - 1, deleted.offset):
        draft = Manifest(0, None, 0, {0: TrainerPosition(last=last, input=deleted.offset + 1)}, created_at=100)
        store.commit(store.reserve(), lambda folder: None, draft)
    found = look(world.ground, ANA)
    assert (found.learned, [one.number for one in found.versions]) == (3, [1, 2])


def test_a_version_that_others_stand_on_is_told_with_what_ends_that(world: World) -> None:
    world.delete()
    world.settle(12_000)
    store = version_store(world.ground.settings)
    for base in (None, 1, 2):
        draft = Manifest(0, base, 0, {0: TrainerPosition(last=-1, input=10**6)}, created_at=100, base=base)
        store.commit(store.reserve(), lambda folder: None, draft)
    told = {one.number: one.stays for one in look(world.ground, ANA).versions}
    assert all("16th of a chain" in told[n] and told[n].endswith("headrace versions compact 3") for n in (1, 2))
    store.compact(3, lambda folder: None)
    assert "compact" not in "".join(one.stays for one in look(world.ground, ANA).versions)


def test_forgetting_twice_writes_one_delete(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting.time, "sleep", lambda _: world.settle(world.now + 2_000))
    world.click(ANA, None, 2_000, "oil")
    world.settle(3_000)
    found = forget(world.ground, ANA, ME)
    assert found.deleted == Deleted(found.deleted.offset if found.deleted else -1, 10_000)
    end = world.logs.open("users", 1).end(0)
    assert {one.topic: one.records for one in found.named} == {
        "slates": 0, "impressions": 0, "interactions": 1, "users": 1, "events": 2, "examples": 1, "dead-letters": 0,
    }  # fmt: skip
    assert min(one.last_at for one in found.named if one.records) >= 2_000
    assert forget(world.ground, ANA, ME).deleted == found.deleted
    assert world.logs.open("users", 1).end(0) == end == 1


def test_a_delete_that_nobody_sequences_is_told(world: World) -> None:
    with pytest.raises(NotForgotten, match="sequencer has not taken it"):
        forget(world.ground, ANA, ME, wait=0)
    with pytest.raises(NotForgotten, match="user_id"):
        forget(world.ground, "x" * 300, ME)


def test_lines_say_until_when() -> None:
    found = Found(
        ANA, 0, Deleted(7, 5_000), (Named("events", 0, 3, 9_000), Named("clicks", 0, 1, 9_000), Named("users", 0)),
        (Version(1, 50), Version(2, 70), Version(4, 90, "servers need it")), (("join", 2), ("serve", 0)),
        True, 5, False,
    )  # fmt: skip
    assert [(one.place, one.count, one.until) for one in held(found, span=1_000)] == [
        ("events[0]", 3, 6_000),
        ("clicks[0]", 1, 10_000),
        ("versions 1-2", 2, 1_070),
        ("versions 4", 1, None),
        ("snapshots of join", 2, 6_000),
    ]
    assert held(Found(ANA, 0, None), span=5) == list[Held]()
    assert dict(progress(found)) == {
        "delete": "events[0] 7", "joiner": "yes", "versions": "from 5 on", "servers": "not yet",
    }  # fmt: skip


def test_the_command_writes_asks_and_tries(tmp_path: Path, monkeypatch, capsys) -> None:  # type: ignore[no-untyped-def]
    headrace = runner(tmp_path, monkeypatch, capsys)
    monkeypatch.setattr(forgetting, "WAIT", 0)
    with open_logs(Settings(var=tmp_path / "var")) as logs:
        frame = EventFrame((Interaction("c", 5, "7", "click", "tea"), Tick(9), User("u", 9, "7", deleted=True)))
        for p in range(4):
            logs.open("events", 4).append(p, [encode_frame(frame)], at=9)
    assert headrace("forget", "7")[0] == 1
    assert "Nothing was written" in headrace("forget", "7", "--dry-run")[1]
    told = json.loads(headrace("forget", "7", "--status", "--json")[1])
    assert (told["deleted"], [one["count"] for one in told["held"]]) == ({"offset": 0, "ts": 9, "returned": 0}, [1])
    assert headrace("forget", "7", "--why", "asked")[0] == 0
    assert "still held by" in headrace("forget", "7", "--status")[1]
