"""The catalogue: every source's declaration, read from its YAML and held against `source.schema.json`.

All judgement about a source (dialects, bounds, envelope, corrections, known defects) stands in its YAML;
this module only reads it. What a dialect's fields mean is explained in `transforms.dialects`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from sources.errors import CatalogueError, UnknownSource

HERE = Path(__file__).parent


def _is_address(url: str) -> bool:
    """Whether it is an http(s) address with a host and, if any, a port that can be."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not any(c.isspace() for c in url)


@dataclass(frozen=True)
class Publisher:
    """Who publishes, and the base address of its files, if they have any."""

    name: str
    title: str
    landing_page: str
    base_url: str = ""
    environment: str = ""

    def address(self) -> str:
        """The base URL in force: the environment variable's, else the default; without a trailing slash.

        Raises CatalogueError when the variable holds anything but an http(s) address.
        """
        url = os.environ.get(self.environment, "").strip() or self.base_url
        if not _is_address(url):
            raise CatalogueError(
                f"{self.environment} must be an http:// or https:// address, got {url!r}. "
                f"Unset it to use {self.base_url}."
            )
        return url.rstrip("/")


@dataclass(frozen=True)
class Source:
    """One dataset that somebody publishes, as declared in `sources/<name>.yaml`."""

    name: str
    publisher: Publisher
    declaration: Mapping[str, Any]

    @property
    def title(self) -> str:
        return str(self.declaration["title"])

    @property
    def cadence(self) -> str:
        return str(self.declaration["cadence"])

    @property
    def optional(self) -> bool:
        """Whether a warehouse is whole without any snapshot of it."""
        return bool(self.declaration.get("optional", False))

    @property
    def redact(self) -> str | None:
        """The module of this room whose `redacted` a reply goes through before anything of it is stored, or None."""
        name = self.declaration.get("live", {}).get("redact")
        return None if name is None else str(name)

    @property
    def dialects(self) -> list[Mapping[str, Any]]:
        return list(self.declaration["dialects"])

    @property
    def workbook(self) -> bool:
        """Whether it is published, in one of its forms, as an Excel workbook."""
        return any(dialect["format"] == "xlsx" for dialect in self.dialects)

    @property
    def live(self) -> bool:
        """Whether it is published at an address; the others are figures compiled by hand from cited documents."""
        return "live" in self.declaration

    @property
    def metadata_path(self) -> str | None:
        path = self.declaration["live"].get("metadata")
        return None if path is None else str(path)

    @property
    def live_path(self) -> str:
        return str(self.declaration["live"]["path"])

    @property
    def content_types(self) -> list[str]:
        return list(self.declaration["live"]["content_types"])

    @property
    def rows_per_page(self) -> int | None:
        """How many rows to ask for at once; None where the publisher serves a file."""
        rows = self.declaration["live"].get("rows_per_page")
        return None if rows is None else int(rows)

    def url(self, path: str | None = None) -> str:
        """The address of the live dataset, or of another path of the same publisher."""
        return self.publisher.address() + (path or self.live_path)

    def citation(self, vintage: str) -> str:
        """The citation with the vintage it stands for filled in."""
        return str(self.declaration["citation"]).format(vintage=vintage)


def read_yaml(path: Path) -> Any:
    """A YAML file as it stands. Raises CatalogueError when it is none."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{path.name} is not valid YAML: {error}") from error


def _publishers(folder: Path) -> dict[str, Publisher]:
    declared = read_yaml(folder / "publishers.yaml")
    if not isinstance(declared, dict):
        raise CatalogueError("publishers.yaml holds no publishers.")
    publishers = {}
    for name, entry in declared.items():
        fields = ["title", "landing_page"]
        if isinstance(entry, dict) and {"base_url", "environment"} & set(entry):
            fields += ["base_url", "environment"]
        for field in fields:
            if not isinstance(entry, dict) or not isinstance(entry.get(field), str):
                raise CatalogueError(f"publishers.yaml: {name}.{field} is missing or not a text.")
        publishers[name] = Publisher(name=name, **{field: entry[field] for field in fields})
    return publishers


def read_source(path: Path, publishers: Mapping[str, Publisher]) -> Source:
    """Read one declaration and hold it against the schema.

    Raises CatalogueError naming the file and the field when a field is wrong, missing or unknown.
    """
    import jsonschema

    declaration = read_yaml(path)
    schema = json.loads((HERE / "source.schema.json").read_text(encoding="utf-8"))
    errors = sorted(
        jsonschema.Draft202012Validator(schema).iter_errors(declaration), key=lambda error: list(map(str, error.path))
    )
    if errors:
        lines = []
        for error in errors:
            field = ".".join(map(str, error.absolute_path)) or "(top level)"
            lines.append(f"{path.name}: {field}: {error.message}")
        raise CatalogueError("\n".join(lines))
    if declaration["name"] != path.stem:
        raise CatalogueError(f"{path.name}: name: {declaration['name']!r} must be the file's own, {path.stem!r}.")
    if declaration["publisher"] not in publishers:
        raise CatalogueError(
            f"{path.name}: publisher: {declaration['publisher']!r} is not in publishers.yaml "
            f"(known: {', '.join(publishers)})."
        )
    publisher = publishers[declaration["publisher"]]
    if ("live" in declaration) != bool(publisher.base_url):
        raise CatalogueError(
            f"{path.name}: live: is given exactly where the publisher has a base_url in publishers.yaml; "
            f"{publisher.name!r} has {'one' if publisher.base_url else 'none'}."
        )
    return Source(path.stem, publisher, declaration)


def source_names(folder: Path = HERE) -> list[str]:
    """The names of all sources, in alphabetical order, without reading their declarations."""
    return sorted(path.stem for path in folder.glob("*.yaml") if path.name != "publishers.yaml")


def load_catalogue(folder: Path = HERE) -> dict[str, Source]:
    """All sources by name, in alphabetical order. Raises CatalogueError for the first faulty file."""
    publishers = _publishers(folder)
    return {name: read_source(folder / f"{name}.yaml", publishers) for name in source_names(folder)}


def find(catalogue: Mapping[str, Source], name: str) -> Source:
    """The source of that name. Raises UnknownSource, listing those there are."""
    if name not in catalogue:
        raise UnknownSource(f"There is no source {name!r}. Known sources: {', '.join(catalogue)}.")
    return catalogue[name]


def live_names(catalogue: Mapping[str, Source]) -> list[str]:
    """The sources that are published at an address."""
    return [name for name, source in catalogue.items() if source.live]


def find_live(catalogue: Mapping[str, Source], name: str) -> Source:
    """The source of that name, to be asked for. Raises UnknownSource also when it is published at no address."""
    source = find(catalogue, name)
    if not source.live:
        raise UnknownSource(
            f"{name} is published at no address: its figures are compiled from documents. "
            f"Put a new file in with `peacekeeping load {name} FILE`."
        )
    return source
