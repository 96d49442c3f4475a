"""Assessed contributions: one row a peacekeeping year and member state, from CEB's revenue by government donor."""

from __future__ import annotations

from datetime import date

import pandas as pd

from schemas import incoming
from transforms import countries
from transforms.dialects import Raw
from transforms.staging import Declaration, Staged, doubled, finish, prepare

KEY = ["peacekeeping_year", "contributor_iso3"]


def peacekeeping_year_ended(year: pd.Series) -> pd.DataFrame:
    """The peacekeeping year (1 July to 30 June) that ended in June of `year`: label, first day, last day.

    CEB labels a peacekeeping year by the calendar year in which it ends: 2019 is 2018-19.
    """
    text = year.astype("Int64")
    label = (text - 1).astype("str") + "-" + (text % 100).astype("str").str.zfill(2)
    start = pd.to_datetime((text - 1).astype("str") + "-07-01", format="%Y-%m-%d").astype("datetime64[us]")
    end = pd.to_datetime(text.astype("str") + "-06-30", format="%Y-%m-%d").astype("datetime64[us]")
    return pd.DataFrame({"peacekeeping_year": label, "period_start": start, "period_end": end})


def stage(raw: Raw, declared: Declaration, vintage: date) -> Staged:
    """Stage one snapshot: the assessed contributions of UN-DPO; other entities and kinds are out of scope.

    Raises ContractError when the file is not what the source promises (see transforms.staging).
    """
    ready = prepare(raw, incoming.assessed_contributions(declared.bounds, vintage), declared)
    printed = ready.rows["contributor"]
    iso3 = countries.to_iso3(printed, declared.name)
    ready.rows = ready.rows.assign(
        contributor_iso3=iso3, contributor_as_published=printed, **peacekeeping_year_ended(ready.rows["calendar_year"])
    )
    ready.signal("unresolved_contributor", printed[iso3.isna()])
    ready.reject(
        iso3.isna(),
        "contributor_iso3",
        "unknown_state",
        lambda bad: "contributor_iso3: expected a state's name, got '" + bad["contributor_as_published"] + "'",
    )
    again, kept = doubled(ready.rows, KEY, [])
    amount = ready.rows["amount_usd"]
    ready.merge(again & (amount == amount.loc[kept].set_axis(amount.index)), "identical_row", kept)
    ready.reject(
        again.reindex(ready.rows.index),
        "contributor_iso3",
        "doubled_key",
        lambda bad: (
            "contributor_iso3: expected each state once a year, got '"
            + bad["contributor_as_published"]
            + "' again, contradicting row "
            + kept.reindex(bad.index).astype("str")
        ),
    )
    columns = [
        "peacekeeping_year",
        "period_start",
        "period_end",
        "contributor_iso3",
        "amount_usd",
        "contributor_as_published",
    ]
    tidy = ready.rows[columns]
    return finish(raw, ready, declared, tidy, (tidy["period_start"], tidy["period_end"]))
