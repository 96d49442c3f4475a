"""Known defects: each gets a status from the number of cases that its query finds."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from tests_shared import CATALOGUE

from warehouse import defects
from warehouse.load import BuildError


def put(built: Path, **expects: tuple[str | None, int | None]) -> None:
    with duckdb.connect(str(built)) as connection:
        connection.execute("DELETE FROM meta.known_defects")
        connection.executemany(
            "INSERT INTO meta.known_defects "
            "VALUES ('missions', ?, DATE '2026-11-25', 'What is wrong.', ?, ?, NULL, 'not asked')",
            [[name, *expect] for name, expect in expects.items()],
        )


def statuses(built: Path) -> dict[str, str]:
    with duckdb.connect(str(built)) as connection:
        return dict(connection.execute("SELECT defect_id, status FROM meta.known_defects").fetchall())


def test_a_defect_has_the_status_that_its_query_gives(built: Path) -> None:
    expect = "SELECT 2 - count(DISTINCT contributor_iso3) FROM main.assessed_contributions WHERE contributor_iso3 IN ('SOM', 'XKX')"
    put(
        built, there=(expect, 2), any=(expect, None), unqueried=(None, None), unknown=("SELECT NULL", 1),
        nothing=("SELECT 1 WHERE false", 1),
    )  # fmt: skip
    defects.run(built)
    assert statuses(built) == {
        "there": "stands", "any": "stands", "unqueried": "not asked", "unknown": "not asked", "nothing": "not asked",
    }  # fmt: skip
    mend = "UPDATE main.assessed_contributions SET contributor_iso3 = '{}' WHERE snapshot_row = {}"
    with duckdb.connect(str(built)) as connection:  # the publisher adds one of the two missing states
        connection.execute(mend.format("SOM", 1))
    defects.run(built)
    assert (statuses(built)["there"], statuses(built)["any"]) == ("changed", "stands")
    with duckdb.connect(str(built)) as connection:
        connection.execute(mend.format("XKX", 2))
    defects.run(built)
    assert (statuses(built)["there"], statuses(built)["any"]) == ("mended", "mended")


def test_a_defect_whose_query_fails_is_named(built: Path) -> None:
    put(built, odd=("SELECT it FROM nowhere", 1))
    with pytest.raises(BuildError, match="missions: the query of the known defect 'odd' failed"):
        defects.run(built)


def test_every_query_of_a_declared_defect_runs_on_any_warehouse(built: Path) -> None:
    queries = [(name, defect.id, defect.expect) for name, source in CATALOGUE.items()
             for defect in source.known_defects if defect.expect]  # fmt: skip
    assert len(queries) >= 15
    with duckdb.connect(str(built), read_only=True) as connection:
        for name, defect, expect in queries:
            rows = connection.execute(f"SELECT ({expect})::BIGINT").fetchall()
            assert len(rows) == 1, (name, defect)
