"""Contacts are removed from the publisher's codebook; definitions and descriptions are kept."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from replica import Replica

from sources.codebook import REMOVED, remove_contacts
from sources.errors import Refused

KEPT = {
    "dataset_id", "column_name", "title", "description", "update_frequency", "start_range", "end_range", "limitations",
    "last_update_date", "definition", "format", "attributes",
}  # fmt: skip

FIELDS = [
    "Name", "Description", "Update Frequency", "Start Range", "End Range", "Limitations and Exceptions",
    "Last Update Date",
]  # fmt: skip


def reply(*entries: Any) -> bytes:
    return json.dumps(entries).encode()


def rows(payload: bytes) -> list[dict[str, Any]]:
    kept: list[dict[str, Any]] = json.loads(remove_contacts(payload))
    return kept


def entry(dataset: str = "A", *columns: dict[str, Any], **stated: Any) -> dict[str, Any]:
    return {"Dataset ID": dataset, "Column definitions": list(columns), **stated}


def column(name: str | None = "c", definition: str | None = "What it is.", **stated: Any) -> dict[str, Any]:
    return {"Column Name": name, "Definition": definition, "Format": "String", "Attributes": None, **stated}


# Contacts


def test_the_replica_s_codebook_is_kept_without_its_contacts() -> None:
    payload = json.dumps(Replica().codebook).encode()
    assert b"Jane Doe" in payload and b"example.org" in payload
    kept = remove_contacts(payload)
    assert b"Jane" not in kept and b"example.org" not in kept and b"Operations Desk" not in kept
    assert b"What the death was caused by." in kept


def test_only_the_declared_fields_are_kept() -> None:
    secret = {"Data Owner": "S1", "Technical Focal Point": ["S2"], "New field": {"Contact": "S3"}, "description": "S4"}
    noted = column(Attributes=[{"Attribute": "x", "Definition": "y", "Contact": "S5"}], Steward="S6")
    kept = remove_contacts(reply(entry("A", noted, **secret)))
    assert not any(f"S{number}".encode() in kept for number in range(1, 7))
    assert all(set(row) == KEPT for row in json.loads(kept))


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("jane.doe@example.org", REMOVED),
        ("Write to jane.doe@example.org today.", f"Write to {REMOVED} today."),
        ("Write to Jane Doe <jane.doe@example.org>", f"Write to {REMOVED}"),
        ("ask Jane M. Doe-Roe, (jane@un.org); or not", f"ask {REMOVED} or not"),
        ("mailto:jane@un.org?subject=x and john@un.org", f"{REMOVED} and {REMOVED}"),
        ("jane [at] example.org", REMOVED),
        ("jane(AT)example.org", REMOVED),
        ("jane.doe @ example.org", REMOVED),
        ("jane&#64;example.org", REMOVED),
        ("jane%40example.org", REMOVED),
        ("jane＠example.org", REMOVED),
        ("jane@localhost", REMOVED),
        ("jane@[10.0.0.1]", REMOVED),
        ("Zoë Müller zoë.müller@exämple.org", REMOVED),
    ],
)
def test_addresses_inside_kept_texts_are_removed_with_the_name_before_them(written: str, kept: str) -> None:
    noted = column("c", written, Attributes=[{"Attribute": "x", "Definition": written}])
    dataset, defined = rows(reply(entry("A", noted, Name=written, Description=written, **{"Start Range": written})))
    assert {dataset["title"], dataset["description"], dataset["start_range"], defined["definition"]} == {kept}
    assert json.loads(defined["attributes"]) == [{"attribute": "x", "definition": kept}]


@pytest.mark.parametrize(
    "harmless",
    ["Follow @UN", "https://example.org/@UN", "5 troops @ 3 a day", "at least (at most) 3", "The Mission [Atlas] is"],
)
def test_other_texts_are_kept(harmless: str) -> None:
    assert rows(reply(entry(Description=harmless)))[0]["description"] == harmless


@given(
    st.from_regex(r"[a-z][a-z0-9._+-]{0,20}[a-z0-9]", fullmatch=True),
    st.from_regex(r"[a-z0-9-]{1,12}(\.[a-z]{2,8}){1,2}", fullmatch=True),
    st.text(st.characters(codec="utf-8"), max_size=20),
    st.text(st.characters(codec="utf-8"), max_size=20),
)
def test_no_address_survives_in_any_surroundings(local: str, domain: str, before: str, after: str) -> None:
    address = f"{local}@{domain}"
    (row,) = rows(reply(entry(Description=f"{before} {address}{after}")))
    assert address not in (row["description"] or "")


@pytest.mark.timeout(60)
def test_long_texts_take_linear_time() -> None:
    """The test ends by its timeout if the time is quadratic: each text would take many minutes."""
    for text in ("a", "A ", "a@ ", "x @ ", "a [ ", "@", '"', "%40", "A-", " ", "A. "):
        remove_contacts(reply(entry(Description=text * 100_000)))


# The rows


def test_a_dataset_gives_a_row_of_its_own_and_one_a_column() -> None:
    described = {
        "Name": "Operations", "Description": "All of them.", "Update Frequency": "Daily", "Start Range": "1948",
        "End Range": None, "Limitations and Exceptions": "A lag.", "Last Update Date": "2023-12-04",
    }  # fmt: skip
    attributes = [{"Attribute": "b", "Definition": "second"}, {"Attribute": "a", "Definition": None}]
    dataset, first, second = rows(reply(entry("PKO", column("y"), column("x", Attributes=attributes), **described)))
    assert dataset == {
        "dataset_id": "PKO", "column_name": None, "title": "Operations", "description": "All of them.",
        "update_frequency": "Daily", "start_range": "1948", "end_range": None, "limitations": "A lag.",
        "last_update_date": "2023-12-04", "definition": None, "format": None, "attributes": None,
    }  # fmt: skip
    assert (first["column_name"], second["column_name"], second["title"]) == ("x", "y", None)
    assert json.loads(first["attributes"]) == [
        {"attribute": "a", "definition": None}, {"attribute": "b", "definition": "second"}
    ]  # fmt: skip
    assert (second["definition"], second["format"], second["attributes"]) == ("What it is.", "String", None)


@pytest.mark.parametrize("columns", [None, []])
def test_everything_but_the_id_can_be_null_missing_or_blank(columns: Any) -> None:
    bare = rows(reply({"Dataset ID": "A"}))
    null = dict.fromkeys(FIELDS)
    assert rows(reply({"Dataset ID": " A ", **null, "Name": " \n", "Column definitions": columns})) == bare
    assert bare[0]["dataset_id"] == "A" and set(bare[0].values()) == {"A", None}


def test_a_nameless_definition_is_kept_only_with_content() -> None:
    kept_rows = rows(reply(entry("A", column(None, None, Format=None), column(None, "Of what?"), column("c", None))))
    assert [(row["column_name"], row["definition"]) for row in kept_rows] == [
        (None, None),
        (None, "Of what?"),
        ("c", None),
    ]


def test_numbers_come_as_they_are_written() -> None:
    payload = b'[{"Dataset ID": 7, "Start Range": 1948, "End Range": 1e3, "Name": ' + b"9" * 5000 + b"}]"
    (row,) = rows(payload)
    assert (row["dataset_id"], row["start_range"], row["end_range"]) == ("7", "1948", "1e3")
    assert row["title"] == "9" * 5000


def test_another_order_of_entries_columns_attributes_and_fields_gives_the_same_bytes() -> None:
    shuffled: Any = json.loads(json.dumps(Replica().codebook))
    shuffled[0]["Column definitions"][0]["Attributes"] = [{"Attribute": x, "Definition": x} for x in "cab"]
    before = remove_contacts(json.dumps(shuffled).encode())
    for seed in range(5):
        dice = random.Random(seed)
        dice.shuffle(shuffled)
        for place, described in enumerate(shuffled):
            dice.shuffle(described["Column definitions"] or [])
            for defined in described["Column definitions"] or []:
                dice.shuffle(defined["Attributes"] or [])
            fields = list(described.items())
            dice.shuffle(fields)
            shuffled[place] = dict(fields)
        assert remove_contacts(json.dumps(shuffled, indent=dice.choice([None, 3])).encode()) == before


def test_attributes_are_in_alphabetical_order() -> None:
    values = [{"Attribute": name, "Definition": None} for name in "hbgdaecf"]
    _, kept_rows = rows(reply(entry("A", column(Attributes=values))))
    assert [value["attribute"] for value in json.loads(kept_rows["attributes"])] == list("abcdefgh")


def test_repeated_rows_are_kept_once_and_contradicting_ones_all() -> None:
    once = reply(entry("A", column("x"), column("y")))
    twice = reply(entry("A", column("x"), column("y"), column("x")), entry("A", column(" x ")))
    assert remove_contacts(twice) == remove_contacts(once)
    contrary = [entry("A", column("x", "One.")), entry("A", column("x", "Other."))]
    kept_rows = rows(reply(*contrary))
    assert [row["definition"] for row in kept_rows] == [None, "One.", "Other."]
    assert remove_contacts(reply(*contrary)) == remove_contacts(reply(*reversed(contrary)))


def test_the_bytes_are_utf_8_a_row_a_line() -> None:
    kept = remove_contacts("\ufeff".encode() + '[{"Dataset ID": "Ä", "Name": "\\ud83d\\ude00"}]'.encode())
    assert "Ä" in kept.decode("utf-8") and "😀" in kept.decode("utf-8")
    assert [len(kept.splitlines()), kept[:2], kept[-3:]] == [3, b"[\n", b"\n]\n"]


# What is refused


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"", "not JSON (line 1, column 1); it may be cut off"),
        (b"<html>jane.doe</html>", "not JSON (line 1, column 1)"),
        (b'[{"Dataset ID": "A",\n"Name": "jane.doe', "not JSON (line 2, column 9)"),
        (b'[{"Dataset ID": "A"}] jane.doe', "not JSON (line 1, column 23)"),
        (b'{"jane.doe": 1}', "top level: expected an array, got an object"),
        (b'"jane.doe"', "expected an array, got a text"),
        (b"null", "got null"),
        (b"true", "got true or false"),
        (b"NaN", "NaN or Infinity"),
        (b'[{"Dataset ID": "A", "Name": -Infinity}]', "NaN or Infinity"),
        (b'["jane.doe"]', "entry 1: expected an object, got a text"),
        (b'[{"Dataset ID": "A"}, ["jane.doe"]]', "entry 2: expected an object, got an array"),
        (b'[{"Name": "jane.doe"}]', "entry 1 has no Dataset ID"),
        (b'[{"Dataset ID": null, "Name": "jane.doe"}]', "entry 1 has no Dataset ID"),
        (b'[{"Dataset ID": "  "}]', "entry 1 has no Dataset ID"),
        (b'[{"Dataset ID": ["jane.doe"]}]', "entry 1 → Dataset ID: expected a text or null, got an array"),
        (b'[{"Dataset ID": "A", "Name": {"a": "jane.doe"}}]', "entry 1 → Name: expected a text or null, got an object"),
        (b'[{"Dataset ID": "A", "Description": true}]', "entry 1 → Description: expected a text or null, got true"),
        (b'[{"Dataset ID": "A", "Column definitions": {"jane.doe": 1}}]', "expected an array, got an object"),
        (
            b'[{"Dataset ID": "A", "Column definitions": [{}, "jane.doe"]}]',
            "Column definitions → 2: expected an object",
        ),
        (
            b'[{"Dataset ID": "A", "Column definitions": [{"Column Name": "c", "Attributes": "jane.doe"}]}]',
            "entry 1 → Column definitions → 1 → Attributes: expected an array, got a text",
        ),
        (
            b'[{"Dataset ID": "A", "Column definitions": [{"Attributes": [{"Attribute": ["jane.doe"]}]}]}]',
            "Column definitions → 1 → Attributes → 1 → Attribute: expected a text or null, got an array",
        ),
        (b'[{"Dataset ID": "jane.doe\xe9"}]', "not UTF-8: byte 26 begins no character"),
        (b'[{"Dataset ID": "jane.doe \\ud800"}]', "no valid Unicode (a lone surrogate)"),
        (b'[{"Dataset ID": "A", "X": ' + b"[" * 100_000, "nested too deep"),
        (b"\x1f\x8b\x08jane.doe", "not UTF-8"),
    ],
)
def test_a_wrong_reply_is_refused_without_quoting_it(payload: bytes, expected: str) -> None:
    with pytest.raises(Refused) as caught:
        remove_contacts(payload)
    message = str(caught.value)
    assert expected in message
    assert "jane.doe" not in message and message.endswith(".") and "\n" not in message


def test_a_refusal_carries_nothing_of_the_reply_along() -> None:
    with pytest.raises(Refused) as caught:
        remove_contacts(b'[{"Dataset ID": "jane.doe')
    assert caught.value.__suppress_context__ and caught.value.file is None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
_FIELDS = [*FIELDS, "Data Owner"]
_COLUMNS = st.lists(
    st.dictionaries(st.sampled_from(["Column Name", "Definition", "Format", "Attributes"]), _JSON) | _JSON
)
_ENTRY = st.fixed_dictionaries(
    {"Dataset ID": st.text(min_size=1) | _JSON},
    optional={**dict.fromkeys(_FIELDS, st.text() | _JSON), "Column definitions": _COLUMNS | _JSON},
)


@settings(max_examples=300)
@given(st.lists(_ENTRY | _JSON, max_size=4) | _JSON)
def test_any_json_gives_rows_of_texts_or_a_refusal(content: Any) -> None:
    try:
        kept = remove_contacts(json.dumps(content).encode())
    except Refused as error:
        assert len(str(error)) > 20
        return
    kept_rows = json.loads(kept)
    assert all(set(row) == KEPT and row["dataset_id"] for row in kept_rows)
    assert {type(value) for row in kept_rows for value in row.values()} <= {str, type(None)}
    assert len({json.dumps(row) for row in kept_rows}) == len(kept_rows)


@given(st.binary())
def test_any_bytes_give_bytes_or_a_refusal(payload: bytes) -> None:
    try:
        assert remove_contacts(payload)
    except Refused as error:
        assert len(str(error)) > 20


# The real one


@pytest.mark.real
def test_the_recorded_codebook_has_eight_datasets_and_66_columns(published_vintages: Path) -> None:
    payload = (published_vintages / "psdata" / "metadata_2023-12.json").read_bytes()
    kept_rows = rows(payload)
    assert sum(row["column_name"] is None for row in kept_rows) == 8 and len(kept_rows) == 8 + 66
    entries = json.loads(payload)
    offices = {office["Originating Offices"] for e in entries for office in e["Originating Offices"] or []}
    assert offices and not any(office in remove_contacts(payload).decode() for office in offices)
    texts = {(row["dataset_id"], row["column_name"]): row["definition"] or "" for row in kept_rows}
    # Swapped, as published: the letters are described as the numeric code.
    assert "M49" in texts["DPO-UCHISTORICAL", "isocode3"] and "M49" not in texts["DPO-UCHISTORICAL", "m49_code"]
    assert "M49" in texts["DPPADPOSS-FATALITIES", "m49_code"]
