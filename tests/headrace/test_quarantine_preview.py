"""What a preview counts is what is there: by brute force over messy logs, and by what is missing afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from checkpoints.quarantine import RIPPLE, Order
from headrace.quarantine_preview_words import command_of, told_preview
from headrace.quarantine_terms import order_of, terms_of
from streams.events import Event, Impression, Interaction, Shown, Tick
from streams.frames import EventFrame, encode_frame
from streams.mask import Entry
from streams.positions import partition_of
from tests.chaos.world import PARTITIONS, Recorded, World
from tests.headrace.preview_town import NOW, Town, brute, told
from tests.streams.messy_logs import RULES, S


def some_order(random: Random, town: Town) -> Order:
    t0 = random.randrange(20, 250) * S
    t1 = random.choice((None, t0 + random.randrange(5, 90) * S))
    labels = random.choice((None, None, ("buy",), ("click", "long_view")))
    match random.randrange(4):
        case 0:
            return Order(t0=t0, t1=t1, app_version=random.choice(("1", "9")), labels=labels)
        case 1:
            return Order(t0=t0, t1=t1, producer="phone", surface=random.choice((None, "mail")), labels=labels)
        case 2:
            end = town.events.end(1)
            return Order(start={1: end // 3}, stop={1: end // 2}, labels=labels)
    return Order(model_versions=(1, 2), t0=random.choice((None, t0)), labels=labels)


@pytest.mark.parametrize("seed", range(24))
def test_a_preview_counts_what_brute_force_counts(tmp_path: Path, seed: int) -> None:
    random = Random(f"preview {seed}")
    town = Town(tmp_path, World(seed, visits=50, chunk=5).frames)
    town.version(0.2)
    if seed % 2:  # dead frames in the examples, and something that is masked already
        town.decide("mask", add=(Entry("old", {p: 15 + p for p in range(PARTITIONS)}, app_version="9"),))
        town.join()
        if seed % 4 == 1:
            town.decide("mask", remove=("old",))
            town.join()
    for share in (0.5, 0.7):
        town.version(share)
    found = town.look(*(some_order(random, town) for _ in range(random.choice((1, 1, 2)))))
    ripple = next((entry for entry in found.wide.add if RIPPLE in entry.id), None)
    assert told(found) == brute(town, found.plain.add, ripple, found.tainted)


def test_the_seeds_cover_what_can_be_counted(tmp_path: Path) -> None:
    total: Counter[str] = Counter()
    for seed in range(8):
        town = Town(tmp_path / str(seed), World(seed, visits=50, chunk=5).frames)
        for share in (0.2, 0.5, 0.7):
            town.version(share)
        counts = told(town.look(some_order(Random(f"preview {seed}"), town)))
        total += Counter({what: bool(count) for what, count in counts.items()})
    assert set(total) == {
        "events", "ripple events", "shut", "served", "yes", "no", "examples", "ripple examples", "answers",
    }  # fmt: skip


def tidy(visits: int) -> Iterator[tuple[int, Event]]:
    """Everything comes once, at once, in order; each third app is the bad one."""
    for n in range(visits):
        at, user, app = n * 3 * S, f"u{n % 7}", "9" if n % 3 == 0 else "1"
        items = (Shown("tea", 0), Shown("jam", 1))
        yield at, Impression(f"v{n}", at, user, f"r{n}", items, app_version=app, model_version=1 + n // 40)
        if n % 2:
            yield at + S, Interaction(f"c{n}", at + S, user, "click", "tea", f"r{n}", app_version=app)
        if n % 5 == 0:
            yield at + 2 * S, Interaction(f"b{n}", at + 2 * S, user, "purchase", "jam", f"r{n}", app_version=app)
    yield (visits * 3 + 300) * S, Tick((visits * 3 + 300) * S)


def town_of(folder: Path, visits: int = 120) -> Town:
    frames: list[list[Recorded]] = [[], []]
    for at, event in tidy(visits):
        for p in (0, 1) if isinstance(event, Tick) else (partition_of(event.user_id, 2),):  # type: ignore[union-attr]
            frames[p].append(Recorded(at, (event,), encode_frame(EventFrame((event,)))))
    return Town(folder, frames)


def decided(town: Town) -> tuple[set[str], Counter[tuple[str, bool]]]:
    """The examples that were decided, and the values of their labels."""
    rows = [row for p in (0, 1) for row, shot in town.rows(p) if shot is not None]
    values = Counter((name, value > 0) for row in rows for name, value in row.labels.items())
    return {row.example for row in rows}, values


@pytest.mark.parametrize("labels", [None, ("buy",), ("buy", "click")])
def test_what_a_preview_counts_is_missing_afterwards(tmp_path: Path, labels: tuple[str, ...] | None) -> None:
    town = town_of(tmp_path)
    examples, values = decided(town)
    found = town.look(Order(t0=101 * S, t1=250 * S, app_version="9", labels=labels))
    town.decide("mask", add=found.plain.add)
    town.join()
    left, kept = decided(town)
    taken = found.counted.plain
    assert len(examples - left) == taken.examples
    assert left <= examples
    assert values - kept == Counter(
        {(n, True): c for n, c in taken.yes.items()} | {(n, False): c for n, c in taken.no.items()}
    )
    assert sum((values - kept).values()) > 20
    assert (taken.examples > 0) == (labels is None)


def test_it_says_what_tainted_versions_showed_where_to_go_back_to_and_how(tmp_path: Path) -> None:
    town = town_of(tmp_path)
    town.version(0.2)
    town.version(0.7)
    order = Order(t0=100 * S, app_version="9")
    found = town.look(order)
    assert (found.tainted, found.target, found.live) == ((2,), 1, 2)
    assert found.counted.served == {2: 40}
    assert command_of(found, [order]) == (
        "headrace rollback 1 --why TEXT --quarantine 'from=1970-01-01T00:01:40.000Z app-version=9' --ripple"
    )
    text = told_preview(found, "X")
    assert "Versions 2 fall by it; they showed 40 impressions since." in text
    assert "Newest version that stands without it: 1." in text


def test_where_nothing_that_serves_falls_the_mask_alone_is_proposed(tmp_path: Path) -> None:
    town = town_of(tmp_path)
    town.version(0.2)
    order = Order(t0=250 * S, surface="home", labels=("buy",))
    found = town.look(order)
    assert (found.tainted, found.target, found.live) == ((), 1, 1)
    assert command_of(found, [order]).startswith("headrace quarantine add --why TEXT --from=1970-01-01T00:04:10.000Z ")


def test_for_a_label_no_ripple_is_proposed_since_it_would_cost_the_others(tmp_path: Path) -> None:
    town = town_of(tmp_path)
    for share in (0.2, 0.7):
        town.version(share)
    order = Order(t0=100 * S, t1=250 * S, labels=("buy",))
    found = town.look(order)
    assert found.tainted == (2,)
    assert found.counted.ripple.events
    assert "--ripple" not in command_of(found, [order])
    assert command_of(found, [order]).startswith("headrace rollback 1 ")


def test_a_label_order_says_from_when_its_windows_were_open(tmp_path: Path) -> None:
    town = town_of(tmp_path)
    town.decide("configure", settings={"join": RULES.text})
    found = town.look(Order(t0=200 * S, t1=250 * S, labels=("buy",)))
    assert "up to 90s before could still get buy when this begins: from=1970-01-01T00:01:50.000Z" in told_preview(
        found, ""
    )


def test_nothing_below_the_first_place_is_read(tmp_path: Path) -> None:
    town = town_of(tmp_path)
    town.version(0.2)
    town.version(0.6)
    found = town.look(Order(t0=300 * S, app_version="9"))
    begins = found.plain.add[0].start
    assert found.frames == sum(town.events.end(p) - begins[p] for p in (0, 1))
    assert all(at > 20 for at in begins.values())


@pytest.mark.parametrize(
    "order",
    [
        Order(t0=1_500, t1=2_000, app_version="1.1 beta", labels=("buy", "click")),
        Order(model_versions=(3, 4, 5, 9), surface="a,b"),
        Order(start={0: 5, 2: 9}, stop={0: 7, 2: 12}, producer="it's"),
    ],
)
def test_the_terms_of_an_order_are_read_as_the_same_order(order: Order) -> None:
    assert order_of(terms_of(order), now=NOW) == order
