"""The dictionary: every table, view and column with type, unit, key and meaning, as Markdown.

`python -m warehouse.dictionary docs/dictionary.md` writes it from an empty warehouse, so that it says what the
declarations and the marts say.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

from schemas.tables import TABLES
from warehouse.load import create_empty

HEAD = """# Dictionary

Written by `make dictionary` from the declarations in `schemas/tables.py` and the views in `warehouse/marts/`; the same
texts are in the warehouse (`FROM meta.columns`, `COMMENT ON`). `main` holds the tables for analysts, `marts` the views,
`meta` how the build came to be. A column in **bold** is part of the key; → names the column it must be found in.
"""


def _cell(text: object) -> str:
    return str(text).replace("|", "\\|")


def render() -> str:
    """The whole dictionary as Markdown."""
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
                lines.append(f"| {shown} | {_cell(kind)} | {unit or ''} | {null} | {_cell(meaning)}{link} |")
            lines.append("")
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """The command; 2 when called wrongly."""
    if len(arguments) != 1:
        print("usage: python -m warehouse.dictionary FILE", file=sys.stderr)
        return 2
    Path(arguments[0]).write_text(render(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
