"""Identities: hashes of the code that a build or a staged snapshot depends on, and the id of a build.

Files are hashed with their paths relative to the packages, so that a clone and an installed wheel agree. Left out is
what can't change a table: Prefect's flows, the command line, reports and exports.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from functools import cache
from importlib.metadata import version
from pathlib import Path

from sources.archive import Snapshot

ROOT = Path(__file__).parents[2]
STAGING_CODE = (
    "schemas", "transforms", "sources/acceptance.py", "flows/steps/registry.py", "flows/steps/staging_cache.py",
)  # fmt: skip
BUILD_CODE = (*STAGING_CODE, "sources", "warehouse", "flows/steps/staging.py", "flows/steps/build.py")
NOT_IN_BUILD = ("warehouse/export", "warehouse/reports")
SUFFIXES = {".py", ".yaml", ".csv", ".sql", ".json", ".toml"}


@cache
def _sha256(parts: tuple[str, ...]) -> str:
    """Hash of files, and of the files in folders, named relative to the packages."""
    files = {
        file
        for part in parts
        for file in ([ROOT / part] if (ROOT / part).is_file() else (ROOT / part).rglob("*"))
        if file.suffix in SUFFIXES and not any(file.is_relative_to(ROOT / folder) for folder in NOT_IN_BUILD)
    }
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(file.relative_to(ROOT).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def code_sha256() -> str:
    """Hash of the code, declarations and code lists that a build depends on."""
    return _sha256(BUILD_CODE)


def staging_code(source: str) -> str:
    """What a staged snapshot of a source depends on besides its bytes and its vintage.

    The code that reads and stages, the source's declaration, and the packages that shape frames and files.
    """
    parts = [
        _sha256(STAGING_CODE),
        _sha256((f"sources/{source}.yaml",)),
        *map(version, ("pandas", "pandera", "pyarrow")),
    ]
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16]


def build_id(snapshots: Mapping[str, Iterable[Snapshot]]) -> str:
    """The id of a build of each source's snapshots: the same ones (records included) and the same code, the same id."""
    parts = sorted(json.dumps(asdict(snapshot), sort_keys=True) for chosen in snapshots.values() for snapshot in chosen)
    return hashlib.sha256("\n".join([code_sha256(), *parts]).encode()).hexdigest()[:12]
