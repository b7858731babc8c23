"""Settings of lists that an experiment or an estimate tries: checked as the file's are, before a line is written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from headrace.experiment_terms import ExperimentError, Ground, tried_settings
from headrace.settings import Serving
from serving.policy import Bid, Caps, Policy, Promotion, WatchNext
from serving.tried_settings import policy_with
from tests.headrace.experiment_ground import ground_in


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return ground_in(tmp_path)


def test_what_people_write_becomes_a_policy(ground: Ground) -> None:
    written = {
        "serving.caps.author": "2",
        "caps.category": "3.0",
        "serving.promotion.filter": "ad = 1 AND price < 5",
        "serving.promotion.share": ".2",
        "serving.bid.attribute": "bid",
        "serving.bid.label": "like",
        "serving.bid.weight": "-.5",
        "serving.exploration": "thompson",
        "serving.boldness": "2",
    }
    policy = policy_with(Policy(), tried_settings(written, ground))
    assert policy.caps == Caps(2, 3)
    assert policy.promotion == Promotion("ad = 1 AND price < 5", 0.2)
    assert policy.bid == Bid("bid", "like", -0.5)
    assert (policy.exploration, policy.boldness) == ("thompson", 2.0)


def test_what_follows_can_be_tried_where_it_is_counted(ground: Ground) -> None:
    counting = replace(ground, serving=Serving.model_validate({"watch_next": {"window": "30m"}}))
    told = tried_settings({"serving.watch_next.weight": ".5", "serving.watch_next.label": "like"}, counting)
    assert policy_with(Policy(), told).watch_next == WatchNext(0.5, "like")
    with pytest.raises(ExperimentError, match=r"serving\.watch_next\.weight can't be '\.5': nothing that follows is"):
        tried_settings({"serving.watch_next.weight": ".5"}, ground)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("caps.author", "-1", "can't be '-1': Input should be greater than or equal to 0"),
        ("caps.category", "1.5", "can't be '1.5': Input should be a valid integer"),
        ("promotion.share", "1.5", "can't be '1.5': Input should be less than or equal to 1"),
        ("promotion.filter", "ad =", "can't be 'ad =': at column 5 the filter ends, but"),
        ("bid.weight", "inf", "can't be 'inf': Input should be a finite number"),
        ("bid.weight", "much", "can't be 'much': Input should be a valid number"),
        ("exploration", "wild", "can't be 'wild': Input should be 'epsilon' or 'thompson'"),
        ("boldness", "nan", "can't be 'nan': Input should be"),
        ("watch_next.weight", "-1", "can't be '-1': Input should be greater than or equal to 0"),
        ("watch_next.window", "30m", "can't be tried; what can be: serving.diversity"),
        ("weights.buy", "2", "names 'buy', but labels are click, like"),
    ],
)
def test_a_bad_value_is_refused_with_its_setting_the_value_and_what_is_allowed(
    ground: Ground, name: str, text: str, told: str
) -> None:
    with pytest.raises(ExperimentError) as error:
        tried_settings({f"serving.{name}": text}, ground)
    assert str(error.value).startswith(f"serving.{name} {told}")


def test_a_bid_for_a_label_that_nobody_learns_is_refused(ground: Ground) -> None:
    with pytest.raises(ExperimentError, match=r"serving\.bid\.label names 'buy', but labels are click, like"):
        tried_settings({"serving.bid.attribute": "bid", "serving.bid.label": "buy"}, ground)
    bidding = replace(ground, serving=Serving.model_validate({"bid": {"attribute": "bid", "label": "buy"}}))
    assert tried_settings({"serving.diversity": "0"}, bidding), "what is not tried is not asked about"
