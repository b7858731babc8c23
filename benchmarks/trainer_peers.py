"""The peers of benchmarks/trainer.py, in an environment of their own, made by scripts/peers: each scores, then learns.

Run as `python trainer_peers.py ROWS.npz BATCH [WIDE.npz]`; reads the name of a peer and a number of rows by line,
answers rows per second and the area under the curve of its scores. `wide` is TorchRec over the second file, whose rows
have fields of several ids too. Imports none of our code: torch and TorchRec run the same model as we do (a shared
table, sums of products, layers 64-64), tuned: fused Adam, row-wise Adagrad, lengths kept between steps. River and
Vowpal Wabbit run what they have: a linear model by FTRL.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

DIM, WIDTH, RATE = 8, 12, 0.05


def rows_of_torch(ids: int, batch: int, fields: int) -> tuple[Callable[[Any], Any], list[Any]]:
    """Plain sparse embeddings and Adagrad on them."""
    import torch

    vectors, weights = (torch.nn.Embedding(ids, width, sparse=True) for width in (DIM, 1))
    torch.nn.init.normal_(vectors.weight, 0, 0.01)
    torch.nn.init.zeros_(weights.weight)
    optimizer = torch.optim.Adagrad([vectors.weight, weights.weight], RATE)
    return lambda key_BF: (vectors(key_BF), weights(key_BF).squeeze(2)), [optimizer]


def rows_of_torchrec(ids: int, batch: int, fields: int) -> tuple[Callable[[Any], Any], list[Any]]:
    """One fused table for all fields, the fastest of its layouts; rows are 8 and 1 wide, padded to 12."""
    import torch
    from torchrec import EmbeddingBagConfig, KeyedJaggedTensor
    from torchrec.modules.fused_embedding_modules import FusedEmbeddingBagCollection
    from torchrec.optim.rowwise_adagrad import RowWiseAdagrad

    names = [f"f{i}" for i in range(fields)]
    table = EmbeddingBagConfig(name="t", embedding_dim=WIDTH, num_embeddings=ids, feature_names=names)
    bags = FusedEmbeddingBagCollection(
        [table], optimizer_type=RowWiseAdagrad, optimizer_kwargs={"lr": RATE}, device=torch.device("cpu")
    )
    ones, offsets = torch.ones(fields * batch, dtype=torch.int64), torch.arange(fields * batch + 1)

    def rows(key_BF: Any) -> tuple[Any, Any]:
        size = len(key_BF)
        n = fields * size
        told = KeyedJaggedTensor(
            keys=names, values=key_BF.t().reshape(-1), lengths=ones[:n], offsets=offsets[: n + 1], stride=size
        )
        line_BFW = bags(told).values().view(-1, fields, WIDTH)
        return line_BFW[:, :, :DIM], line_BFW[:, :, DIM]

    return rows, []


def deep(kind: str, key_NF: Any, label_N: Any, batch: int) -> Any:
    """The scores of a model in torch over `kind` of rows."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits

    torch.set_num_threads(1)
    torch.manual_seed(1)
    fields = key_NF.shape[1]
    made = rows_of_torch if kind == "torch" else rows_of_torchrec
    rows, optimizers = made(int(key_NF.max()) + 1, batch, fields)
    layers = torch.nn.Sequential(
        torch.nn.Linear(fields * DIM, 64), torch.nn.ReLU(), torch.nn.Linear(64, 64), torch.nn.ReLU(),
        torch.nn.Linear(64, 1),
    )  # fmt: skip
    optimizers = [torch.optim.Adam(layers.parameters(), 1e-3, fused=True), *optimizers]
    key, label, scores = torch.from_numpy(key_NF), torch.from_numpy(label_N), []
    for start in range(0, len(label), batch):
        vector_BFd, weight_BF = rows(key[start : start + batch])
        product_B = 0.5 * (vector_BFd.sum(1) ** 2 - (vector_BFd**2).sum(1)).sum(1)
        logit_B = weight_BF.sum(1) + product_B + layers(vector_BFd.flatten(1)).squeeze(1)
        scores.append(torch.sigmoid(logit_B.detach()).numpy())
        loss: Any = binary_cross_entropy_with_logits(logit_B, label[start : start + batch])
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
    return np.concatenate(scores)


