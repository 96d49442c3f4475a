"""The publisher's codebook: one entry per dataset and column, and the texts that changed between vintages."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from replica import FATALITIES, MISSIONS, PERSONNEL, Replica
from tests_shared import stage_bytes

from schemas.validate import ContractError
from sources.codebook import remove_contacts
from transforms.codebook import newest_and_revised
from transforms.staging import Staged
from transforms.vintages import Vintage

Entries = list[dict[str, Any]]
DAYS = [date(2023, 12, 10), date(2024, 1, 10), date(2024, 2, 10)]


def staged(change: Callable[[Entries], object] = lambda _: None) -> Staged:
    """The replica's codebook (5 datasets, 41 columns) with a change, staged."""
    entries: Entries = json.loads(json.dumps(Replica().codebook))
    change(entries)
    return stage_bytes("publisher_codebook", remove_contacts(json.dumps(entries).encode()))


def put(place: int, column: int | None, field: str, value: Any) -> Callable[[Entries], object]:
    """Set a field of the dataset at `place`, or of one of its columns."""

    def change(entries: Entries) -> None:
        holder = entries[place] if column is None else entries[place]["Column definitions"][column]
        holder[field] = value

    return change


def followed(*snapshots: Staged) -> tuple[pd.DataFrame, pd.DataFrame]:
    vintages = [Vintage(str(place) * 64, DAYS[place], snapshot) for place, snapshot in enumerate(snapshots)]
    newest, revised = newest_and_revised(vintages)
    return newest.set_index(["dataset_id", "column_name"]), revised


def records(revised: pd.DataFrame) -> list[tuple[Any, ...]]:
    shown = revised[["dataset_id", "column_name", "field", "old_value", "new_value", "from_vintage", "to_vintage"]]
    shown = shown.astype({"from_vintage": "str", "to_vintage": "str"}).astype(object).where(shown.notna(), None)
    return list(shown.itertuples(index=False, name=None))


# One snapshot


def test_a_dataset_is_an_entry_without_a_column_and_a_column_one_with_it() -> None:
    snapshot = staged()
    assert (snapshot.rows_in, len(snapshot.rows), snapshot.rows_rejected, len(snapshot.signals)) == (5 + 41, 46, 0, 0)
    rows = snapshot.rows.set_index(["dataset_id", "column_name"])
    assert rows.loc[(MISSIONS, ""), "title"] == "Peacekeeping operations"
    assert rows.loc[(MISSIONS, ""), "last_update_date"] == pd.Timestamp(2024, 2, 19)
    assert rows.loc[(MISSIONS, "start_date"), "definition"] == "Day on which the mandate began."
    assert rows.loc[(MISSIONS, "id"), ["definition", "title", "last_update_date"]].isna().all()
    assert rows.loc[("DPO-PKEXP", "")].drop("snapshot_row").isna().all()
    assert (snapshot.covers_from, snapshot.covers_to) == (None, None)


def test_the_personnel_s_codes_stay_swapped_as_published() -> None:
    rows = staged().rows.set_index(["dataset_id", "column_name"])
    assert "M49" in rows.loc[(PERSONNEL, "isocode3"), "definition"]
    assert "ISO 3166" in rows.loc[(PERSONNEL, "m49_code"), "definition"]


@pytest.mark.parametrize("nonsense", ["soon", "2023-13-45", "10/12/2023 or so", "2024-02-30"])
def test_a_date_that_is_none_is_missing_and_a_signal_and_rejects_nothing(nonsense: str) -> None:
    snapshot = staged(put(0, None, "Last Update Date", nonsense))
    row = snapshot.rows[(snapshot.rows["dataset_id"] == FATALITIES) & (snapshot.rows["column_name"] == "")].iloc[0]
    assert pd.isna(row["last_update_date"]) and row["title"] == "Fatalities in PKOs and SPMs since 1948"
    assert snapshot.signals.to_dict("records") == [{"kind": "unreadable_date", "value": nonsense, "rows": 1}]
    assert snapshot.rows_rejected == 0


@pytest.mark.parametrize("printed", ["2024-02-10", 1707523200000, " 2024-02-10T00:00:00 "])
def test_a_date_is_read_in_the_forms_that_the_api_has(printed: Any) -> None:
    snapshot = staged(put(3, None, "Last Update Date", printed)).rows.set_index(["dataset_id", "column_name"])
    assert snapshot.loc[("DPO-PKBUDGET", ""), "last_update_date"] == pd.Timestamp(2024, 2, 10)


def test_a_definition_without_a_column_is_rejected_alone() -> None:
    snapshot = staged(put(0, 3, "Column Name", None))
    assert (len(snapshot.rows), snapshot.rows_rejected) == (45, 1)
    assert snapshot.rejected.iloc[0][["column_name", "check_name"]].tolist() == ["column_name", "nameless_definition"]
    assert (
        FATALITIES in snapshot.rejected["reason"].iloc[0]
        and "Acronym of the mission" in snapshot.rejected["raw_row"].iloc[0]
    )


def test_two_definitions_of_one_column_are_both_rejected() -> None:
    snapshot = staged(put(0, 3, "Column Name", "gender"))
    assert (len(snapshot.rows), snapshot.rows_rejected) == (44, 2)
    assert set(snapshot.rejected["reason"]) == {
        f"column_name: expected one description of {FATALITIES} gender, got several that differ"
    }


