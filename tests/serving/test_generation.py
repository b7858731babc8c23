"""What a generation's folder says is what is searched, or it is refused with the file and the cause."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest

from serving.build import Rules, make
from serving.build_job import Job
from serving.generation import Generation
from serving.generation_files import MANIFEST, DamagedGeneration, folder_of, read_about, seal, versions_in
from tests.serving.plain_export import PlainScorer, crowd, drifted, names, write_export

ITEMS = 900
RULES = Rules(links_from=500)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of version 7."""
    place = tmp_path_factory.mktemp("sound")
    write_export(place / "export", 7, names(ITEMS), crowd(ITEMS))
    folder = folder_of(place, 7)
    built = make(Job(7, str(place / "export"), str(folder), parent=6), open_export=PlainScorer.open, rules=RULES)
    assert built.linked
    return folder


def copied(sound: Path, place: Path) -> Path:
    return Path(shutil.copytree(sound, place / sound.name))


def test_row_i_is_item_i_of_the_versions_export(sound: Path) -> None:
    generation, export = Generation.open(sound), PlainScorer.open(sound / "serving")
    assert (generation.version, generation.items, generation.about.parent) == (7, ITEMS, 6)
    found = [int(generation.search(vector, 1)[0][0]) for vector in export.item_vectors]
    assert np.mean(np.array(found) == np.arange(ITEMS)) >= 0.99
    assert all(int(generation.exact(vector, 1)[0][0]) == row for row, vector in enumerate(export.item_vectors))


def test_the_canary_tells_the_recall_that_the_manifest_says(sound: Path) -> None:
    generation = Generation.open(sound)
    assert generation.recall() == pytest.approx(generation.about.recall)
    assert generation.about.recall >= 0.95
    generation.warm()


def test_the_export_shares_its_bytes_with_the_version(sound: Path) -> None:
    assert os.path.samefile(sound / "serving" / "items.npz", sound.parent / "export" / "items.npz")
    assert os.path.samefile(sound / "vec.npy", sound / "base.npy")


def test_arrays_are_mapped_and_can_not_be_written(sound: Path) -> None:
    with pytest.raises(ValueError, match="read-only"):
        Generation.open(sound).searcher.graph.vec_RD[0, 0] = 1


def test_not_one_of_200_mutated_folders_opens(sound: Path, tmp_path: Path) -> None:
    random = np.random.default_rng(11)
    files = sorted(path.relative_to(sound) for path in sound.rglob("*") if path.is_file())
    accepted, unnamed = [], []
    for trial in range(200):
        folder = copied(sound, tmp_path / str(trial))
        name = files[trial % len(files)]
        raw = bytearray((folder / name).read_bytes())
        match trial % 4:
            case 0:
                raw[random.integers(len(raw))] ^= 1 << int(random.integers(8))
            case 1:
                del raw[int(random.integers(len(raw))) :]
            case 2:
                start = int(random.integers(len(raw)))
                raw[start : start + 4096] = bytes(random.integers(0, 256, len(raw[start : start + 4096]), np.uint8))
            case 3:
                raw += b"\x00" if random.random() < 0.5 else raw[:64]
        (folder / name).write_bytes(raw)
        try:
            Generation.open(folder)
            accepted.append((trial, name))
        except DamagedGeneration as error:
            if str(folder) not in str(error) or error.file not in (str(name), MANIFEST, "base.npy", "vec.npy"):
                unnamed.append((trial, str(error)))
        shutil.rmtree(folder)
    assert accepted == []
    assert unnamed == []


@pytest.mark.parametrize("name", ["links.npy", "vec.npy", "canary.npz", MANIFEST, "serving/items.npz"])
def test_a_lost_file_is_named(sound: Path, tmp_path: Path, name: str) -> None:
    folder = copied(sound, tmp_path)
    (folder / name).unlink()
    with pytest.raises(DamagedGeneration, match=name.replace(".", r"\.")):
        Generation.open(folder)


