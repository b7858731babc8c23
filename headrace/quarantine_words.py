"""What an entry of the mask says, in words. Pure; knows nothing of where it is shown."""

from __future__ import annotations

import time
from collections.abc import Sequence

from checkpoints.quarantine import NEVER
from streams.decisions import Decision
from streams.mask import Entry
from streams.positions import Positions


def words(entry: Entry) -> str:
    """What an entry masks.

    >>> print(words(Entry("q1", start={0: 5, 1: 9}, t0=1_000, app_version="1.1")))
    events of app version 1.1 from 1970-01-01T00:00:01.000Z on
    >>> print(words(Entry("q1", start={0: 5, 1: NEVER}, stop={0: 9, 1: NEVER})))
    all events in frames 0:5-9
    >>> print(words(Entry("q1.ripple", start={0: 5}, model_versions=(3, 4, 5, 9))))
    what versions 3-5, 9 caused
    >>> print(words(Entry("q1", start={0: 5}, t0=1_000, surface="mail", labels=("buy",))))
    label buy of impressions of surface mail from 1970-01-01T00:00:01.000Z on
    """
    told = [f"{name} {value}" for name, value in _fields(entry) if value is not None]
    what = "impressions" if entry.labels else "events"
    whose = f"{what} of {', '.join(told)}" if told else f"all {what}"
    if entry.model_versions is not None:
        many = "s" if len(entry.model_versions) > 1 else ""
        caused = f"what version{many} {numbers(entry.model_versions)} caused"
        whose = f"{caused}, {whose}" if told else caused
    if entry.labels:
        whose = f"label{'s' if len(entry.labels) > 1 else ''} {', '.join(entry.labels)} of {whose}"
    return " ".join([whose, *_when(entry)])


def positions_told(entry: Entry) -> str:
    """The frames that an entry reaches, partition by partition, as `positions=` takes them.

    >>> positions_told(Entry("q", start={0: 5, 1: 9}, stop={0: 7, 1: 9})), positions_told(Entry("q", start={0: 5}))
    ('0:5-7 1:9-9', '0:5-')
    """
    return _frames(entry.start, entry.stop)


def changes_told(line: Decision) -> str:
    """What a line adds to the mask and takes from it; empty where it leaves the mask alone.

    >>> changes_told(Decision("mask", 1, "ana", "", 0, add=(Entry("q2", {0: 5}, surface="home"),), remove=("q1",)))
    '-q1; +q2: events of surface home'
    """
    added = {entry.id: entry for entry in line.add}
    gone = [f"-{id}" for id in line.remove if id not in added]
    return "; ".join([*gone, *(f"+{id}: {words(entry)}" for id, entry in added.items())])


def numbers(versions: Sequence[int]) -> str:
    """Numbers in order, runs of them as ranges.

    >>> numbers([7, 3, 4, 5, 9]), numbers([])
    ('3-5, 7, 9', 'none')
    """
    runs: list[list[int]] = []
    for version in sorted(set(versions)):
        if runs and version == runs[-1][1] + 1:
            runs[-1][1] = version
        else:
            runs.append([version, version])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs) or "none"


def iso(at: int) -> str:
    """A time in ms as `from=` and `to=` take it, in UTC.

    >>> iso(1_500)
    '1970-01-01T00:00:01.500Z'
    """
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at // 1000)) + f".{at % 1000:03d}Z"


def _fields(entry: Entry) -> list[tuple[str, str | None]]:
    return [("producer", entry.producer), ("app version", entry.app_version), ("surface", entry.surface)]


def _when(entry: Entry) -> list[str]:
    if entry.t0 is None and entry.t1 is None:
        return [] if entry.stop is None else [f"in frames {_frames(entry.start, entry.stop)}"]
    begin = [] if entry.t0 is None else [f"from {iso(entry.t0)}"]
    return [*begin, "on" if entry.t1 is None else f"to before {iso(entry.t1)}"]


def _frames(start: Positions, stop: Positions | None) -> str:
    return " ".join(
        f"{p}:{offset}-{'' if stop is None else stop.get(p, 0)}"
        for p, offset in sorted(start.items())
        if offset < NEVER
    )
