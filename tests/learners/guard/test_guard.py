"""The guard over logits and labels: what is held, what is not, and how a hold ends. No model learns here."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest

from learners.guard.guard import Guard
from learners.guard.rules import GuardRules
from learners.guard.words import Doubles, Judged, Told

ROWS, GROUPS, START, END = 1024, 5, 60, 70
Spoil = Callable[[Doubles, np.random.Generator], Doubles]

FAULTS: dict[str, Spoil] = {
    "flips": lambda y, _random: 1 - y,
    "ones": lambda y, _random: np.ones_like(y),
    "zeros": lambda y, _random: np.zeros_like(y),
    "shuffled": lambda y, random: random.permutation(y),
}


def batch(number: int, *, spoil: Spoil | None = None, group: int = 0, level: float = 0.0) -> Told:
    """A batch that is a function of its number: calibrated predictions, two axes of two slices."""
    random = np.random.default_rng(number)
    x_B = random.normal(-2.3, 1.2, ROWS)
    y_B = (random.random(ROWS) < 1 / (1 + np.exp(-x_B - level))).astype(np.float64)
    group_BA = np.stack([np.zeros(ROWS, np.int64), 1 + random.integers(0, 2, ROWS), 3 + random.integers(0, 2, ROWS)], 1)
    if spoil is not None:
        hit_B = (group_BA == group).any(axis=1)
        y_B[hit_B] = spoil(y_B[hit_B], random)
    return Told(x_B, None, y_B, group_BA, np.ones(ROWS, np.bool_))


def after(batches: int, rules: GuardRules | None = None) -> Guard:
    guard = Guard(GROUPS, rules)
    for number in range(batches):
        assert guard.judge(batch(number)).live_B.all()
    return guard


def test_a_clean_stream_is_never_held() -> None:
    assert after(300).held == ()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_everyone_is_held_at_once_and_ends_by_itself(fault: str) -> None:
    guard = after(START)
    for number in range(START, END):
        judged = guard.judge(batch(number, spoil=FAULTS[fault]))
        assert not judged.live_B.any()
    ended = [event for number in range(END, END + 3) for event in guard.judge(batch(number)).events]
    assert [event.verdict for event in ended] == ["return"]
    assert ended[0].clean >= END
    assert guard.held == ()


def test_a_fault_that_ends_inside_a_batch_leaves_no_spoilt_row_to_learn() -> None:
    """The batch in which a return begins may be mixed: it is refused."""
    guard = after(START)

    def half(y_B: Doubles, _random: np.random.Generator) -> Doubles:
        return np.where(np.arange(len(y_B)) < 100, 1 - y_B, y_B)

    for number in range(START, END):
        guard.judge(batch(number, spoil=FAULTS["flips"]))
    guard.judge(batch(END, spoil=half))
    events = [event for number in range(END + 1, END + 4) for event in guard.judge(batch(number)).events]
    assert events[0].verdict == "return"
    assert events[0].clean > END


@pytest.mark.parametrize("fault", ["flips", "ones"])
def test_a_fault_of_a_slice_holds_that_slice_alone(fault: str) -> None:
    guard = after(START)
    for number in range(START, END):
        judged = guard.judge(batch(number, spoil=FAULTS[fault], group=2))
        told = batch(number)
        assert (judged.live_B == (told.group_BA != 2).all(axis=1)).all()
    assert [view.group for view in guard.held] == [2]


@pytest.mark.parametrize("group", [0, 2])
def test_small_batches_blame_the_slice_that_is_wrong_and_everyone_where_all_are(group: int) -> None:
    """A batch of 100 says little of the rest, so what it said since the suspicion began counts."""

    def small(number: int, spoil: Spoil | None = None) -> Told:
        told = batch(number, spoil=spoil, group=group)
        return Told(told.logit_B[:100], None, told.value_B[:100], told.group_BA[:100], told.ok_B[:100])

    def some(y_B: Doubles, random: np.random.Generator) -> Doubles:
        return np.where(random.random(len(y_B)) < 0.3, 1 - y_B, y_B)

    guard, first = Guard(GROUPS), []
    for number in range(10 * START):
        assert not guard.judge(small(number)).events
    for number in range(10 * START, 10 * START + 20):
        first += guard.judge(small(number, some)).events
    assert (first[0].verdict, first[0].group) == ("hold", group)
    assert first[0].first - 10 * START < 10


def test_nothing_is_held_while_an_accepted_model_comes_to_rest() -> None:
    guard = after(START)
    for number in range(START, START + 3):
        guard.judge(batch(number, level=0.7))
    guard.order(0, "accept")
    verdicts = [
        (event.verdict, number)
        for number in range(START + 3, START + 16)
        for event in guard.judge(batch(number, level=0.7 if number == START + 3 else 1.4)).events
    ]
    assert verdicts == [("accept", START + 3)]


def test_a_level_that_stays_is_learned_after_its_probation() -> None:
    guard = after(START)
    verdicts = {}
    for number in range(START, START + 40):
        for event in guard.judge(batch(number, level=0.7)).events:
            verdicts[event.verdict] = number - START + 1
    assert verdicts["hold"] <= 2
    assert 32 <= verdicts["accept"] <= 36
    assert guard.held == ()


def test_labels_without_a_ranking_are_never_learned_by_themselves() -> None:
    guard = after(START)
    for number in range(START, START + 100):
        guard.judge(batch(number, spoil=FAULTS["zeros"]))
    assert [view.group for view in guard.held] == [0]


def test_an_operator_has_a_hold_learned_at_once() -> None:
    guard = after(START)
    guard.judge(batch(START, spoil=FAULTS["flips"]))
    guard.order(0, "accept")
    assert next(event.verdict for event in guard.judge(batch(START + 1, spoil=FAULTS["flips"])).events) == "accept"


def test_an_operator_has_a_level_refused_for_as_long_as_it_lasts() -> None:
    guard = after(START)
    for number in range(START, START + 60):
        guard.judge(batch(number, level=0.7))
        if number == START + 5:
            guard.order(0, "refuse")
    assert [view.group for view in guard.held] == [0]


def test_an_order_for_a_group_that_is_not_held_is_refused() -> None:
    with pytest.raises(ValueError, match="is not held"):
        after(1).order(0, "accept")


def test_clicks_that_were_announced_and_never_came_hold_their_producer() -> None:
    guard = after(START)
    delivered_G, announced_G = np.array([100.0, 50, 50, 0, 0]), np.array([150.0, 100, 50, 0, 0])
    told = batch(START)
    events = guard.judge(
        Told(told.logit_B, None, told.value_B, told.group_BA, told.ok_B, announced_G, delivered_G)
    ).events
    assert [(event.verdict, event.kind) for event in events] == [("hold", "lost")]


def test_a_restart_inside_a_hold_judges_alike() -> None:
    guard, other = after(START), Guard(GROUPS)
    for number in range(START, START + 4):
        guard.judge(batch(number, spoil=FAULTS["flips"], group=2))
    kept = io.BytesIO()
    np.savez(kept, **guard.state())  # type: ignore[arg-type]
    kept.seek(0)
    other.load(dict(np.load(kept)))
    for number in range(START + 4, START + 12):
        assert _plain(guard.judge(batch(number))) == _plain(other.judge(batch(number)))
    mine, theirs = guard.state(), other.state()
    assert mine.keys() == theirs.keys()
    assert all(np.array_equal(mine[name], theirs[name]) for name in mine)


def _plain(judged: Judged) -> tuple[object, ...]:
    return judged.live_B.tobytes(), judged.held_B.tobytes(), judged.events
