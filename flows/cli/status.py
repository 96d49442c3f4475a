"""The command `status`: what the published warehouse has of each source, how fresh it is, and the last check.

Freshness is judged by what the warehouse covers, never by the time of a run or a check. A source whose cadence is
regular declares two bounds (`freshness` in its YAML): how many days after the end of what is covered (the newest
incident, month-end or end of a peacekeeping year) it is late, and stale.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import click

from flows.cli import console
from flows.cli.errors import fail
from flows.cli.options import as_json_option, plural
from flows.server import paused_schedules, running_server
from flows.steps import settings
from flows.steps.settings import Paths, paths
from flows.steps.summary import tables_of
from sources.archive import Archive
from sources.catalogue import HERE, read_yaml, source_names
from sources.errors import CatalogueError
from warehouse.query import Answer, connect

SNAPSHOTS = """
SELECT source, max(vintage)::VARCHAR AS vintage, min(covers_from)::VARCHAR AS covers_from,
       max(covers_to) AS covers_to, count(*) AS snapshots, sum(rows_in)::BIGINT AS rows_in,
       sum(rows_rejected)::BIGINT AS rejected, sum(rows_merged)::BIGINT AS merged,
       arg_max(origin, vintage) AS origin, arg_max(sha256, vintage) AS newest_snapshot
