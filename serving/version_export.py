"""The job of building a version's generation: its own serving files, or what they are derived from."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from checkpoints.errors import VersionError
from checkpoints.store import VersionStore
from learners.deriving import Step, derived_of
from serving.build_job import Job
from serving.generation import Generation
from serving.generation_files import EXPORT, folder_of

DERIVED = ".derived"
"""Where they are derived, one version at a time; the generation has them under a name of its own."""
FAR = 256
"""So many versions that stand on each other are looked through for the one that was derived last."""


def job_of(store: VersionStore, version: int, generations: Path, *, have: Collection[int], derived: str) -> Job:
    """What a builder is asked for, the version's whole chain verified; `derived` is the digest of what it derived last,
    "" where nobody knows. Raises VersionError."""
    chain = store.chain(version)
    parent = store.manifest(version).parent
    previous = parent if parent in have else max(have, default=None)
    own = (chain[-1] / EXPORT).is_dir()
    return Job(
        version=version,
        export=str(chain[-1] / EXPORT if own else generations / DERIVED),
        aside=str(generations / f".{version:08d}"),
        parent=parent,
        previous=None if previous is None else str(folder_of(generations, previous)),
        chain=() if own else _steps(store, version, chain),
        steps=() if own else _since(store, version, derived),
    )


def _steps(store: VersionStore, version: int, chain: tuple[Path, ...]) -> tuple[Step, ...]:
    manifests = store.links(version)
    if len(manifests) != len(chain):  # it was made short just now, or what is short is damaged
        return (*(Step(str(folder)) for folder in chain[:-1]), Step(str(chain[-1]), manifests[-1].digest))
    return tuple(Step(str(folder), link.digest) for folder, link in zip(chain, manifests, strict=True))


def _since(store: VersionStore, version: int, derived: str) -> tuple[Step, ...]:
    """The way from the version that was derived last, as versions were written; none where there is no such way. A
    chain that was made short in between does not pass that version any more."""
    steps: list[Step] = []
    wanted: int | None = version
    with suppress(VersionError):
        while derived and wanted is not None and len(steps) < FAR:
            manifest = store.manifest(wanted)
            if manifest.digest == derived:
                return (Step("", derived), *steps) if steps else ()
            if manifest.base is None:
                return ()
            steps.insert(0, Step(str(store.looked_at(wanted)), manifest.digest))
            wanted = manifest.base
    return ()


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
