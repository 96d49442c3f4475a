"""Read YAML declarations against pydantic models."""

from __future__ import annotations

import reprlib
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from schemas.problems import first_line

T = TypeVar("T")


class Declaration(BaseModel):
    """A part of a YAML file: immutable, without unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DeclarationError(ValueError):
    """A YAML file does not fit its model. The message has one line per fault: file, place, expected, got."""

    def __init__(self, file: str, faults: list[tuple[str, str]]) -> None:
        super().__init__("\n".join(f"{file}: {place}: {fault}." for place, fault in faults))
        self.faults = faults


def read_yaml(path: Path, kind: type[T], context: Any = None) -> T:
    """The content of a YAML file as `kind`; `context` is for its validators. Raises DeclarationError."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DeclarationError(path.name, [("(top level)", f"not valid YAML: {first_line(error)}")]) from error
    try:
        return TypeAdapter(kind).validate_python(content, context=context)
    except ValidationError as error:
        faults = []
        for fault in error.errors(include_url=False, include_context=False):
            place = ".".join(map(str, fault["loc"])) or "(top level)"
            expected = fault["msg"].removeprefix("Value error, ")
            got = "" if fault["type"] in ("missing", "extra_forbidden") else f", got {reprlib.repr(fault['input'])}"
            faults.append((place, expected + got))
        raise DeclarationError(path.name, faults) from error
