"""Remove contacts from the codebook before archiving.

psdata's codebook names owners, stewards and focal points beside the definitions. The reply itself is never stored, not
even when it is refused: the bytes that `remove_contacts` returns are the snapshot.

Only the fields declared here are kept. E-mail addresses inside kept texts are removed, with a name written before one.
A name without an address can't be recognised.
"""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, NoReturn

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from sources.errors import Refused

REMOVED = "[e-mail address removed]"

_AT = r"(?:@|＠|﹫|%40|&#0*64;|&#x0*40;|&commat;)"
# Up to four capitalised words, then an address: in one word, or with its sign written out or set apart. A handle
# (@UN) and a path (/@UN) are no addresses. Every branch begins at the start of a word, so that time stays linear.
_ADDRESS = re.compile(
    r"(?<!\S)(?:[^\W\d_a-z][\w.'’-]*,?\s+){0,4}"
    rf"(?:\S*[\w\"'.+-]{_AT}\S+"
    r"|\S+\s*[\[({<]\s*[aA][tT]\s*[\])}>]\s*\S+"
    r"|\S*\w\s+@\s+\w\S*\.\w\S*)"
)


def _clean(text: str | None) -> str | None:
    """A text without addresses; None where nothing is left."""
    return _ADDRESS.sub(REMOVED, text or "").strip() or None


def _on_one_line(text: str | None) -> str | None:
    return " ".join((text or "").split()) or None


Text = Annotated[str | None, AfterValidator(_clean)]
Name = Annotated[Text, AfterValidator(_on_one_line)]


class _Part(BaseModel):
    """A part of the codebook: texts or null; other fields are dropped."""

    model_config = ConfigDict(strict=True, extra="ignore")


class _Attribute(_Part):
    attribute: Text = Field(None, alias="Attribute")
    definition: Text = Field(None, alias="Definition")


class _Column(_Part):
    column_name: Name = Field(None, alias="Column Name")
    definition: Text = Field(None, alias="Definition")
    format: Text = Field(None, alias="Format")
    attributes: list[_Attribute] | None = Field(None, alias="Attributes")

    def row(self) -> dict[str, str | None]:
        """Its fields, the attributes as a JSON text in alphabetical order."""
        attributes = {(one.attribute, one.definition) for one in self.attributes or []} - {(None, None)}
        ordered = sorted(attributes, key=lambda values: [value or "" for value in values])
        listed = [{"attribute": attribute, "definition": definition} for attribute, definition in ordered]
        text = json.dumps(listed, ensure_ascii=False) if listed else None
        return {**self.model_dump(exclude={"attributes"}), "attributes": text}


class _Dataset(_Part):
    dataset_id: Name = Field(None, alias="Dataset ID")
    title: Text = Field(None, alias="Name")
    description: Text = Field(None, alias="Description")
    update_frequency: Text = Field(None, alias="Update Frequency")
    start_range: Text = Field(None, alias="Start Range")
    end_range: Text = Field(None, alias="End Range")
    limitations: Text = Field(None, alias="Limitations and Exceptions")
    last_update_date: Text = Field(None, alias="Last Update Date")
    columns: list[_Column] | None = Field(None, alias="Column definitions")

    def rows(self) -> list[dict[str, str | None]]:
        """One row for the dataset and one for each column definition that says something."""
        columns = [column.row() for column in self.columns or []]
        named = [{"dataset_id": self.dataset_id, **column} for column in columns if any(column.values())]
        return [self.model_dump(exclude={"columns"}), *named]


FIELDS = ("dataset_id", "column_name", *list(_Dataset.model_fields)[1:-1], *list(_Column.model_fields)[1:])


def remove_contacts(payload: bytes) -> bytes:
    """What may be kept of a reply of `/metadata/all`, as canonical JSON: an array of flat rows with FIELDS as keys.

    One row a dataset (`column_name` null) and one a column definition; every value is a text or null. The same content
    in another order gives the same bytes, and a repeated row is kept once. Contradicting rows are all kept: staging
    rejects them.

    Raises Refused when the reply is no JSON array of such objects; its message never quotes the reply.
    """
    try:
        datasets = TypeAdapter(list[_Dataset]).validate_python(_parsed(payload))
        for place, dataset in enumerate(datasets, 1):
            if dataset.dataset_id is None:
                raise Refused(f"The codebook's entry {place:,} has no Dataset ID.")
        rows = {tuple(row.get(field) for field in FIELDS) for dataset in datasets for row in dataset.rows()}
        ordered = sorted(rows, key=lambda row: [value or "" for value in row])
        lines = [json.dumps(dict(zip(FIELDS, row, strict=True)), ensure_ascii=False) for row in ordered]
        return ("[\n" + ",\n".join(lines) + "\n]\n").encode("utf-8")
    except ValidationError as error:
        raise _explained(error) from None
    except RecursionError:
        raise Refused("The codebook's JSON is nested too deep; expected an array of flat objects.") from None
    except UnicodeEncodeError:
        raise Refused("The codebook has a text that is no valid Unicode (a lone surrogate).") from None


def _parsed(payload: bytes) -> Any:
    try:
        # Numbers stay texts as they are written: 2010 stays 2010, and none is too large.
        return json.loads(payload.decode("utf-8-sig"), parse_int=str, parse_float=str, parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise Refused(f"The codebook is not UTF-8: byte {error.start + 1:,} begins no character.") from None
    except json.JSONDecodeError as error:
        raise Refused(
            f"The codebook is not JSON (line {error.lineno:,}, column {error.colno:,}); it may be cut off."
        ) from None


def _refuse_constant(_: str) -> NoReturn:
    raise Refused("The codebook is not JSON: it has NaN or Infinity, which are no JSON numbers.")


def _explained(error: ValidationError) -> Refused:
    """The first fault: its place (entries are counted from 1), what is expected, and the kind of value that came."""
    fault = error.errors(include_url=False, include_context=False)[0]
    steps = [str(step + 1) if isinstance(step, int) else step for step in fault["loc"]]
    place = f"entry {' → '.join(steps)}" if steps else "top level"
    expected = {"list_type": "an array", "model_type": "an object"}.get(fault["type"], "a text or null")
    kinds = {dict: "an object", list: "an array", bool: "true or false", type(None): "null"}
    return Refused(f"Codebook, {place}: expected {expected}, got {kinds.get(type(fault['input']), 'a text')}.")
