"""The loop that keeps the folds up: restarts, masks, and going back."""

from __future__ import annotations

from pathlib import Path

import msgspec

from serving.folding import fold
from serving.known import Known
from serving.part_heads import snapshots
from streams.decisions import Decision, DecisionLog
from streams.mask import Entry
from streams.positions import partition_of
from tests.serving.deployment import PARTITIONS, Deployment


def again(before: Deployment) -> Deployment:
    """A server that starts over the same log and snapshots."""
    return Deployment(before.folder, logs=before.logs, now=before.now)


def state(known: Known) -> bytes:
    """What is known, as bytes."""
    return msgspec.msgpack.encode(
        [
            [sorted(part.profiles.told()), part.popularity.told(), sorted(part.covisitation.told()), part.positions]
            for part in known.parts
        ]
    )


def decide(server: Deployment, **line: object) -> None:
    log = DecisionLog(server.logs.open("decisions", 1))
    log.follow()
    log.decide(Decision(at=server.now(), who="ana", why="test", seen=log.fold.position, **line))


def test_a_click_is_known_after_one_turn(tmp_path: Path) -> None:
    server = Deployment(tmp_path)
    click = server.telling.click("u1", "i3")
    server.tell(click)
    next(server.folding)
    assert server.known.profile("u1").history_at == click.ts


def test_a_restarted_server_knows_the_same(tmp_path: Path) -> None:
    server = Deployment(tmp_path)
    tell = server.telling
    server.tell(tell.item("i1"), tell.shown("u1", "i1", "i2"), tell.click("u1", "i1"), tell.click("u2", "i2"))
    server.fold()
    server.tell(tell.click("u1", "i2"), tell.gone("i1"))
    restarted = again(server)
    report = restarted.fold()
    server.fold()
    assert state(restarted.known) == state(server.known)
    assert report.positions == server.known.positions
    assert not restarted.known.stock.open_at("i1", server.now())


def test_a_restart_feeds_only_what_came_after_the_snapshot(tmp_path: Path) -> None:
    server = Deployment(tmp_path)
    server.tell(*[server.telling.click("u1", f"i{n}") for n in range(50)])
    server.fold()
    restarted = again(server)
    assert next(restarted.folding).events == 0
    assert len(restarted.known.profile("u1").history) == 20


def test_a_masked_click_is_forgotten_everywhere(tmp_path: Path) -> None:
    server = Deployment(tmp_path)
    tell = server.telling
    server.tell(tell.click("u1", "i1"), tell.click("u1", "i3", app_version="bad"), tell.click("u1", "i5"))
    server.fold()
    assert [past.item_id for past in server.known.profile("u1").history] == ["i1", "i3", "i5"]
    decide(server, kind="mask", add=(Entry("q", start=dict.fromkeys(range(PARTITIONS), 0), app_version="bad"),))
    server.fold()
    assert [past.item_id for past in server.known.profile("u1").history] == ["i1", "i5"]
    assert [item for item, _ in server.known.near(["i1"], 9)] == ["i5"]
    decide(server, kind="mask", remove=("q",))
    server.fold()
    assert [past.item_id for past in server.known.profile("u1").history] == ["i1", "i3", "i5"]


def test_what_is_masked_is_as_if_it_had_never_been(tmp_path: Path) -> None:
    bad, clean = Deployment(tmp_path / "bad"), Deployment(tmp_path / "clean")
    tell = bad.telling
    events = [tell.click(f"u{n % 3}", f"i{n % 5}", app_version="bad" if n % 4 == 0 else "ok") for n in range(40)]
    for n, event in enumerate(events):
        bad.tell(event)
        if n % 7 == 0:
            bad.fold()
    decide(bad, kind="mask", add=(Entry("q", start=dict.fromkeys(range(PARTITIONS), 3), app_version="bad"),))
    bad.fold()
    offsets = dict.fromkeys(range(PARTITIONS), 0)
    for event in events:
        partition = partition_of(event.user_id, PARTITIONS)
        offsets[partition] += 1
        if event.app_version == "ok" or offsets[partition] <= 3:
            clean.tell(event)
    clean.fold()
    for masked, removed in zip(bad.known.parts, clean.known.parts, strict=True):
        assert sorted(masked.profiles.told()) == sorted(removed.profiles.told())
        assert masked.popularity.told() == removed.popularity.told()
        assert sorted(masked.covisitation.told()) == sorted(removed.covisitation.told())


def test_requests_read_the_old_part_until_the_new_one_has_caught_up(tmp_path: Path) -> None:
    server = Deployment(tmp_path)
    server.tell(*[server.telling.click("u1", f"i{n}") for n in range(60)])
    server.fold()
    decide(server, kind="mask", add=(Entry("q", start={0: 0, 1: 0}, stop={0: 0, 1: 0}, t0=0, t1=5),))
    turn = next(server.folding)
    assert turn.rewinding
    assert len(server.known.profile("u1").history) == 20
    while turn.rewinding:
        turn = next(server.folding)
    assert len(server.known.profile("u1").history) == 20


