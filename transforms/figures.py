"""Figures compiled from cited documents: rows that name a state, a mission, a peacekeeping year and an amount.

What such sources share: states and missions are resolved from printed names, a peacekeeping year is 1 July to 30 June
and written 2018-19, and a row that repeats another's key is merged when it says the same, else rejected.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import pandas as pd
import pandera.pandas as pa

from schemas.incoming.cells import Bounds
from schemas.source import Source
from transforms import countries, missions
from transforms.dialects import Raw
from transforms.periods import peacekeeping_year_started
from transforms.staging import Prepared, Staged, finish, merge_doubled, prepare, require_states


@dataclass(frozen=True)
class Shape:
    """How the rows of a source become those of its table.

    schema   the incoming schema, from the declared bounds and the vintage
    columns  the tidy columns, in the table's order
    key      what tells rows apart
    covers   the tidy columns with a row's first and its last day
    derive   makes the tidy columns that the file has not
    terms    for a column what is printed there (compared without case) and the term that we use
    """

    schema: Callable[[Bounds, date], pa.DataFrameSchema]
    columns: Sequence[str]
    key: Sequence[str]
    covers: tuple[str, str]
    derive: Callable[[pd.DataFrame], pd.DataFrame] = lambda rows: rows
    terms: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def stage(raw: Raw, declared: Source, vintage: date, shape: Shape) -> Staged:
    """Stage one snapshot of figures. An incoming `contributor` is resolved to `contributor_iso3`, an incoming
    `mission` to the acronym that all tables use (unknown ones stay as printed and become unresolved missions).

    Raises ContractError when the file is not what the source promises (see transforms.staging).
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
        ready.reject(
            ready.rows["period_start"].isna(),
            "peacekeeping_year",
            "no_peacekeeping_year",
            lambda bad: (
                "peacekeeping_year: expected 1 July to 30 June written as 2018-19, got '"
                + bad["peacekeeping_year"]
                + "'"
            ),
        )
    for name, terms in shape.terms.items():
        _translate(ready, name, terms)
    ready.rows = shape.derive(ready.rows)
    keys = ", ".join(shape.key)
    merge_doubled(ready, shape.key, shape.columns, lambda _: f"{keys}: expected each once, got a second")
    tidy = ready.rows[list(shape.columns)]
    first, last = shape.covers
    return finish(raw, ready, tidy, (ready.rows[first], ready.rows[last]))


def _translate(ready: Prepared, name: str, terms: Mapping[str, str]) -> None:
    printed = ready.rows[name]
    ours = printed.str.casefold().map({theirs.casefold(): mine for theirs, mine in terms.items()}).astype("str")
    ready.signal(f"unknown_{name}", printed[ours.isna()])
    ready.reject(
        ours.isna(),
        name,
        "known_value",
        lambda bad: f"{name}: expected one of {', '.join(terms)}, got '" + bad[name] + "'",
    )
    ready.rows = ready.rows.assign(**{name: ours})
