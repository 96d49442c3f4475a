"""The warehouse is a pure function of the archive: the same bytes in any folder and any order of loading."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests_shared import read_csv, to_csv

from sources.bundle import BUNDLED

pytestmark = pytest.mark.slow  # five refreshes


def exports(warehouse: Path, folder: Path) -> dict[str, str]:
    """The SHA-256 of each table of main and meta as CSV and as Parquet, in the order of its rows."""
    folder.mkdir()
    hashes = {}
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        tables = connection.execute(
            "SELECT schema_name || '.' || table_name FROM duckdb_tables() ORDER BY 1"
        ).fetchall()
        for (table,) in tables:
            for form in ("csv", "parquet"):
                file = folder / f"{table}.{form}"
                connection.execute(f"COPY (FROM {table}) TO '{file}' (FORMAT {form})")
                hashes[file.name] = hashlib.sha256(file.read_bytes()).hexdigest()
    return hashes


def differing(one: dict[str, str], other: dict[str, str]) -> list[str]:
    assert set(one) == set(other)
    return [name for name in one if one[name] != other[name]]


@pytest.fixture
def elsewhere(fresh: Any, tmp_path: Path) -> Any:
    """A second shell with no data at all, in another folder."""
    (tmp_path / "else" / "where").mkdir(parents=True)
    return type(fresh)(tmp_path / "else" / "where", dict(fresh.extra))


def test_the_same_archive_gives_the_same_rows_in_the_same_order_byte_for_byte(fresh: Any, elsewhere: Any) -> None:
    fresh.extra["PYTHONHASHSEED"], elsewhere.extra["PYTHONHASHSEED"] = (
        "1",
        "2",
    )  # no order may depend on hashes of texts
    fresh("refresh", "--offline")
    shutil.copytree(fresh.data / "raw", elsewhere.data / "raw")
    elsewhere("refresh", "--offline")  # with nothing staged
    first, second = exports(fresh.warehouse, fresh.folder / "out"), exports(elsewhere.warehouse, fresh.folder / "out2")
    assert differing(first, second) == []
    assert {"main.fatalities.csv", "main.uniformed_personnel.parquet", "meta.snapshots.csv", "meta.checks.csv"} <= set(
        first
    )


def test_vintages_that_come_in_the_opposite_order_give_the_same_tables(fresh: Any, elsewhere: Any) -> None:
    """Two vintages between the bundled ones are loaded in either order: 2021's again, and 2025's up to 2023-01-31."""
    older, newer = (read_csv(BUNDLED / f"fatalities_{name}.csv.gz") for name in ("2021-06", "2025-04"))
    vintages = {
        "2022-01-31": older,
        "2023-01-31": [row for row in newer if row["incident_date"] <= "2023-01-31"],
    }
    for shell, order in ((fresh, sorted(vintages)), (elsewhere, sorted(vintages, reverse=True))):
        for vintage in order:
            (shell.folder / vintage).write_bytes(to_csv(vintages[vintage]))
            done = shell("load", "fatalities", vintage, "--vintage", vintage)
            assert done.stdout.splitlines()[-1].startswith(f"Archived fatalities {vintage}")
        shell("refresh", "--offline")
    first, second = exports(fresh.warehouse, fresh.folder / "out"), exports(elsewhere.warehouse, fresh.folder / "out2")
    assert [name for name in differing(first, second) if not name.startswith("meta.")] == []
    assert fresh.ask("SELECT count(*), count(DISTINCT first_seen) FROM fatalities") == "4423,3"
