"""The stack that one would write in an afternoon, for `recommend.py` to stand beside: FastAPI and uvicorn, hnswlib in
the process, a 64-64 network of torch on what it finds. No filter, no profile, no log, no second look at the list.

    python -m benchmarks.recommend_plain FOLDER

FOLDER holds `vectors.npy` and `index.hnsw`; the port is written to `port` there.
"""

from __future__ import annotations

import sys
from pathlib import Path

import hnswlib
import numpy as np
import torch
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

from headrace.web import listen

WIDE = 64


class Body(BaseModel):
    """What is asked: for whom, how many, and of how many candidates."""

    user_id: int
    n: int = 10
    ranked: int = 500


def app_of(folder: Path) -> FastAPI:
    """The application over one folder."""
    torch.set_num_threads(1)
    vector_ID = np.load(folder / "vectors.npy")
    items, dim = vector_ID.shape
    index = hnswlib.Index("ip", dim)
    index.load_index(str(folder / "index.hnsw"))
    index.set_num_threads(1)
    random = np.random.default_rng(0)
    user_UD = vector_ID[random.integers(items, size=20_000)]
    item_ID = torch.from_numpy(vector_ID)
    network = torch.nn.Sequential(
        torch.nn.Linear(2 * dim, WIDE),
        torch.nn.ReLU(),
        torch.nn.Linear(WIDE, WIDE),
        torch.nn.ReLU(),
        torch.nn.Linear(WIDE, 1),
    )
    app = FastAPI()

    async def recommend(body: Body) -> dict[str, list[dict[str, str | float]]]:
        user_D = user_UD[body.user_id % len(user_UD)]
        index.set_ef(max(body.ranked, 128))
        labels, _ = index.knn_query(user_D, k=body.ranked)
        row_C = torch.from_numpy(labels[0].astype(np.int64))
        with torch.inference_mode():
            user_CD = torch.from_numpy(user_D).expand(body.ranked, dim)
            score_C = network(torch.cat([user_CD, item_ID[row_C]], dim=1))[:, 0]
            score_N, best_N = torch.topk(score_C, body.n)
        rows = row_C[best_N].tolist()
        scored = zip(rows, score_N.tolist(), strict=True)
        return {"items": [{"item_id": str(row), "score": score} for row, score in scored]}

    app.add_api_route("/recommend", recommend, methods=["POST"])
    return app


def main() -> None:
    folder = Path(sys.argv[1])
    app, listening = app_of(folder), listen("127.0.0.1", 0)
    (folder / "port").write_text(str(listening.getsockname()[1]))
    uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False)).run(sockets=[listening])


if __name__ == "__main__":
    main()
