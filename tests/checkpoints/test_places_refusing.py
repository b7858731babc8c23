"""What is wrong with a place is said with what to do."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from checkpoints.errors import PlaceError
from checkpoints.locations import Location, store_at
from tests.checkpoints.broken_place import Broken, broken
from tests.checkpoints.far_stores import commit


class NoCredentialsError(Exception):
    """As botocore has one."""


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (PermissionError("Access Denied"), "refuses us.*credentials.*list, read, write, delete"),
        (NoCredentialsError("Unable to locate credentials"), "refuses us.*Unable to locate"),
        (ConnectionRefusedError("port 9000"), "does not answer.*endpoint_url"),
        (TimeoutError(), "does not answer"),
        (RuntimeError("what?"), "could not be used.*what"),
    ],
)
def test_what_a_place_says_is_told_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, told: str
) -> None:
    store = broken(tmp_path)
    commit(store)
    monkeypatch.setattr(Broken, "error", error)
    with pytest.raises(PlaceError, match=f"broken://v {told}"):
        store.manifests()
    with pytest.raises(PlaceError, match=told):
        commit(store, 2)
    monkeypatch.undo()
    assert [m.version for m in store.manifests()] == [1]
    assert commit(store, 2).version == 2, "the next one may be written as if nothing had been"


def test_a_bucket_that_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = broken(tmp_path)
    monkeypatch.setattr(Broken, "error", FileNotFoundError("The specified bucket does not exist"))
    assert store.manifests() == []
    for act in (store.reserve, lambda: commit(store, 1)):
        with pytest.raises(PlaceError, match="Make the bucket first"):
            act()


def test_a_package_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(PlaceError, match=r"s3://bucket/v.*pip install 'headrace\[s3\]'"):
        store_at(Location("s3://bucket/v", str(tmp_path)))
    with pytest.raises(PlaceError, match="no kind that fsspec knows"):
        store_at(Location("nosuch://bucket/v", str(tmp_path)))
