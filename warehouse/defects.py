"""Known defects that a source's declaration can recognise: whether each still stands in a build."""

from __future__ import annotations

from pathlib import Path

import duckdb

from schemas.problems import first_line
from schemas.tables.quality import KNOWN_DEFECTS
from warehouse.load import BuildError

# NULL: what is held can't tell. Without a number noted, any case is as good as another.
STATUS = """
    CASE WHEN found IS NULL THEN 'not asked' WHEN found = 0 THEN 'mended'
        WHEN cases IS NULL OR found = cases THEN 'stands' ELSE 'changed' END
"""


def run(built: Path) -> None:
    """Ask each defect's `expect` of a built file, and write what it found and the status into meta.known_defects.

    An `expect` is a query for the number of cases that stand, NULL where the tables can't tell. Raises BuildError,
    naming source and defect, when one can't be asked.
    """
    with duckdb.connect(str(built)) as connection:
        asked = connection.execute(
            f"SELECT source, defect_id, expect FROM {KNOWN_DEFECTS.full_name} WHERE expect IS NOT NULL"
        ).fetchall()
        for source, defect, expect in asked:
            try:
                row = connection.execute(f"SELECT ({expect})::BIGINT").fetchone()
            except duckdb.Error as error:
                raise BuildError(
                    f"{source}: the known defect {defect!r} can't be asked for: {first_line(error)}"
                ) from error
            connection.execute(
                f"UPDATE {KNOWN_DEFECTS.full_name} SET found = ? WHERE source = ? AND defect_id = ?",
                [row[0] if row else None, source, defect],
            )
        connection.execute(f"UPDATE {KNOWN_DEFECTS.full_name} SET status = {STATUS} WHERE expect IS NOT NULL")
