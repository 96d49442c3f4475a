"""The command `refresh`: the flow `refresh`, run in this process."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from flows import local_run
from flows.cli.errors import FAILED, WRONG, fail
from flows.cli.options import as_json_option, examples
from flows.cli.run_output import RunProgress, show
from flows.steps import proxies
from flows.steps.as_of import parse_day
from flows.steps.settings import paths
from sources.catalogue import address, find_live, load_catalogue

if TYPE_CHECKING:
    from flows.steps.summary import Summary


@click.command(
    epilog=examples(
        "peacekeeping refresh                 try the publishers, fall back to the archive",
        "peacekeeping refresh --offline       build from the archive and the bundled snapshots",
        "peacekeeping refresh --live          fail rather than fall back",
        "peacekeeping refresh -s fatalities   fetch one source only",
        "peacekeeping refresh --as-of 2022-01 what had been published by the end of January 2022",
    ),
)
@click.option("--source", "-s", "sources", multiple=True, metavar="NAME", help="Fetch only this source; repeatable.")
@click.option("--offline", is_flag=True, help="Never open a socket to a publisher.")
@click.option("--live", is_flag=True, help="Fail when a publisher can't be reached, instead of falling back.")
@click.option("--force", is_flag=True, help="Build also when nothing is new.")
@click.option(
    "--as-of",
    metavar="DATE",
    help="Fetch nothing; build what had been published by DATE into data/as_of/DATE.duckdb (YYYY-MM-DD or YYYY-MM).",
)
@click.option(
    "--wait",
    "wait_seconds",
    type=click.FloatRange(min=0),
    default=1800,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for another run that is writing.",
)
@as_json_option
def refresh(as_json: bool, as_of: str | None, **parameters: Any) -> None:
    """Fetch or load every source, validate it, build the warehouse, check it, and publish it."""
    if parameters["offline"] and parameters["live"]:
        fail("--offline and --live exclude each other; choose one.", WRONG)
    if as_of is not None and (parameters["live"] or parameters["sources"]):
        fail("--as-of fetches nothing: it goes with neither --live nor --source.", WRONG)
    parameters |= {
        "sources": list(parameters["sources"]),
        "as_of": None if as_of is None else parse_day(as_of, "--as-of"),
    }
    _require_addresses(parameters)

    paths()  # a wrong PEACEKEEPING_DATA or proxy is reported before Prefect starts
    proxies.require_usable()
    progress = RunProgress()

    def finish(summary: Summary) -> int:
        progress.stop()
        if as_json:
            click.echo(json.dumps(summary.as_json(), indent=1, ensure_ascii=False, default=str))
        else:
            show(summary)
        return FAILED if summary.failures else 0

    progress.start()
    try:
        code = finish(local_run.run_refresh(finish, **parameters))
    finally:
        progress.stop()
    if code:
        raise SystemExit(code)


def _require_addresses(parameters: dict[str, Any]) -> None:
    """Check the named sources, and the address of every source that is to be fetched, before Prefect starts."""
    catalogue = load_catalogue()
    for name in parameters["sources"]:
        find_live(catalogue, name)
    if not parameters["offline"] and not parameters["as_of"]:
        for source in catalogue.values():
            if source.live:
                address(source)
