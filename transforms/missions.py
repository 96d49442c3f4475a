"""Stage the mission list, resolve acronyms, and build the table of missions from the list and the register.

The list (source `missions`) has operations, dates and coordinates. `data/mission_register.csv` adds missions that the
list does not have, kinds, predecessors, and exact days where the list prints the first of a month. It has
every mission's name, also of those in the list: a warehouse as of a day before the first list has them too.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import cache

import pandas as pd

from schemas.incoming.missions import missions_schema
from schemas.source import Source
from schemas.tables.missions import MISSION_HOSTS, MISSIONS
from schemas.validate import conform
from transforms.countries import countries_table
from transforms.dialects import Raw
from transforms.reference_lists import read_list, sha256_of
from transforms.staging import Staged, doubled, finish, prepare

REGISTER = "mission_register.csv"


@cache
def aliases_table() -> pd.DataFrame:
    """The table `main.mission_aliases` (schemas.tables.missions)."""
    frame = read_list("mission_aliases.csv")
    return frame.mask(frame == "").astype("str")


@cache
def hosts_table() -> pd.DataFrame:
    """The table `main.mission_hosts` (schemas.tables.missions): the hosts of the register's missions."""
    table = read_list("mission_hosts.csv")
    for name in ("host_from", "host_until"):
        table[name], _ = _dates(table[name], end=name == "host_until")
    disagree = table["sources_disagree"].map({"yes": True, "no": False}).astype("boolean")
    states = countries_table().set_index("iso3")[["name", "region", "sub_region", "intermediate_region"]]
    table = table.assign(sources_disagree=disagree, note=table["note"].mask(table["note"] == ""))
    return conform(table.join(states.rename(columns={"name": "host"}), on="host_iso3"), MISSION_HOSTS)


@cache
def _canonical() -> dict[str, str]:
    """Acronyms by casefolded printed form."""
    known = {name.casefold(): name for name in read_list(REGISTER)["mission"]}
    table = aliases_table()
    return known | dict(zip(table["alias"].str.casefold(), table["mission"], strict=True))


def canonical(printed: pd.Series) -> pd.Series:
    """Acronyms in the form used in all tables: trimmed, with aliases resolved. Unknown ones stay as printed."""
    known = _canonical()
    distinct = printed.dropna().unique()
    tidy = [" ".join(str(name).split()) for name in distinct]
    acronyms = {name: known.get(text.casefold(), text) for name, text in zip(distinct, tidy, strict=True)}
    return printed.map(acronyms).astype("str")


def _dates(printed: pd.Series, end: bool) -> tuple[pd.Series, pd.Series]:
    """Register dates (2013-04-25, 2007-01, 2003) as days, and their precision. `end` selects a period's last day."""
    parts = printed.str.count("-")
    precision = parts.map({2: "day", 1: "month", 0: "year"}).where(printed != "")
    filler = {0: "-12-31", 1: "-01", 2: ""} if end else {0: "-01-01", 1: "-01", 2: ""}
    days = pd.to_datetime((printed + parts.map(filler)).where(printed != ""), format="%Y-%m-%d")
    if end:
        days = days.where(parts != 1, days + pd.offsets.MonthEnd(0))
    return days.astype("datetime64[us]"), precision.astype("str")


@cache
def register() -> pd.DataFrame:
    """The register, indexed by mission, with `start_date`, `end_date` as days and their precisions."""
    frame = read_list(REGISTER)
    for name in ("start_date", "end_date"):
        frame[name], frame[f"{name}_precision"] = _dates(frame[name], end=name == "end_date")
    texts = [str(name) for name in frame.columns if not str(name).startswith(("start", "end"))]
    frame[texts] = frame[texts].mask(frame[texts] == "").astype("str")
    frame["snapshot_sha256"] = sha256_of("mission_register")
    frame["snapshot_row"] = pd.Series(range(1, len(frame) + 1), dtype="Int64")
    return frame.set_index("mission")


