"""The command `load`: check a file, show what it would change, and put it into the archive."""

from __future__ import annotations

import json
import sys
import tempfile
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import click
import pandas as pd
from rich.console import Console

from flows.cli import console
from flows.cli.errors import WRONG, fail
from flows.cli.options import as_json_option, examples
from flows.steps import fetch, ingest
from flows.steps.as_of import parse_day
from flows.steps.history import table_without_and_with
from flows.steps.ingest import LOADED, ArchivedFile, CheckedFile, InputFile, PublicationDates
from flows.steps.locking import only_writer
from flows.steps.settings import Paths, paths
from flows.steps.staging_cache import StagingCache
from schemas.validate import ContractError
from sources.archive import Archive
from sources.catalogue import find, load_catalogue
from sources.errors import Refused
from transforms.preview import preview

SHOWN_PERIODS = 12
SHOWN_NAMES = 4
SHOWN_REASONS = 5


@dataclass(frozen=True)
class Options:
    """The arguments and options of the command."""

    source: str
    file: Path
    vintage: str | None
    dry_run: bool
    accept_rejected: bool
    accept: tuple[str, ...]
    because: str | None
    as_json: bool


@dataclass(frozen=True)
class Loaded:
    """A checked file, the periods that it would change (transforms.preview), and its record; None when not archived."""

    checked: CheckedFile
    changes: pd.DataFrame
    archived: ArchivedFile | None


@click.command(
    epilog=examples(
        "peacekeeping load fatalities DPPADPOSS-FATALITIES.csv",
        "peacekeeping load fatalities noticas_2021.csv --vintage 2021-06-30",
        "peacekeeping load uniformed_personnel 2025-08.csv --vintage 2025-08 --dry-run",
        "peacekeeping load uniformed_personnel UN_country_contributions_2025_07.pdf",
    ),
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
    help="Load the file although this check refuses it; repeatable, needs --because.",
)
@click.option(
    "--because", metavar="TEXT", help="Why the checks named by --accept are wrong here; recorded in the archive."
)
@as_json_option
def load(**arguments: Any) -> None:
    """Put a FILE of any known form of SOURCE into the raw archive, or refuse it with the reason.

    The form is recognised from the columns; gzip, a zip of one file and Excel workbooks are unpacked; the monthly
    reports of uniformed personnel are read from their PDFs. The file is compared with the archive, the bundled
    snapshots included. What it would change is shown first, by period. The next refresh uses the file.
    """
    options = Options(**arguments)
    if bool(options.accept) != bool(options.because and options.because.strip()):
        fail("--accept CHECK and --because TEXT go together.", WRONG)
    where, file = paths(), _input_file(options)
    try:
        loaded = _load(where, file, options)
    except OSError as error:
        fail(f"{error.strerror}: {error.filename or where.data}. Nothing was archived.")
    if options.as_json:
        click.echo(json.dumps(_as_json(loaded), indent=1, ensure_ascii=False, default=str))
    else:
        _show_result(loaded)


def _input_file(options: Options) -> InputFile:
    """The file to load. Raises UnknownSource or WrongDate."""
    source = find(load_catalogue(), options.source)
    stated = None if options.vintage is None else parse_day(options.vintage, "--vintage").isoformat()
    accepted = dict.fromkeys(options.accept, (options.because or "").strip())
    if options.accept_rejected:
        accepted["rejected_rows"] = "--accept-rejected"
    return InputFile(source, options.file, LOADED, options.file.name, PublicationDates(by_hand=stated), accepted)


def _load(where: Paths, file: InputFile, options: Options) -> Loaded:
    """Check the file, show what it would change, and archive it. Raises Refused."""
    archive, cache = Archive(where.raw), StagingCache(where.staged)
    checking = Console(stderr=True).status(f"Checking {file.path.name} …") if sys.stderr.isatty() else nullcontext()
    with checking, only_writer(where), tempfile.TemporaryDirectory(dir=where.work) as folder:
        fetch.ensure_bundled(archive, {file.source.name: file.source})
        file = replace(file, path=fetch.storable(file.source, file.path, Path(folder)))
        try:
            checked = ingest.examine(archive, cache, file)
            changes = _changes(archive, cache, checked)
            if not options.as_json:
                _show_changes(changes)
            ingest.require_accepted(checked)
            archived = None if options.dry_run else ingest.store(archive, cache, checked)
        except (Refused, ContractError) as error:
            if options.dry_run:
                raise
            raise ingest.keep_refused(archive, file, str(error)) from error
    return Loaded(checked, changes, archived)


def _changes(archive: Archive, cache: StagingCache, checked: CheckedFile) -> pd.DataFrame:
    """The periods of the source's table that the file would change."""
    source, staged = checked.file.source, checked.staged
    now, then = table_without_and_with(archive, cache, source, checked.record, staged)
    return preview(now, then, checked.comparison, source.coverage.column, staged.absent)


def _show_changes(changes: pd.DataFrame) -> None:
    """Print, for each period that the file would change, the table's figures now and with the file."""
    if not len(changes):
        click.echo("The file would change no figure.", err=True)
        return
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
    measure = f"sum of {changes['measure'].iloc[0]}"
    console.show_table(["period", "rows", measure, "values revised", "gained", "lost"], rows)
    if len(changes) > SHOWN_PERIODS:
        click.echo(f"The last {SHOWN_PERIODS} of {len(changes):,} changed periods; --json lists all.", err=True)


def _names(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    return ", ".join(names[:SHOWN_NAMES]) + more


def _show_result(loaded: Loaded) -> None:
    """Print warnings, notices, and whether the file was archived."""
    checked, archived = loaded.checked, loaded.archived
    record, staged = archived.record if archived else checked.record, checked.staged
    for warning in checked.warnings:
        click.echo(f"warning: {warning}", err=True)
    for signal in staged.signals.itertuples():
        click.echo(f"notice: {str(signal.kind).replace('_', ' ')}: {signal.value} ({signal.rows:,} rows)", err=True)
    if checked.raw.sheet:
        click.echo(f"notice: read from the sheet {checked.raw.sheet!r} of the workbook.", err=True)
    what = "Would archive" if archived is None else "Archived" if archived.new else "Already in the archive:"
    click.echo(
        f"{what} {record.source} {record.vintage} ({record.vintage_basis}), {record.dialect}: {staged.rows_in:,} rows, "
        f"{len(staged.rows):,} staged, {staged.rows_rejected:,} rejected, {len(staged.merged):,} merged."
    )
    if record.vintage_basis == "day of retrieval":
        click.echo("notice: its rows carry no date; say --vintage DATE if you know when it was published.", err=True)
    for reason, rows in staged.rejected["reason"].value_counts().head(SHOWN_REASONS).items():
        click.echo(f"rejected: {reason} ({rows:,} times)", err=True)
    click.echo(
        "Nothing was archived." if archived is None else "Run `peacekeeping refresh` to build with it.", err=True
    )


def _as_json(loaded: Loaded) -> dict[str, Any]:
    checked, archived = loaded.checked, loaded.archived
    record, staged = archived.record if archived else checked.record, checked.staged
    return {
        "archived": bool(archived and archived.new),
        "snapshot": asdict(record),
        "rows_in": staged.rows_in,
        "staged": len(staged.rows),
        "rejected": staged.rows_rejected,
        "merged": len(staged.merged),
        "changes": loaded.changes.to_dict("records"),
        "warnings": checked.warnings,
        "incomplete_periods": checked.incomplete.to_dict("records"),
    }
