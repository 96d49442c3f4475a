"""The summary of a refresh as the Prefect UI shows it: what changed, then the sources, in few columns."""

from __future__ import annotations

from pathlib import Path

from flows.steps.fetch import FetchResult
from flows.steps.staging import StageReport
from flows.steps.summary import Summary, markdown


def account(vintage: str, rows_in: int, merged: int = 0) -> dict[str, object]:
    staged = rows_in - merged
    return {"vintage": vintage, "rows_in": rows_in, "rows_staged": staged, "rows_rejected": 0, "rows_merged": merged}


def published(changes: list[dict[str, object]] | None) -> Summary:
    """A refresh of two sources: a list of two vintages, one that the register completes; another is not requested."""
    two = [account("2021-06-30", 4117, 6), account("2025-04-04", 4429, 6)]
    summary = Summary(build_id="abc", changes=changes, seconds=5.04)
    summary.obtained = [
        FetchResult("fatalities", "fetched", "Fetched the vintage 2025-04-04: 4,429 rows (psdata-json).", "2025-04-04"),
        FetchResult("missions", "unchanged", "As archived.", "2024-02-19"),
    ]
    summary.staged = [
        StageReport("fatalities", Path(), 4423, two, seconds=0.5),
        StageReport("missions", Path(), 80, [account("2024-02-19", 81, 1)], seconds=0.25),
        StageReport("mission_strength", Path(), 5330, [account("2026-11-24", 5330)]),
    ]
    summary.record_published(
        "now", {"main.fatalities": 4423, "main.missions": 120, "main.mission_strength": 5330, "meta.builds": 1}
    )
    return summary


def test_rows_are_those_of_the_table_and_the_account_is_of_every_snapshot() -> None:
    lines = {line["source"]: line for line in published([]).lines()}
    assert list(lines["missions"]) == [
        "source", "how", "vintage", "rows", "snapshots", "rows_in", "staged", "rejected", "merged", "seconds",
    ]  # fmt: skip
    counts = ("rows", "snapshots", "rows_in", "staged", "rejected", "merged")
    assert [lines["fatalities"][name] for name in counts] == [4423, 2, 8546, 8534, 0, 12]
    assert [lines["missions"][name] for name in counts] == [120, 1, 81, 80, 0, 1]
    failed = published([])
    failed.rows = None  # nothing was published: no table has these rows
    assert {line["rows"] for line in failed.lines()} == {None} and "| – | 2 | 8,546 |" in markdown(failed)


def test_the_heading_is_one_line_and_what_changed_comes_first() -> None:
    summary = published([{"table": "fatalities", "added": 79, "gone": 0, "changed": 1115}])
    summary.warnings = ["missions: the list is old"]
    text = markdown(summary).splitlines()
    assert text[:6] == [
        "## Published build abc · 1 warning",
        "",
        "| changed since the build before | added | gone | revised |",
        "| --- | --: | --: | --: |",
        "| fatalities | 79 | 0 | 1,115 |",
        "",
    ]
    header = "| source | how | vintage | rows | snapshots | rows in | rejected | merged |"
    assert text.index("### Warnings") < text.index("### Publishers") < text.index(header)
    assert "| missions | unchanged | 2024-02-19 | 120 | 1 | 81 | 0 | 1 |" in text
    archived = "| source from the archive | vintage | rows | snapshots | rows in | rejected | merged |"
    assert text.index(header) < text.index(archived)
    assert "| mission_strength | 2026-11-24 | 5,330 | 1 | 5,330 | 0 | 0 |" in text
    assert "- **fatalities**: Fetched the vintage 2025-04-04: 4,429 rows (psdata-json)." in text
    assert text[-1] == "Took 5.0 s."
    assert "As archived." not in "".join(text)  # its row says so


def test_a_refresh_without_changes_or_without_a_build_says_so() -> None:
    assert markdown(published([])).splitlines()[2] == "No row changed since the build before."
    assert markdown(published(None)).splitlines()[2] == "This is the first build: 9,873 rows in 3 tables."
    current = Summary(build_id="abc", nothing_new=True, obtained=published([]).obtained)
    assert markdown(current).splitlines()[0] == "## Nothing new: build abc is current"
    assert "| missions | unchanged | 2024-02-19 |" in markdown(current)
    failed = Summary(failures=["fatalities: refused"], obtained=[FetchResult("fatalities", "refused", "refused")])
    assert markdown(failed).splitlines()[:5] == [
        "## Nothing published · 1 failure", "", "### Failures", "", "- fatalities: refused",
    ]  # fmt: skip
    assert "Publishers" not in markdown(failed)  # the failure has its message
