"""A process takes the word of another that looked at a version's files, as long as they stand untouched."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from checkpoints.errors import DamagedVersion
from checkpoints.files import stamps
from checkpoints.manifest import Manifest
from checkpoints.store import VersionStore
from checkpoints.vouching import PREFIX, vouch

FILE = "learner.bin"


@pytest.fixture
def store(tmp_path: Path) -> VersionStore:
    store = VersionStore(tmp_path / "versions")
    for version in (1, 2):
        store.commit(version, write, Manifest(0, None, 0, {}, examples=5, verdict="pass"))
    return store


def write(aside: Path) -> None:
    (aside / FILE).write_bytes(b"learned")


def other(store: VersionStore) -> VersionStore:
    """As another process sees it."""
    return VersionStore(Path(store.where))


def damage(store: VersionStore, version: int) -> Path:
    """One byte turned, with the time of change put back."""
    path = store.folder(version) / FILE
    before = path.stat()
    path.write_bytes(b"lEarned")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    return path.parent


def test_without_a_word_every_byte_is_read(store: VersionStore) -> None:
    damage(store, 1)
    with pytest.raises(DamagedVersion, match=f"{FILE} is .* No older version"):
        store.vouched(1)


def test_the_word_of_another_process_is_taken_and_only_where_it_is_asked_for(store: VersionStore) -> None:
    seen = stamps(damage(store, 1), [FILE])
    assert seen is not None
    vouch(store.folder(1), seen)  # as if it had been whole
    assert other(store).vouched(1) == store.folder(1)
    with pytest.raises(DamagedVersion):
        other(store).open(1)


def test_a_file_that_was_written_to_since_has_no_word_even_with_its_time_put_back(store: VersionStore) -> None:
    store.open(1)
    assert other(store).vouched(1) == store.folder(1)
    damage(store, 1)
    with pytest.raises(DamagedVersion):
        other(store).vouched(1)


def test_words_go_with_their_versions_and_torn_ones_are_none(store: VersionStore) -> None:
    root = Path(store.where)
    store.open(1)
    store.open(2)
    assert sorted(path.name for path in root.glob(f"{PREFIX}*")) == [f"{PREFIX}00000001", f"{PREFIX}00000002"]
    (root / f"{PREFIX}00000001").write_bytes(b"[[1,")
    assert other(store).vouched(1) == store.folder(1)
    store.remove(2)
    assert [path.name for path in root.glob(f"{PREFIX}*")] == [f"{PREFIX}00000001"]
