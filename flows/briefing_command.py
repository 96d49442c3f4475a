"""The command `briefing`: a mission's page, or every mission's, with the index of the folder.

Imported by `flows.cli`, so nothing heavy at the top.
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
@click.option("--up-to", metavar="DATE", help="Only what had happened by DATE (YYYY-MM-DD, or YYYY-MM: its last day).")
@click.option("--as-of", metavar="DATE", help="Only what had been published by DATE (see refresh).")
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    default=Path("briefings"),
    show_default=True,
    metavar="DIR",
    help="The folder for the pages and their index.",
)
def briefing(mission: str | None, every: bool, up_to: str | None, as_of: str | None, output: Path) -> None:
    """Write the briefing of MISSION: who died, who serves, who pays, with every source and its vintage.

    Each page is one HTML file that opens from disk and asks the network for nothing. The folder's index.html lists all
    missions and links the pages that lie there. Up to is what had happened by a day; as of is what had been published
    by a day.
    """
    from functools import partial

    from flows import console
    from flows.brief_pages import about_sources, write_pages
    from flows.cli import WRONG, fail
    from flows.settings import paths
    from flows.vintage_dates import WrongDate, parse_vintage
    from sources.errors import SourceError
    from warehouse.briefing.asking import BriefingError, WrongMission
    from warehouse.query import QueryError, connect

    if (mission is None) != every:
        fail("Name one mission, or say --all for every one.", WRONG)
    days = {}
    for option, text in (("--up-to", up_to), ("--as-of", as_of)):
        try:
            days[option] = None if text is None else parse_vintage(text)
        except WrongDate:
            fail(f"{option} takes a day that is not to come, YYYY-MM-DD or YYYY-MM; got {text!r}.", WRONG)
    file = paths().target(days["--as-of"])
    if as_of is not None and not file.exists():
        fail(f"There is no warehouse as of {as_of} yet. Run `peacekeeping refresh --as-of {as_of}` first.")
    try:
        with connect(file) as connection:
            written = write_pages(
                connection,
                output,
                mission,
                up_to=days["--up-to"],
                as_of=days["--as-of"],
                about=about_sources(),
                tracked=partial(console.tracked, what="Writing page"),
            )
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
