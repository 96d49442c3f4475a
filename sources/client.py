"""The HTTP client: one polite GET of a source's file, streamed to disk, with every wait bounded.

A machine with no network must not wait: whether the host can be reached at all is asked first, in a thread that
is given up after two seconds, because looking up a name can hang beyond any timeout `requests` knows.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.utils import prepend_scheme_if_needed, select_proxy
from urllib3.util.retry import Retry

from sources.errors import Refused, Unavailable, Unreachable

REACH_SECONDS = 2.0
CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0
WHOLE_SECONDS = 600.0
RETRY_AFTER_MAX_SECONDS = 30
MAX_BYTES = 256 * 1024 * 1024
MAX_REDIRECTS = 5
CHUNK_BYTES = 1 << 16
TRY_AGAIN_STATUSES = frozenset({429, 500, 502, 503, 504})
USER_AGENT = "peacekeeping-data-pipeline/0.1 (open data about UN peacekeeping)"


@dataclass(frozen=True)
class Fetched:
    """A reply on disk. `last_modified` is the ISO day the server names, if it does."""

    path: Path
    url: str
    content_type: str
    last_modified: str | None


def require_reachable(url: str, seconds: float = REACH_SECONDS) -> None:
    """Look the host up and connect to it, or to the proxy in force for it, within `seconds` in all.

    Raises Unreachable when the name isn't known, nobody answers, or the time is up.
    """
    try:
        proxies = requests.Session().merge_environment_settings(url, {}, None, None, None)["proxies"]
        proxy = select_proxy(url, proxies)
        parts = urlsplit(prepend_scheme_if_needed(proxy, "http") if proxy else url)  # type: ignore[no-untyped-call]
        host = parts.hostname or ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise Refused(f"{url} is no address ({error}).") from error
    outcome: list[OSError | UnicodeError | None] = []

    def knock() -> None:
        try:
            socket.create_connection((host, port), timeout=seconds).close()
            outcome.append(None)
        except (OSError, UnicodeError) as error:
            outcome.append(error)

    thread = threading.Thread(target=knock, daemon=True, name=f"reach {host}")
    thread.start()
    thread.join(seconds)
    if not outcome:
        raise Unreachable(f"{host} did not answer within {seconds:g} s.")
    if isinstance(outcome[0], (socket.gaierror, UnicodeError)):
        raise Unreachable(f"{host} can't be looked up (no network, or no such host).")
    if outcome[0] is not None:
        raise Unreachable(f"{host} can't be reached: {outcome[0].strerror or outcome[0]}.")


def _session() -> requests.Session:
    session = requests.Session()
    session.headers["User-Agent"] = USER_AGENT
    retry = Retry(
        total=3,
        backoff_factor=0.4,
        backoff_jitter=0.2,
        status_forcelist=TRY_AGAIN_STATUSES,
        allowed_methods={"GET"},
        respect_retry_after_header=True,
        retry_after_max=RETRY_AFTER_MAX_SECONDS,
        raise_on_status=False,
    )
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry))
    return session


@contextmanager
def _told_plainly(url: str) -> Iterator[None]:
    """Turn the library's exceptions into ours."""
    host = urlsplit(url).hostname
    try:
        yield
    except requests.exceptions.SSLError as error:
        raise Unreachable(f"{host}: the TLS certificate can't be verified ({_cause(error)}).") from error
    except requests.exceptions.ChunkedEncodingError as error:
        raise Unavailable(f"{host} broke the connection off in the middle of the file.") from error
    except requests.exceptions.Timeout as error:
        raise Unavailable(f"{host} stopped answering ({_cause(error)}).") from error
    except requests.exceptions.ConnectionError as error:
        raise Unavailable(f"The connection to {host} failed ({_cause(error)}).") from error
    except urllib3.exceptions.HTTPError as error:
        raise Unavailable(f"{host} broke off ({_cause(error)}).") from error
    except (requests.exceptions.RequestException, ValueError) as error:
        raise Refused(f"{url} can't be fetched ({_cause(error)}).") from error


def _cause(error: BaseException) -> str:
    """The innermost reason, on one line."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return " ".join(str(reason or error).split())[:200]


def _get(session: requests.Session, url: str) -> requests.Response:
    """GET, following redirects only within the publisher's own host and never from https to http."""
    start = urlsplit(url)
    for _ in range(MAX_REDIRECTS + 1):
        response = session.get(url, stream=True, timeout=(CONNECT_SECONDS, READ_SECONDS), allow_redirects=False)
        if not response.is_redirect or response.next is None or response.next.url is None:
            return response
        url = response.next.url
        goal = urlsplit(url)
        response.close()
        if goal.hostname != start.hostname or (start.scheme == "https" and goal.scheme != "https"):
            raise Refused(
                f"{start.hostname} redirects to {goal.scheme}://{goal.hostname}, which is not the publisher's "
                "own address. If the publisher has moved, set the new base URL."
            )
    raise Refused(f"{start.hostname} redirects more than {MAX_REDIRECTS} times.")


def _require_ok(response: requests.Response, url: str) -> None:
    if response.status_code in TRY_AGAIN_STATUSES:
        raise Unavailable(
            f"{urlsplit(url).hostname} answered {response.status_code} {response.reason}, also when asked again."
        )
    if response.status_code != requests.codes.ok:
        raise Refused(
            f"{url} answered {response.status_code} {response.reason}; expected 200. The file may have moved."
        )


def fetch(url: str, target: Path) -> Fetched:
    """Stream the reply of `url` to `target`; temporary faults (429, 5xx, connection) are retried three times.

    Raises Unreachable (no connection), Unavailable (can't serve now, stalled, cut off) or Refused (another status,
    a redirect elsewhere, a reply over the size limit).
    """
    require_reachable(url)
    deadline = time.monotonic() + WHOLE_SECONDS
    with _told_plainly(url), _session() as session, closing(_get(session, url)) as response:
        _require_ok(response, url)
        size = 0
        with target.open("wb") as file:
            for chunk in _pieces(response):
                size += len(chunk)
                if size > MAX_BYTES:
                    raise Refused(f"{url} sends more than {MAX_BYTES:,} bytes; that is no file of this source.")
                if time.monotonic() > deadline:
                    raise Unavailable(f"{urlsplit(url).hostname} took more than {WHOLE_SECONDS:g} s to send the file.")
                file.write(chunk)
        return Fetched(target, url, response.headers.get("Content-Type", ""), _last_modified(response))


def _pieces(response: requests.Response) -> Iterator[bytes]:
    """What comes, as soon as it comes."""
    while chunk := response.raw.read1(CHUNK_BYTES, decode_content=True):
        yield chunk


def _last_modified(response: requests.Response) -> str | None:
    try:
        return parsedate_to_datetime(response.headers["Last-Modified"]).date().isoformat()
    except (KeyError, ValueError, OverflowError):
        return None


def last_update(url: str) -> str | None:
    """The publisher's own `Last Update Date` (an ISO day) from its metadata, or None where it tells none.

    Any of the metadata may be missing or null, and a source must not fail for that: a fault here is None.
    """
    try:
        with _told_plainly(url), _session() as session, closing(_get(session, url)) as response:
            _require_ok(response, url)
            content: Any = json.loads(response.raw.read(1 << 20, decode_content=True))
    except (Unavailable, Unreachable, Refused, ValueError, RecursionError):
        return None
    entry = content[0] if isinstance(content, list) and content else content
    stated = entry.get("Last Update Date") if isinstance(entry, dict) else None
    try:
        return date.fromisoformat(str(stated)[:10]).isoformat()
    except ValueError:
        return None
