"""Rules: what is refused, and when two are the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streams.errors import LogMismatch
from streams.rules import Label, Rules


def test_a_label_of_an_unknown_interaction_is_refused() -> None:
    with pytest.raises(ValueError, match="'stare' is no interaction"):
        Label("look", event="stare", window=5)


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="no mode 'soon'"):
        Label("click", event="click", window=5, mode="soon")  # type: ignore[arg-type]


def test_a_history_of_no_interaction_or_of_none_is_refused() -> None:
    for history_of in ({"stare": 5}, {"click": 0}):
        with pytest.raises(ValueError, match="history_of"):
            Rules((), grace=0, out_of_orderness=0, history_of=history_of)


def test_a_window_of_nothing_is_refused() -> None:
    for window, surfaces in ((0, {}), (5, {"mail": 0})):
        with pytest.raises(ValueError, match="above 0 ms"):
            Label("click", event="click", window=window, surfaces=surfaces)


def test_two_labels_of_one_name_are_refused() -> None:
    label = Label("click", event="click", window=5)
    with pytest.raises(ValueError, match="one name"):
        Rules((label, label), grace=0, out_of_orderness=0)


def test_the_digest_changes_with_every_rule_and_with_nothing_else() -> None:
    label = Label("click", event="click", window=5)
    same = [Rules((label,), grace=1, out_of_orderness=2).digest() for _ in range(2)]
    others = [
        Rules((Label("click", event="click", window=6),), grace=1, out_of_orderness=2),
        Rules((Label("click", event="click", window=5, horizon=1),), grace=1, out_of_orderness=2),
        Rules((Label("click", event="click", window=5, surfaces={"mail": 9}),), grace=1, out_of_orderness=2),
        Rules((label,), grace=0, out_of_orderness=2),
        Rules((label,), grace=1, out_of_orderness=3),
        Rules((label,), grace=1, out_of_orderness=2, history=3),
        Rules((label,), grace=1, out_of_orderness=2, impressions="served"),
        Rules((label,), grace=1, out_of_orderness=2, history_of={"click": 3}),
        Rules((replace(label, mode="delayed"),), grace=1, out_of_orderness=2),
        Rules((replace(label, graded=True),), grace=1, out_of_orderness=2),
    ]
    assert same[0] == same[1]
    assert len(same[0]) == 16
    assert len({same[0], *(rules.digest() for rules in others)}) == 1 + len(others)


def test_everything_is_remembered_for_the_longest_window_its_grace_and_the_longest_horizon() -> None:
    labels = (
        Label("click", event="click", window=5, horizon=7, surfaces={"mail": 50}),
        Label("buy", event="purchase", window=20, horizon=9),
    )
    assert Rules(labels, grace=1, out_of_orderness=2).lifespan == 50 + 1 + 9


def test_rules_are_read_back_from_their_text_and_equal_ones_have_one_text() -> None:
    def rules(value: float) -> Rules:
        label = Label("long", event="dwell", window=9, mode="fast", min_value=value, surfaces={"b": 2, "a": 3})
        return Rules((label, Label("seconds", "dwell", 9, graded=True)), 1, 2, 3, "served", {"purchase": 5, "like": 2})

    assert Rules.of(rules(18).text) == rules(18)
    assert rules(18).text == rules(18.0).text
    assert Rules.of(rules(18).text).digest() == rules(18).digest()


OLD = (
    '{"code":2,"grace":500,"history":20,"impressions":"shown","labels":[{"event":"click","horizon":0,"min_value":null,'
    '"mode":"wait","name":"click","surfaces":{"mail":9},"window":5000}],"out_of_orderness":1000}'
)
"""As it stands where labels have no values and histories no types: fields that came later are left out."""


def test_a_text_of_before_a_field_came_is_read_and_says_the_same_with_its_digest() -> None:
    rules = Rules((Label("click", event="click", window=5_000, surfaces={"mail": 9}),), 500, 1_000)
    assert Rules.of(OLD) == rules
    assert rules.text == OLD
    assert rules.digest() == "cb8d12258b195481"


@pytest.mark.parametrize(
    "text",
    [
        "c0ffee",
        "{}",
        Rules((), 1, 2).text.replace('"code":2', '"code":1'),
        Rules((), 1, 2).text.replace('"code":2', '"code":3'),
        Rules((), 1, 2).text.replace('"grace":1', '"grace":-1'),
        Rules((), 1, 2).text.replace('"grace":1', '"grace":"long"'),
        Rules((), 1, 2).text.replace('"grace":1', '"grace":1,"more":1'),
        Rules((), 1, 2).text.replace('"history":20,', ""),
        OLD.replace('"horizon":0', '"horizon":0,"rounded":true'),
    ],
)
def test_rules_that_this_code_can_not_follow_are_refused(text: str) -> None:
    with pytest.raises(LogMismatch, match="another version of Headrace"):
        Rules.of(text)