def test_two_descriptions_of_one_dataset_are_rejected_and_its_columns_are_kept() -> None:
    snapshot = staged(lambda entries: entries.append({"Dataset ID": MISSIONS, "Name": "Another name"}))
    assert snapshot.rows_rejected == 2 and set(snapshot.rejected["check_name"]) == {"doubled_key"}
    assert (
        snapshot.rejected["reason"].iloc[0].endswith(f"expected one description of {MISSIONS}, got several that differ")
    )
    assert (snapshot.rows["dataset_id"] == MISSIONS).sum() == 11


def test_a_codebook_that_is_mostly_nameless_is_refused() -> None:
    def nameless(entries: Entries) -> None:
        for column in entries[0]["Column definitions"]:
            column["Column Name"] = " "

    with pytest.raises(ContractError, match="12 of 46 rows are not what publisher_codebook promises"):
        staged(nameless)


@pytest.mark.parametrize("rows", [b"[]", b'[{"Dataset ID": "A"}]'])
def test_a_reply_with_contacts_fits_no_dialect(rows: bytes) -> None:
    with pytest.raises(ContractError):
        stage_bytes("publisher_codebook", rows)


# From vintage to vintage


def test_a_reworded_definition_is_a_revision_between_the_two_vintages() -> None:
    newest, revised = followed(staged(), staged(), staged(put(0, 8, "Definition", "The cause.")))
    assert records(revised) == [
        (FATALITIES, "type_of_incident", "definition", "What the death was caused by.", "The cause.",
         "2024-01-10", "2024-02-10"),
    ]  # fmt: skip
    row = newest.loc[(FATALITIES, "type_of_incident")]
    assert (row["definition"], row["snapshot_sha256"]) == ("The cause.", "2" * 64)
    assert (row["first_seen"], row["last_seen"]) == (pd.Timestamp(DAYS[0]), pd.Timestamp(DAYS[2]))


def test_words_of_a_dataset_that_came_or_went_are_revisions() -> None:
    def change(entries: Entries) -> None:
        entries[2]["Limitations and Exceptions"] = "There may be a lag."
        entries[1]["Description"] = None

    _, revised = followed(staged(), staged(change))
    assert records(revised) == [
        (PERSONNEL, "", "description", "Troops, police and experts by country, mission and kind of personnel.", None,
         "2023-12-10", "2024-01-10"),
        (MISSIONS, "", "limitations", None, "There may be a lag.", "2023-12-10", "2024-01-10"),
    ]  # fmt: skip


def test_the_date_of_the_last_update_is_no_revision_and_the_newest_is_kept() -> None:
    days = ["2025-05-01", "soon", "2025-05-03"]
    newest, revised = followed(*(staged(put(0, None, "Last Update Date", day)) for day in days))
    assert records(revised) == []
    assert newest.loc[(FATALITIES, ""), "last_update_date"] == pd.Timestamp(2025, 5, 3)
    assert (
        followed(staged(), staged(put(0, None, "Last Update Date", "soon")))[0]
        .loc[(FATALITIES, "")]
        .isna()["last_update_date"]
    )


def test_a_new_column_has_a_first_seen_and_no_revision() -> None:
    def more(entries: Entries) -> None:
        entries[4]["Column definitions"] = [{"Column Name": "Variance", "Definition": "Difference."}]

    newest, revised = followed(staged(), staged(more))
    assert records(revised) == []
    assert newest.loc[("DPO-PKEXP", "Variance"), "first_seen"] == pd.Timestamp(DAYS[1])
    assert newest.loc[("DPO-PKEXP", ""), "first_seen"] == pd.Timestamp(DAYS[0])


def test_a_removed_column_or_dataset_keeps_its_last_state() -> None:
    def fewer(entries: Entries) -> None:
        del entries[0]["Column definitions"][5]
        del entries[4]

    newest, revised = followed(staged(), staged(fewer))
    assert records(revised) == [] and len(newest) == 46
    removed = newest[newest["last_seen"] == pd.Timestamp(DAYS[0])]
    assert sorted(removed.index) == [("DPO-PKEXP", ""), (FATALITIES, "gender")]
    assert set(removed["snapshot_sha256"]) == {"0" * 64}


def test_a_column_that_returns_reworded_is_a_revision_since_it_was_last_seen() -> None:
    def without(entries: Entries) -> None:
        del entries[0]["Column definitions"][5]

    _, revised = followed(staged(), staged(without), staged(put(0, 5, "Format", "Text")))
    assert records(revised) == [(FATALITIES, "gender", "format", "String", "Text", "2023-12-10", "2024-02-10")]


@pytest.mark.real
def test_every_entry_of_the_recorded_codebook_is_staged(published_vintages: Path) -> None:
    payload = (published_vintages / "psdata" / "metadata_2023-12.json").read_bytes()
    snapshot = stage_bytes("publisher_codebook", remove_contacts(payload), "2023-12-10")
    assert (len(snapshot.rows), snapshot.rows_rejected, len(snapshot.signals)) == (74, 0, 0)
    rows = snapshot.rows.set_index(["dataset_id", "column_name"])
    assert rows.loc[(PERSONNEL, ""), "last_update_date"] == pd.Timestamp(2023, 10, 31)
    assert "M49" in rows.loc[(PERSONNEL, "isocode3"), "definition"]
    assert json.loads(rows.loc[(PERSONNEL, "personnel_type"), "attributes"])
