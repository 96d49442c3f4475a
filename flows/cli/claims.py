"""The command `claims`: a printed sentence, the warehouse's verdict on it, and why."""

from __future__ import annotations

import json
import sys
from typing import Any

import click
import duckdb

from flows.cli import console
from flows.cli.errors import WRONG, fail
from flows.cli.options import as_json_option, as_of_option, examples
from flows.steps.as_of import warehouse_as_of
from flows.steps.settings import paths
from warehouse.claims import records
from warehouse.query import Answer, connect

LISTED = ("number", "id", "verdict", "because")


@click.command(
    epilog=examples(
        "peacekeeping claims                                     every claim and its verdict",
        "peacekeeping claims minusma-fatalities                  one in full: figures, caveats, citation",
        "peacekeeping claims minusma-fatalities --rows           the rows behind its main figure",
        "peacekeeping claims deadliest-mission --format markdown the same to paste",
        "peacekeeping claims --as-of 2022-01                     by what had been published by then",
    ),
)
@click.argument("claim_id", metavar="[ID]", required=False)
@click.option("--rows", is_flag=True, help="Print the rows behind the main figure instead.")
@as_json_option
@click.option(
    "--format",
    "-f",
    "form",
    type=click.Choice(["text", "markdown"]),
    default="text",
    show_default=True,
    help="The format of the output.",
)
@as_of_option
def claims(claim_id: str | None, rows: bool, as_json: bool, form: str, as_of: str | None) -> None:
    """List the claims with their verdicts, or show the one with this ID or number in full.

    A verdict follows from the figures of the published warehouse, by the rules in the claim's declaration. A claim in
    full also shows the figure by each neighbouring definition.
    """
    if as_json and form != "text":
        fail("--json and --format markdown exclude each other; choose one.", WRONG)
    if rows and claim_id is None:
        fail("--rows shows the rows of one claim: name it.", WRONG)
    _, file = warehouse_as_of(paths(), as_of)
    with connect(file) as connection:
        try:
            known = records.read_claims(connection)
        except records.NoClaims as error:
            fail(f"{error} Run `peacekeeping refresh{f' --as-of {as_of}' if as_of else ''}` to build it again.")
        chosen = [claim for claim in known if claim_id in (None, claim["id"], str(claim["number"]))]
        if not chosen:
            ids = ", ".join(claim["id"] for claim in known)
            fail(f"There is no claim {claim_id!r}. Known claims: {ids}.", WRONG)
        if rows:
            _show_rows(connection, chosen[0]["rows_sql"], as_json, form)
        elif claim_id is None:
            _show_list(chosen, as_json, form)
        else:
            _show_one(chosen[0], as_json, form)
    sys.stdout.flush()


def _show_list(chosen: list[dict[str, Any]], as_json: bool, form: str) -> None:
    cells = [[claim[name] for name in LISTED] for claim in chosen]
    if as_json:
        click.echo(json.dumps(chosen, indent=1, ensure_ascii=False))
    elif form == "markdown":
        click.echo("\n".join(records.markdown_table(LISTED, cells)))
    else:
        console.show_table(LISTED, cells)
        click.echo("`peacekeeping claims ID` shows one in full.", err=True)


def _show_one(claim: dict[str, Any], as_json: bool, form: str) -> None:
    if as_json:
        click.echo(json.dumps(claim, indent=1, ensure_ascii=False))
    else:
        click.echo("\n".join(records.markdown(claim) if form == "markdown" else records.lines(claim)))


def _show_rows(connection: duckdb.DuckDBPyConnection, sql: str, as_json: bool, form: str) -> None:
    answer = Answer(connection, sql)
    if as_json:
        answer.write_json(sys.stdout)
    elif form == "markdown":
        click.echo("\n".join(records.markdown_table(answer.columns, answer.rows())))
    else:
        console.show_answer(answer, 0)
