"""What settings mean to a trainer and to a server: plain arguments, made here and nowhere else. Starts nothing.

Functions import what they need, so that a light process never pays for torch.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from headrace.deployment import learn_settings_of
from headrace.settings import Settings

if TYPE_CHECKING:
    from learners.learn_settings import LearnSettings
    from learners.learner import Learner
    from learners.plan import Plan
    from serving.policy import Policy


def plan_of(settings: Settings) -> Plan:
    """How a trainer runs."""
    from headrace.gate_terms import limits_of
    from learners.plan import Plan

    told = learn_settings_of(settings)
    return Plan(
        partitions=settings.partitions,
        bucket_ms=told.bucket_ms,
        batch_size=told.batch_size,
        config=told.digest,
        commit_ms=settings.trainer.commit,
        chain=settings.store.chain,
        challenge_every=settings.trainer.challengers.every if settings.trainer.challengers.on else 0,
        largest_copy=settings.trainer.challengers.largest_copy,
        gate=limits_of(settings),
    )


def maker_of(settings: Settings) -> Callable[[LearnSettings], Learner]:
    """Makes learners that have learned nothing, on the device of these settings."""
    from learners.named_learners import learner_as_told

    return partial(learner_as_told, device=settings.trainer.device)


def learner_of(settings: Settings) -> Callable[[], Learner]:
    """Makes the learner of these settings, with nothing learned."""
    return partial(maker_of(settings), learn_settings_of(settings))


def policy_of(settings: Settings) -> Policy:
    """What the operator decided about slates."""
    from serving.policy import Bid, Caps, Policy, Promotion, Quotas, SeenRule, WatchNext

    told = settings.serving
    return Policy(
        weights=dict(told.weights),
        quotas=Quotas(**dict(told.quotas)),
        seen=SeenRule(**dict(told.seen)),
        diversity=told.diversity,
        epsilon=told.epsilon,
        fatigue=told.fatigue,
        deadline=told.deadline,
        logged=told.log_features,
        caps=Caps(**dict(told.caps)),
        promotion=Promotion(**dict(told.promotion)),
        bid=Bid(**dict(told.bid)),
        watch_next=WatchNext(weight=told.watch_next.weight, label=told.watch_next.label),
        exploration=told.exploration,
        boldness=told.boldness,
    )
