"""Parsing: text cells become typed columns, by the kind of the column (text, day, whole, number) and the dialect."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

import pandas as pd

from schemas.validate import faults, no_faults
from transforms.dialects import Dialect, Raw
from transforms.reading import TEXT


def parse_text(column: pd.Series, dialect: Dialect) -> pd.Series:
    """Trim; what is empty or stands for nothing in this dialect becomes missing."""
    trimmed = column.str.strip()
    return trimmed.mask(trimmed.isin(["", *dialect.blanks]))


def parse_days(column: pd.Series, dialect: Dialect) -> pd.Series:
    """Days in any of the dialect's date forms (`epoch_ms`, `iso`, or a strptime pattern); others become missing."""
    days = pd.Series(pd.NaT, index=column.index, dtype="datetime64[us]")
    for form in dialect.dates:
        left = column[days.isna()]
        if form == "epoch_ms":
            # Bounded so that any day of years 1 to 9999 fits; the checks on the column judge the rest.
            numbers = pd.to_numeric(left, errors="coerce")
            numbers = numbers.where(numbers.between(-62_135_596_800_000, 253_402_300_799_000))
            found = pd.to_datetime(numbers, unit="ms", errors="coerce")
        elif form == "iso":
            found = pd.to_datetime(
                left.where(
                    left.str.match(r"\d{4}-\d{2}-\d{2}(T00:00:00(\.0+)?Z?)?$").astype("boolean").fillna(False)
                ).str.slice(0, 10),
                format="%Y-%m-%d",
                errors="coerce",
            )
        else:
            found = pd.to_datetime(left, format=form, errors="coerce")
        days = days.fillna(found.dt.normalize().astype("datetime64[us]"))
    return days


def parse_numbers(column: pd.Series, dialect: Dialect) -> pd.Series:
    """Numbers with the dialect's thousands separators, decimal mark and signs for zero; others become missing."""
    plain = column
    for separator in dialect.thousands:
        # Groups of three, one kind of separator: '1 234,56' and '12,34' are no numbers here, rather than wrong ones.
        mark = re.escape(separator)
        grouped = plain.str.fullmatch(rf"[+-]?\d{{1,3}}(?:{mark}\d{{3}})+(?:\.\d*)?").astype("boolean").fillna(False)
        plain = plain.mask(grouped, plain.str.replace(separator, "", regex=False))
    if dialect.decimal != ".":
        plain = plain.str.replace(dialect.decimal, ".", regex=False)
    if dialect.zeros:
        plain = plain.mask(plain.isin(list(dialect.zeros)), "0")
    # to_numeric alone would take 'inf', '1e9' (unless the dialect writes so) and '0x10' for numbers.
    number = r"[+-]?\d+(\.\d*)?" + (r"(e[+-]?\d{1,2})?" if dialect.exponents else "")
    plain = plain.where(plain.str.fullmatch(number).astype("boolean").fillna(False))
    return pd.to_numeric(plain, errors="coerce").astype("float64")


def parse_whole(column: pd.Series, dialect: Dialect) -> pd.Series:
    """Whole numbers (`250.0` is one); others become missing."""
    numbers = parse_numbers(column, dialect)
    return numbers.where((numbers % 1 == 0) & (numbers.abs() < 2**53)).astype("Int64")


_PARSERS = {"day": parse_days, "whole": parse_whole, "number": parse_numbers}


def typed(
    cells: pd.DataFrame, kinds: Mapping[str, tuple[str, str]], dialect: Dialect
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Turn text cells into typed columns; gives the frame of the rows that parsed, and the faults of the others.

    `kinds` has (kind, what is expected) for each of our columns. Columns that the file lacks are added, all missing.
    Each distinct text is parsed once.
    """
    columns: dict[str, pd.Series] = {}
    bad = [no_faults()]
    for name, (kind, expects) in kinds.items():
        if name not in cells:
            continue
        codes, distinct = pd.factorize(cells[name])
        words = parse_text(pd.Series(distinct, dtype=TEXT), dialect)
        values = words if kind == "text" else _PARSERS[kind](words, dialect)
        if name in dialect.units:
            # To the cent: 1.005 as the next binary fraction is a little less, and so would be its thousandfold.
            values = (values * dialect.units[name]).round(2)
        wrong = words.notna() & values.isna()
        columns[name] = values.take(codes).set_axis(cells.index)
        if wrong.any():
            rows = cells.index[wrong.to_numpy()[codes]]
            came = cells.loc[rows, name].str.slice(0, 60)
            bad.append(faults(rows, name, f"not_a_{kind}", name + ": expected " + expects + ", got '" + came + "'"))
    frame = pd.DataFrame(columns, index=cells.index)
    found = pd.concat(bad, ignore_index=True)
    return frame[~frame.index.isin(found["row_number"])], found


def kinds_of(schema: Any) -> dict[str, tuple[str, str]]:
    """The (kind, expects) of each column of an incoming schema."""
    return {name: (column.metadata["kind"], column.metadata["expects"]) for name, column in schema.columns.items()}


def last_update(raw: Raw) -> date | None:
    """The newest `last_update` of the rows: the vintage they carry themselves, or None."""
    cells = raw.cells()
    if "last_update" not in cells:
        return None
    newest = parse_days(parse_text(cells["last_update"].drop_duplicates(), raw.dialect), raw.dialect).max()
    return None if pd.isna(newest) else newest.date()
