"""Logs as they come in real life, and rules of all kinds to join them by.

Times are whole seconds in ms. Impressions come twice, late, after their clicks, or never; clicks are repeated, late,
out of their window; users are forgotten; items change.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from streams.events import Context, Event, Impression, Interaction, Item, Shown, Slate, Tick, User, key_of
from streams.positions import partition_of
from streams.rules import MODES, Label, Rules

S = 1000
RULES = Rules(
    (
        Label("click", event="click", window=20 * S, mode="fast", horizon=30 * S, surfaces={"mail": 40 * S}),
        Label("long_view", event="dwell", window=45 * S, horizon=40 * S, min_value=18),
        Label("buy", event="purchase", window=90 * S, surfaces={"mail": 45 * S}),
    ),
    grace=3 * S,
    out_of_orderness=5 * S,
    history=4,
)

EVERY = Rules(
    (
        Label("click", event="click", window=20 * S, mode="delayed", horizon=30 * S, surfaces={"mail": 40 * S}),
        Label("seconds", event="dwell", window=45 * S, mode="fast", horizon=40 * S, graded=True),
        Label("longest", event="dwell", window=45 * S, horizon=40 * S, min_value=18, graded=True),
        Label("seen", event="dwell", window=30 * S, mode="delayed", graded=True),
        Label("buy", event="purchase", window=90 * S, surfaces={"mail": 45 * S}),
    ),
    grace=3 * S,
    out_of_orderness=5 * S,
    history=3,
    history_of={"purchase": 2, "like": 1},
)
"""Every mode, with values, and a history by type."""


def messy_log(random: Random, visits: int, *, busy: bool = False) -> list[tuple[int, Event]]:
    """(received_at, event) of one stream, in order of arrival; in a `busy` one much is done with each item."""
    log: list[tuple[int, Event]] = []

    def lag() -> int:
        return random.choice((0, 0, 0, 1, 2, 4, 9, 60)) * S

    for n in range(visits):
        at, user, request = random.randrange(0, 300) * S, f"u{random.randrange(5)}", f"r{n}"
        app, surface = random.choice(("1", "1", "9")), random.choice(("", "mail"))
        shown = tuple(
            Shown(f"i{i}", k, score=0.5) for k, i in enumerate(random.sample(range(6), random.randrange(1, 4)))
        )
        if random.randrange(2):
            log.append(
                (at + lag(), Slate(f"s{n}", at, user, request, shown, surface, {"n": float(n)}, app_version=app))
            )
        impression = Impression(f"v{n}", at, user, request, shown, surface, app_version=app)
        log += [(at + lag(), impression) for _ in range(random.choice((0, 1, 1, 1, 1, 2)))]
        if random.randrange(6) == 0:  # scrolled on: the same request, a later event, an item more
            more = Impression(f"w{n}", at + 2 * S, user, request, (*shown, Shown("i9", 9)), surface, app_version=app)
            log.append((at + 2 * S + lag(), more))
        for k in range(random.choice((0, 0, 1, 2, 3)) + 9 * busy):
            done = at + random.randrange(-1, 110) * S
            asked = None if random.randrange(8) == 0 else request
            kind = random.choice(("click", "dwell", "purchase", "like"))
            click = Interaction(
                f"c{n}.{k}",
                max(done, 0),
                user,
                kind,
                item_id=random.choice(shown).item_id,
                request_id=asked,
                surface=surface,
                value=float(random.choice((5, 18, 30))) if kind == "dwell" else None,
                app_version=app,
            )
            log += [(max(done, 0) + lag(), click) for _ in range(random.choice((1, 1, 2)))]
    for n in range(visits // 4):
        at = random.randrange(0, 300) * S
        log.append((at, Item(f"x{n}", at - lag(), f"i{random.randrange(6)}", author=f"a{n}", deleted=n % 5 == 4)))
    for _ in range(random.randrange(3)):
        at = random.randrange(0, 300) * S
        log.append((at, User(f"f{at}", max(at - lag(), 0), f"u{random.randrange(5)}", deleted=True)))
    log += [(at * S, Tick(at * S)) for at in range(0, 700, 7) if at > 380 or random.randrange(3) == 0]
    return sorted(log, key=lambda arrival: arrival[0])


def told_users(random: Random, count: int) -> list[tuple[int, Event]]:
    """Upserts of the users of such a log, late and doubled as its events are; they are not in it, so that what else
    is drawn stays as it is."""
    log: list[tuple[int, Event]] = []
    for n in range(count):
        at, lag = random.randrange(0, 300) * S, random.choice((0, 0, 3, 40)) * S
        told: Context = {"country": random.choice("abc"), "age": float(n)}
        upsert = User(f"p{n}", max(at - lag, 0), f"u{random.randrange(5)}", told)
        log += [(at, upsert)] * random.choice((1, 1, 2))
    return log


def shares(log: Iterable[tuple[int, Event]], partitions: int) -> list[list[Event]]:
    """The events of each partition: items and ticks are in all."""
    split: list[list[Event]] = [[] for _ in range(partitions)]
    for _, event in log:
        for p in range(partitions):
            if isinstance(event, Tick | Item) or partition_of(key_of(event), partitions) == p:
                split[p].append(event)
    return split


def any_rules(random: Random) -> Rules:
    """Rules of all kinds."""
    labels = tuple(
        Label(
            name,
            event=event,
            window=random.choice((4, 20, 45)) * S,
            mode=random.choice(MODES),
            horizon=random.choice((0, 15, 40)) * S,
            min_value=18 if event == "dwell" and random.randrange(2) else None,
            surfaces={"mail": random.choice((10, 60)) * S} if random.randrange(2) else {},
            graded=event == "dwell" and random.randrange(3) > 0,
        )
        for name, event in (("click", "click"), ("long", "dwell"), ("again", "dwell"), ("buy", "purchase"))
    )
    history_of = {kind: random.randrange(1, 4) for kind in ("purchase", "like", "dwell") if random.randrange(2)}
    return Rules(
        labels[: random.randrange(1, 5)],
        grace=random.choice((0, 3)) * S,
        out_of_orderness=random.choice((0, 5)) * S,
        history=random.randrange(5),
        history_of=history_of,
    )
