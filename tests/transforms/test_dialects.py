"""Dialects are recognised by their columns; parsers accept what a publisher prints and nothing else."""

from __future__ import annotations

import io
import json
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests_shared import CATALOGUE, stage_bytes, to_csv, to_json

from schemas.validate import ContractError
from transforms import dialects, parsing
from transforms.decoding import repaired
from transforms.dialects import Dialect
from transforms.parsing import parse_days, parse_numbers, parse_whole
from transforms.reading import TEXT

PLAIN = Dialect("plain", "csv", {"a": "a"})


def text(*cells: str) -> pd.Series:
    return pd.Series(list(cells), dtype=TEXT)


def read(payload: bytes, form: Any = "csv", source: str = "fatalities") -> dialects.Raw:
    return dialects.read(io.BytesIO(payload), form, CATALOGUE[source].dialects, source)


NOTICAS = "casualty_id,incident_date,mission_acronym,casualty_nationality,casualty_personnel_type,type_of_incident"
ROW = "MINUSMA-2019-01-00001,2019-01-20,MINUSMA,Chad,Military,Malicious Act"


def test_the_file_name_plays_no_part_and_the_order_of_columns_neither() -> None:
    shuffled = ",".join(reversed((NOTICAS + ",last_update,gender,isocode3,m49_code,type_of_casualty,id").split(",")))
    assert read(f"{shuffled}\nx{',' * 11}\n".encode()).dialect.name == "psdata-csv"


def test_a_missing_column_is_named_with_what_came_instead() -> None:
    with pytest.raises(ContractError, match=r"needs the column type_of_incident.*New columns: incident_kind"):
        read(f"{NOTICAS.replace('type_of_incident', 'incident_kind')}\n{ROW}\n".encode())


def test_a_new_column_is_noticed_and_kept_out() -> None:
    rows = [dict(zip(NOTICAS.split(","), ROW.split(","), strict=True)) | {"rank": "Sergeant"}]
    staged = stage_bytes("fatalities", to_json(rows))
    assert staged.signals.to_dict("records") == [{"kind": "new_column", "value": "rank", "rows": 1}]
    assert "rank" not in staged.rows and len(staged.rows) == 1


def test_two_columns_with_the_same_meaning_are_refused() -> None:
    with pytest.raises(ContractError, match="amount and usd_amount both stand for amount_usd"):
        read(
            b"government_donor,entity,rev_type,calendar_year,amount,usd_amount\na,b,c,1,2,3\n",
            "csv",
            "assessed_contributions",
        )


def test_a_blank_first_line_is_no_header() -> None:
    assert read(f"\r\n\n{NOTICAS}\n{ROW}\n".encode()).cells()["mission"].tolist() == ["MINUSMA"]


def test_a_quote_that_is_never_closed_is_refused_with_its_row() -> None:
    with pytest.raises(ContractError, match="Row 2 runs over several lines"):
        read(f'{NOTICAS}\n{ROW}\n"MINUSMA,x\n{ROW}\n{ROW}\n'.encode())


def test_a_doubled_column_is_refused() -> None:
    with pytest.raises(ContractError, match="'gender' twice"):
        read(f"{NOTICAS},gender,gender\n{ROW},M,F\n".encode())


@pytest.mark.parametrize(
    ("payload", "form", "reason"),
    [
        (b"a,b\n", "csv", "a header and no rows"),
        (b"[]", "json", "has no rows"),
        (b'{"error": "no such dataset"}', "json", "an object with error"),
        (b"null", "json", "got null"),
        (b'[{"a": 1}, [2]]', "json", "element 2 is an array"),
        (b'[{"a": 1}, {"a": 2', "json", "cut off"),
        (b"a,b\n1,2\n", "csv", "no known form of fatalities"),
        (b'[{"a": 1}]', "json", "no known form of fatalities"),
    ],
)
def test_a_file_without_a_table_of_the_source_is_refused_in_one_sentence(
    payload: bytes, form: str, reason: str
) -> None:
    with pytest.raises(ContractError, match=reason):
        read(payload, form)


