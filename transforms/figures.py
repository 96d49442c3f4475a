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

from schemas.incoming import Bounds
from transforms import countries, missions
from transforms.dialects import Raw
from transforms.staging import Declaration, Prepared, Staged, doubled, finish, prepare


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


def peacekeeping_year_started(label: pd.Series) -> pd.DataFrame:
    """First and last day of peacekeeping years written 2018-19; missing where the label is none (2018-20).

    These sources label a peacekeeping year by both its calendar years; CEB by the one in which it ended.
    """
    parts = label.str.extract(r"^(\d{4})-(\d{2})$")
    first = pd.to_numeric(parts[0]).astype("Int64")
    whole = ((first + 1) % 100 == pd.to_numeric(parts[1]).astype("Int64")).fillna(False).astype(bool)
    start = pd.to_datetime(parts[0].where(whole) + "-07-01", format="%Y-%m-%d").astype("datetime64[us]")
    end = start + pd.DateOffset(years=1) - pd.Timedelta(days=1)
    return pd.DataFrame({"period_start": start, "period_end": end.astype("datetime64[us]")})


def month_ends(days: pd.Series) -> pd.Series:
    """The last day of each day's month."""
    return (days + pd.offsets.MonthEnd(0)).astype("datetime64[us]")


def stage(raw: Raw, declared: Declaration, vintage: date, shape: Shape) -> Staged:
    """Stage one snapshot of figures. An incoming `contributor` is resolved to `contributor_iso3`, an incoming
    `mission` to the acronym that all tables use (unknown ones stay as printed and become unresolved missions).

    Raises ContractError when the file is not what the source promises (see transforms.staging).
    """
    ready = prepare(raw, shape.schema(declared.bounds, vintage), declared)
    if "contributor" in ready.rows:
        _resolve_states(ready, declared.name)
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
    _merge_doubled(ready, shape)
    tidy = ready.rows[list(shape.columns)]
    first, last = shape.covers
    return finish(raw, ready, declared, tidy, (ready.rows[first], ready.rows[last]))


def _resolve_states(ready: Prepared, source: str) -> None:
    printed = ready.rows["contributor"]
    iso3 = countries.to_iso3(printed, source)
    ready.rows = ready.rows.assign(contributor_iso3=iso3, contributor_as_published=printed)
    unknown = iso3.isna() & printed.notna()
    ready.signal("unresolved_contributor", printed[unknown])
    ready.reject(
        unknown,
        "contributor_iso3",
        "unknown_state",
        lambda bad: "contributor_iso3: expected a state's name, got '" + bad["contributor_as_published"] + "'",
    )


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


def _merge_doubled(ready: Prepared, shape: Shape) -> None:
    again, kept = doubled(ready.rows, list(shape.key), [])
    if not again.any():
        return
    copies = ready.rows.loc[again, list(shape.columns)]
    stands = ready.rows.loc[kept[again], list(shape.columns)].set_axis(copies.index)
    same = ((copies == stands) | (copies.isna() & stands.isna())).all(axis=1)
    ready.merge(same.reindex(ready.rows.index, fill_value=False), "identical_row", kept)
    ready.reject(
        again.reindex(ready.rows.index),
        shape.key[-1],
        "doubled_key",
        lambda bad: (
            ", ".join(shape.key)
            + ": expected each once, got a second, contradicting row "
            + kept.reindex(bad.index).astype("str")
        ),
    )