def _clean(cells: pd.DataFrame) -> pd.DataFrame:
    """Normalise the case of is_active (the list prints 'NO' and 'No')."""
    return cells.assign(is_active=cells["is_active"].str.strip().str.capitalize())


def stage(raw: Raw, declared: Source, vintage: date) -> Staged:
    """Stage one snapshot of the list: one row per mission.

    Raises ContractError when the file is not the list (see transforms.staging).
    """
    ready = prepare(raw, missions_schema(declared.bounds, vintage), declared, clean=_clean)
    ready.reject(
        ready.rows["end_date"] < ready.rows["start_date"],
        "end_date",
        "ends_before_it_begins",
        lambda bad: (
            "end_date: expected "
            + bad["start_date"].dt.strftime("%Y-%m-%d")
            + " or later, got "
            + bad["end_date"].dt.strftime("%Y-%m-%d")
        ),
    )
    rows = ready.rows.assign(printed=ready.rows["mission"], mission=canonical(ready.rows["mission"]))
    ready.rows = rows.assign(other_name=(rows["printed"] != rows["mission"]).astype("int64"))
    again, kept = doubled(ready.rows, ["mission"], ["other_name"])
    ready.merge(again & (ready.rows["other_name"] == 1), "one_mission_two_acronyms", kept)
    again = again.reindex(ready.rows.index)
    ready.reject(
        again, "mission", "doubled_key", lambda bad: "mission: expected once, got '" + bad["printed"] + "' again"
    )
    tidy = ready.rows
    columns = [
        "mission",
        "name",
        "lead_department",
        "is_active",
        "start_date",
        "end_date",
        "headquarters",
        "longitude",
        "latitude",
    ]
    tidy = tidy[columns].assign(is_active=tidy["is_active"].map({"Yes": True, "No": False}).astype("boolean"))
    return finish(raw, ready, tidy, (tidy["start_date"], tidy["start_date"]))


def _completed(listed: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """The list's missions with the register's kinds, relations, names that the list lacks, and exact days."""
    ours = listed.set_index("mission").assign(in_published_list=True)
    for name in ("start_date", "end_date"):
        first = ours[name].dt.day == 1
        precision = pd.Series("day", index=ours.index).mask(first, "first_of_month").where(ours[name].notna())
        exact = known[name].reindex(ours.index)
        better = exact.notna() & (
            ours[name].isna() | (first & (exact.dt.to_period("M") == ours[name].dt.to_period("M")))
        )
        ours[f"{name}_precision"] = precision.mask(better, known[f"{name}_precision"].reindex(ours.index)).astype("str")
        ours[name] = ours[name].mask(better, exact)
    ours["name"] = ours["name"].fillna(known["name"].reindex(ours.index))
    for name in ("kind", "part_of", "predecessor", "successor", "note", "source"):
        ours[name] = known[name].reindex(ours.index)
    ours["kind"] = ours["kind"].fillna("peacekeeping")  # the list has peacekeeping operations only
    ours["source"] = ours["source"].fillna("UN DPPADPOSS-PKO list")
    return ours


def missions_table(listed: pd.DataFrame | None, acronyms: Iterable[str]) -> pd.DataFrame:
    """The table `main.missions` (schemas.tables.missions).

    listed    tidy rows of the newest list, with snapshot_sha256 and snapshot_row; None before the first list
    acronyms  missions in other tables; unknown ones get a row of the kind `unresolved`, so that rows that refer to
              them can be loaded
    """
    known = register()
    ours = known.head(0).assign(in_published_list=True) if listed is None else _completed(listed, known)
    others = known.loc[known.index.difference(ours.index)].assign(in_published_list=False)
    table = pd.concat([ours, others])
    unknown = sorted(set(acronyms) - set(table.index))
    if unknown:
        extra = {"kind": "unresolved", "in_published_list": False, "source": "printed by a source; in no list"}
        table = pd.concat([table, pd.DataFrame(extra, index=pd.Index(unknown, name="mission"))])
    table = table.rename_axis("mission").reset_index().sort_values("mission", ignore_index=True)
    return conform(table, MISSIONS)