def reseal(folder: Path, **changed: object) -> None:
    about = msgspec.structs.replace(read_about(folder), **changed)
    (folder / MANIFEST).unlink()
    seal(folder, about)


WRONG = {
    "links.npy": [np.zeros((3, 33), np.int32), np.zeros(5, np.int32), np.zeros((ITEMS, 33), np.float32)],
    "vec.npy": [np.zeros((ITEMS, 5), np.float32), np.full((ITEMS, 16), np.nan, np.float32), np.zeros(4, np.float32)],
    "uoff.npy": [np.zeros(3, np.int64), np.full(ITEMS + 1, 7, np.int64)],
    "upper.npy": [np.zeros(1, np.int32), np.zeros((2, 2), np.int32)],
    "labels.npy": [np.zeros(ITEMS, np.int32), np.arange(ITEMS + 1, dtype=np.int32)],
}


@pytest.mark.parametrize(("name", "n"), [(name, n) for name, arrays in WRONG.items() for n in range(len(arrays))])
def test_wrong_shapes_and_ranges_are_refused_under_a_sound_seal(sound: Path, tmp_path: Path, name: str, n: int) -> None:
    folder = copied(sound, tmp_path)
    (folder / name).unlink()
    np.save(folder / name, WRONG[name][n])
    reseal(folder)
    with pytest.raises(DamagedGeneration):
        Generation.open(folder)


@pytest.mark.parametrize("changed", [{"entry": ITEMS}, {"items": ITEMS - 1}, {"dim": 8}, {"version": 8}])
def test_a_manifest_that_contradicts_its_arrays_is_refused(
    sound: Path, tmp_path: Path, changed: dict[str, int]
) -> None:
    folder = copied(sound, tmp_path)
    reseal(folder, **changed)
    with pytest.raises(DamagedGeneration):
        Generation.open(folder)


def test_pickled_arrays_are_never_loaded(sound: Path, tmp_path: Path) -> None:
    folder = copied(sound, tmp_path)
    np.save(folder / "vec.npy", np.array([{"a": 1}], object), allow_pickle=True)
    reseal(folder)
    with pytest.raises(DamagedGeneration, match=r"vec\.npy"):
        Generation.open(folder)


def test_a_folder_under_another_number_is_refused(sound: Path, tmp_path: Path) -> None:
    shutil.copytree(sound, tmp_path / "00000008")
    with pytest.raises(DamagedGeneration, match="of version 7"):
        Generation.open(tmp_path / "00000008")


def test_folders_aside_are_no_generations(tmp_path: Path) -> None:
    for name in ("00000003", ".00000004", "0005", ".gone-00000001"):
        (tmp_path / name).mkdir()
    assert versions_in(tmp_path) == [3]
    assert versions_in(tmp_path / "nowhere") == []


def test_a_version_without_items_has_a_generation_that_finds_nothing(tmp_path: Path) -> None:
    write_export(tmp_path / "export", 1, [], np.zeros((0, 16), np.float32))
    job = Job(1, str(tmp_path / "export"), str(tmp_path / "00000001"))
    make(job, open_export=PlainScorer.open, rules=RULES)
    generation = Generation.open(tmp_path / "00000001")
    generation.warm()
    assert generation.search(drifted(crowd(1), 0.1)[0], 5)[0].tolist() == []
    assert generation.recall() == 1.0


def test_the_manifest_of_a_release_that_knew_fewer_fields_is_read(sound: Path, tmp_path: Path) -> None:
    folder = copied(sound, tmp_path)
    told = msgspec.json.decode((folder / MANIFEST).read_bytes())
    digest = told.pop("digest")
    del told["late"]

    def bytes_of(seal: str) -> bytes:
        return msgspec.json.format(msgspec.json.encode(told | {"digest": seal}), indent=1)

    sealed = hashlib.sha256(bytes_of("")).hexdigest()
    assert sealed != digest
    (folder / MANIFEST).write_bytes(bytes_of(sealed))
    assert Generation.open(folder).about.late is None
