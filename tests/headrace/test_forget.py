"""A user is forgotten through the whole path: intake, sequencer, joiner, servers, and the report of what is left."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from checkpoints.manifest import Manifest, TrainerPosition
from headrace import forget as forgetting
from headrace.deployment import open_logs, version_store
from headrace.forget import Ground, NotForgotten, append, forget, look
from headrace.forget_report import Found, Held, Version, held, progress
from headrace.forget_search import Deleted, Named
from headrace.operations import Operator
from headrace.settings import Settings
from learners.plan import Plan
from serving.fold_rules import FoldRules
from serving.folding import fold
from serving.known import Known
from streams.dead_letters import DeadLetter, DeadLetters
from streams.decisions import DecisionLog
from streams.events import Impression, Interaction, Shown, Slate, Tick, User
from streams.examples import decode
from streams.frames import EventFrame, encode_frame
from streams.intake import Intake
from streams.log import MemoryLogs
from streams.poll_joiner import join, to_the_end
from streams.rules import Label, Rules
from streams.sequencer import sequence
from tests.headrace.command_line import runner

ANA, BO = "ana-the-first", "bo"
ME = Operator("op@host", "asked for it", 10_000)
RULES = Rules((Label("click", event="click", window=5_000),), grace=500, out_of_orderness=1_000)


class World:
    """One partition, every fold over it, and a clock that the test turns."""

    def __init__(self, folder: Path) -> None:
        self.now = 1_000
        self.folder = folder
        self.logs = MemoryLogs()
        settings = Settings(var=folder, partitions=1)
        self.ground = Ground(settings, self.logs, DecisionLog(self.logs.open("decisions", 1)))
        self.intake = Intake(self.logs, partitions=1, clock=lambda: self.now)
        self.known = Known(partitions=1, rules=FoldRules(out_of_orderness=1_000, horizon=RULES.lifespan))
        self._sequenced = sequence(self.logs, partitions=1, clock=self._tick, clock_ahead=0)
        self._folded = fold(self.logs, self.known, folder=folder / "serve", clock=lambda: self.now)

    def page(self, user: str, request: str, at: int, *items: str) -> None:
        shown = tuple(Shown(item, place) for place, item in enumerate(items))
        self.now = at
        self.intake.append(
            Slate(f"s{request}", at, user, request, shown), Impression(f"i{request}", at, user, request, shown)
        )

    def click(self, user: str, request: str | None, at: int, item: str, **more: str) -> None:
        self.now = max(at, self.now)
        self.intake.append(Interaction(f"c{user}{request}{item}{at}", at, user, "click", item, request, **more))  # type: ignore[arg-type]

    def delete(self, at: int = 10_000) -> None:
        self.now = at
        append(self.ground, ANA, Operator("op@host", "asked for it", at))

    def settle(self, until: int) -> None:
        """Let all folds take everything, and time pass."""
        for at in (self.now, until):
            self.now = at
            for _ in range(8):
                next(self._sequenced)
        joined = join(
            self.logs, partitions=1, rules=RULES, folder=self.folder / "join", snapshots=self.folder / "snapshots",
            clock=lambda: self.now,
        )  # fmt: skip
        for _ in to_the_end(joined, 1):
            pass
        joined.close()  # type: ignore[attr-defined]
        for _ in range(5):
            next(self._folded)

    def rows(self) -> list[tuple[str, str, dict[str, float], tuple[str, ...]]]:
        found = []
        for record in self.logs.open("examples", 1).read(0, 0):
            frame = decode(record.value)
            for row in frame.rows:
                shot = frame.shots[row.shot] if row.shot >= 0 else None
                who = row.example if shot is None else shot.user_id
                pasts = () if shot is None else tuple(past.item_id for past in shot.history)
                found.append((who, row.kind, row.labels, pasts))
        return found

    def learn(self) -> None:
        """Versions up to the end of the examples, one per batch."""
        from learners.named_learners import make_learner
        from learners.trainer import train

        plan = Plan(partitions=1, bucket_ms=1_000, batch_size=4, commit_batches=1, until_end=True)
        store = version_store(self.ground.settings)
        for _ in train(self.logs, store, lambda: make_learner(labels=("click",)), plan=plan, clock=self._tick):
            pass

    def learned(self, version: int) -> str:
        """All texts that a version holds."""
        folder = version_store(self.ground.settings).folder(version)
        return "".join(path.read_bytes().decode(errors="replace") for path in folder.rglob("*") if path.is_file())

    def _tick(self) -> int:
        self.now += 5
        return self.now


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


# ---- the report -----------------------------------------------------------------------------------------------------


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
