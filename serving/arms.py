"""Which arm of which experiment answers a user, and with what: one recommender for each way of answering.

Who is in which arm follows from the decisions and the user's id alone (`streams/experiments.py`), so every server says
the same, also after a restart. What is tried answers only where this server can: its version is warm, it is not
tainted, its settings are understood; else the experiment is not served here, and slates don't name it. Nothing here
measures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock

from serving.live import Bundle
from serving.policy import Policy
from serving.recommend import Recommender
from serving.tried_settings import BadSetting, policy_with
from streams.experiments import ON, Experiment, arm_of

MOST_WAYS = 16
"""Ways of answering that are kept ready; each remembers its users' last lists."""


@dataclass(frozen=True, slots=True)
class Way:
    """How one request is answered, and by experiment in which arm it is."""

    recommender: Recommender
    arms: dict[str, str]
    mirrors: tuple[Mirror, ...] = ()


@dataclass(frozen=True, slots=True)
class Mirror:
    """An experiment that answers beside the one who is asked; its answer is measured and thrown away."""

    name: str
    recommender: Recommender
    lock: Lock


@dataclass(frozen=True, slots=True)
class _Tried:
    """An experiment that this server can serve now."""

    experiment: Experiment
    bundle: Bundle | None


class _One:
    """A bundle that is what serves, for those whom it answers."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle

    def current(self) -> Bundle | None:
        return self._bundle


class Arms:
    """Chooses for each request; `tries` says what there is to choose from, by one assignment from another thread.

    >>> from serving.fold_rules import FoldRules
    >>> from serving.known import Known
    >>> from serving.live import Live
    >>> plain = Recommender(Known(partitions=1, rules=FoldRules()), Live(), Policy())
    >>> Arms(plain).way("ana").recommender is plain, Arms(plain).way("ana").arms
    (True, {})
    """

    def __init__(self, plain: Recommender) -> None:
        self.plain = plain
        self._policy = plain.policy
        self._lock = Lock()
        self._tried: tuple[_Tried, ...] = ()
        self._ways: dict[tuple[str, ...], tuple[tuple[_Tried, ...], Recommender]] = {}

    def tries(
        self, running: Sequence[Experiment], overlay: dict[str, str], warm: Callable[[int], Bundle | None]
    ) -> list[str]:
        """Serve these from now on, over the file's settings and what was promoted; what is not served, and why."""
        troubles, tried = list[str](), list[_Tried]()
        base = self._based(overlay, troubles)
        for one in running:
            try:
                self._can_serve(policy_with(base, one.trial.settings))
            except BadSetting as error:
                troubles.append(f"experiment {one.name} is not served: {error}")
                continue
            bundle = None if one.version is None else warm(one.version)
            if one.version is None or bundle is not None:
                tried.append(_Tried(one, bundle))
        if base != self.plain.policy:
            self.plain.policy = base
            self._ways = {}
        self._tried = tuple(tried)
        return troubles

    def way(self, user_id: str) -> Way:
        """How this user is answered; without experiments as ever."""
        tried = self._tried
        if not tried:
            return Way(self.plain, {})
        arms = {one.experiment.name: arm_of(one.experiment.trial, user_id) for one in tried}
        drawn = [one for one in tried if arms[one.experiment.name] == ON]
        mirrored = [one for one in drawn if one.experiment.trial.mirror]
        served = tuple(one for one in drawn if not one.experiment.trial.mirror)
        return Way(
            self._answering(served),
            {one.experiment.name: arms[one.experiment.name] for one in tried if not one.experiment.trial.mirror},
            tuple(Mirror(one.experiment.name, self._answering((one,), "mirror"), self._lock) for one in mirrored),
        )

    def _answering(self, tried: tuple[_Tried, ...], what: str = "") -> Recommender:
        """The recommender of these experiments together; made anew where one of them is another by now."""
        if not tried:
            return self.plain
        key = (what, *(one.experiment.name for one in tried))
        held = self._ways.get(key)
        if held is None or held[0] != tried:
            if len(self._ways) >= MOST_WAYS:
                self._ways = {}
            held = self._ways[key] = tried, self._made(tried)
        return held[1]

    def _made(self, tried: tuple[_Tried, ...]) -> Recommender:
        policy, live = self.plain.policy, self.plain.live
        for one in tried:
            policy = policy_with(policy, one.experiment.trial.settings)
            if one.bundle is not None:
                live = _One(one.bundle)
        return Recommender(self.plain.known, live, policy)

    def _based(self, overlay: dict[str, str], troubles: list[str]) -> Policy:
        try:
            return self._can_serve(policy_with(self._policy, overlay))
        except BadSetting as error:
            troubles.append(f"promoted settings are not served: {error}")
            return self._policy

    def _can_serve(self, policy: Policy) -> Policy:
        if policy.watch_next.weight and not self.plain.known.counts_what_follows:
            raise BadSetting(
                f"serving.watch_next.weight is {policy.watch_next.weight:g}, but nothing that follows is counted of "
                "this log. Set [serving.watch_next] window, then: headrace configure apply --why TEXT"
            )
        return policy
