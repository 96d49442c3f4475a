"""Control totals: printed totals become rows of meta.control_totals; blanks are skipped and words refused."""

from __future__ import annotations

import pandas as pd
import pytest

from schemas.validate import ContractError
from transforms.control_totals import control_totals

CELLS = pd.DataFrame({"month": ["2015-01-31", "2015-02-28"], "rows": ["104496", "104928"], "printed": [" ", "104928"]})
DECLARED = {"period": "month", "values": {"printed total": "printed", "sum of rows": "rows"}}


def test_each_total_is_a_row_and_a_blank_is_none() -> None:
    totals = control_totals(CELLS, "s", DECLARED, "the reports")
    assert totals[["total", "subject", "period", "value"]].to_numpy().tolist() == [
        ["printed total", "all", "2015-02-28", 104928.0],
        ["sum of rows", "all", "2015-01-31", 104496.0],
        ["sum of rows", "all", "2015-02-28", 104928.0],
    ]
    assert set(totals["origin"]) == {"the reports"} and set(totals["source"]) == {"s"}


def test_totals_of_parts_name_their_subject() -> None:
    cells = pd.DataFrame({"mission": ["UNMIK"], "year": ["2025-26"], "gross": ["49945800"]})
    totals = control_totals(cells, "s", {"subject": "mission", "period": "year", "values": {"gross": "gross"}}, "o")
    assert totals.loc[0, ["subject", "period", "value"]].tolist() == ["UNMIK", "2025-26", 49945800.0]


def test_totals_among_rows_are_those_that_are_marked() -> None:
    cells = pd.DataFrame({"mission": ["UNMIK", "all"], "month": ["2012-03-31"] * 2, "total": ["9", "16"]})
    declared = {"period": "month", "where": {"mission": "all"}, "values": {"total": "total"}}
    assert control_totals(cells, "s", declared, "o")["value"].tolist() == [16.0]


def test_a_total_that_is_not_a_number_is_refused() -> None:
    with pytest.raises(ContractError, match="s: control totals: printed: expected a number, got 'about 5'"):
        control_totals(CELLS.assign(printed=["about 5", "1"]), "s", DECLARED, "o")
