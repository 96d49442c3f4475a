"""Control totals: totals that a publisher prints beside its rows, kept apart to hold the tables against."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from schemas.reconciliations import CONTROL_TOTALS
from schemas.validate import ContractError, conform

EVERYTHING = "all"


def control_totals(cells: pd.DataFrame, source: str, declared: Mapping[str, Any], origin: str) -> pd.DataFrame:
    """The totals of one file, one row each (schemas.tables.CONTROL_TOTALS); a blank cell is no total.

    cells     the file's rows as text
    declared  `period` and, where the totals are of parts, `subject`: the columns that say of what; `values`: for each
              total's name its column
    Raises ContractError when a total is no number.
    """
    found = []
    for name, column in declared["values"].items():
        printed = cells[column].fillna("").str.strip()
        numbers = pd.to_numeric(printed.replace("", None), errors="coerce")
        wrong = (printed != "") & numbers.isna()
        if wrong.any():
            raise ContractError(
                f"{source}: control totals: {column}: expected a number, got {printed[wrong].iloc[0]!r}."
            )
        found.append(
            pd.DataFrame(
                {
                    "source": source,
                    "total": name,
                    "subject": cells[declared["subject"]] if "subject" in declared else EVERYTHING,
                    "period": cells[declared["period"]],
                    "value": numbers.astype("float64"),
                    "origin": origin,
                }
            )[printed != ""]
        )
    return conform(pd.concat(found, ignore_index=True), CONTROL_TOTALS)
