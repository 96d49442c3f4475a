"""Spending by class and item in the open data: a tree whose totals are flagged and add up."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest
from tests_shared import bundled_rows, stage_bytes, to_csv

from transforms.staging import Staged

FILE = "mission_budget_lines_2022-23_2024-25.csv.gz"


@pytest.fixture(scope="module")
def spent(bundled: Callable[[str], Staged]) -> Staged:
    return bundled(FILE)


def test_780_items_under_105_classes_under_37_missions_are_spent_in_dollars(spent: Staged) -> None:
    rows = spent.rows
    assert (spent.rows_read, spent.rows_out_of_scope, spent.rows_rejected, len(spent.merged)) == (925, 3, 0, 0)
    of_class = (rows["budget_subclass"] == "") & (rows["budget_class"] != "Gross requirements")
    of_mission = rows["budget_class"] == "Gross requirements"
    assert ((~rows["is_total"]).sum(), of_class.sum(), of_mission.sum()) == (780, 105, 37)
    assert (rows["is_total"] == (of_class | of_mission)).all() and spent.signals.empty
    assert rows["apportionment_usd"].isna().all() and rows["expenditure_usd"].notna().all()
    assert rows["document_symbol"].str.fullmatch(r"A/(78|79|80)/\d+").all()
    assert set(rows["publication"]) == {"open_data"} and set(rows["budget_class"]) == {
        "Gross requirements", "Military and police personnel", "Civilian personnel", "Operational costs",
    }  # fmt: skip


def test_minusma_spent_1192_million_in_2022_23_by_its_items(spent: Staged) -> None:
    rows = spent.rows[(spent.rows["mission"] == "MINUSMA") & (spent.rows["peacekeeping_year"] == "2022-23")]
    assert set(rows["document_symbol"]) == {"A/78/761"}
    assert (str(rows["period_start"].max())[:10], str(rows["period_end"].min())[:10]) == ("2022-07-01", "2023-06-30")
    assert rows.loc[~rows["is_total"], "expenditure_usd"].sum() == 1_192_292_200
    contingents = rows[rows["budget_subclass"] == "Military contingents"].iloc[0]
    assert (contingents["budget_class"], contingents["expenditure_usd"]) == (
        "Military and police personnel",
        434_896_100,
    )


def test_the_parts_add_up_at_each_level(spent: Staged) -> None:
    rows = spent.rows
    by = ["peacekeeping_year", "mission", "budget_class"]
    items = rows[~rows["is_total"]].groupby(by)["expenditure_usd"].sum()
    classes = rows[(rows["budget_subclass"] == "") & (rows["budget_class"] != "Gross requirements")]
    pd.testing.assert_series_equal(items, classes.set_index(by)["expenditure_usd"].sort_index())
    whole = {row["peacekeeping_year"]: float(row["amount_usd"]) for row in bundled_rows(FILE) if row["tier"] == "whole"}
    assert whole == {"2022-23": 6_014_239_400, "2023-24": 4_967_008_500, "2024-25": 4_888_124_100}
    assert rows[~rows["is_total"]].groupby("peacekeeping_year")["expenditure_usd"].sum().to_dict() == whole


def test_an_item_with_the_name_of_its_class_is_no_total() -> None:
    """UNIFIL's class Civilian personnel has an item of the same name in 2024-25."""
    rows = [row for row in bundled_rows(FILE) if row["mission"] == "UNIFIL" and row["peacekeeping_year"] == "2024-25"]
    staged = stage_bytes("mission_budget_lines", to_csv(rows), "2026-11-27").rows
    named = staged[
        (staged["budget_class"] == "Civilian personnel") & (staged["budget_subclass"] == "Civilian personnel")
    ]
    assert named["is_total"].tolist() == [False] and named["expenditure_usd"].tolist() == [0]


def test_the_global_service_centre_is_the_base_at_brindisi(spent: Staged) -> None:
    base = spent.rows[spent.rows["mission"] == "UNLB"]
    assert set(base["mission_as_published"]) == {"UNGSC"} and set(base["peacekeeping_year"]) == {
        "2022-23", "2023-24", "2024-25",
    }  # fmt: skip
