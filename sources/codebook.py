"""The publisher's codebook without its people: what a dataset and its columns mean, and nobody's name or address.

psdata's codebook names owners, stewards and focal points beside the definitions. None of that is ever stored: the
reply itself is never archived, nor kept apart when it is refused; the bytes that `redacted` gives are the snapshot.

Only the fields named here are kept. Addresses inside kept texts are removed, together with a name written before
one; a name that stands in a text without an address can't be told from other words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from sources.errors import Refused

REMOVED = "[e-mail address removed]"
# Our names, and the publisher's.
DATASET = {
    "title": "Name",
    "description": "Description",
    "update_frequency": "Update Frequency",
    "start_range": "Start Range",
    "end_range": "End Range",
    "limitations": "Limitations and Exceptions",
    "last_update_date": "Last Update Date",
}
COLUMN = {"definition": "Definition", "format": "Format"}
ATTRIBUTE = {"attribute": "Attribute", "definition": "Definition"}
FIELDS = ("dataset_id", "column_name", *DATASET, *COLUMN, "attributes")

_AT = r"(?:@|＠|﹫|%40|&#0*64;|&#x0*40;|&commat;)"
# Up to four capitalised words, then an address in one word, or with its sign written out or set apart. A handle
# (@UN) and a path (/@UN) are none. Every branch begins at the start of a word, so that a long text costs linear time.
_ADDRESS = re.compile(
    r"(?<!\S)(?:[^\W\d_a-z][\w.'’-]*,?\s+){0,4}"
    rf"(?:\S*[\w\"'.+-]{_AT}\S+"
    r"|\S+\s*[\[({<]\s*[aA][tT]\s*[\])}>]\s*\S+"
    r"|\S*\w\s+@\s+\w\S*\.\w\S*)"
)

Row = tuple[str | None, ...]


def redacted(payload: bytes) -> bytes:
    """What may be kept of a reply of `/metadata/all`, as canonical JSON: an array of flat rows with FIELDS as keys.

    One row a dataset (`column_name` null) and one a column definition; every value is a text or null, `attributes`
    a JSON text. The same content in another order gives the same bytes, and what is there twice stands once. Rows
    of one dataset or column that contradict each other are all kept: staging rejects them where people look, and
    the rest of the codebook stays of use.

    Raises Refused when the reply is no JSON array of such objects; its message never quotes the reply.
    """
    try:
        entries = _parsed(payload)
        rows = {row for place, entry in enumerate(entries, 1) for row in _rows(entry, f"entry {place:,}")}
        ordered = sorted(rows, key=lambda row: [value or "" for value in row])
        lines = [json.dumps(dict(zip(FIELDS, row, strict=True)), ensure_ascii=False) for row in ordered]
        return ("[\n" + ",\n".join(lines) + "\n]\n").encode("utf-8")
    except RecursionError:
        raise Refused("The codebook's JSON is nested too deep; expected an array of flat objects.") from None
    except UnicodeEncodeError:
        raise Refused("The codebook holds a text that is no Unicode (a lone surrogate).") from None


def _parsed(payload: bytes) -> list[Any]:
    try:
        # Numbers come as they are written: 2010 stays 2010, and none is too large.
        content = json.loads(
            payload.decode("utf-8-sig"), parse_int=str, parse_float=str, parse_constant=_refuse_constant
        )
    except UnicodeDecodeError as error:
        raise Refused(f"The codebook is not UTF-8: byte {error.start + 1:,} begins no character.") from None
    except json.JSONDecodeError as error:
        raise Refused(
            f"The codebook is not JSON (line {error.lineno:,}, column {error.colno:,}); it may be cut off."
        ) from None
    if not isinstance(content, list):
        raise Refused(f"Expected the codebook as a JSON array of datasets, got {_kind(content)}.")
    return content


def _refuse_constant(_: str) -> NoReturn:
    raise Refused("The codebook is not JSON: it holds NaN or Infinity, which are no JSON numbers.")


def _rows(entry: Any, where: str) -> Iterator[Row]:
    if not isinstance(entry, dict):
        raise Refused(f"Expected the codebook's entries to be objects; {where} is {_kind(entry)}.")
    dataset_id = _name(entry, "Dataset ID", where)
    if dataset_id is None:
        raise Refused(f"The codebook's {where} has no Dataset ID.")
    told = {field: _text(entry, theirs, where) for field, theirs in DATASET.items()}
    yield _row(dataset_id, None, told)
    for place, definition in enumerate(_objects(entry, "Column definitions", where), 1):
        there = f"column definition {place:,} of {where}"
        column = {field: _text(definition, theirs, there) for field, theirs in COLUMN.items()}
        column["attributes"] = _attributes(definition, there)
        name = _name(definition, "Column Name", there)
        if name is not None or any(column.values()):
            yield _row(dataset_id, name, column)


def _row(dataset_id: str, column_name: str | None, told: dict[str, str | None]) -> Row:
    return (dataset_id, column_name, *(told.get(field) for field in FIELDS[2:]))


def _attributes(definition: dict[str, Any], where: str) -> str | None:
    """The values that a column can have and what they mean, in alphabetical order, as a JSON text."""
    found = {
        tuple(_text(attribute, theirs, f"attribute {place:,} of {where}") for theirs in ATTRIBUTE.values())
        for place, attribute in enumerate(_objects(definition, "Attributes", where), 1)
    }
    ordered = sorted(found, key=lambda values: [value or "" for value in values])
    kept = [dict(zip(ATTRIBUTE, values, strict=True)) for values in ordered if any(values)]
    return json.dumps(kept, ensure_ascii=False) if kept else None


def _objects(holder: dict[str, Any], field: str, where: str) -> list[dict[str, Any]]:
    """The objects of a field that may be null or missing."""
    found = holder.get(field)
    if found is None:
        return []
    if not isinstance(found, list):
        raise Refused(f"{field} of the codebook's {where}: expected an array or null, got {_kind(found)}.")
    for place, one in enumerate(found, 1):
        if not isinstance(one, dict):
            raise Refused(f"{field} of the codebook's {where}: expected objects; number {place:,} is {_kind(one)}.")
    return found


def _text(holder: dict[str, Any], field: str, where: str) -> str | None:
    """A field's text without addresses; None where it is blank, null or missing."""
    value = holder.get(field)
    if value is not None and not isinstance(value, str):
        raise Refused(f"{field} of the codebook's {where}: expected a text or null, got {_kind(value)}.")
    return _ADDRESS.sub(REMOVED, value or "").strip() or None


def _name(holder: dict[str, Any], field: str, where: str) -> str | None:
    """The same of a name, on one line."""
    return " ".join((_text(holder, field, where) or "").split()) or None


def _kind(value: Any) -> str:
    return {dict: "an object", list: "an array", bool: "true or false", type(None): "null"}.get(type(value), "a text")
