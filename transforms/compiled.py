"""Stage sources compiled from cited documents: budgets, assessments, rates, payments, dated facts, mission strength.

Shared rules: printed states and missions are resolved; a peacekeeping year is 1 July to 30 June, written 2018-19; a row
that repeats another's key is merged if it has the same values and rejected otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache, partial

import pandas as pd
import pandera.pandas as pa

from schemas.columns import ORIGIN, Table
from schemas.incoming.assessments import (
    mission_assessments_schema,
    peacekeeping_levels_schema,
    peacekeeping_rates_schema,
    state_mission_assessments_schema,
)
from schemas.incoming.budgets import budget_totals_schema, mission_budgets_schema
from schemas.incoming.cells import Bounds
from schemas.incoming.contributions import government_revenue_schema
from schemas.incoming.payments import dated_facts_schema, regular_budget_payments_schema
from schemas.incoming.personnel import contributor_strength_schema, mission_strength_schema
from schemas.source import Source
from schemas.tables.assessments import (
    MISSION_ASSESSMENTS,
    PEACEKEEPING_LEVELS,
    PEACEKEEPING_RATES,
    STATE_MISSION_ASSESSMENTS,
)
from schemas.tables.budgets import BUDGET_TOTALS, MISSION_BUDGETS
from schemas.tables.contributions import GOVERNMENT_REVENUE
from schemas.tables.payments import DATED_FACTS, REGULAR_BUDGET_PAYMENTS
from schemas.tables.personnel import CONTRIBUTOR_STRENGTH, MISSION_STRENGTH
from transforms import countries, missions
from transforms.dialects import Raw
from transforms.periods import (
    calendar_years,
    iso_days,
    month_ends,
    peacekeeping_year_ended,
    peacekeeping_year_started,
)
from transforms.reference_lists import read_list
from transforms.staging import Prepared, Staged, finish, merge_doubled, prepare, require_states

# Marks before a figure in the compilations, and their meaning.
QUALIFIERS = {"~": "about", ">": "more than"}


@dataclass(frozen=True)
class Shape:
    """How the rows of a compiled source become rows of its table.

    schema      incoming schema, from the declared bounds and the vintage
    table       the table of main
    covers      columns with a row's first and last day
    derive      adds the columns that the file does not have
    terms       for a column, the printed values (compared without case) and this project's terms
    identified  columns that identify a row, where that is not the table's key
    """

    schema: Callable[[Bounds, date], pa.DataFrameSchema]
    table: Table
    covers: tuple[str, str] = ("period_start", "period_end")
    derive: Callable[[pd.DataFrame], pd.DataFrame] = lambda rows: rows
    terms: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    identified: Sequence[str] = ()

    @property
    def key(self) -> Sequence[str]:
        return self.identified or self.table.key

    @property
    def columns(self) -> list[str]:
        """The tidy columns, in the table's order."""
        return [name for name in self.table.columns if name not in ORIGIN]


def stage(raw: Raw, declared: Source, vintage: date, shape: Shape) -> Staged:
    """Stage one snapshot. `contributor` is resolved to `contributor_iso3`, `mission` to the acronym used in all tables.

    An unknown mission keeps its printed form and becomes an unresolved mission. Raises ContractError when the file is
    not what the source declares (see transforms.staging).
    """
    ready = prepare(raw, shape.schema(declared.bounds, vintage), declared)
    if "contributor" in ready.rows:
        printed = ready.rows["contributor"]
        iso3 = countries.to_iso3(printed, declared.name)
        ready.rows = ready.rows.assign(contributor_iso3=iso3, contributor_as_published=printed)
        require_states(ready, printed, iso3)
    if "mission" in ready.rows:
        printed = ready.rows["mission"]
        ready.rows = ready.rows.assign(mission=missions.canonical(printed), mission_as_published=printed)
    if "peacekeeping_year" in ready.rows:
        ready.rows = ready.rows.assign(**peacekeeping_year_started(ready.rows["peacekeeping_year"]))
        expected = "peacekeeping_year: expected 1 July to 30 June written as 2018-19, got '"
        ready.reject(
            ready.rows["period_start"].isna(),
            "peacekeeping_year",
            "no_peacekeeping_year",
            lambda bad: expected + bad["peacekeeping_year"] + "'",
        )
    for name, terms in shape.terms.items():
        _translate(ready, name, terms)
    ready.rows = shape.derive(ready.rows)
    keys = ", ".join(shape.key)
    merge_doubled(ready, shape.key, shape.columns, lambda _: f"{keys}: expected each once, got a second")
    first, last = shape.covers
    return finish(raw, ready, ready.rows[shape.columns], (ready.rows[first], ready.rows[last]))


def _translate(ready: Prepared, name: str, terms: Mapping[str, str]) -> None:
    """Replace printed values by this project's terms. A value without a term is a signal and rejects its row."""
    printed = ready.rows[name]
    ours = printed.str.casefold().map({theirs.casefold(): mine for theirs, mine in terms.items()}).astype("str")
    ready.signal(f"unknown_{name}", printed[ours.isna()])
    expected = f"{name}: expected one of {', '.join(terms)}, got '"
    ready.reject(ours.isna(), name, "known_value", lambda bad: expected + bad[name] + "'")
    ready.rows = ready.rows.assign(**{name: ours})


