"""How long after a click the positive example lies on the broker, and how long after an impression the negative.

A producer process sends single JSON events through kafka-python as they happen: impressions of one item, and clicks
on some of them a moment later; `rate` events a second in all. Sequencer and joiner are the real processes on a broker
of their own. A consumer reads `examples` as it is written; what is told is the time at which it had the row in hand
less the time at which the producer made the event, on one clock. `label_` figures are up to the joiner's record time,
`event_` up to the sequencer's. The peer is a bare hop in the same run: the same consumer reads `interactions` itself.
What was sent in the first seconds is left out, and negatives that closed when nobody sent any more.

    python benchmarks/click_to_label.py [--quick] [--json] [--seconds N] [--rate N]
"""

from __future__ import annotations

import argparse
import heapq
import json
import multiprocessing
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from benchmarks.chaos_crew import Crew, write_settings
from headrace.broker import Broker
from headrace.demo_settings import demo_settings
from headrace.deployment import check_configuration, open_logs, rules_of
from headrace.log_places import make_or_check_topics
from headrace.settings import Settings
from streams.events import Interaction
from streams.examples import decode
from streams.frames import decode_frame

PREFIX = "latency"
POSITIVE_BAR_MS, NEGATIVE_SPARE_MS = 250, 1_000
WARM_S = 8.0
"""Consumers find each other, code is read for the first time."""
STEP_S = 0.005
USERS, ITEMS = 5_000, 2_000
CLICKS = 0.15
REACTION_S = (0.3, 2.0)


@dataclass(slots=True)
class Seen:
    """Milliseconds from the making of an event to the row in hand, by what the row says."""

    positive: list[float] = field(default_factory=list)
    recorded: list[float] = field(default_factory=list)
    negative: list[float] = field(default_factory=list)
    hop: list[float] = field(default_factory=list)


def producing(servers: str, rate: float, seconds: float, line: Connection) -> None:
    """A process: sends, then tells when each click was made, by its request."""
    producer = KafkaProducer(bootstrap_servers=servers, allow_auto_create_topics=False)
    clicked: dict[str, int] = {}
    sent, began = 0, time.time()
    for made_at, event in _happenings(rate, seconds, began):
        while (wait := made_at - time.time()) > 0:
            time.sleep(min(wait, STEP_S))
        event["ts"] = _now()
        if event["type"] == "click":
            clicked[event["request_id"]] = event["ts"]
        topic = f"{PREFIX}.{'impressions' if event['type'] == 'impression' else 'interactions'}"
        producer.send(topic, json.dumps(event).encode(), key=event["user_id"].encode(), timestamp_ms=event["ts"])
        sent += 1
    spent = time.time() - began
    producer.flush(60)
    line.send((clicked, sent / spent, began))


def _happenings(rate: float, seconds: float, began: float) -> Iterator[tuple[float, dict[str, Any]]]:
    """Impressions evenly, their clicks later, in order of time; all that is made in one step comes at its end."""
    chance, later = random.Random(3), list[tuple[float, int, dict[str, Any]]]()
    for n in range(round(rate * seconds / (1 + CLICKS))):
        at = began + n * (1 + CLICKS) / rate
        while later and later[0][0] <= at:
            due, _, click = heapq.heappop(later)
            yield due, click
        user, item = f"u{chance.randrange(USERS)}", f"i{chance.randrange(ITEMS)}"
        about: dict[str, Any] = {"user_id": user, "item_id": item, "request_id": f"r{n}", "surface": "home"}
        yield at, about | {"type": "impression", "event_id": f"v{n}"}
        if chance.random() < CLICKS:
            heapq.heappush(later, (at + chance.uniform(*REACTION_S), n, about | {"type": "click", "event_id": f"c{n}"}))


def measure(settings: Settings, broker: Broker, rate: float, seconds: float) -> dict[str, Any]:
    """One run, and one flat object."""
    make_or_check_topics(settings)
    check_configuration(settings)
    write_settings(settings)
    crew = Crew(settings)
    context = multiprocessing.get_context("spawn")
    line, theirs = context.Pipe()
    producer = context.Process(target=producing, args=(broker.servers, rate, seconds, theirs), daemon=True)
    crew.start("sequence", "join")
    try:
        _wait_for_work(crew)
        producer.start()
        seen, clicked, reached, began = _read(settings, broker, line)
    finally:
        crew.stop()
        producer.join(5)
    return _figures(settings, seen, _to_events(settings, since=round((began + WARM_S) * 1000))) | {
        "rate": round(reached), "clicks": len(clicked), "seconds": seconds, "deaths": len(crew.deaths),
    }  # fmt: skip


