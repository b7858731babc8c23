"""A place in memory that raises what it is told to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.memory import MemoryFileSystem

from checkpoints.locations import Location, store_at
from checkpoints.store import VersionStore
from tests.checkpoints.far_stores import forget


class Broken(MemoryFileSystem):  # type: ignore[misc]
    """Raises what it is told to."""

    protocol = ("broken",)
    error: Exception | None = None

    def ls(self, path: str, detail: bool = True, **kwargs: Any) -> Any:
        if self.error is not None:
            raise self.error
        return super().ls(path, detail, **kwargs)

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **kwargs: Any) -> Any:
        if self.error is not None:
            raise self.error
        return super().pipe_file(path, value, mode, **kwargs)


def broken(tmp_path: Path) -> VersionStore:
    forget()
    fsspec.register_implementation("broken", Broken, clobber=True)
    return store_at(Location("broken://v", str(tmp_path)))
