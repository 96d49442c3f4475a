"""Numbers and dates as people and spreadsheets write them: unambiguous ones are parsed, others rejected."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests_shared import stage_bytes, to_csv, to_json

from transforms.dialects import Dialect
from transforms.parsing import parse_days, parse_numbers, parse_whole
from transforms.reading import TEXT

CSV = Dialect("plain", "csv", {"a": "a"})
API = Dialect("api", "json", {"a": "a"}, dates=("epoch_ms", "iso"))
DAY_MS = 86_400_000


def text(*cells: str) -> pd.Series:
    return pd.Series(list(cells), dtype=TEXT)


def whole_numbers(*cells: str) -> list[int | None]:
    return [None if pd.isna(value) else int(value) for value in parse_whole(text(*cells), CSV)]


@pytest.mark.parametrize("mark", [",", " ", "\u00a0", "\u202f"])
def test_counts_grouped_in_threes_by_one_mark_are_read(mark: str) -> None:
    assert whole_numbers("5", f"1{mark}263", f"12{mark}345{mark}678", "713") == [5, 1263, 12345678, 713]


@pytest.mark.parametrize(
    ("cells", "read"),
    [
        (("1,263", "12,5"), [None, None]),  # in the same column the comma is a decimal mark
        (("1,263", "1 367"), [None, None]),  # two marks
        (("1,26",), [None]),
        (("1263,000", "1,263"), [None, None]),
    ],
)
def test_a_column_that_does_not_agree_is_not_read(cells: tuple[str, ...], read: list[int | None]) -> None:
    assert whole_numbers(*cells) == read


def test_exactly_three_decimals_may_be_thousands_and_are_no_number() -> None:
    assert whole_numbers("1.000", "250.0", "250.00", "250") == [None, 250, 250, 250]
    dollars = parse_numbers(text("133.036", "133.03", "133.0", "133"), CSV, 2)
    assert [None if pd.isna(value) else value for value in dollars] == [None, 133.03, 133.0, 133.0]
    assert parse_numbers(text("28.167"), CSV).tolist() == [28.167]  # a rate has any number of decimals


@given(st.lists(st.integers(-(10**12), 10**12), min_size=1), st.sampled_from([",", " ", "\u00a0", "\u202f"]))
def test_any_whole_numbers_written_with_one_mark_read_back(numbers: list[int], mark: str) -> None:
    cells = [f"{number:,}".replace(",", mark) for number in numbers]
    assert whole_numbers(*cells) == numbers


def days(dialect: Dialect, *cells: str, moments: bool = False) -> list[str | None]:
    days = parse_days(text(*cells), dialect, moments=moments)
    return [None if pd.isna(day) else day.date().isoformat() for day in days]


def test_milliseconds_are_days_only_at_midnight_in_utc_and_zero_is_no_date() -> None:
    assert days(API, "1547942400000", "-681004800000") == ["2019-01-20", "1948-06-03"]
    assert days(API, "0", "1547942400001", "1547938800000", "1547942400") == [None] * 4


def test_json_and_csv_agree_that_zero_and_times_of_day_are_no_dates() -> None:
    assert days(CSV, "0", "2019-01-20T13:00:00", "2019-01-20") == [None, None, "2019-01-20"]


def test_a_moment_may_have_a_time_of_day() -> None:
    assert days(API, "1547942400001", moments=True) == ["2019-01-20"]
    assert days(CSV, "2019-01-20T13:00:00Z", moments=True) == ["2019-01-20"]


def test_years_of_two_digits_lie_in_the_century_that_the_form_declares() -> None:
    form = Dialect("d", "csv", {}, dates=("%d-%b-%y",), two_digit_years_from=1990)
    assert days(form, "30-Nov-20", "31-Jan-90", "31-Dec-89", "31-Dec-99") == [
        "2020-11-30", "1990-01-31", "2089-12-31", "1999-12-31",
    ]  # fmt: skip


@given(st.dates(date(1990, 1, 1), date(2089, 12, 31)))
def test_any_day_of_that_century_reads_back(day: date) -> None:
    form = Dialect("d", "csv", {}, dates=("%d-%b-%y",), two_digit_years_from=1990)
    assert days(form, day.strftime("%d-%b-%y")) == [day.isoformat()]


CASUALTY: dict[str, object] = {
    "casualty_id": "MINUSMA-2019-01-00001", "incident_date": "2019-01-20", "mission_acronym": "MINUSMA",
    "casualty_nationality": "Chad", "casualty_personnel_type": "Military", "type_of_incident": "Malicious Act",
    "gender": "M", "isocode3": "TCD", "m49_code": "148",
}  # fmt: skip


def several(**changes: object) -> list[dict[str, object]]:
    """Forty right rows, and one with the changes."""
    right = [{**CASUALTY, "casualty_id": f"MINUSMA-2019-01-{n:05d}"} for n in range(2, 42)]
    return [*right, {**CASUALTY, **changes}]


@pytest.mark.parametrize(
    ("printed", "reason"),
    [
        ("43485", "as a day number of Excel it would be 2019-01-20"),
        ("0", "a zero means no date"),
        ("1547938800000", "as milliseconds it is not midnight in UTC"),
    ],
)
def test_a_number_that_is_no_date_is_rejected_with_what_it_may_be(printed: str, reason: str) -> None:
    by_csv = stage_bytes("fatalities", to_csv(several(incident_date=printed)))
    assert (len(by_csv.rows), by_csv.rows_rejected) == (40, 1) and reason in by_csv.rejected["reason"].iloc[0]
    rows = [{**row, "incident_date": int(str(row["incident_date"]))} if row["incident_date"] == printed else row
            for row in several(incident_date=printed)]  # fmt: skip
    by_json = stage_bytes("fatalities", to_json(rows))
    assert by_json.rejected["reason"].tolist() == by_csv.rejected["reason"].tolist()


def test_a_code_replaces_a_blank_name_and_is_marked() -> None:
    staged = stage_bytes("fatalities", to_csv(several(casualty_nationality="", isocode3="NAM", m49_code="516")))
    row = staged.rows.set_index("casualty_id").loc["MINUSMA-2019-01-00001"]
    assert (row["nationality_iso3"], row["nationality_status"]) == ("NAM", "from_code")
    assert staged.signals.to_dict("records") == [{"kind": "code_for_blank_name", "value": "NAM", "rows": 1}]


def test_the_m49_code_is_used_where_the_iso_code_is_blank_too() -> None:
    staged = stage_bytes("fatalities", to_csv(several(casualty_nationality="", isocode3="", m49_code="516")))
    assert staged.rows.set_index("casualty_id").loc["MINUSMA-2019-01-00001", "nationality_iso3"] == "NAM"


def test_what_the_publisher_calls_undetermined_stays_so_whatever_its_code() -> None:
    staged = stage_bytes("fatalities", to_csv(several(casualty_nationality="ZZ [Undetermined]")))
    row = staged.rows.set_index("casualty_id").loc["MINUSMA-2019-01-00001"]
    assert pd.isna(row["nationality_iso3"]) and row["nationality_status"] == "undetermined"


def test_in_the_personnel_a_code_replaces_a_name_and_is_a_signal() -> None:
    row = {
        "isocode3": "TCD", "m49_code": 148, "contributing_country": "Chad", "mission_acronym": "MINUSMA",
        "personnel_type": "Troops", "female_personnel": 1, "male_personnel": 2, "last_reporting_date": "2019-01-31",
    }  # fmt: skip
    named = {**row, "contributing_country": "Tchad inconnu", "personnel_type": "Staff Officer"}
    blank = {**row, "contributing_country": "", "isocode3": "", "personnel_type": "Experts on Mission"}
    staged = stage_bytes("uniformed_personnel", to_json([row, named, blank]))
    assert staged.rows["contributor_iso3"].tolist() == ["TCD"] * 3
    values = staged.signals.set_index("kind").loc["code_for_name", "value"].tolist()
    assert values == ["Tchad inconnu / TCD", "blank / TCD"]


def test_a_mission_that_ends_before_it_begins_is_rejected() -> None:
    def mission(acronym: str, start: str, end: str) -> dict[str, object]:
        return {
            "Mission_Acronym": acronym, "Mission_Name": "A mission", "Lead_Department": "DPO", "mission_isactive": "No",
            "Start_Date": start, "End_Date": end, "mission_location": "Bamako", "mission_longitude": "1", "mission_latitude": "1",
            "Last_Update": "2024-02-19",
        }  # fmt: skip

    rows = [mission(f"UNX{n}", "2001-01-01", "2002-01-01") for n in range(40)]
    staged = stage_bytes("missions", to_csv([*rows, mission("UNY", "2003-01-01", "2002-01-01")]))
    assert staged.rejected["reason"].tolist() == ["end_date: expected 2003-01-01 or later, got 2002-01-01"]
