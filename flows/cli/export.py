"""The command `export`: the published warehouse as Parquet files, with the SQL that opens them as the same views."""

from __future__ import annotations

import json
from functools import partial

import click

from flows.cli import console
from flows.cli.options import as_json_option, examples, plural
from flows.steps.as_of import warehouse_as_of
from flows.steps.settings import paths
from sources.catalogue import load_catalogue
from warehouse.export import package


@click.command(
    epilog=examples(
        "peacekeeping export                                 into data/export",
        "peacekeeping export s3://bucket/peacekeeping        to an object store (needs the extra `cloud`)",
        "peacekeeping export /srv/share --keep 3             and keep no more than three builds there",
        "peacekeeping export deaths -t fatalities            one table",
        "peacekeeping export --as-of 2022-01                 what had been published by then (see refresh)",
        "",
        "Read it with DuckDB: duckdb -init data/export/peacekeeping.sql",
    ),
)
@click.argument("destination", required=False)
@click.option("--table", "-t", "tables", multiple=True, metavar="NAME", help="Only this table; repeatable.")
@click.option("--as-of", metavar="DATE", help="Export the warehouse of what had been published by DATE (see refresh).")
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    metavar="N",
    help="Keep the newest N builds there, this one included. Without it all are kept.",
)
@as_json_option
def export(
    destination: str | None, tables: tuple[str, ...], as_of: str | None, keep: int | None, as_json: bool
) -> None:
    """Write every table of the published warehouse as Parquet to DESTINATION, a folder or a URL (default data/export).

    The export includes the SQL that opens it in any DuckDB with the same types, comments and views, a description of
    every field (datapackage.json) and the SHA-256 of every file (manifest.json). A reader sees the previous build or
    this one, never a part of it. When the build is there already, nothing is written.
    """
    where = paths()
    day, file = warehouse_as_of(where, as_of)
    default = where.data / "export" if day is None else where.data / "export" / "as_of" / day.isoformat()
    options = package.Options(
        tables=tables,
        as_of=None if day is None else day.isoformat(),
        keep=keep,
        tracked=partial(console.tracked, what="Writing file"),
    )
    done = package.export(file, destination or str(default), load_catalogue(), options)
    if as_json:
        click.echo(json.dumps(done.as_json(), indent=1, ensure_ascii=False))
    else:
        _show(done)


def _show(done: package.Exported) -> None:
    size = f"{done.tables:,} tables, {done.rows:,} rows, {done.files:,} files, {done.bytes / 1e6:.1f} MB"
    if done.new:
        click.echo(f"Exported build {done.build_id} to {done.destination}: {size}.")
    else:
        click.echo(f"Nothing new: build {done.build_id} is at {done.destination} already: {size}.")
    if done.views_left_out:
        click.echo(f"Left out, because their tables are missing: {', '.join(done.views_left_out)} of marts.", err=True)
    removed = f", {len(done.removed):,} removed" if done.removed else ""
    builds = plural(len(done.builds), "build")
    click.echo(f"{builds} there{removed}. Open the newest with {done.destination}/peacekeeping.sql.", err=True)
