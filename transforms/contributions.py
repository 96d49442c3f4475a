"""Stage assessed contributions: one row per peacekeeping year and member state, from CEB's revenue by donor."""

from __future__ import annotations

from datetime import date

from schemas.incoming.contributions import assessed_contributions_schema
from schemas.source import Source
from transforms import countries
from transforms.dialects import Raw
from transforms.periods import peacekeeping_year_ended
from transforms.staging import Staged, finish, merge_doubled, prepare, require_states

KEY = ["peacekeeping_year", "contributor_iso3"]


def stage(raw: Raw, declared: Source, vintage: date) -> Staged:
    """Stage one snapshot: the assessed contributions of UN-DPO; other entities and kinds are out of scope.

    Raises ContractError when the file is not what the source promises (see transforms.staging).
    """
    ready = prepare(raw, assessed_contributions_schema(declared.bounds, vintage), declared)
    printed = ready.rows["contributor"]
    iso3 = countries.to_iso3(printed, declared.name)
    ready.rows = ready.rows.assign(
        contributor_iso3=iso3, contributor_as_published=printed, **peacekeeping_year_ended(ready.rows["calendar_year"])
    )
    require_states(ready, printed, iso3)
    merge_doubled(
        ready,
        KEY,
        ["amount_usd"],
        lambda bad: (
            "contributor_iso3: expected each state once a year, got '" + bad["contributor_as_published"] + "' again"
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
    return finish(raw, ready, tidy, (tidy["period_start"], tidy["period_end"]))
