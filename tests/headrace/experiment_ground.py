"""Three versions, an operator who wants to try something, and pages of two arms that click at their own rates."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

from checkpoints.store import VersionStore
from headrace.experiment_terms import Ground, Wanted
from headrace.operations import Operator
from headrace.settings import Serving
from streams.decisions import Decision, DecisionLog
from streams.events import Event, Impression, Interaction, Shown, Slate, Tick
from streams.experiments import Trial, arm_of
from streams.frames import EventFrame, encode_frame
from streams.log import MemoryLogs
from streams.positions import partition_of
from tests.headrace import deployments

ANA = Operator("ana", "try", 1_000)
BOLD = Wanted("bold", settings={"serving.diversity": ".2"}, share=0.5, metric="page_ctr")
HOUR = 3_600_000


def ground_in(folder: Path) -> Ground:
    """Versions 1 to 3, of which 3 serves."""
    logs, store = MemoryLogs(), VersionStore(folder / "versions")
    decisions = DecisionLog(logs.open("decisions", 1))
    for n in range(3):
        made = deployments.commit(store, verdict="pass")
        decisions.decide(Decision("publish", 1, "trainer", "passed", n, version=made.version, input=made.input))
    return Ground(decisions, logs.open("events", 2), store, Serving(), ("click", "like"), keep=4)


def pages(name: str, *, share: float, on: float, off: float, users: int = 600, seed: int = 3) -> Iterator[Event]:
    """Two pages a user, within an hour; arms click at their own rates."""
    random, trial, items = Random(seed), Trial(name, "start", share=share), (Shown("tea", 0),)
    for n in range(2 * users):
        user, ts, request = f"u{n % users}", 1_000 + n, f"r{n}"
        arm = arm_of(trial, user)
        yield Slate(f"s{n}", ts, user, request, items, arms={name: arm}, took=3.0)
        yield Impression(f"i{n}", ts, user, request, items)
        if random.random() < (on if arm == "on" else off):
            yield Interaction(f"c{n}", ts + 1, user, "click", item_id="tea", request_id=request)


def tell(ground: Ground, *events: Event) -> None:
    shares: list[list[Event]] = [[], []]
    for event in events:
        homes = (0, 1) if isinstance(event, Tick) else (partition_of(event.user_id, 2),)  # type: ignore[union-attr]
        for home in homes:
            shares[home].append(event)
    for partition, share in enumerate(shares):
        for first in range(0, len(share), 50):
            ground.events.append(partition, [encode_frame(EventFrame(tuple(share[first : first + 50])))], at=1)
