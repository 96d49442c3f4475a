"""The dictionary as Markdown: every table, view and column with type, unit, key and meaning.

`python -m warehouse.dictionary docs/dictionary.md` writes it from an empty warehouse. With `--warehouse FILE` it adds
the publisher's definitions from that file.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

import duckdb

from schemas.tables import TABLES
from warehouse.load import create_empty
from warehouse.query import Answer, QueryError, connect, records

HEAD = """# Dictionary

Written by `make dictionary` from the declarations in `schemas/tables/` and the views in `warehouse/marts/`; the same
texts are in the warehouse (`FROM meta.columns`, `COMMENT ON`). `main` holds the tables for analysts, `marts` the views,
`meta` how the build came to be. A column in **bold** is part of the key; → names the column it must be found in.
"""
MARTS = """
    SELECT view_name, comment FROM duckdb_views() WHERE NOT internal
    UNION ALL
    SELECT function_name || '(' || array_to_string(parameters, ', ') || ')', comment FROM duckdb_functions()
    WHERE function_type IN ('table_macro', 'macro') AND schema_name = 'marts'
"""
PUBLISHED = """
    SELECT schema_name, table_name, column_name,
        list(publisher_dataset || '.' || publisher_column || ', “' || publisher_definition || '”'
             ORDER BY publisher_dataset, publisher_column)
    FROM marts.dictionary WHERE publisher_definition IS NOT NULL GROUP BY ALL
"""
Definitions = Mapping[tuple[str, str, str], list[str]]  # by schema, table and column


def publisher_definitions(warehouse: Path) -> Definitions:
    """The publisher's definitions of our columns in a warehouse file.

    Raises QueryError when the file is missing or has no marts.dictionary.
    """
    with connect(warehouse) as connection:
        rows = Answer(connection, PUBLISHED).rows()
    return {tuple(place): [" ".join(text.split()) for text in texts] for *place, texts in rows}


def render(definitions: Definitions | None = None) -> str:
    """The dictionary as Markdown, with the publisher's definitions where given."""
    with duckdb.connect() as connection:
        create_empty(connection)
        columns = records(connection.execute("FROM meta.columns ORDER BY schema_name, table_name, position"))
        marts = connection.execute(f"FROM ({MARTS}) ORDER BY ALL").fetchall()
    comments = {(table.schema_name, table.name): table.comment() for table in TABLES.values()}
    comments |= {("marts", name): comment for name, comment in marts}
    lines = [HEAD]
    for schema in ("main", "marts", "meta"):
        lines.append(f"## {schema}\n")
        for place, comment in comments.items():
            if place[0] == schema:
                lines += [f"### {'.'.join(place)}\n", f"{comment}\n", "| column | type | unit | null | meaning |"]
                lines.append("|---|---|---|---|---|")
                lines += [
                    _row(column, definitions or {})
                    for column in columns
                    if (column["schema_name"], column["table_name"]) == place
                ]
                lines.append("")
    return "\n".join(lines)


def _row(column: Mapping[str, str], definitions: Definitions) -> str:
    schema, name = column["schema_name"], column["column_name"]
    published = definitions.get((schema, column["table_name"], name), [])
    meaning = column["description"].replace("|", "\\|")
    meaning += f" → {column['references_column']}" if column["references_column"] else ""
    meaning += "".join(f" The publisher: {text}.".replace("|", "\\|") for text in published)
    null = "yes" if column["nullable"] and schema != "marts" else ""
    kind = column["data_type"].replace("|", "\\|")
    return f"| {f'**{name}**' if column['is_key'] else name} | {kind} | {column['unit'] or ''} | {null} | {meaning} |"


def main(arguments: list[str]) -> int:
    """The command. Returns 0, or 1 when the warehouse can't be read."""
    parser = argparse.ArgumentParser(prog="python -m warehouse.dictionary", allow_abbrev=False)
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--warehouse", type=Path, help="warehouse file with the publisher's definitions")
    options = parser.parse_args(arguments)
    try:
        definitions = publisher_definitions(options.warehouse) if options.warehouse else None
    except QueryError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    options.file.write_text(render(definitions), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
