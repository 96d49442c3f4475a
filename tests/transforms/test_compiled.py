"""Compiled sources: budgets, assessments, rates, payments, dated facts and mission strength."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests_shared import CATALOGUE, read_csv, stage_bytes, to_csv

from flows.steps.registry import tables_of
from schemas.validate import ContractError
from sources import bundle
from transforms.countries import to_iso3
from transforms.periods import month_ends, peacekeeping_year_started
from transforms.staging import Staged
from transforms.vintages import Vintage

Bundled = Callable[[str], Staged]
VINTAGE = "2026-11-24"


def budget(**changes: Any) -> dict[str, Any]:
    row = {
        "pk_fiscal_year": "2018-19", "mission": "MINUSMA", "amount_usd": "1074718900.0", "stage": "initial approval",
        "printed_precision": "exact dollars", "note": "", "source": "A/C.5/72/25",
    }  # fmt: skip
    return row | changes


def budgets(*rows: dict[str, Any]) -> Staged:
    """Stage the rows with enough valid ones that only the invalid rows are rejected."""
    good = [budget(mission=f"UNX{n}") for n in range(40)]
    return stage_bytes("mission_budgets", to_csv([*good, *rows]), VINTAGE)


# Bundled figures


def test_minusma_s_first_year_has_both_approved_amounts_with_their_stages(bundled: Bundled) -> None:
    rows = bundled("mission_budgets_approved_2009-10_2025-26.csv.gz").rows
    first = rows[(rows["mission"] == "MINUSMA") & (rows["peacekeeping_year"] == "2013-14")]
    assert dict(zip(first["stage"], first["amount_usd"], strict=True)) == {
        "initial approval (June/July)": 366_770_000,
        "full-year budget adopted later in 68th session": 602_000_000,
    }
    assert first["note"].fillna("").tolist() == ["", "six months to 31 December 2013 only"]


def test_approved_and_spent_are_two_measures(bundled: Bundled) -> None:
    approved = bundled("mission_budgets_approved_2009-10_2025-26.csv.gz").rows
    spent = bundled("mission_budgets_expenditure_2018-19_2024-25.csv.gz").rows
    both = pd.concat([approved, spent])
    year = both[(both["mission"] == "MINUSMA") & (both["peacekeeping_year"] == "2018-19")]
    assert dict(zip(year["measure"], year["amount_usd"], strict=True)) == {
        "approved": 1_074_718_900, "spent": 1_105_667_000,
    }  # fmt: skip
    assert year["period_start"].unique().tolist() == [pd.Timestamp("2018-07-01")]
    assert year["period_end"].unique().tolist() == [pd.Timestamp("2019-06-30")]


def test_entities_are_one_under_whatever_name(bundled: Bundled) -> None:
    approved = bundled("mission_budgets_approved_2009-10_2025-26.csv.gz").rows
    more = bundled("mission_budgets_approved_more.csv.gz").rows
    names = set(approved["mission"]) | set(more["mission"])
    assert {"UNSOA", "SUPPORT ACCOUNT", "UNLB", "RSCE", "MINUSCA"} <= names
    assert not {name for name in names if " " in name} - {"SUPPORT ACCOUNT"}


def test_totals_and_a_row_of_two_amounts_are_out_of_scope_and_counted(bundled: Bundled) -> None:
    more = bundled("mission_budgets_approved_more.csv.gz")
    assert (more.rows_read, more.rows_out_of_scope, len(more.rows), more.rows_rejected) == (10, 3, 7, 0)


def test_every_bundled_row_is_staged_without_signals(bundled: Bundled) -> None:
    for file, rows in {
        "budget_totals_2009-10_2025-26.csv.gz": 24,
        "mission_assessments_2022-23_2025-26.csv.gz": 44,
        "state_mission_assessments_2025-26.csv.gz": 2123,
        "peacekeeping_levels_2013-2024.csv.gz": 771,
        "peacekeeping_rates_printed.csv.gz": 26,
        "peacekeeping_rates_2024-2026_derived.csv.gz": 579,
        "regular_budget_payments_2019-2026.csv.gz": 1544,
        "dated_facts_arrears.csv.gz": 23,
        "dated_facts_cash.csv.gz": 5,
        "dated_facts_minusma.csv.gz": 21,
        "mission_strength_1990-11_2017-03.csv.gz": 5330,
        "contributor_strength_1990-11_2014-03.csv.gz": 25657,
        "government_revenue_2013-2024.csv.gz": 2653,
    }.items():
        staged = bundled(file)
        accounts = (staged.rows_in, len(staged.rows), staged.rows_rejected, len(staged.merged))
        assert accounts == (rows, rows, 0, 0) and staged.signals.empty, file


def test_the_derived_rate_of_the_united_states_is_the_printed_one(bundled: Bundled) -> None:
    levels = bundled("peacekeeping_levels_2013-2024.csv.gz").rows.set_index(["scale_period", "contributor_iso3"])
    printed = bundled("peacekeeping_rates_printed.csv.gz").rows.set_index(["period", "contributor_iso3"])["rate_pct"]
    assert levels.loc[("2019-2021", "USA"), "effective_rate_pct"] == 27.8908 == printed[("2019-2021", "USA")]
    assert levels.loc[("2019-2021", "USA"), "level"] == "A"
    japan = levels.loc[("2013-2015", "JPN")]
    assert (japan["level"], japan["discount_pct"]) == ("B", 0)


DERIVED = "peacekeeping_rates_2024-2026_derived.csv.gz"


def test_derived_rates_are_of_calendar_years_and_say_what_they_start_from(bundled: Bundled) -> None:
    """As the file prints them: Italy pays its regular rate, France a premium, Afghanistan a tenth."""
    rows = bundled(DERIVED).rows.set_index(["contributor_iso3", "period"])[
        ["regular_rate_pct", "discount_pct", "rate_pct"]
    ]
    assert rows.loc["ITA"].to_numpy().tolist() == [[3.189, 0, 3.189], [2.813, 0, 2.813], [2.813, 0, 2.813]]
    assert rows.loc["FRA", "rate_pct"].tolist() == [5.2894, 4.5872, 4.5835]
    assert rows.loc["FRA", "discount_pct"].isna().all()
    assert rows.loc[("AFG", "2025")].tolist() == [0.005, 90, 0.0005]
    assert sorted(rows.loc[rows["discount_pct"].isna()].index.get_level_values(0).unique()) == [
        "CHN", "FRA", "GBR", "RUS", "USA",
    ]  # fmt: skip


def test_derived_rates_follow_from_regular_rate_and_discount_and_sum_to_100(bundled: Bundled) -> None:
    rows = bundled(DERIVED).rows
    assert rows.groupby("period")["contributor_iso3"].nunique().to_dict() == {"2024": 193, "2025": 193, "2026": 193}
    assert (rows.groupby("period")["rate_pct"].sum() - 100).abs().max() < 0.0001
    discounted = rows.dropna(subset="discount_pct")
    follows = discounted["regular_rate_pct"] * (1 - discounted["discount_pct"] / 100)
    assert len(discounted) == 188 * 3 and (follows - discounted["rate_pct"]).abs().max() < 0.00005  # four decimals


def test_a_derived_rate_leads_back_to_its_state_s_row_in_the_file(bundled: Bundled) -> None:
    published = read_csv(bundle.BUNDLED / DERIVED)
    rows = bundled(DERIVED).rows
    assert rows["snapshot_row"].value_counts().tolist() == [3] * 193
    for row in rows.itertuples():
        line = published[row.snapshot_row - 1]
        assert (row.contributor_iso3, row.rate_pct) == (line["iso3"], float(line[f"pk_rate_{row.period}_pct"]))
    names = pd.Series([line["member_state"] for line in published])
    assert to_iso3(names).tolist() == [line["iso3"] for line in published]  # the codes, which are used, are the names'


def test_printed_and_derived_rates_are_separate_and_named(bundled: Bundled) -> None:
    printed, derived = bundled("peacekeeping_rates_printed.csv.gz"), bundled(DERIVED)
    vintages = [Vintage("0" * 64, date(2026, 11, 24), printed), Vintage("1" * 64, date(2026, 11, 25), derived)]
    table = tables_of(CATALOGUE["peacekeeping_rates"], vintages)
    rows = table["main.peacekeeping_rates"]
    assert rows["basis"].value_counts().to_dict() == {"derived": 579, "printed": 26}
    usa = rows[(rows["contributor_iso3"] == "USA") & rows["period"].isin(["2022-2024", "2024"])]
    assert dict(zip(usa["basis"], usa["rate_pct"], strict=True)) == {"printed": 26.9493, "derived": 26.9492}
    derived_by_citation = rows["citation"].str.startswith("Derived from")
    assert (derived_by_citation == (rows["basis"] == "derived")).all()
    assumed = rows["citation"].str.contains("discount assumed equal to 2022-24")
    assert rows.loc[assumed, "contributor_iso3"].nunique() == 117
    assert rows.loc[~derived_by_citation, ["regular_rate_pct", "discount_pct"]].isna().all(axis=None)


def test_a_derived_rate_at_fault_rejects_its_year_alone_and_shows_its_row() -> None:
    columns = list(read_csv(bundle.BUNDLED / DERIVED)[0])
    row = dict(zip(columns, ["France", "FRA", 4, 4, 0, 0, 0, 4, 4, 4, "x"], strict=True))
    states = [row | {"iso3": code} for code in ("DEU", "ITA", "ESP", "PRT", "CHE", "AUT", "BEL", "NLD")]
    staged = stage_bytes("peacekeeping_rates", to_csv([*states, row | {"pk_rate_2025_pct": 44}]), VINTAGE)
    assert (staged.rows_in, len(staged.rows), staged.rows_rejected) == (27, 26, 1)
    fault = staged.rejected.iloc[0]
    assert (fault["row_number"], fault["reason"]) == (26, "rate_pct: expected a percentage from 0 up to 35, got 44")
    assert '"iso3": "FRA"' in fault["raw_row"] and '"period": "2025"' in fault["raw_row"]


def test_193_states_and_eleven_missions_are_assessed_in_2025_26(bundled: Bundled) -> None:
    rows = bundled("state_mission_assessments_2025-26.csv.gz").rows
    assert (rows["contributor_iso3"].nunique(), rows["mission"].nunique()) == (193, 11)
    assert rows.loc[rows["contributor_iso3"] == "USA", "assessed_gross_usd"].sum() == 1_400_412_261
    assert (rows["grade"] == "read").sum() == 836


def test_193_states_are_assessed_in_2023_24_and_sum_to_the_known_total(bundled: Bundled) -> None:
    rows = bundled("government_revenue_2013-2024.csv.gz").rows
    assessed = rows[(rows["revenue_kind"] == "assessed") & (rows["peacekeeping_year"] == "2023-24")]
    assert (len(assessed), assessed["amount_usd"].sum()) == (193, 6_296_372_833)
    assert rows["revenue_kind"].value_counts().to_dict() == {
        "assessed": 2309, "other": 204, "voluntary_earmarked": 140,
    }  # fmt: skip


def test_payments_of_2019(bundled: Bundled) -> None:
    rows = bundled("regular_budget_payments_2019-2026.csv.gz").rows
    assert rows.loc[rows["year"] == 2019, "payment_status"].value_counts().to_dict() == {
        "paid_late": 112, "not_paid_in_full": 47, "paid_on_time": 34,
    }  # fmt: skip


def test_a_fact_s_date_means_its_first_to_its_last_day(bundled: Bundled) -> None:
    rows = pd.concat(bundled(f"dated_facts_{name}.csv.gz").rows for name in ("arrears", "minusma"))
    days = rows.set_index("as_of")[["as_of_from", "as_of_to", "precision"]].astype(str).drop_duplicates()
    assert days.loc["2014"].tolist() == ["2014-01-01", "2014-12-31", "year"]
    assert days.loc["2024-04"].tolist() == ["2024-04-01", "2024-04-30", "month"]
    assert days.loc["2018-05 (published 2018-05-11)"].tolist() == ["2018-05-01", "2018-05-31", "month"]
    assert days.loc["2019-01-01"].tolist() == ["2019-01-01", "2019-01-01", "day"]


def test_what_the_united_states_owed_on_the_first_of_january_2019(bundled: Bundled) -> None:
    rows = bundled("dated_facts_arrears.csv.gz").rows
    owed = rows[(rows["subject"] == "USA") & (rows["as_of"] == "2019-01-01") & (rows["fund"] == "peacekeeping")]
    assert owed[["value", "qualifier"]].to_numpy().tolist() == [[776_000_000, "about"]]


def test_a_mission_month_is_its_month_and_blank_is_zero(bundled: Bundled) -> None:
    rows = bundled("mission_strength_1990-11_2017-03.csv.gz").rows
    assert (rows["month_end"] == rows["month_end"] + pd.offsets.MonthEnd(0)).all()
    assert (rows["month_end"] != rows["reported_on"]).sum() == 22 + 19 + 18 + 17 + 15 + 14
    assert (rows["troops"] == 0).sum() >= 1740
    assert (rows[["troops", "police", "observers"]].sum(axis=1) == rows["total"]).mean() > 0.99


def test_a_contributor_month_has_the_state_its_parts_and_zero_for_a_blank(bundled: Bundled) -> None:
    """As the file prints them: 148 names in 281 months, two of them of one state."""
    rows = bundled("contributor_strength_1990-11_2014-03.csv.gz").rows
    assert rows["month_end"].nunique() == 281 and rows["month_end"].is_monotonic_increasing
    assert (rows["contributor_as_published"].nunique(), rows["contributor_iso3"].nunique()) == (148, 147)
    parts = rows[["troops", "police", "experts_on_mission"]]
    assert parts.notna().all(axis=None) and (parts.sum(axis=1) == rows["total"]).all()
    first = rows[rows["month_end"] == pd.Timestamp("1990-11-30")].set_index("contributor_iso3")
    assert first.loc["AUS", ["troops", "police", "experts_on_mission", "total"]].tolist() == [15, 26, 0, 41]
    assert first["total"].sum() == 10_329
    top = rows[rows["month_end"] == pd.Timestamp("2012-03-31")].nlargest(3, "total")
    assert dict(zip(top["contributor_iso3"], top["total"], strict=True)) == {"BGD": 10_245, "PAK": 9_401, "IND": 8_134}


def test_ceb_s_own_export_names_the_kinds_otherwise(published_vintages: Any) -> None:
    payload = (published_vintages / "budget" / "ceb_government_donor_revenue_2024.csv").read_bytes()
    rows = stage_bytes("government_revenue", payload, "2025-12-31").rows
    assert rows["revenue_kind"].value_counts().to_dict() == {
        "assessed": 193, "other": 55, "voluntary_earmarked": 12,
    }  # fmt: skip


# Rejected rows


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"pk_fiscal_year": "2018-20"}, "expected 1 July to 30 June written as 2018-19, got '2018-20'"),
        ({"pk_fiscal_year": "2018"}, "expected 1 July to 30 June written as 2018-19, got '2018'"),
        ({"amount_usd": "1074718.9"}, "from 5,000,000 up to 3,000,000,000"),  # thousands for dollars
        ({"amount_usd": "1074718900000"}, "from 5,000,000 up to 3,000,000,000"),  # dollars for thousands
        ({"amount_usd": "EUR 1074718900"}, "got 'EUR 1074718900'"),
        ({"amount_usd": "(1074718900)"}, "got '(1074718900)'"),
        ({"amount_usd": "1.074.718.900"}, "got '1.074.718.900'"),
        ({"amount_usd": "1e9"}, "got '1e9'"),
        ({"amount_usd": ""}, "amount_usd"),
        ({"amount_usd": " - "}, "got ' - '"),
        ({"stage": ""}, "stage"),
    ],
)
def test_an_invalid_budget_is_rejected_with_the_expected_value(changes: dict[str, str], reason: str) -> None:
    staged = budgets(budget(**changes))
    assert (len(staged.rows), staged.rows_rejected) == (40, 1)
    assert reason in staged.rejected["reason"].iloc[0]


def test_a_row_twice_is_merged_and_one_that_contradicts_is_rejected() -> None:
    staged = budgets(budget(), budget(), budget(amount_usd="6000000"))
    assert len(staged.rows) == 41
    assert staged.merged.to_numpy().tolist() == [[42, "identical_row", 41]]
    assert "expected each once, got a second, contradicting row 41" in staged.rejected["reason"].iloc[0]


def test_an_unknown_state_is_rejected_and_a_signal() -> None:
    rows = [
        {"year": 2019, "member_state": name, "rb_rate_pct": 0.01, "rb_assessment_usd": 28_000,
         "payment_status": "paid_late", "payment_date": "2019-05-03", "honour_roll_as_of": "2019-12-27",
         "source_symbol": "ST/ADM/SER.B/992"}
        for name in ("Chad", "Mali", "Niger", "Kenya", "Togo", "Benin", "Ghana", "Gabon", "Fiji", "Peru", "Cuba",
                     "Iraq", "Oman", "Nepal", "India", "Italy", "Japan", "Malta", "Qatar", "Spain", "Atlantis")
    ]  # fmt: skip
    staged = stage_bytes("regular_budget_payments", to_csv(rows), VINTAGE)
    assert (len(staged.rows), staged.rows_rejected) == (20, 1)
    assert staged.signals.to_dict("records") == [{"kind": "unresolved_contributor", "value": "Atlantis", "rows": 1}]


def test_an_unknown_kind_of_revenue_is_rejected_and_a_signal() -> None:
    states = ["Chad", "Mali", "Niger", "Kenya", "Togo", "Benin", "Ghana", "Gabon", "Fiji", "Peru", "Cuba", "Iraq"] * 2
    rows = [
        {"government_donor": name, "entity": "UN-DPO", "rev_type": "Other" if n < 12 else "Assessed Contributions",
         "calendar_year": 2024, "amount": "1 000"}
        for n, name in enumerate(states)
    ]  # fmt: skip
    staged = stage_bytes("government_revenue", to_csv([*rows, rows[0] | {"rev_type": "Gifts"}]), VINTAGE)
    assert (len(staged.rows), staged.rows_rejected) == (24, 1)
    assert staged.signals.to_dict("records") == [{"kind": "unknown_revenue_kind", "value": "Gifts", "rows": 1}]


def test_a_file_in_thousands_is_refused() -> None:
    rows = [budget(mission=f"UNX{n}", amount_usd=str(n + 500_000)) for n in range(40)]
    with pytest.raises(ContractError, match=r"40 of 40 rows .* from 5,000,000 up to 3,000,000,000"):
        stage_bytes("mission_budgets", to_csv(rows), VINTAGE)


def test_a_renamed_column_is_named() -> None:
    renamed = {("fiscal_year" if name == "pk_fiscal_year" else name): value for name, value in budget().items()}
    with pytest.raises(ContractError, match=r"needs the column pk_fiscal_year. New columns: fiscal_year"):
        stage_bytes("mission_budgets", to_csv([renamed]), VINTAGE)


@settings(max_examples=100)
@given(st.integers(1946, 2100), st.integers(0, 99))
def test_a_peacekeeping_year_is_the_july_to_june_that_its_label_spans(year: int, second: int) -> None:
    days = peacekeeping_year_started(pd.Series([f"{year}-{second:02d}"], dtype="str"))
    if second == (year + 1) % 100:
        assert [str(day)[:10] for day in days.iloc[0]] == [f"{year}-07-01", f"{year + 1}-06-30"]
    else:
        assert days.isna().all().all()


def test_the_last_day_of_a_month_stays_and_any_other_becomes_it() -> None:
    days = pd.Series(pd.to_datetime(["2000-02-28", "2000-02-29", "2003-03-30", "2012-12-01"]))
    assert month_ends(days).astype(str).tolist() == ["2000-02-29", "2000-02-29", "2003-03-31", "2012-12-31"]


DATABASES = ("peacekeeping_levels", "mission_strength", "contributor_strength", "income_groups")  # one citation each


def test_every_compiled_source_has_a_citation_or_a_document_for_each_row() -> None:
    for name, source in CATALOGUE.items():
        if not source.live and name not in DATABASES:
            columns_of_dialects = [{**dialect.required, **dialect.optional}.values() for dialect in source.dialects]
            assert all({"citation", "document_symbol"} & set(columns) for columns in columns_of_dialects), name
