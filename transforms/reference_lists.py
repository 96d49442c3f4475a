"""The reference lists of `data/`: lists of missions, regions and codes that do not depend on what has been published.

A build lists each among its snapshots, with its citation.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import pandas as pd

DATA = Path(__file__).parent / "data"


@cache
def reference_lists() -> pd.DataFrame:
    """One row per list: source, file, noted (day), licence, citation, sha256, bytes, rows."""
    table = pd.read_csv(DATA / "reference_lists.csv", dtype=str, keep_default_na=False)
    contents = [(DATA / name).read_bytes() for name in table["file"]]
    return table.assign(
        sha256=[hashlib.sha256(content).hexdigest() for content in contents],
        bytes=[len(content) for content in contents],
        rows=[len(pd.read_csv(DATA / name, dtype=str)) for name in table["file"]],
    )


def sha256_of(source: str) -> str:
    """SHA-256 of a list's file, by which rows of `main` name it."""
    return str(reference_lists().set_index("source").loc[source, "sha256"])