def test_a_form_that_the_source_never_had_is_named() -> None:
    with pytest.raises(ContractError, match="published as CSV; this is JSON"):
        read(b'[{"a": 1}]', "json", "assessed_contributions")


def test_rows_of_the_wrong_width_are_set_aside_with_their_number_and_text() -> None:
    good = [ROW.replace("00001", f"{n:05d}") for n in range(2, 60)]
    payload = "\n".join([NOTICAS, ROW, "one,two", *good, ""]).encode()
    staged = stage_bytes("fatalities", payload)
    assert staged.rejected[["row_number", "check_name"]].values.tolist() == [[2, "row_width"]]
    assert staged.rejected["raw_row"].tolist() == ["one,two"]
    assert staged.rows_in == 60 and len(staged.rows) == 59
    assert staged.rows["snapshot_row"].tolist() == [1, *range(3, 61)]


def test_quotes_and_line_breaks_inside_cells_are_one_cell() -> None:
    raw = read(f'{NOTICAS}\nMINUSMA-2019-01-00001,2019-01-20,MINUSMA,"a ""b"",\nc",Military,Illness\n'.encode())
    assert raw.cells()["nationality"].tolist() == ['a "b",\nc']


@given(st.dates(date(1700, 1, 1), date(2200, 12, 31)))
@example(date(1970, 1, 1))
def test_days_are_the_same_in_every_form(day: date) -> None:
    """The exception is 1970-01-01 in milliseconds: it is 0, which means no date."""
    milliseconds = int((datetime.combine(day, datetime.min.time()) - datetime(1970, 1, 1)) / timedelta(milliseconds=1))
    forms = Dialect("d", "csv", {}, dates=("epoch_ms", "iso", "%d/%m/%Y"))
    cells = text(str(milliseconds), day.isoformat(), f"{day:%d/%m/%Y}")
    in_milliseconds, *others = parse_days(cells, forms).tolist()
    assert others == [pd.Timestamp(day)] * 2
    assert pd.isna(in_milliseconds) if milliseconds == 0 else in_milliseconds == pd.Timestamp(day)


def test_a_two_digit_year_is_of_this_century() -> None:
    assert parse_days(text("30-Nov-20"), Dialect("d", "csv", {}, dates=("%d-%b-%y",))).tolist() == [
        pd.Timestamp(2020, 11, 30)
    ]


def test_a_text_that_is_not_a_day_of_the_dialect_is_missing() -> None:
    cells = ["2019-02-30", "20190120", "20/01/2019", "tomorrow", "2019-01-20 10:00", "1e400", "-"]
    assert parse_days(text(*cells), PLAIN).isna().all()


@given(st.integers(0, 10**12), st.sampled_from([" ", "\u00a0", "\u202f", ","]))
def test_thousands_are_the_same_with_every_separator(number: int, separator: str) -> None:
    spaced = Dialect("d", "csv", {}, thousands=(" ", "\u00a0", "\u202f", ","))
    printed = f"{number:,}".replace(",", separator)
    assert parse_numbers(text(printed), spaced).tolist() == [float(number)]
    assert parse_whole(text(printed), spaced).tolist() == [number]


def test_a_text_that_is_not_a_number_of_the_dialect_is_missing() -> None:
    cells = ["12O", "1e9", "inf", "nan", "0x10", "1 000", "--5", "(5)", "3.7.1", "١٢"]
    assert parse_numbers(text(*cells), PLAIN).isna().all()


def test_a_fraction_is_no_whole_number_and_is_never_rounded() -> None:
    assert parse_whole(text("3.7", "250.0", "99999999999999999999"), PLAIN).tolist() == [pd.NA, 250, pd.NA]


# Units, and a column a year