FROM meta.snapshots WHERE origin <> 'register' GROUP BY source
"""
INCOMPLETE = """
SELECT source, period, measure, rows_rejected, published, missing, share_pct
FROM meta.incomplete_periods ORDER BY source, period
"""
WITHOUT_PERIODS = "all"  # the period of a source that has none
DATES = ("vintage", "covers_from", "covers_to", "origin", "newest_snapshot")
COUNTS = ("snapshots", "rows_in", "rejected", "merged")

State = Literal["current", "late", "stale"]


@dataclass(frozen=True)
class Bounds:
    """How many days after the end of what is covered a source is still current, and still no more than late."""

    late_after_days: int
    stale_after_days: int


@dataclass(frozen=True)
class Freshness:
    """The state, and the first day of it; both None where freshness is not judged."""

    state: State | None = None
    since: date | None = None


def judge(covers_to: date | None, bounds: Bounds | None, today: date) -> Freshness:
    """The freshness on the day `today` of a source that is covered up to the day `covers_to`.

    Not judged without `covers_to` (no rows in the warehouse) or without `bounds` (an irregular cadence).
    """
    if covers_to is None or bounds is None:
        return Freshness()
    late = covers_to + timedelta(days=bounds.late_after_days + 1)
    stale = covers_to + timedelta(days=bounds.stale_after_days + 1)
    if today >= stale:
        return Freshness("stale", stale)
    if today >= late:
        return Freshness("late", late)
    return Freshness("current", covers_to)


def declared_bounds(folder: Path = HERE) -> dict[str, Bounds | None]:
    """The bounds of every source, by name in alphabetical order; None where none are declared.

    Reads no more of a declaration: validating all of them takes longer than the rest of `peacekeeping status`. Raises
    CatalogueError naming the file that can't be read.
    """
    bounds: dict[str, Bounds | None] = {}
    for name in source_names(folder):
        try:
            block = read_yaml(folder / f"{name}.yaml").get("freshness")
            days = None if block is None else Bounds(int(block["late_after_days"]), int(block["stale_after_days"]))
        except (CatalogueError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise CatalogueError(
                f"{name}.yaml: freshness can't be read; `peacekeeping sources {name}` says what is wrong with the file."
            ) from error
        bounds[name] = days
    return bounds


@click.command()
@click.option("--fail-if-stale", is_flag=True, help="Exit with 1 when a source has become stale.")
@as_json_option
def status(fail_if_stale: bool, as_json: bool) -> None:
    """Show each source: vintage, what it covers, how fresh that is, rows, rejected rows, and the last check.

    The rows are those of the source's table; the rejected ones are counted over all its snapshots, of every vintage.

    Freshness is judged by what the warehouse covers, not by when it was built: a source is late, then stale, so many
    days after the last day covered as its declaration says. A source of irregular cadence is never either.
    """
    report = read_status(paths(), datetime.now(UTC).date())
    settings.apply_prefect_defaults()  # the port of this machine's server
    url = running_server()
    report["schedules_paused"] = paused_schedules(url) if url else None  # unknown without a server
    if as_json:
        click.echo(json.dumps(report, indent=1, ensure_ascii=False))
    else:
        _show(report)
    stale = [
        f"{entry['source']} since {entry['freshness_since']} (covers to {entry['covers_to']})"
        for entry in report["sources"]
        if entry["freshness"] == "stale"
    ]
    if fail_if_stale and stale:
        fail(f"Stale: {', '.join(stale)}. `peacekeeping refresh` fetches what is new.")


def _show(report: dict[str, Any]) -> None:
    columns = ["source", "vintage", "covers_to", "freshness", "freshness_since", "rows", "rejected"]
    cells = [["-" if entry[name] is None else entry[name] for name in columns] for entry in report["sources"]]
    console.show_table([name.replace("freshness_since", "since") for name in columns], cells)
    for entry in report["sources"]:
        for period in entry["incomplete_periods"]:
            click.echo(f"incomplete: {describe_incomplete(entry['source'], period)}", err=True)
    checks: dict[str, list[str]] = {}
    for entry in report["sources"]:
        minute = str(entry["last_checked"])[:16].replace("T", " ")  # a run checks all sources within a minute or two
        text = f"{minute} UTC, {entry['outcome']}" if entry["last_checked"] else "never"
        checks.setdefault(text, []).append(entry["source"])
    for text, names in checks.items():
        click.echo(f"Last checked {text}: {', '.join(names)}", err=True)
    for check in report["checks_failed"]:
        click.echo(f"check failed: {check['name']}: expected {check['expected']}, found {check['found']}", err=True)
    if report["schedules_paused"]:
        paused = ", ".join(report["schedules_paused"])
        click.echo(f"Schedules are paused: {paused}. `peacekeeping serve` resumes them.", err=True)
    click.echo(f"Build {report['build_id']}, published {report['published_at']}, {report['warehouse']}", err=True)


def read_status(where: Paths, today: date) -> dict[str, Any]:
    """Each source's vintage, coverage, freshness on the day `today`, rows and last check, and the published build.

    A source without snapshots has no dates and counts of 0. Raises QueryError when there is no warehouse, SourceError
    when a record or a declaration can't be read.
    """
    archive = Archive(where.raw)
    bounds = declared_bounds()
    with connect(where.warehouse) as connection:
        snapshots = {row["source"]: row for row in Answer(connection, SNAPSHOTS).records()}
        # A warehouse that older code built can lack a table.
        answer = Answer(connection, "SELECT schema_name || '.' || table_name FROM duckdb_tables()")
        tables = {row[0] for row in answer.rows()}
        rows = {
            name: sum(
                Answer(connection, f"SELECT count(*) FROM {table}").rows()[0][0]
                for table in tables_of(name)
                if table in tables
            )
            for name in bounds
        }
        incomplete = Answer(connection, INCOMPLETE).records() if "meta.incomplete_periods" in tables else []
        (build,) = Answer(connection, "SELECT build_id FROM meta.builds").records()
        failed = Answer(connection, "SELECT name, expected, found FROM meta.checks WHERE NOT passed").records()
    entries = []
    for name in bounds:
        checked = archive.last_check(name) or {}
        entries.append(
            {
                "source": name,
                **_coverage(snapshots.get(name, {}), bounds[name], today),
                "rows": rows[name],
                "incomplete_periods": [
                    {key: value for key, value in period.items() if key != "source"}
                    for period in incomplete
                    if period["source"] == name
                ],
                "last_checked": checked.get("at"),
                "outcome": checked.get("outcome"),
                "message": checked.get("message"),
            }
        )
    return {
        "warehouse": str(where.warehouse),
        **build,
        "published_at": (archive.build(build["build_id"]) or {}).get("published_at"),
        "checks_failed": failed,
        "sources": entries,
    }


def _coverage(snapshots: dict[str, Any], bounds: Bounds | None, today: date) -> dict[str, Any]:
    """What the snapshots of a source cover and count, and how fresh that is; `snapshots` is its row of SNAPSHOTS."""
    freshness = judge(snapshots.get("covers_to"), bounds, today)
    return {
        **{name: None if snapshots.get(name) is None else str(snapshots[name]) for name in DATES},
        **{name: snapshots.get(name, 0) for name in COUNTS},
        "freshness": freshness.state,
        "freshness_since": freshness.since and freshness.since.isoformat(),
        "late_after_days": bounds and bounds.late_after_days,
        "stale_after_days": bounds and bounds.stale_after_days,
    }


def describe_incomplete(source: str, period: dict[str, Any]) -> str:
    """What a period of a source lacks, in words."""
    name = source if period["period"] == WITHOUT_PERIODS else f"{source} {period['period']}"
    rejected = f"{plural(period['rows_rejected'], 'row')} rejected"
    if period["missing"] is None:
        return f"{name}: {rejected}; what they would add is not known"
    missing, whole = (_figure(value) for value in (period["missing"], period["published"] + period["missing"]))
    share = "" if period["share_pct"] is None else f" ({period['share_pct']:.1f} %)"
    return f"{name} lacks about {missing} of {whole} {period['measure']}{share}, {rejected}"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:,.2f}"
