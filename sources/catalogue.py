"""The catalogue: the declarations of all sources, read from `sources/*.yaml` and checked by `schemas.source`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import yaml

from sources.errors import CatalogueError, UnknownSource

if TYPE_CHECKING:
    from schemas.source import Publisher, Source

HERE = Path(__file__).parent
PUBLISHERS = "publishers.yaml"


def read_yaml(path: Path) -> Any:
    """The content of a YAML file, unchecked. Raises CatalogueError when it is not valid YAML in UTF-8."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{path.name} is not valid YAML: {error}") from error


def _read_publishers(folder: Path) -> dict[str, Publisher]:
    from schemas import source, yaml_files

    try:
        return yaml_files.read_yaml(folder / PUBLISHERS, dict[str, source.Publisher])
    except yaml_files.DeclarationError as error:
        raise CatalogueError(str(error)) from error


def read_source(path: Path, publishers: Mapping[str, Publisher]) -> Source:
    """Read one declaration. Raises CatalogueError naming the file and each faulty field."""
    from schemas import source, yaml_files

    try:
        declared = yaml_files.read_yaml(path, source.Source, {"publishers": publishers})
    except yaml_files.DeclarationError as error:
        raise CatalogueError(str(error)) from error
    if declared.name != path.stem:
        raise CatalogueError(f"{path.name}: name: expected the file's name {path.stem!r}, got {declared.name!r}.")
    return declared


def source_names(folder: Path = HERE) -> list[str]:
    """The names of all sources, in alphabetical order, without reading their declarations."""
    return sorted(path.stem for path in folder.glob("*.yaml") if path.name != PUBLISHERS)


def load_catalogue(folder: Path = HERE) -> dict[str, Source]:
    """All sources by name, in alphabetical order. Raises CatalogueError for the first faulty file."""
    publishers = _read_publishers(folder)
    return {name: read_source(folder / f"{name}.yaml", publishers) for name in source_names(folder)}


def find(catalogue: Mapping[str, Source], name: str) -> Source:
    """The source of that name. Raises UnknownSource, listing the known ones."""
    if name not in catalogue:
        raise UnknownSource(f"There is no source {name!r}. Known sources: {', '.join(catalogue)}.")
    return catalogue[name]


def live_names(catalogue: Mapping[str, Source]) -> list[str]:
    """The sources that are published at an address."""
    return [name for name, source in catalogue.items() if source.live]


def find_live(catalogue: Mapping[str, Source], name: str) -> Source:
    """The source of that name, which must be published at an address. Raises UnknownSource otherwise."""
    source = find(catalogue, name)
    if not source.live:
        raise UnknownSource(
            f"{name} is published at no address: its figures are compiled from documents. "
            f"Load a new file with `peacekeeping load {name} FILE`."
        )
    return source


def address(source: Source, path: str | None = None) -> str:
    """The URL of a live source's dataset, or of another path of its publisher.

    The publisher's environment variable replaces the base URL. Raises CatalogueError when it is not an http(s) address.
    """
    return base_url(source.publisher) + (path or (source.live.path if source.live else ""))


def base_url(publisher: Publisher) -> str:
    """The start of a publisher's addresses. Raises CatalogueError when the variable for it is no http(s) address."""
    base = os.environ.get(publisher.environment, "").strip() or publisher.base_url
    if not _is_address(base):
        raise CatalogueError(
            f"{publisher.environment} must be an http:// or https:// address, got {base!r}. "
            f"Unset it to use {publisher.base_url}."
        )
    return base.rstrip("/")


def _is_address(url: str) -> bool:
    """Whether it is an http(s) address with a host and, if any, a valid port."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not any(c.isspace() for c in url)
