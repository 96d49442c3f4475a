"""The optional codebook in a build: complete without it; with it, the publisher's descriptions are beside ours."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from replica import BUDGETS, COLUMNS, FATALITIES, PERSONNEL, Replica
from tests_shared import CATALOGUE

from flows.steps import fetch
from flows.steps.as_of import choose_snapshots
from flows.steps.build import build_from_snapshots
from flows.steps.registry import published_names, table_of
from flows.steps.staging_cache import StagingCache
from schemas.incoming.codebook import publisher_codebook_schema
from schemas.incoming.contributions import assessed_contributions_schema
from schemas.incoming.fatalities import fatalities_schema
from schemas.incoming.missions import missions_schema
from schemas.incoming.personnel import uniformed_personnel_schema
from schemas.tables.missions import MISSIONS
from sources.archive import Archive, Snapshot, sha256_of
from sources.codebook import remove_contacts
from sources.errors import ArchiveError, Refused

# The smaller sources: what is tested does not depend on the personnel's hundred thousand rows.
SOURCES = {name: CATALOGUE[name] for name in ("fatalities", "missions", "publisher_codebook")}


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    archive = Archive(tmp_path / "raw")
    fetch.ensure_bundled(archive, CATALOGUE)
    return archive


def keep(archive: Archive, vintage: str, codebook: Any) -> None:
    """Put a codebook into the archive as it would be fetched."""
    file = archive.root.with_name("codebook.json")
    file.write_bytes(remove_contacts(json.dumps(codebook).encode()))
    archive.add(
        file,
        Snapshot(
            "publisher_codebook", sha256_of(file), file.stat().st_size, vintage, "day of retrieval", "fetched",
            "https://example.org/metadata/all", f"{vintage}T00:00:00+00:00", "redacted-json",
        ),
    )  # fmt: skip


def built(archive: Archive, as_of: date | None = None) -> duckdb.DuckDBPyConnection:
    """The warehouse of the archive's snapshots, built and checked."""
    chosen, cache = choose_snapshots(archive, SOURCES, as_of), StagingCache(archive.root.with_name("staged"))
    made, _ = build_from_snapshots(archive, cache, SOURCES, chosen, archive.root.with_name("work"))
    return duckdb.connect(str(made.file), read_only=True)


