"""The first layer, split exactly: a part of the asker, a part of the item, and a product of the two.

In numpy, for exports and servers. With u the asker's field vectors and v the item's, the first layer is
a(u) + b(v) + the sum over f, g of u_f . v_g (w_fg + w_gf), and the last term is v . M(u): one small
product per candidate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from learners.learner import Floats
from learners.schema import Schema


@dataclass(frozen=True, slots=True)
class FirstLayer:
    """Weights of the first layer by what they read, J outputs each: the labels' first, then the hidden units'."""

    vector_FdJ: Floats
    pair_FFJ: Floats
    stat_FSJ: Floats
    cross_XJ: Floats
    bias_J: Floats
    labels: int
    readers: tuple[int, ...] = ()
    """Fields whose rows' own weights do not count."""

    def part(self, line_NGW: Floats, first: int) -> Floats:
        """What fields `first` on add by themselves, [N, J]: vectors, their products, statistics, own weights."""
        count, dim = line_NGW.shape[1], self.vector_FdJ.shape[1]
        mine = slice(first, first + count)
        vector_NGd = line_NGW[:, :, :dim]
        stat_NGS = line_NGW[:, :, dim + self.labels :]
        part_NJ = np.tensordot(vector_NGd, self.vector_FdJ[mine], ((1, 2), (0, 1)))
        part_NJ += np.tensordot(stat_NGS, self.stat_FSJ[mine], ((1, 2), (0, 1)))
        gram_NGG = vector_NGd @ vector_NGd.transpose(0, 2, 1)
        part_NJ += np.tensordot(gram_NGG, self.pair_FFJ[mine, mine], ((1, 2), (0, 1)))
        own_NGW = np.delete(line_NGW, [f - first for f in self.readers if 0 <= f - first < count], axis=1)
        part_NJ[:, : self.labels] += own_NGW[:, :, dim : dim + self.labels].sum(axis=1)
        part: Floats = part_NJ.astype(np.float32)
        return part

    def lines(self, count: int) -> tuple[Floats, Floats]:
        """The first `count` fields' weights as two matrices: of the numbers of their lines, [count x W, J], and of the
        products of their vectors, [count x count, J]. Of one asker they say what `part` says."""
        dim, outputs = self.vector_FdJ.shape[1], len(self.bias_J)
        stats = dim + self.labels
        line_FWJ = np.zeros((count, stats + self.stat_FSJ.shape[1], outputs), np.float32)
        line_FWJ[:, :dim], line_FWJ[:, stats:] = self.vector_FdJ[:count], self.stat_FSJ[:count]
        for field in set(range(count)) - set(self.readers):
            line_FWJ[field, dim:stats, : self.labels] = np.eye(self.labels)
        pair_XJ: Floats = np.ascontiguousarray(self.pair_FFJ[:count, :count]).reshape(-1, outputs)
        return line_FWJ.reshape(-1, outputs), pair_XJ

    def across(self, askers: int) -> Floats:
        """Weights between the asker's fields (the first ones) and the item's, [askers, item fields x J]."""
        across_AGJ = self.pair_FFJ[:askers, askers:] + self.pair_FFJ[askers:, :askers].transpose(1, 0, 2)
        across: Floats = np.ascontiguousarray(across_AGJ).reshape(askers, -1)
        return across

    def product(self, vector_Ad: Floats, across: Floats) -> Floats:
        """M of an asker: [item fields x d, J]."""
        outputs = len(self.bias_J)
        product_dGJ = (vector_Ad.T @ across).reshape(vector_Ad.shape[1], -1, outputs)
        product: Floats = np.ascontiguousarray(product_dGJ.transpose(1, 0, 2)).reshape(-1, outputs)
        return product


def first_layer(weight_IJ: Floats, bias_J: Floats, *, schema: Schema, dim: int) -> FirstLayer:
    """The first layer of the ranker, whose inputs stand as vectors, products, statistics, crosses."""
    outputs, fields, stats = weight_IJ.shape[1], len(schema.fields), schema.stats
    bounds = np.cumsum([fields * dim, fields * fields, fields * stats])
    vectors, pairs, numbers, crosses = np.split(weight_IJ, bounds)
    return FirstLayer(
        vectors.reshape(fields, dim, outputs),
        pairs.reshape(fields, fields, outputs),
        numbers.reshape(fields, stats, outputs),
        crosses,
        bias_J,
        len(schema.labels),
        schema.readers,
    )
