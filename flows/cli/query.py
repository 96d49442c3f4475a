"""The command `query`: SQL on the published warehouse, printed or written to a file."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import IO

import click

from flows.cli import console
from flows.cli.errors import WRONG, fail
from flows.cli.options import as_of_option, examples
from flows.steps.as_of import warehouse_as_of
from flows.steps.settings import paths
from schemas.files import replacing
from warehouse.query import Answer, connect


@click.command(
    epilog=examples(
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
    help="The format of the answer.",
)
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
@click.option(
    "--limit", type=click.IntRange(min=0), default=100, show_default=True, help="Rows to show in a table; 0 shows all."
)
@as_of_option
def query(sql: str, form: str, output: Path | None, limit: int, as_of: str | None) -> None:
    """Query the published warehouse in SQL (DuckDB's dialect): read-only, without access to files or the network."""
    to_terminal = output is None or str(output) == "-"
    if form == "parquet" and to_terminal:
        fail("--format parquet writes a file: name it with --output FILE.", WRONG)
    _, file = warehouse_as_of(paths(), as_of)
    text = sys.stdin.read() if sql == "-" else sql
    try:
        with connect(file) as connection:
            answer = Answer(connection, text)
            if output is None or to_terminal:
                _print(answer, form, limit)
            else:
                _write(answer, form, output.resolve())  # the target of a link is written; the link stays
    except BrokenPipeError:
        raise
    except OSError as error:
        fail(f"{output or 'The answer'} can't be written: {error.strerror}.")


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
