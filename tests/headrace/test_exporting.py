"""Lists of many users in a file: resumable, and patient with a server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.exporting import Exported, NotExported, Wanted, export
from tests.serving.deployment import Client, Deployment
from tests.worlds import bundle_of


@pytest.fixture
def town(tmp_path: Path) -> Deployment:
    server = Deployment(tmp_path / "server")
    server.live.bundle = bundle_of(7)
    return server


@pytest.fixture
def client(town: Deployment) -> Iterator[Client]:
    with town.served() as client:
        yield client


def ran(client: Client, users: Path, to: Path, wanted: Wanted | None = None) -> Exported:
    return export(
        users, to, f"http://127.0.0.1:{client.port}", wanted or Wanted(3, batch=4), key=None, pause=lambda _: None
    )


def test_an_export_goes_on_where_it_was_cut_off(town: Deployment, client: Client, tmp_path: Path) -> None:
    users, to = tmp_path / "users.txt", tmp_path / "lists.jsonl"
    users.write_text("".join(f"u{n}\n" for n in range(10)) + "\nu3\n")
    assert ran(client, users, to) == Exported(written=10)
    whole = to.read_bytes().splitlines(keepends=True)
    to.write_bytes(b"".join(whole[:4]) + whole[4][:20])
    assert ran(client, users, to) == Exported(written=6, stood=4)
    lines = [json.loads(line) for line in to.read_text().splitlines()]
    assert [line["user_id"] for line in lines] == [f"u{n}" for n in range(10)]
    assert [item["item_id"] for item in lines[1]["items"]] == ["i1", "i3", "i5"]
    assert ran(client, users, to) == Exported(stood=10)
    assert town.slates() == []


def test_slates_are_logged_where_they_are_wanted_and_problems_stand_in_the_file(
    town: Deployment, client: Client, tmp_path: Path
) -> None:
    users, to = tmp_path / "users.txt", tmp_path / "lists.jsonl"
    users.write_text("u0\n" + "x" * 300 + "\n")
    done = ran(client, users, to, Wanted(2, dry_run=False))
    assert (done.written, done.refused, len(town.slates())) == (2, 1, 1)
    assert json.loads(to.read_text().splitlines()[1])["problem"]["field"] == "user_id"


def test_what_can_not_be_asked_is_told(client: Client, tmp_path: Path) -> None:
    users, to = tmp_path / "users.txt", tmp_path / "lists.jsonl"
    users.write_text("u0\n")
    with pytest.raises(NotExported, match="goes on where it was"):
        export(users, to, "http://127.0.0.1:1", Wanted(1), key=None, pause=lambda _: None)
    with pytest.raises(NotExported, match="no address"):
        export(users, to, "ftp://x", Wanted(1), key=None, pause=lambda _: None)
    to.write_text("no list\n")
    with pytest.raises(NotExported, match="holds a line that is no list"):
        ran(client, users, to)
