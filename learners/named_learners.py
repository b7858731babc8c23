"""The learners that settings can ask for by name. On the CPU none of them needs torch but the one that says so, and
labels with a loss other than the usual one.

What a name makes is decided here and nowhere else; torch is imported when a learner in it is made, not before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from learners.blas_threads import one_blas_thread
from learners.fields import Declared
from learners.guard_terms import terms_of
from learners.guarded_learner import GuardedLearner
from learners.heads import Heads, heads_of
from learners.learn_settings import LearnSettings
from learners.learner import Learner
from learners.models.fused_two_stage import FusedTwoStage
from learners.models.two_stage_shape import Rules
from learners.optimizers.told_rules import rules_of
from learners.schema import Schema
from learners.two_stage_learner import TwoStageLearner

Terms = Mapping[str, Any]


def make_learner(
    name: str = "two_tower_deepfm",
    *,
    labels: tuple[str, ...],
    context: tuple[str, ...] = (),
    features: Mapping[str, Declared] | None = None,
    losses: Mapping[str, Mapping[str, Any]] | None = None,
    updates: Mapping[str, Mapping[str, Any]] | None = None,
    rows: Mapping[str, Any] | None = None,
    device: str = "cpu",
    seed: int = 0,
) -> Learner:
    """The learner registered under a name; `losses` are those of single labels, the others have a log loss; `updates`
    say by stage how weights move, where that is not the usual way; `rows` which ids have rows, where not all do."""
    if name not in LEARNERS:
        raise ValueError(f"no learner is named {name!r}; there are {', '.join(LEARNERS)}")
    schema = Schema(tuple(labels), tuple(context), features or {})
    return LEARNERS[name](schema, _heads(schema, losses or {}), _rules(updates or {}), rows or {}, device, seed)


def learner_as_told(told: LearnSettings, *, device: str) -> Learner:
    """The learner of these settings, with nothing learned; behind a guard where they name one."""
    make = partial(
        make_learner,
        told.model,
        labels=told.labels,
        context=told.context,
        features=told.features,
        losses=told.losses,
        updates=told.updates,
        rows=told.rows,
        device=device,
        seed=told.seed,
    )
    return GuardedLearner(make, terms_of(told.guard)) if told.guard else make()


def _rules(updates: Mapping[str, Mapping[str, Any]]) -> Rules:
    return Rules(**{stage: rules_of(told) for stage, told in updates.items()})


def _heads(schema: Schema, losses: Mapping[str, Mapping[str, Any]]) -> Heads:
    """The losses of all labels; those that no model has built in are worked out in torch."""
    heads = heads_of(schema.labels, losses)
    if heads.are_usual:
        return heads
    from learners.losses.pulling import LossPull

    return replace(heads, pull=LossPull(heads.losses))


def _two_stage(schema: Schema, heads: Heads, rules: Rules, terms: Terms, device: str, seed: int) -> Learner:
    """On kernels where the device is the CPU, else in torch."""
    if device != "cpu":
        return _two_stage_in_torch(schema, heads, rules, terms, device, seed)
    one_blas_thread()
    return TwoStageLearner(schema, FusedTwoStage(schema, rules, seed=seed), seed=seed, heads=heads, terms=terms)


def _two_stage_in_torch(schema: Schema, heads: Heads, rules: Rules, terms: Terms, device: str, seed: int) -> Learner:
    """In torch on any device: the same model, and versions of the same arrays."""
    from learners.models.two_stage import TwoStage
    from learners.torch_devices import deterministic_device

    model = TwoStage(schema, rules, device=deterministic_device(device), seed=seed)
    return TwoStageLearner(schema, model, seed=seed, heads=heads, terms=terms)


LEARNERS: Mapping[str, Callable[[Schema, Heads, Rules, Terms, str, int], Learner]] = {
    "two_tower_deepfm": _two_stage,
    "two_tower_deepfm_torch": _two_stage_in_torch,
}
