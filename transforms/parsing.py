"""Parse text cells into typed columns, by the kind of the column (text, day, whole, number) and the dialect."""

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

DECIMALS = {"whole": 0, "money": 2}  # kinds with a fixed number of decimals
FAILED_CHECKS = {  # name of the check that an unparsable cell of each kind fails
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
    """Trimmed texts, without the dialect's stray characters at their ends; blank ones become missing."""
    trimmed = column.str.strip()
    if dialect.stray:
        trimmed = trimmed.str.strip(dialect.stray)
    return trimmed.mask(trimmed.isin(["", *dialect.blanks]))


def parse_days(column: pd.Series, dialect: Dialect, *, moments: bool = False) -> pd.Series:
    """Days in any of the dialect's date forms (`epoch_ms`, `iso`, or a strptime pattern); others become missing.

    A time of day is accepted only with `moments` (update times). Elsewhere it indicates another unit or time zone, in
    which the day can differ. The number 0 means no date.
    """
    days = pd.Series(pd.NaT, index=column.index, dtype="datetime64[us]")
    for form in dialect.dates:
        left = column[days.isna()]
        if form == "epoch_ms":
            parsed = _from_epoch(left, moments)
        elif form == "iso":
            time = r"(T[0-9:.]+Z?)?" if moments else r"(T00:00:00(\.0+)?Z?)?"
            matching = left.str.fullmatch(r"\d{4}-\d{2}-\d{2}" + time).astype("boolean").fillna(False)
            parsed = pd.to_datetime(left.where(matching).str.slice(0, 10), format="%Y-%m-%d", errors="coerce")
        else:
            parsed = _in_century(pd.to_datetime(left, format=form, errors="coerce"), form, dialect)
        days = days.fillna(parsed.dt.normalize().astype("datetime64[us]"))
    return days


def _from_epoch(texts: pd.Series, moments: bool) -> pd.Series:
    """Days from milliseconds since 1970, for the years 1 to 9999; the column's bounds apply later."""
    numbers = pd.to_numeric(texts, errors="coerce")
    fits = numbers.between(-62_135_596_800_000, 253_402_300_799_000) & (numbers != 0)
    if not moments:
        fits &= numbers % DAY_MS == 0
    return pd.to_datetime(numbers.where(fits), unit="ms", errors="coerce")


def _in_century(days: pd.Series, form: str, dialect: Dialect) -> pd.Series:
    """Move two-digit years into the hundred years from the dialect's `two_digit_years_from`."""
    first = dialect.two_digit_years_from
    if first is None or "%y" not in form:
        return days
    centuries = 100 * ((days.dt.year - first) // 100)
    for shift in centuries.dropna().unique():
        days = days.mask(centuries == shift, days - pd.DateOffset(years=int(shift)))
    return days


def parse_numbers(column: pd.Series, dialect: Dialect, decimals: int | None = None) -> pd.Series:
    """Numbers with the dialect's thousands separators, decimal mark and signs for zero; others become missing.

    decimals  decimals of the unit: 0 for counts, 2 for dollars, None for any number. With 0 or 2, digits can be grouped
              in threes by one separator throughout the column, and a number with exactly three decimals becomes
              missing: 1.000 can mean one or a thousand.
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
    # to_numeric would also accept 'inf', '0x10' and, where the dialect has no exponents, '1e9'.
    number = r"[+-]?\d+(\.\d*)?" + (r"(e[+-]?\d{1,2})?" if dialect.exponents else "")
    plain = plain.where(plain.str.fullmatch(number).astype("boolean").fillna(False))
    return pd.to_numeric(plain, errors="coerce").astype("float64")


def _ungrouped(texts: pd.Series, mark: str) -> pd.Series:
    """Texts without the mark where it groups the digits before the decimal point in threes."""
    grouped = texts.str.fullmatch(rf"[+-]?\d{{1,3}}(?:{re.escape(mark)}\d{{3}})+(?:\.\d*)?").astype("boolean")
    return texts.mask(grouped.fillna(False), texts.str.replace(mark, "", regex=False))


def parse_whole(column: pd.Series, dialect: Dialect) -> pd.Series:
    """Whole numbers (`250.0` is one); others become missing."""
    numbers = parse_numbers(column, dialect, DECIMALS["whole"])
    return numbers.where((numbers % 1 == 0) & (numbers.abs() < 2**53)).astype("Int64")


def kinds_of(schema: Any) -> dict[str, tuple[str, str]]:
    """The kind and the expectation of each column of an incoming schema."""
    return {name: (column.metadata["kind"], column.metadata["expects"]) for name, column in schema.columns.items()}


def _parse(words: pd.Series, kind: str, dialect: Dialect, unit: float | None) -> pd.Series:
    """Distinct texts as typed values. `unit` is the factor from the file's unit to the column's."""
    if kind == "text":
        return words
    if kind in ("day", "moment"):
        return parse_days(words, dialect, moments=kind == "moment")
    if unit is not None:
        # Rounded to cents, because binary fractions are inexact (1.005 thousand USD would be 1004.99...).
        return (parse_numbers(words, dialect) * unit).round(2)
    return parse_whole(words, dialect) if kind == "whole" else parse_numbers(words, dialect, DECIMALS.get(kind))


def typed(
    cells: pd.DataFrame, kinds: Mapping[str, tuple[str, str]], dialect: Dialect
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Convert text cells to typed columns. Returns the rows that parsed, and the faults of the others.

    `kinds` has kind and expectation of each column. Columns missing from the file are missing from the result. Each
    distinct text is parsed once.
    """
    columns: dict[str, pd.Series] = {}
    rejected = [no_faults()]
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
            actual = cells.loc[rows, name].str.slice(0, 60)
            cause = pd.Series(causes, dtype=TEXT).take(codes).set_axis(cells.index)[rows]
            reason = name + ": expected " + expects + ", got '" + actual + "'" + cause
            rejected.append(faults(rows, name, FAILED_CHECKS[kind], reason))
    frame = pd.DataFrame(columns, index=cells.index)
    unparsed = pd.concat(rejected, ignore_index=True)
    return frame[~frame.index.isin(unparsed["row_number"])], unparsed


def _cause(text: str, kind: str) -> str:
    """The likely cause of an unparsable text, as the end of a reason; empty where unknown."""
    if kind in DECIMALS and re.fullmatch(THREE_DECIMALS, text):
        return " (three decimals: the point may group thousands; write the number without it)"
    number = re.fullmatch(r"(-?\d+)(\.\d+)?", text)
    if kind != "day" or not number:
        return ""
    value = int(number[1][:15])
    if value == 0:
        return " (a zero means no date)"
    if EXCEL_DAYS[0] <= value <= EXCEL_DAYS[1]:
        day = (EXCEL_EPOCH + timedelta(days=value)).isoformat()
        return f" (as a day number of Excel it would be {day}; write it so)"
    if abs(value) >= DAY_MS and value % DAY_MS:
        return " (as milliseconds it is not midnight in UTC, so its day is not certain)"
    return ""


def last_update(raw: Raw) -> date | None:
    """The newest `last_update` of the rows, or None."""
    cells = raw.cells()
    if "last_update" not in cells:
        return None
    words = parse_text(cells["last_update"].drop_duplicates(), raw.dialect)
    newest = parse_days(words, raw.dialect, moments=True).max()
    return None if pd.isna(newest) else newest.date()
