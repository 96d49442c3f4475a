"""Apply declared corrections. Each applies only while the publisher prints the values in its `expect`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pandas as pd

from schemas.source import Correction

CORRECTION_COLUMNS = ["correction_id", "status", "where_row", "expected", "corrected", "reason", "noted"]


def _equal(cells: pd.DataFrame, wanted: Mapping[str, str]) -> pd.Series:
    matching = pd.Series(True, index=cells.index)
    for column, value in wanted.items():
        matching &= cells[column].str.strip() == value
    return matching


def apply_corrections(cells: pd.DataFrame, corrections: Sequence[Correction]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Apply the declared corrections to text cells. Returns the cells and the status of each correction.

    applied: the row has the expected values and was corrected. expired: the row has other values and is unchanged.
    absent: there is no such row.
    """
    cells = cells.copy()
    outcomes = []
    for correction in corrections:
        rows = _equal(cells, correction.where)
        expected = rows & _equal(cells, correction.expect)
        for column, value in correction.set.items():
            cells.loc[expected, column] = value
        status = "applied" if expected.any() else "expired" if rows.any() else "absent"
        texts = [json.dumps(part, ensure_ascii=False) for part in (correction.where, correction.expect, correction.set)]
        outcomes.append([correction.id, status, *texts, correction.reason, pd.Timestamp(correction.noted)])
    frame = pd.DataFrame(outcomes, columns=CORRECTION_COLUMNS)
    return cells, frame.astype({"noted": "datetime64[us]"})
