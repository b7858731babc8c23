"""Folders (a thousand in the drill) that are not what was sealed: none opens, and none brings a process down.

They are opened in a process of its own, so that a crash would be seen; under a sound seal too, where only the checks of
shapes and ranges stand between a bad array and the search.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from serving.build import Rules, make
from serving.build_job import Job
from serving.generation_files import folder_of
from tests.serving.plain_export import PlainScorer, crowd, names, write_export

ITEMS = 260

CHILD = """
import json, os, shutil, sys
from pathlib import Path
import numpy as np
from serving.generation import Generation
from serving.generation_files import DamagedGeneration, read_about, seal

sound, other, place, count = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
os.fsync = lambda _: None  # what a power cut leaves is tested elsewhere
random = np.random.default_rng(17)
files = sorted(path.relative_to(sound) for path in sound.rglob("*") if path.is_file())
arrays = [path for path in files if path.suffix == ".npy"]

def flipped(raw):
    for _ in range(int(random.integers(1, 40))):
        raw[int(random.integers(len(raw)))] ^= 1 << int(random.integers(8))

def cut(raw):
    del raw[int(random.integers(len(raw))):]

def drawn(raw):
    start = int(random.integers(len(raw)))
    raw[start:start + 4096] = random.integers(0, 256, len(raw[start:start + 4096]), np.uint8).tobytes()

def longer(raw):
    raw += raw[:64]

def bytes_changed(folder):
    path = folder / files[int(random.integers(len(files)))]
    before = path.read_bytes()
    raw = bytearray(before)
    (flipped, cut, drawn, longer)[int(random.integers(4))](raw)
    path.write_bytes(raw)
    return bytes(raw) != before

def swapped(folder):
    one = random.choice(len(files), 2, replace=False)
    here, there = folder / files[one[0]], (folder if random.random() < .5 else other) / files[one[1]]
    if here.name != there.name and random.random() < .5:
        there = other / files[one[0]]
    raw = there.read_bytes()
    changed = raw != here.read_bytes()
    here.write_bytes(raw)
    return changed

def lost(folder):
    (folder / files[int(random.integers(len(files)))]).unlink()
    return True

def sealed_anew(folder, path, array):
    (folder / path).unlink()
    np.save(folder / path, array)
    about = read_about(folder)
    (folder / "manifest.json").unlink()
    seal(folder, about)
    return True

def out_of_range(folder):
    ranged = [one for one in arrays if one.name in ("links.npy", "upper.npy", "uoff.npy", "labels.npy")]
    path = ranged[int(random.integers(4))]
    array = np.load(folder / path)
    flat = array.reshape(-1)
    bad = [-1, len(flat), 2**31 - 1, -2**31, len(flat) * 7][int(random.integers(5))]
    at = {"links.npy": 0, "upper.npy": 0}.get(path.name, int(random.integers(len(flat))))
    if path.name == "labels.npy":
        bad = bad if bad < -1 or bad >= len(flat) else len(flat)
    flat[at] = bad
    return sealed_anew(folder, path, array)

def of_another_shape(folder):
    path = [one for one in arrays if one.name != "base.npy"][int(random.integers(len(arrays) - 1))]
    array = np.load(folder / path)
    way = int(random.integers(4))
    changed = [array[:-1], array.astype(np.float64), array.reshape(-1, 1, 1), array[..., None].repeat(2, -1)][way]
    return sealed_anew(folder, path, changed)

def of_no_length(folder):
    array = np.load(folder / "vec.npy")
    array[int(random.integers(len(array)))] *= [0, 2, np.nan, np.inf][int(random.integers(4))]
    return sealed_anew(folder, Path("vec.npy"), array)

ways = [bytes_changed, bytes_changed, swapped, lost, out_of_range, of_another_shape, of_no_length]
told = {"opened": [], "refused": 0, "other": [], "same": 0}
for number in range(count):
    folder = place / "now" / sound.name
    shutil.copytree(sound, folder)
    way = ways[number % len(ways)]
    if way(folder):
        try:
            found = Generation.open(folder)
            found.search(np.array(found.canary.query_QD[0]), 20)
            told["opened"].append([number, way.__name__])
        except DamagedGeneration:
            told["refused"] += 1
        except BaseException as error:
            told["other"].append([number, way.__name__, repr(error)])
    else:
        told["same"] += 1
    shutil.rmtree(folder)
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two sound ones of the same number, over other vectors."""
    found = []
    for seed in (3, 4):
        place = tmp_path_factory.mktemp("sound")
        write_export(place / "export", 7, names(ITEMS), crowd(ITEMS, seed=seed))
        folder, rules = folder_of(place, 7), Rules(links_from=100)
        built = make(Job(7, str(place / "export"), str(folder)), open_export=PlainScorer.open, rules=rules)
        assert built.linked
        found.append(folder)
    return found


@pytest.mark.parametrize("count", [70, pytest.param(1_000, marks=pytest.mark.drill)])
def test_of_damaged_folders_none_opens_and_none_crashes(folders: list[Path], tmp_path: Path, count: int) -> None:
    command = [sys.executable, "-c", CHILD, *map(str, folders), str(tmp_path), str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"status {done.returncode}: {done.stderr[-2_000:]}"
    told = json.loads(done.stdout)
    assert told["opened"] == []
    assert told["other"] == []
    assert told["refused"] + told["same"] == count
    assert told["same"] <= count // 10
