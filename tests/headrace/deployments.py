"""A deployment without processes: a var folder with versions and decisions in it, as commands find one."""

from __future__ import annotations

from pathlib import Path

from checkpoints.manifest import Manifest, TrainerPosition
from checkpoints.store import VersionStore
from headrace.deployment import decision_log, version_store
from headrace.settings import Settings
from streams.decisions import Decision
from streams.mask import Entry


def commit(store: VersionStore, *, verdict: str = "pass", upto: int = 10, made_under: int = 0) -> Manifest:
    """One version whose learned state is its own number."""
    version = store.reserve()
    parent = version - 1 or None
    draft = Manifest(
        version, parent, made_under, {0: TrainerPosition(input=upto)}, examples=upto, digest=f"digest{version}",
        verdict=verdict, reason="for a test", created_at=1_000 * version,
    )  # fmt: skip
    return store.commit(version, lambda folder: (folder / "weights").write_text(str(version)) and None, draft)  # type: ignore[func-returns-value]


def published(settings: Settings, *, versions: int) -> None:
    """That many versions, all of them published in order."""
    store = version_store(settings)
    with decision_log(settings) as decisions:
        for _ in range(versions):
            made = commit(store)
            seen = decisions.fold.position
            decisions.decide(Decision("publish", 1, "trainer", "passed", seen, version=made.version, input=made.input))


def mask(settings: Settings, *, below: int) -> None:
    """Mask every event of partition 0 from offset `below` on."""
    with decision_log(settings) as decisions:
        decisions.decide(Decision("mask", 2, "ana", "bad app", seen=0, add=(Entry("q", start={0: below}),)))


def of(folder: Path) -> Settings:
    """Settings of a deployment in a folder."""
    return Settings(var=folder)
