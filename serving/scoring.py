"""What candidates are predicted and worth: by one version's ranker, the operator's weights, bids and what followed.

Each stage gives the version that its own arrays say; they are compared here. Nothing is chosen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from serving.answers import Stamps
from serving.candidates import Candidates
from serving.known import Known
from serving.live import Bundle
from serving.policy import Policy
from serving.pooling import Worth
from serving.profiles import Profile, Seen
from serving.ranking import Floats, bids_of, following_of, predicted, value_of, weights_of
from serving.scorer import Asker, Scorer
from streams.errors import HeadraceError


class MixedVersions(HeadraceError):
    """Two stages used arrays of different versions."""


@dataclass(frozen=True, slots=True)
class Scored:
    """Candidates with predictions, values by `weights`, and how often each was shown in vain."""

    found: Candidates
    probability_IL: Floats
    value_I: Floats
    shown: list[int]
    stamps: Stamps
    weights: dict[str, float] = field(default_factory=dict)
    added: dict[str, Floats] = field(default_factory=dict)
    """What else is in the values, by its name."""

    @property
    def worth(self) -> Worth:
        """What pools are made of."""
        weight_L = np.array(list(self.weights.values()), np.float32)
        return Worth(self.found, self.value_I, self.probability_IL, weight_L, self.shown)


def score(bundle: Bundle, known: Known, asker: Asker, found: Candidates, *, profile: Profile, policy: Policy) -> Scored:
    """Predictions and values of candidates; MixedVersions where the stages' own stamps differ."""
    scorer, row_I = bundle.scorer, found.row_I
    known_IL = scorer.score(asker, row_I[row_I >= 0])
    stamps = Stamps(scorer.tower_version, scorer.ranker_version, bundle.generation.version)
    if stamps.mixed:
        raise MixedVersions(
            f"the towers are of version {stamps.retrieval}, the ranker of {stamps.ranking}, the index of "
            f"{stamps.generation}: a generation's folder was changed. See `headrace versions show {bundle.version}`"
        )
    probability_IL = predicted(known_IL, row_I, known.view.rates(known.stock.codes(found.other.values())))
    weight_L = weights_of(scorer.labels, policy.weights)
    shown = showings(found, profile.seen.copy(), scorer)
    weights = dict(zip(scorer.labels, weight_L.tolist(), strict=True))
    added = added_to(found, probability_IL, scorer.labels, known, policy)
    value_I: Floats = sum(added.values(), start=value_of(probability_IL, weight_L))
    return Scored(found, probability_IL, value_I, shown, stamps, weights, added)


def showings(found: Candidates, seen: Mapping[str, Seen], scorer: Scorer) -> list[int]:
    """How often each candidate was shown in vain."""
    vain = {item_id: count for item_id, (count, _) in seen.items() if count}
    if not vain:
        return [0] * len(found)
    by_row = dict(zip(scorer.rows_of(list(vain)).tolist(), vain.values(), strict=True))
    by_row[-1] = 0
    told = [by_row.get(row, 0) for row in found.row_I.tolist()]
    for index, item_id in found.other.items():
        told[index] = vain.get(item_id, 0)
    return told


def added_to(
    found: Candidates, probability_IL: Floats, labels: Sequence[str], known: Known, policy: Policy
) -> dict[str, Floats]:
    """What is in values beside the predicted labels, by its name; nothing that is not asked for is computed."""
    bid, then, added = policy.bid, policy.watch_next, dict[str, Floats]()
    bids, follows = bool(bid.attribute) and bid.label in labels, bool(then.weight) and then.label in labels
    if not bids and not follows:
        return added
    codes = known.stock.codes(found.item_ids)
    if bids:
        bid_I = known.stock.numbers(bid.attribute, codes)
        added["bid"] = bids_of(bid_I, probability_IL[:, labels.index(bid.label)], bid.weight)
    if follows:
        follows_I = known.view.followed(codes)
        added["watch_next"] = following_of(follows_I, probability_IL[:, labels.index(then.label)], then.weight)
    return added
