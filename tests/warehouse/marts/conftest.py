"""An empty warehouse, and one with a few states and missions."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from marts_shared import Connection, put

from warehouse import load


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse file without rows. Read only."""
    file = tmp_path_factory.mktemp("empty") / "built.duckdb"
    with duckdb.connect() as connection:
        load.create_empty(connection, str(file))
    return file


@pytest.fixture
def empty(empty_file: Path, tmp_path: Path) -> Iterator[Connection]:
    """A warehouse without rows, to be filled."""
    with duckdb.connect(shutil.copy(empty_file, tmp_path)) as connection:
        yield connection


@pytest.fixture
def made(empty: Connection) -> Connection:
    """States and missions, and the newest vintage of the fatalities; a test adds the deaths and months it needs."""
    names = {"BGD": "Bangladesh", "FRA": "France", "IND": "India", "MLI": "Mali", "SCG": "Serbia and Montenegro"}
    put(empty, "main.countries", "iso3 name", *names.items(), kind="current")
    put(
        empty, "main.missions",
        "mission name kind is_active start_date start_date_precision end_date end_date_precision part_of",
        ("A", "Mission A", "peacekeeping", True, "2010-02-10", "day", None, None, None),
        ("B", "Mission B", "peacekeeping", False, "2010-01-01", "first_of_month", "2012-03-01", "first_of_month", None),
        ("P", None, "special_political", None, None, None, None, None, None),
        ("Q", None, "special_political", None, None, None, None, None, None),
        ("U", "Umbrella", "peacekeeping", False, "2000-01-01", "year", "2001-12-31", "day", None),
        ("U I", "A part", "peacekeeping", False, "2000-01-01", "year", "2000-06-30", "day", "U"),
        ("UNSPECIFIED", None, "unspecified", None, None, None, None, None, None),
        in_published_list=True,
    )  # fmt: skip
    put(empty, "meta.snapshots", "source vintage", ("fatalities", "2024-12-31"))
    return empty