def _read(settings: Settings, broker: Broker, line: Connection) -> tuple[Seen, dict[str, int], float, float]:
    """Read rows as they come until all windows have closed. Which click was when is known only afterwards."""
    consumer = KafkaConsumer(
        bootstrap_servers=broker.servers, group_id=None, auto_offset_reset="earliest", fetch_max_wait_ms=100
    )
    topics = [f"{PREFIX}.examples", f"{PREFIX}.interactions"]
    consumer.assign([TopicPartition(topic, p) for topic in topics for p in range(settings.partitions)])
    rules = rules_of(settings)
    raw, told, ended, end = [], None, 0.0, float("inf")
    while time.time() < end:
        if told is None and line.poll():
            told, ended = line.recv(), time.time()
            end = ended + rules.lifespan / 1000 + 3
        for place, records in consumer.poll(50).items():
            at = _now()
            raw += [(place.topic == topics[1], at, record.timestamp, record.value) for record in records]
    consumer.close()
    if told is None:
        raise SystemExit("the producer never ended")
    clicked, reached, began = told
    since, until = round((began + WARM_S) * 1000), round(ended * 1000) - rules.durations[-1] - rules.out_of_orderness
    return _sorted(raw, clicked, since=since, until=until), clicked, reached, began


def _sorted(raw: Sequence[tuple[bool, int, int, bytes]], clicked: dict[str, int], *, since: int, until: int) -> Seen:
    seen = Seen()
    for is_click, at, recorded_at, value in raw:
        if is_click:
            made_at = json.loads(value)["ts"]
            seen.hop += [at - made_at] if made_at >= since else []
            continue
        frame = decode(value)
        for row in frame.rows:
            if row.kind != "label" or frame.shots[row.shot].ts < since:
                continue
            shot = frame.shots[row.shot]
            if row.labels.get("click"):
                seen.positive.append(at - clicked[shot.request_id])
                seen.recorded.append(recorded_at - clicked[shot.request_id])
            elif "click" in row.labels and shot.ts < until:
                seen.negative.append(at - shot.ts)
    return seen


def _to_events(settings: Settings, since: int) -> list[float]:
    """From the making of a click to the record time of its frame of events."""
    found: list[float] = []
    with open_logs(settings) as logs:
        log = logs.open("events", settings.partitions)
        for p in range(log.partitions):
            offset = log.begin(p)
            while records := log.read(p, offset):
                offset = records[-1].offset + 1
                for record in records:
                    events = decode_frame(record.value).events
                    found += [record.at - e.ts for e in events if isinstance(e, Interaction) and e.ts >= since]
    return found


def _figures(settings: Settings, seen: Seen, events: list[float]) -> dict[str, Any]:
    rules, label = rules_of(settings), settings.labels["click"]
    negative_bar = label.window + rules.grace + rules.out_of_orderness + NEGATIVE_SPARE_MS
    told: dict[str, Any] = {"positives": len(seen.positive), "negatives": len(seen.negative)}
    for name, values in (
        ("click_to_label", seen.positive), ("label_record", seen.recorded), ("event_record", events),
        ("impression_to_negative", seen.negative), ("peer_hop", seen.hop),
    ):  # fmt: skip
        told |= {f"{name}_p50_ms": _quantile(values, 0.5), f"{name}_p99_ms": _quantile(values, 0.99)}
    told |= {"click_to_label_bar_ms": POSITIVE_BAR_MS, "impression_to_negative_bar_ms": negative_bar}
    return told | {"ratio": round(told["click_to_label_p99_ms"] / max(told["peer_hop_p99_ms"], 1), 2)}


def _quantile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)] if values else float("nan")


def _wait_for_work(crew: Crew) -> None:
    end = time.monotonic() + 60
    while not all((said := crew.ready(name)) and said.turns > 8 for name in ("sequence", "join")):
        if time.monotonic() > end:
            raise SystemExit(f"sequencer or joiner does not work: {'; '.join(crew.deaths)}")
        crew.tend()
        time.sleep(0.05)


def _now() -> int:
    return time.time_ns() // 1_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="24 s instead of a minute")
    parser.add_argument("--json", action="store_true", help="one flat object as the last line")
    parser.add_argument("--seconds", type=float, help="how long the producer sends")
    parser.add_argument("--rate", type=float, default=3_000, help="events a second")
    told = parser.parse_args()
    seconds = told.seconds or (24.0 if told.quick else 60.0)
    with tempfile.TemporaryDirectory() as place:
        broker = Broker(Path(place) / "broker", port=0, tied=True)
        broker.start()
        try:
            figures = measure(demo_settings(Path(place) / "var", log=broker.url(PREFIX)), broker, told.rate, seconds)
        finally:
            broker.stop()
    print(json.dumps(figures) if told.json else "\n".join(f"{name:32} {value}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
