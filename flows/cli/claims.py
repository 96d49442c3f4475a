"""The command `claims`: a printed sentence, what the published warehouse says of it, and why.

Imported by `flows.cli.main`, so nothing heavy at the top.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import click

LISTED = ("number", "id", "verdict", "because")


@click.command(
    short_help="Check a printed claim against the warehouse.",
    epilog="\b\nExamples:\n"
    "  peacekeeping claims                                     every claim and its verdict\n"
    "  peacekeeping claims minusma-fatalities                  one in full: figures, caveats, citation\n"
    "  peacekeeping claims minusma-fatalities --rows           the rows behind its main figure\n"
    "  peacekeeping claims deadliest-mission --format markdown the same to paste\n"
    "  peacekeeping claims --as-of 2022-01                     by what had been published by then",
)
@click.argument("claim_id", metavar="[ID]", required=False)
@click.option("--rows", is_flag=True, help="Print the rows behind the main figure instead.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--format",
    "-f",
    "form",
    type=click.Choice(["text", "markdown"]),
    default="text",
    show_default=True,
    help="How to write it.",
)
@click.option("--as-of", metavar="DATE", help="Ask the warehouse of what had been published by DATE (see refresh).")
def claims(claim_id: str | None, rows: bool, as_json: bool, form: str, as_of: str | None) -> None:
    """List the claims with their verdicts, or show the one called ID (or numbered so) in full.

    A verdict follows from the figures of the published warehouse, by rules that stand in the claim's declaration; the
    ladder of neighbouring definitions shows what each of them would say.
    """
    from flows.cli.main import WRONG, fail
    from flows.steps.as_of import NotBuilt, WrongDate, warehouse_as_of
    from flows.steps.settings import paths
    from warehouse.claims.records import NoClaims, read_claims
    from warehouse.query import QueryError, connect

    if as_json and form != "text":
        fail("--json and --format markdown exclude each other; choose one.", WRONG)
    if rows and claim_id is None:
        fail("--rows shows the rows of one claim: name it.", WRONG)
    try:
        _, file = warehouse_as_of(paths(), as_of)
    except WrongDate as error:
        fail(str(error), WRONG)
    except NotBuilt as error:
        fail(str(error))
    refresh = "peacekeeping refresh" + (f" --as-of {as_of}" if as_of else "")
    try:
        with connect(file) as connection:
            found = read_claims(connection)
            chosen = [claim for claim in found if claim_id in (None, claim["id"], str(claim["number"]))]
            if claim_id is not None and not chosen:
                known = ", ".join(claim["id"] for claim in found)
                fail(f"There is no claim {claim_id!r}. Known claims: {known}.", WRONG)
            if rows:
                _show_rows(connection, chosen[0]["rows_sql"], as_json, form)
            else:
                _show(chosen, claim_id is not None, as_json, form)
    except NoClaims as error:
        fail(f"{error} Run `{refresh}` to build it anew.")
    except QueryError as error:
        fail(str(error))
    sys.stdout.flush()


def _show(chosen: list[dict[str, Any]], one: bool, as_json: bool, form: str) -> None:
    from flows.cli import console
    from warehouse.claims import records

    cells = [[claim[name] for name in LISTED] for claim in chosen]
    if as_json:
        click.echo(json.dumps(chosen[0] if one else chosen, indent=1, ensure_ascii=False))
    elif one:
        write = records.markdown if form == "markdown" else records.lines
        click.echo("\n".join(write(chosen[0])))
    elif form == "markdown":
        click.echo("\n".join(records.markdown_table(LISTED, cells)))
    else:
        console.show_table(LISTED, cells)
        click.echo("`peacekeeping claims ID` shows one in full.", err=True)


def _show_rows(connection: Any, sql: str, as_json: bool, form: str) -> None:
    from flows.cli import console
    from warehouse.claims import records
    from warehouse.query import Answer

    answer = Answer(connection, sql)
    if as_json:
        answer.write_json(sys.stdout)
    elif form == "markdown":
        click.echo("\n".join(records.markdown_table(answer.columns, answer.rows())))
    else:
        console.show_answer(answer, 0)