@cache
def revenue_kinds() -> dict[str, str]:
    """CEB's kinds of revenue and this project's terms."""
    table = read_list("revenue_kinds.csv")
    return dict(zip(table["printed"], table["kind"], strict=True))


def _year_that_ended(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(**peacekeeping_year_ended(rows["calendar_year"]))


def _percent(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(discount_pct=(rows["discount"] * 100).round(6))


def _calendar_year(rows: pd.DataFrame) -> pd.DataFrame:
    first, last = calendar_years(rows["year"], rows["year"])
    return rows.assign(first=first, last=last)


def _rates(rows: pd.DataFrame) -> pd.DataFrame:
    """Add the first and last day of a period (2017, 2019-2021 or 2011-12), and the derivation to the citation."""
    parts = rows["period"].str.extract(r"^(\d{4})(?:-(\d{2,4}))?$")
    peacekeeping = parts[1].str.len() == 2
    end = parts[1].where(~peacekeeping, parts[0].str[:2] + parts[1]).fillna(parts[0])
    first = parts[0] + pd.Series("-01-01", index=rows.index).mask(peacekeeping, "-07-01")
    last = end + pd.Series("-12-31", index=rows.index).mask(peacekeeping, "-06-30")
    citation = (rows["derivation"] + ": ").fillna("") + rows["citation"]
    return _percent(rows).assign(first=iso_days(first), last=iso_days(last), citation=citation)


def _facts(rows: pd.DataFrame) -> pd.DataFrame:
    """Add the earliest and latest day of a printed date: 2019-01-11, 2018-05 or 2014, with words after it or not."""
    day = rows["as_of"].str.extract(r"^(\d{4}(?:-\d{2}){0,2})(?!\d)")[0]
    precision = day.str.len().map({10: "day", 7: "month", 4: "year"})
    first = pd.to_datetime(day.str.cat(precision.map({"day": "", "month": "-01", "year": "-01-01"})), format="%Y-%m-%d")
    last = first.mask(precision == "month", first + pd.offsets.MonthEnd(0))
    last = last.mask(precision == "year", first + pd.offsets.YearEnd(0))
    statement, scope = rows["statement"], rows["scope"]
    elsewhere = scope.notna() & (scope != "MINUSMA")
    statement = statement.mask(elsewhere, scope + ": " + statement.fillna("")) if elsewhere.any() else statement
    qualifier = rows["mark"].map(QUALIFIERS).where(rows["mark"].notna(), "exact").where(rows["value"].notna())
    return rows.assign(
        as_of_from=first.astype("datetime64[us]"),
        as_of_to=last.astype("datetime64[us]"),
        precision=precision.astype("str"),
        statement=statement.astype("str"),
        qualifier=qualifier.astype("str"),
        order=rows.index,
    )


def _strength(rows: pd.DataFrame) -> pd.DataFrame:
    """Add the month-end. A blank count means 0."""
    names = {"troops", "police", "observers", "experts_on_mission"}  # IPI's two names of observers
    counts = {name: rows[name].fillna(0) for name in names & set(rows)}
    return rows.assign(month_end=month_ends(rows["reported_on"]), **counts)


# The staging function of each source, named by `stage` in its YAML.
government_revenue = partial(
    stage,
    shape=Shape(
        government_revenue_schema,
        GOVERNMENT_REVENUE,
        derive=_year_that_ended,
        terms={"revenue_kind": revenue_kinds()},
    ),
)
mission_budgets = partial(stage, shape=Shape(mission_budgets_schema, MISSION_BUDGETS))
budget_totals = partial(stage, shape=Shape(budget_totals_schema, BUDGET_TOTALS))
mission_assessments = partial(stage, shape=Shape(mission_assessments_schema, MISSION_ASSESSMENTS))
state_mission_assessments = partial(stage, shape=Shape(state_mission_assessments_schema, STATE_MISSION_ASSESSMENTS))
peacekeeping_levels = partial(stage, shape=Shape(peacekeeping_levels_schema, PEACEKEEPING_LEVELS, derive=_percent))
peacekeeping_rates = partial(
    stage, shape=Shape(peacekeeping_rates_schema, PEACEKEEPING_RATES, ("first", "last"), _rates)
)
regular_budget_payments = partial(
    stage, shape=Shape(regular_budget_payments_schema, REGULAR_BUDGET_PAYMENTS, ("first", "last"), _calendar_year)
)
dated_facts = partial(
    stage,
    shape=Shape(
        dated_facts_schema,
        DATED_FACTS,
        ("as_of_from", "as_of_to"),
        _facts,
        identified=("order",),
    ),
)
mission_strength = partial(
    stage, shape=Shape(mission_strength_schema, MISSION_STRENGTH, ("month_end", "month_end"), _strength)
)
contributor_strength = partial(
    stage, shape=Shape(contributor_strength_schema, CONTRIBUTOR_STRENGTH, ("month_end", "month_end"), _strength)
)
