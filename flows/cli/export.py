"""The command `export`: the published warehouse as Parquet files, with the SQL that makes the same views of them.

Imported by `flows.cli.main`, so nothing heavy at the top.
"""

from __future__ import annotations

import json

import click


@click.command(
    short_help="Publish the warehouse as Parquet files for many readers.",
    epilog="\b\nExamples:\n"
    "  peacekeeping export                                 into data/export\n"
    "  peacekeeping export s3://bucket/peacekeeping        to an object store (needs the extra `cloud`)\n"
    "  peacekeeping export /srv/share --keep 3             and keep no more than three builds there\n"
    "  peacekeeping export deaths -t fatalities            one table\n"
    "  peacekeeping export --as-of 2022-01                 what had been published by then (see refresh)\n"
    "\n"
    "\b\n"
    "Read it with DuckDB: duckdb -init data/export/peacekeeping.sql",
)
@click.argument("destination", required=False)
@click.option("--table", "-t", "tables", multiple=True, metavar="NAME", help="Only this table; may be repeated.")
@click.option("--as-of", metavar="DATE", help="The warehouse of what had been published by DATE (see refresh).")
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    metavar="N",
    help="Keep the newest N builds there, this one included. Without it all are kept.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
def export(
    destination: str | None, tables: tuple[str, ...], as_of: str | None, keep: int | None, as_json: bool
) -> None:
    """Write every table of the published warehouse as Parquet to DESTINATION, a folder or a URL (default data/export).

    With them go the SQL that opens them in any DuckDB with the same types, comments and views, a description of every
    field (datapackage.json) and the SHA-256 of every file (manifest.json). A reader sees the build before or this one,
    never half of it. With nothing new, nothing is written.
    """
    from functools import partial

    from flows.cli import console
    from flows.cli.main import WRONG, fail
    from flows.steps.as_of import NotBuilt, WrongDate, warehouse_as_of
    from flows.steps.settings import paths
    from sources.catalogue import load_catalogue
    from sources.errors import CatalogueError
    from warehouse.export.package import Options, WrongTable
    from warehouse.export.package import export as publish
    from warehouse.export.store import ExportError

    where = paths()
    try:
        day, file = warehouse_as_of(where, as_of)
    except WrongDate as error:
        fail(str(error), WRONG)
    except NotBuilt as error:
        fail(str(error))
    default = where.data / "export" if day is None else where.data / "export" / "as_of" / day.isoformat()
    try:
        done = publish(
            file,
            destination or str(default),
            load_catalogue(),
            Options(
                tables=tables,
                as_of=None if day is None else day.isoformat(),
                keep=keep,
                tracked=partial(console.tracked, what="Writing file"),
            ),
        )
    except WrongTable as error:
        fail(str(error), WRONG)
    except (ExportError, CatalogueError) as error:
        fail(str(error))
    if as_json:
        click.echo(json.dumps(done.as_json(), indent=1, ensure_ascii=False))
        return
    size = f"{done.tables:,} tables, {done.rows:,} rows, {done.files:,} files, {done.bytes / 1e6:.1f} MB"
    if done.new:
        click.echo(f"Exported build {done.build_id} to {done.destination}: {size}.")
    else:
        click.echo(f"Nothing new: build {done.build_id} is at {done.destination} already: {size}.")
    if done.views_left_out:
        click.echo(f"Left out, for want of their tables: {', '.join(done.views_left_out)} of marts.", err=True)
    removed = f", {len(done.removed):,} removed" if done.removed else ""
    count = f"{len(done.builds):,} build{'' if len(done.builds) == 1 else 's'}"
    click.echo(f"{count} there{removed}. Open the newest with {done.destination}/peacekeeping.sql.", err=True)
