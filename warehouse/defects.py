"""Known defects that a source's declaration can recognise: whether each still stands in a build."""

from __future__ import annotations

from pathlib import Path

import duckdb

from schemas.tables import KNOWN_DEFECTS
from warehouse import ddl
from warehouse.load import BuildError, first_line


def run(built: Path) -> None:
    """Ask each defect's `expect` of a built file and write the status into meta.known_defects.

    An `expect` is a query for one truth value: true while the defect stands, false once the publisher mended it, NULL
    where the tables can't tell. Raises BuildError, naming source and defect, when one can't be asked.
    """
    with duckdb.connect(str(built)) as connection:
        asked = connection.execute(
            f"SELECT source, defect_id, expect FROM {KNOWN_DEFECTS.full_name} WHERE expect IS NOT NULL"
        ).fetchall()
        for source, defect, expect in asked:
            try:
                row = connection.execute(f"SELECT ({expect})::BOOLEAN").fetchone()
            except duckdb.Error as error:
                raise BuildError(
                    f"{source}: the known defect {defect!r} can't be asked for: {first_line(error)}"
                ) from error
            stands = row[0] if row else None
            if stands is not None:
                connection.execute(
                    f"UPDATE {KNOWN_DEFECTS.full_name} SET status = '{'stands' if stands else 'mended'}' "
                    f"WHERE source = {ddl.quote(source)} AND defect_id = {ddl.quote(defect)}"
                )
