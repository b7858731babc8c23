import ast
import inspect
from dataclasses import fields
from pathlib import Path
from types import ModuleType

import pytest

from headrace import (
    configuration,
    deployment,
    gate_terms,
    guard_settings,
    guarding,
    joining,
    log_places,
    process_terms,
    retaining,
    taking,
    tree,
    watching,
    wiring,
)
from headrace.demo_settings import demo_settings
from headrace.deployment import (
    check_configuration,
    decision_log,
    fold_rules_of,
    fold_settings,
    learn_settings_of,
    open_logs,
    rules_of,
    topics,
)
from headrace.feature_settings import Feature
from headrace.pages import groups
from headrace.ports import NoPort
from headrace.process_terms import plan_of, policy_of
from headrace.settings import Settings
from headrace.settings_file import BadSettings
from headrace.stream_settings import Label
from headrace.web import listen
from learners import row_terms
from learners.fields import Declared
from learners.learn_settings import LearnSettings
from serving.policy import Bid, Caps, Promotion, Quotas, SeenRule, WatchNext
from streams import rules
from streams.errors import LogMismatch

WIRED = (
    wiring, joining, deployment, guard_settings, log_places, configuration, retaining, tree, taking, gate_terms,
    watching, process_terms, guarding,
)  # fmt: skip
HANDED_OVER_WHOLE = {
    "labels.NAME": rules.Label, "serving.quotas": Quotas, "serving.seen": SeenRule,
    "serving.caps": Caps, "serving.promotion": Promotion, "serving.bid": Bid,
    "serving.watch_next": WatchNext,
}  # fmt: skip
"""Groups whose fields are the arguments of one class, by the same names."""


def attributes_read(modules: tuple[ModuleType, ...]) -> set[str]:
    trees = [ast.parse(inspect.getsource(module)) for module in modules]
    return {node.attr for one in trees for node in ast.walk(one) if isinstance(node, ast.Attribute)}


def test_no_setting_is_dead() -> None:
    read = attributes_read(WIRED)
    for group, own in [*groups(Settings.model_fields), ("labels.NAME", Label.model_fields)]:
        if group in HANDED_OVER_WHOLE:
            wanted = {field.name for field in fields(HANDED_OVER_WHOLE[group])} - {"name"}
            assert own.keys() >= wanted, group
            assert own.keys() - wanted <= read, f"{group}: {sorted(own.keys() - wanted - read)} reach no component"
        elif group == "trainer.rows":
            assert own.keys() == row_terms.OF_SPACE.keys() | row_terms.OF_ALL.keys() | {"spaces"}
        else:
            assert own.keys() <= read, f"{group}: {sorted(own.keys() - read)} reach no component"
    assert set(Settings.model_fields) - {"log"} <= read
    assert "log_url" in read


def test_every_word_of_a_feature_reaches_its_declaration() -> None:
    assert tuple(Feature.model_fields) == Declared.__struct_fields__
    told = {"price": {"kind": "number", "from": "item.attributes.price", "log": True}}
    settings = Settings(features=told)
    assert learn_settings_of(settings).features == {"price": Declared("number", "item.attributes.price", log=True)}
    assert LearnSettings.of(learn_settings_of(settings).text) == learn_settings_of(settings)
    unwritten = learn_settings_of(Settings())
    assert "features" not in unwritten.text
    with pytest.raises(BadSettings, match=r"no space of names is 'nowhere'.*docs/features\.md"):
        learn_settings_of(Settings(features={"mood": {"kind": "category", "from": "context.mood", "space": "nowhere"}}))


def test_the_joiner_and_the_server_keep_the_same_histories() -> None:
    settings = demo_settings(Path("x"), join={"history": 7, "history_of": {"purchase": 5}, "impressions": "served"})
    joined, served = rules_of(settings), fold_rules_of(settings)
    assert (served.history, served.out_of_orderness) == (joined.history, joined.out_of_orderness) == (7, 1_000)
    assert (served.horizon, served.impressions) == (joined.lifespan, "served")
    assert served.history_of == joined.history_of == {"purchase": 5}


