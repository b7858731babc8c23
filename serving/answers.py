"""What is asked and what is answered, between the HTTP side and the recommender. Data only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from msgspec import Struct

from serving.filter_terms import Filter
from streams.events import Context, Shown, Slate
from streams.examples import Past

Rung = Literal["model", "cached", "popular", "latest"]
RUNGS: tuple[Rung, ...] = ("model", "cached", "popular", "latest")
Filtered = Literal["none", "kept", "dropped"]
"""Whether a list was filtered: not asked for, done, or given up since nothing passed and the request allowed that."""
PRODUCER = "headrace"
"""What a slate says of a request that does not name its producer."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request for a list; `at` (ms) is the moment it is for. `app_version` and `producer` say who asks: the slate
    carries them, so that a mask by them takes it too. `diversity`, `epsilon` and `deadline` (ms) stand for the
    operator's where they are given; `shown` counts the items of the pages before, which `exclude` holds."""

    user_id: str
    n: int
    at: int
    surface: str = ""
    context: Context = field(default_factory=dict)
    query_item_id: str | None = None
    query_text: str | None = None
    exclude: frozenset[str] = frozenset()
    app_version: str = ""
    producer: str = ""
    filter: Filter | None = None
    strict: bool = True
    diversity: float | None = None
    epsilon: float | None = None
    deadline: float | None = None
    shown: int = 0
    history: tuple[Past, ...] = ()
    """What a session did that no event told of, oldest first; it goes behind what is known of the user."""

    @property
    def done(self) -> frozenset[str]:
        """The items of that session."""
        return frozenset(past.item_id for past in self.history)


class Why(Struct, frozen=True, gc=False):
    """Why an item is where it is: predicted labels, its value by the operator's `weights`, showings in vain, of which
    `kept` is the part of its value that they left, and whether chance put it there. `added` is what else is in the
    value, by its name; `promoted` says that it is one of those that a share of places is for."""

    predictions: dict[str, float]
    value: float
    showings: int
    weights: dict[str, float] = {}
    kept: float = 1.0
    explored: bool = False
    added: dict[str, float] = {}
    promoted: bool = False

    @property
    def terms(self) -> dict[str, float]:
        """What each label, and what else there is, adds to the value.

        >>> Why({"click": 0.5, "like": 0.25}, 1.0, 0, {"click": 1.0, "like": 2.0}).terms
        {'click': 0.5, 'like': 0.5}
        """
        told = {label: self.weights.get(label, 0.0) * chance for label, chance in self.predictions.items()}
        return told | self.added


class Placed(Struct, frozen=True, gc=False):
    """One item of an answer. `propensity` is the probability that it got this place, given the places before."""

    item_id: str
    position: int
    score: float
    source: str
    propensity: float = 1.0
    why: Why | None = None


@dataclass(frozen=True, slots=True)
class Stamps:
    """The version of the arrays that each stage used, as those arrays say it."""

    retrieval: int
    ranking: int
    generation: int

    @property
    def mixed(self) -> bool:
        """Whether they differ: an answer like that must never leave.

        >>> Stamps(7, 7, 7).mixed, Stamps(7, 8, 7).mixed
        (False, True)
        """
        return not self.retrieval == self.ranking == self.generation


@dataclass(frozen=True, slots=True)
class Recommendation:
    """An answer. `version` is 0 and `stamps` None where no model made it; `trouble` says what failed on the way."""

    version: int
    rung: Rung
    history_at: int | None
    items: tuple[Placed, ...]
    stamps: Stamps | None = None
    trouble: tuple[str, ...] = ()
    marks: Context = field(default_factory=dict)
    """What the slate says of the features it was made from, beside its context."""
    filtered: Filtered = "none"


def slate_of(
    ask: Ask, answer: Recommendation, request_id: str, *, arms: dict[str, str] | None = None, took: float | None = None
) -> Slate:
    """The event that says what was answered; `arms` by experiment, with them the ms it `took`.

    >>> answer = Recommendation(0, "popular", None, (Placed("tea", 0, 0.5, "popular"),))
    >>> slate_of(Ask("ana", 1, at=9), answer, "r1").items
    (Shown(item_id='tea', position=0, score=0.5, propensity=1.0),)
    """
    return Slate(
        event_id=request_id,
        ts=ask.at,
        user_id=ask.user_id,
        request_id=request_id,
        items=tuple(Shown(p.item_id, p.position, p.score, p.propensity) for p in answer.items),
        surface=ask.surface,
        context=ask.context | answer.marks,
        model_version=answer.version,
        query_item_id=ask.query_item_id,
        query_text=ask.query_text,
        producer=ask.producer or PRODUCER,
        app_version=ask.app_version,
        arms=arms or {},
        took=took if arms else None,
    )
