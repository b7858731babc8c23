"""Which settings of lists an experiment may try, and the policy that they make of another one.

Names are those of the settings file, values are JSON, as a line of the decisions says them. Who tries what is decided
in `arms.py`; ranges are checked where a line is written (`headrace/experiment_terms.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, get_args, get_type_hints

import msgspec

from serving.filter_terms import BadFilter
from serving.filters import parsed
from serving.policy import Bid, Caps, Policy, Promotion, Quotas, SeenRule, WatchNext
from streams.errors import HeadraceError

PREFIX = "serving."
SINGLE = ("diversity", "epsilon", "fatigue", "deadline", "exploration", "boldness")
"""Settings that stand for themselves."""
KINDS: Mapping[str, type[Any]] = {
    "quotas": Quotas,
    "seen": SeenRule,
    "caps": Caps,
    "promotion": Promotion,
    "bid": Bid,
    "watch_next": WatchNext,
}
GROUPS = {group: frozenset(one.name for one in fields(kind)) for group, kind in KINDS.items()}
WORDS: Mapping[Any, str] = {int: "a whole number", float: "a number", str: "a text"}


class BadSetting(HeadraceError):
    """A setting that can't be tried, or not with this value."""


def policy_with(policy: Policy, settings: dict[str, str]) -> Policy:
    """The policy with other values, by the settings' names, values as JSON. Raises BadSetting.

    >>> changed = policy_with(Policy(), {"serving.diversity": "0.3", "serving.quotas.fresh": "9"})
    >>> changed.diversity, changed.quotas.fresh
    (0.3, 9)
    """
    for name, text in settings.items():
        policy = _with(policy, name, _value(name, text))
    return policy


def can_be_tried(name: str) -> bool:
    """Whether a setting of this name is one that an experiment may carry.

    >>> [can_be_tried(name) for name in ("serving.diversity", "serving.seen.shown_for", "serving.port", "serving.seen")]
    [True, True, False, False]
    """
    first, _, rest = name.removeprefix(PREFIX).partition(".")
    if not name.startswith(PREFIX) or not rest:
        return name.startswith(PREFIX) and not name.endswith(".") and first in SINGLE
    return "." not in rest if first == "weights" else rest in GROUPS.get(first, ())


def names_told() -> str:
    """The settings that can be tried."""
    grouped = (f"serving.{group}.{name}" for group, names in GROUPS.items() for name in sorted(names))
    return ", ".join((*(f"serving.{name}" for name in SINGLE), "serving.weights.LABEL", *grouped))


def _value(name: str, text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        raise BadSetting(f"{name} is {text!r}, which is no JSON; write a number, or a text in double quotes") from None


def _with(policy: Policy, name: str, value: Any) -> Policy:
    first, _, rest = name.removeprefix(PREFIX).partition(".")
    if not can_be_tried(name):
        raise BadSetting(f"{name} can't be tried; what can be: {names_told()}")
    if first == "weights":
        return replace(policy, weights={**policy.weights, rest: _as(float, name, value)})
    if not rest:
        return replace(policy, **{first: _as(get_type_hints(Policy)[first], name, value)})
    group = replace(getattr(policy, first), **{rest: _as(get_type_hints(KINDS[first])[rest], name, value)})
    return replace(policy, **{first: group})


def _as(kind: Any, name: str, value: Any) -> Any:
    """A value of the kind that a setting has; a filter must be one."""
    try:
        told = msgspec.convert(value, kind)
        if name == f"{PREFIX}promotion.filter" and told:
            parsed(told)
    except msgspec.ValidationError:
        allowed = WORDS.get(kind) or f"one of {', '.join(map(str, get_args(kind)))}"
        raise BadSetting(f"{name} can't be {value!r}; it is {allowed}") from None
    except BadFilter as error:
        raise BadSetting(f"{name} can't be {value!r}: {error}") from None
    return told
