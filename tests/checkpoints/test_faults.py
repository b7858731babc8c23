"""Whatever dies or runs full: there is a version to open, and none is lost that was committed."""

from __future__ import annotations

import itertools
import os
import resource
import shutil
import signal
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from checkpoints.deltas import write
from checkpoints.errors import NotWritten
from checkpoints.manifest import Manifest
from checkpoints.store import VersionStore
from tests.checkpoints.begun_store import BEGUN, At, begun, commit, copied, far, goes_on, whole
from tests.checkpoints.faults import Stopped, changes, forgotten, full, killed_at


@pytest.mark.parametrize(
    ("at", "every"),
    [(VersionStore, 1), (far, 3), pytest.param(far, 1, marks=pytest.mark.drill)],
    ids=["disk", "far", "far, each"],
)
def test_killed_at_any_change_of_a_file_every_version_that_is_listed_opens(quick: Path, at: At, every: int) -> None:
    ground, deaths = begun(quick), 0
    for step in itertools.count(step=every):
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
    assert deaths > 60 // every


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
