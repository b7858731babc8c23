"""The versions that servers may go back to under a mask, best first. Goes back to none. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from checkpoints.errors import VersionError
from checkpoints.manifest import Manifest
from checkpoints.quarantine import valid
from checkpoints.registry import Registry
from streams.decisions import Decisions
from streams.mask import Masking


def good(manifests: Iterable[Manifest], decisions: Decisions, changed: Masking) -> list[Manifest]:
    """What servers may go back to under a mask, best first: versions that passed, are valid, and that nobody held or
    rolled back; those that have served come before those that never did, then most examples first."""
    registry = Registry.of(decisions)
    refused, served = registry.held | registry.rolled_back, set(registry.published)
    able = (
        m
        for m in manifests
        if m.verdict == "pass" and m.version not in refused and valid(decisions, changed, m.decisions, m.input)
    )
    return sorted(able, key=lambda m: (m.version in served, m.examples, m.version), reverse=True)


def last_good(manifests: Iterable[Manifest], decisions: Decisions, changed: Masking) -> Manifest:
    """The first of `good`. Raises VersionError where there is none."""
    for manifest in good(manifests, decisions, changed):
        return manifest
    raise VersionError(
        "no version that passed is valid under this mask: every one learned from what it takes out, or was held or "
        "rolled back, or serves already. See `headrace versions list`; a later begin (from=TIME) may leave one"
    )
