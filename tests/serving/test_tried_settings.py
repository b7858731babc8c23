"""Settings of lists by their names: what may be tried, and what is said of a value that can't be."""

from __future__ import annotations

import pytest

from serving.policy import Bid, Caps, Policy, Promotion, WatchNext
from serving.tried_settings import BadSetting, policy_with


def test_values_come_as_json_and_keep_their_kind() -> None:
    changed = policy_with(
        Policy(),
        {
            "serving.caps.author": "2",
            "serving.promotion.filter": '"ad = 1"',
            "serving.bid.label": '"like"',
            "serving.exploration": '"thompson"',
            "serving.boldness": "2",
            "serving.watch_next.weight": "0.5",
        },
    )
    assert (changed.caps, changed.promotion, changed.bid) == (Caps(author=2), Promotion("ad = 1"), Bid(label="like"))
    assert (changed.exploration, changed.boldness, changed.watch_next) == ("thompson", 2.0, WatchNext(0.5))
    assert isinstance(changed.boldness, float)


@pytest.mark.parametrize(
    "name",
    [
        "serving.host",
        "serving.port",
        "diversity",
        "serving.quotas.host",
        "serving.weights",
        "serving.caps",
        "serving.watch_next.window",
        "serving.exploration.law",
    ],
)
def test_what_is_no_matter_of_lists_can_not_be_tried(name: str) -> None:
    with pytest.raises(BadSetting, match=r"can't be tried; what can be: serving\.diversity.*serving\.caps\.author"):
        policy_with(Policy(), {name: "1"})


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("caps.author", "1.5", r"can't be 1\.5; it is a whole number"),
        ("caps.category", '"two"', "can't be 'two'; it is a whole number"),
        ("diversity", "true", "can't be True; it is a number"),
        ("weights.click", '"much"', "can't be 'much'; it is a number"),
        ("bid.attribute", "5", "can't be 5; it is a text"),
        ("exploration", '"wild"', "can't be 'wild'; it is one of epsilon, thompson"),
        ("promotion.filter", '"ad ="', "can't be 'ad =': at column 5 the filter ends, but"),
        ("promotion.filter", "ad = 1", "is 'ad = 1', which is no JSON; write a number, or a text in double quotes"),
    ],
)
def test_a_value_that_can_not_be_is_told_with_its_setting_and_with_what_is_allowed(
    name: str, text: str, told: str
) -> None:
    with pytest.raises(BadSetting, match=rf"^serving\.{name} {told}"):
        policy_with(Policy(), {f"serving.{name}": text})
