"""What the tests of the export share: other builds, and what lies in a folder."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import duckdb
from tests_shared import described

BUILD, SECOND = "0123456789ab", "aaaaaaaaaaaa"
DECLARED = {
    "fatalities": described(
        "The dead", "A publisher", ("CC BY 3.0 IGO", "https://licence.example"), "https://land.example"
    )
}
DEATHS = "SELECT count(*) FROM main.fatalities"


def as_build(warehouse: Path, folder: Path, build_id: str = SECOND) -> Path:
    """A copy of the warehouse with another build id and one casualty less."""
    copy = folder / f"{build_id}.duckdb"
    shutil.copy(warehouse, copy)
    with duckdb.connect(str(copy)) as connection:
        connection.execute("UPDATE meta.builds SET build_id = ?", [build_id])
        connection.execute("DELETE FROM fatalities WHERE casualty_id = (SELECT max(casualty_id) FROM fatalities)")
    return copy


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def answer(folder: Path, sql: str = DEATHS) -> list[Any]:
    """The answer of a DuckDB that knows only the export's peacekeeping.sql."""
    with duckdb.connect() as connection:
        connection.execute((folder / "peacekeeping.sql").read_text())
        return connection.execute(sql).fetchall()
