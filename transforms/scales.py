"""Stage the regular budget's scale of assessments: one row per scale period and member state."""

from __future__ import annotations

from datetime import date

import pandas as pd

from schemas.incoming.assessments import scale_of_assessments_schema
from schemas.source import Source
from transforms import countries
from transforms.dialects import Raw
from transforms.periods import calendar_years
from transforms.staging import Staged, finish, merge_doubled, prepare, require_states

KEY = ["period_from", "contributor_iso3"]
# The ceiling has been 25 % since 1974. Only the United States had more before.
HIGH_RATE_PCT = 30
DECIMALS = 6  # the scale prints up to five; further digits are binary fractions (0.026000000000000002)

_FOOTNOTE = r"\s+[a-z]/\s*$"
_FORMERLY = r"\(formerly\s+([^)]+)\)"


def states(printed: pd.Series, first_day: pd.Series, source: str) -> pd.Series:
    """ISO3 codes of names as the scale prints them, with footnote marks and former names in brackets.

    A row has the newest name of a state that was renamed or dissolved. If the former name is a dissolved state ("Serbia
    (formerly Yugoslavia)"), the code is of the state that existed on the period's first day: the dissolved state, a
    dissolved successor of it, or the present state. Renamed states (Zaire) keep their code.
    """
    plain = printed.str.replace(_FOOTNOTE, "", regex=True)
    today = countries.to_iso3(plain.str.replace(_FORMERLY, "", regex=True), source)
    former = countries.to_iso3(plain.str.extract(_FORMERLY)[0], source)
    dissolved = countries.dissolved_states().set_index("iso3")
    iso3 = today.copy()
    for code in set(former.dropna()) & set(dissolved.index):
        for state in _successors(code, dissolved):
            existed = first_day.between(dissolved["existed_from"][state], dissolved["existed_until"][state])
            iso3 = iso3.mask((former == code) & existed, state)
    return iso3


def _successors(code: str, dissolved: pd.DataFrame) -> list[str]:
    """A dissolved state and its dissolved successors (YUG, SCG)."""
    line = [code]
    for state in line:
        line += [
            other
            for other in str(dissolved.loc[state, "successors_iso3"]).split(";")
            if other in dissolved.index and other not in line
        ]
    return line


def stage(raw: Raw, declared: Source, vintage: date) -> Staged:
    """Stage one snapshot. Rates over 30 % are signals; rates are rounded to six decimals.

    Raises ContractError when the file is not what the source promises (see transforms.staging).
    """
    ready = prepare(raw, scale_of_assessments_schema(declared.bounds, vintage), declared)
    backwards = ready.rows["period_to"] < ready.rows["period_from"]
    ready.reject(
        backwards,
        "period_to",
        "ends_before_it_begins",
        lambda bad: (
            "period_to: expected "
            + bad["period_from"].astype("str")
            + " or later, got "
            + bad["period_to"].astype("str")
        ),
    )
    printed = ready.rows["contributor"]
    first, last = calendar_years(ready.rows["period_from"], ready.rows["period_to"])
    iso3 = states(printed, first, declared.name)
    ready.rows = ready.rows.assign(
        contributor_iso3=iso3,
        contributor_as_published=printed,
        rate_pct=ready.rows["rate_pct"].round(DECIMALS),
        first=first,
        last=last,
    )
    require_states(ready, printed, iso3)
    high = ready.rows["rate_pct"] > HIGH_RATE_PCT
    ready.signal(f"rate_over_{HIGH_RATE_PCT}_pct", ready.rows.loc[high, "contributor_as_published"])
    merge_doubled(
        ready,
        KEY,
        ["period_to", "rate_pct"],
        lambda bad: (
            "contributor_iso3: expected each state once a period, got '" + bad["contributor_as_published"] + "' again"
        ),
    )
    columns = ["period_from", "period_to", "contributor_iso3", "contributor_as_published", "rate_pct"]
    return finish(raw, ready, ready.rows[columns], (ready.rows["first"], ready.rows["last"]))
