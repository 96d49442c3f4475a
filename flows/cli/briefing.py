"""The command `briefing`: a mission's page, or every mission's, with the index of the folder.

Imported by `flows.cli.main`, so nothing heavy at the top.
"""

from __future__ import annotations

from pathlib import Path

import click


@click.command(
    short_help="Write a mission's briefing as an HTML page.",
    epilog="\b\nExamples:\n"
    "  peacekeeping briefing MINUSMA                       all that is held\n"
    "  peacekeeping briefing MINUSMA --up-to 2019-01-25    what had happened by that day\n"
    "  peacekeeping briefing MINUSMA --as-of 2022-01       what had been published by then (see refresh)\n"
    "  peacekeeping briefing --all --output pages          a page for every mission",
)
@click.argument("mission", required=False)
@click.option("--all", "every", is_flag=True, help="Write the page of every mission.")
@click.option("--up-to", metavar="DATE", help="What had happened by DATE (YYYY-MM-DD, or YYYY-MM: its last day).")
@click.option("--as-of", metavar="DATE", help="Only what had been published by DATE (see refresh).")
@click.option(
    "--output",
    "-o",
    default="briefings",
    show_default=True,
    metavar="DIR",
    help="The folder for the pages and their index.",
)
def briefing(mission: str | None, every: bool, up_to: str | None, as_of: str | None, output: str) -> None:
    """Write the briefing of MISSION: who died, who serves, who pays, with every source and its vintage.

    Each page is one HTML file that opens from disk and asks the network for nothing. The folder's index.html lists all
    missions and links the pages that lie there. Up to is what had happened by a day, and the later figures that stand
    beside it are marked; as of is what had been published by a day.
    """
    from functools import partial

    from flows.cli import console
    from flows.cli.main import WRONG, fail
    from flows.steps.as_of import NotBuilt, WrongDate, parse_day, warehouse_as_of
    from flows.steps.briefings import BriefingWriter
    from flows.steps.settings import paths
    from sources.errors import SourceError
    from warehouse.query import QueryError, connect
    from warehouse.reports.scope import BriefingError, WrongMission

    if (mission is None) != every:
        fail("Name one mission, or say --all for every one.", WRONG)
    folder = Path(output)
    if not output.strip():
        fail(f"--output takes a folder for the pages and their index; got {output!r}.", WRONG)
    if folder.exists() and not folder.is_dir():
        fail(f"--output takes a folder for the pages and their index; {output} is a file.", WRONG)
    try:
        until = None if up_to is None else parse_day(up_to, "--up-to")
        published_by, file = warehouse_as_of(paths(), as_of)
    except WrongDate as error:
        fail(str(error), WRONG)
    except NotBuilt as error:
        fail(str(error))
    try:
        with connect(file) as connection:
            writer = BriefingWriter(connection, folder, until, published_by)
            written = writer.write(mission, partial(console.tracked, what="Writing page"))
    except WrongMission as error:
        fail(str(error), WRONG)
    except (BriefingError, QueryError, SourceError) as error:
        fail(str(error))
    for page in written.pages:
        click.echo(page)
    left = (
        f"; {len(written.skipped)} missions of which nothing is known by then were left out" if written.skipped else ""
    )
    count = f"{len(written.pages):,} page{'' if len(written.pages) == 1 else 's'}"
    click.echo(f"Wrote {count} and {written.index}{left}.", err=True)
