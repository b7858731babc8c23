"""Versions keep their promises wherever they lie."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from checkpoints.compaction import compact
from checkpoints.errors import DamagedVersion, NoSuchVersion, NotWritten, VersionError
from checkpoints.locations import Location, store_at
from checkpoints.manifest import Manifest
from checkpoints.store import VersionStore
from tests.checkpoints.far_stores import chained, commit, forget, table_of

KINDS = ("disk", "file", "memory")
At = Callable[[str], VersionStore]


@pytest.fixture(params=KINDS)
def at(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[At]:
    """The store of one place as a machine of that name sees it."""
    urls = {"disk": str(tmp_path / "v"), "file": f"local://{tmp_path}/v", "memory": f"memory://{tmp_path.name}/v"}
    yield lambda machine: store_at(Location(urls[request.param], str(tmp_path / machine)))
    forget()


@pytest.fixture(params=KINDS[1:])
def far(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[At]:
    """The same without a folder of this machine."""
    urls = {"file": f"local://{tmp_path}/v", "memory": f"memory://{tmp_path.name}/v"}
    yield lambda machine: store_at(Location(urls[request.param], str(tmp_path / machine)))
    forget()


def test_what_one_machine_commits_another_one_opens(at: At) -> None:
    chained(at("trainer"), 3)
    other = at("server")
    assert [m.version for m in other.manifests()] == [1, 2, 3]
    assert table_of(other.chain(3)) == [1, 2, 3, 0, 0, 0, 0, 0]
    assert (other.open(3) / "figures.json").read_text() == "3"
    assert [m.base for m in other.links(3)] == [None, 1, 2]
    assert other.sizes(other.manifests())[1] == other.manifest(1).bytes > 0


def test_a_number_is_never_used_twice_and_claimed_by_one_alone(at: At) -> None:
    first, second = at("one"), at("two")
    assert [first.reserve(), second.reserve(), first.reserve()] == [1, 2, 3]
    commit(first, 3)
    first.remove(3)
    assert second.reserve() == 4
    assert first._place.claim("00000009")  # type: ignore[attr-defined]
    assert not second._place.claim("00000009")  # type: ignore[attr-defined]
    assert at("three").highest() == 4


def test_a_version_is_committed_once_and_only_on_an_older_one_that_is_there(at: At) -> None:
    store = at("one")
    chained(store, 2)
    with pytest.raises(VersionError, match="committed already"):
        commit(store, 2)
    with pytest.raises(VersionError, match="can't stand on version 9"):
        commit(store, 3, base=9)
    assert len(store.links(2)) == 2
    at("two").remove(2)
    with pytest.raises(NoSuchVersion, match="holds no version 2"):
        commit(store, 3, base=2)
    assert [m.version for m in store.manifests()] == [1]
    assert commit(store, base=1).version == 3


def test_a_compacted_chain_is_one_folder_and_says_the_same(at: At) -> None:
    store = at("one")
    chained(store, 5)
    long = table_of(store.chain(5))
    compact(store, 4)
    other = at("two")
    assert other.compacted() == {4}
    assert len(other.links(5)) == 2
    assert (len(other.chain(4)), len(other.chain(5))) == (1, 2)
    assert table_of(other.chain(5)) == long
    assert (other.open(4) / "figures.json").read_text() == "4"
    assert other.manifest(4).base == 3, "the version itself is as it was"
    for version in (1, 2, 3):
        store.remove(version)
    assert table_of(at("three").chain(5)) == long
    store.remove(4)
    assert store.compacted() == frozenset()


def test_compaction_is_done_once_and_again_after_a_death(at: At) -> None:
    store = at("one")
    chained(store, 3)
    first = compact(store, 3)
    assert compact(store, 3) == first
    store._place.drop("compacted/00000003")  # type: ignore[attr-defined]
    (torn := store._place.aside("compacted/00000003")).joinpath("learned").mkdir()  # type: ignore[attr-defined]
    (torn / "learned" / "half").write_bytes(b"half")
    store._place.put(torn, "compacted/00000003")  # type: ignore[attr-defined]
    assert len(store.links(3)) == 3, "without a manifest it is nothing"
    assert compact(store, 3) == first


def test_what_was_removed_is_nowhere(at: At) -> None:
    store, other = at("one"), at("two")
    chained(store, 3)
    other.chain(3)
    store.remove(3)
    assert [m.version for m in other.manifests()] == [1, 2]
    with pytest.raises(NoSuchVersion, match="versions list"):
        at("three").open(3)
    assert [n for n in store._place.names() if not n.startswith(".")] == ["00000001", "00000002", "highest"]  # type: ignore[attr-defined]


def test_what_deaths_left_is_swept(at: At) -> None:
    store = at("one")
    chained(store, 2)
    store._place.put(_aside(store, "00000003"), "00000003")  # type: ignore[attr-defined]
    store._place.put(_aside(store, "compacted/00000002"), "compacted/00000002")  # type: ignore[attr-defined]
    _aside(store, "00000001")
    store.sweep(before=3)
    assert store.compacted() == frozenset()
    assert "00000003" in store._place.names(), "above it somebody may still write"  # type: ignore[attr-defined]
    assert not list(store.root.glob(".0*"))
    store.sweep(before=4)
    assert "00000003" not in store._place.names()  # type: ignore[attr-defined]
    assert [m.version for m in store.manifests()] == [1, 2]


def _aside(store: VersionStore, name: str) -> Path:
    folder = store._place.aside(name)  # type: ignore[attr-defined]
    (folder / "weights").write_bytes(b"half")
    return folder  # type: ignore[no-any-return]


def test_a_copy_that_was_torn_is_fetched_again(far: At) -> None:
    chained(far("one"), 2)
    store = far("two")
    torn = store.open(2) / "figures.json"
    torn.write_text("!")
    assert (far("two").open(2) / "figures.json").read_text() == "2"
    assert store.open(2) / "figures.json" == torn


def test_a_file_that_is_torn_at_its_place_is_named_and_the_older_version_offered(far: At) -> None:
    store = far("one")
    chained(store, 2)
    store._place.write("00000002/figures.json", b"!")  # type: ignore[attr-defined]
    with pytest.raises(DamagedVersion, match=r"figures\.json.*Use version 1.*headrace rollback 1"):
        far("two").open(2)
    assert far("three").first_openable(reversed(store.manifests())).manifest.version == 1  # type: ignore[union-attr]


def test_copies_that_were_not_used_for_long_make_room(far: At, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("checkpoints.fsspec_place.COPIES", 2)
    monkeypatch.setattr("checkpoints.fsspec_place.YOUNG", -1.0)
    store = far("one")
    for _ in range(5):
        commit(store)
    other = far("two")
    for version in range(1, 6):
        other.open(version)
    assert len([path for path in other.root.iterdir() if path.is_dir()]) == 2
    assert table_of(other.chain(1)) == [1] + 7 * [0]


def test_a_full_disk_is_said_and_leaves_nothing(at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    store = at("one")
    chained(store, 2)
    number = store.reserve()
    before = sorted(store._place.names())  # type: ignore[attr-defined]

    def full(folder: Path) -> None:
        (folder / "half").write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(NotWritten, match=r"No space left on device.*headrace retain"):
        store.commit(number, full, Manifest(0, 2, 0, {}))
    left = sorted(store._place.names())  # type: ignore[attr-defined]
    assert left == [name for name in before if name != f"{number:08d}"], "no half file takes up the room"
    assert not list(store.root.glob(".0*"))
    assert table_of(store.chain(2))[:3] == [1, 2, 0]
    assert commit(store, store.reserve(), base=2).version == number + 1
