"""The command `load`: what a file would change, the problems that the checks found, and the file in the archive.

Imported by `flows.cli.main`, so nothing heavy at the top.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flows.steps.settings import Paths, paths

if TYPE_CHECKING:
    import pandas as pd

    from flows.steps.ingest import Candidate, Ingested, Offered

SHOWN_PERIODS = 12
SHOWN_NAMES = 4


@click.command(
    short_help="Put a file into the raw archive.",
    epilog="\b\nExamples:\n"
    "  peacekeeping load fatalities DPPADPOSS-FATALITIES.csv\n"
    "  peacekeeping load fatalities noticas_2021.csv --vintage 2021-06-30\n"
    "  peacekeeping load uniformed_personnel 2025-08.csv --vintage 2025-08 --dry-run",
)
@click.argument("source")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
@click.option(
    "--vintage",
    metavar="DATE",
    help="Publication date where the rows carry none: YYYY-MM-DD, or YYYY-MM, which means the month's last day.",
)
@click.option("--dry-run", is_flag=True, help="Check the file and show what it would change; archive nothing.")
@click.option(
    "--accept-rejected", is_flag=True, help="Load a file with rejected rows; its periods are marked incomplete."
)
@click.option(
    "--accept",
    multiple=True,
    metavar="CHECK",
    help="Load the file although this check refuses it; may be repeated, needs --because.",
)
@click.option("--because", metavar="TEXT", help="Why the checks named by --accept are wrong here; kept in the archive.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def load(
    source: str,
    file: Path,
    vintage: str | None,
    dry_run: bool,
    accept_rejected: bool,
    accept: tuple[str, ...],
    because: str | None,
    as_json: bool,
) -> None:
    """Put a FILE of any known form of SOURCE into the raw archive, or refuse it with the reason.

    The form is recognised from the columns; gzip, a zip of one file and Excel workbooks are unpacked. The file is
    compared with what is held, the bundled snapshots included. What it would change is shown first, by period. The next
    refresh uses the file.
    """
    from flows.cli.main import WRONG, fail

    if bool(accept) != bool(because and because.strip()):
        fail("--accept CHECK and --because TEXT go together.", WRONG)
    accepted = dict.fromkeys(accept, (because or "").strip())
    if accept_rejected:
        accepted["rejected_rows"] = "--accept-rejected"
    _load(paths(), _offered(source, file, vintage, accepted), dry_run, as_json)


def _offered(source: str, file: Path, vintage: str | None, accepted: dict[str, str]) -> Offered:
    """The file as it is offered. Ends the command where the source or the date is none."""
    from flows.cli.main import WRONG, fail
    from flows.steps.as_of import WrongDate, parse_day
    from sources.catalogue import find, load_catalogue
    from sources.errors import UnknownSource

    try:
        found = find(load_catalogue(), source)
        stated = parse_day(vintage, "--vintage").isoformat() if vintage is not None else None
    except (UnknownSource, WrongDate) as error:
        fail(str(error), WRONG)
    from flows.steps.ingest import LOADED, Offered, Stated

    return Offered(found, file, LOADED, file.name, Stated(by_hand=stated), accepted)


def _load(where: Paths, offered: Offered, dry_run: bool, as_json: bool) -> None:
    """Check the file, show what it would change, and archive it. Ends the command with 1 where it is refused."""
    import sys
    import tempfile
    from contextlib import nullcontext
    from dataclasses import replace

    from rich.console import Console

    from flows.cli.main import fail
    from flows.steps import fetch, ingest
    from flows.steps.history import table_now_and_then
    from flows.steps.locking import BusyError, DataFolderError, only_writer
    from flows.steps.registry import comparison_of
    from flows.steps.staging_cache import StagingCache
    from schemas.validate import ContractError
    from sources.archive import Archive
    from sources.errors import Refused, SourceError
    from transforms.preview import preview

    archive, cache = Archive(where.raw), StagingCache(where.staged)
    checking = Console(stderr=True).status(f"Checking {offered.file.name} …") if sys.stderr.isatty() else nullcontext()
    try:
        with checking, only_writer(where), tempfile.TemporaryDirectory(dir=where.work) as folder:
            fetch.ensure_bundled(archive, {offered.source.name: offered.source})
            stored = replace(offered, file=fetch.storable(offered.source, offered.file, Path(folder)))
            try:
                candidate = ingest.examine(archive, cache, stored)
                record, staged = ingest.there(candidate.record), ingest.there(candidate.staged)
                now, then = table_now_and_then(archive, cache, stored.source, record, staged)
                column = stored.source.coverage.column
                changes = preview(now, then, comparison_of(stored.source), column, staged.absent)
                if not as_json:
                    _show_changes(changes)
                ingest.require_passed(candidate)
                done = None if dry_run else ingest.store(archive, cache, candidate)
            except (Refused, ContractError) as error:
                raise (Refused(str(error)) if dry_run else ingest.refused(archive, stored, str(error))) from error
    except (SourceError, DataFolderError, BusyError) as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.strerror}: {error.filename or where.data}. Nothing was archived.")
    if as_json:
        click.echo(json.dumps(_as_json(candidate, changes, done), indent=1, ensure_ascii=False, default=str))
    else:
        _show_result(candidate, done)


def _show_changes(changes: pd.DataFrame) -> None:
    """What the table says of each period that would change, and what it would say."""
    from flows.cli import console

    if not len(changes):
        click.echo("No figure of today's tables would change.", err=True)
        return
    measure = changes["measure"].iloc[0]
    rows = [
        [
            change["period"],
            f"{change['rows']:,} → {change['rows_then']:,}",
            f"{change['sum']:,.10g} → {change['sum_then']:,.10g}",
            change["revised"],
            _names(change["gained"]),
            _names(change["lost"]),
        ]
        for change in changes.tail(SHOWN_PERIODS).to_dict("records")
    ]
    console.show_table(["period", "rows", "sum of " + measure, "values revised", "gained", "lost"], rows)
    if len(changes) > SHOWN_PERIODS:
        click.echo(f"The last {SHOWN_PERIODS} of {len(changes):,} periods that would change; --json has all.", err=True)


def _names(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    return ", ".join(names[:SHOWN_NAMES]) + more


def _show_result(candidate: Candidate, done: Ingested | None) -> None:
    """Warnings and notices, and what became of the file."""
    from flows.steps.ingest import there

    record, staged = done.record if done else there(candidate.record), there(candidate.staged)
    for warning in candidate.warnings:
        click.echo(f"warning: {warning}", err=True)
    for signal in staged.signals.itertuples():
        click.echo(f"notice: {str(signal.kind).replace('_', ' ')}: {signal.value} ({signal.rows:,} rows)", err=True)
    if candidate.raw and candidate.raw.sheet:
        click.echo(f"notice: read from the sheet {candidate.raw.sheet!r} of the workbook.", err=True)
    what = "Would archive" if done is None else "Archived" if done.new else "Already in the archive:"
    click.echo(
        f"{what} {record.source} {record.vintage} ({record.vintage_basis}), {record.dialect}: {staged.rows_in:,} rows, "
        f"{len(staged.rows):,} staged, {staged.rows_rejected:,} rejected, {len(staged.merged):,} merged."
    )
    if record.vintage_basis == "day of retrieval":
        click.echo("notice: its rows carry no date; say --vintage DATE if you know when it was published.", err=True)
    for reason, rows in staged.rejected["reason"].value_counts().head(5).items():
        click.echo(f"rejected: {reason} ({rows:,} times)", err=True)
    click.echo("Nothing was archived." if done is None else "Run `peacekeeping refresh` to build with it.", err=True)


def _as_json(candidate: Candidate, changes: pd.DataFrame, done: Ingested | None) -> dict[str, Any]:
    """The result for scripts."""
    from dataclasses import asdict

    from flows.steps.ingest import there

    record, staged = done.record if done else there(candidate.record), there(candidate.staged)
    return {
        "archived": bool(done and done.new),
        "snapshot": asdict(record),
        "rows_in": staged.rows_in,
        "staged": len(staged.rows),
        "rejected": staged.rows_rejected,
        "merged": len(staged.merged),
        "changes": changes.to_dict("records"),
        "warnings": candidate.warnings,
        "incomplete_periods": candidate.incomplete.to_dict("records"),
    }
