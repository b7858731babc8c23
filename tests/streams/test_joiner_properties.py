"""The joiner over messy logs: against the plain join, and against itself in other frames."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.events import Event, Item, Tick, User
from streams.examples import ExampleFrame
from streams.given import resolved
from streams.join_state import JoinState, MemoryStore
from streams.joiner import Joiner
from streams.rules import MODES, Label, Mode, Rules
from tests.streams.join_runs import fed, framed
from tests.streams.join_stories import CLICK, done, rows_of, shown, values_of
from tests.streams.messy_logs import EVERY, RULES, S, any_rules, messy_log, shares, told_users
from tests.streams.plain_join import decided, plain_histories, plain_join


@settings(max_examples=120, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 12))
def test_labels_are_those_of_the_plain_join(random: Random, visits: int) -> None:
    events = shares(messy_log(random, visits), 1)[0]
    assert decided(fed(framed(events, 5))[0]) == plain_join(events, RULES)


@pytest.mark.parametrize("seed", range(12))
def test_labels_of_a_longer_log_are_those_of_the_plain_join(seed: int) -> None:
    for rules in (RULES, EVERY):
        log = messy_log(Random(seed), 120, busy=rules is EVERY)
        for p, events in enumerate(shares(log, 2)):
            frames, _ = fed(framed(events, 20), rules, partition=p, partitions=2)
            assert decided(frames) == plain_join(events, rules)


@settings(max_examples=150, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 12), st.booleans())
def test_labels_of_any_rules_are_those_of_the_plain_join(random: Random, visits: int, busy: bool) -> None:
    rules, events = any_rules(random), shares(messy_log(random, visits, busy=busy), 1)[0]
    assert decided(fed(framed(events, 5), rules)[0]) == plain_join(events, rules)


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 12))
def test_histories_are_what_the_user_did_before_in_the_log(random: Random, visits: int) -> None:
    rules, events = any_rules(random), shares(messy_log(random, visits, busy=True), 1)[0]
    wanted = plain_histories(events, rules)
    for row, shot, _ in resolved(fed(framed(events, 5), rules)[0]):
        if row.kind in ("label", "correction") and shot is not None:
            assert list(shot.history) == wanted[row.example, shot.ts]


@settings(max_examples=40, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 12))
def test_rows_do_not_depend_on_frames(random: Random, visits: int) -> None:
    log = messy_log(random, visits) + told_users(random, visits)
    rules, events = any_rules(random), shares(sorted(log, key=lambda arrival: arrival[0]), 1)[0]
    whole, counted = fed([events], rules)
    for size in (1, 20, 100):
        frames, again = fed(framed(events, size), rules)
        assert (resolved(frames), again) == (resolved(whole), counted)


@pytest.mark.parametrize("seed", range(8))
def test_decided_at_never_goes_back_and_sequence_counts_rows(seed: int) -> None:
    rows = [row for row, _, _ in resolved(fed(framed(shares(messy_log(Random(seed), 80), 1)[0], 9))[0])]
    assert [row.sequence for row in rows] == list(range(len(rows)))
    assert [row.decided_at for row in rows] == sorted(row.decided_at for row in rows)


@pytest.mark.parametrize("seed", range(8))
def test_a_label_is_decided_once_and_the_first_decision_is_marked_once(seed: int) -> None:
    events = [e for e in shares(messy_log(Random(seed), 80), 1)[0] if not isinstance(e, User)]
    rows = [(row, shot) for row, shot, _ in resolved(fed(framed(events, 9))[0]) if row.kind == "label" and shot]
    labels = [(row.example, shot.ts, name) for row, shot in rows for name in row.labels]
    assert len(labels) == len(set(labels))
    firsts = [(row.example, shot.ts) for row, shot in rows if row.first]
    assert sorted(firsts) == sorted({(row.example, shot.ts) for row, shot in rows})


@settings(max_examples=30, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 12))
def test_final_values_do_not_depend_on_arrival_order_within_the_out_of_orderness(random: Random, visits: int) -> None:
    rules = replace(any_rules(random), out_of_orderness=5 * S)
    log = [e for _, e in messy_log(random, visits, busy=True) if not isinstance(e, User | Item | Tick)]
    once = [e for e in log if not e.event_id.startswith("w")]  # which of two impressions comes first is of the order
    end: list[Event] = [Tick(900 * S)]
    told = []
    for _ in range(4):
        shuffled: list[Event] = sorted(once, key=lambda event: event.ts + random.randrange(5 * S))
        rows = resolved(fed([shuffled + end], rules)[0])
        told.append({(row.example, name): value for row, _, _ in rows for name, value in row.labels.items()})
    assert told[0] == told[1] == told[2] == told[3]


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.integers(99, 112), st.sampled_from((5.0, 18.0, 30.0))), max_size=6),
    st.sampled_from(MODES),
    st.randoms(use_true_random=False),
)
def test_which_of_several_values_is_final_does_not_depend_on_arrival_order(
    dwells: list[tuple[int, float]], mode: Mode, random: Random
) -> None:
    label = Label("seconds", event="dwell", window=10 * S, mode=mode, graded=True)
    rules = Rules((label,), grace=0, out_of_orderness=5 * S)
    did = [done(at, "tea", "dwell", event=f"{n}", value=value) for n, (at, value) in enumerate(dwells)]
    all_: list[Event] = [shown(100, "tea"), *did]
    wanted = max(((at, value) for at, value in dwells if at <= 110), default=(0, 0.0))[1]
    for _ in range(3):
        shuffled: list[Event] = sorted(all_, key=lambda event: event.ts + random.randrange(5 * S))
        assert rows_of([*shuffled, Tick(900 * S)], rules)[-1][0].labels == {"seconds": wanted}


# ---- frames ----------------------------------------------------------------------------------------------------------


def test_a_quiet_frame_is_told_once_the_watermark_rose_by_a_second() -> None:
    frames, _ = fed([[Tick(100 * S)], [Tick(100 * S + 999)], [Tick(101 * S)], [Tick(101 * S)]])
    assert [(frame.input, frame.prev, frame.watermark // S) for frame in frames] == [(0, -1, 95), (2, 0, 96)]


def test_the_circumstances_of_an_impression_stand_once_in_a_frame() -> None:
    frames, _ = fed([[shown(100, "a", "b", "c"), Tick(200 * S)]], CLICK)
    assert [(len(frame.rows), len(frame.shots)) for frame in frames] == [(3, 1)]
    assert isinstance(frames[0], ExampleFrame)


def test_a_state_does_not_grow_with_the_log() -> None:
    def size(visits: int) -> int:
        store = MemoryStore()
        state = JoinState(store)
        joiner = Joiner(CLICK, state, partition=0, partitions=1)
        for n in range(visits):
            events: list[Event] = [shown(100 * n, "tea", request=f"r{n}"), done(100 * n + 1, "tea", request=f"r{n}")]
            joiner.feed(n, [*events, Item(f"x{n}", 100 * n, "tea")])
            state.commit()
        return len(values_of(store))

    assert size(50) == size(20)


@pytest.mark.parametrize("seed", range(6))
def test_how_often_is_swept_changes_no_row(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    events = shares(messy_log(Random(seed), 120), 1)[0]
    made = []
    for least, sweeps in ((1, 1 << 40), (1, 64), (1 << 40, 1)):  # at each event, in steps, never
        monkeypatch.setattr("streams.kept.LEAST_SWEEP_MS", least)
        monkeypatch.setattr("streams.kept.SWEEPS", sweeps)
        made.append(fed(framed(events, 7))[0])
    assert made[0] == made[1] == made[2]
