"""Estimates of what periods lack because rows were rejected."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests_shared import CATALOGUE, stage_bytes, to_csv

from flows.steps.registry import comparison_of, read, stage_rows
from transforms.completeness import incomplete_periods

STATES = ["Afghanistan", "Albania", "Algeria", "Andorra", "Angola", "Argentina", "Armenia", "Australia", "Austria"]
MONEY = comparison_of(CATALOGUE["assessed_contributions"])
PEOPLE = comparison_of(CATALOGUE["uniformed_personnel"])


def assessed(year: int, **changed: tuple[str, Any]) -> list[dict[str, Any]]:
    """A year in which each state is assessed 100 dollars, but for those given with another name and amount."""
    rows = []
    for state in STATES:
        donor, amount = changed.get(state, (state, 100))
        rows.append(
            {"government_donor": donor, "entity": "UN-DPO", "rev_type": "Assessed Contributions",
             "calendar_year": year, "amount": amount}
        )  # fmt: skip
    return rows


def lacking(
    rows: list[dict[str, Any]], others: pd.DataFrame | None = None
) -> dict[str, tuple[int, float, float | None]]:
    """For each incomplete year how many rows were rejected, what is published, and what is missing."""
    source = CATALOGUE["assessed_contributions"]
    with TemporaryDirectory() as folder:
        file = Path(folder) / "file"
        file.write_bytes(to_csv(rows))
        staged = stage_rows(source, read(source, file), date(2024, 12, 31))
    return {
        row["period"]: (row["rows_rejected"], row["published"], None if pd.isna(row["missing"]) else row["missing"])
        for row in incomplete_periods(staged, others, MONEY).to_dict("records")
    }


def test_a_complete_file_lacks_nothing() -> None:
    assert lacking(assessed(2019)) == {}


def test_the_figures_of_rows_with_unknown_names_are_their_own() -> None:
    rows = assessed(2019, Albania=("Atlantis", 40), Algeria=("Utopia", 3))
    assert lacking(rows) == {"2018-19": (2, 700, 43)}


def test_a_figure_that_can_t_be_read_is_that_of_the_nearest_year() -> None:
    rows = [*assessed(2017), *assessed(2018, Albania=("Albania", 70)), *assessed(2019, Albania=("Albania", "many"))]
    assert lacking(rows) == {"2018-19": (1, 800, 70)}


def test_the_nearest_year_can_be_of_another_snapshot() -> None:
    before = stage_bytes("assessed_contributions", to_csv(assessed(2018, Albania=("Albania", 55)))).rows
    assert lacking(assessed(2019, Albania=("Albania", "many")), before) == {"2018-19": (1, 800, 55)}


def test_a_figure_without_any_basis_is_not_estimated() -> None:
    assert lacking(assessed(2019, Albania=("Albania", "many"))) == {"2018-19": (1, 800, None)}
    assert lacking(assessed(2019, Albania=("Atlantis", "many"))) == {"2018-19": (1, 800, None)}


def test_a_row_without_a_year_counts_in_the_year_that_lacks_its_state() -> None:
    rows = [*assessed(2018), *assessed(2019)]
    rows[-1] = {**rows[-1], "calendar_year": "soon"}
    assert lacking(rows) == {"2018-19": (1, 800, 100)}


def test_a_year_of_which_nothing_was_rejected_is_not_named() -> None:
    assert list(lacking([*assessed(2018), *assessed(2019, Austria=("Atlantis", 1))])) == ["2018-19"]


@settings(max_examples=25)
@given(st.dictionaries(st.sampled_from(STATES[1:]), st.integers(1, 10**6), max_size=6))
def test_published_plus_missing_is_the_complete_sum(unknown: dict[str, int]) -> None:
    """Rows with an unknown name are rejected, but their figures are read, however many such rows there are."""
    rows = assessed(2019, **{state: (f"Land of {n}", amount) for n, (state, amount) in enumerate(unknown.items())})
    complete = sum(row["amount"] for row in rows)
    incomplete = lacking(rows)
    if unknown:
        ((rejected, published, missing),) = incomplete.values()
        assert rejected == len(unknown) and missing is not None and published + missing == complete
    else:
        assert incomplete == {}


@pytest.mark.parametrize("column", ["contributor_as_printed", "total", "personnel_type_as_printed"])
def test_persons_of_a_month_are_read_or_estimated_whatever_cell_is_wrong(column: str) -> None:
    def month(end: str, **changes: str) -> list[dict[str, str]]:
        row = {
            "month_end": end, "mission": "MINUSMA", "personnel_type_as_printed": "Troops", "male": "90",
            "female": "10", "total": "100",
        }  # fmt: skip
        rows = [{**row, "contributor_as_printed": state} for state in STATES]
        return [*rows[:-1], {**rows[-1], **changes}]

    rows = [*month("2018-01-31"), *month("2018-02-28", **{column: "?"}), *month("2017-12-31"), *month("2017-11-30")]
    staged = stage_bytes("uniformed_personnel", to_csv(rows))
    (incomplete,) = incomplete_periods(staged, None, PEOPLE).to_dict("records")
    assert (incomplete["period"], incomplete["published"], incomplete["missing"]) == ("2018-02-28", 800, 100)
    assert incomplete["share_pct"] == pytest.approx(100 / 9)
