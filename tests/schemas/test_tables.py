"""The declarations of the warehouse's tables are complete and consistent, and frames are checked against them."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import pandas as pd
import pandera.pandas as pa
import pytest

import schemas.tables
from schemas.columns import Table, category, day, flag, money, number, text, whole
from schemas.tables import DIMENSIONS, FACTS, TABLES
from schemas.tables.contributions import ASSESSED_CONTRIBUTIONS
from schemas.tables.countries import COUNTRIES
from schemas.tables.fatalities import FATALITIES
from schemas.tables.missions import MISSIONS
from schemas.tables.personnel import UNIFORMED_PERSONNEL
from schemas.validate import TableError, conform, require, shape

NUMERIC = ("BIGINT", "DOUBLE", "DECIMAL(18, 2)")


def metadata(column: pa.Column) -> dict[str, Any]:
    return dict(column.metadata or {})


# Declarations


def test_every_table_and_column_is_described() -> None:
    for table in TABLES.values():
        assert table.title.strip() and table.description.strip().endswith("."), table.full_name
        assert table.schema_name in ("main", "meta")
        for name, column in table.columns.items():
            assert len((column.description or "").strip()) >= 3, f"{table.full_name}.{name}"


def test_a_table_s_comment_has_its_title_its_description_and_every_hazard() -> None:
    comment = UNIFORMED_PERSONNEL.comment()
    assert comment.startswith(
        "Uniformed personnel by month, mission, contributor and personnel type. One row per month"
    )
    assert "A stock on a day, not a flow: never add months; average them or take one month." in comment
    for table in FACTS:
        assert table.hazards, table.full_name
        assert all(hazard in table.comment() for hazard in table.hazards)


def test_a_key_has_columns_that_are_never_missing() -> None:
    for table in TABLES.values():
        assert set(table.key) <= set(table.columns), table.full_name
        assert not any(table.columns[name].nullable for name in table.key), table.full_name
        assert table.key or not table.key_enforced


def test_every_reference_is_the_enforced_key_of_a_table_that_is_loaded_before() -> None:
    order = list(TABLES)
    keys = {f"{table.name}.{table.key[0]}": table for table in DIMENSIONS if len(table.key) == 1}
    for table in TABLES.values():
        for name, column in table.columns.items():
            target = metadata(column).get("references")
            if target is not None:
                assert target in keys and keys[target].key_enforced, f"{table.full_name}.{name} refers to {target}"
                assert order.index(keys[target].full_name) < order.index(table.full_name)


def test_every_fact_refers_to_its_states_missions_and_snapshot() -> None:
    for table in FACTS:
        for name, column in table.columns.items():
            if name == "mission" or "_iso3" in name:
                assert metadata(column).get("references"), f"{table.name}.{name}"
        assert not any(table.columns[name].nullable for name in ("snapshot_sha256", "snapshot_row"))


def test_every_number_has_a_unit_and_nothing_else_has_one() -> None:
    without_unit = set()
    for table in TABLES.values():
        for name, column in table.columns.items():
            if metadata(column)["sql"] not in NUMERIC:
                assert not metadata(column).get("unit"), name
            elif not metadata(column).get("unit"):
                without_unit.add(f"{table.name}.{name}")
    positions = {"columns.position", "claims.number", "claim_figures.position"}
    positions |= {"development_ladders.position", "state_codes.code"}
    unit_in_the_row = {f"reconciliations.{name}" for name in ("left_value", "right_value", "difference")}
    unit_in_the_row |= {"incomplete_periods.published", "incomplete_periods.missing", "claim_figures.value"}
    assert without_unit == positions | unit_in_the_row
    assert {metadata(UNIFORMED_PERSONNEL.columns[name])["unit"] for name in ("female", "male", "total")} == {"person"}
    assert metadata(ASSESSED_CONTRIBUTIONS.columns["amount_usd"])["unit"] == "USD"
    assert {metadata(MISSIONS.columns[name])["unit"] for name in ("longitude", "latitude")} == {"degree"}


@pytest.mark.parametrize(
    ("table", "column", "values"),
    [
        (FATALITIES, "incident_type",
         {"Malicious Act", "Illness", "Accident", "Self-Inflicted", "To Be Determined", "Unknown"}),
        (FATALITIES, "personnel_type",
         {"Military", "Police", "Military Observer", "International Civilian", "Local", "Other"}),
        (UNIFORMED_PERSONNEL, "personnel_type",
         {"Troops", "Staff Officer", "Experts on Mission", "Individual Police", "Formed Police Units"}),
        (COUNTRIES, "kind", {"current", "dissolved", "user_assigned"}),
    ],
)  # fmt: skip
def test_a_closed_list_has_exactly_the_publisher_s_values(table: Table, column: str, values: set[str]) -> None:
    listed = metadata(table.columns[column])["values"]
    assert set(listed) == values and len(listed) == len(values)


def test_the_registry_has_every_declared_table() -> None:
    modules = [import_module(f"schemas.tables.{module.name}") for module in iter_modules(schemas.tables.__path__)]
    declared = {value for module in modules for value in vars(module).values() if isinstance(value, Table)}
    assert set(TABLES.values()) == declared
    assert all(name == table.full_name for name, table in TABLES.items())


# Kinds of columns


def test_a_column_has_its_sql_type_and_is_required_by_default() -> None:
    for column, sql in [
        (text("A text."), "VARCHAR"),
        (category("A kind.", ("a", "it's")), "ENUM ('a', 'it''s')"),
        (day("A day."), "DATE"),
        (whole("A count.", unit="person"), "BIGINT"),
        (money("An amount."), "DECIMAL(18, 2)"),
        (number("A place.", unit="degree", minimum=-1, maximum=1), "DOUBLE"),
        (flag("A flag."), "BOOLEAN"),
    ]:
        assert metadata(column)["sql"] == sql
        assert column.nullable is False


@pytest.mark.parametrize(
    ("column", "valid", "invalid"),
    [
        (whole("A count.", unit="person"), [0, 7], [-1]),
        (money("An amount."), [0, 7], [-1]),
        (whole("A difference.", unit="person", minimum=None), [-7], []),
        (number("Latitude.", unit="degree", minimum=-90, maximum=90), [-90.0, 0.0, 90.0], [-90.5, 90.5]),
    ],
)
def test_a_number_outside_its_bounds_is_refused(column: pa.Column, valid: list[Any], invalid: list[Any]) -> None:
    schema = pa.DataFrameSchema({"x": column})
    require(pd.DataFrame({"x": valid}).astype({"x": str(column.dtype)}), schema)
    for value in invalid:
        with pytest.raises(TableError, match="x: .*1 case"):
            require(pd.DataFrame({"x": [value]}).astype({"x": str(column.dtype)}), schema)


# Frames checked against a declaration

VALID: dict[str, Any] = {
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
    """A valid row with each set of changes, in the declared types."""
    frame = pd.DataFrame([{**VALID, **change} for change in changes])
    return frame.astype(
        {
            "month_end": "datetime64[us]",
            **dict.fromkeys(("mission", "contributor_iso3", "personnel_type", "series", "snapshot_sha256"), "str"),
            **dict.fromkeys(("female", "male", "total", "snapshot_row"), "Int64"),
            "includes_staff_officers": "boolean",
        }
    )


def error_of(frame: pd.DataFrame) -> str:
    """The message with which the frame is refused."""
    with pytest.raises(TableError) as caught:
        require(frame, UNIFORMED_PERSONNEL.frame_schema())
    return str(caught.value)


def columns_in(message: str) -> set[str]:
    return {line.split(": ")[1] for line in message.splitlines()}


def test_a_valid_frame_passes_unchanged() -> None:
    frame = personnel(
        {},
        {"personnel_type": "Staff Officer", "female": None, "male": None, "total": 0},
        {"month_end": "2020-02-29"},
        {"mission": "UNAMA"},
        {"contributor_iso3": "FRA"},
    )
    pd.testing.assert_frame_equal(require(frame, UNIFORMED_PERSONNEL.frame_schema()), frame)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("mission", None),
        ("month_end", None),
        ("contributor_iso3", None),
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
def test_an_invalid_cell_names_its_column(column: str, value: object) -> None:
    message = error_of(personnel({}, {"month_end": "2020-02-29", column: value}))
    assert columns_in(message) == {column}
    assert message.startswith("main.uniformed_personnel: ") and "1 case(s)" in message


def test_a_frame_of_another_form_is_refused_with_the_column() -> None:
    for column, dtype in [("total", "str"), ("total", "float64"), ("month_end", "str")]:
        assert f"{column}: dtype" in error_of(personnel({}).astype({column: dtype}))
    for column in VALID:
        assert f"'{column}'" in error_of(personnel({}).drop(columns=column))
    assert "'rank'" in error_of(personnel({}).assign(rank="Colonel"))
    assert "column_ordered" in error_of(personnel({})[list(VALID)[::-1]])


def test_a_duplicate_key_names_the_columns_of_the_key() -> None:
    message = error_of(personnel({}, {"total": 31, "female": 11}, {"personnel_type": "Staff Officer"}))
    assert columns_in(message) == {"month_end", "mission", "contributor_iso3", "personnel_type"}
    assert "2 case(s)" in message


def test_an_error_lists_every_fault_with_an_example() -> None:
    message = error_of(personnel({"total": -1}, {"personnel_type": "Tanks", "mission": None}))
    assert columns_in(message) == {"total", "personnel_type", "mission"}
    assert "such as 'Tanks'" in message


# Bringing a frame into the declared shape


def test_conform_orders_completes_and_types_a_frame() -> None:
    loose = pd.DataFrame([{**VALID, "rank": "Colonel", "total": 30.0}])[["rank", *list(VALID)[::-1]]]
    frame = conform(loose.drop(columns=["female", "male"]), UNIFORMED_PERSONNEL)
    pd.testing.assert_frame_equal(frame, personnel({"female": None, "male": None}), check_dtype=False)
    assert str(frame["total"].dtype) == "Int64"
    empty = conform(pd.DataFrame(), UNIFORMED_PERSONNEL)
    assert list(empty.columns) == list(VALID) and len(empty) == 0 and str(empty["total"].dtype) == "Int64"


def test_days_are_in_microseconds_so_that_any_year_fits() -> None:
    frame = conform(personnel({"month_end": "2999-12-31"}), UNIFORMED_PERSONNEL)
    assert str(frame["month_end"].dtype) == "datetime64[us]"
    assert frame["month_end"].tolist() == [pd.Timestamp("2999-12-31")]


def test_missing_values_stay_missing() -> None:
    frame = shape(pd.DataFrame({"iso3": ["TCD"], "name": ["Chad"], "m49": [None]}), COUNTRIES)
    assert frame[["m49", "successors_iso3"]].isna().all(axis=None)
    for column in ("contributor_iso3", "mission"):
        with pytest.raises(TableError, match=f"{column}: not_nullable"):
            conform(personnel({}).drop(columns=column), UNIFORMED_PERSONNEL)


@pytest.mark.parametrize(
    ("column", "value"),
    [("total", "many"), ("total", 1.5), ("month_end", "soon"), ("includes_staff_officers", "yes")],
)
def test_a_value_that_does_not_fit_its_type_names_the_column(column: str, value: object) -> None:
    with pytest.raises(TableError, match=column):
        conform(pd.DataFrame([{**VALID, column: value}]), UNIFORMED_PERSONNEL)
