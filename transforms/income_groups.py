"""Stage the World Bank's income groups, and join them with the peacekeeping levels: one row per state and year.

`data/income_group_economies.csv` has the codes and years that are not simply a state's: economies without an ISO 3166
code, years that the file fills, and years of a former state. `data/development_ladders.csv` says which groups and
levels count as developing.
"""

from __future__ import annotations

from datetime import date
from functools import cache

import pandas as pd

from schemas.incoming.development import income_groups_schema
from schemas.source import Source
from schemas.tables.development import COUNTRY_YEARS, DEVELOPMENT_LADDERS, INCOME_GROUPS
from schemas.validate import conform
from transforms.countries import known_codes
from transforms.dialects import Raw
from transforms.periods import calendar_years
from transforms.reference_lists import read_list
from transforms.staging import Staged, finish, merge_doubled, prepare

KEY = ["year", "economy_code"]
COLUMNS = [*KEY, "economy", "iso3", "income_group", "basis", "world_bank_region"]


@cache
def exceptions() -> pd.DataFrame:
    """The economies and years that are not a state's of the same code, one row each: code, year, iso3, basis.

    The year is missing where a row applies to all years.
    """
    table = read_list("income_group_economies.csv")
    always = table[table["first_year"] == ""].assign(year=pd.Series(dtype="Int64"))
    special = _years(table[table["first_year"] != ""], "first_year", "last_year")
    return pd.concat([always, special]).astype({"year": "Int64"})[["code", "year", "iso3", "basis"]]


def _years(table: pd.DataFrame, first: str, last: str) -> pd.DataFrame:
    """The rows once for each year from the column `first` to the column `last`, in a column `year`."""
    begins, ends = table[first].astype("int64"), table[last].astype("int64")
    times = table.index.repeat(ends - begins + 1)
    repeated = table.loc[times]
    return repeated.assign(year=begins.loc[times] + repeated.groupby(level=0).cumcount())


def stage(raw: Raw, declared: Source, vintage: date) -> Staged:
    """Stage one snapshot: one row per economy and year. A code that is neither a state's nor an exception is a signal.

    Raises ContractError when the file is not what the source promises (see transforms.staging).
    """
    ready = prepare(raw, income_groups_schema(declared.bounds, vintage), declared)
    rows = ready.rows
    known = exceptions()
    always = known[known["year"].isna()].set_index("code")
    special = known[known["year"].notna()].rename(columns={"code": "economy_code"})
    found = rows[KEY].merge(special, on=KEY, how="left", validate="m:1").set_index(rows.index)
    code = rows["economy_code"]
    iso3 = found["iso3"].fillna(code.map(always["iso3"])).fillna(code.where(code.isin(known_codes())))
    ready.signal("unknown_economy", code[iso3.isna()])
    first, last = calendar_years(rows["year"], rows["year"])
    ready.rows = rows.assign(
        iso3=iso3.mask(iso3 == "").astype("str"),
        basis=found["basis"].fillna("classified").astype("str"),
        first=first,
        last=last,
    )
    columns = [name for name in COLUMNS if name not in KEY]
    merge_doubled(ready, KEY, columns, lambda bad: "economy_code: expected once a year, got '" + bad["economy"] + "'")
    return finish(raw, ready, ready.rows[COLUMNS], (ready.rows["first"], ready.rows["last"]))


@cache
def development_ladders() -> pd.DataFrame:
    """The table `main.development_ladders` (schemas.tables.development)."""
    table = read_list("development_ladders.csv")
    developing = table["is_developing"].map({"yes": True, "no": False}).astype("boolean")
    return conform(
        table.assign(is_developing=developing, position=table["position"].astype("Int64")), DEVELOPMENT_LADDERS
    )


def country_years_table(groups: pd.DataFrame | None, levels: pd.DataFrame | None) -> pd.DataFrame:
    """The table `main.country_years` (schemas.tables.development).

    groups  rows of main.income_groups; levels  rows of main.peacekeeping_levels; None where none is held
    """
    groups = pd.DataFrame(columns=list(INCOME_GROUPS.columns)) if groups is None else groups
    given = groups[(groups["basis"] != "filled") & groups["iso3"].notna() & groups["income_group"].notna()]
    by_income = given[["iso3", "year", "income_group"]].astype({"iso3": "str", "year": "Int64"})
    by_level = pd.DataFrame(columns=["iso3", "year", "level"]).astype({"iso3": "str", "year": "Int64"})
    if levels is not None:
        period = levels["scale_period"].str
        spans = levels.assign(iso3=levels["contributor_iso3"], first=period[:4], last=period[5:]).reset_index(drop=True)
        by_level = _years(spans, "first", "last")[["iso3", "year", "level"]].astype({"year": "Int64"})
    table = by_income.merge(by_level, on=["iso3", "year"], how="outer", validate="1:1")
    ladders = development_ladders().set_index(["ladder", "step"])["is_developing"]
    for column, ladder in (("income_group", "income_group"), ("level", "level")):
        flags = table[column].map(ladders[ladder]).astype("boolean")
        table["is_developing_by_" + ladder.removesuffix("_group")] = flags
    return conform(table.sort_values(["iso3", "year"], ignore_index=True), COUNTRY_YEARS)
