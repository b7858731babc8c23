"""What people went on to want: what an opening is, what follows it, and that it fades as one."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.digests import digest_of_fold
from serving.fold_rules import FoldRules
from serving.following import FOLLOWED, OPENED, Following
from serving.known import Known
from serving.part import Part
from serving.part_changeover import change_over
from serving.part_files import restore, snapshot
from serving.view import SMOOTHING
from streams.events import Interaction
from tests.worlds import Telling

WINDOW = 100
RULES = FoldRules(follow_window=WINDOW, covisit_half_life=1 << 40, history=1_000, out_of_orderness=1 << 40)
"""Nothing fades and nothing is too late."""

Wanted = tuple[str, str, int]


def wanted(*told: Wanted, rules: FoldRules = RULES) -> Part:
    """A part after interactions of (user, item, ts)."""
    part, number = Part(0, 1, rules), count()
    for user, item, ts in told:
        part.feed(0, part.next, [Interaction(f"e{next(number)}", ts, user, "click", item_id=item)])
    return part


def read(part: Part, at: int | None = None) -> dict[str, tuple[float, float]]:
    """Openings and what followed, by item, rounded; as of now, or `at`."""
    sums = part.following.read(part.newest if at is None else at)
    names = part.following.item_ids
    return {name: (round(row[OPENED], 3), round(row[FOLLOWED], 3)) for name, row in zip(names, sums, strict=True)}


def test_each_other_item_wanted_within_the_window_follows_once() -> None:
    part = wanted(("ana", "tea", 0), ("ana", "jam", 10), ("ana", "jam", 20), ("bob", "oil", 30), ("ana", "salt", 100))
    assert read(part) == {"tea": (1, 2), "jam": (1, 1), "oil": (1, 0), "salt": (1, 0)}


def test_what_is_wanted_after_the_window_follows_nothing() -> None:
    assert read(wanted(("ana", "tea", 0), ("ana", "jam", 101))) == {"tea": (1, 0), "jam": (1, 0)}


def test_an_item_that_is_wanted_in_more_ways_is_opened_once_until_the_window_is_over() -> None:
    part, tell = Part(0, 1, RULES), Telling()
    part.feed(0, 0, [tell.click("ana", "tea", how) for how in ("click", "like", "dwell", "share")])
    assert read(part) == {"tea": (1, 0)}
    assert read(wanted(("ana", "tea", 0), ("ana", "tea", 60), ("ana", "tea", 120))) == {"tea": (2, 0)}


def test_what_is_no_sign_of_wanting_neither_opens_nor_follows() -> None:
    part, tell = Part(0, 1, RULES), Telling()
    part.feed(0, 0, [tell.click("bob", "tea")])
    part.feed(0, 1, [tell.click("ana", "tea", "dwell"), tell.click("ana", "jam"), tell.click("ana", "oil", "dismiss")])
    assert read(part) == {"tea": (1, 0), "jam": (1, 0)}


@given(st.permutations([("tea", 0), ("jam", 30), ("oil", 70), ("salt", 110), ("rice", 115), ("nuts", 260)]))
def test_clicks_that_come_late_count_as_if_they_had_come_in_time(order: list[tuple[str, int]]) -> None:
    told = read(wanted(*(("ana", item, ts) for item, ts in order)))
    assert told == {"tea": (1, 2), "jam": (1, 3), "oil": (1, 2), "salt": (1, 1), "rice": (1, 0), "nuts": (1, 0)}


@pytest.mark.parametrize("seed", range(5))
def test_sums_are_what_counting_over_the_whole_log_gives(seed: int) -> None:
    random, told = Random(seed), list[Wanted]()
    for at in range(0, 4_000, 20):
        told.append((f"u{random.randrange(3)}", f"i{random.randrange(12)}", at))
    opened: list[Wanted] = []
    for one in told:
        if not any(user == one[0] and item == one[1] and one[2] - at <= WINDOW for user, item, at in opened):
            opened.append(one)
    expected = {item: (0, 0) for _, item, _ in opened}
    for user, item, at in opened:
        after = sum(other == user and at < ts <= at + WINDOW for other, _, ts in opened)
        expected[item] = expected[item][0] + 1, expected[item][1] + after
    assert read(wanted(*told)) == expected


def test_an_opening_and_what_followed_it_fade_as_one() -> None:
    part = wanted(
        ("ana", "tea", 0), ("ana", "jam", 50), ("bob", "tea", 100), rules=replace(RULES, covisit_half_life=50)
    )
    assert read(part, at=100)["tea"] == (1.25, 0.25)
    assert read(part, at=150)["tea"] == (0.625, 0.125)


def test_what_is_years_old_is_gone_and_does_not_overflow() -> None:
    following = Following(half_life=1_000, window=WINDOW)
    for ts in (0, 1_700_000_000_000, 5):
        following.want(f"i{ts}", [], ts)
    assert np.allclose(following.read(1_700_000_000_000), [[0, 0], [1, 0], [0, 0]])


def test_nothing_is_kept_where_the_rules_do_not_ask_for_it(tmp_path: Path) -> None:
    plain = replace(RULES, follow_window=0)
    part = wanted(("ana", "tea", 0), ("ana", "jam", 10), rules=plain)
    assert part.following.item_ids == []
    assert not (snapshot(part, tmp_path) / "following").exists()
    assert "follow_window" not in plain.text
    known = Known(partitions=1, rules=plain)
    known.refresh()
    assert (known.counts_what_follows, len(known.view.followed_C)) == (False, 0)


def test_a_restored_part_has_the_same_sums_and_goes_on(tmp_path: Path) -> None:
    whole = wanted(("ana", "tea", 0), ("ana", "jam", 10), ("ana", "oil", 20))
    first, second = wanted(("ana", "tea", 0), ("ana", "jam", 10)), Part(0, 1, RULES)
    restore(second, snapshot(first, tmp_path))
    second.feed(0, 2, [Interaction("e2", 20, "ana", "click", item_id="oil")])
    assert read(second) == read(whole) == {"tea": (1, 2), "jam": (1, 1), "oil": (1, 0)}
    assert digest_of_fold([second], "following") == digest_of_fold([whole], "following")


def test_rules_that_count_from_here_on_believe_no_half_of_an_opening() -> None:
    part = wanted(("ana", "tea", 0), rules=replace(RULES, follow_window=0))
    change_over(part, RULES)
    part.feed(0, 1, [Interaction("later", 50, "ana", "click", item_id="jam")])
    assert read(part) == {"jam": (1, 0)}, "tea was opened before anything was counted"
    change_over(part, replace(RULES, follow_window=0))
    assert read(part) == {}


def test_sums_that_fade_otherwise_from_here_on_weigh_the_same() -> None:
    part = wanted(("ana", "tea", 0), ("ana", "jam", 50), rules=replace(RULES, covisit_half_life=70))
    before = part.following.read(part.newest)
    change_over(part, replace(RULES, covisit_half_life=900))
    assert part.following.read(part.newest) == pytest.approx(before)


def test_partitions_are_added_up_and_few_openings_are_not_yet_believed() -> None:
    known, tell = Known(partitions=2, rules=RULES), Telling()
    for partition in (0, 1):
        known.parts[partition].feed(partition, 0, [tell.click("ana", item) for item in ("tea", "jam")])
    known.refresh()
    assert known.view.follows == pytest.approx(0.5)
    told = known.view.followed(known.stock.codes(["tea", "jam", "never"]))
    assert told == pytest.approx([(2 + SMOOTHING / 2) / (2 + SMOOTHING), (SMOOTHING / 2) / (2 + SMOOTHING), 0.5])


def test_counting_may_be_switched_off_and_on_while_a_server_runs() -> None:
    known, tell = Known(partitions=1, rules=RULES), Telling()
    part = known.parts[0]
    part.feed(0, 0, [tell.click("ana", item) for item in ("tea", "jam", "oil")])
    known.refresh()
    for rules in (replace(RULES, follow_window=0), RULES):
        change_over(part, rules)
        known.refresh()
    part.feed(0, 1, [tell.click("bob", "oil"), tell.click("bob", "tea")])
    known.refresh()
    tea, jam, oil = known.view.followed(known.stock.codes(["tea", "jam", "oil"]))
    assert tea < known.view.follows < oil
    assert (jam, known.view.follows) == pytest.approx((0.5, 0.5))
