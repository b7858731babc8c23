"""The whole way through real processes: posted, ordered, joined, learned, committed, indexed, served, and back."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from headrace.deployment import open_logs
from headrace.options import now
from streams.decisions import DecisionLog
from streams.examples import decode
from streams.in_force import InForce
from tests.journeys.town import Town

pytestmark = pytest.mark.timeout(900)


def model_answer(town: Town, since: int, least: int = 1) -> dict[str, Any]:
    def found() -> list[dict[str, Any]]:
        return [one for one in town.served(since) if one["rung"] == "model" and one["version"] >= least]

    answer: dict[str, Any] = town.wait_for(f"an answer by version {least} or later", found)[-1]
    return answer


def is_whole(answer: dict[str, Any]) -> bool:
    return answer["rung"] != "model" or set(answer["stamps"].values()) == {answer["version"]}


def versions(town: Town) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(town.headrace("versions", "list", "--json"))
    return listed


def test_a_click_comes_back_as_a_learned_slate(town: Town) -> None:
    answer = model_answer(town, since=0)
    assert is_whole(answer)
    assert len(answer["items"]) == 8
    assert int(answer["request_id"].split("-")[1], 16) == answer["version"]
    shown = next(row for row in versions(town) if row["version"] == answer["version"])
    assert (shown["verdict"], shown["valid"], shown["examples"] > 0) == ("pass", True, True)


def test_the_next_slate_knows_the_last_click(town: Town) -> None:
    model_answer(town, since=0)
    at = now()
    town.post([{"type": "click", "user_id": "u99", "item_id": "i4", "ts": at}])
    assert town.wait_for("a slate that knows the click", lambda: (town.ask(99).body["history_at"] or 0) >= at)


def test_what_is_learned_is_what_people_like(town: Town) -> None:
    """Even users like even items: after some versions most of a slate is of the user's own kind."""
    model_answer(town, since=0, least=4)

    def own_kind() -> bool:
        shares = []
        for user in (0, 1, 2, 3):
            items = town.ask(user, dry_run=True).body["items"]
            shares.append(sum(int(item["item_id"][1:]) % 2 == user % 2 for item in items) / len(items))
        return sum(shares) / len(shares) >= 0.7

    town.wait_for("slates of one's own kind", own_kind)


def test_a_rollback_moves_the_server_and_resume_lets_it_go_on(town: Town) -> None:
    model_answer(town, since=0, least=3)
    live = next(row["version"] for row in versions(town) if row["live"])
    target = live - 1
    before = now()
    town.headrace("rollback", str(target), "--why", "a test of the way back")
    town.wait_for("the older version", lambda: town.served() and town.served()[-1]["version"] == target)
    moved = now()
    town.wait_for("newer versions, which must not serve", lambda: versions(town)[-1]["version"] >= live + 2)
    assert {one["version"] for one in town.served(moved)} == {target}
    town.headrace("resume", "--why", "the test is over")
    model_answer(town, since=moved, least=live + 1)
    kinds = [line["kind"] for line in json.loads(town.headrace("decisions", "--json")) if line["at"] >= before]
    assert [kind for kind in kinds if kind != "publish"] == ["rollback", "resume"]


@pytest.mark.parametrize("process", ["sequence", "join"])
def test_a_process_that_is_killed_comes_back_and_learning_goes_on(town: Town, process: str) -> None:
    model_answer(town, since=0)
    before = versions(town)[-1]
    pid = town.kill(process)
    town.wait_for(f"a new {process}", lambda: town.tree.ready().get(process) and town.tree.ready()[process].pid != pid)
    town.wait_for("more to be learned", lambda: versions(town)[-1]["examples"] > before["examples"] + 20)


def test_no_label_was_decided_twice_whoever_died(town: Town) -> None:
    model_answer(town, since=0)
    decided: Counter[tuple[str, str]] = Counter()
    with open_logs(town.settings) as logs:
        decisions = DecisionLog(logs.open("decisions", 1))
        decisions.follow()
        log = logs.open("examples", town.settings.partitions)
        for partition in range(log.partitions):
            rule, offset = InForce(partition, decisions.fold), 0
            while records := log.read(partition, offset):
                for record in records:
                    frame = decode(record.value)
                    if rule.accept(record.offset, frame, record.value):
                        decided.update((r.example, name) for r in frame.rows if r.kind == "label" for name in r.labels)
                offset = records[-1].offset + 1
    assert len(decided) > 50
    assert set(decided.values()) == {1}


def test_metrics_and_pages_stand_at_the_one_address(town: Town) -> None:
    metrics = town.request("GET", "/metrics").body
    for word in ("headrace_version", "headrace_join_rows_total", "headrace_sequence_events_total"):
        assert word in metrics
    paths = town.request("GET", "/openapi.json").body["paths"]
    assert {"/v1/events", "/v1/recommend", "/v1/rank", "/v1/version", "/readyz"} <= paths.keys()
    assert town.request("GET", "/readyz").status == 200


def test_no_request_failed_and_no_answer_was_mixed_all_the_while(town: Town) -> None:
    model_answer(town, since=0)
    assert [reply for reply in town.replies if reply.status != 200] == []
    assert [answer for answer in town.served() if not is_whole(answer)] == []
