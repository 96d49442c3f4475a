"""Columns of the warehouse's tables: one call declares type, unit, nullability, reference and description.

Each function returns a pandera Column. Its metadata hold what pandera cannot express (SQL type, unit, reference), from
which `warehouse.ddl` renders the SQL.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandera.pandas as pa


def _column(
    dtype: str, sql: str, description: str, nullable: bool, checks: list[pa.Check], **metadata: Any
) -> pa.Column:
    return pa.Column(dtype, checks, nullable=nullable, description=description, metadata={"sql": sql, **metadata})


def whole_text(pattern: str) -> pa.Check:
    """Check that the pattern matches the entire text. (Python's `$` allows a final line break, DuckDB's does not.)"""
    return pa.Check(lambda texts: texts.str.fullmatch(pattern).astype("boolean").fillna(True), error="pattern")


def text(
    description: str, *, nullable: bool = False, references: str | None = None, pattern: str | None = None
) -> pa.Column:
    """A text (VARCHAR). `references` is the `table.column` of `main` that each value must occur in."""
    checks = [whole_text(pattern)] if pattern else []
    return _column("str", "VARCHAR", description, nullable, checks, references=references, pattern=pattern)


def category(description: str, values: tuple[str, ...], *, nullable: bool = False) -> pa.Column:
    """One of a closed list of texts (ENUM)."""
    listed = ", ".join("'" + value.replace("'", "''") + "'" for value in values)
    return _column("str", f"ENUM ({listed})", description, nullable, [pa.Check.isin(values)], values=values)


def day(description: str, *, nullable: bool = False) -> pa.Column:
    """A calendar day (DATE); datetime64[us] at midnight in frames."""
    return _column("datetime64[us]", "DATE", description, nullable, [])


def whole(
    description: str, *, unit: str | None, nullable: bool = False, minimum: int | None = 0, maximum: int | None = None
) -> pa.Column:
    """A whole number (BIGINT; Int64 in frames) within bounds."""
    checks = [pa.Check.ge(minimum)] if minimum is not None else []
    checks += [pa.Check.le(maximum)] if maximum is not None else []
    return _column("Int64", "BIGINT", description, nullable, checks, unit=unit, minimum=minimum, maximum=maximum)


def money(description: str, *, nullable: bool = False, minimum: int | None = 0) -> pa.Column:
    """An amount in US dollars (DECIMAL(18, 2); float64 in frames)."""
    checks = [pa.Check.ge(minimum)] if minimum is not None else []
    return _column("float64", "DECIMAL(18, 2)", description, nullable, checks, unit="USD", minimum=minimum)


def number(description: str, *, unit: str | None, nullable: bool = False, minimum: float, maximum: float) -> pa.Column:
    """A real number (DOUBLE) within bounds."""
    checks = [pa.Check.in_range(minimum, maximum)]
    return _column("float64", "DOUBLE", description, nullable, checks, unit=unit, minimum=minimum, maximum=maximum)


def flag(description: str, *, nullable: bool = False, generated: str | None = None) -> pa.Column:
    """True or false (BOOLEAN). `generated` is the SQL expression of a generated column, which no frame has."""
    return _column("boolean", "BOOLEAN", description, nullable, [], generated=generated)


def texts(description: str) -> pa.Column:
    """A list of texts (VARCHAR[])."""
    return pa.Column(object, nullable=False, description=description, metadata={"sql": "VARCHAR[]"})


SHA256 = r"^[0-9a-f]{64}$"

# Lineage of each row of `main`.
ORIGIN = {
    "snapshot_sha256": text("Snapshot that the row comes from (meta.snapshots).", pattern=SHA256),
    "snapshot_row": whole("Number of the row in that snapshot; the first row of data is 1.", unit="row", minimum=1),
}


@dataclass(frozen=True, eq=False)
class Table:
    """A table of the warehouse.

    key_enforced      whether key and references are constraints of the file. Large facts use SQL checks instead: an
                      index on a million rows makes loading 5 times slower and the file 30 times larger
    rules             (SQL expression, meaning) pairs that hold in every row
    hazards           warnings for users, part of the table's comment
    split_by_year_of  the day column by whose year a large table is split when exported as Parquet
    """

    schema_name: str
    name: str
    title: str
    description: str
    key: tuple[str, ...]
    key_enforced: bool
    columns: dict[str, pa.Column]
    rules: tuple[tuple[str, str], ...] = ()
    hazards: tuple[str, ...] = ()
    split_by_year_of: str | None = None

    @property
    def full_name(self) -> str:
        return f"{self.schema_name}.{self.name}"

    @property
    def stored_columns(self) -> dict[str, pa.Column]:
        """The columns that rows are loaded with: all but the generated ones."""
        return {name: column for name, column in self.columns.items() if not column.metadata.get("generated")}

    def frame_schema(self) -> pa.DataFrameSchema:
        """The pandera schema of the table: exactly the stored columns, in this order, with a unique key."""
        return pa.DataFrameSchema(
            self.stored_columns, name=self.full_name, strict=True, ordered=True, unique=list(self.key) or None
        )

    def comment(self) -> str:
        """Title, description and hazards in one text, for COMMENT ON TABLE and the dictionary."""
        return " ".join([f"{self.title}. {self.description}", *self.hazards])
