"""Schemas of incoming rows: bounds come from the source's declaration, and a fault rejects only its own row."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pytest

from schemas.incoming.codebook import publisher_codebook_schema
from schemas.incoming.contributions import assessed_contributions_schema
from schemas.incoming.fatalities import fatalities_schema
from schemas.incoming.missions import missions_schema
from schemas.incoming.personnel import uniformed_personnel_schema
from schemas.validate import split

VINTAGE = date(2021, 6, 15)

SCHEMAS = {
    "fatalities": fatalities_schema,
    "uniformed_personnel": uniformed_personnel_schema,
    "assessed_contributions": assessed_contributions_schema,
    "missions": missions_schema,
    "publisher_codebook": publisher_codebook_schema,
}
VALID: dict[str, dict[str, Any]] = {
    "fatalities": {
        "casualty_id": "MINUSMA-2019-01-07083",
        "incident_date": "2019-01-20",
        "mission": "MINUSMA",
        "nationality": "Chad",
        "personnel_type": "Military",
        "incident_type": "Malicious Act",
        "gender": "M",
        "printed_iso3": "TCD",
        "printed_m49": 148,
        "last_update": "2021-06-01",
        "casualty_type": "Fatality",
    },
    "uniformed_personnel": {
        "month_end": "2020-01-31",
        "mission": "MINUSMA",
        "contributor": "Chad",
        "personnel_type": "Troops",
        "female": 10,
        "male": 20,
        "total": 30,
        "contributor_iso3": "TCD",
        "contributor_m49": 148,
        "report_layout": "2020",
    },
    "assessed_contributions": {
        "contributor": "Chad",
        "entity": "UN-DPO",
        "revenue_kind": "Assessed contributions",
        "calendar_year": 2019,
        "amount_usd": 12.5,
    },
    "missions": {
        "mission": "MINUSMA",
        "name": "Stabilization Mission in Mali",
        "lead_department": "DPO",
        "is_active": "Yes",
        "start_date": "2013-04-25",
        "end_date": "2023-12-31",
        "headquarters": "Bamako",
        "longitude": -8.0,
        "latitude": 12.65,
        "last_update": "2021-06-01",
    },
    "publisher_codebook": {
        "dataset_id": "DPPADPOSS-PKO",
        "column_name": "start_date",
        "title": "Peacekeeping Operations",
        "description": "Past and present operations.",
        "update_frequency": "Ad Hoc",
        "start_range": "1948",
        "end_range": "present",
        "limitations": "There may be a lag.",
        "last_update_date": "some day",
        "definition": "Official start date.",
        "format": "Date",
        "attributes": "[]",
    },
}
DTYPES = {
    "text": "str",
    "day": "datetime64[us]",
    "moment": "datetime64[us]",
    "whole": "Int64",
    "money": "float64",
    "number": "float64",
}


def judged(
    source: str, *changes: dict[str, Any], bounds: dict[str, Any] | None = None, vintage: date = VINTAGE
) -> tuple[list[int], dict[int, list[str]]]:
    """Numbers of the rows that pass, and the reasons of each that does not; row n has the n-th set of changes."""
    schema = SCHEMAS[source](bounds or {}, vintage)
    rows = pd.DataFrame([{**VALID[source], **change} for change in changes], index=range(1, len(changes) + 1))
    dtypes = {name: DTYPES[column.metadata["kind"]] for name, column in schema.columns.items()}
    passed, faults = split(rows.astype(dtypes), schema)
    reasons: dict[int, list[str]] = {}
    for fault in faults.itertuples():
        reasons.setdefault(int(fault.row_number), []).append(str(fault.reason))
    return list(passed.index), reasons


def test_every_column_has_a_kind_and_an_expectation() -> None:
    for source, valid in VALID.items():
        schema = SCHEMAS[source]({}, VINTAGE)
        assert schema.name == f"incoming.{source}"
        assert list(schema.columns) == list(valid)
        for name, column in schema.columns.items():
            assert column.metadata["kind"] in DTYPES, name
            assert column.metadata["expects"].strip(), name


REQUIRED = {
    "fatalities": ["casualty_id", "incident_date", "mission", "personnel_type", "incident_type"],
    "uniformed_personnel": ["month_end", "personnel_type", "total"],
    "assessed_contributions": ["contributor", "entity", "revenue_kind", "calendar_year", "amount_usd"],
    "missions": ["mission"],
    "publisher_codebook": ["dataset_id"],
}


def test_a_missing_value_rejects_its_row_only_where_a_value_is_required() -> None:
    for source, valid in VALID.items():
        columns = list(valid)
        passed, reasons = judged(source, {}, *({column: None} for column in columns))
        rejected = {columns[row - 2]: faults for row, faults in reasons.items()}
        assert sorted(rejected) == sorted(REQUIRED[source])
        assert len(passed) == 1 + len(columns) - len(REQUIRED[source])
        for column, faults in rejected.items():
            (reason,) = faults
            assert reason.startswith(f"{column}: expected ") and reason.endswith(", got nothing")


# Bounds


@pytest.mark.parametrize(
    ("source", "column", "bound", "inside", "outside"),
    [
        ("fatalities", "incident_date", ("1960-07-15", "1970-01-02"), "1965-05-05", ("1960-07-14", "1970-01-03")),
        ("uniformed_personnel", "month_end", ("1999-02-28", "2001-03-31"), "2000-01-31", ("1999-02-27", "2001-04-01")),
        ("uniformed_personnel", "total", (3, 17), 5, (2, 18)),
        ("uniformed_personnel", "female", (3, 17), 5, (2, 18)),
        ("uniformed_personnel", "male", (3, 17), 5, (2, 18)),
        ("assessed_contributions", "calendar_year", (2012, 2014), 2013, (2011, 2015)),
        ("assessed_contributions", "amount_usd", (10, 20), 12.5, (9.99, 20.01)),
        ("missions", "start_date", ("1960-07-15", "1970-01-02"), "1965-05-05", ("1960-07-14", "1970-01-03")),
        ("missions", "end_date", ("1960-07-15", "1970-01-02"), "1965-05-05", ("1960-07-14", "1970-01-03")),
        ("missions", "longitude", (-20, 30), 1.5, (-20.01, 30.01)),
        ("missions", "latitude", (-20, 30), 1.5, (-20.01, 30.01)),
    ],
)
def test_the_declared_bounds_apply(
    source: str, column: str, bound: tuple[Any, Any], inside: object, outside: tuple[object, object]
) -> None:
    low, high = bound
    values = [inside, low, high, *outside]
    passed, reasons = judged(source, *({column: value} for value in values), bounds={column: {"min": low, "max": high}})
    assert passed == [1, 2, 3]
    assert list(reasons) == [4, 5]
    for row, actual in zip((4, 5), outside, strict=True):
        (reason,) = reasons[row]
        assert reason.startswith(f"{column}: expected ")
        assert f"from {low} up to {high}, got {actual}" in reason


@pytest.mark.parametrize(
    ("source", "column", "latest", "later", "vintage"),
    [
        ("fatalities", "incident_date", "2021-06-15", "2021-06-16", VINTAGE),
        ("uniformed_personnel", "month_end", "2021-06-30", "2021-07-01", VINTAGE),
        ("uniformed_personnel", "month_end", "2024-02-29", "2024-03-31", date(2024, 2, 29)),
        ("assessed_contributions", "calendar_year", 2022, 2023, VINTAGE),
        ("missions", "start_date", "2022-06-16", "2022-06-17", VINTAGE),
    ],
)
def test_the_vintage_limits_dates_that_have_no_declared_maximum(
    source: str, column: str, latest: object, later: object, vintage: date
) -> None:
    passed, reasons = judged(source, {column: latest}, {column: later}, vintage=vintage)
    noun = "a year" if column == "calendar_year" else "a date"
    assert passed == [1]
    assert reasons == {2: [f"{column}: expected {noun} up to {latest}, got {later}"]}


def test_a_mission_s_end_may_be_in_the_future() -> None:
    assert judged("missions", {"end_date": "2049-12-31"})[0] == [1]


@pytest.mark.parametrize("column", ["female", "male", "total"])
def test_people_are_never_negative_even_where_only_a_maximum_is_declared(column: str) -> None:
    passed, reasons = judged(
        "uniformed_personnel", {column: 0}, {column: -1}, {column: 20001}, bounds={column: {"max": 20000}}
    )
    assert passed == [1]
    assert reasons[2] == [f"{column}: expected a whole number from 0 up to 20,000, got -1"]
    assert list(reasons) == [2, 3]


def test_a_reason_shows_the_number_as_printed() -> None:
    _, reasons = judged(
        "assessed_contributions",
        {"calendar_year": 2009},
        {"amount_usd": -0.5},
        bounds={"calendar_year": {"min": 2010}, "amount_usd": {"min": 0}},
    )
    assert reasons[1] == ["calendar_year: expected a year from 2010 up to 2022, got 2009"]
    assert reasons[2] == ["amount_usd: expected an amount in USD from 0, got -0.5"]


# Vocabulary and form


@pytest.mark.parametrize(
    ("source", "column", "value"),
    [
        ("fatalities", "personnel_type", "Troops"),
        ("fatalities", "incident_type", "malicious act"),
        ("fatalities", "gender", "Male"),
        ("fatalities", "casualty_type", "Injury"),
        ("missions", "is_active", "Perhaps"),
    ],
)
def test_an_unknown_category_rejects_its_row_and_shows_what_is_known(source: str, column: str, value: str) -> None:
    passed, reasons = judged(source, {}, {column: value})
    assert passed == [1]
    (reason,) = reasons[2]
    assert reason.startswith(f"{column}: expected one of ")
    assert VALID[source][column] in reason
    assert reason.endswith(f"got {value!r}")


def test_every_type_of_the_publisher_is_known() -> None:
    for column, types in {
        "incident_type": ["Malicious Act", "Illness", "Accident", "Self-Inflicted", "To Be Determined", "Unknown"],
        "personnel_type": ["Military", "Police", "Military Observer", "International Civilian", "Local", "Other"],
    }.items():
        assert judged("fatalities", *({column: value} for value in types)) == ([1, 2, 3, 4, 5, 6], {})


@pytest.mark.parametrize(
    ("source", "column", "good", "bad"),
    [
        ("fatalities", "casualty_id", "UNMIS/UNMISS-2011-07-00001", "MINUSMA-2019-07083"),
        ("fatalities", "casualty_id", "ONUC-1961-09-1", "minusma-2019-01-07083"),
        ("fatalities", "mission", "UNOSOM II", "MINUSMA;UNAMA"),
        ("fatalities", "mission", "Lake Chad (x) & co.", "M"),
        ("fatalities", "mission", "A" + "b" * 39, "A" + "b" * 40),
        ("fatalities", "printed_iso3", "FRA", "fra"),
        ("fatalities", "printed_iso3", "FRA", "FR"),
        ("fatalities", "printed_m49", 999, 1000),
        ("fatalities", "printed_m49", 0, -1),
        ("uniformed_personnel", "contributor_iso3", "FRA", "FRAN"),
        ("uniformed_personnel", "contributor_m49", 999, 1000),
        ("uniformed_personnel", "mission", "UNMISS", "1st"),
        ("missions", "mission", "UN-IRAQ", "-"),
    ],
)
def test_a_code_of_another_form_rejects_its_row(source: str, column: str, good: object, bad: object) -> None:
    passed, reasons = judged(source, {column: good}, {column: bad})
    assert passed == [1]
    (reason,) = reasons[2]
    assert reason.startswith(f"{column}: expected ")
    assert reason.endswith(f", got {bad!r}")


def test_several_faults_reject_one_row_with_every_reason() -> None:
    passed, reasons = judged(
        "fatalities",
        {},
        {"casualty_id": "?", "incident_date": "2030-01-01", "mission": None, "gender": "X", "printed_m49": 1000},
        {},
    )
    assert passed == [1, 3]
    assert list(reasons) == [2]
    assert sorted(reason.split(":")[0] for reason in reasons[2]) == [
        "casualty_id",
        "gender",
        "incident_date",
        "mission",
        "printed_m49",
    ]
    assert "incident_date: expected a date up to 2021-06-15, got 2030-01-01" in reasons[2]
    assert "printed_m49: expected an M49 code, got 1000" in reasons[2]