def ask(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return connection.execute(sql).fetchall()


INCIDENT_TYPE = """
    SELECT description, publisher_dataset, publisher_column, publisher_definition, publisher_format
    FROM marts.dictionary WHERE (schema_name, table_name, column_name) = ('main', 'fatalities', 'incident_type')
"""
OURS = "The publisher's six types. To Be Determined is a state that will change, not a cause."


def test_a_warehouse_without_a_codebook_is_complete(archive: Archive) -> None:
    with built(archive) as connection:
        for table in ("publisher_datasets", "publisher_columns", "publisher_revisions"):
            assert ask(connection, f"SELECT count(*) FROM meta.{table}") == [(0,)]
        assert ask(connection, "SELECT count(*) FROM fatalities") == [(4423,)]
        assert ask(connection, INCIDENT_TYPE) == [(OURS, FATALITIES, "type_of_incident", None, None)]


def test_with_a_codebook_the_publisher_s_descriptions_are_beside_ours(archive: Archive) -> None:
    keep(archive, "2025-05-01", Replica().codebook)
    newer = Replica().codebook
    newer[0]["Column definitions"][8]["Definition"] = "The cause."
    newer[0]["Last Update Date"] = "2025-05-02"
    keep(archive, "2025-05-02", newer)
    with built(archive) as connection:
        assert ask(connection, "SELECT count(*) FROM meta.publisher_datasets") == [(5,)]
        assert ask(connection, "SELECT count(*) FROM meta.publisher_columns") == [(41,)]
        assert ask(
            connection,
            "SELECT dataset_id, column_name, field::VARCHAR, old_value, new_value FROM meta.publisher_revisions",
        ) == [(FATALITIES, "type_of_incident", "definition", "What the death was caused by.", "The cause.")]
        assert ask(connection, INCIDENT_TYPE) == [(OURS, FATALITIES, "type_of_incident", "The cause.", "String")]
        assert ask(
            connection, "SELECT last_update_date::VARCHAR FROM meta.publisher_datasets WHERE dataset_id LIKE '%FATAL%'"
        ) == [("2025-05-02",)]
        # Each column of ours is there, and once where one published column makes it.
        assert ask(
            connection, "SELECT count(DISTINCT (schema_name, table_name, column_name)) FROM marts.dictionary"
        ) == ask(connection, "SELECT count(*) FROM meta.columns")
        assert ask(connection, "SELECT count(*) FROM meta.known_defects WHERE defect_id = 'codebook-swaps-codes'") == [
            (1,)
        ]
    with built(archive, date(2025, 5, 1)) as connection:
        assert ask(connection, INCIDENT_TYPE)[0][3] == "What the death was caused by."


def test_only_an_optional_source_may_have_no_snapshot(archive: Archive) -> None:
    assert choose_snapshots(archive, SOURCES)["publisher_codebook"] == []
    with pytest.raises(ArchiveError, match=r"no snapshot of fatalities, missions\.$"):
        choose_snapshots(Archive(archive.root / "empty"), SOURCES)


def fetched(archive: Archive, replica: Replica, monkeypatch: pytest.MonkeyPatch) -> fetch.FetchResult:
    monkeypatch.setenv("PEACEKEEPING_PSDATA_URL", replica.psdata_url)
    work = archive.root.with_name("fetching")
    work.mkdir(exist_ok=True)
    cache = StagingCache(archive.root.with_name("staged"))
    return fetch.fetch(archive, cache, CATALOGUE["publisher_codebook"], work)


def test_no_name_of_a_person_in_a_fetched_codebook_is_stored(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Replica() as replica:
        assert fetched(archive, replica, monkeypatch).outcome == "fetched"
        replica.codebook.reverse()
        assert fetched(archive, replica, monkeypatch).outcome == "unchanged"
        replica.codebook.append({"Name": "no id", "Data Steward": "Jane Doe"})
        with pytest.raises(Refused, match="entry 6 has no Dataset ID"):
            fetched(archive, replica, monkeypatch)
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert len(archive.snapshots("publisher_codebook")) == 1
    assert [file for file in files if b"Jane Doe" in file.read_bytes()] == []


# Which published column is which of ours


def test_every_column_of_ours_that_a_published_one_becomes_is_one_of_its_table() -> None:
    for schema_of in (
        assessed_contributions_schema,
        fatalities_schema,
        missions_schema,
        publisher_codebook_schema,
        uniformed_personnel_schema,
    ):
        schema = schema_of({}, date(2025, 1, 1))
        name = str(schema.name).removeprefix("incoming.")
        source, table = CATALOGUE[name], table_of(CATALOGUE[name])
        known = set(schema.columns)
        assert set(source.becomes) <= known, name
        named = published_names(source)
        assert set(named["column_name"]) <= set(table.columns), name
        assert (named["table_name"] == table.name).all()


def test_the_columns_that_have_a_published_name_and_those_that_have_none() -> None:
    named = {name: published_names(source) for name, source in CATALOGUE.items()}
    assert {name for name, frame in named.items() if len(frame)} == {
        "fatalities", "mission_budget_lines", "missions", "uniformed_personnel",
    }  # fmt: skip
    # What of the API's columns leads nowhere: row numbers, codes that are only held against the names, the constant
    # kind of casualty, and the day of the last update, which is the snapshot's.
    left = {
        frame["dataset_id"].iloc[0]: set(COLUMNS[frame["dataset_id"].iloc[0]]) - set(frame["published_name"])
        for frame in named.values()
        if not frame.empty
    }
    assert left == {
        FATALITIES: {"id", "isocode3", "m49_code", "type_of_casualty", "last_update"},
        PERSONNEL: {"contribution_id", "m49_code"},
        "DPPADPOSS-PKO": {"id", "last_update"},
        BUDGETS: set(),
    }
    assert all(
        set(frame["published_name"]) <= set(COLUMNS[frame["dataset_id"].iloc[0]])
        for frame in named.values()
        if len(frame)
    )


def test_a_name_and_a_code_can_both_make_one_column() -> None:
    personnel = published_names(CATALOGUE["uniformed_personnel"])
    made = personnel[personnel["column_name"] == "contributor_iso3"]
    assert made["published_name"].tolist() == ["contributing_country", "isocode3"]
    fatalities = published_names(CATALOGUE["fatalities"])
    nationality = fatalities[fatalities["published_name"] == "casualty_nationality"]
    assert nationality["column_name"].tolist() == ["nationality_as_published", "nationality_iso3"]
    lines = published_names(CATALOGUE["mission_budget_lines"])
    assert lines.loc[lines["published_name"] == "Mission_acronym", "column_name"].tolist() == [
        "mission", "mission_as_published",
    ]  # fmt: skip
    assert lines.loc[lines["column_name"] == "peacekeeping_year", "published_name"].tolist() == ["Start_date"]
    missions = published_names(CATALOGUE["missions"])
    assert set(missions["column_name"]) == {
        "mission", "name", "lead_department", "is_active", "start_date", "end_date", "headquarters", "longitude",
        "latitude",
    } <= set(MISSIONS.columns)  # fmt: skip
