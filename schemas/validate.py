"""Check frames against pandera schemas: reject invalid rows with a reason, or stop the build on a bug."""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors

from schemas.columns import Table
from schemas.errors import ProjectError

FAULT_COLUMNS = ["row_number", "column_name", "check_name", "reason"]


class ContractError(ProjectError):
    """A source's rows are not what it declares: a missing column, too many invalid rows, no row in scope."""


class CutOffError(ContractError):
    """A file ends in the middle of a row or value. Getting it again can help."""


class TableError(ProjectError):
    """A tidy table violates its declaration: a bug in this project, not in the source."""


def faults(row_numbers: pd.Index, column: str | None, check: str, reasons: pd.Series | str) -> pd.DataFrame:
    """A frame of faults (FAULT_COLUMNS), one per row number."""
    return pd.DataFrame(
        {
            "row_number": row_numbers.to_numpy(),
            "column_name": column,
            "check_name": check,
            "reason": reasons if isinstance(reasons, str) else reasons.to_numpy(),
        },
        columns=FAULT_COLUMNS,
    )


def no_faults() -> pd.DataFrame:
    """An empty frame of faults."""
    return pd.DataFrame(columns=FAULT_COLUMNS)


def split(frame: pd.DataFrame, schema: pa.DataFrameSchema) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split a typed frame (index: row number) into its valid rows and the faults of the others.

    Raises ContractError when a required column is missing.
    """
    try:
        schema.validate(frame, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases
    else:
        return frame, no_faults()
    frame_faults = cases[cases["index"].isna()]
    if len(frame_faults):
        first = frame_faults.iloc[0]
        raise ContractError(f"{schema.name}: {first['column']}: {first['check']}: {first['failure_case']}")
    expects = {name: str((column.metadata or {}).get("expects", "a value")) for name, column in schema.columns.items()}
    actual = cases["failure_case"].map(lambda value: "nothing" if pd.isna(value) else _shown(value))
    reason = cases["column"] + ": expected " + cases["column"].map(expects) + ", got " + actual
    rejected = pd.DataFrame(
        {
            "row_number": cases["index"].astype("int64"),
            "column_name": cases["column"],
            "check_name": cases["check"].astype(str),
            "reason": reason,
        }
    ).drop_duplicates()
    return frame[~frame.index.isin(rejected["row_number"])], rejected


def _shown(value: object) -> str:
    """A value in a reason: days without time, texts in quotes."""
    if isinstance(value, str):
        return repr(value[:60])
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.date().isoformat() if isinstance(value, pd.Timestamp) else str(value)


def require(frame: pd.DataFrame, schema: pa.DataFrameSchema) -> pd.DataFrame:
    """Check a tidy table against its declaration. Raises TableError with column, check and an example."""
    try:
        return schema.validate(frame, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases
        lines = [
            f"{schema.name}: {column or 'table'}: {check}: {len(group):,} case(s), "
            f"such as {group['failure_case'].iloc[0]!r}"
            for (column, check), group in cases.groupby(["column", "check"], dropna=False)
        ]
        raise TableError("\n".join(lines)) from error


def shape(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """The frame with the table's columns, order and types. Missing columns are filled with NULL, others dropped.

    Raises TableError naming a column whose values don't fit its type.
    """
    shaped = frame.reindex(columns=list(table.stored_columns)).reset_index(drop=True)
    for name, column in table.stored_columns.items():
        # Pandera prints datetime64[ns] for the declared datetime64[us]; nanoseconds end in the year 2262.
        kind = "datetime64[us]" if str(column.dtype).startswith("datetime64") else str(column.dtype)
        try:
            shaped[name] = shaped[name].astype(kind)  # type: ignore[call-overload]
        except (TypeError, ValueError) as error:
            raise TableError(f"{table.full_name}: {name}: expected {kind}: {error}") from error
    return shaped


def conform(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """The frame in the table's shape, checked against its declaration. Raises TableError like `require`."""
    shaped = shape(frame, table)
    return require(shaped, table.frame_schema()) if len(shaped) else shaped
