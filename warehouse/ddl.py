"""Render the declarations of `schemas.tables` as SQL: CREATE TABLE with its constraints, and COMMENT ON."""

from __future__ import annotations

from typing import Any

from schemas.columns import Table


def quote(text: str) -> str:
    """A text as SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def literal(value: str | int | bool | None) -> str:
    """A value as SQL literal."""
    if value is None:
        return "NULL"
    return quote(value) if isinstance(value, str) else str(value).lower()


def _meta(table: Table, column: str) -> dict[str, Any]:
    return dict(table.columns[column].metadata or {})


def _column(table: Table, name: str) -> str:
    column, meta = table.columns[name], _meta(table, name)
    if meta.get("generated"):
        return f"{name} {meta['sql']} GENERATED ALWAYS AS ({meta['generated']})"
    parts = [name, str(meta["sql"])]
    if not column.nullable:
        parts.append("NOT NULL")
    if meta.get("minimum") is not None:
        parts.append(f"CHECK ({name} >= {meta['minimum']})")
    if meta.get("maximum") is not None:
        parts.append(f"CHECK ({name} <= {meta['maximum']})")
    if meta.get("pattern"):
        parts.append(f"CHECK (regexp_matches({name}, {quote(meta['pattern'])}))")
    return " ".join(parts)


def references(table: Table) -> list[tuple[str, str, str]]:
    """(column, table referred to, its column) of each reference; both tables are in `main`."""
    targets = {name: _meta(table, name).get("references") for name in table.columns}
    split = {name: str(target).partition(".") for name, target in targets.items() if target}
    return [(name, f"main.{other}", key) for name, (other, _, key) in split.items()]


def create_table(table: Table) -> str:
    """CREATE TABLE with types, NOT NULL, CHECK and ENUM; keys and references where the table enforces them."""
    lines = [_column(table, name) for name in table.columns]
    lines += [f"CHECK ({expression})" for expression, _ in table.rules]
    if table.key_enforced:
        lines.append(f"PRIMARY KEY ({', '.join(table.key)})")
        lines += [f"FOREIGN KEY ({name}) REFERENCES {other} ({key})" for name, other, key in references(table)]
    return f"CREATE TABLE {table.full_name} (\n    " + ",\n    ".join(lines) + "\n);"


def describe(table: Table, name: str) -> str:
    """A column's description with its unit."""
    unit = _meta(table, name).get("unit")
    return str(table.columns[name].description) + (f" Unit: {unit}." if unit else "")


def comments(table: Table) -> list[str]:
    """COMMENT ON the table and on each of its columns."""
    return [f"COMMENT ON TABLE {table.full_name} IS {quote(table.comment())};"] + [
        f"COMMENT ON COLUMN {table.full_name}.{name} IS {quote(describe(table, name))};" for name in table.columns
    ]
