"""Those who decide: an operator who quarantines, lifts, closes, narrows, widens and rolls back, at random.

Positions are resolved once, by the writer of the line, from the times or the places that it names.
"""

from __future__ import annotations

from random import Random

from msgspec import UNSET
from msgspec.structs import replace

from checkpoints.errors import VersionError
from checkpoints.good_versions import last_good
from checkpoints.quarantine import Order, closed, resolve, rippled
from streams.decisions import Decision
from streams.mask import Entry
from streams.positions import Positions
from tests.chaos.site import Site
from tests.chaos.world import AHEAD, PARTITIONS
from tests.streams.messy_logs import RULES, S

LATE = 1 << 40
"""By this time everything has happened."""


class Operator:
    """Writes one line at a time; void ones are as good as any, since every reader must tell them apart."""

    def __init__(self, site: Site, random: Random, acts: tuple[str, ...] = ()) -> None:
        self._site, self._random = site, random
        self._only = acts

    def act(self) -> str:
        """Append one line; what it was, in words."""
        entries = self._site.decisions().fold.masking().entries
        acts = [self._by_time, self._by_place, self._by_slice, self._roll_back]
        if entries:
            acts += [self._lift, self._lift, self._close, self._narrow, self._widen]
        able = [act for act in acts if not self._only or act.__name__.strip("_") in self._only]
        act = self._random.choice(able or acts)
        told = act()
        return f"{act.__name__.strip('_')} {told}"

    def serve_only(self) -> str:
        """A line that changes who serves what, and no fold."""
        kind = self._random.choice(("pause", "resume", "rollback"))
        newest = max((m.version for m in self._site.store.manifests()), default=None)
        if kind == "rollback" and newest is not None:
            return self._decide(Decision("rollback", 0, "ana", "chaos", 0, version=newest))
        return self._decide(Decision("resume" if kind == "resume" else "pause", 0, "ana", "chaos", 0))

    def _by_time(self) -> str:
        return self._mask(self._timed())

    def _by_place(self) -> str:
        start = self._anywhere()
        stop = {p: at + self._random.randrange(1, 20) for p, at in start.items()}
        bounded = Entry(self._id(), start, stop=self._random.choice((None, stop)))
        return self._mask(replace(bounded, app_version=self._random.choice((None, "9"))))

    def _by_slice(self) -> str:
        entry = self._timed() if self._random.randrange(2) else Entry(self._id(), self._anywhere())
        return self._mask(self._sliced(entry))

    def _roll_back(self) -> str:
        """One line that names a version and hides what spoiled the later ones."""
        site, entry = self._site, self._sliced(self._timed())
        decisions = site.decisions().fold
        entries: tuple[Entry, ...] = (entry,)
        if self._random.randrange(2):
            caused = rippled(entries, decisions, site.store.manifests(), decisions.lines, f"{entry.id}.ripple")
            entries += (caused,) if caused else ()
        try:
            target = last_good(site.store.manifests(), decisions, decisions.masking().changed(entries))
        except VersionError:
            return self._mask(entry)
        line = Decision("rollback", 0, "ana", "chaos", 0, version=target.version, add=entries)
        return self._decide(replace(line, mask_position=target.decisions, input=target.input, until=self._ends()))

    def _lift(self) -> str:
        return self._mask(remove=self._some().id)

    def _close(self) -> str:
        """From now on, or at a place: then it hides no items any more."""
        entry, events = self._some(), self._site.events
        now = max((events.read(p, events.end(p) - 1)[0].at for p in range(PARTITIONS) if events.end(p)), default=0)
        if entry.stop is None and now > (entry.t0 or 0) and self._random.randrange(4):
            return self._mask(closed(entry, events, now))
        stop = {p: at + self._random.randrange(20) for p, at in entry.start.items()}
        return self._mask(replace(entry, stop=stop, t1=None))

    def _narrow(self) -> str:
        return self._mask(self._sliced(self._some()))

    def _widen(self) -> str:
        """A second entry that begins where one began and ends elsewhere, beside the first."""
        entry = self._some()
        if entry.t0 is not None:
            t1 = self._random.choice((None, entry.t0 + self._random.randrange(1, 90) * S))
            return self._mask(replace(entry, id=self._id(), t1=t1, stop=None if t1 is None else self._at(t1)))
        stop = {p: at + self._random.randrange(1, 30) for p, at in entry.start.items()}
        return self._mask(replace(entry, id=self._id(), stop=self._random.choice((None, stop))))

    def _timed(self) -> Entry:
        t0 = self._random.randrange(300) * S
        t1 = self._random.choice((None, t0 + self._random.randrange(1, 90) * S))
        order = Order(t0=self._random.choice((t0, t0, t0, None)) if t1 else t0, t1=t1)
        return resolve(order, self._site.events, ahead=AHEAD, at=LATE, id=self._id())

    def _sliced(self, entry: Entry) -> Entry:
        return self._of_labels(self._narrowed(entry))

    def _of_labels(self, entry: Entry) -> Entry:
        """Now and then only what some labels say, or all of it again; by chances of its own."""
        random = Random(f"labels {self._id()} {entry.start}")
        if random.randrange(3):
            return entry
        names = [label.name for label in RULES.labels]
        return replace(entry, labels=UNSET if entry.labels else tuple(random.sample(names, random.randrange(1, 3))))

    def _narrowed(self, entry: Entry) -> Entry:
        random = self._random
        match random.randrange(4):
            case 0:
                return replace(entry, app_version=random.choice(("1", "9")))
            case 1:
                return replace(entry, producer=random.choice(("web", "phone")))
            case 2:
                return replace(entry, surface=random.choice(("", "mail")))
        return replace(entry, model_versions=tuple(sorted(random.sample(range(1, 5), 2))))

    def _some(self) -> Entry:
        return self._random.choice(self._site.decisions().fold.masking().entries)

    def _id(self) -> str:
        return f"q{self._site.decisions().fold.position}"

    def _at(self, ts: int) -> Positions:
        return {p: self._site.events.offset_at(p, ts - AHEAD) for p in range(PARTITIONS)}

    def _anywhere(self) -> Positions:
        return {p: self._random.randrange(self._site.events.end(p) + 5) for p in range(PARTITIONS)}

    def _ends(self) -> Positions:
        return {p: self._site.events.end(p) for p in range(PARTITIONS)}

    def _mask(self, entry: Entry | None = None, remove: str | None = None) -> str:
        add, gone = () if entry is None else (entry,), () if remove is None else (remove,)
        return self._decide(Decision("mask", 0, "ana", "chaos", 0, add=add, remove=gone))

    def _decide(self, line: Decision) -> str:
        decisions = self._site.decisions()
        line = replace(line, at=self._site.now, seen=decisions.fold.position)
        n, holds = decisions.decide(line)
        return f"n={n}{'' if holds else ' VOID'} {line.add or line.remove or line.kind}"
