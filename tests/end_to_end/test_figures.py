"""The figures of the bundled snapshots, queried by the command."""

from __future__ import annotations

import csv
import gzip
import json
from typing import Any

import pytest

from sources import bundle


@pytest.mark.parametrize(
    ("sql", "answer"),
    [
        ("SELECT count(*) FROM fatalities", "4423"),
        ("SELECT sum(rows_in) FROM meta.snapshots WHERE source = 'fatalities' AND vintage = DATE '2025-04-04'", "4429"),
        ("SELECT count(*) FROM fatalities WHERE mission = 'MINUSMA'", "311"),
        ("SELECT count(*) FROM fatalities WHERE mission = 'MINUSMA' AND incident_date <= '2018-12-31'", "177"),
        (
            "SELECT count(*), count(*) FILTER (incident_type = 'Malicious Act') FROM fatalities "
            "WHERE mission = 'MINUSMA' AND incident_date <= '2019-01-25'",
            "190,118",
        ),
        (
            "SELECT nationality_iso3, count(*) FROM fatalities "
            "WHERE mission = 'MINUSMA' AND incident_date = '2019-01-20' GROUP BY ALL",
            "TCD,10",
        ),
        (
            "SELECT series, count(*), count(DISTINCT month_end) FROM uniformed_personnel GROUP BY ALL ORDER BY 2",
            "ipi_by_sex,50076,58\nmonthly_report,108898,122",
        ),
        (
            "SELECT contributor_iso3, uniformed_personnel, count(*) OVER () FROM marts.top_contributors(NULL, '2012-03-31') "
            "LIMIT 3",
            "BGD,10245,117\nPAK,9401,117\nIND,8134,117",
        ),
        (
            "SELECT name LIKE '%printed%', compared, agreeing, unexplained FROM marts.reconciliation_summary "
            "WHERE name LIKE 'personnel by sex%' ORDER BY compared",
            "False,58,58,0\nTrue,6085,6046,0",
        ),
        ("SELECT count(*) FROM uniformed_personnel WHERE contributor_iso3 IS NULL", "0"),
        ("SELECT sum(total) FROM uniformed_personnel WHERE month_end = '2025-07-31'", "61127"),
        (
            "SELECT contributor, uniformed_personnel FROM marts.personnel_by_contributor_and_month "
            "WHERE month_end = '2025-07-31' AND rank_in_month = 1",
            "Nepal,6039",
        ),
        ("SELECT count(*) FROM assessed_contributions", "2309"),
        (
            "SELECT string_agg(contributor_iso3 || ' ' || round(share_pct, 2), ' ' ORDER BY share_pct DESC) "
            "FROM marts.assessment_shares WHERE peacekeeping_year = '2018-19' AND rank_in_year <= 3",
            "USA 28.17 CHN 12.71 JPN 9.13",
        ),
        ("SELECT count(*) FROM meta.snapshots WHERE rows_in <> rows_staged + rows_rejected + rows_merged", "0"),
        ("SELECT count(*) FROM meta.rejected_rows", "0"),
        ("SELECT count(*) FROM meta.checks WHERE NOT passed", "0"),
        (
            "SELECT count(*) FILTER (status = 'equal'), count(*) FILTER (status IN ('equal', 'differs')), "
            "count(*) FILTER (explained_by = 'month-without-report'), count(*) FILTER (explained_by LIKE '%ipi') "
            "FROM meta.reconciliations WHERE name LIKE '%reports and in IPI%'",
            "436,437,58,21",
        ),
        (
            "SELECT subject, period, left_value, right_value FROM meta.reconciliations "
            "WHERE name LIKE '%reports and in IPI%' AND status <> 'equal' AND explained_by IS NULL",
            "MINUSTAH,2015-05,5408.0,5075.0",
        ),
        (
            "SELECT subject, right_value FROM meta.reconciliations "
            "WHERE name LIKE 'derived%' AND period = '2019-2021' AND status = 'equal'",
            "USA,27.8908",
        ),
        (
            "SELECT string_agg(subject, ' ' ORDER BY subject) FROM meta.reconciliations "
            "WHERE explained_by = 'spending-not-held' AND left_value IS NULL AND right_value IN (833809900, 202783500)",
            "MINUSMA MINUSMA",
        ),
        ("SELECT count(*) FROM meta.known_defects WHERE expect IS NOT NULL AND status <> 'stands'", "0"),
        ("SELECT count(*) FROM meta.known_defects WHERE expect IS NOT NULL", "22"),
        (
            "SELECT period, left_value::BIGINT, right_value::BIGINT FROM meta.reconciliations "
            "WHERE name LIKE 'assessments on member states and the missions%'",
            "2023-24,6296372833,6296372833",
        ),
        ("SELECT sum(unexplained), sum(known) FROM marts.reconciliation_summary", "25,25"),
        (
            "SELECT count(*), sum(amount_usd) FROM assessed_contributions WHERE peacekeeping_year = '2023-24'",
            "193,6296372833.00",
        ),
        (
            "SELECT sum(expenditure_usd) FILTER (NOT is_total), any_value(document_symbol) FROM mission_budget_lines "
            "WHERE mission = 'MINUSMA' AND peacekeeping_year = '2022-23'",
            "1192292200.00,A/78/761",
        ),
        (
            "SELECT approved_usd, spent_usd FROM marts.mission_cost "
            "WHERE mission = 'MINUSMA' AND peacekeeping_year = '2018-19'",
            "1074718900.00,1105667000.00",
        ),
    ],
)
def test_bundled_snapshots_give_the_known_figures(built: Any, sql: str, answer: str) -> None:
    assert built.ask(sql) == answer


