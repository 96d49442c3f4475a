"""Parsing: text cells become typed columns, by the kind of the column (text, day, whole, number) and the dialect."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pandas as pd

from schemas.dialect import Dialect
from schemas.validate import faults, no_faults
from transforms.dialects import Raw
from transforms.reading import TEXT

DECIMALS = {"whole": 0, "money": 2}  # of the kinds whose unit has so many and no more
NOT_ONE = {  # the check that a cell of each kind fails
    "day": "not_a_day",
    "moment": "not_a_day",
    "whole": "not_a_whole",
    "money": "not_a_number",
    "number": "not_a_number",
}
DAY_MS = 86_400_000
EXCEL_EPOCH = date(1899, 12, 30)
EXCEL_DAYS = (17_533, 73_050)  # 1948-01-01 to 2099-12-31
GROUP_MARKS = (",", " ", "\u00a0", "\u202f")  # comma, space, no-break space, narrow no-break space
THREE_DECIMALS = r"[+-]?\d+\.\d{3}"


def parse_text(column: pd.Series, dialect: Dialect) -> pd.Series:
    """Trim; what is empty or stands for nothing in this dialect becomes missing."""
    trimmed = column.str.strip()
    return trimmed.mask(trimmed.isin(["", *dialect.blanks]))


def parse_days(column: pd.Series, dialect: Dialect, *, moments: bool = False) -> pd.Series:
    """Days in any of the dialect's date forms (`epoch_ms`, `iso`, or a strptime pattern); others become missing.

    A time of day is accepted only with `moments` (when a row was updated): elsewhere it shows that the number is in
    another unit or of another time zone, in which it can be another day. The number 0 stands for no date.
    """
    days = pd.Series(pd.NaT, index=column.index, dtype="datetime64[us]")
    for form in dialect.dates:
        left = column[days.isna()]
        if form == "epoch_ms":
            found = _from_epoch(left, moments)
        elif form == "iso":
            time = r"(T[0-9:.]+Z?)?" if moments else r"(T00:00:00(\.0+)?Z?)?"
            matching = left.str.fullmatch(r"\d{4}-\d{2}-\d{2}" + time).astype("boolean").fillna(False)
            found = pd.to_datetime(left.where(matching).str.slice(0, 10), format="%Y-%m-%d", errors="coerce")
        else:
            found = _in_century(pd.to_datetime(left, format=form, errors="coerce"), form, dialect)
        days = days.fillna(found.dt.normalize().astype("datetime64[us]"))
    return days


def _from_epoch(texts: pd.Series, moments: bool) -> pd.Series:
    """Days of years 1 to 9999 from milliseconds since 1970; the checks on the column judge the rest."""
    numbers = pd.to_numeric(texts, errors="coerce")
    fits = numbers.between(-62_135_596_800_000, 253_402_300_799_000) & (numbers != 0)
    if not moments:
        fits &= numbers % DAY_MS == 0
    return pd.to_datetime(numbers.where(fits), unit="ms", errors="coerce")


def _in_century(days: pd.Series, form: str, dialect: Dialect) -> pd.Series:
    """Years of two digits in the hundred years that begin with the dialect's `two_digit_years_from`."""
    first = dialect.two_digit_years_from
    if first is None or "%y" not in form:
        return days
    centuries = 100 * ((days.dt.year - first) // 100)
    for shift in centuries.dropna().unique():
        days = days.mask(centuries == shift, days - pd.DateOffset(years=int(shift)))
    return days


def parse_numbers(column: pd.Series, dialect: Dialect, decimals: int | None = None) -> pd.Series:
    """Numbers with the dialect's thousands separators, decimal mark and signs for zero; others become missing.

    decimals  how many decimals the unit has: 0 for counts, 2 for dollars, None where any number is possible. With 0
              or 2 digits may be grouped in threes by one kind of separator in the whole column, and exactly three
              decimals are no number: 1.000 can mean one or a thousand.
    """
    plain = column
    for separator in dialect.thousands:
        plain = _ungrouped(plain, separator)
    if dialect.decimal != ".":
        plain = plain.str.replace(dialect.decimal, ".", regex=False)
    elif decimals is not None:
        plain = plain.mask(plain.str.fullmatch(THREE_DECIMALS).astype("boolean").fillna(False))
        used = [mark for mark in GROUP_MARKS if plain.str.contains(mark, regex=False).any()]
        if len(used) == 1:
            ungrouped = _ungrouped(plain, used[0])
            agree = not ungrouped.str.contains(used[0], regex=False).any()
            plain = ungrouped if agree else plain
    if dialect.zeros:
        plain = plain.mask(plain.isin(list(dialect.zeros)), "0")
    # to_numeric alone would take 'inf', '1e9' (unless the dialect writes so) and '0x10' for numbers.
    number = r"[+-]?\d+(\.\d*)?" + (r"(e[+-]?\d{1,2})?" if dialect.exponents else "")
    plain = plain.where(plain.str.fullmatch(number).astype("boolean").fillna(False))
    return pd.to_numeric(plain, errors="coerce").astype("float64")


def _ungrouped(texts: pd.Series, mark: str) -> pd.Series:
    """Texts without the mark where it groups the digits of a whole number or of its whole part in threes."""
    grouped = texts.str.fullmatch(rf"[+-]?\d{{1,3}}(?:{re.escape(mark)}\d{{3}})+(?:\.\d*)?").astype("boolean")
    return texts.mask(grouped.fillna(False), texts.str.replace(mark, "", regex=False))


def parse_whole(column: pd.Series, dialect: Dialect) -> pd.Series:
    """Whole numbers (`250.0` is one); others become missing."""
    numbers = parse_numbers(column, dialect, DECIMALS["whole"])
    return numbers.where((numbers % 1 == 0) & (numbers.abs() < 2**53)).astype("Int64")


def kinds_of(schema: Any) -> dict[str, tuple[str, str]]:
    """The (kind, what is expected) of each column of an incoming schema."""
    return {name: (column.metadata["kind"], column.metadata["expects"]) for name, column in schema.columns.items()}


def _parse(words: pd.Series, kind: str, dialect: Dialect, unit: float | None) -> pd.Series:
    """Distinct texts as typed values; `unit` is how many of our units one of the file's is."""
    if kind == "text":
        return words
    if kind in ("day", "moment"):
        return parse_days(words, dialect, moments=kind == "moment")
    if unit is not None:
        # To the cent: 1.005 as the next binary fraction is a little less, and so would be its thousandfold.
        return (parse_numbers(words, dialect) * unit).round(2)
    return parse_whole(words, dialect) if kind == "whole" else parse_numbers(words, dialect, DECIMALS.get(kind))


def typed(
    cells: pd.DataFrame, kinds: Mapping[str, tuple[str, str]], dialect: Dialect
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Turn text cells into typed columns; gives the frame of the rows that parsed, and the faults of the others.

    `kinds` has (kind, what is expected) for each of our columns. Columns that the file lacks are not in the frame. Each
    distinct text is parsed once.
    """
    columns: dict[str, pd.Series] = {}
    bad = [no_faults()]
    for name, (kind, expects) in kinds.items():
        if name not in cells:
            continue
        codes, distinct = pd.factorize(cells[name])
        words = parse_text(pd.Series(distinct, dtype=TEXT), dialect)
        values = _parse(words, kind, dialect, dialect.units.get(name))
        wrong = words.notna() & values.isna()
        columns[name] = values.take(codes).set_axis(cells.index)
        if wrong.any():
            causes = [_cause(word, kind) if odd else "" for word, odd in zip(words, wrong, strict=True)]
            rows = cells.index[wrong.to_numpy()[codes]]
            came = cells.loc[rows, name].str.slice(0, 60)
            cause = pd.Series(causes, dtype=TEXT).take(codes).set_axis(cells.index)[rows]
            reason = name + ": expected " + expects + ", got '" + came + "'" + cause
            bad.append(faults(rows, name, NOT_ONE[kind], reason))
    frame = pd.DataFrame(columns, index=cells.index)
    found = pd.concat(bad, ignore_index=True)
    return frame[~frame.index.isin(found["row_number"])], found


def _cause(text: str, kind: str) -> str:
    """Why a text is none of its kind, where that can be told, as the end of a reason."""
    if kind in DECIMALS and re.fullmatch(THREE_DECIMALS, text):
        return " (three decimals: the point may group thousands; write the number without it)"
    number = re.fullmatch(r"(-?\d+)(\.\d+)?", text)
    if kind != "day" or not number:
        return ""
    value = int(number[1][:15])
    if value == 0:
        return " (a zero stands for no date)"
    if EXCEL_DAYS[0] <= value <= EXCEL_DAYS[1]:
        day = (EXCEL_EPOCH + timedelta(days=value)).isoformat()
        return f" (as a day number of Excel it would be {day}; write it so)"
    if abs(value) >= DAY_MS and value % DAY_MS:
        return " (as milliseconds it is no midnight in UTC, so its day is not certain)"
    return ""


def last_update(raw: Raw) -> date | None:
    """The newest `last_update` of the rows: the vintage they carry themselves, or None."""
    cells = raw.cells()
    if "last_update" not in cells:
        return None
    words = parse_text(cells["last_update"].drop_duplicates(), raw.dialect)
    newest = parse_days(words, raw.dialect, moments=True).max()
    return None if pd.isna(newest) else newest.date()
