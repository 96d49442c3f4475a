"""The command `peacekeeping`.

Exit codes: 0 done (also when a publisher could not be reached and the last good snapshot was kept, which is said);
1 the work failed (a refused reply or file, a failed build, bad SQL); 2 the command was wrong.

Each command imports what it needs and no more: `status`, `query` and `sources` know neither Prefect nor pandera.
"""

from __future__ import annotations

import json
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from flows.settings import paths, project_version

FAILED, WRONG = 1, 2

app = typer.Typer(
    name="peacekeeping",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Data lie under PEACEKEEPING_DATA (default ./data). "
    "Exit codes: 0 done, 1 the work failed, 2 the command was wrong.",
)


class Format(StrEnum):
    """How `query` writes its answer."""

    table = "table"
    csv = "csv"
    json = "json"
    parquet = "parquet"


def fail(message: str, code: int = FAILED) -> NoReturn:
    """End with one clear sentence on standard error."""
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(code)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"peacekeeping {project_version()}")
        raise typer.Exit


@app.callback()
def main_options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and end.")
    ] = False,
) -> None:
    """UN peacekeeping as a warehouse that answers: who dies, who sends the people, who pays.

    [bold]peacekeeping refresh[/bold] builds it, [bold]peacekeeping query "FROM fatalities LIMIT 5"[/bold] asks it.
    """


