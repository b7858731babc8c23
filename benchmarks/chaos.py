"""Everything dies, again and again, and every label still comes out once: on a real broker, with real processes.

Foreign producers send single JSON events while sequencer, joiners and trainer get kill -9 at random moments, joiners
lose their disks, a second joiner comes and goes, and the broker is stopped for a while, in which processes die too.
Then the very events that the sequencer wrote are folded once more, undisturbed, by a fresh joiner and a fresh trainer
over an embedded log. `lost`: rows of that fold which are not in force; `foreign`: the other way round; `double`:
decisions in force twice; `conflicting`: frames of one identity with other bytes; `events_lost`: events that the broker
acknowledged to producers and that are in no frame. `learned_equal` compares what both trainers learned, bit by bit;
`deaths` counts processes that ended without being struck, while there was a broker. Any of them ends it with status 1.

    python benchmarks/chaos.py [--quick] [--json] [--seed N] [--kills N] [--wiped N] [--rebalances N] [--outage S]
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.chaos_crew import LOOK_S, SECOND, Crew, write_settings
from benchmarks.chaos_people import People
from benchmarks.chaos_verdict import Verdict, copied, headrace, verdict
from headrace.broker import Broker
from headrace.demo_settings import demo_settings
from headrace.deployment import check_configuration, open_logs, rules_of
from headrace.log_places import make_or_check_topics
from headrace.settings import Settings
from streams.events import RAW_TOPICS
from streams.frames import decode_frame
from streams.log import Logs

LABELS = {
    "click": {"event": "click", "window": "2s", "mode": "fast", "horizon": "4s"},
    "like": {"event": "like", "window": "3s", "mode": "wait", "horizon": "4s"},
}
PATIENCE_S = 180.0
WORKING = 0.8
"""Share of blows that wait until their victim works; others may hit a start."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of everything; `pages` are impressions a second."""

    kills: int = 100
    wiped: int = 30
    rebalances: int = 5
    outage_s: float = 120.0
    pages: float = 30.0
    seed: int = 1


QUICK = Plan(kills=10, wiped=3, rebalances=1, outage_s=5.0, pages=20.0)


