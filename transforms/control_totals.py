"""Control totals: totals that a publisher prints with its rows, used to check the tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from schemas.problems import Problem, beyond
from schemas.tables.reconciliations import CONTROL_TOTALS
from schemas.validate import ContractError, conform
from transforms.periods import period_labels

EVERYTHING = "all"


def control_totals(cells: pd.DataFrame, source: str, declared: Mapping[str, Any], origin: str) -> pd.DataFrame:
    """The totals of one file, one row each (schemas.tables.reconciliations); blank cells are skipped.

    cells     the file's rows as text
    declared  `period`: column of the period; `subject`: column of the subject, if the totals are by subject;
              `values`: column of each named total; `where`: the value by which a column marks the rows that are totals
    Raises ContractError when a total is not a number.
    """
    totals = []
    for marked, value in declared.get("where", {}).items():
        cells = cells[cells[marked] == value]
    for name, column in declared["values"].items():
        printed = cells[column].fillna("").str.strip()
        numbers = pd.to_numeric(printed.replace("", None), errors="coerce")
        wrong = (printed != "") & numbers.isna()
        if wrong.any():
            raise ContractError(
                f"{source}: control totals: {column}: expected a number, got {printed[wrong].iloc[0]!r}."
            )
        totals.append(
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
    return conform(pd.concat(totals, ignore_index=True), CONTROL_TOTALS)


def against_printed(
    rows: pd.DataFrame, totals: pd.DataFrame, declared: Sequence[Mapping[str, Any]], period: str
) -> list[Problem]:
    """Compare sums of tidy rows with the printed totals of the same period and subject; returns the problems.

    declared  for each kind of total: its name (`total`), the summed `measure`, the column of the subject (`by`), column
              values that select the rows (`where`), and the bounds `warn` and `refuse` on the difference as a share of
              the total
    """
    problems = []
    for one in declared:
        chosen = rows
        for column, value in one.get("where", {}).items():
            chosen = chosen[chosen[column] == value]
        subjects = chosen[one["by"]] if "by" in one else EVERYTHING
        sums = chosen.assign(period=period_labels(chosen[period]), subject=subjects)
        sums = sums.groupby(["period", "subject"], observed=True)[one["measure"]].sum().rename("sum").reset_index()
        both = sums.merge(totals[totals["total"] == one["total"]], on=["period", "subject"])
        gap = (both["sum"].astype("float64") - both["value"]).abs() / both["value"].abs()
        worst = gap.max() if len(gap) else 0.0
        refuses = beyond(worst, one)
        if refuses is not None:
            at = both.loc[gap.idxmax()]
            problems.append(
                Problem(
                    "control_totals",
                    refuses,
                    f"{at['period']}: {one['measure']} sums to {at['sum']:,.0f}, and the {one['total']} "
                    f"{'' if at['subject'] == EVERYTHING else str(at['subject']) + ' '}is {at['value']:,.0f} "
                    f"({(gap > one['warn']).sum():,} of {len(both):,} totals differ)",
                )
            )
    return problems
