"""The declarations of the warehouse's tables: complete, consistent, and enforced on frames."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import pandas as pd
import pandera.pandas as pa
import pytest

import schemas.tables
from schemas.columns import Table, category, day, flag, money, number, text, whole
from schemas.tables import DIMENSIONS, FACTS, HISTORY, META, TABLES
from schemas.tables.contributions import ASSESSED_CONTRIBUTIONS
from schemas.tables.countries import COUNTRIES
from schemas.tables.fatalities import FATALITIES
from schemas.tables.missions import MISSIONS
from schemas.tables.personnel import UNIFORMED_PERSONNEL
from schemas.validate import TableError, conform, require, shape

EVERY_COLUMN = [(table, name) for table in TABLES.values() for name in table.columns]


def metadata(column: pa.Column) -> dict[str, Any]:
    return dict(column.metadata or {})


# What every declaration says


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.full_name)
def test_every_column_says_what_it_holds(table: Table) -> None:
    silent = [name for name, column in table.columns.items() if len((column.description or "").strip()) < 3]
    assert silent == []


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.full_name)
def test_every_table_says_what_one_row_is(table: Table) -> None:
    assert table.title.strip()
    assert table.description.strip().endswith(".")
    assert table.full_name == f"{table.schema_name}.{table.name}"
    assert table.schema_name in ("main", "meta")


def test_a_table_s_comment_has_its_title_its_description_and_every_hazard() -> None:
    told = UNIFORMED_PERSONNEL.comment()
    assert told.startswith("Uniformed personnel by month, mission, contributor and personnel type. One row a month-end")
    assert "A stock on a day, not a flow: never add months; average them or take one." in told
    assert told.endswith("No mission's strength can be read from the months under UNSPECIFIED.")


@pytest.mark.parametrize("table", FACTS, ids=lambda table: table.full_name)
def test_every_fact_warns_of_what_its_sums_would_hide(table: Table) -> None:
    assert table.hazards
    assert all(hazard in table.comment() for hazard in table.hazards)


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.full_name)
def test_a_key_is_made_of_columns_that_are_never_missing(table: Table) -> None:
    assert set(table.key) <= set(table.columns)
    assert [name for name in table.key if table.columns[name].nullable] == []
    assert table.key or not table.key_enforced


def test_every_reference_names_the_key_of_a_dimension_that_is_filled_before() -> None:
    order = list(TABLES)
    keys = {f"{table.name}.{table.key[0]}": table for table in DIMENSIONS if len(table.key) == 1}
    found = 0
    for table, name in EVERY_COLUMN:
        target = metadata(table.columns[name]).get("references")
        if target is None:
            continue
        found += 1
        assert target in keys, f"{table.full_name}.{name} refers to {target}"
        dimension = keys[target]
        assert dimension.key_enforced
        assert order.index(dimension.full_name) < order.index(table.full_name)
    # 1 of the aliases, 3 of the fatalities and of their states, 2 of the personnel and of its revisions, 1 of the
    # contributions and of their revisions; of the money one state in five tables, one mission in four, both in one
    assert found == 1 + 2 * 3 + 2 * 2 + 2 * 1 + 5 * 1 + 4 * 1 + 2


def test_every_state_and_every_mission_of_a_fact_is_a_reference() -> None:
    loose = [
        f"{table.name}.{name}"
        for table in FACTS
        for name, column in table.columns.items()
        if (name == "mission" or "_iso3" in name) and not metadata(column).get("references")
    ]
    assert loose == []


def test_every_number_has_a_unit_and_nothing_else_has_one() -> None:
    without = {
        f"{table.full_name}.{name}"
        for table, name in EVERY_COLUMN
        if metadata(table.columns[name])["sql"] in ("BIGINT", "DOUBLE", "DECIMAL(18, 2)")
        and not metadata(table.columns[name]).get("unit")
    }
    places = {"meta.columns.position", "meta.claims.number", "meta.claim_figures.position"}  # no measure
    told_by_the_row = {f"meta.reconciliations.{name}" for name in ("left_value", "right_value", "difference")}
    told_by_the_row |= {f"meta.incomplete_periods.{name}" for name in ("published", "missing")}
    assert without == places | told_by_the_row | {"meta.claim_figures.value"}
    other = [
        name
        for table, name in EVERY_COLUMN
        if metadata(table.columns[name])["sql"] not in ("BIGINT", "DOUBLE", "DECIMAL(18, 2)")
        and metadata(table.columns[name]).get("unit")
    ]
    assert other == []


def test_people_are_counted_in_persons_and_money_in_dollars() -> None:
    assert {metadata(UNIFORMED_PERSONNEL.columns[name])["unit"] for name in ("female", "male", "total")} == {"person"}
    assert metadata(ASSESSED_CONTRIBUTIONS.columns["amount_usd"])["unit"] == "USD"
    assert {metadata(MISSIONS.columns[name])["unit"] for name in ("longitude", "latitude")} == {"degree"}


def test_incident_types_are_the_publisher_s_six() -> None:
    six = {"Malicious Act", "Illness", "Accident", "Self-Inflicted", "To Be Determined", "Unknown"}
    assert set(metadata(FATALITIES.columns["incident_type"])["values"]) == six


def test_casualty_personnel_types_are_the_publisher_s_six() -> None:
    six = {"Military", "Police", "Military Observer", "International Civilian", "Local", "Other"}
    assert set(metadata(FATALITIES.columns["personnel_type"])["values"]) == six


def test_uniformed_personnel_types_are_five() -> None:
    five = {"Troops", "Staff Officer", "Experts on Mission", "Individual Police", "Formed Police Units"}
    assert set(metadata(UNIFORMED_PERSONNEL.columns["personnel_type"])["values"]) == five


def test_every_row_of_a_fact_leads_back_to_its_snapshot() -> None:
    for table in FACTS:
        assert {"snapshot_sha256", "snapshot_row"} <= set(table.columns), table.name
        assert not table.columns["snapshot_sha256"].nullable
        assert not table.columns["snapshot_row"].nullable


def test_every_declared_table_is_built_once() -> None:
    modules = [import_module(f"schemas.tables.{found.name}") for found in iter_modules(schemas.tables.__path__)]
    declared = {value for module in modules for value in vars(module).values() if isinstance(value, Table)}
    assert set(TABLES.values()) == declared
    assert len(TABLES) == len([*DIMENSIONS, *FACTS, *HISTORY, *META])


def test_dissolved_states_have_a_kind_and_dates_of_their_own() -> None:
    assert metadata(COUNTRIES.columns["kind"])["values"] == ("current", "dissolved", "user_assigned")
    assert COUNTRIES.columns["existed_until"].nullable


# Each kind of column, declared by one call


@pytest.mark.parametrize(
    ("column", "sql"),
    [
        (text("A text."), "VARCHAR"),
        (category("A kind.", ("a", "it's")), "ENUM ('a', 'it''s')"),
        (day("A day."), "DATE"),
        (whole("A count.", unit="person"), "BIGINT"),
        (money("An amount."), "DECIMAL(18, 2)"),
        (number("A place.", unit="degree", minimum=-1, maximum=1), "DOUBLE"),
        (flag("A flag."), "BOOLEAN"),
    ],
    ids=["text", "category", "day", "whole", "money", "number", "flag"],
)
def test_a_column_carries_its_sql_type_and_is_required_unless_said(column: pa.Column, sql: str) -> None:
    assert metadata(column)["sql"] == sql
    assert column.nullable is False


def test_counts_and_amounts_are_not_negative_unless_said() -> None:
    for column in (whole("A count.", unit="person"), money("An amount.")):
        schema = pa.DataFrameSchema({"x": column})
        frame = pd.DataFrame({"x": [0, -1]}).astype({"x": str(column.dtype)})
        require(frame[:1], schema)
        with pytest.raises(TableError, match="x: .*1 case"):
            require(frame, schema)
    below = pa.DataFrameSchema({"x": whole("A difference.", unit="person", minimum=None)})
    require(pd.DataFrame({"x": [-7]}).astype({"x": "Int64"}), below)


@pytest.mark.parametrize("value", [-90.5, 90.5])
def test_a_number_outside_its_bounds_is_refused(value: float) -> None:
    schema = pa.DataFrameSchema({"latitude": number("Latitude.", unit="degree", minimum=-90, maximum=90)})
    require(pd.DataFrame({"latitude": [-90.0, 0.0, 90.0]}), schema)
    with pytest.raises(TableError, match="latitude"):
        require(pd.DataFrame({"latitude": [value]}), schema)


# Frames held against a declaration

RIGHT: dict[str, Any] = {
    "month_end": pd.Timestamp("2020-01-31"),
    "mission": "MINUSMA",
    "contributor_iso3": "TCD",
    "personnel_type": "Troops",
    "female": 10,
    "male": 20,
    "total": 30,
    "includes_staff_officers": False,
    "series": "monthly_report",
    "snapshot_sha256": "0123456789abcdef" * 4,
    "snapshot_row": 1,
}


def personnel(*changes: dict[str, Any]) -> pd.DataFrame:
    """One row for each set of changes, right otherwise, in the declared types."""
    frame = pd.DataFrame([{**RIGHT, **change} for change in changes])
    return frame.astype(
        {
            "month_end": "datetime64[us]",
            **dict.fromkeys(("mission", "contributor_iso3", "personnel_type", "series", "snapshot_sha256"), "str"),
            **dict.fromkeys(("female", "male", "total", "snapshot_row"), "Int64"),
            "includes_staff_officers": "boolean",
        }
    )


def held(frame: pd.DataFrame) -> str:
    """The text of the TableError that the frame gives."""
    with pytest.raises(TableError) as caught:
        require(frame, UNIFORMED_PERSONNEL.frame_schema())
    return str(caught.value)


def test_a_frame_that_keeps_its_declaration_passes_unchanged() -> None:
    frame = personnel({}, {"personnel_type": "Staff Officer", "female": None, "male": None, "total": 0})
    pd.testing.assert_frame_equal(require(frame, UNIFORMED_PERSONNEL.frame_schema()), frame)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("mission", None),
        ("month_end", None),
        ("total", None),
        ("includes_staff_officers", None),
        ("total", -1),
        ("female", -1),
        ("personnel_type", "Tanks"),
        ("series", "newspaper"),
        ("snapshot_sha256", "0123"),
        ("snapshot_sha256", "X" * 64),
        ("snapshot_row", 0),
    ],
)
def test_a_cell_that_breaks_its_column_names_the_column(column: str, value: object) -> None:
    told = held(personnel({}, {column: value, **({} if column == "month_end" else {"month_end": "2020-02-29"})}))
    lines = told.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"main.uniformed_personnel: {column}: ")
    assert "1 case(s)" in told


@pytest.mark.parametrize(
    ("column", "dtype"),
    [("total", "str"), ("total", "float64"), ("month_end", "str"), ("includes_staff_officers", "str")],
)
def test_a_column_of_another_type_is_named(column: str, dtype: str) -> None:
    told = held(personnel({}).astype({column: dtype}))
    assert f"main.uniformed_personnel: {column}: dtype" in told


def test_a_doubled_key_names_the_columns_of_the_key() -> None:
    told = held(personnel({}, {"total": 31, "female": 11}, {"personnel_type": "Staff Officer"}))
    named = {line.split(": ")[1] for line in told.splitlines()}
    assert named == {"month_end", "mission", "contributor_iso3", "personnel_type"}
    assert "2 case(s)" in told


def test_rows_that_differ_in_one_part_of_the_key_are_no_double() -> None:
    frame = personnel({}, {"month_end": "2020-02-29"}, {"mission": "UNAMA"}, {"contributor_iso3": "FRA"})
    require(frame, UNIFORMED_PERSONNEL.frame_schema())


@pytest.mark.parametrize("column", list(RIGHT))
def test_a_missing_column_is_named(column: str) -> None:
    assert f"'{column}'" in held(personnel({}).drop(columns=column))


def test_a_column_too_many_is_named() -> None:
    assert "'rank'" in held(personnel({}).assign(rank="Colonel"))


def test_columns_in_another_order_are_refused() -> None:
    assert "column_ordered" in held(personnel({})[list(RIGHT)[::-1]])


def test_every_fault_of_a_frame_is_told_at_once() -> None:
    told = held(personnel({"total": -1}, {"personnel_type": "Tanks", "mission": None}))
    assert {line.split(": ")[1] for line in told.splitlines()} == {"total", "personnel_type", "mission"}


def test_an_error_shows_an_example_of_what_came() -> None:
    assert "such as 'Tanks'" in held(personnel({"personnel_type": "Tanks"}))


# Bringing a frame into the declared shape


def test_conform_orders_completes_and_types_what_it_is_given() -> None:
    loose = pd.DataFrame([{**RIGHT, "rank": "Colonel", "total": 30.0}])[["rank", *list(RIGHT)[::-1]]]
    frame = conform(loose.drop(columns=["female", "male"]), UNIFORMED_PERSONNEL)
    pd.testing.assert_frame_equal(frame, personnel({"female": None, "male": None}), check_dtype=False)
    assert str(frame["total"].dtype) == "Int64"


def test_days_are_counted_in_microseconds_so_that_any_year_fits() -> None:
    frame = conform(personnel({}), UNIFORMED_PERSONNEL)
    assert str(frame["month_end"].dtype) == "datetime64[us]"
    far = conform(personnel({"month_end": "2999-12-31"}), UNIFORMED_PERSONNEL)
    assert far["month_end"].tolist() == [pd.Timestamp("2999-12-31")]


def test_a_column_that_may_not_be_missing_is_not_made_up() -> None:
    with pytest.raises(TableError, match="total: not_nullable"):
        conform(personnel({}).drop(columns="total"), UNIFORMED_PERSONNEL)
    with pytest.raises(TableError, match="mission: not_nullable"):
        conform(personnel({}).drop(columns="mission"), UNIFORMED_PERSONNEL)


def test_a_missing_text_stays_missing_and_does_not_become_the_word() -> None:
    frame = shape(pd.DataFrame({"iso3": ["TCD"], "name": ["Chad"], "m49": [None]}), COUNTRIES)
    assert frame["m49"].isna().all()
    assert frame["successors_iso3"].isna().all()


@pytest.mark.parametrize(
    ("column", "value"),
    [("total", "many"), ("total", 1.5), ("month_end", "soon"), ("includes_staff_officers", "yes")],
)
def test_what_can_t_be_brought_into_its_type_is_a_table_error_naming_the_column(column: str, value: object) -> None:
    with pytest.raises(TableError, match=column):
        conform(pd.DataFrame([{**RIGHT, column: value}]), UNIFORMED_PERSONNEL)


def test_an_empty_frame_takes_the_declared_shape() -> None:
    frame = conform(pd.DataFrame(), UNIFORMED_PERSONNEL)
    assert list(frame.columns) == list(RIGHT)
    assert len(frame) == 0
    assert str(frame["total"].dtype) == "Int64"
