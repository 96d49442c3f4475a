"""Incomplete periods: where rows were rejected, the marts, the status and the briefing say so, and nowhere else."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from briefing_shared import briefed, changed, queries, rendered, section
from click.testing import CliRunner
from tests_shared import CATALOGUE

from flows.cli.main import app
from flows.cli.status import describe_incomplete, read_status
from flows.steps.settings import Paths
from schemas.tables import FACTS
from warehouse import checks, load
from warehouse.export.sql import Mart
from warehouse.reports import page
from warehouse.reports.formats import incomplete
from warehouse.reports.provenance import incomplete_periods

# The period of each row of a mart with is_incomplete; a macro has none of its own.
PERIODS = {
    "assessment_shares": "peacekeeping_year",
    "burden_sharing": "peacekeeping_year",
    "contributor_month_panel": "month_end::VARCHAR",
    "contributor_months": "month_end::VARCHAR",
    "contributor_year_panel": "peacekeeping_year",
    "fatality_rates": "year || ' ' || series",
    "funding_by_level": "peacekeeping_year",
    "host_month_panel": "month_end::VARCHAR",
    "mission_cost": "peacekeeping_year",
    "mission_month_panel": "month_end::VARCHAR",
    "mission_months": "month_end::VARCHAR",
    "payment_record": "'all'",
    "personnel_by_contributor_and_month": "month_end::VARCHAR",
    "personnel_by_level": "month_end::VARCHAR",
    "women_in_uniform": "month_end::VARCHAR",
}
TOLLS = [
    "burden_sharing",
    "contributor_toll",
    "deadliest_days",
    "deadliest_missions()",
    "fatalities_by_mission_and_incident_type",
    "fatality_rates",
    "mission_cost",
    "mission_toll",
    "mission_toll_by_year",
]
# Marts that read a source of periods or the fatalities, and are not marked.
NO_PERIOD = {"deadliest_missions": "it reads only which months name a mission, and adds none"}
NO_TOLL = {"fatalities_as_of": "one row a casualty, as main.fatalities has it: nothing is added"}
# Marts that have a month_end or a peacekeeping_year, and are not marked.
NO_FIGURES = {
    "peacekeeping_years": "a calendar, without figures",
    "panel_months": "the same by month",
    "state_months": "states by month, without figures",
}
PERIODIC = {f"main.{name}" for name, one in CATALOGUE.items() if one.coverage.rule == "replace_periods"}
COMMENT = (
    "True where the figure is too low: rows of the period were rejected (meta.incomplete_periods), or cells are blank in "
    "the publication."
)


def lacks(source: str, period: str, measure: str = "total", *figures: float | None) -> str:
    """SQL for a period that lacks rows: rows rejected, published, missing, share."""
    rejected, published, missing, share = figures or (1, 90, 10, 10.0)
    cells = ", ".join("NULL" if one is None else str(one) for one in (rejected, published, missing, share))
    return f"INSERT INTO meta.incomplete_periods VALUES ('{source}', '{'b' * 64}', '{period}', '{measure}', {cells})"


PERSONNEL = lacks("uniformed_personnel", "2017-05-31", "total", 6, 104, 26, 20)
MONEY = lacks("assessed_contributions", "2018-19", "amount_usd", 2, 10_000_000_000, 50_000_000, 0.4975)
DEATHS = lacks("fatalities", "all", "rows", 5, 8, 5, 38.4615)
ALL_THREE = (PERSONNEL, MONEY, DEATHS)


def marked(file: Path) -> dict[str, list[str]]:
    """For each mart the periods that it marks; marts without a mark are left out."""
    with duckdb.connect(str(file), read_only=True) as connection:
        periods = {
            mart: [
                str(key)
                for (key,) in connection.execute(
                    f"SELECT DISTINCT {period} FROM marts.{mart} WHERE is_incomplete ORDER BY 1"
                ).fetchall()
            ]
            for mart, period in PERIODS.items()
        }
    return {mart: keys for mart, keys in periods.items() if keys}


def rejected_rows(file: Path) -> set[tuple[str, int]]:
    with duckdb.connect(str(file), read_only=True) as connection:
        return {
            (mart, count)
            for mart in TOLLS
            for (count,) in connection.execute(f"SELECT DISTINCT rejected_rows FROM marts.{mart}").fetchall()
        }


# The marts

OF_MISSIONS = {mart: ["2017-03-31"] for mart in ("host_month_panel", "mission_month_panel", "mission_months")}


@pytest.mark.parametrize(
    ("source", "period", "marks"),
    [
        (
            "uniformed_personnel",
            "2017-05-31",
            {
                "contributor_month_panel": ["2017-05-31"],
                "contributor_months": ["2017-05-31"],
                "contributor_year_panel": ["2016-17"],
                "host_month_panel": ["2017-05-31"],
                "mission_month_panel": ["2017-05-31"],
                "mission_months": ["2017-05-31"],
                "personnel_by_contributor_and_month": ["2017-05-31"],
                "personnel_by_level": ["2017-05-31"],
                "women_in_uniform": ["2017-05-31"],
                "fatality_rates": ["2017 monthly_report"],
            },
        ),
        ("uniformed_personnel", "2018-06-30", {}),  # the day before the year of assessments and budgets
        ("uniformed_personnel", "2018-07-31", {"burden_sharing": ["2018-19"], "mission_cost": ["2018-19"]}),
        ("uniformed_personnel", "2019-06-30", {"burden_sharing": ["2018-19"], "mission_cost": ["2018-19"]}),
        ("uniformed_personnel", "2019-07-31", {"burden_sharing": ["2019-20"]}),
        (
            "assessed_contributions",
            "2018-19",
            {"assessment_shares": ["2018-19"], "funding_by_level": ["2018-19"], "burden_sharing": ["2018-19"]},
        ),
        ("mission_budgets", "2018-19", {"mission_cost": ["2018-19"]}),
        ("mission_assessments", "2018-19", {"mission_cost": ["2018-19"]}),
        (
            "peacekeeping_levels",
            "2016-2018",
            {"funding_by_level": ["2018-19"], "personnel_by_level": ["2017-04-30", "2017-05-31"]},
        ),
        ("regular_budget_payments", "2019", {"payment_record": ["all"]}),
        ("mission_strength", "2017-03-31", OF_MISSIONS),  # the rates are of the monthly reports
        ("fatalities", "all", {}),
        ("scale_of_assessments", "1977", {}),
    ],
)
def test_a_mart_marks_the_incomplete_periods_that_its_figures_are_of_and_no_others(
    built: Path, source: str, period: str, marks: dict[str, list[str]]
) -> None:
    assert marked(built) == {}
    assert marked(changed(built, lacks(source, period))) == marks


def test_a_rate_is_marked_by_the_months_of_its_own_series(built: Path) -> None:
    gone = "DELETE FROM main.uniformed_personnel WHERE month_end < DATE '2018-01-01'"
    assert marked(changed(built, gone, lacks("uniformed_personnel", "2017-05-31"))) == {}
    marks = {"fatality_rates": ["2017 ipi"], **OF_MISSIONS}
    assert marked(changed(built, lacks("mission_strength", "2017-03-31"))) == marks


def test_the_contributors_of_a_month_and_of_the_next_one_are_marked_separately(built: Path) -> None:
    sql = "SELECT DISTINCT is_incomplete, next_is_incomplete FROM marts.top_contributors('MINUSMA', '{}')"
    for month, before, after in (
        ("2017-04-30", (False, False), (False, True)),
        ("2017-05-31", (False, False), (True, False)),
    ):
        with duckdb.connect(str(built), read_only=True) as connection:
            assert connection.execute(sql.format(month)).fetchall() == [before]
        file = Path(shutil.copy(built, built.with_name(f"{month}.duckdb")))
        with duckdb.connect(str(changed(file, PERSONNEL)), read_only=True) as connection:
            assert connection.execute(sql.format(month)).fetchall() == [after]


def test_every_total_of_deaths_has_the_rejected_rows_of_the_fatalities(built: Path) -> None:
    changed(built, PERSONNEL, MONEY)
    assert rejected_rows(built) == {(mart, 0) for mart in TOLLS}
    assert rejected_rows(changed(built, DEATHS)) == {(mart, 5) for mart in TOLLS}


def test_each_vintage_of_the_triangle_has_the_rejected_rows_of_its_own(built: Path) -> None:
    changed(
        built,
        DEATHS,
        "UPDATE meta.snapshots SET rows_in = rows_in + 5, rows_read = rows_read + 5, rows_rejected = 5 WHERE source = 'fatalities'",
        f"INSERT INTO meta.snapshots BY NAME SELECT * REPLACE (DATE '2021-06-30' AS vintage, '{'9' * 64}' AS sha256, "
        "rows_in - 2 AS rows_in, rows_read - 2 AS rows_read, 3 AS rows_rejected) FROM meta.snapshots WHERE source = 'fatalities'",
    )
    with duckdb.connect(str(built), read_only=True) as connection:
        sql = "SELECT DISTINCT vintage::VARCHAR, rejected_rows FROM marts.fatality_revision_triangle ORDER BY 1"
        assert connection.execute(sql).fetchall() == [("2021-06-30", 3), ("2025-04-30", 5)]


def test_every_mart_that_adds_up_a_period_or_counts_deaths_has_marks_or_is_a_listed_exception(small: Path) -> None:
    with duckdb.connect(str(small), read_only=True) as connection:
        for file in load.mart_files():
            name, reads = file.stem, Mart(file.stem, file.read_text(encoding="utf-8")).reads
            if load.mart_kind(file.read_text(encoding="utf-8")) == "MACRO":
                continue  # one value
            call = "fatalities_as_of('2025-04-30')" if name == "fatalities_as_of" else name
            call += "()" if name in ("deadliest_missions", "top_contributors") else ""
            call += "('MINUSMA')" if name == "find_mission" else ""
            columns = [row[0] for row in connection.execute(f"DESCRIBE FROM marts.{call}").fetchall()]
            periods = bool(reads & PERIODIC) or bool({"month_end", "peacekeeping_year"} & set(columns))
            wanted = periods and name not in {**NO_PERIOD, **NO_FIGURES}
            assert ("is_incomplete" in columns) == wanted, name
            assert ("rejected_rows" in columns) == (
                bool({"main.fatalities", "main.fatality_states"} & reads) and name not in NO_TOLL
            ), name


def test_the_mark_has_the_same_comment_and_type_in_every_mart(small: Path) -> None:
    with duckdb.connect(str(small), read_only=True) as connection:
        sql = "SELECT DISTINCT comment, data_type FROM duckdb_columns() WHERE column_name = 'is_incomplete'"
        assert connection.execute(sql).fetchall() == [(COMMENT, "BOOLEAN")]


def test_incomplete_periods_are_a_warning_of_the_run(built: Path) -> None:
    (check,) = [check for check in checks.declared() if check.name == "incomplete periods"]
    assert [one.passed for one in checks.run(built, [check])] == [True]
    (outcome,) = checks.run(changed(built, *ALL_THREE, "DELETE FROM meta.checks"), [check])
    assert (outcome.found, outcome.passed, check.severity) == (3, False, "warn")
    assert checks.require([outcome]) == [outcome]


# The status


def entry(*cells: Any) -> dict[str, Any]:
    return dict(zip(("period", "measure", "rows_rejected", "published", "missing", "share_pct"), cells, strict=True))


@pytest.fixture
def where(small: Path, tmp_path: Path) -> Paths:
    paths = Paths(tmp_path)
    shutil.copy(small, paths.warehouse)
    return paths


def status(where: Paths) -> dict[str, list[dict[str, Any]]]:
    """The incomplete periods of each source that has some."""
    sources = read_status(where, date(2025, 5, 1))["sources"]
    return {one["source"]: one["incomplete_periods"] for one in sources if one["incomplete_periods"]}


@pytest.mark.parametrize(
    ("statement", "source", "period", "line"),
    [
        (
            PERSONNEL, "uniformed_personnel", entry("2017-05-31", "total", 6, 104.0, 26.0, 20.0),
            "uniformed_personnel 2017-05-31 lacks about 26 of 130 total (20.0 %), 6 rows rejected",
        ),
        (
            MONEY, "assessed_contributions", entry("2018-19", "amount_usd", 2, 1e10, 5e7, 0.4975),
            "assessed_contributions 2018-19 lacks about 50,000,000 of 10,050,000,000 amount_usd (0.5 %), 2 rows rejected",
        ),
        (
            DEATHS, "fatalities", entry("all", "rows", 5, 8.0, 5.0, 38.4615),
            "fatalities lacks about 5 of 13 rows (38.5 %), 5 rows rejected",
        ),
    ],
)  # fmt: skip
def test_the_status_lists_the_incomplete_periods(
    where: Paths, monkeypatch: pytest.MonkeyPatch, statement: str, source: str, period: dict[str, Any], line: str
) -> None:
    monkeypatch.setenv("PEACEKEEPING_DATA", str(where.data))
    assert status(where) == {} and "incomplete:" not in CliRunner().invoke(app, ["status"]).output
    changed(where.warehouse, statement)
    assert status(where) == {source: [period]}
    shown = CliRunner().invoke(app, ["status"])
    assert f"incomplete: {line}\n" in shown.stderr and shown.exit_code == 0
    as_json = json.loads(CliRunner().invoke(app, ["status", "--json"]).stdout)
    assert [one["incomplete_periods"] for one in as_json["sources"] if one["source"] == source] == [[period]]


def test_a_missing_part_that_is_not_known_is_no_zero() -> None:
    unknown = entry("2019", "rate_pct", 1, 99.5, None, None)
    assert describe_incomplete("scales", unknown) == "scales 2019: 1 row rejected; what they would add is not known"
    assert incomplete(unknown) == "of 2019 1 row rejected, and what they would add is not known"
    known = entry("2019", "rate_pct", 1, 99.5, 0.25, 0.25)
    assert (
        describe_incomplete("scales", known) == "scales 2019 lacks about 0.25 of 99.75 rate_pct (0.2 %), 1 row rejected"
    )
    assert incomplete(known) == "2019 lacks about 0.25 of 99.75 percent (0.2 %), 1 row rejected"


def test_a_warehouse_without_the_table_has_a_status_and_pages_without_marks(where: Paths) -> None:
    changed(where.warehouse, "DROP TABLE meta.incomplete_periods")
    assert status(where) == {} and len(read_status(where, date(2025, 5, 1))["sources"]) > len(FACTS)
    with queries(where.warehouse) as query:
        assert incomplete_periods(query) == []


# The briefing

OF_MAY = "Incomplete: 31 May 2017 lacks about 26 of 130 uniformed personnel of all missions (20.0 %), 6 rows rejected."
OF_2018 = "Incomplete: 2018-19 lacks about $50,000,000 of $10,050,000,000 (0.5 %), 2 rows rejected."
OF_DEATHS = (
    "Incomplete: 5 rows of the newest data on deaths were rejected. Each is one person, who may be missing from the "
    "totals."
)


def mentions(html: str, text: str) -> dict[str, int]:
    """How often each section has the text; sections without it are left out."""
    names = ("toll", "days", "people", "pay", "cost", "owed", "claims", "sources")
    counts = {name: section(html, name).count(text) for name in names}
    return {name: count for name, count in counts.items() if count}


def test_a_page_says_nothing_of_incomplete_periods_when_there_is_none(small: Path, built: Path, tmp_path: Path) -> None:
    html = rendered(small, "MINUSMA", "2018-12-31")
    assert "ncomplete:" not in html and 'class="note lacking"' not in html and "rejected" not in html
    other = [lacks("uniformed_personnel", "2017-06-30"), lacks("assessed_contributions", "2019-20", "amount_usd")]
    assert mentions(rendered(changed(built, *other), "MINUSMA", "2018-12-31"), "Incomplete:") == {"sources": 2}
    with queries(small) as query:
        assert "Incomplete" not in page.render_index(query, tmp_path, None)


def test_a_page_marks_an_incomplete_month_where_it_shows_it(built: Path) -> None:
    html = rendered(changed(built, PERSONNEL), "MINUSMA", "2018-12-31")
    # Below the months, below the contributors' month, above the levels.
    assert mentions(html, OF_MAY) == {"people": 3, "sources": 1}
    assert mentions(html, "Incomplete:") == mentions(html, OF_MAY)
    assert "monthly report incomplete" in section(html, "people")
    assert "personnel: report of 31 May 2017, incomplete" in html
    before = rendered(built, "MINUSMA", "2017-05-01")  # the next month is printed beside the month shown
    assert mentions(before, OF_MAY)["people"] == 2 and "30 April 2017, incomplete" not in before


def test_a_month_whose_report_does_not_name_the_mission_can_lack_its_rows(built: Path) -> None:
    html = rendered(changed(built, lacks("uniformed_personnel", "2017-06-30")), "MINUSMA", "2023-12-31")
    assert mentions(html, "Incomplete: 30 June 2017 lacks") == {"people": 1, "sources": 1}
    assert "No figure: June 2017" in section(html, "people")


def test_a_page_marks_an_incomplete_year_of_assessments(built: Path) -> None:
    html = rendered(changed(built, MONEY), "MINUSMA", "2018-12-31")
    assert mentions(html, OF_2018) == {"pay": 1, "sources": 1} == mentions(html, "Incomplete:")
    assert "Incomplete" not in section(rendered(built, "MINUSMA", "2019-12-31"), "pay")  # of 2019-20
    assert briefed(built, "MINUSMA", "2018-12-31").lacking("assessed_contributions", "2019-20") == []


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        (lacks("mission_budgets", "2018-19", "amount_usd"), "cost"),
        (lacks("mission_assessments", "2018-19", "assessed_gross_usd"), "cost"),
        (lacks("regular_budget_payments", "2019", "assessed_usd"), "owed"),
        (lacks("dated_facts", "all", "rows"), "owed"),
        (lacks("peacekeeping_levels", "2016-2018", "assessed_share_pct"), "pay"),
        (lacks("mission_strength", "2017-03-31"), "people"),
    ],
)
def test_a_page_marks_the_other_sources_where_it_shows_them(built: Path, statement: str, name: str) -> None:
    day = "2019-06-01"
    assert mentions(rendered(built, "MINUSMA", day), "Incomplete:") == {}
    assert mentions(rendered(changed(built, statement), "MINUSMA", day), "Incomplete:")[name] == 1


def test_a_page_and_the_index_have_the_rejected_rows_beside_the_totals_of_deaths(built: Path, tmp_path: Path) -> None:
    html = rendered(changed(built, DEATHS), "MINUSMA")
    # Below the headline, beside the ladders, and above the worst days where there are some.
    assert mentions(html, OF_DEATHS)["toll"] == 2 and mentions(html, OF_DEATHS)["sources"] == 1
    assert mentions(html, "Incomplete:") == mentions(html, OF_DEATHS)
    assert "deaths: data of" in html and "30 April 2025</time>, 5 rows rejected" in html
    with queries(built) as query:
        assert OF_DEATHS in page.render_index(query, tmp_path, None)


def test_the_claims_name_the_incomplete_periods_of_their_sources(small: Path, tmp_path: Path) -> None:
    file = Path(shutil.copy(small, tmp_path / "claimed.duckdb"))
    text = "Sources of these claims are incomplete: assessed contributions: 2018-19 lacks about $50,000,000 of"
    assert "Sources of these claims" not in section(rendered(file, "MINUSMA"), "claims")
    assert text in section(rendered(changed(file, MONEY), "MINUSMA"), "claims")
