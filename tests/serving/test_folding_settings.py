"""A server's folds over changes of their rules: what is known is a function of the log and the lines alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from serving.digests import FOLDS, digest_of_fold
from serving.fold_rules import FoldRules
from serving.part import Part
from serving.part_changeover import change_over
from streams.decisions import Decision, DecisionLog
from streams.errors import LogMismatch
from streams.events import Interaction, Tick
from tests.serving.deployment import PARTITIONS, Deployment

BASE = FoldRules()
OTHERS = FoldRules(
    history=3, out_of_orderness=60_000, horizon=5_000, slow_half_life=900, fast_half_life=70, follow_window=7_000
)
LONGER = replace(BASE, horizon=2 * BASE.horizon, covisit_half_life=5_000, covisit_clicks=1, positives=("like",))


def configure(server: Deployment, rules: FoldRules, start: int) -> None:
    log = DecisionLog(server.logs.open("decisions", 1))
    log.follow()
    line = Decision(
        "configure",
        server.now(),
        "ana",
        "try",
        seen=log.fold.position,
        settings={"serve": rules.text},
        start=dict.fromkeys(range(PARTITIONS), start),
    )
    log.decide(line)


def busy(server: Deployment, seed: int) -> None:
    random, tell = Random(seed), server.telling
    for _ in range(120):
        user, item = f"u{random.randrange(6)}", f"i{random.randrange(8)}"
        server.now.at += random.randrange(400)
        server.tell(random.choice((tell.click(user, item), tell.shown(user, item), tell.item(item))))


def known(server: Deployment) -> list[str]:
    return [digest_of_fold(server.known.parts, name) for name in FOLDS]


@pytest.mark.parametrize("rules", [OTHERS, LONGER])
@pytest.mark.parametrize("seed", range(3))
def test_a_line_seen_late_and_restarts_give_what_a_line_seen_at_once_gives(
    seed: int, rules: FoldRules, tmp_path: Path
) -> None:
    late, at_once = Deployment(tmp_path / "late"), Deployment(tmp_path / "once")
    for server in (late, at_once):
        configure(server, BASE, 0)
        busy(server, seed)
    configure(at_once, rules, 30)
    at_once.fold()
    late.fold()
    plain = known(late)
    configure(late, rules, 30)
    late.fold()
    assert known(late) == known(at_once) != plain
    assert all(part.rules == rules for part in late.known.parts)
    restarted = Deployment(late.folder, logs=late.logs, now=late.now)
    restarted.fold()
    assert known(restarted) == known(at_once)


def test_a_snapshot_of_before_the_edge_is_gone_back_to_under_its_own_rules(tmp_path: Path) -> None:
    server = Deployment(tmp_path)
    configure(server, BASE, 0)
    busy(server, 5)
    server.fold()
    ends = {part.partition: part.next for part in server.known.parts}
    configure(server, OTHERS, max(ends.values()))
    assert next(server.folding).rewinding == 0
    restarted = Deployment(server.folder, logs=server.logs, now=server.now)
    assert next(restarted.folding).events == 0
    assert all(part.rules == BASE for part in restarted.known.parts)


def test_sums_that_fade_otherwise_from_here_on_keep_what_they_weigh_now() -> None:
    part = Part(0, 1, BASE)
    part.feed(0, 0, [Interaction(f"e{n}", 1_000 * n, "ana", "click", item_id=f"i{n % 3}") for n in range(9)])
    before, near = part.popularity.read(part.newest), part.covisitation.near("i1")
    scale = part.covisitation.scale(part.newest)
    change_over(part, replace(BASE, slow_half_life=77, fast_half_life=9_999, covisit_half_life=1_234))
    assert part.popularity.read(part.newest) == pytest.approx(before)
    after = {
        item: weight * part.covisitation.scale(part.newest) for item, weight in part.covisitation.near("i1").items()
    }
    assert after == pytest.approx({item: weight * scale for item, weight in near.items()})


def test_what_the_old_rules_forgot_does_not_count_again_under_longer_ones() -> None:
    part = Part(0, 1, replace(BASE, horizon=10_000, out_of_orderness=0))
    click = Interaction("e", 1_000, "ana", "click", item_id="tea")
    part.feed(0, 0, [click, Tick(50_000)])
    change_over(part, BASE)
    part.feed(0, 1, [click])
    assert len(part.profiles.of("ana").history) == 1
    assert part.watermark == 50_000


def test_rules_that_hold_a_digest_alone_are_told_apart(tmp_path: Path) -> None:
    server = Deployment(tmp_path)
    DecisionLog(server.logs.open("decisions", 1)).decide(
        Decision("configure", 0, "ana", "old", 0, settings={"serve": "c0ffee"})
    )
    with pytest.raises(LogMismatch, match="another version of Headrace"):
        next(server.folding)
