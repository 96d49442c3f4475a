"""Tables that describe a build: its inputs, its checks, and its dictionary."""

from __future__ import annotations

from schemas.columns import SHA256, Table, category, day, flag, number, text, whole

BUILDS = Table(
    "meta",
    "builds",
    "This build",
    "One row: what this file was made of. The same snapshots and the same code give the same build.",
    ("build_id",),
    True,
    {
        "build_id": text("Hash of the snapshots, the code and the judgement data it was made of."),
        "code_version": text("Version of this project."),
        "code_sha256": text("Hash of the project's code, declarations and code lists.", pattern=SHA256),
        "duckdb_version": text("Version of DuckDB that wrote the file."),
        "snapshots": whole("Number of snapshots it was made of.", unit="snapshot"),
    },
)

SNAPSHOTS = Table(
    "meta",
    "snapshots",
    "Snapshots",
    "One row a snapshot (the bytes of a source as they were on a date) this build was made of. "
    "rows_in = rows_staged + rows_rejected + rows_merged.",
    ("source", "sha256"),
    True,
    {
        "source": text("Name of the source."),
        "sha256": text("SHA-256 of the bytes as they came.", pattern=SHA256),
        "vintage": day("Publication date; see vintage_basis."),
        "vintage_basis": text(
            "What the vintage rests on: last_update of the rows, the publisher's metadata, "
            "Last-Modified, the day of retrieval, a stated date, the last month or year covered."
        ),
        "origin": text("fetched, loaded, bundled, or register (this project's own compilation)."),
        "url": text("Address or file it came from."),
        "retrieved_at": text("When it was retrieved (UTC time, or the day)."),
        "dialect": text("The form it was recognised as."),
        "bytes": whole("Size of the bytes as they came.", unit="byte"),
        "covers_from": day("First day it covers (first incident, month or year).", nullable=True),
        "covers_to": day("Last day it covers.", nullable=True),
        "rows_read": whole("All rows of the file.", unit="row"),
        "rows_out_of_scope": whole(
            "Rows of other entities or kinds, left aside by the source's scope rule.", unit="row"
        ),
        "rows_in": whole("Rows in scope.", unit="row"),
        "rows_staged": whole("Rows turned into tidy rows.", unit="row"),
        "rows_rejected": whole("Rows rejected, each with its reason in meta.rejected_rows.", unit="row"),
        "rows_merged": whole("Rows merged into another by a named rule (meta.merged_rows).", unit="row"),
        "citation": text("How to cite it."),
        "accepted": text(
            "Checks that a person let it pass when it was loaded, each with the reason; NULL where it passed them all.",
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
    "One row a check this build was held against. A failed check of severity error stops publishing.",
    ("name",),
    True,
    {
        "name": text("The check's name."),
        "description": text("What it promises."),
        "expected": text("What was expected."),
        "found": text("What was found."),
        "passed": flag("Whether it held."),
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
    "One row a column of every table.",
    ("schema_name", "table_name", "column_name"),
    True,
    {
        "schema_name": text("Schema."),
        "table_name": text("Table."),
        "column_name": text("Column."),
        "position": whole("Place in the table, from 1.", unit=None, minimum=1),
        "data_type": text("SQL type."),
        "unit": text("Unit.", nullable=True),
        "nullable": flag("Whether it may be NULL."),
        "is_key": flag("Whether it is part of the key."),
        "references_column": text("The column it must be found in.", nullable=True),
        "description": text("What it holds."),
    },
)
