"""The dictionary: every table, view and column with type, unit, key and meaning, as Markdown.

`python -m warehouse.dictionary docs/dictionary.md` writes it from an empty warehouse, so that it says what the
declarations and the marts say. With `--warehouse FILE` the publisher's definitions that the file holds stand beside
our own.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

from schemas.tables import TABLES
from warehouse.load import create_empty
from warehouse.query import Answer, QueryError, connect

HEAD = """# Dictionary

Written by `make dictionary` from the declarations in `schemas/tables/` and the views in `warehouse/marts/`; the same
texts are in the warehouse (`FROM meta.columns`, `COMMENT ON`). `main` holds the tables for analysts, `marts` the views,
`meta` how the build came to be. A column in **bold** is part of the key; → names the column it must be found in.
"""


def _cell(text: object) -> str:
    return str(text).replace("|", "\\|")


Words = dict[tuple[str, str, str], list[str]]  # of schema, table and column


def publishers_words(warehouse: Path) -> Words:
    """What the publisher says of our columns, from a built warehouse (marts.dictionary).

    Raises QueryError when there is none, or none that has it.
    """
    sql = """
        SELECT schema_name, table_name, column_name,
               list(publisher_dataset || '.' || publisher_column || ', “' || publisher_definition || '”'
                    ORDER BY publisher_dataset, publisher_column)
        FROM marts.dictionary WHERE publisher_definition IS NOT NULL GROUP BY ALL
    """
    with connect(warehouse) as connection:
        rows = Answer(connection, sql).rows()
    return {
        (schema, table, column): [" ".join(text.split()) for text in texts] for schema, table, column, texts in rows
    }


def render(words: Words | None = None) -> str:
    """The whole dictionary as Markdown, with the publisher's words where they are given."""
    beside = words or {}
    with duckdb.connect() as connection:
        create_empty(connection)
        columns = connection.execute("FROM meta.columns ORDER BY schema_name, table_name, position").fetchall()
        views = dict(connection.execute("SELECT view_name, comment FROM duckdb_views() WHERE NOT internal").fetchall())
        views |= dict(
            connection.execute(
                "SELECT function_name || '(' || array_to_string(parameters, ', ') || ')', comment "
                "FROM duckdb_functions() "
                "WHERE function_type = 'table_macro' AND schema_name = 'marts' ORDER BY 1"
            ).fetchall()
        )
    about = {(table.schema_name, table.name): table.comment() for table in TABLES.values()}
    about |= {("marts", name): comment for name, comment in views.items()}
    lines = [HEAD]
    for schema in ("main", "marts", "meta"):
        lines.append(f"## {schema}\n")
        for place, name in [place for place in about if place[0] == schema]:
            lines += [f"### {place}.{name}\n", f"{about[place, name]}\n", "| column | type | unit | null | meaning |"]
            lines.append("|---|---|---|---|---|")
            for column in [row for row in columns if row[:2] == (place, name)]:
                _, _, title, _, kind, unit, nullable, key, target, meaning = column
                shown = f"**{title}**" if key else title
                link = f" → {target}" if target else ""
                null = "yes" if nullable and schema != "marts" else ""
                theirs = "".join(f" The publisher: {_cell(text)}." for text in beside.get((place, name, title), []))
                lines.append(f"| {shown} | {_cell(kind)} | {unit or ''} | {null} | {_cell(meaning)}{link}{theirs} |")
            lines.append("")
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """The command; 0 done, 1 the warehouse can't be read, 2 called wrongly."""
    match arguments:
        case [file] if not file.startswith("-"):
            words = None
        case [file, "--warehouse", warehouse]:
            try:
                words = publishers_words(Path(warehouse))
            except QueryError as error:
                print(f"error: {error}", file=sys.stderr)
                return 1
        case _:
            print("usage: python -m warehouse.dictionary FILE [--warehouse WAREHOUSE]", file=sys.stderr)
            return 2
    Path(file).write_text(render(words), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
