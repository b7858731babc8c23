"""Whatever dies, is torn or runs full: there is a version to open, and none is lost that was committed."""

from __future__ import annotations

import itertools
import os
import resource
import shutil
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from checkpoints.compaction import compact
from checkpoints.deltas import changed, delta, opened, write
from checkpoints.errors import DamagedVersion, NotWritten, VersionError
from checkpoints.locations import Location, store_at
from checkpoints.manifest import Manifest
from checkpoints.store import VersionStore
from tests.checkpoints.faults import Stopped, changes, forgotten, full, killed_at

At = Callable[[Path], VersionStore]
BEGUN = 3
"""Versions that stand when the faults begin: a full one and deltas on it."""


def commit(store: VersionStore, *, base: int | None) -> int:
    """A version whose table has its number in as many rows as it says."""
    version = store.reserve()
    table = np.where(np.arange(16) < version, np.arange(16), -1)
    part = {"t": table} if base is None else delta(base, changed("t", table, np.arange(base, version), 16))

    def put(folder: Path) -> None:
        (folder / "learned").mkdir()
        write(folder / "learned" / "t.safetensors", part)
        (folder / "told.json").write_text(str(version))

    return store.commit(version, put, Manifest(0, base, 0, {}, base=base)).version


def begun(folder: Path) -> VersionStore:
    store = VersionStore(folder / "versions")
    for n in range(BEGUN):
        commit(store, base=n or None)
    return store


def goes_on(root: Path, at: At = VersionStore) -> None:
    """A life of the store: a delta, the chain made short, the old ones away, another delta, a full one."""
    store = at(root)
    newest = max(m.version for m in store.manifests())
    newest = commit(store, base=newest)
    compact(store, newest)
    for version in sorted((m.version for m in store.manifests() if m.version < newest), reverse=True):
        store.remove(version)
    commit(store, base=newest)
    commit(store, base=None)
    store.sweep(before=newest)


def whole(store: VersionStore, at_least: int = BEGUN) -> list[int]:
    """The versions; each opens, and says what it should."""
    found = [m.version for m in store.manifests()]
    for version in found:
        folders = store.chain(version)
        table = opened([folder / "learned" / "t.safetensors" for folder in folders])[1]["t"]
        np.testing.assert_array_equal(table, np.where(np.arange(16) < version, np.arange(16), -1))
        assert (folders[-1] / "told.json").read_text() == str(version)
    assert max(found) >= at_least
    return found


def copied(store: VersionStore, to: Path, at: At = VersionStore) -> VersionStore:
    return at(Path(shutil.copytree(store.root, to)))


def far(root: Path) -> VersionStore:
    """The same files as a place without renames, read through copies."""
    return store_at(Location(f"local://{root}", str(root.with_name(f"{root.name}-copies"))))


@pytest.mark.parametrize("at", [VersionStore, far], ids=["disk", "far"])
def test_killed_at_any_change_of_a_file_every_version_that_is_listed_opens(quick: Path, at: At) -> None:
    ground, deaths = begun(quick), 0
    for step in itertools.count():
        store = copied(ground, root := quick / "killed", at)
        died = killed_at(step, partial(goes_on, root, at))
        before, highest = whole(store), store.highest()
        deaths += died
        if not died:
            break
        goes_on(root, at)
        after = whole(store, at_least=max(before) + 3)
        assert set(after) - set(before) <= set(range(highest + 1, highest + 9)), "no number comes back"
        assert not list(store.root.glob(f".0000000[0-{BEGUN}]*")), "what was left aside is swept"
        for folder in {root, store.root}:
            shutil.rmtree(folder)
    assert deaths > 60