@pytest.mark.parametrize(
    ("table", "period"),
    [
        ("assessed_contributions", "peacekeeping_year"),
        ("state_mission_assessments", "peacekeeping_year"),
        ("peacekeeping_levels", "scale_period"),
        ("regular_budget_payments", "year"),
        ("scale_of_assessments", "period_from"),
    ],
)
def test_no_state_has_two_names_and_no_name_two_states(built: Any, table: str, period: str) -> None:
    for one, other in (
        ("contributor_iso3", "contributor_as_published"),
        ("contributor_as_published", "contributor_iso3"),
    ):
        sql = f"SELECT {period}, {one} FROM {table} GROUP BY ALL HAVING count(DISTINCT {other}) > 1"
        assert built.ask(f"SELECT count(*) FROM ({sql})") == "0"


def test_every_month_sums_to_the_printed_total(built: Any) -> None:
    with gzip.open(bundle.BUNDLED / "uniformed_personnel_printed_totals.csv.gz", "rt") as file:
        printed = {row["month_end"]: row["sum_of_rows"] for row in csv.DictReader(file)}
    answer = built.ask(
        "SELECT month_end, sum(total) FROM uniformed_personnel WHERE series = 'monthly_report' GROUP BY ALL ORDER BY ALL"
    )
    assert dict(line.split(",") for line in answer.splitlines()) == printed and len(printed) == 122


def test_every_row_leads_back_to_the_published_row(built: Any) -> None:
    rows = json.loads(
        built(
            "query",
            "SELECT snapshot_row, url FROM fatalities JOIN meta.snapshots ON sha256 = snapshot_sha256 "
            "WHERE casualty_id = 'UNTSO-1948-07-02408'",
            "--format",
            "json",
        ).stdout
    )
    name = rows[0]["url"].removeprefix("bundled/")
    with gzip.open(bundle.BUNDLED / name, "rt") as file:
        row = list(csv.DictReader(file))[rows[0]["snapshot_row"] - 1]
    assert row["casualty_id"] == "UNTSO-1948-07-02408" and row["incident_date"] == "1948-07-06"