def wide(kind: str, told: Any, label_N: Any, batch: int) -> Any:
    """TorchRec on fields of one id and of several, whose mean it pools; one fused table."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits
    from torchrec import EmbeddingBagConfig, KeyedJaggedTensor, PoolingType
    from torchrec.modules.fused_embedding_modules import FusedEmbeddingBagCollection
    from torchrec.optim.rowwise_adagrad import RowWiseAdagrad

    torch.set_num_threads(1)
    torch.manual_seed(1)
    key_NF, (bag_N, count_NG) = told
    fields = key_NF.shape[1] + count_NG.shape[1]
    names = [f"f{i}" for i in range(fields)]
    ids = int(max(key_NF.max(), bag_N.max())) + 1
    table = EmbeddingBagConfig(
        name="t", embedding_dim=WIDTH, num_embeddings=ids, feature_names=names, pooling=PoolingType.MEAN
    )
    bags = FusedEmbeddingBagCollection(
        [table], optimizer_type=RowWiseAdagrad, optimizer_kwargs={"lr": RATE}, device=torch.device("cpu")
    )
    layers = torch.nn.Sequential(
        torch.nn.Linear(fields * DIM, 64), torch.nn.ReLU(), torch.nn.Linear(64, 64), torch.nn.ReLU(),
        torch.nn.Linear(64, 1),
    )  # fmt: skip
    optimizer = torch.optim.Adam(layers.parameters(), 1e-3, fused=True)
    end_N, scores = np.concatenate([[0], np.cumsum(count_NG.sum(axis=1))]), []
    for start in range(0, len(label_N), batch):
        stop = min(start + batch, len(label_N))
        count_BG = count_NG[start:stop]
        part_N = bag_N[end_N[start] : end_N[stop]]
        order = np.argsort(
            np.repeat(np.tile(np.arange(count_BG.shape[1]), stop - start), count_BG.reshape(-1)), kind="stable"
        )
        values = np.concatenate([key_NF[start:stop].T.reshape(-1), part_N[order]])
        lengths = np.concatenate([np.ones(key_NF[start:stop].size, np.int64), count_BG.T.reshape(-1)])
        line_BFW = bags(
            KeyedJaggedTensor(
                keys=names, values=torch.from_numpy(values), lengths=torch.from_numpy(lengths), stride=stop - start
            )
        ).values().view(-1, fields, WIDTH)  # fmt: skip
        vector_BFd, weight_BF = line_BFW[:, :, :DIM], line_BFW[:, :, DIM]
        product_B = 0.5 * (vector_BFd.sum(1) ** 2 - (vector_BFd**2).sum(1)).sum(1)
        logit_B = weight_BF.sum(1) + product_B + layers(vector_BFd.flatten(1)).squeeze(1)
        scores.append(torch.sigmoid(logit_B.detach()).numpy())
        loss: Any = binary_cross_entropy_with_logits(logit_B, torch.from_numpy(label_N[start:stop]))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return np.concatenate(scores)


def river(kind: str, key_NF: Any, label_N: Any, batch: int) -> Any:
    """Logistic regression by FTRL, one row at a time; rows become dicts as they come."""
    from river import linear_model, optim

    model = linear_model.LogisticRegression(optim.FTRLProximal(alpha=0.1), intercept_lr=0.0)
    scores = []
    for key_F, label in zip(key_NF.tolist(), label_N.tolist(), strict=True):
        told = dict.fromkeys(key_F, 1.0)
        scores.append(model.predict_proba_one(told).get(True, 0.5))  # type: ignore[no-untyped-call]
        model.learn_one(told, bool(label))
    return np.array(scores)


def vowpal_wabbit(kind: str, key_NF: Any, label_N: Any, batch: int) -> Any:
    """FTRL on hashed features, by its own loop over lines of text."""
    import vowpalwabbit

    model = vowpalwabbit.Workspace("--ftrl --ftrl_alpha 0.1 -b 22 --link logistic --loss_function logistic --quiet")
    scores = []
    for key_F, label in zip(key_NF.tolist(), label_N.tolist(), strict=True):
        line = ("1" if label else "-1") + "".join(f" |{chr(97 + f % 26)} {key}" for f, key in enumerate(key_F))
        told = model.example(line)
        model.learn(told)
        scores.append(told.get_simplelabel_prediction())
        model.finish_example(told)
    return np.array(scores)


PEERS: dict[str, Callable[[str, Any, Any, int], Any]] = {
    "torch": deep, "torchrec": deep, "river": river, "vw": vowpal_wabbit,
}  # fmt: skip


def auc(label_N: Any, score_N: Any) -> float:
    """Ranks of the positives, ties in any order: near enough for a check that a peer learns."""
    rank_N = np.empty(len(score_N))
    rank_N[np.argsort(score_N, kind="stable")] = np.arange(1, len(score_N) + 1)
    yes = label_N > 0
    ones = int(yes.sum())
    return float((rank_N[yes].sum() - ones * (ones + 1) / 2) / (ones * (len(yes) - ones)))


def main() -> None:
    if len(sys.argv) < 3 or sys.argv[1].startswith("-"):
        print(__doc__)  # it is benchmarks/trainer.py that measures
        return
    told = np.load(sys.argv[1])
    key_NF, label_N, batch = told["keys"].astype(np.int64), told["labels"].astype(np.float32), int(sys.argv[2])
    wider = np.load(sys.argv[3]) if len(sys.argv) > 3 else None
    print("ready", flush=True)
    for line in sys.stdin:
        name, rows = line.split()
        n = int(rows)
        started = time.perf_counter()
        if name == "wide":
            assert wider is not None
            yes_N = wider["labels"][:n]
            score_N = wide(name, (wider["keys"][:n], (wider["bags"], wider["counts"][:n])), yes_N, batch)
        else:
            yes_N = label_N[:n]
            score_N = PEERS[name](name, key_NF[:n], yes_N, batch)
        took = time.perf_counter() - started
        half = n // 2
        print(json.dumps({"rows_s": n / took, "auc": auc(yes_N[half:], score_N[half:])}), flush=True)


if __name__ == "__main__":
    main()
