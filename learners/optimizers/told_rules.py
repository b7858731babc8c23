"""Rules from plain data: what a settings file or a JSON line says of them.

Unknown names are refused with those that there are; a rule checks its own fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from learners.optimizers.rules import Adagrad, Adam, Clip, Clippy, DenseRules, Ftrl, RowRules, Sgd, UpdateRules
from learners.optimizers.schedules import Schedule

KINDS: dict[str, type] = {kind.name: kind for kind in (Adagrad, Adam, Ftrl, Sgd)}
PARTS: dict[str, type] = {
    "rows": RowRules, "dense": DenseRules, "clip": Clip, "schedule": Schedule, "clippy": Clippy,
}  # fmt: skip
RULES = ("vectors", "linear", "rule")


def rules_of(told: Mapping[str, Any]) -> UpdateRules:
    """The rules that a table says; what it leaves out has its default.

    >>> rules = rules_of({"rows": {"linear": {"kind": "ftrl", "l1": 0.5}}, "schedule": {"warm_up": 100}})
    >>> rules.rows.linear, rules.schedule.warm_up, rules.dense.rule
    (Ftrl(alpha=0.05, beta=1.0, l1=0.5, l2=0.0), 100, Adam(rate=0.005, first=0.9, second=0.99, epsilon=1e-08))
    """
    rules: UpdateRules = _made(UpdateRules, told, "rules")
    return rules


def _made(kind: type, told: Any, where: str) -> Any:
    if not isinstance(told, Mapping):
        raise ValueError(f"{where} is {told!r}, but it is a table of {', '.join(_names(kind))}")
    unknown = sorted(set(told) - set(_names(kind)))
    if unknown:
        raise ValueError(f"{where}.{unknown[0]} is nothing that {kind.__name__} has; it has {', '.join(_names(kind))}")
    return kind(**{name: _part(name, value, f"{where}.{name}") for name, value in told.items()})


def _part(name: str, value: Any, where: str) -> Any:
    if name == "shape" or (value is None and name in (*PARTS, "linear")):
        return value
    if name not in (*PARTS, *RULES):
        return _number(value, where)
    if name in PARTS:
        return _made(PARTS[name], value, where)
    rest = dict(value) if isinstance(value, Mapping) else {"kind": value}
    kind = rest.pop("kind", None)
    if kind not in KINDS:
        raise ValueError(f"{where}.kind is {kind!r}; there are {', '.join(KINDS)}")
    return _made(KINDS[kind], rest, where)


def _number(value: Any, where: str) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{where} is {value!r}, but it is a number")
    return value


def _names(kind: type) -> list[str]:
    return [field.name for field in fields(kind)]