def test_an_item_event_that_is_masked_opens_the_item_again(tmp_path: Path) -> None:
    server = Deployment(tmp_path)
    item, gone = server.telling.item("i4"), server.telling.gone("i4")
    server.tell(item, gone)
    server.fold()
    at = server.now()
    decide(server, kind="mask", add=(Entry("q", start={0: 0, 1: 0}, stop={0: 0, 1: 0}, t0=gone.ts, t1=gone.ts + 1),))
    assert not server.known.stock.open_at("i4", at)
    server.fold()
    assert server.known.stock.open_at("i4", at)


def test_publishing_is_noticed(tmp_path: Path) -> None:
    server = Deployment(tmp_path)
    server.fold()
    assert not server.known.published
    decide(server, kind="publish", version=1)
    server.fold()
    assert server.known.published


def floor_at(server: Deployment, offset: int) -> None:
    decide(server, kind="expire", floor=dict.fromkeys(range(PARTITIONS), offset))


def test_the_snapshot_at_the_floor_stays_and_a_mask_above_it_leads_back_there(tmp_path: Path) -> None:
    server = Deployment(tmp_path)
    for n in range(40):
        server.tell(*[server.telling.item(f"i{n}")])
        server.fold()
        if n == 20:
            floor_at(server, 12)
    kept = [head.next for _, head in snapshots(tmp_path / "p0")]
    assert min(kept) <= 12
    assert sum(next <= 12 for next in kept) == 1, "what lies below the snapshot at the floor goes"
    assert len(kept) < 20
    events = server.logs.open("events", PARTITIONS)
    for partition in range(PARTITIONS):
        events.trim(partition, min(kept))
    decide(server, kind="mask", add=(Entry("q", start={0: 12, 1: 12}, t0=0),))
    report = server.fold()
    assert report.cut == 0
    assert [len(part.catalogue.items) for part in server.known.parts] != [0, 0]
    assert server.known.parts[0].next == 40


def test_a_server_without_snapshots_over_a_trimmed_log_begins_there_and_says_so(tmp_path: Path) -> None:
    server = Deployment(tmp_path / "one")
    server.tell(*[server.telling.click("u1", f"i{n}") for n in range(20)])
    events = server.logs.open("events", PARTITIONS)
    home = partition_of("u1", PARTITIONS)
    events.trim(home, 15)
    fresh = Deployment(tmp_path / "two", logs=server.logs, now=server.now)
    report = fresh.fold()
    assert report.cut == 1
    assert [past.item_id for past in fresh.known.profile("u1").history] == [f"i{n}" for n in range(15, 20)]
    assert again(fresh).fold().cut == 1, "its snapshots remember it"
    assert Deployment(tmp_path / "one", logs=server.logs, now=server.now).fold().cut == 1


def going_on(before: Deployment, folder: Path) -> Deployment:
    """A server that knows already what another one knew when it ended."""
    server = Deployment(before.folder, logs=before.logs, now=before.now)
    server.known = before.known
    server.folding = fold(before.logs, before.known, folder=folder, clock=before.now, snapshot_every=1 << 50)
    return server


def test_what_is_known_already_is_not_read_again(tmp_path: Path) -> None:
    server = Deployment(tmp_path)
    server.tell(*[server.telling.click("u1", f"i{n}") for n in range(50)])
    server.fold()
    part = server.known.home("u1")
    server.tell(server.telling.click("u1", "new"))
    forked = going_on(server, tmp_path / "none")
    assert next(forked.folding).events == 1
    assert forked.known.home("u1") is part
    assert [past.item_id for past in forked.known.profile("u1").history][-2:] == ["i49", "new"]


def test_what_is_known_already_but_masked_since_is_read_anew(tmp_path: Path) -> None:
    server = Deployment(tmp_path)
    tell = server.telling
    server.tell(tell.click("u1", "i1"), tell.click("u1", "i3", app_version="bad"))
    server.fold()
    decide(server, kind="mask", add=(Entry("q", start=dict.fromkeys(range(PARTITIONS), 0), app_version="bad"),))
    forked = going_on(server, tmp_path / "none")
    forked.fold()
    assert [past.item_id for past in forked.known.profile("u1").history] == ["i1"]


def test_a_snapshot_that_is_further_than_what_is_known_already_takes_its_place(tmp_path: Path) -> None:
    other = Deployment(tmp_path)
    other.tell(*[other.telling.click("u1", f"i{n}") for n in range(30)])
    early = going_on(Deployment(tmp_path / "a", logs=other.logs, now=other.now), tmp_path / "none")
    next(early.folding)
    assert len(early.known.profile("u1").history) == 20
    other.tell(*[other.telling.click("u1", f"i{n}") for n in range(30, 50)])
    other.fold()
    late = going_on(early, tmp_path)
    assert next(late.folding).events == 0
    assert state(late.known) == state(other.known)
