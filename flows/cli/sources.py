"""The command `sources`: the declared sources, or one of them in full."""

from __future__ import annotations

import json
from typing import Any

import click

from flows.cli import console
from flows.cli.options import as_json_option
from schemas.source import Source
from sources.catalogue import address, find, load_catalogue

COLUMNS = ["name", "title", "publisher", "cadence", "licence"]


@click.command()
@click.argument("name", required=False)
@as_json_option
def sources(name: str | None, as_json: bool) -> None:
    """List the sources, or show the one called NAME in full: publisher, licence, citation, forms, known defects."""
    catalogue = load_catalogue()
    records = [_record(source) for source in ([find(catalogue, name)] if name else catalogue.values())]
    if as_json:
        click.echo(json.dumps(records, indent=1, ensure_ascii=False))
    elif name:
        console.show_record(records[0])
    else:
        console.show_table(COLUMNS, [[record[column] for column in COLUMNS] for record in records])
        click.echo("`peacekeeping sources NAME` shows one in full, with its known defects.", err=True)


def _record(source: Source) -> dict[str, Any]:
    return {
        "name": source.name,
        "title": source.title,
        "publisher": source.publisher.title,
        "licence": source.licence.name,
        "cadence": source.cadence,
        "url": address(source) if source.live else None,
        "landing_page": source.landing_page,
        "citation": source.citation,
        "description": source.description,
        "dialects": [f"{dialect.name}: {dialect.note}" for dialect in source.dialects],
        "known_defects": [defect.text for defect in source.known_defects],
    }
