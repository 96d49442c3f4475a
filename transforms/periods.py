"""First and last days of the periods that publishers print: years, peacekeeping years, months."""

from __future__ import annotations

from typing import Any

import pandas as pd


def iso_days(texts: pd.Series) -> pd.Series:
    """Days written 2018-07-01."""
    return pd.to_datetime(texts, format="%Y-%m-%d").astype("datetime64[us]")


def month_ends(days: pd.Series) -> pd.Series:
    """The last day of each day's month."""
    return (days + pd.offsets.MonthEnd(0)).astype("datetime64[us]")


def calendar_years(first: pd.Series, last: pd.Series) -> tuple[pd.Series, pd.Series]:
    """The first days of the calendar years `first` and the last days of the calendar years `last`."""
    return iso_days(first.astype("str") + "-01-01"), iso_days(last.astype("str") + "-12-31")


def peacekeeping_year_ended(year: pd.Series) -> pd.DataFrame:
    """The peacekeeping year (1 July to 30 June) that ended in June of `year`: label, first day, last day.

    CEB labels a peacekeeping year by the calendar year in which it ends: 2019 is 2018-19.
    """
    text = year.astype("Int64")
    return pd.DataFrame(
        {
            "peacekeeping_year": (text - 1).astype("str") + "-" + (text % 100).astype("str").str.zfill(2),
            "period_start": iso_days((text - 1).astype("str") + "-07-01"),
            "period_end": iso_days(text.astype("str") + "-06-30"),
        }
    )


def peacekeeping_year_started(label: pd.Series) -> pd.DataFrame:
    """First and last day of peacekeeping years written 2018-19; missing for any other label (2018-20).

    The compiled sources label a peacekeeping year by both calendar years, CEB by the one in which it ended.
    """
    parts = label.str.extract(r"^(\d{4})-(\d{2})$")
    first = pd.to_numeric(parts[0]).astype("Int64")
    consecutive = ((first + 1) % 100 == pd.to_numeric(parts[1]).astype("Int64")).fillna(False).astype(bool)
    start = iso_days(parts[0].where(consecutive) + "-07-01")
    end = start + pd.DateOffset(years=1) - pd.Timedelta(days=1)
    return pd.DataFrame({"period_start": start, "period_end": end.astype("datetime64[us]")})


def period_label(period: Any) -> str:
    """A period as text: a day in ISO format, others unchanged (2023-24, 2019)."""
    return period.date().isoformat() if isinstance(period, pd.Timestamp) else str(period)


def period_labels(periods: pd.Series) -> pd.Series:
    """Periods as texts: days in ISO format, others unchanged (2023-24, 2019)."""
    days = periods.dtype.kind == "M"
    return (periods.dt.strftime("%Y-%m-%d") if days else periods).astype("str")
