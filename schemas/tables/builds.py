"""Tables that describe a build: its inputs, its checks, and its dictionary."""

from __future__ import annotations

from schemas.columns import SHA256, Table, category, day, flag, number, text, whole

BUILDS = Table(
    "meta",
    "builds",
    "This build",
    "One row: the inputs of this build. The same snapshots and code give the same build.",
    ("build_id",),
    True,
    {
        "build_id": text("Hash of the snapshots, the code, the declarations and the code lists."),
        "code_version": text("Version of this project."),
        "code_sha256": text("Hash of the project's code, declarations and code lists.", pattern=SHA256),
        "duckdb_version": text("Version of DuckDB that wrote the file."),
        "snapshots": whole("Number of snapshots in the build.", unit="snapshot"),
    },
)

SNAPSHOTS = Table(
    "meta",
    "snapshots",
    "Snapshots",
    "One row per snapshot (the bytes of a source on a date) in this build. rows_in = rows_staged + rows_rejected + "
    "rows_merged. A sum over a source's snapshots counts every vintage: refresh and status show it beside the rows of "
    "the source's table, which has each casualty, month or year once.",
    ("source", "sha256"),
    True,
    {
        "source": text("Name of the source."),
        "sha256": text("SHA-256 of the bytes as received.", pattern=SHA256),
        "vintage": day("Publication date; see vintage_basis."),
        "vintage_basis": text(
            "Basis of the vintage: last_update of the rows, the publisher's metadata, Last-Modified, the day of "
            "retrieval, a stated date, or the last month or year covered."
        ),
        "origin": text(
            "fetched, loaded, bundled or register (a reference list of this project, such as its missions)."
        ),
        "url": text("URL or file that it came from."),
        "retrieved_at": text("Time of retrieval (UTC), or the day."),
        "dialect": text("Dialect that the file was recognised as."),
        "bytes": whole("Size in bytes as received.", unit="byte"),
        "covers_from": day("First day covered (first incident, month or year).", nullable=True),
        "covers_to": day("Last day covered.", nullable=True),
        "rows_read": whole("Rows in the file.", unit="row"),
        "rows_out_of_scope": whole("Rows of other entities or kinds, excluded by the source's scope rule.", unit="row"),
        "rows_in": whole("Rows in scope.", unit="row"),
        "rows_staged": whole("Rows staged as tidy rows.", unit="row"),
        "rows_rejected": whole("Rows rejected (see meta.rejected_rows).", unit="row"),
        "rows_merged": whole("Rows merged into another row by a named rule (see meta.merged_rows).", unit="row"),
        "citation": text("Citation of the snapshot."),
        "accepted": text(
            "Failed checks that a person accepted on loading, each with the reason; NULL where all checks passed.",
            nullable=True,
        ),
    },
    rules=(
        ("rows_in = rows_staged + rows_rejected + rows_merged", "no row is lost"),
        ("rows_read = rows_in + rows_out_of_scope", "no row is lost before staging"),
    ),
)

CHECKS = Table(
    "meta",
    "checks",
    "Checks",
    "One row per check of this build. A failed check of severity error stops publishing.",
    ("name",),
    True,
    {
        "name": text("Name of the check."),
        "description": text("What the check verifies."),
        "expected": text("Expected result."),
        "found": text("Actual result."),
        "passed": flag("Whether the check passed."),
        "severity": category("error stops publishing; warn does not.", ("error", "warn")),
    },
)

POISSON_LIMITS = Table(
    "meta",
    "poisson_limits",
    "Exact limits of a Poisson mean",
    "One row per count from 0 to 2,000: the 95 % confidence limits of its Poisson mean (Garwood 1936), computed with "
    "scipy at development time. marts.fatality_rates uses them.",
    ("deaths",),
    True,
    {
        "deaths": whole("The count.", unit="person"),
        "low": number("Lower limit; 0 for a count of 0.", unit="person", minimum=0, maximum=1e6),
        "high": number("Upper limit.", unit="person", minimum=0, maximum=1e6),
    },
)

COLUMNS = Table(
    "meta",
    "columns",
    "Dictionary",
    "One row per column of each table.",
    ("schema_name", "table_name", "column_name"),
    True,
    {
        "schema_name": text("Schema of the table."),
        "table_name": text("Name of the table."),
        "column_name": text("Name of the column."),
        "position": whole("Position in the table, from 1.", unit=None, minimum=1),
        "data_type": text("SQL type."),
        "unit": text("Unit of measurement.", nullable=True),
        "nullable": flag("Whether the column can be NULL."),
        "is_key": flag("Whether the column is part of the key."),
        "references_column": text("Column that each value must occur in.", nullable=True),
        "description": text("Meaning of the column."),
    },
)