THOUSANDS = Dialect("thousands", "csv", {"a": "amount_usd"}, units={"amount_usd": 1000})
WIDE = {
    "name": "wide", "format": "csv", "note": "a column a year", "required": {"iso3": "state"},
    "constants": {"basis": "derived"}, "ignored": ["name"],
    "unpivot": {"year": {"2024": {"scale": "regular", "rate_2024": "rate"}, "2025": {"scale": "regular", "rate_2025": "rate"}}},
}  # fmt: skip
WIDE_FILE = "iso3,name,Scale,rate_2025,rate_2024,mood\nFRA,France,4,5,6,good\nDEU,Germany\nITA,Italy,3,2,1,bad\n"


def wide(payload: str = WIDE_FILE) -> dialects.Raw:
    return dialects.read(io.BytesIO(payload.encode()), "csv", [Dialect(**WIDE)], "rates")


@given(st.decimals(-3_000_000, 3_000_000, allow_nan=False, places=5))
def test_thousands_are_dollars_to_the_cent_whatever_binary_fractions_make_of_them(printed: Decimal) -> None:
    kinds = {"amount_usd": ("number", "an amount")}
    frame, bad = parsing.typed(pd.DataFrame({"amount_usd": text(f"{printed:f}")}), kinds, THOUSANDS)
    assert frame["amount_usd"].tolist() == [float(printed * 1000)] and bad.empty


def test_every_unit_is_declared_for_a_column_that_its_dialect_has() -> None:
    for source in CATALOGUE.values():
        for declared in source.dialects:
            named = {*declared.required.values(), *declared.optional.values()}
            assert set(declared.units) <= named, (source.name, declared.name)


def test_a_column_a_year_becomes_a_row_a_year_in_reading_order() -> None:
    cells = wide().cells()
    assert cells.reset_index().to_dict("records") == [
        {"row_number": 1, "state": "FRA", "year": "2024", "regular": "4", "rate": "6", "basis": "derived"},
        {"row_number": 2, "state": "FRA", "year": "2025", "regular": "4", "rate": "5", "basis": "derived"},
        {"row_number": 5, "state": "ITA", "year": "2024", "regular": "3", "rate": "1", "basis": "derived"},
        {"row_number": 6, "state": "ITA", "year": "2025", "regular": "3", "rate": "2", "basis": "derived"},
    ]


def test_each_of_its_rows_leads_back_to_the_published_one_and_each_is_counted() -> None:
    raw = wide()
    assert raw.published_row(raw.printed.index).tolist() == [1, 1, 3, 3]
    assert raw.broken["row_number"].tolist() == [3] and raw.published_row(pd.Index(raw.broken["row_number"])) == [2]
    assert raw.rows_read == 5  # a row of the wrong width is not split
    assert raw.new_columns == ("mood",)
    shown = json.loads(raw.raw_rows(pd.Index([6]))[6])
    assert shown == {"iso3": "ITA", "name": "Italy", "mood": "bad", "year": "2025", "regular": "3", "rate": "2"}


def test_a_year_without_its_column_is_named() -> None:
    with pytest.raises(ContractError, match=r"needs the column rate_2025\. New columns: rate_2026, mood"):
        wide(WIDE_FILE.replace("rate_2025", "rate_2026"))


def test_a_year_without_a_value_is_a_row() -> None:
    assert wide("iso3,scale,rate_2024,rate_2025\nFRA,4,,5\n").cells()["rate"].tolist() == ["", "5"]


# Without texts that look wrongly decoded: they refuse the file.
CELLS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12).filter(lambda text: repaired(text) is None)
FIELDS = NOTICAS.split(",")


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.fixed_dictionaries(dict.fromkeys(FIELDS, CELLS)), max_size=4))
def test_no_row_is_lost_whatever_its_cells_hold(rows: list[dict[str, str]]) -> None:
    good = [dict(zip(FIELDS, ROW.replace("00001", f"{n:05d}").split(","), strict=True)) for n in range(200)]
    for payload in (to_csv([*good, *rows]), to_json([*good, *rows])):
        staged = stage_bytes("fatalities", payload)
        assert staged.rows_read == 200 + sum(any(cell.strip() for cell in row.values()) for row in rows)
        assert len(staged.rows) + staged.rows_rejected + len(staged.merged) == staged.rows_read
        assert set(range(1, 201)) <= set(staged.rows["snapshot_row"])