def test_a_loss_of_power_at_any_change_of_a_file_leaves_no_torn_version(
    quick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ground = begun(quick)
    for step in itertools.count():
        store, left = copied(ground, quick / "dark"), step
        old = {path.stat().st_ino for path in store.root.rglob("*")}

        def before() -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise Stopped

        with changes(monkeypatch, before) as synced:
            try:
                goes_on(store.root)
                ended = True
            except Stopped:
                ended = False
        forgotten(store.root, synced | old)
        whole(store)
        if ended:
            break
        shutil.rmtree(store.root)
    assert step > 60


def test_a_disk_that_is_full_at_any_change_of_a_file_loses_nothing_and_leaves_nothing(
    quick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ground, refused = begun(quick), 0
    length = sum(path.stat().st_size for path in ground.root.rglob("*"))
    for step in itertools.count():
        store, left = copied(ground, quick / "full"), step

        def before() -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise full()

        ended = False
        with changes(monkeypatch, before):
            try:
                commit(store, base=BEGUN)
                ended = True
            except NotWritten as error:
                assert "headrace retain" in str(error)  # noqa: PT017
                refused += 1
            except OSError:
                pass  # no number could be reserved
        if ended:
            break
        assert whole(store)[:BEGUN] == list(range(1, BEGUN + 1))
        assert store.manifests()[BEGUN:] == [] or refused, "the last sync of all may fail when the manifest stands"
        goes_on(store.root)
        whole(store, at_least=BEGUN + 3)
        shutil.rmtree(store.root)
    assert refused > 5
    assert sum(path.stat().st_size for path in ground.root.rglob("*")) == length


def test_a_file_that_grows_beyond_what_fits_is_a_version_that_was_not_written(tmp_path: Path) -> None:
    """Not a double: the kernel refuses the rest of the file, also to the writer of arrays, which is no Python."""
    store = begun(tmp_path)
    for arrays in (True, False):
        child = os.fork()
        if not child:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, resource.RLIM_INFINITY))
            try:
                number = store.reserve()
                big = np.arange(10_000)

                def put(folder: Path, arrays: bool = arrays, big: np.ndarray = big) -> None:  # type: ignore[type-arg]
                    if arrays:
                        write(folder / "t.safetensors", {"t": big})
                    else:
                        (folder / "t.npy").write_bytes(big.tobytes())

                store.commit(number, put, Manifest(0, None, 0, {}))
            except NotWritten:
                os._exit(3)
            except BaseException:
                os._exit(4)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
        assert whole(store) == list(range(1, BEGUN + 1))
        assert sum(path.stat().st_size for path in store.root.rglob("*") if path.is_file()) < 4_096 + 1_000 * BEGUN


@pytest.mark.parametrize("harm", ["flip", "cut", "empty", "lose"])
def test_any_file_that_is_harmed_is_named_and_the_newest_version_without_it_taken(quick: Path, harm: str) -> None:
    ground = begun(quick)
    commit(ground, base=None)
    commit(ground, base=4)
    files = sorted(path.relative_to(ground.root) for path in ground.root.rglob("*") if path.is_file())
    for name in (name for name in files if name.name != "highest"):
        store = copied(ground, quick / "harmed")
        damage(store.root / name, harm)
        number = int(name.parts[0])
        newest_first = sorted(ground.manifests(), key=lambda m: -m.version)
        found = store.first_openable(newest_first)
        spoilt = [3, 2, 1] if number == 1 else [3, 2] if number == 2 else [3] if number == 3 else [5, 4]
        spoilt = [5] if number == 5 else spoilt
        expected = next(m.version for m in newest_first if m.version not in spoilt)
        assert found is not None
        assert found.manifest.version == expected
        assert all(str(name.parent) in told or f"version {number}" in told for told in found.passed)
        whole_ones = [v for v in range(1, 6) if v not in spoilt]
        for version in whole_ones:
            store.chain(version)
        for version in (v for v in spoilt if v >= number):
            with pytest.raises(VersionError) as caught:
                store.chain(version)
            if isinstance(caught.value, DamagedVersion):
                older = [v for v in whole_ones if v < version]
                wanted = f"headrace rollback {max(older)}" if older else "No older version can be opened"
                assert wanted in str(caught.value) or "use its parent" in str(caught.value)
        shutil.rmtree(store.root)


def test_a_compacted_version_that_is_harmed_is_passed_over_for_what_it_was_made_of(tmp_path: Path) -> None:
    store = begun(tmp_path)
    compact(store, 3)
    commit(store, base=3)
    for path in sorted((store.root / "compacted").rglob("*")):
        if path.is_file():
            harmed = copied(store, tmp_path / "harmed")
            damage(harmed.root / path.relative_to(store.root), "flip")
            assert [len(harmed.chain(version)) for version in (3, 4)] == [3, 4]
            whole(harmed, at_least=4)
            shutil.rmtree(harmed.root)


def test_a_file_that_is_harmed_after_it_was_looked_at_is_noticed(tmp_path: Path) -> None:
    store = begun(tmp_path)
    store.chain(3)
    damage(store.folder(1) / "told.json", "flip")
    with pytest.raises(DamagedVersion, match=r"00000001/told\.json"):
        store.chain(3)


def damage(path: Path, harm: str) -> None:
    data = bytearray(path.read_bytes())
    match harm:
        case "flip":
            data[len(data) // 2] ^= 0x10
            path.write_bytes(data)
        case "cut":
            path.write_bytes(data[: len(data) // 2])
        case "empty":
            path.write_bytes(b"")
        case "lose":
            path.unlink()
