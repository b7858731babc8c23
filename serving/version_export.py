"""The serving files of a version, for whoever builds its generation: its own, or derived where it has none."""

from __future__ import annotations

import shutil
from pathlib import Path

from checkpoints.errors import VersionError
from checkpoints.store import VersionStore
from learners.deriving import derive, derived_of
from serving.generation import Generation
from serving.generation_files import EXPORT

DERIVED = ".derived"
"""Where they are derived, one version at a time; the generation has them under a name of its own."""


def export_of(store: VersionStore, version: int, beside: Path) -> Path:
    """The folder of a version's serving files, its whole chain verified. Raises VersionError."""
    chain = store.chain(version)
    if (chain[-1] / EXPORT).is_dir():
        return chain[-1] / EXPORT
    shutil.rmtree(beside / DERIVED, ignore_errors=True)
    derive(chain, beside / DERIVED, version=version, digest=store.manifest(version).digest)
    return beside / DERIVED


def is_of_version(store: VersionStore, found: Generation) -> bool:
    """Whether a generation was made of what stands under its number today."""
    try:
        manifest = store.manifest(found.version)
    except VersionError:
        return True  # gone from the store: there is nothing left to build it from
    if (of := derived_of(found.export)) is not None:
        return of == manifest.digest
    files = manifest.files.items()
    return all(found.about.files.get(name) == digest for name, digest in files if name.startswith(f"{EXPORT}/"))
