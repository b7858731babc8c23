"""What an operator does about versions as such: how they are kept, which stay, wherever they lie."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from checkpoints.deltas import changed, delta, write
from checkpoints.manifest import Manifest, TrainerPosition
from checkpoints.store import VersionStore
from headrace.deployment import location_of, version_store
from headrace.retaining import compacting_of, policy_of
from headrace.settings import Settings
from headrace.settings_file import load
from tests.headrace.command_line import Headrace, runner

PLACES = ("{var}/versions", "{var}/elsewhere", "local://{var}/far")


@pytest.fixture
def headrace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Headrace:
    return runner(tmp_path, monkeypatch, capsys)


def settings_in(folder: Path, place: str) -> Settings:
    """What commands run in this folder read."""
    place = place.replace("{var}", str(folder / "var")) if "://" in place else place
    (folder / "headrace.toml").write_text(f'partitions = 1\n[store]\nversions = "{place}"\n')
    return load(folder / "headrace.toml", {}, {"var": str(folder / "var")})


def chained(store: VersionStore, versions: int) -> None:
    for n in range(1, versions + 1):
        table = np.arange(8) * n
        part = {"t": table} if n == 1 else delta(n - 1, changed("t", table, np.array([1]), 8))
        draft = Manifest(n, n - 1 or None, 0, {0: TrainerPosition(input=n)}, examples=n, base=n - 1 or None)
        store.commit(store.reserve(), lambda folder, part=part: write(folder / "t.safetensors", part), draft)


@pytest.mark.parametrize("place", PLACES)
def test_a_list_says_how_each_version_is_kept(headrace: Headrace, tmp_path: Path, place: str) -> None:
    chained(version_store(settings_in(tmp_path, place)), 4)
    assert headrace("versions", "compact", "3")[0] == 0
    rows = json.loads(headrace("versions", "list", "--json")[1])
    assert [(row["kind"], row["chain"], row["pinned"]) for row in rows] == [
        ("full", 1, False), ("delta", 2, False), ("delta, compacted", 1, False), ("delta", 2, False),
    ]  # fmt: skip
    assert rows[2]["size"] > rows[0]["size"] > 0
    told = headrace("versions", "list")[1]
    assert all(word in told for word in ("kind", "size", "chain", "pinned", "delta, compacted", "bytes"))
    assert json.loads(headrace("versions", "show", "4", "--json")[1])["base"] == 3


def test_a_pin_is_a_decision_and_is_written_once(headrace: Headrace, tmp_path: Path) -> None:
    chained(version_store(settings_in(tmp_path, PLACES[0])), 2)
    assert "Version 2 is pinned (decision 0)." in headrace("versions", "pin", "2", "--why", "before the sale")[1]
    assert "nothing was written" in headrace("versions", "pin", "2", "--why", "again")[1]
    assert [row["pinned"] for row in json.loads(headrace("versions", "list", "--json")[1])] == [False, True]
    assert json.loads(headrace("versions", "unpin", "2", "--why", "over", "--json")[1]) == {
        "line": 1, "version": 2, "dry_run": False,
    }  # fmt: skip
    assert "nothing was written" in headrace("versions", "unpin", "2", "--why", "again")[1]
    lines = json.loads(headrace("decisions", "--json")[1])
    assert [(line["kind"], line["version"], line["why"]) for line in lines] == [
        ("pin", 2, "before the sale"), ("unpin", 2, "over"),
    ]  # fmt: skip


def test_a_version_that_can_not_be_opened_is_not_pinned(headrace: Headrace, tmp_path: Path) -> None:
    store = version_store(settings_in(tmp_path, PLACES[0]))
    chained(store, 2)
    (store.folder(1) / "t.safetensors").write_bytes(b"torn")
    status, _, told = headrace("versions", "pin", "2", "--why", "x")
    assert status == 1
    assert "t.safetensors" in told
    assert json.loads(headrace("decisions", "--json")[1]) == []


def test_the_settings_pin_too(headrace: Headrace, tmp_path: Path) -> None:
    settings = settings_in(tmp_path, PLACES[0])
    chained(version_store(settings), 2)
    with (tmp_path / "headrace.toml").open("a") as file:
        file.write("[retention]\npinned = [1]\n")
    assert [row["pinned"] for row in json.loads(headrace("versions", "list", "--json")[1])] == [True, False]
    headrace("versions", "pin", "1", "--why", "x")
    assert "[retention] pinned" in headrace("versions", "unpin", "1", "--why", "x")[1]


def test_versions_far_away_are_read_through_copies(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, "s3://bucket/versions/")
    where = location_of(settings)
    assert (where.url, where.folder, where.cache) == (
        "s3://bucket/versions", None, str(tmp_path / "var" / "versions-copies"),
    )  # fmt: skip


def test_a_far_place_is_listed_by_itself(headrace: Headrace, tmp_path: Path) -> None:
    chained(version_store(settings_in(tmp_path, PLACES[2])), 2)
    rows = json.loads(headrace("versions", "list", "--json", "--store", f"local://{tmp_path}/var/far")[1])
    assert [(row["version"], row["kind"], row["pinned"]) for row in rows] == [(1, "full", None), (2, "delta", None)]


def test_a_far_place_that_nothing_here_speaks_is_one_message(headrace: Headrace, tmp_path: Path) -> None:
    settings_in(tmp_path, "nosuch://bucket/versions")
    status, _, told = headrace("versions", "list")
    assert (status, "no kind that fsspec knows" in " ".join(told.split())) == (1, True)


def test_what_the_settings_say_of_room_and_chains_arrives(tmp_path: Path) -> None:
    given = {"retention": {"disk": "1.5GiB", "hourly": 24, "daily": 7}, "store": {"chain": 1}}
    settings = Settings(var=tmp_path, **given)  # type: ignore[arg-type]
    policy = policy_of(settings)
    assert (policy.disk, policy.hourly, policy.daily) == (3 << 29, 24, 7)
    assert compacting_of(settings) is None, "where every version is full there is nothing to do"
    assert compacting_of(Settings(var=tmp_path)) is not None


def test_what_stands_in_brackets_is_no_markup_of_a_table(headrace: Headrace, tmp_path: Path) -> None:
    chained(version_store(settings_in(tmp_path, PLACES[0])), 1)
    headrace("versions", "pin", "1", "--why", "[shop-7] before [bold]the sale")
    assert "[shop-7] before [bold]the sale" in headrace("decisions")[1]
