"""The checks of `doctor` of Prefect's database and of the proxies; Prefect is not imported."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from flows.cli.finding import Finding, masked, size_text
from flows.steps import prefect_database, proxies
from schemas.errors import ProjectError
from sources.catalogue import address, load_catalogue

URL = "PREFECT_API_URL"


def database() -> Finding:
    """Whether the file of Prefect's database can be used and is undamaged, its size and the version of its schema."""
    what, file = "Prefect database", prefect_database.database_file()
    if file is None:
        return Finding("ok", what, "no file: the settings name PostgreSQL or a database in memory; not checked")
    try:
        prefect_database.require_usable(file)
        if not file.exists():
            return Finding("ok", what, f"{file} (the first run creates it)")
        prefect_database.require_undamaged(file)
        found = prefect_database.schema_version(file) or "none yet"
    except prefect_database.DatabaseFault as error:
        return Finding.of_error("bad", what, error)
    return Finding("ok", what, f"{file}, {size_text(file.stat().st_size)}, schema version {found}, undamaged")


def proxy() -> Finding:
    """The proxies in force, and for which addresses: a server's on another machine, and the publishers'."""
    try:
        proxies.require_usable()
        urls = [address(source) for source in load_catalogue().values() if source.live]
    except ProjectError as error:
        return Finding.of_error("bad", "proxy", error)
    hosts: dict[str, list[str]] = {}
    for url in filter(None, (os.environ.get(URL), *urls)):
        host = urlsplit(url).hostname or url
        through = hosts.setdefault(masked("", proxies.proxy_for(url) or ""), [])
        if host not in through:
            through.append(host)
    direct = hosts.pop("", [])
    if not hosts:
        return Finding("ok", "proxy", "none")
    parts = [f"{through} for {', '.join(names)}" for through, names in hosts.items()]
    return Finding("ok", "proxy", "; ".join([*parts, f"none for {', '.join([*direct, 'loopback'])}"]))
