"""Stage budget lines of missions by peacekeeping year, mission, class and subclass.

Of the data hub's DPO-PKBUDGET no reply has been recorded, so few assumptions are made: classes stay as printed, totals
are flagged so that they are not added to their parts, and amounts implausible as thousands of dollars are rejected or
signals. The open data's expenditure says which rows are totals, and is in dollars.
"""

from __future__ import annotations

import re
from datetime import date
from functools import cache

import pandas as pd

from schemas.columns import ORIGIN
from schemas.incoming.budgets import mission_budget_lines_schema
from schemas.source import Source
from schemas.tables.budgets import MISSION_BUDGET_LINES
from schemas.validate import ContractError
from transforms import missions
from transforms.dialects import Raw
from transforms.periods import peacekeeping_year_ended, peacekeeping_year_started
from transforms.reference_lists import read_list
from transforms.staging import Prepared, Staged, finish, merge_doubled, prepare

COLUMNS = [name for name in MISSION_BUDGET_LINES.columns if name not in ORIGIN]
KEY = list(MISSION_BUDGET_LINES.key)
YEAR = ["mission", "peacekeeping_year", "period_start", "period_end"]
PRINTED_UNITS = (1000, 100, 10, 1)  # in USD: thousands without decimals, with one, two or three


@cache
def _words_of_totals() -> str:
    table = read_list("words_of_totals.csv")
    return r"\b(?:" + "|".join(re.escape(words) for words in table["words"]) + r")\b"


def totals(rows: pd.DataFrame) -> pd.Series:
    """Which lines are totals: by their words (data/words_of_totals.csv), or because they have no subclass (or repeat
    the class) while other lines of the class have one."""
    named = pd.Series(False, index=rows.index)
    for name in ("budget_class", "budget_subclass"):
        named |= rows[name].str.contains(_words_of_totals(), case=False, regex=True)
    of_class = rows["budget_class"].str.casefold()
    of_all = (rows["budget_subclass"] == "") | (rows["budget_subclass"].str.casefold() == of_class)
    beside = (~of_all & ~named).groupby([*(rows[name] for name in YEAR), of_class]).transform("any")
    return (named | (of_all & beside)).astype("boolean")


def sums(rows: pd.DataFrame, amount: str) -> pd.Series:
    """The sum of the lines of each mission and period, without totals; the largest line if there are only totals."""
    parts = rows[~rows["is_total"]].groupby(YEAR)[amount].sum(min_count=1)
    largest = rows.groupby(YEAR)[amount].max()
    return parts.reindex(largest.index).fillna(largest)


def _period_of_year(rows: pd.DataFrame) -> pd.DataFrame:
    """Add the period where the file prints the peacekeeping year alone."""
    year = peacekeeping_year_started(rows["peacekeeping_year"])
    return rows.assign(**{name: rows[name].fillna(year[name]) for name in ("period_start", "period_end")})


def _named_by_tier(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of a file with tiers: classes with their printed names, totals without a subclass."""
    names = rows[rows["tier"] == "class"].drop_duplicates("budget_class").set_index("budget_class")["budget_subclass"]
    whole = rows["tier"] == "mission"
    of_class = rows["budget_class"].map(names).fillna(rows["budget_class"])
    return rows.assign(
        budget_class=of_class.mask(whole, rows["row_label"].fillna(rows["budget_class"])),
        budget_subclass=rows["budget_subclass"].mask(rows["tier"] != "item", ""),
        is_total=(rows["tier"] != "item").astype("boolean"),
    )


def _label(rows: pd.DataFrame) -> pd.Series:
    return rows["mission"] + " " + rows["peacekeeping_year"]


def _signal_variances(ready: Prepared) -> None:
    """Signal variances that are not apportionment less expenditure, within rounding of all three.

    The printed unit is the largest one of which all amounts are multiples.
    """
    rows = ready.rows
    amounts = pd.concat([rows["apportionment_usd"], rows["expenditure_usd"]]).dropna()
    unit = next((unit for unit in PRINTED_UNITS if (amounts % unit == 0).all()), 0.01)
    gap = (rows["apportionment_usd"] - rows["expenditure_usd"] - rows["variance_usd"]).abs().round(2)
    ready.signal("variance_is_not_the_difference", _label(rows[gap > 1.5 * unit]))


def _signal_sums(ready: Prepared, declared: Source) -> None:
    """Signal mission-years with an implausible sum. Raises ContractError if most sums are too large for thousands."""
    low, high = (declared.bounds["mission_year_usd"][end] for end in ("min", "max"))
    for amount in ("apportionment_usd", "expenditure_usd"):
        summed = sums(ready.rows, amount)
        if (summed > high).mean() > 0.5:
            raise ContractError(
                f"{(summed > high).sum():,} of {len(summed):,} mission-years have {amount} above {high:,} in sum: the "
                "amounts can't be thousands of USD, as this source has them."
            )
        odd = summed[(summed < low) | (summed > high)].reset_index()
        shown = odd[amount].map("{:,.0f}".format).astype("str")
        ready.signal("mission_year_sum", _label(odd) + f": {amount} " + shown)


def stage(raw: Raw, declared: Source, vintage: date) -> Staged:
    """Stage one snapshot. A period is kept when it lies within one peacekeeping year (1 July to 30 June).

    Raises ContractError when the file is not what the source promises (see transforms.staging), or not in thousands.
    """
    schema = mission_budget_lines_schema(declared.bounds, vintage)
    ready = prepare(raw, schema, declared, derive=_period_of_year)
    start, end = ready.rows["period_start"], ready.rows["period_end"]
    year = peacekeeping_year_ended(start.dt.year + (start.dt.month >= 7))
    ready.reject(
        (end < start) | (end > year["period_end"]),
        "period_end",
        "one_peacekeeping_year",
        lambda bad: (
            "period_end: expected a day from "
            + bad["period_start"].astype("str")
            + " to the end of that peacekeeping year, "
            + year.loc[bad.index, "period_end"].astype("str")
            + ", got "
            + bad["period_end"].astype("str")
        ),
    )
    printed = ready.rows["mission"]
    ready.rows = ready.rows.assign(
        peacekeeping_year=year["peacekeeping_year"].reindex(ready.rows.index),
        mission=missions.canonical(printed),
        mission_as_published=printed,
        budget_subclass=ready.rows["budget_subclass"].fillna(""),
    )
    tiered = bool((ready.rows["tier"] != "line").all())
    if tiered:
        ready.rows = _named_by_tier(ready.rows)
    compared = ["apportionment_usd", "expenditure_usd", "variance_usd", "document_symbol"]
    merge_doubled(ready, KEY, compared, lambda _: f"{', '.join(KEY)}: expected each once, got a second")
    if not tiered:
        ready.rows = ready.rows.assign(is_total=totals(ready.rows))
    _signal_variances(ready)
    _signal_sums(ready, declared)
    return finish(raw, ready, ready.rows[COLUMNS], (ready.rows["period_start"], ready.rows["period_end"]))
