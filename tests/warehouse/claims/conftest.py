"""The tables that the article's claims read, filled from the bundled snapshots."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import date

import duckdb
import pytest
from marts_shared import Connection, fill, insert, put
from tests_shared import CATALOGUE

from flows.steps.registry import tables_of
from schemas.tables.payments import DATED_FACTS
from sources import bundle
from transforms.staging import Staged
from transforms.vintages import Vintage
from warehouse.claims import judge
from warehouse.claims.files import load_claims
from warehouse.claims.judge import Judged

FILES = {
    "fatalities": ["fatalities_2025-04.csv.gz"],
    "uniformed_personnel": ["uniformed_personnel_2015-01_2025-07.csv.gz"],
    "mission_strength": ["mission_strength_1990-11_2017-03.csv.gz"],
    "missions": ["missions_2024-02.csv.gz"],
    "assessed_contributions": ["assessed_contributions_2013-2024.csv.gz"],
    "government_revenue": ["government_revenue_2013-2024.csv.gz"],
    "peacekeeping_levels": ["peacekeeping_levels_2013-2024.csv.gz"],
    "scale_of_assessments": ["scale_of_assessments_1946-2027.csv.gz"],
    "regular_budget_payments": ["regular_budget_payments_2019-2026.csv.gz"],
    "mission_budgets": ["mission_budgets_expenditure_2018-19_2024-25.csv.gz"],
}  # fmt: skip
FACTS = ["dated_facts_arrears.csv.gz", "dated_facts_cash.csv.gz", "dated_facts_minusma.csv.gz"]


@pytest.fixture(scope="package")
def real(bundled: Callable[[str], Staged]) -> Iterator[Connection]:
    """The tables that the claims read, with meta.snapshots."""
    entries = {entry["file"]: entry for entry in bundle.manifest()}

    def sha256(file: str) -> str:
        return hashlib.sha256((bundle.BUNDLED / file).read_bytes()).hexdigest()

    with duckdb.connect() as connection:
        fill(connection, bundled, FILES)
        vintages = [
            Vintage(sha256(file), date.fromisoformat(entries[file]["vintage"]), bundled(file)) for file in FACTS
        ]
        tables = tables_of(CATALOGUE["dated_facts"], vintages)
        insert(connection, DATED_FACTS, tables[DATED_FACTS.full_name])
        connection.execute("DELETE FROM meta.snapshots")
        snapshots = [
            (source, entries[file]["vintage"], sha256(file), CATALOGUE[source].citation_of(entries[file]["vintage"]))
            for source, files in {**FILES, "dated_facts": FACTS}.items()
            for file in files
        ]
        put(connection, "meta.snapshots", "source vintage sha256 citation", *snapshots)
        yield connection


@pytest.fixture(scope="package")
def found(real: Connection) -> dict[str, Judged]:
    return {one.claim.id: one for one in judge.judged(real, load_claims())}


@pytest.fixture(scope="package")
def changed(real: Connection) -> Callable[..., Judged]:
    """A function that judges one claim after changes to the tables, and undoes the changes."""

    def judged_after(name: str, *changes: str) -> Judged:
        real.execute("BEGIN")
        try:
            for change in changes:
                real.execute(change)
            (one,) = judge.judged(real, [claim for claim in load_claims() if claim.id == name])
        finally:
            real.execute("ROLLBACK")
        return one

    return judged_after
