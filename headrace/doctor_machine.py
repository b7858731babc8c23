"""What the doctor says of the machine: checksums, clock, disk, versions of what we stand on, limits. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from headrace.doctor_facts import Facts
from headrace.durations import about
from headrace.findings import Finding, bad, ok, warn

AHEAD = 2_000
"""How far (ms) the clocks of others may run ahead of ours."""
PYTHONS = ((3, 11), (3, 14))
FILES_BASE, FILES_EACH = 256, 64
"""Open files that we need at most: some, and more for each partition."""
GIB = 1 << 30


def check_clock(facts: Facts) -> Iterator[Finding]:
    """Whether our clock agrees with those that stamped records."""
    for topic in facts.topics:
        ahead = (topic.newest_at or 0) - facts.now
        if ahead > AHEAD:
            told = f"the newest record of {topic.name} is {about(ahead)} ahead of this machine's clock"
            yield bad("clock", told, "timedatectl; clocks of all machines must be set by the same source")


def check_machine(facts: Facts) -> Iterator[Finding]:
    """What every process here depends on."""
    yield from _crc32c(facts)
    here = facts.machine
    low = here.free < GIB or here.free < here.size // 50
    free = f"{here.free / GIB:.1f} of {here.size / GIB:.1f} GiB are free where run-time data goes"
    if low:
        yield bad("disk", free, "headrace retain --once --dry-run")
    else:
        yield (
            warn("disk", free, "headrace retain --once --dry-run") if here.free < here.size // 10 else ok("disk", free)
        )
    wanted = FILES_BASE + FILES_EACH * facts.partitions
    if here.open_files < wanted:
        told = f"a process may open {here.open_files:,} files; {facts.partitions} partitions want up to {wanted:,}"
        yield warn("files", told, f"ulimit -n {wanted}")
    python = ".".join(map(str, here.python))
    if not PYTHONS[0] <= here.python[:2] < PYTHONS[1]:
        wanted_pythons = f"{_dotted(PYTHONS[0])} to below {_dotted(PYTHONS[1])}"
        yield bad("python", f"this is Python {python}; Headrace is for {wanted_pythons}", "make a new environment")
    if here.torch is None:
        yield bad("torch", "torch is not installed, and the trainer needs it", "pip install headrace")
    else:
        yield ok("python", f"Python {python}, torch {here.torch}")


def _crc32c(facts: Facts) -> Iterator[Finding]:
    found = facts.machine.crc32c
    if found == "missing" and facts.on_broker:
        yield bad(
            "crc32c", "crc32c is not installed: records of a broker are read several times slower", "pip install crc32c"
        )
    elif found == "software" and facts.on_broker:
        yield warn("crc32c", "crc32c computes without the processor's own instruction: slower", "pip install -U crc32c")
    elif found != "missing":
        yield ok("crc32c", "checksums are computed in C")


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
