"""Monthly reports as PDFs, given to `peacekeeping load`: the month and the vintage come from the pages."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from report_pdfs import LAYOUTS, Figures, lines_of, report

Load = Callable[..., Result]


def as_figures(rows: list[dict[str, Any]]) -> list[Figures]:
    """Printed rows in the order of today's layout."""
    columns = ("mission", "contributor_as_printed", "personnel_type_as_printed")
    figures = [Figures(*(row[name] for name in columns), int(row["male"]), int(row["female"])) for row in rows]
    return sorted(figures, key=lambda row: (row.mission, row.contributor, row.type))


def changes(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    listed: list[dict[str, Any]] = json.loads(result.stdout)["changes"]
    return listed


@pytest.fixture(scope="module")
def july(month: list[dict[str, Any]]) -> list[Figures]:
    return as_figures(month)


def test_a_month_that_is_held_changes_nothing(load: Load, july: list[Figures]) -> None:
    done = load("uniformed_personnel", report(LAYOUTS["S"], july, date(2025, 7, 31)))
    assert done.exit_code == 0
    assert (
        "Would archive uniformed_personnel 2025-07-31 (date of the report), monthly-report-pdf: 871 rows" in done.stdout
    )
    assert "The file would change no figure." in done.output


def test_a_new_month_is_shown_with_its_sum(load: Load, july: list[Figures]) -> None:
    august = [row._replace(male=row.male + (place % 3 == 0)) for place, row in enumerate(july)]
    payload = report(LAYOUTS["S"], august, date(2025, 8, 31))
    (change,) = changes(load("uniformed_personnel", payload, "--json"))
    persons = sum(row.male + row.female for row in august)
    assert (change["period"], change["rows_then"], change["sum_then"]) == ("2025-08-31", 871, persons)
    assert persons == 61_127 + 291  # July's sum, and one man more in each third row


def test_a_report_that_is_cut_off_or_contradicts_itself_is_refused_in_a_sentence(
    load: Load, july: list[Figures]
) -> None:
    layout = LAYOUTS["S"]
    lines = lines_of(layout, july)
    cut_off = load("uniformed_personnel", report(layout, july, date(2025, 7, 31))[:-2000])
    del lines[3]
    lacking = load("uniformed_personnel", report(layout, july, date(2025, 7, 31), lines=lines))
    assert (cut_off.exit_code, lacking.exit_code) == (1, 1)
    assert cut_off.stderr.startswith("error: The PDF is cut off before its end")
    assert re.match(r"error: Page 1, line \d+: the report prints \d+ as the total of BINUH under Male", lacking.stderr)
    assert cut_off.stderr.count("\n") == lacking.stderr.count("\n") == 1


def test_a_pdf_of_another_source_is_refused_in_a_sentence(load: Load, july: list[Figures]) -> None:
    payload = report(LAYOUTS["S"], july, date(2025, 7, 31))
    done = load("fatalities", payload)
    assert (done.exit_code, done.stderr.strip()) == (1, "error: This is a PDF; expected CSV or JSON text.")


@pytest.mark.real
@pytest.mark.parametrize("month_read", ["2015_01", "2023_09"])
def test_a_published_report_is_the_archived_month(load: Load, published_vintages: Path, month_read: str) -> None:
    file = published_vintages / f"troops/pdf/UN_country_contributions_{month_read}.pdf"
    assert changes(load("uniformed_personnel", file.read_bytes(), "--json")) == []