@app.command(
    epilog="""Examples:

peacekeeping refresh                    try the publishers, fall back to the archive

peacekeeping refresh --offline          build from the archive and the bundled snapshots

peacekeeping refresh --live             fail rather than fall back

peacekeeping refresh -s fatalities      ask for one source only"""
)
def refresh(
    source: Annotated[
        list[str] | None, typer.Option("--source", "-s", help="Ask only for this source; may be repeated.")
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Never open a socket to a publisher.")] = False,
    live: Annotated[
        bool, typer.Option("--live", help="Fail when a publisher can't be reached, instead of falling back.")
    ] = False,
    wait: Annotated[
        float,
        typer.Option("--wait", min=0, metavar="SECONDS", help="How long to wait for another run that is writing."),
    ] = 1800,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Fetch or load every source, validate, build the warehouse, check it, and swap it in."""
    from flows import running  # noqa: PLC0415
    from sources.catalogue import find, load_catalogue  # noqa: PLC0415
    from sources.errors import CatalogueError, UnknownSource  # noqa: PLC0415

    if offline and live:
        fail("--offline and --live exclude each other; choose one.", WRONG)
    try:
        catalogue = load_catalogue()
        for name in source or []:
            find(catalogue, name)
        if not offline:
            for entry in catalogue.values():
                entry.url()
    except UnknownSource as error:
        fail(str(error), WRONG)
    except CatalogueError as error:
        fail(str(error))
    summary = running.run_refresh(paths(), source, offline=offline, live=live, wait_seconds=wait)
    if as_json:
        typer.echo(json.dumps(summary.as_json(), indent=1, ensure_ascii=False, default=str))
    else:
        running.show(summary, paths())
    if summary.failures:
        raise typer.Exit(FAILED)


@app.command(
    epilog="""Examples:

peacekeeping load fatalities DPPADPOSS-FATALITIES.csv

peacekeeping load fatalities noticas_2021.csv --vintage 2021-06-30

peacekeeping load uniformed_personnel 2025-08.csv --vintage 2025-08   (a month alone means its last day)"""
)
def load(
    source: Annotated[str, typer.Argument(help="Name of the source; `peacekeeping sources` lists them.")],
    file: Annotated[Path, typer.Argument(help="A file of any known form of the source, packed with gzip or not.")],
    vintage: Annotated[
        str | None,
        typer.Option(help="Publication date, YYYY-MM-DD or YYYY-MM, where the rows don't carry one.", metavar="DATE"),
    ] = None,
) -> None:
    """Put a file into the raw archive, or refuse it with the reason. The next refresh uses it."""
    from flows.vintage_dates import WrongDate, parse_vintage  # noqa: PLC0415
    from sources.catalogue import find, load_catalogue  # noqa: PLC0415
    from sources.errors import SourceError, UnknownSource  # noqa: PLC0415

    try:
        found = find(load_catalogue(), source)
        stated = parse_vintage(vintage) if vintage else None
    except (UnknownSource, WrongDate) as error:
        fail(str(error), WRONG)
    if not file.is_file():
        fail(f"There is no file {file}.", WRONG)

    from flows.admit import Stated, admit  # noqa: PLC0415
    from flows.locking import BusyError, DataFolderError, only_writer  # noqa: PLC0415
    from sources.archive import Archive  # noqa: PLC0415

    where = paths()
    try:
        with only_writer(where):
            record, staged, warnings, new = admit(
                Archive(where.raw),
                found,
                file.read_bytes(),
                origin="loaded",
                url=file.name,
                stated=Stated(by_hand=stated.isoformat() if stated else None),
            )
    except (SourceError, DataFolderError, BusyError) as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.strerror}: {error.filename or where.data}. Nothing was archived.")
    for warning in warnings:
        typer.echo(f"warning: {warning}", err=True)
    for signal in staged.signals.itertuples():
        typer.echo(f"notice: {str(signal.kind).replace('_', ' ')}: {signal.value} ({signal.rows:,} rows)", err=True)
    told = "Archived" if new else "Already in the archive:"
    typer.echo(
        f"{told} {source} {record.vintage} ({record.vintage_basis}), {record.dialect}: {staged.rows_in:,} rows, "
        f"{len(staged.rows):,} staged, {staged.rows_rejected:,} rejected, {len(staged.merged):,} merged."
    )
    if record.vintage_basis == "day of retrieval":
        typer.echo("notice: its rows carry no date; say --vintage DATE if you know when it was published.", err=True)
    for reason, rows in staged.rejected["reason"].value_counts().head(5).items():
        typer.echo(f"rejected: {reason} ({rows:,} times)", err=True)
    typer.echo("Run `peacekeeping refresh` to build with it.", err=True)


@app.command()
def sources(
    name: Annotated[str | None, typer.Argument(help="Show this source in full.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the sources: what they are, who publishes them, under which licence, how to cite them."""
    from sources.catalogue import find, load_catalogue  # noqa: PLC0415
    from sources.errors import CatalogueError, UnknownSource  # noqa: PLC0415

    try:
        catalogue = load_catalogue()
        chosen = [find(catalogue, name)] if name else list(catalogue.values())
        entries: list[dict[str, Any]] = [
            {
                "name": source.name,
                "title": source.title,
                "publisher": source.publisher.title,
                "licence": source.declaration["licence"]["name"],
                "cadence": source.cadence,
                "url": source.url(),
                "landing_page": source.declaration["landing_page"],
                "citation": source.declaration["citation"],
                "dialects": [dialect["name"] for dialect in source.dialects],
                "known_defects": [defect["text"] for defect in source.declaration["known_defects"]],
                "description": source.declaration["description"],
            }
            for source in chosen
        ]
    except UnknownSource as error:
        fail(str(error), WRONG)
    except CatalogueError as error:
        fail(str(error))
    if as_json:
        typer.echo(json.dumps(entries, indent=1, ensure_ascii=False))
        return
    from flows import console  # noqa: PLC0415

    if name:
        console.show_record(entries[0])
    else:
        columns = ["name", "title", "publisher", "cadence", "licence"]
        console.show_table(columns, [[entry[column] for column in columns] for entry in entries])
        typer.echo("`peacekeeping sources NAME` shows one in full, with its known defects.", err=True)


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show each source: vintage, what it covers, rows, rejected rows, and when it was last checked."""
    from flows.status import read_status  # noqa: PLC0415
    from sources.errors import SourceError  # noqa: PLC0415
    from warehouse.query import QueryError  # noqa: PLC0415

    try:
        found = read_status(paths())
    except (QueryError, SourceError) as error:
        fail(str(error))
    if as_json:
        typer.echo(json.dumps(found, indent=1, ensure_ascii=False))
        return
    from flows import console  # noqa: PLC0415

    columns = ["source", "vintage", "covers_from", "covers_to", "rows", "rejected", "last_checked", "outcome"]
    console.show_table(columns, [[entry[column] for column in columns] for entry in found["sources"]])
    typer.echo(f"Build {found['build_id']}, published {found['published_at']}, {found['warehouse']}", err=True)


@app.command(
    epilog="""Examples:

peacekeeping query "SELECT count(*) FROM fatalities WHERE mission = 'MINUSMA'"

peacekeeping query "FROM marts.assessment_shares" --format csv --output shares.csv

peacekeeping query "FROM meta.columns" --format json        what each column means

peacekeeping query - < question.sql                         read the SQL from standard input"""
)
def query(
    sql: Annotated[str, typer.Argument(help="SQL in DuckDB's dialect; - reads it from standard input.")],
    format: Annotated[Format, typer.Option("--format", "-f", help="How to write the answer.")] = Format.table,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write to this file.")] = None,
    limit: Annotated[int, typer.Option(help="Rows to show in a table; 0 shows all.", min=0)] = 100,
) -> None:
    """Ask the published warehouse: read-only, without access to files or the network."""
    if format is Format.parquet and output is None:
        fail("--format parquet writes a file: name it with --output FILE.", WRONG)
    from warehouse.query import Answer, QueryError, connect  # noqa: PLC0415

    text = sys.stdin.read() if sql == "-" else sql
    try:
        with connect(paths().warehouse) as connection:
            _write(Answer(connection, text), format, output, limit)
    except QueryError as error:
        fail(str(error))
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        fail(f"{output or 'The answer'} can't be written: {error.strerror}.")


def _write(answer: Any, form: Format, output: Path | None, limit: int) -> None:
    from flows import console  # noqa: PLC0415

    if output is None:
        if form is Format.table:
            console.show_answer(answer, limit)
        elif form is Format.csv:
            answer.write_csv(sys.stdout)
        else:
            answer.write_json(sys.stdout)
        return
    scratch = output.with_name(f".{output.name}.{os.getpid()}.part")
    try:
        if form is Format.parquet:
            rows = answer.write_parquet(scratch)
        else:
            with scratch.open("w", encoding="utf-8", newline="") as file:
                if form is Format.csv:
                    rows = answer.write_csv(file)
                elif form is Format.json:
                    rows = answer.write_json(file)
                else:
                    rows = console.write_answer(answer, file)
        scratch.replace(output)
    finally:
        scratch.unlink(missing_ok=True)
    typer.echo(f"Wrote {rows:,} rows to {output}.", err=True)


def main() -> None:
    """The console script."""
    try:
        app()
    except BrokenPipeError:  # `peacekeeping query … | head`: the reader has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except KeyboardInterrupt:
        typer.echo("interrupted; the published warehouse is as it was", err=True)
        sys.exit(130)


if __name__ == "__main__":
    main()
