"""The command `peacekeeping`.

Exit codes: 0 done (also when a publisher could not be reached and the last good snapshot was kept, which is said);
1 the work failed (a refused reply or file, a failed build, bad SQL); 2 the command was wrong.

Each command imports what it needs and no more: `status`, `query` and `sources` know neither Prefect nor pandera.
"""

from __future__ import annotations

import errno
import io
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from flows.cli.briefing import briefing
from flows.cli.claims import claims
from flows.cli.doctor import doctor
from flows.cli.export import export
from flows.cli.load import load
from flows.steps.settings import SettingError, paths, project_version

if TYPE_CHECKING:
    from flows.steps.summary import Summary

FAILED, WRONG, INTERRUPTED = 1, 2, 130


def fail(message: str, code: int = FAILED) -> NoReturn:
    """End with one clear sentence on standard error."""
    click.echo(f"error: {message}", err=True)
    raise SystemExit(code)


def _examples(*lines: str) -> str:
    """An epilog of examples, printed as they stand."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog=_examples(
        "peacekeeping refresh",
        "peacekeeping query \"SELECT count(*) FROM fatalities WHERE mission = 'MINUSMA'\"",
        "",
        "Data lie under PEACEKEEPING_DATA (default ./data).",
        "Exit codes: 0 done, 1 the work failed, 2 the command was wrong.",
    ),
)
@click.version_option(project_version(), prog_name="peacekeeping", message="%(prog)s %(version)s")
def app() -> None:
    """UN peacekeeping as a warehouse that answers: who dies, who sends the people, who pays."""


@app.command(
    short_help="Fetch or load every source and rebuild the warehouse.",
    epilog=_examples(
        "peacekeeping refresh                 try the publishers, fall back to the archive",
        "peacekeeping refresh --offline       build from the archive and the bundled snapshots",
        "peacekeeping refresh --live          fail rather than fall back",
        "peacekeeping refresh -s fatalities   ask for one source only",
        "peacekeeping refresh --as-of 2022-01 what had been published by the end of January 2022",
    ),
)
@click.option("--source", "-s", multiple=True, metavar="NAME", help="Ask only for this source; may be repeated.")
@click.option("--offline", is_flag=True, help="Never open a socket to a publisher.")
@click.option("--live", is_flag=True, help="Fail when a publisher can't be reached, instead of falling back.")
@click.option("--force", is_flag=True, help="Build also when nothing is new.")
@click.option(
    "--as-of",
    metavar="DATE",
    help="Ask nobody, and build what had been published by DATE into data/as_of/DATE.duckdb (YYYY-MM-DD or YYYY-MM).",
)
@click.option(
    "--wait",
    type=click.FloatRange(min=0),
    default=1800,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for another run that is writing.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def refresh(
    source: tuple[str, ...], offline: bool, live: bool, force: bool, as_of: str | None, wait: float, as_json: bool
) -> None:
    """Fetch or load every source, validate, build the warehouse, check it, and swap it in."""
    from flows import local_run
    from flows.steps.as_of import WrongDate, parse_day
    from sources.catalogue import find_live, load_catalogue
    from sources.errors import CatalogueError, UnknownSource

    if offline and live:
        fail("--offline and --live exclude each other; choose one.", WRONG)
    if as_of is not None and (live or source):
        fail("--as-of asks no publisher: it goes with neither --live nor --source.", WRONG)
    try:
        day = None if as_of is None else parse_day(as_of, "--as-of")
        catalogue = load_catalogue()
        for name in source:
            find_live(catalogue, name)
        for entry in [] if offline or day else catalogue.values():
            if entry.live:
                entry.url()
    except (UnknownSource, WrongDate) as error:
        fail(str(error), WRONG)
    except CatalogueError as error:
        fail(str(error))

    def report(summary: Summary) -> int:
        if as_json:
            click.echo(json.dumps(summary.as_json(), indent=1, ensure_ascii=False, default=str))
        else:
            local_run.show(summary)
        return FAILED if summary.failures else 0

    parameters = {"offline": offline, "live": live, "force": force, "as_of": day, "wait_seconds": wait}
    code = report(local_run.run_refresh(paths(), report, sources=list(source), **parameters))
    if code:
        raise SystemExit(code)


@app.command(short_help="List the sources, or show one in full.")
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def sources(name: str | None, as_json: bool) -> None:
    """List the sources, or show the one called NAME in full: publisher, licence, citation, forms, known defects."""
    from flows.cli import console
    from sources.catalogue import find, load_catalogue
    from sources.errors import CatalogueError, UnknownSource

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
                "url": source.url() if source.live else None,
                "landing_page": source.declaration["landing_page"],
                "citation": source.declaration["citation"],
                "description": source.declaration["description"],
                "dialects": [f"{dialect['name']}: {dialect['note']}" for dialect in source.dialects],
                "known_defects": [defect["text"] for defect in source.declaration["known_defects"]],
            }
            for source in chosen
        ]
    except UnknownSource as error:
        fail(str(error), WRONG)
    except CatalogueError as error:
        fail(str(error))
    if as_json:
        click.echo(json.dumps(entries, indent=1, ensure_ascii=False))
    elif name:
        console.show_record(entries[0])
    else:
        columns = ["name", "title", "publisher", "cadence", "licence"]
        console.show_table(columns, [[entry[column] for column in columns] for entry in entries])
        click.echo("`peacekeeping sources NAME` shows one in full, with its known defects.", err=True)


@app.command(short_help="Show each source: vintage, coverage, freshness, rows, last check.")
@click.option("--fail-if-stale", is_flag=True, help="Exit with 1 when what is held of a source has become stale.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(fail_if_stale: bool, as_json: bool) -> None:
    """Show each source: vintage, what it covers, how fresh that is, rows, rejected rows, and the last check.

    Freshness is judged by what the warehouse covers, not by when it was built: a source is late, then stale, so many
    days after the last day covered as its declaration says. A source of irregular cadence is never either.
    """
    from datetime import UTC, datetime

    from flows.cli.status import read_status
    from sources.errors import SourceError
    from warehouse.query import QueryError

    try:
        found = read_status(paths(), datetime.now(UTC).date())
    except (QueryError, SourceError) as error:
        fail(str(error))
    if as_json:
        click.echo(json.dumps(found, indent=1, ensure_ascii=False))
    else:
        _show_status(found)
    stale = [entry for entry in found["sources"] if entry["freshness"] == "stale"]
    if fail_if_stale and stale:
        told = ", ".join(f"{e['source']} since {e['freshness_since']} (covers to {e['covers_to']})" for e in stale)
        fail(f"Stale: {told}. `peacekeeping refresh` asks the publishers for more.")


def _show_status(found: dict[str, Any]) -> None:
    from flows.cli import console
    from flows.cli.status import told_incomplete

    columns = ["source", "vintage", "covers_to", "freshness", "freshness_since", "rows", "rejected"]
    cells = [["-" if entry[name] is None else entry[name] for name in columns] for entry in found["sources"]]
    console.show_table([name.replace("freshness_since", "since") for name in columns], cells)
    for entry in found["sources"]:
        for lacking in entry["incomplete_periods"]:
            click.echo(f"incomplete: {told_incomplete(entry['source'], lacking)}", err=True)
    checks: dict[str, list[str]] = {}
    for entry in found["sources"]:
        minute = str(entry["last_checked"])[:16].replace("T", " ")  # a run asks all of them within one or two
        told = f"{minute} UTC, {entry['outcome']}" if entry["last_checked"] else "never"
        checks.setdefault(told, []).append(entry["source"])
    for told, names in checks.items():
        click.echo(f"Last checked {told}: {', '.join(names)}", err=True)
    for check in found["checks_failed"]:
        click.echo(f"check failed: {check['name']}: expected {check['expected']}, found {check['found']}", err=True)
    click.echo(f"Build {found['build_id']}, published {found['published_at']}, {found['warehouse']}", err=True)


@app.command(short_help="See whether the archive and the warehouse are whole.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify(as_json: bool) -> None:
    """See whether all that is kept is whole; changes nothing.

    Every archived snapshot has a record that can be read and bytes whose SHA-256 is its name; every recorded build was
    made of snapshots that are held; the published warehouse can be read and rests on snapshots that are held. All that
    is damaged is told, each with what to do, and the exit code is 1.
    """
    from functools import partial

    from flows.cli import console
    from flows.cli import verify as verifier

    where = paths()
    try:
        found = verifier.verify(where, partial(console.tracked, what="Verifying snapshot"))
    except verifier.NothingKept as error:
        fail(str(error))
    if as_json:
        click.echo(json.dumps(found.as_json(), indent=1, ensure_ascii=False))
    else:
        whole = {True: "yes", False: "no", None: "-"}
        cells = [[held.source, held.snapshots, held.bytes, whole[held.whole]] for held in found.sources]
        console.show_table(["source", "snapshots", "bytes", "whole"], cells)
    for damage in found.damages:
        click.echo(f"damaged: {damage}", err=True)
    count = len(found.damages)
    if count:
        fail(f"{'One thing is' if count == 1 else f'{count} things are'} damaged in {where.data}.")
    snapshots = sum(held.snapshots for held in found.sources)
    builds = f"{found.builds:,} recorded build{'' if found.builds == 1 else 's'}"
    click.echo(f"All is whole: {snapshots:,} snapshots, {builds}, the published warehouse.", err=True)


@app.command(
    short_help="Show what changed between two builds.",
    epilog=_examples(
        "peacekeeping diff                                  what the last refresh changed",
        "peacekeeping diff 3f2a9c41                         from an older build to the published one",
        "peacekeeping diff data/as_of/2022-01-31.duckdb     from a warehouse as of a day",
        "peacekeeping diff --html changes.html              the same as a page",
    ),
)
@click.argument("before", default="previous")
@click.argument("after", default="published")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write a page to this file.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--examples", type=click.IntRange(min=0), default=10, show_default=True, help="Examples of each change.")
def diff(before: str, after: str, html: Path | None, as_json: bool, examples: int) -> None:
    """Show the rows added, gone and changed from the build BEFORE to the build AFTER, by table and field.

    A build is named by its id (or the beginning of it), `previous`, `published`, or the path of a warehouse file. One
    that no longer lies here is built anew from the archive's record of its snapshots, with today's code.
    """
    import tempfile

    from flows.steps.as_of import existing_build
    from flows.steps.build import rebuild
    from flows.steps.locking import BusyError, DataFolderError, only_writer
    from schemas.validate import TableError
    from sources.archive import Archive
    from sources.errors import SourceError, UnknownBuild
    from warehouse import diff as differ
    from warehouse.load import BuildError
    from warehouse.reports import diff_page

    where = paths()
    archive = Archive(where.raw)
    try:
        old, new = existing_build(before, where), existing_build(after, where)
        if old and new:
            found = differ.compare(old, new, examples)
        else:
            with only_writer(where), tempfile.TemporaryDirectory(dir=where.work) as scratch:
                old = old or rebuild(before, archive, where, Path(scratch) / "before")
                new = new or rebuild(after, archive, where, Path(scratch) / "after")
                found = differ.compare(old, new, examples)
    except UnknownBuild as error:
        fail(str(error), WRONG)
    except (SourceError, DataFolderError, BusyError, BuildError, TableError, differ.DiffError) as error:
        fail(str(error))
    if html is not None:
        html.write_text(diff_page.to_html(found), encoding="utf-8")
        click.echo(f"Wrote {html}.", err=True)
    if as_json:
        click.echo(json.dumps(found.as_json(), indent=1, ensure_ascii=False))
    elif html is None:
        click.echo("\n".join(diff_page.lines(found)))


@app.command(
    short_help="Ask the warehouse in SQL, read-only.",
    epilog=_examples(
        "peacekeeping query \"SELECT count(*) FROM fatalities WHERE mission = 'MINUSMA'\"",
        'peacekeeping query "FROM marts.assessment_shares" --format csv --output shares.csv',
        'peacekeeping query "FROM meta.columns" --format json    what each column means',
        "peacekeeping query - < question.sql                     SQL from standard input",
    ),
)
@click.argument("sql")
@click.option(
    "--format",
    "-f",
    "form",
    type=click.Choice(["table", "csv", "json", "parquet"]),
    default="table",
    show_default=True,
    help="How to write the answer.",
)
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
@click.option(
    "--limit", type=click.IntRange(min=0), default=100, show_default=True, help="Rows to show in a table; 0 shows all."
)
@click.option("--as-of", metavar="DATE", help="Ask the warehouse of what had been published by DATE (see refresh).")
def query(sql: str, form: str, output: Path | None, limit: int, as_of: str | None) -> None:
    """Ask the published warehouse in SQL (DuckDB's dialect): read-only, without access to files or the network."""
    if form == "parquet" and (output is None or str(output) == "-"):
        fail("--format parquet writes a file: name it with --output FILE.", WRONG)
    from flows.steps.as_of import NotBuilt, WrongDate, warehouse_as_of
    from warehouse.query import Answer, QueryError, connect

    try:
        _, file = warehouse_as_of(paths(), as_of)
    except WrongDate as error:
        fail(str(error), WRONG)
    except NotBuilt as error:
        fail(str(error))
    text = sys.stdin.read() if sql == "-" else sql
    try:
        with connect(file) as connection:
            _write(Answer(connection, text), form, output, limit)
    except QueryError as error:
        fail(str(error))
    except BrokenPipeError:
        raise
    except OSError as error:
        fail(f"{output or 'The answer'} can't be written: {error.strerror}.")


def _write(answer: Any, form: str, output: Path | None, limit: int) -> None:
    from flows.cli import console

    writers = {"table": lambda file: console.write_answer(answer, file), "csv": answer.write_csv}
    writers["json"] = answer.write_json
    if output is None or str(output) == "-":
        if form == "table":
            console.show_answer(answer, limit)
        else:
            writers[form](sys.stdout)
        sys.stdout.flush()
        return
    output = output.resolve()  # what a link leads to is written, the link stays
    if output.exists() and not output.is_file():
        if form == "parquet":
            raise OSError(errno.EINVAL, "it is no regular file")
        with output.open("w", encoding="utf-8", newline="") as file:
            writers[form](file)
        return
    scratch = output.with_name(f".{output.name}.{os.getpid()}.part")
    try:
        if form == "parquet":
            rows = answer.write_parquet(scratch)
        else:
            with scratch.open("w", encoding="utf-8", newline="") as file:
                rows = writers[form](file)
        scratch.replace(output)
    finally:
        scratch.unlink(missing_ok=True)
    click.echo(f"Wrote {rows:,} rows to {output}.", err=True)


@app.command(short_help="Bring up Prefect with its UI and run what is due, until stopped.")
def serve() -> None:
    """Bring up a Prefect server with its UI on loopback and work off the schedules of every deployment, until stopped.

    A server that answers already (PREFECT_API_URL, or this machine's port) is used instead, and left running. Ctrl-C or
    SIGTERM stops all that was started; schedules are paused meanwhile, so that nothing piles up.
    """
    from flows import serve

    try:
        serve.serve()
    except serve.NoServer as error:
        fail(str(error))


app.add_command(briefing)
app.add_command(claims)
app.add_command(export)
app.add_command(load)
app.add_command(doctor)


def main() -> None:
    """The console script."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal without our letters gets question marks
            stream.reconfigure(errors="replace")
    try:
        app(standalone_mode=False)
        sys.stdout.flush()
    except SettingError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(WRONG)
    except click.ClickException as error:  # a wrong command: usage and what was wrong with it, exit code 2
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted; the published warehouse is whole", err=True)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # `peacekeeping query … | head`: the reader has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:  # what every command can meet: an output or a folder that can't be written or read
        click.echo(f"error: {error.strerror or error}{f': {error.filename}' if error.filename else ''}", err=True)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FAILED)


if __name__ == "__main__":
    main()
