"""Files with rejected rows: what a period lacks, when that refuses the file, and what a person can accept."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import Result
from tests_shared import CATALOGUE, bundled_rows, to_json

from flows.steps import staging
from flows.steps.ingest import FETCHED
from sources.archive import Archive
from sources.errors import Refused

Rows = list[dict[str, Any]]
Load = Callable[..., Result]


def with_contributor(rows: Rows, old: str | None, new: str, row: dict[str, Any] | None = None) -> Rows:
    """The rows with a contributor's name, or that of one row, printed differently."""
    return [
        {**one, "contributor_as_printed": new} if one is row or one["contributor_as_printed"] == old else one
        for one in rows
    ]


def test_a_month_without_nepal_is_refused_with_the_persons_and_their_share_unless_accepted(
    load: Load, month: Rows, tmp_path: Path
) -> None:
    wrong = with_contributor(month, "Nepal", "Nepall")
    refused = load("uniformed_personnel", wrong, "--vintage", "2025-08-01", data=tmp_path)
    assert refused.exit_code == 1
    assert "2025-07-31 would lack about 6,039 of 61,127 total (9.9 %)" in refused.stderr
    assert "--accept-rejected loads a file with rejected rows" in refused.stderr
    accepted = load("uniformed_personnel", wrong, "--vintage", "2025-08-01", "--accept-rejected", data=tmp_path)
    assert accepted.exit_code == 0, accepted.stderr
    (one,) = Archive(tmp_path / "raw").snapshots("uniformed_personnel")[-1].accepted
    assert (one["check"], one["because"]) == ("rejected_rows", "--accept-rejected") and one["by"] and one["at"]


