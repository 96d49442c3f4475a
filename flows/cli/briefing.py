"""The command `briefing`: a mission's page, or every mission's, with the folder's index."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from flows.cli import console
from flows.cli.errors import WRONG, fail
from flows.cli.options import examples, plural
from flows.steps.as_of import parse_day, warehouse_as_of
from flows.steps.briefings import BriefingWriter, Written
from flows.steps.settings import paths
from warehouse.query import connect


@click.command(
    epilog=examples(
        "peacekeeping briefing MINUSMA                       everything in the warehouse",
        "peacekeeping briefing Mali                          of every mission there",
        "peacekeeping briefing MINUSMA --up-to 2019-01-25    what had happened by that day",
        "peacekeeping briefing MINUSMA --as-of 2022-01       what had been published by then (see refresh)",
        "peacekeeping briefing --all --output pages          a page for every mission",
    ),
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
    """Write the briefing of MISSION: fatalities, personnel, budget, with every source and its vintage.

    MISSION is an acronym such as MINUSMA or the name of a state such as Mali, for each mission that is or was there.

    Each page is one HTML file that opens from disk and loads nothing from the network. A page whose figures and words
    are the same is left alone. The folder's index.html lists all missions, links the pages in the folder and says when
    they were last checked. --up-to selects by the day of an event, --as-of by the day of publication; with --up-to,
    later figures on the page are marked. Pages of --as-of and their index go to as_of/DATE/ in the folder.
    """
    if (mission is None) != every:
        fail("Name one mission, or say --all for every one.", WRONG)
    folder = Path(output)
    if not output.strip():
        fail(f"--output takes a folder for the pages and their index; got {output!r}.", WRONG)
    if folder.exists() and not folder.is_dir():
        fail(f"--output takes a folder for the pages and their index; {output} is a file.", WRONG)
    until = None if up_to is None else parse_day(up_to, "--up-to")
    published_by, file = warehouse_as_of(paths(), as_of)
    with connect(file) as connection:
        writer = BriefingWriter(connection, folder, until, published_by)
        written = writer.write(mission, partial(console.tracked, what="Writing page"))
    for page in written.pages if mission else written.changed:
        click.echo(page.file)
    click.echo(_what_was_written(written), err=True)


def _what_was_written(written: Written) -> str:
    pages = f"{plural(len(written.changed), 'page')} and " if written.changed else ""
    unchanged = f"; {plural(written.unchanged, 'page')} unchanged" if written.unchanged else ""
    skipped = f"; skipped {plural(len(written.skipped), 'mission')} without data by then" if written.skipped else ""
    return f"Wrote {pages}{written.index}{unchanged}{skipped}."