class Chaos:
    """One run: `strike` all blows, `settle`, then the log may be judged. From one thread."""

    def __init__(self, plan: Plan, settings: Settings, broker: Broker, crew: Crew) -> None:
        self._plan, self._settings, self._broker, self._crew = plan, settings, broker, crew
        self._chance = random.Random(plan.seed)
        blows = ["kill"] * plan.kills + ["wipe"] * plan.wiped + ["rebalance"] * plan.rebalances
        self._chance.shuffle(blows)
        blows[len(blows) // 2 : 0] = ["outage"] if plan.outage_s else []
        self._blows = blows
        self.done = dict.fromkeys(("kill", "wipe", "rebalance", "outage"), 0)

    def strike(self) -> None:
        """All blows of the plan, one after the other."""
        while self._blows:
            kind = self._blows.pop(0)
            told = getattr(self, f"_{kind}")()
            self.done[kind] += 1
            tell(f"{sum(self.done.values())}: {kind} {told}; {len(self._blows)} to come")
            self._pause(self._chance.uniform(0.1, 1.5))

    def settle(self) -> None:
        """1 every event that was sent is in a frame; 2 every window has closed; 3 no sequencer writes; 4 the joiners
        are at the end; 5 nothing runs."""
        with open_logs(self._settings) as logs:
            self._wait("the sequencer to read all", lambda: is_sequenced(logs, self._settings.partitions))
            self._pause(rules_of(self._settings).lifespan / 1000 + 3)
            self._crew.dismiss("sequence")
            events = logs.open("events", self._settings.partitions)
            ends = {p: events.end(p) for p in range(events.partitions)}
        self._crew.wait_until_joined(ends, patience=PATIENCE_S)
        self._crew.stop()

    def _kill(self) -> str:
        names = [name for name in ("sequence", "join", "train", SECOND) if self._crew.runs(name)]
        return self._at_work(self._chance.choice(names), self._crew.kill)

    def _wipe(self) -> str:
        names = [name for name in ("join", SECOND) if self._crew.runs(name)]
        return self._at_work(self._chance.choice(names), self._crew.wipe)

    def _rebalance(self) -> str:
        if self._crew.runs(SECOND):
            number = self._chance.choice((signal.SIGTERM, signal.SIGKILL))
            self._crew.dismiss(SECOND, number)
            return f"by {number.name} to {SECOND}"
        self._crew.start(SECOND)
        return f"since {SECOND} came"

    def _outage(self) -> str:
        """The broker stops; every ten seconds somebody dies meanwhile."""
        end, kills = time.monotonic() + self._plan.outage_s, 0
        self._crew.away = True
        self._broker.stop()
        while time.monotonic() < end:
            if "kill" in self._blows and kills * 10 < self._plan.outage_s:
                self._blows.remove("kill")
                tell(f"   meanwhile kill {self._kill()}")
                self.done["kill"], kills = self.done["kill"] + 1, kills + 1
            self._pause(min(10.0, max(end - time.monotonic(), 0)))
        self._broker.start()
        self._wait("all to be back", lambda: all(self._crew.ready(name) for name in ("sequence", "join", "train")))
        self._crew.away = False
        return f"of {self._plan.outage_s:g} s"

    def _at_work(self, name: str, strike: Callable[[str], bool]) -> str:
        """Strike when there is something to strike."""
        if self._chance.random() < WORKING and not self._crew.away:
            self._wait(f"{name} to work", lambda: (said := self._crew.ready(name)) is not None and said.turns > 0)
            self._pause(self._chance.uniform(0, 0.7))
        self._wait(f"{name} to be struck", lambda: strike(name))
        return name

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._crew.tend()
            time.sleep(LOOK_S)

    def _wait(self, what: str, true: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE_S
        while not true():
            if time.monotonic() > end:
                raise SystemExit(f"{what}: not within {PATIENCE_S:.0f} s. {'; '.join(self._crew.deaths)}")
            self._pause(LOOK_S)


def chaos(plan: Plan, broker: Broker, folder: Path) -> dict[str, Any]:
    """One run on a broker that serves, and one flat object. The broker serves at its end too."""
    began, (var, aside) = time.monotonic(), (folder / "live", folder / "twin")
    settings = settings_of(var, broker.url(f"chaos{time.time_ns()}"))
    make_or_check_topics(settings)
    check_configuration(settings)
    write_settings(settings)
    crew = Crew(settings)
    people = People(broker.servers, settings.log.rpartition("/")[2], seed=plan.seed, pages=plan.pages)
    run = Chaos(plan, settings, broker, crew)
    try:
        crew.start("sequence", "join", "train")
        people.come()
        run.strike()
        people.leave()
        run.settle()
    finally:
        crew.stop()
    tell(f"{len(people.acknowledged):,} events are in; folding them once more")
    found = compare(settings, settings_of(aside, f"sqlite://{aside}/log"), crew, people)
    return {
        "kills": run.done["kill"], "wiped": run.done["wipe"], "rebalances": run.done["rebalance"],
        "outage_s": plan.outage_s, **asdict(found), "events": len(people.acknowledged), "refused": len(people.refused),
        "deaths": len(crew.deaths), "deaths_without_broker": crew.excused, "starts": crew.starts, "seed": plan.seed,
        "seconds": round(time.monotonic() - began, 1), "words": "; ".join(crew.deaths[:5]),
    }  # fmt: skip


def settings_of(var: Path, log: str) -> Settings:
    return demo_settings(
        var, log=log, labels=LABELS, join={"out_of_orderness": "500ms", "snapshot_every": "3s"},
        trainer={"bucket": "500ms", "commit": "2s"},
    )  # fmt: skip


def compare(settings: Settings, twin: Settings, crew: Crew, people: People) -> Verdict:
    """Fold the same events undisturbed, and look at both. Where the struck log can't be learned, that is a death."""
    check_configuration(twin)
    copied(settings, twin)
    with ThreadPoolExecutor(2) as both:
        struck = both.submit(headrace, settings, "train", "--until-end")
        headrace(twin, "join", "--until-end")
        headrace(twin, "train", "--until-end")
    if (error := struck.exception()) is not None:
        crew.deaths.append(str(error))
    return verdict(settings, twin, people.acknowledged)


def is_sequenced(logs: Logs, partitions: int) -> bool:
    """Whether the newest frame of each partition was made with every raw topic read to its end."""
    events = logs.open("events", partitions)
    for p in range(partitions):
        last = events.read(p, events.end(p) - 1, 1)
        sources = decode_frame(last[0].value).sources if last else {}
        for topic in RAW_TOPICS:
            if sources.get(topic, {}).get(p, 0) < logs.open(topic, partitions).end(p):
                return False
    return True


def broken(figures: dict[str, Any]) -> list[str]:
    """The bars that are not held."""
    zero = ("lost", "foreign", "double", "conflicting", "events_lost", "refused", "deaths")
    wrong = [f"{name} is {figures[name]:,}, not 0" for name in zero if figures[name]]
    wrong += [f"{name} is false" for name in ("digest_equal", "learned_equal") if not figures[name]]
    return wrong + (["hardly any row was made"] if figures["rows"] < figures["events"] / 4 else [])


def tell(text: str) -> None:
    print(time.strftime("%H:%M:%S"), text, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="10 kills, 3 disks, 1 rebalance, 5 s without a broker")
    parser.add_argument("--json", action="store_true", help="one flat object as the last line")
    for name in ("seed", "kills", "wiped", "rebalances"):
        parser.add_argument(f"--{name}", type=int)
    parser.add_argument("--outage", type=float, dest="outage_s", help="seconds without a broker")
    parser.add_argument("--keep", type=Path, help="an empty folder for all that is written, to be looked at afterwards")
    told = parser.parse_args()
    given = {name: getattr(told, name) for name in ("seed", "kills", "wiped", "rebalances", "outage_s")}
    plan = replace(QUICK if told.quick else Plan(), **{k: v for k, v in given.items() if v is not None})
    with tempfile.TemporaryDirectory() as place:
        folder = told.keep or Path(place)
        broker = Broker(folder / "broker", port=0, tied=True, tell=tell)
        broker.start()
        try:
            figures = chaos(plan, broker, folder)
        finally:
            broker.stop()
    wrong = broken(figures)
    print(json.dumps(figures) if told.json else "\n".join(f"{name:24} {value}" for name, value in figures.items()))
    if wrong:
        raise SystemExit("; ".join(wrong))


if __name__ == "__main__":
    main()
