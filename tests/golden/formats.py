"""Every durable format, each with a value that fills all of its fields, and its own way to bytes and back.

A format that grew stands under the name of today, and its file of before under OLDER: nobody writes it any more, all
read it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from msgspec import structs

from checkpoints.manifest import Manifest, TrainerPosition, decode_manifest, encode_manifest
from serving.part_heads import State
from streams import dead_letters, decisions
from streams.dead_letters import DeadLetter
from streams.decisions import Decision
from streams.events import Announcement, Event, Impression, Interaction, Item, Shown, Slate, Tick, User
from streams.examples import Attributes, Counted, ExampleFrame, Past, Row, Shot
from streams.examples import decode as decode_examples
from streams.examples import encode as encode_examples
from streams.experiments import Trial
from streams.frames import EventFrame, decode_event, decode_frame, encode_event, encode_frame
from streams.mask import Entry

FILES = Path(__file__).parent / "files"

SHOWN = (Shown("tea", 0, 0.5, 0.25), Shown("jam", 1))
CIRCUMSTANCES: dict[str, Any] = {
    "surface": "home", "context": {"hour": 9.0, "place": "kitchen"}, "model_version": 7, "query_item_id": "oil",
    "query_text": "breakfast", "producer": "shop", "app_version": "1.1",
}  # fmt: skip
PRICED: dict[str, str | float] = {"price": 2.5, "origin": "china"}
FIRST_EVENTS: tuple[Event, ...] = (
    Slate("s1", 1_000, "ana", "r1", SHOWN, **CIRCUMSTANCES),
    Impression("i1", 1_001, "ana", "r1", SHOWN, **CIRCUMSTANCES),
    Interaction(
        "c1", 1_002, "ana", "dwell", item_id="tea", request_id="r1", impression_ts=1_001, surface="home",
        context={"hour": 9.0}, position=0, value=18.5, reason="liked", query_text="breakfast", model_version=7,
        producer="shop", app_version="1.1",
    ),
    Item(
        "t1", 1_003, "tea", categories=("drinks",), tags=("hot", "green"), author="bo", text="a tea",
        vector=(0.5, -1.0), available_from=1, available_until=9_000, deleted=False, producer="shop", app_version="1.1",
    ),
    User("u1", 1_004, "ana", attributes={"age": 30.0}, deleted=True, producer="shop", app_version="1.1"),
    Tick(2_000),
)  # fmt: skip
"""Before items had attributes."""
ITEM = structs.replace(FIRST_EVENTS[3], attributes=PRICED)
SECOND_EVENTS: tuple[Event, ...] = (*FIRST_EVENTS[:3], ITEM, *FIRST_EVENTS[4:])
"""Before slates named the arms of experiments."""
SLATE = structs.replace(FIRST_EVENTS[0], arms={"bold": "on"}, took=3.5)
EVENTS: tuple[Event, ...] = (SLATE, *SECOND_EVENTS[1:])
SOURCES = {"slates": {0: 1}, "impressions": {0: 1}, "interactions": {0: 1}, "items": {0: 1, 1: 0}, "users": {0: 1}}
ANNOUNCED = Announcement("a1", 1_005, "page-1", 900, {"click": 3, "impression": 2}, "shop", "1.1")
FIRST_EXAMPLES = ExampleFrame(
    "1ea9e", 12, 11, 2_000, "c0ffee",
    rows=(
        Row(3, 1_500, "label", "e1", {"click": 1.0}, 0.5, "tea", 2, 0, 0, True, 11),
        Row(4, 1_600, "forget", "ana"),
    ),
    shots=(
        Shot(
            "ana", 1_001, "r1", "home", {"hour": 9.0}, (Past("oil", "click", 900),), 7, "oil", "breakfast", "shop",
            "1.1", {"tea": 0.5}, {"tea": 0.25},
        ),
    ),
    attributes=(Attributes("tea", 1_003, ("drinks",), ("hot",), "bo", "a tea", (0.5, -1.0), 1, 9_000, False),),
)  # fmt: skip
SECOND_EXAMPLES = structs.replace(
    FIRST_EXAMPLES, attributes=(structs.replace(FIRST_EXAMPLES.attributes[0], attributes=PRICED),)
)
"""Before frames counted what sources announce."""
EXAMPLES = structs.replace(SECOND_EXAMPLES, counted=(Counted("shop", "click", 3, 2),))
ENTRY = Entry("q1", {0: 5}, {0: 9}, t0=1, t1=2, producer="shop", app_version="9", surface="home", model_versions=(3, 4))
SHUT = Entry("q2", {0: 5}, {0: 9}, t0=1, t1=2, surface="home", labels=("buy",))
FIRST_DECISIONS = (
    Decision("publish", 5, "trainer", "gate passed", 0, version=1, mask_position=0, input={0: 7}, until={0: 8}),
    Decision("mask", 6, "ana", "bad app", 1, add=(ENTRY,), remove=("q0",)),
    Decision("expire", 7, "retention", "old", 2, floor={0: 3}),
    Decision("configure", 8, "ana", "longer", 3, settings={"join": "{}"}, start={0: 9}),
)
"""Before entries named labels."""
SECOND_DECISIONS = (*FIRST_DECISIONS, Decision("mask", 9, "ana", "lost button", 4, add=(SHUT,)))
"""Before there were experiments."""
TRIAL = Trial("bold", "start", {"serving.diversity": "0.2"}, 0.05, True, "page_ctr", -0.1, 86_400_000)
DECISIONS = (
    *SECOND_DECISIONS,
    Decision("experiment", 10, "ana", "more of the unlike", 5, version=1, input={0: 7}, start={0: 9}, trial=TRIAL),
)
LETTERS = (
    DeadLetter(5, "is missing", "user_id", "interactions[2]@17", b'{"type": "click"}'),
    DeadLetter(5, "is missing", "user_id", dead_letters.REPLAY, b'{"type": "click"}', first=0),
    DeadLetter(6, "", "", dead_letters.REPLAY, b"", taken=(0, 4)),
)
FIRST_MANIFEST = Manifest(
    9, 8, 3, {0: TrainerPosition(5, 11, 2_000, 40, 12)}, 40, 4, "c0ffee", "d19e57", "pass", "all finite", 3_000,
    {"auc": 0.75}, {"labels": ["click"]}, {"learned/rank": "aa", "serving/towers": "bb"},
)  # fmt: skip
SECOND_MANIFEST = structs.replace(
    FIRST_MANIFEST,
    schema_diff={"added": ["price"], "dropped": ["hour"]},
    skew={"price": {"compared": 4, "differing": 0.25, "mean_gap": 0.5}},
)
THIRD_MANIFEST = structs.replace(SECOND_MANIFEST, guard={"held": [], "changed": [], "broken": 2})
FOURTH_MANIFEST = structs.replace(THIRD_MANIFEST, base=8, bytes=4_096)
"""Before the gate had measures."""
MEASURE = {"name": "auc", "verdict": "pass", "why": "auc is well", "figure": -0.01, "n": 900, "holds": False}
MANIFEST = structs.replace(FOURTH_MANIFEST, gate={"against": 8, "measures": [MEASURE], "norms": {"rank.dense": 2.5}})
HEAD = State(1, 12, 3, "{}", 2_000, {"ana": 1_004}, 900, "d19e57", True, 1_500, 800)


@dataclass(frozen=True)
class Format:
    """`name` is that of its file. `values` are written one per line of hex, or one per line where they are JSON."""

    name: str
    values: tuple[Any, ...]
    encode: Callable[[Any], bytes]
    decode: Callable[[bytes], Any]

    @property
    def file(self) -> Path:
        return FILES / self.name

    @property
    def written(self) -> list[bytes]:
        return [self.encode(value) for value in self.values]

    @property
    def kept(self) -> list[bytes]:
        """What a release wrote."""
        return [bytes.fromhex(line) for line in self.file.read_text().splitlines()]


EVENT_FRAME, SECOND_FRAME, FIRST_FRAME = (EventFrame(e, SOURCES) for e in (EVENTS, SECOND_EVENTS, FIRST_EVENTS))
ANNOUNCED_FRAME, SECOND_ANNOUNCED, FIRST_ANNOUNCED = (
    structs.replace(one, announced=((2, ANNOUNCED),)) for one in (EVENT_FRAME, SECOND_FRAME, FIRST_FRAME)
)
FORMATS = (
    Format("event-v3.hex", EVENTS, encode_event, decode_event),
    Format("announcement-v1.hex", (ANNOUNCED,), encode_event, decode_event),
    Format("event-frame-v3.hex", (EVENT_FRAME,), encode_frame, decode_frame),
    Format("announced-frame-v3.hex", (ANNOUNCED_FRAME,), encode_frame, decode_frame),
    Format("example-frame-v3.hex", (EXAMPLES,), encode_examples, decode_examples),
    Format("decision-v3.hex", DECISIONS, decisions._encode, decisions._decode),
    Format("dead-letter-v1.hex", LETTERS, dead_letters._encode, dead_letters._decode),
    Format("manifest-v5.hex", (MANIFEST,), encode_manifest, decode_manifest),
    Format("serve-snapshot-v1.hex", (HEAD,), msgspec.json.encode, msgspec.json.Decoder(State).decode),
)
OLDER = (
    Format("event-v1.hex", FIRST_EVENTS, encode_event, decode_event),
    Format("event-v2.hex", SECOND_EVENTS, encode_event, decode_event),
    Format("event-frame-v1.hex", (FIRST_FRAME,), encode_frame, decode_frame),
    Format("event-frame-v2.hex", (SECOND_FRAME,), encode_frame, decode_frame),
    Format("announced-frame-v1.hex", (FIRST_ANNOUNCED,), encode_frame, decode_frame),
    Format("announced-frame-v2.hex", (SECOND_ANNOUNCED,), encode_frame, decode_frame),
    Format("example-frame-v1.hex", (FIRST_EXAMPLES,), encode_examples, decode_examples),
    Format("example-frame-v2.hex", (SECOND_EXAMPLES,), encode_examples, decode_examples),
    Format("decision-v1.hex", FIRST_DECISIONS, decisions._encode, decisions._decode),
    Format("decision-v2.hex", SECOND_DECISIONS, decisions._encode, decisions._decode),
    Format("manifest-v1.hex", (FIRST_MANIFEST,), encode_manifest, decode_manifest),
    Format("manifest-v2.hex", (SECOND_MANIFEST,), encode_manifest, decode_manifest),
    Format("manifest-v3.hex", (THIRD_MANIFEST,), encode_manifest, decode_manifest),
    Format("manifest-v4.hex", (FOURTH_MANIFEST,), encode_manifest, decode_manifest),
)
"""What releases before today's wrote, with what today's readers make of it."""
