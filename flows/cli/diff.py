"""The command `diff`: what changed between two builds."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import click

from flows.cli.options import as_json_option, examples
from flows.steps.as_of import existing_build
from flows.steps.locking import only_writer
from flows.steps.settings import paths
from sources.archive import Archive
from warehouse.diff import Diff, compare
from warehouse.reports.diff_page import lines, to_html


@click.command(
    epilog=examples(
        "peacekeeping diff                                  what the last refresh changed",
        "peacekeeping diff 3f2a9c41                         from an older build to the published one",
        "peacekeeping diff data/as_of/2022-01-31.duckdb     from a warehouse as of a day",
        "peacekeeping diff --html changes.html              the same as a page",
    ),
)
@click.argument("before", default="previous")
@click.argument("after", default="published")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write a page to this file.")
@click.option("--examples", type=click.IntRange(min=0), default=10, show_default=True, help="Examples of each change.")
@as_json_option
def diff(before: str, after: str, html: Path | None, as_json: bool, examples: int) -> None:
    """Show the rows added, removed and changed from the build BEFORE to the build AFTER, by table and field.

    A build is named by its id (or the beginning of it), `previous`, `published`, or the path of a warehouse file. One
    whose file is gone is rebuilt from the archive's record of its snapshots, with the installed code.
    """
    compared = _compare(before, after, examples)
    if html is not None:
        html.write_text(to_html(compared), encoding="utf-8")
        click.echo(f"Wrote {html}.", err=True)
    if as_json:
        click.echo(json.dumps(compared.as_json(), indent=1, ensure_ascii=False))
    elif html is None:
        click.echo("\n".join(lines(compared)))


def _compare(before: str, after: str, examples: int) -> Diff:
    where = paths()
    old, new = existing_build(before, where), existing_build(after, where)
    if old and new:
        return compare(old, new, examples)
    from flows.steps.build import rebuild  # imports pandas and pandera

    archive = Archive(where.raw)
    with only_writer(where), tempfile.TemporaryDirectory(dir=where.work) as scratch:
        old = old or rebuild(before, archive, where, Path(scratch) / "before")
        new = new or rebuild(after, archive, where, Path(scratch) / "after")
        return compare(old, new, examples)
