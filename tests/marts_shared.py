"""Shared by the tests of marts and claims: a warehouse filled with bundled snapshots, and rows made by hand."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
from tests_shared import CATALOGUE

from flows.steps.registry import LISTED_MISSIONS, tables_of
from schemas.columns import Table
from schemas.tables import TABLES
from schemas.tables.builds import SNAPSHOTS
from schemas.tables.countries import COUNTRIES
from schemas.validate import conform
from sources import bundle
from transforms import countries, income_groups, missions, state_codes
from transforms.staging import Staged
from transforms.vintages import Vintage
from warehouse import load

Connection = duckdb.DuckDBPyConnection


def insert(connection: Connection, table: Table, frame: pd.DataFrame) -> None:
    columns = ", ".join(table.stored_columns)
    connection.register("given", frame)
    connection.execute(f"INSERT INTO {table.full_name} ({columns}) SELECT {columns} FROM given")
    connection.unregister("given")


def put(connection: Connection, name: str, columns: str, *rows: tuple[Any, ...], **same: Any) -> None:
    """Insert rows made by hand; columns that may not be NULL and don't matter get something."""
    table = TABLES[name]
    frame = pd.DataFrame(list(rows), columns=columns.split()).assign(**same)
    for column, declared in table.stored_columns.items():
        if column == "snapshot_row":
            frame[column] = range(1, len(frame) + 1)
        elif column not in frame and not declared.nullable:
            how = declared.metadata or {}
            text = "a" * 64 if how.get("pattern") else how.get("values", "x")[0]
            frame[column] = text if str(declared.dtype).startswith("str") else 0
    for column, declared in table.stored_columns.items():
        if "datetime" in str(declared.dtype) and column in frame:
            frame[column] = pd.to_datetime(frame[column])
    insert(connection, table, conform(frame, table))


FILES = {
    "fatalities": ["fatalities_2025-04.csv.gz"],
    "uniformed_personnel": [
        "uniformed_personnel_by_sex_2009-11_2014-08.csv.gz",
        "uniformed_personnel_2015-01_2025-07.csv.gz",
    ],
    "mission_strength": ["mission_strength_1990-11_2017-03.csv.gz"],
    "contributor_strength": ["contributor_strength_1990-11_2014-03.csv.gz"],
    "missions": ["missions_2024-02.csv.gz"],
    "assessed_contributions": ["assessed_contributions_2013-2024.csv.gz"],
    "government_revenue": ["government_revenue_2013-2024.csv.gz"],
    "peacekeeping_levels": ["peacekeeping_levels_2013-2024.csv.gz"],
    "scale_of_assessments": ["scale_of_assessments_1946-2027.csv.gz"],
    "regular_budget_payments": ["regular_budget_payments_2019-2026.csv.gz"],
    "income_groups": ["income_groups_1987_2024.csv.gz"],
    "dated_facts": ["dated_facts_arrears.csv.gz", "dated_facts_cash.csv.gz", "dated_facts_minusma.csv.gz"],
    "mission_assessments": ["mission_assessments_2022-23_2025-26.csv.gz"],
    "mission_budgets": [
        "mission_budgets_approved_2009-10_2025-26.csv.gz",
        "mission_budgets_approved_more.csv.gz",
        "mission_budgets_expenditure_2018-19_2024-25.csv.gz",
        "mission_budgets_accounts_2023-24_2024-25.csv.gz",
    ],
}


def fill(connection: Connection, bundled: Callable[[str], Staged]) -> None:
    """Create every table and mart, and fill what the bundled FILES give, with meta.snapshots."""
    entries = {entry["file"]: entry for entry in bundle.manifest()}
    frames: dict[str, pd.DataFrame] = {}
    snapshots = []
    for source, files in FILES.items():
        vintages = []
        for file in files:
            day = entries[file]["vintage"]
            sha256 = hashlib.sha256((bundle.BUNDLED / file).read_bytes()).hexdigest()
            staged = bundled(file)
            vintages.append(Vintage(sha256, date.fromisoformat(day), staged))
            snapshots.append((source, day, sha256, CATALOGUE[source].citation_of(day, staged.dialect)))
        frames |= tables_of(CATALOGUE[source], vintages)
    named = {name for frame in frames.values() if "mission" in frame for name in frame["mission"].dropna()}
    frames["main.countries"] = conform(countries.countries_table(), COUNTRIES)
    frames["main.missions"] = missions.missions_table(frames.pop(LISTED_MISSIONS, None), named)
    frames["main.country_years"] = income_groups.country_years_table(
        frames["main.income_groups"], frames["main.peacekeeping_levels"]
    )
    frames["main.development_ladders"] = income_groups.development_ladders()
    frames["main.country_aliases"] = countries.aliases_table()
    frames["main.mission_aliases"] = conform(missions.aliases_table(), TABLES["main.mission_aliases"])
    frames["main.mission_hosts"] = missions.hosts_table()
    frames["main.state_codes"] = state_codes.state_codes_table()
    frames["main.state_code_gaps"] = state_codes.state_code_gaps_table()
    load.create_empty(connection)
    for name, table in TABLES.items():
        if name in frames:
            insert(connection, table, frames[name])
    put(connection, SNAPSHOTS.full_name, "source vintage sha256 citation", *snapshots)


def select(connection: Connection, sql: str) -> list[tuple[Any, ...]]:
    return connection.execute(sql).fetchall()


def one(connection: Connection, sql: str) -> tuple[Any, ...]:
    (row,) = select(connection, sql)
    return row


def edit(file: Path, *statements: str) -> None:
    """Run statements on a warehouse file."""
    with duckdb.connect(str(file)) as connection:
        for statement in statements:
            connection.execute(statement)


def person(number: int, day: str, mission: str, *rest: str | None) -> tuple[Any, ...]:
    """A casualty of DEATHS; `rest` is nationality, personnel type and incident type."""
    return (f"{mission}-{number}", day, mission, *rest)


DEATHS = "casualty_id incident_date mission nationality_iso3 personnel_type incident_type"


def add_deaths(connection: Connection, *rows: tuple[Any, ...]) -> None:
    known = pd.Series([row[3] for row in rows]).notna().map({True: "known", False: "undetermined"})
    seen = {"first_seen": "2024-12-31", "last_seen": "2024-12-31"}
    put(connection, "main.fatalities", DEATHS, *rows, nationality_status=known, **seen)


def add_personnel(connection: Connection, *rows: tuple[Any, ...], **same: Any) -> None:
    columns = "month_end mission contributor_iso3 personnel_type female male total"
    how = {"series": "monthly_report", "includes_staff_officers": False, **same}
    put(connection, "main.uniformed_personnel", columns, *rows, **how)


def add_ipi_strength(connection: Connection, mission: str, first: str, last: str, total: int) -> None:
    months = pd.date_range(first, last, freq="ME").strftime("%Y-%m-%d")
    rows = [(month, mission, total, total) for month in months]
    put(connection, "main.mission_strength", "month_end mission troops total", *rows, reported_on=months)