def test_what_the_operator_says_of_slates_reaches_the_policy() -> None:
    serving = {"quotas": {"popular": 3}, "weights": {"click": 2}, "epsilon": 0.5, "seen": {"wanted_for": "1s"}}
    policy = policy_of(demo_settings(Path("x"), serving=serving))
    assert (policy.quotas.popular, policy.weights, policy.epsilon) == (3, {"click": 2.0}, 0.5)
    assert policy.seen.wanted_for == 1_000
    lists = {
        "caps": {"author": 2},
        "promotion": {"filter": "ad = 1", "share": 0.2},
        "bid": {"attribute": "bid", "weight": 2},
        "watch_next": {"window": "30m", "weight": 0.5},
        "exploration": "thompson",
        "boldness": 2,
    }
    policy = policy_of(demo_settings(Path("x"), serving=lists))
    assert (policy.caps, policy.promotion) == (Caps(author=2), Promotion("ad = 1", 0.2))
    assert (policy.bid, policy.watch_next) == (Bid("bid", weight=2.0), WatchNext(0.5))
    assert (policy.exploration, policy.boldness) == ("thompson", 2.0)


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        ({"join": {"grace": 1}}, ["join.grace", "serve.horizon"]),
        (
            {"labels": {"click": {"event": "click", "window": "9s", "mode": "fast", "horizon": "10s"}}},
            ["join.labels.click.window", "serve.horizon"],
        ),
        ({"join": {"history": 7}}, ["join.history", "serve.history"]),
        ({"join": {"history_of": {"like": 2}}}, ["join.history_of.like", "serve.history_of.like"]),
        ({"trainer": {"seed": 5}}, ["learn.seed"]),
        ({"trainer": {"context": ()}}, ["learn.context"]),
        (
            {"features": {"mood": {"kind": "text", "from": "query_text", "size": 1}}},
            ["learn.features.mood.from", "learn.features.mood.kind", "learn.features.mood.size"],
        ),
        ({"serving": {"watch_next": {"window": "30m"}}}, ["serve.follow_window"]),
        ({"serving": {"watch_next": {"window": 0}}}, []),
        ({"serving": {"port": 1}, "trainer": {"commit": "7s"}}, []),
    ],
)
def test_only_settings_that_folds_depend_on_stand_in_the_decisions(
    change: dict[str, object], differs: list[str]
) -> None:
    before, after = demo_settings(Path("x")), demo_settings(Path("x"), **change)
    changes = configuration.differing(fold_settings(after), fold_settings(before))
    assert [change.name for change in changes] == differs
    learned = any(name.startswith("learn.") for name in differs)
    assert (plan_of(before).config != plan_of(after).config) == learned


def test_a_label_that_can_not_be_is_told_with_its_place() -> None:
    settings = Settings(labels={"tap": {"event": "tap", "window": "1s"}})
    with pytest.raises(BadSettings, match=r"'tap'.*\[labels\.NAME\]"):
        rules_of(settings)


def test_the_first_start_writes_its_settings_and_the_second_writes_nothing(tmp_path: Path) -> None:
    settings = demo_settings(tmp_path)
    for _ in range(2):
        check_configuration(settings)
    with decision_log(settings) as decisions:
        decisions.follow()
        assert [(line.kind, line.settings) for line in decisions.fold.lines] == [("configure", fold_settings(settings))]


def test_another_number_of_partitions_is_refused_by_the_log_itself(tmp_path: Path) -> None:
    with open_logs(Settings(var=tmp_path)) as logs:
        logs.open("events", 4)
    with pytest.raises(LogMismatch):
        topics(Settings(var=tmp_path, partitions=8))


def test_a_port_that_is_taken_is_told_with_the_way_out() -> None:
    with listen("127.0.0.1", 0) as taken, pytest.raises(NoPort, match="--port"):
        listen("127.0.0.1", taken.getsockname()[1])


def test_children_hold_on_to_this_process_and_read_settings_that_no_environment_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE_SERVING__PORT", "1")
    supervisor = tree.tree_of(demo_settings(tmp_path), processes=("sequence",))
    supervisor.start()
    try:
        assert supervisor.wait_ready(60)["sequence"].process == "sequence"
    finally:
        supervisor.stop()
    assert supervisor.log_of("sequence").read_text() == ""
    assert (tmp_path / "run" / "settings.json").exists()


def test_an_address_that_others_could_reach_is_refused_without_keys(tmp_path: Path) -> None:
    from serving.access import OpenToAll

    with pytest.raises(OpenToAll):
        wiring.run_serve(Settings(var=tmp_path, serving={"host": "0.0.0.0"}))
    with pytest.raises(OpenToAll):
        wiring.run_gateway(Settings(var=tmp_path, gateway={"host": "0.0.0.0"}))
