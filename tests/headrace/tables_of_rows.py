"""Tables of rows whose yeses are likely where the shop is even, their schema, and a backtest over them."""

from __future__ import annotations

import gzip
import json
import lzma
from pathlib import Path
from typing import Any

import numpy as np

from tests.headrace.command_line import Headrace

SCHEMA = """
label = "clicked"
time = "at"
[features.shop]
kind = "category"
from = "shop id"
[features.price]
kind = "number"
[features.tags]
kind = "many"
separator = "|"
[features.title]
kind = "text"
"""
HEADER = "clicked,at,shop id,price,tags,title"


def lines(rows: int, *, seed: int = 0) -> list[str]:
    """A yes is likely where the shop is even; a few cells are empty."""
    random = np.random.default_rng(seed)
    shop_B, draw_B = random.integers(0, 10, rows), random.random(rows)
    return [
        f"{int(draw < (0.1 if shop % 2 else 0.8))},{n},s{shop},{shop / 2 if n % 9 else ''},a|b{shop},big {shop}"
        for n, (shop, draw) in enumerate(zip(shop_B, draw_B, strict=True))
    ]


def table(file: Path, told: list[str]) -> Path:
    text = "\n".join([HEADER, *told]) + "\n"
    packed = {".gz": gzip.compress, ".xz": lzma.compress}.get(file.suffix, bytes)
    file.write_bytes(packed(text.encode()))
    return file


def run(headrace: Headrace, *words: str) -> dict[str, Any]:
    status, out, err = headrace("backtest", "--schema", "schema.toml", "--report", "out.json", *words)
    assert status == 0, err + out
    told: dict[str, Any] = json.loads(Path("out.json").read_text())
    return told


def refusal(headrace: Headrace, *words: str) -> str:
    status, _, err = headrace("backtest", "--rows", "rows.csv", *words)
    assert status == 1
    return " ".join(err.split())
