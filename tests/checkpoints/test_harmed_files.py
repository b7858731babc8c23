"""Any file of a version that is harmed is noticed and named, and the newest version without it is taken."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from checkpoints.compaction import compact
from checkpoints.errors import DamagedVersion, VersionError
from tests.checkpoints.begun_store import begun, commit, copied, whole


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
