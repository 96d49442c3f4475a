"""Count the known defects of the sources in a build, where their declarations have a query for it."""

from __future__ import annotations

from pathlib import Path

import duckdb

from schemas.problems import first_line
from schemas.tables.quality import KNOWN_DEFECTS
from warehouse.load import BuildError

# `found` is NULL where the tables can't tell. Without a declared number of cases, any number is as expected.
STATUS = """
    CASE WHEN found IS NULL THEN 'not asked' WHEN found = 0 THEN 'mended'
        WHEN cases IS NULL OR found = cases THEN 'stands' ELSE 'changed' END
"""


def run(built: Path) -> None:
    """Run each defect's query `expect` on a built file, and write `found` and `status` of meta.known_defects.

    `expect` returns the number of cases in the tables, or NULL where they can't tell. Raises BuildError, naming source
    and defect, when a query fails.
    """
    table = KNOWN_DEFECTS.full_name
    with duckdb.connect(str(built)) as connection:
        connection.begin()
        defects = connection.execute(
            f"SELECT source, defect_id, expect FROM {table} WHERE expect IS NOT NULL"
        ).fetchall()
        for source, defect, expect in defects:
            try:
                row = connection.execute(f"SELECT ({expect})::BIGINT").fetchone()
            except duckdb.Error as error:
                reason = first_line(error)
                raise BuildError(f"{source}: the query of the known defect {defect!r} failed: {reason}.") from error
            connection.execute(
                f"UPDATE {table} SET found = ? WHERE source = ? AND defect_id = ?",
                [row[0] if row else None, source, defect],
            )
        connection.execute(f"UPDATE {table} SET status = {STATUS} WHERE expect IS NOT NULL")
        connection.commit()
