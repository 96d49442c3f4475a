"""The checks of the states' codes, failing."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from warehouse import checks

EARLY = "UPDATE main.uniformed_personnel SET contributor_iso3 = 'SCG'"  # from 2017 on
NOT_THEN = "states named on days on which they did not exist"


def count_of(built: Path, check: checks.Check, change: str) -> int:
    with duckdb.connect(str(built)) as connection:
        connection.execute(change)
        ((number,),) = connection.execute(check.sql).fetchall()
    return number


@pytest.mark.parametrize(
    ("change", "number"),
    [
        ("UPDATE main.fatalities SET gender = 'M'", 0),
        ("DELETE FROM main.state_code_gaps WHERE iso3 = 'MNE'", 2),  # one casualty; it is in neither list
        ("INSERT INTO main.state_codes SELECT * REPLACE (999 AS code) FROM main.state_codes WHERE iso3 = 'MLI'", 2),
    ],
)
def test_a_state_and_day_without_a_code_and_a_reason_or_with_two_codes_is_counted(
    built: Path, change: str, number: int
) -> None:
    assert count_of(built, checks.state_code_check(), change) == number
    assert checks.state_code_check().severity == "error"


def test_states_named_on_days_on_which_they_did_not_exist_are_counted(built: Path) -> None:
    (check,) = [one for one in checks.declared() if one.name == NOT_THEN]
    # SCG and MNE in 1992 and, changed, SCG in the three months of the small warehouse.
    assert count_of(built, check, "UPDATE main.fatalities SET gender = 'M'") == 2
    assert count_of(built, check, EARLY) == 5
