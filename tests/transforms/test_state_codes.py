"""The codes of states by day, on the days on which states and lists change."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from transforms.countries import countries_table
from transforms.reference_lists import DATA
from transforms.state_codes import state_code_gaps_table, state_codes_table

ENDLESS = pd.Timestamp(2200, 1, 1)


def valid(table: pd.DataFrame, system: str, iso3: str, day: str) -> pd.DataFrame:
    """The rows of a state on a day."""
    on = pd.Timestamp(day)
    until = table["valid_until"].fillna(ENDLESS)
    return table[(table["system"] == system) & (table["iso3"] == iso3) & (table["valid_from"] <= on) & (until >= on)]


@pytest.mark.parametrize(
    ("iso3", "day", "gw", "cow"),
    [
        # Yugoslavia, Serbia and Montenegro, Serbia: one code in cow, another from 2006-06-05 in gw.
        ("YUG", "2003-02-03", 345, 345), ("SCG", "2003-05-05", 345, 345), ("SCG", "2006-06-02", 345, 345),
        ("SRB", "2006-06-03", 345, 345), ("SRB", "2006-06-04", 345, 345), ("SRB", "2006-06-05", 340, 345),
        ("MNE", "2006-06-30", 341, 341),
        ("XKX", "2008-02-29", 347, 347),
        # Yemen, Germany, the Soviet Union, Czechoslovakia
        ("YEM", "1990-05-21", 678, 678), ("YEM", "1990-05-22", 678, 679), ("YMD", "1990-05-21", 680, 680),
        ("DEU", "1990-10-02", 260, 260), ("DEU", "1990-10-03", 260, 255), ("DDR", "1990-10-02", 265, 265),
        ("SUN", "1991-12-25", 365, 365), ("RUS", "1991-12-26", 365, 365), ("UKR", "1991-12-31", 369, 369),
        ("CSK", "1992-12-31", 315, 315), ("CZE", "1993-01-01", 316, 316), ("SVK", "1993-01-01", 317, 317),
        ("ETH", "1993-05-24", 530, 530), ("ERI", "1993-05-24", 531, 531),
        ("SDN", "2011-07-09", 625, 625), ("SSD", "2011-07-09", 626, 626),
        ("TZA", "1990-01-31", 510, 510), ("VNM", "1990-01-31", 816, 816), ("COG", "2015-01-31", 484, 484),
        ("COD", "2015-01-31", 490, 490), ("KOR", "2015-01-31", 732, 732), ("PRK", "2015-01-31", 731, 731),
        # The lists number the Pacific states differently: 970 is Kiribati in gw and Nauru in cow.
        ("KIR", "2015-01-31", 970, 946), ("NRU", "2015-01-31", 971, 970), ("TON", "2015-01-31", 972, 955),
        ("TUV", "2015-01-31", 973, 947),
    ],
)  # fmt: skip
def test_a_state_has_the_code_of_the_day(iso3: str, day: str, gw: int, cow: int) -> None:
    codes = state_codes_table()
    assert [valid(codes, system, iso3, day)["code"].tolist() for system in ("gw", "cow")] == [[gw], [cow]]


@pytest.mark.parametrize(
    ("iso3", "day", "gw", "cow"),
    [
        ("PSE", "2020-01-31", "not_in_list", "not_in_list"),
        ("HKG", "2020-01-31", "territory", "territory"),
        ("SSD", "2011-07-08", "before_first_day", "before_first_day"),
        ("XKX", "1999-06-30", "before_first_day", "before_first_day"),
        ("TLS", "2002-06-30", None, "before_first_day"),  # in cow since it joined the UN
        ("MNE", "2006-06-05", None, "before_first_day"),
        ("MNE", "2004-09-08", "between_spells", "before_first_day"),  # independent in gw until 1915
        ("SCG", "2006-06-03", "after_last_day", "after_last_day"),
        ("FSM", "1991-06-30", None, "before_first_day"),
    ],
)
def test_a_state_without_a_code_has_a_reason(iso3: str, day: str, gw: str | None, cow: str | None) -> None:
    gaps = state_code_gaps_table()
    reasons = [valid(gaps, system, iso3, day)["reason"].tolist() for system in ("gw", "cow")]
    assert reasons == [[] if reason is None else [reason] for reason in (gw, cow)]


def test_every_day_of_every_state_is_in_one_row() -> None:
    both = pd.concat([state_codes_table().dropna(subset=["iso3"]), state_code_gaps_table()])
    spans = both.assign(until=both["valid_until"].fillna(ENDLESS)).sort_values(["system", "iso3", "valid_from"])
    for (system, iso3), rows in spans.groupby(["system", "iso3"]):
        begins, ends = rows["valid_from"].tolist(), rows["until"].tolist()
        assert begins[0] == pd.Timestamp(date(1816, 1, 1)) and ends[-1] == ENDLESS, (system, iso3)
        assert begins[1:] == [day + pd.Timedelta(days=1) for day in ends[:-1]], (system, iso3)
    assert set(spans["iso3"]) == set(countries_table()["iso3"])


def test_no_code_stands_for_two_states_on_a_day() -> None:
    codes = state_codes_table().sort_values(["system", "code", "valid_from"])
    until = codes["valid_until"].fillna(ENDLESS)
    same = codes.duplicated(["system", "code"])
    assert (codes["valid_from"] > until.shift())[same].all()


def test_every_spell_of_the_lists_is_kept_to_the_day() -> None:
    codes = state_codes_table()
    listed = pd.read_csv(DATA / "state_codes_gw_cow.csv", dtype=str, keep_default_na=False)
    assert listed["system"].value_counts().to_dict() == {"cow": 243, "gw": 239}
    days = codes[["valid_from", "valid_until"]].apply(lambda day: day.dt.strftime("%Y-%m-%d").fillna(""))
    first, last = (set(zip(codes["system"], codes["code"], days[name], strict=True)) for name in days)
    for row in listed.itertuples():
        assert (row.system, int(row.code), row.valid_from) in first
        assert (row.system, int(row.code), row.valid_to) in last


def test_the_lists_differ_since_1990_in_a_few_states_only() -> None:
    """These states are in one list more than a year before the other; elsewhere the lists differ by days or months."""
    gaps, since = state_code_gaps_table(), pd.Timestamp(1990, 1, 1)
    gaps = gaps[~gaps["reason"].isin(["territory", "not_in_list"])]
    until = gaps["valid_until"].where(gaps["valid_until"].notna(), ENDLESS)
    first = until[until >= since].groupby([gaps["system"], gaps["iso3"]]).min().unstack("system").fillna(since)
    apart = first[(first["gw"] - first["cow"]).abs() > pd.Timedelta(days=366)]
    assert set(apart.index) == {"MKD", "FSM", "MHL", "AND", "MCO", "SMR", "KIR", "NRU", "TON", "TUV"}
