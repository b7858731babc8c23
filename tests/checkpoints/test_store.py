"""A version is whole or not there, whatever stops its writer."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from checkpoints.chains import MANIFEST
from checkpoints.errors import DamagedVersion, NoSuchVersion, VersionError
from checkpoints.manifest import Manifest, TrainerPosition
from checkpoints.store import VersionStore


class Stopped(Exception):
    """The process dies here."""


def draft(parent: int | None = None) -> Manifest:
    return Manifest(version=0, parent=parent, decisions=0, positions={0: TrainerPosition(input=4)}, digest="d")


def write(folder: Path) -> None:
    (folder / "learned").mkdir()
    (folder / "learned" / "rows.bin").write_bytes(b"rows")
    (folder / "serving.bin").write_bytes(b"serving")


@pytest.fixture
def store(tmp_path: Path) -> VersionStore:
    return VersionStore(tmp_path / "versions")


def test_a_committed_version_opens_with_its_files(store: VersionStore) -> None:
    manifest = store.commit(store.reserve(), write, draft())
    folder = store.open(manifest.version)
    assert (folder / "learned" / "rows.bin").read_bytes() == b"rows"
    assert sorted(manifest.files) == ["learned/rows.bin", "serving.bin"]
    assert store.manifest(1) == manifest
    assert store.manifests() == [manifest]


def test_numbers_are_never_used_twice(store: VersionStore) -> None:
    first = store.commit(store.reserve(), write, draft())
    store.remove(first.version)
    assert store.reserve() == 2
    assert VersionStore(store.root).reserve() == 3


def test_a_version_is_committed_once(store: VersionStore) -> None:
    number = store.reserve()
    store.commit(number, write, draft())
    with pytest.raises(VersionError, match="committed already"):
        store.commit(number, write, draft())


def test_a_reserved_number_is_no_version(store: VersionStore) -> None:
    number = store.reserve()
    assert store.manifests() == []
    with pytest.raises(NoSuchVersion, match="versions list"):
        store.open(number)


def test_a_writer_that_dies_leaves_nothing_to_open(store: VersionStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every call that changes the disk, one after the other, is the last one that the writer makes."""
    calls = 0
    limit = 0

    def dying(real):  # type: ignore[no-untyped-def]
        def call(*args, **kwargs):  # type: ignore[no-untyped-def]
            nonlocal calls
            calls += 1
            if calls > limit:
                raise Stopped
            return real(*args, **kwargs)

        return call

    monkeypatch.setattr(os, "fsync", dying(os.fsync))
    monkeypatch.setattr(Path, "replace", dying(Path.replace))
    committed = []
    for limit in range(40):  # noqa: B007
        calls = -100  # reserving is not under test here
        number = store.reserve()
        calls = 0
        try:
            committed.append(store.commit(number, write, draft()).version)
        except Stopped:
            if (store.folder(number) / MANIFEST).exists():
                committed.append(number)
        calls = -1000
        assert [m.version for m in store.manifests()] == committed
        for version in committed:
            store.open(version)
    assert committed
    assert committed[0] > 1


@pytest.mark.parametrize("harm", ["flip", "cut", "lose"])
def test_a_damaged_file_is_named_and_the_parent_offered(store: VersionStore, harm: str) -> None:
    store.commit(store.reserve(), write, draft())
    store.commit(store.reserve(), write, draft(parent=1))
    path = store.folder(2) / "learned" / "rows.bin"
    match harm:
        case "flip":
            path.write_bytes(b"rowz")
        case "cut":
            path.write_bytes(b"ro")
        case "lose":
            path.unlink()
    with pytest.raises(DamagedVersion, match=r"rows\.bin.*headrace rollback 1"):
        store.open(2)


def test_a_torn_manifest_is_damage_and_not_listed(store: VersionStore) -> None:
    store.commit(store.reserve(), write, draft())
    (store.folder(1) / MANIFEST).write_bytes(b'{"version": 1')
    with pytest.raises(DamagedVersion, match="not a manifest"):
        store.manifest(1)
    assert store.manifests() == []
