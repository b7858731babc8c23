"""What operators write is read, or refused by the term that is wrong."""

from __future__ import annotations

import pytest

from checkpoints.quarantine import Order
from headrace.quarantine_terms import BadTerms, moment_of, order_from, order_of

NOW = 1_790_000_000_000


def test_terms_stand_behind_blanks_or_commas() -> None:
    wanted = Order(t0=NOW - 600_000, t1=NOW - 60_000, app_version="1.1", surface="home", producer="web")
    for written in (
        "from=10m to=1m app-version=1.1 surface=home producer=web",
        "from=10m,to=1m,app-version=1.1,surface=home,producer=web",
        " from=10m,  to=1m\napp-version=1.1 surface='home' producer=web ",
    ):
        assert order_of(written, now=NOW) == wanted


def test_values_with_blanks_and_commas_stand_in_quotes() -> None:
    assert order_of("app-version='1.1, beta'", now=NOW).app_version == "1.1, beta"
    assert order_of("app-version=#9", now=NOW).app_version == "#9"


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("now", NOW),
        ("90s", NOW - 90_000),
        ("2026-09-21T12:53:20Z", 1_789_995_200_000),
        ("2026-09-21T14:53:20.5+02:00", 1_789_995_200_500),
        ("2026-09-21T12:53", 1_789_995_180_000),
        ("1789995200000", 1_789_995_200_000),
    ],
)
def test_times_are_ago_now_iso_or_milliseconds(written: str, at: int) -> None:
    assert moment_of(written, now=NOW) == at


def test_versions_and_positions_are_lists() -> None:
    assert order_of("model-version=9 model-version=5-7", now=NOW).model_versions == (5, 6, 7, 9)
    order = order_of("positions=0:120-340,2:5-9", now=NOW)
    assert (order.start, order.stop) == ({0: 120, 2: 5}, {0: 340, 2: 9})
    order = order_of("positions=0:120 positions=1:7-", now=NOW)
    assert (order.start, order.stop) == ({0: 120, 1: 7}, None)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("app=1.1", "'app=1.1': there is no key 'app'"),
        ("10m", "'10m' is no term"),
        ("from=", "'from=' names no value"),
        ("from=10m from=5m", "from is given twice: '10m' and '5m'"),
        ("from=soon", "'soon' is no time"),
        ("from=1789995200", "1789995200 looks like seconds, not milliseconds"),
        ("from=9999999999999999", "beyond the year 9999"),
        ("to=25", "'?25'? looks like seconds"),
        ("model-version=1-100001", "more than 100,000 versions"),
        ("model-version=1-99999999999999999999999", "more than 100,000 versions"),
        ("from=2030-01-01", "nothing has happened since"),
        ("app-version='1.1", "close the quote"),
        ("model-version=new", "'model-version=new' is no number"),
        ("model-version=9-7", "'model-version=9-7' ends before it begins"),
        ("positions=120-340", "'positions=120-340' is not PARTITION:FROM-TO"),
        ("positions=0:1-2,0:5-9", "'positions=0:5-9' names partition 0 again"),
        ("positions=0:1-2,1:5", "give each an end"),
    ],
)
def test_a_wrong_term_is_named(written: str, told: str) -> None:
    with pytest.raises(BadTerms, match=told):
        order_of(written, now=NOW)


def test_an_empty_value_is_refused_by_its_key() -> None:
    with pytest.raises(BadTerms, match="surface is given, but names no value"):
        order_from({"from": ["10m"], "surface": [" "]}, now=NOW)


def test_keys_without_values_are_not_given() -> None:
    assert order_from({"from": [], "model-version": [], "surface": ["home"]}, now=NOW) == Order(surface="home")
    assert order_of("", now=NOW) == Order()
