"""What still holds a user that was deleted, and until when: facts in, lines out. Reads no log and no disk.

Counts by item (popularity, what is wanted together, an item's own counters) name nobody: they stay, and are no lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from headrace.forget_search import Deleted, Named


@dataclass(frozen=True, slots=True)
class Version:
    """A version that was learned before the delete; `stays` says why it may not go, empty where nothing keeps it."""

    number: int
    created_at: int
    stays: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """Everything that was looked at. `named` are records of the log; `versions` and `snapshots` (how many, by fold)
    are from before the delete; `joined`, `learned` and `served` say who has taken it: the joiner, the first version,
    a server that runs (None: not known)."""

    user_id: str
    partition: int
    deleted: Deleted | None
    named: Sequence[Named] = ()
    versions: Sequence[Version] = ()
    snapshots: tuple[tuple[str, int], ...] = ()
    joined: bool = False
    learned: int | None = None
    served: bool | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """One place that still has something of the user: how much, until when at the earliest, and what takes it away."""

    place: str
    count: int
    until: int | None
    goes: str


def held(found: Found, *, span: int) -> list[Held]:
    """The places, in the order of a click; `span` (ms) is how far one can go back.

    >>> found = Found("ana", 0, Deleted(7, 1_000), (Named("events", 0, 3, 900), Named("items", 0)))
    >>> [(one.place, one.count, one.until) for one in held(found, span=500)]
    [('events[0]', 3, 1500)]
    """
    deleted_at = found.deleted.ts if found.deleted else None
    lines = []
    for one in found.named:
        if one.records:
            of_floor = one.topic in ("events", "examples")
            since = deleted_at if of_floor else one.last_at
            goes = "when the floor has passed the delete" if of_floor else "by age"
            until = None if since is None else since + span
            lines.append(Held(f"{one.topic}[{one.partition}]", one.records, until, f"headrace retain, {goes}"))
    lines += [_versions([v for v in found.versions if v.stays == why], span, why) for why in _reasons(found.versions)]
    for fold, count in found.snapshots:
        if count:
            until = None if deleted_at is None else deleted_at + span
            lines.append(
                Held(f"snapshots of {fold}", count, until, "their owner, when the floor has passed the delete")
            )
    return lines


def progress(found: Found) -> list[tuple[str, str]]:
    """Who has forgotten the user, as name and word."""
    if found.deleted is None:
        return [("delete", "none is in the log")]
    server = {True: "yes", False: "not yet", None: "none runs here; one that starts reads the delete before it serves"}
    told = [
        ("delete", f"events[{found.partition}] {found.deleted.offset:,}"),
        ("joiner", "yes" if found.joined else "not yet; see `headrace status`"),
        ("versions", f"from {found.learned} on" if found.learned else "none yet; see `headrace versions list`"),
        ("servers", server[found.served]),
    ]
    if found.deleted.returned:
        again = f"{found.deleted.returned:,} events since, which the delete does not reach; forget again to remove them"
        told.append(("came back", again))
    return told


def _reasons(versions: Sequence[Version]) -> list[str]:
    return list(dict.fromkeys(version.stays for version in versions))


def _versions(versions: Sequence[Version], span: int, why: str) -> Held:
    numbers = [version.number for version in versions]
    runs = str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]}-{numbers[-1]}"
    until = None if why else max(version.created_at for version in versions) + span
    goes = f"not while {why}" if why else "headrace retain, when newer ones reach back far enough"
    return Held(f"versions {runs}", len(numbers), until, goes)
