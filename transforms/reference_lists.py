"""The lists of `data/`: names, codes and rules of this project, which do not depend on what has been published.

A build lists those that have a publisher (`reference_lists`), such as the register of missions, among its snapshots.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import pandas as pd

DATA = Path(__file__).parent / "data"


def read_list(name: str) -> pd.DataFrame:
    """A CSV file of `data/` as text; a blank cell is an empty text."""
    return pd.read_csv(DATA / name, dtype=str, keep_default_na=False)


@cache
def reference_lists() -> pd.DataFrame:
    """One row per list: source, file, noted (day), licence, citation, sha256, bytes, rows."""
    table = read_list("reference_lists.csv")
    contents = [(DATA / name).read_bytes() for name in table["file"]]
    return table.assign(
        sha256=[hashlib.sha256(content).hexdigest() for content in contents],
        bytes=[len(content) for content in contents],
        rows=[len(read_list(name)) for name in table["file"]],
    )


def sha256_of(source: str) -> str:
    """SHA-256 of a list's file, by which rows of `main` name it."""
    return str(reference_lists().set_index("source").loc[source, "sha256"])
