"""A user is forgotten through the whole path: intake, sequencer, joiner, servers."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace import forget as forgetting
from headrace.forget import look
from headrace.forget_report import progress
from streams.events import User
from tests.headrace.forgetting_world import ANA, BO, World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_forgotten_user_leaves_states_histories_and_profiles(world: World) -> None:
    world.click(ANA, None, 2_000, "oil")
    world.page(ANA, "r1", 8_000, "tea")
    world.page(BO, "r2", 8_000, "tea")
    world.settle(9_000)
    assert world.known.profile(ANA).history_at == 2_000
    world.delete()
    world.settle(60_000)
    assert [row for row in world.rows() if row[0] == ANA] == [
        (ANA, "organic", {"click": 1.0}, ()), (ANA, "forget", {}, ()),
    ]  # fmt: skip
    assert (BO, "label", {"click": 0.0}, ()) in world.rows()
    assert ANA not in world.known.home(ANA).profiles.users


def test_what_comes_late_or_twice_reopens_nothing(world: World) -> None:
    world.page(ANA, "r1", 8_000, "tea")
    world.settle(9_000)
    world.delete()
    world.settle(11_000)
    world.page(ANA, "r1", 8_000, "tea")
    world.click(ANA, "r1", 8_500, "tea")
    world.click(ANA, None, 7_000, "jam")
    world.click(ANA, "r1", 10_500, "tea", impression_ts=8_000)  # type: ignore[arg-type]
    world.settle(60_000)
    assert [row[1] for row in world.rows() if row[0] == ANA] == ["forget"]
    assert ANA not in world.known.home(ANA).profiles.users


def test_a_user_who_comes_back_begins_anew(world: World) -> None:
    world.click(ANA, None, 2_000, "oil")
    world.settle(9_000)
    world.delete()
    world.settle(11_000)
    world.page(ANA, "r3", 20_000, "tea")
    world.click(ANA, "r3", 21_000, "tea")
    world.settle(60_000)
    assert world.rows()[-1] == (ANA, "label", {"click": 1.0}, ())
    assert [past.item_id for past in world.known.profile(ANA).history] == ["tea"]
    found = look(world.ground, ANA)
    assert found.deleted is not None
    assert found.deleted.returned == 3
    assert "3 events since" in dict(progress(found))["came back"]


def test_no_mask_covers_the_delete() -> None:
    from streams.mask import Entry

    gone = User("u", 5, ANA, deleted=True, producer=forgetting.PRODUCER)
    assert not Entry("all", start={0: 0}).covers(0, 3, gone)
    assert not Entry("ours", start={0: 0}, producer=forgetting.PRODUCER).covers(0, 3, gone)
