"""The command `query`: SQL on the published warehouse, printed or written to a file."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import click

from flows.cli import console
from flows.cli.errors import FAILED, INTERRUPTED, STOPPED, WRONG, fail
from flows.cli.options import as_of_option, examples
from flows.steps.as_of import warehouse_as_of
from flows.steps.settings import paths, query_memory
from schemas.files import replacing
from warehouse.query import Answer, QueryError, bounded_memory, connect

FORMATS = {"table": [".txt", ".tsv"], "csv": [".csv"], "json": [".json"], "parquet": [".parquet"]}
EXTENSIONS = {extension: form for form, extensions in FORMATS.items() for extension in extensions}
SPREADSHEETS = (".xlsx", ".xls", ".ods")
LONGEST = 86_400  # seconds


@click.command(
    epilog=examples(
        "peacekeeping query \"SELECT count(*) FROM fatalities WHERE mission = 'MINUSMA'\"",
        'peacekeeping query "FROM marts.assessment_shares" --output shares.csv',
        'peacekeeping query "FROM meta.columns" --format json    what each column means',
        "peacekeeping query - < question.sql                     SQL from standard input",
    ),
)
@click.argument("sql")
@click.option(
    "--format",
    "-f",
    "form",
    type=click.Choice(list(FORMATS)),
    help="The format of the answer.  [default: by the extension of --output, else table]",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    help=f"Write to this file; its extension ({', '.join(EXTENSIONS)}) is the format.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=100,
    show_default=True,
    help=f"Rows to show in a table; 0 shows all, in a terminal up to {console.LONGEST_TABLE:,}.",
)
@click.option(
    "--timeout",
    type=click.IntRange(min=0, max=LONGEST),
    default=60,
    show_default=True,
    metavar="SECONDS",
    help="Stop the query when it has worked this long; 0 sets no limit.",
)
@click.option(
    "--memory",
    metavar="SIZE",
    help="The memory that the query may use, such as 2GB or 50%.  [default: PEACEKEEPING_QUERY_MEMORY, else 25%]",
)
@as_of_option
def query(sql: str, form: str | None, output: Path | None, as_of: str | None, **limits: Any) -> None:
    """Query the published warehouse in SQL (DuckDB's dialect): read-only, without access to files or the network."""
    output = None if output is not None and str(output) == "-" else output
    form = _format(form, output)
    allowed = query_memory(limits["memory"])
    _, file = warehouse_as_of(paths(), as_of)
    text = _standard_input() if sql == "-" else sql
    try:
        with connect(file, allowed) as connection, bounded_memory(connection):
            answer = Answer(connection, text, limits["timeout"] or None)
            with _left_when_stuck(answer):
                if output is None:
                    _print(answer, form, limits["limit"])
                else:
                    _write(answer, form, output.absolute())
    except BrokenPipeError:
        raise
    except MemoryError:
        fail("The answer needs more memory than it may use: select less, or allow it more with --memory SIZE.")
    except OSError as error:
        fail(f"{output or 'The answer'} can't be written: {error.strerror}.")


@contextmanager
def _left_when_stuck(answer: Answer) -> Iterator[None]:
    """End the process where a stopped query is in a function that DuckDB can't interrupt: closing would wait for it."""
    try:
        yield
    except (QueryError, KeyboardInterrupt) as error:
        if answer.busy:
            click.echo(f"error: {error}" if str(error) else STOPPED, err=True)
            os._exit(FAILED if isinstance(error, QueryError) else INTERRUPTED)
        raise


def _format(form: str | None, output: Path | None) -> str:
    """The format by the output's extension; by --format for the terminal, a device, and a file without extension.

    Ends the command where the extension is unknown or contradicts --format.
    """
    extension = "" if output is None or (output.exists() and not output.is_file()) else output.suffix.lower()
    if form == "parquet" and output is None:
        fail("--format parquet writes a file: name it with --output FILE.", WRONG)
    if not extension:
        return form or "table"
    if extension not in EXTENSIONS:
        possible = f"Possible extensions: {', '.join(EXTENSIONS)}."
        if extension in SPREADSHEETS:
            possible = f"Write .csv, which spreadsheets open, or .parquet, which keeps the types. {possible}"
        fail(f"--output can't write {extension}: {output}. {possible}", WRONG)
    if form not in (None, EXTENSIONS[extension]):
        fits = " or ".join(FORMATS[str(form)])
        fail(
            f"--format {form} contradicts the extension {extension} of {output}: leave out --format, or write {fits}.",
            WRONG,
        )
    return EXTENSIONS[extension]


def _standard_input() -> str:
    content = sys.stdin.buffer.read()
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        fail(f"Standard input is no UTF-8 text: the byte {content[error.start]:#x} in line {line}.", WRONG)


def _print(answer: Answer, form: str, limit: int) -> None:
    if form == "table":
        console.show_answer(answer, limit)
    else:
        _write_text(answer, form, sys.stdout)
    sys.stdout.flush()


def _write_text(answer: Answer, form: str, file: IO[str]) -> int:
    """Write the answer as CSV, JSON or tab-separated text; returns the number of rows."""
    if form == "csv":
        return answer.write_csv(file)
    return answer.write_json(file) if form == "json" else console.write_answer(answer, file)


def _write(answer: Answer, form: str, output: Path) -> None:
    """Write the answer to a scratch file and rename it; a device or a pipe is written to directly."""
    if output.exists() and not output.is_file():
        if form == "parquet":
            raise OSError(errno.EINVAL, "it is no regular file")
        with output.open("w", encoding="utf-8", newline="") as file:
            _write_text(answer, form, file)
        return
    if not output.parent.is_dir():
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
    with replacing(output) as scratch:
        if form == "parquet":
            rows = answer.write_parquet(scratch)
        else:
            with scratch.open("w", encoding="utf-8", newline="") as file:
                rows = _write_text(answer, form, file)
    click.echo(f"Wrote {rows:,} rows to {output}.", err=True)