def test_a_check_is_accepted_by_its_name_with_a_reason_and_by_no_other(load: Load, month: Rows, tmp_path: Path) -> None:
    halved = [{**row, **{name: int(row[name]) // 2 for name in ("male", "female")}} for row in month]
    halved = [{**row, "total": row["male"] + row["female"]} for row in halved]

    def attempt(*checks: str) -> Result:
        options = [option for check in checks for option in ("--accept", check)]
        options += ["--because", "the report was corrected"] if checks else []
        return load("uniformed_personnel", halved, "--vintage", "2025-08-01", *options, data=tmp_path)

    refused, one, other = attempt(), attempt("totals"), attempt("rows")
    assert [done.exit_code for done in (refused, one, other)] == [1, 1, 1]
    assert "[totals]" in refused.stderr and "[control_totals]" in refused.stderr
    assert "[totals]" not in one.stderr and "[control_totals]" in one.stderr
    assert "--accept rows: no check of that name refuses this file" in other.stderr
    checks = ("totals", "control_totals", "revised")
    done = attempt(*checks)
    assert done.exit_code == 0, done.stderr
    record = Archive(tmp_path / "raw").snapshots("uniformed_personnel")[-1]
    assert {one["check"]: one["because"] for one in record.accepted} == dict.fromkeys(
        checks, "the report was corrected"
    )


def test_accept_and_because_go_together(load: Load, month: Rows) -> None:
    for options in (["--accept", "totals"], ["--because", "reasons"]):
        result = load("uniformed_personnel", month, *options)
        assert result.exit_code == 2 and "--accept CHECK and --because TEXT go together" in result.stderr


def test_an_unreadable_figure_is_estimated_by_the_month_before_or_the_printed_total(june: Any, month: Rows) -> None:
    largest = max(month, key=lambda row: int(row["total"]))
    wrong = [{**row, "total": "many"} if row is largest else row for row in month]
    with pytest.raises(Refused, match=f"would lack about {int(largest['total']):,} of 61,127 total"):
        june.ingest("uniformed_personnel", wrong, "2025-07-31", FETCHED)
    printed = [{**month[0], "male": "many", "total": "7"}, *month[1:]]
    with pytest.raises(Refused, match="would lack about 7 of"):
        june.ingest("uniformed_personnel", printed, "2025-07-31")


def test_a_fetched_month_that_lacks_one_per_cent_is_refused_and_less_is_marked_incomplete(
    june: Any, month: Rows
) -> None:
    large = next(row for row in month if int(row["total"]) >= 700)
    with pytest.raises(Refused, match=r"\[rejected_rows\] 1 of 871 rows are rejected"):
        june.ingest("uniformed_personnel", with_contributor(month, None, "Atlantis", large), "2025-07-31", FETCHED)
    small = next(row for row in month if 10 <= int(row["total"]) <= 100)
    done = june.ingest("uniformed_personnel", with_contributor(month, None, "Atlantis", small), "2025-07-31", FETCHED)
    assert any("1 of 871 rows are rejected" in warning for warning in done.warnings)
    source = CATALOGUE["uniformed_personnel"]
    snapshots = june.archive.snapshots(source.name)
    staging.stage_source(june.archive, june.cache, source, snapshots, june.root / "tables")
    (period,) = pd.read_parquet(june.root / "tables/meta.incomplete_periods.parquet").to_dict("records")
    missing = int(small["total"])
    assert (period["period"], period["measure"], period["rows_rejected"]) == ("2025-07-31", "total", 1)
    assert (period["published"], period["missing"]) == (61_127 - missing, missing)
    assert period["share_pct"] == pytest.approx(100 * missing / 61_127)


@pytest.mark.parametrize(("casualty", "missing"), [("as it is", 0), ("MINUSMA-2025-04-99999", 1)])
def test_a_rejected_casualty_refuses_no_file_and_is_counted(load: Load, casualty: str, missing: int) -> None:
    """A rejected casualty that an older vintage has keeps the state of that vintage; a new one is missing."""
    rows = bundled_rows("fatalities_2025-04.csv.gz")
    last = max(rows, key=lambda row: str(row["incident_date"]))
    rows.append({**last, "casualty_id": casualty} if missing else rows.pop())
    rows[-1]["type_of_incident"] = "Lightning"
    result = load("fatalities", rows, "--vintage", "2025-05-01", "--json")
    report = json.loads(result.stdout)
    assert (result.exit_code, report["rejected"]) == (0, 1)
    (period,) = report["incomplete_periods"]
    assert (period["period"], period["measure"], period["rows_rejected"]) == ("all", "rows", 1)
    assert (period["missing"], period["published"]) == (missing, 4423)


HUB = {"contributor_as_printed": "contributing_country", "mission": "mission_acronym", "female": "female_personnel",
       "male": "male_personnel", "personnel_type_as_printed": "personnel_type", "month_end": "last_reporting_date"}  # fmt: skip


def test_a_month_of_the_data_hub_is_compared_with_the_report_of_the_same_month(load: Load, month: Rows) -> None:
    def load_hub(rows: Rows) -> Result:
        """Load rows in the form of the data hub, which prints no total."""
        payload = to_json([{theirs: row[ours] for ours, theirs in HUB.items()} for row in rows])
        return load("uniformed_personnel", payload, "--vintage", "2025-08-15")

    right, half = load_hub(month), load_hub(month[: len(month) // 2])
    assert (right.exit_code, "warning" in right.stderr) == (0, False), right.stderr
    assert half.exit_code == 1 and "2025-07-31 of the other series" in half.stderr
    assert load_hub([{**row, "male": row["female"], "female": row["male"]} for row in month]).exit_code == 1
    largest = max(month, key=lambda row: int(row["total"]))
    unreadable = load_hub([{**row, "male": "1.263"} if row is largest else row for row in month])
    assert unreadable.exit_code == 1
    assert f"2025-07-31 would lack about {int(largest['total']):,} of 61,127 total" in unreadable.stderr


def test_a_load_shows_the_table_s_figures_now_and_with_the_file(load: Load) -> None:
    rows = bundled_rows("assessed_contributions_2013-2024.csv.gz")
    rows = [row for row in rows if row["calendar_year"] == "2024"]
    china = next(row for row in rows if row["government_donor"] == "China")
    china["amount"] = str(int(float(china["amount"])) + 1_000_000)
    result = load("assessed_contributions", rows, "--vintage", "2025-06-30")
    assert result.stdout.splitlines()[:2] == [
        "period\trows\tsum of amount_usd\tvalues revised\tgained\tlost",
        "2023-24\t193 → 193\t6,296,372,833 → 6,297,372,833\t1\t\t",
    ]
    assert result.stdout.splitlines()[2].startswith("Would archive assessed_contributions 2025-06-30")
    assert "warning: amount_usd: 1 of 193 values" in result.stderr and "Nothing was archived." in result.stderr


def test_a_dry_run_changes_nothing(load: Load, tmp_path: Path, month: Rows) -> None:
    load("uniformed_personnel", month[:400], "--vintage", "2025-08-01", "--dry-run", data=tmp_path)
    archive = Archive(tmp_path / "raw")
    assert [snapshot.origin for snapshot in archive.snapshots("uniformed_personnel")] == ["bundled"] * 2
    assert not (archive.root / "refused").exists()


def next_month(month: Rows, share: float = 1.0) -> Rows:
    """The month after `month`, with small differences; `share` of its persons."""
    rows = []
    for place, row in enumerate(month):
        male = round(int(row["male"]) * share) + (1 if place % 3 == 0 else 0)
        female = round(int(row["female"]) * share)
        rows.append({**row, "month_end": "2025-08-31", "male": male, "female": female, "total": male + female})
    return rows


def test_a_right_new_month_is_loaded_without_a_warning(load: Load, month: Rows) -> None:
    result = load("uniformed_personnel", next_month(month), "--vintage", "2025-08-31")
    assert (result.exit_code, "warning" in result.stderr) == (0, False), result.stderr
