"""The HTTP client: one session with a publisher, GETs with retries and timeouts, and errors in plain words.

A name look-up can hang longer than any timeout of `requests`. A thread with a limit of two seconds therefore connects
to the host first, so that a machine without a network does not wait.
"""

from __future__ import annotations

import gzip
import io
import json
import socket
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.utils import prepend_scheme_if_needed, select_proxy
from urllib3.util import retry

from sources.errors import Refused, Unavailable, Unreachable

REACH_SECONDS = 2.0
CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0
WHOLE_SECONDS = 600.0
RETRY_AFTER_MAX_SECONDS = 30
MAX_REDIRECTS = 5
CHUNK_BYTES = 1 << 16
TRY_AGAIN_STATUSES = frozenset({408, 425, 429, *range(500, 600)})
METADATA_BYTES = 1 << 20


@dataclass(frozen=True)
class Validator:
    """The ETag and Last-Modified of a reply (RFC 9110, section 8.8), for a conditional GET."""

    etag: str | None = None
    last_modified: str | None = None

    def headers(self) -> dict[str, str]:
        """The headers of a conditional GET."""
        conditions = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in conditions.items() if value}


@dataclass(frozen=True)
class Reply:
    """A reply, its body still to be read from `pieces`: status 200, 304 (not modified) or, if allowed, 404."""

    status: int
    content_type: str
    validator: Validator
    pieces: Iterator[bytes]
    date: str | None = None

    def kind(self) -> str:
        """The content type without parameters, in lower case; empty where there is none."""
        return self.content_type.partition(";")[0].strip().lower()

    def last_modified(self) -> str | None:
        """The ISO day of Last-Modified, or None."""
        return _day(self.validator.last_modified)

    def served_on(self) -> str | None:
        """The ISO day by the server's clock (Date), or None."""
        return _day(self.date)


def _day(header: str | None) -> str | None:
    try:
        return parsedate_to_datetime(header or "").date().isoformat()
    except (ValueError, OverflowError):
        return None


def require_reachable(url: str, seconds: float = REACH_SECONDS) -> None:
    """Look up the host and connect to it, or to its configured proxy, within `seconds`.

    Raises Unreachable when the name is unknown, there is no answer, or the time is over; Refused for an invalid URL.
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

    def connect() -> None:
        try:
            socket.create_connection((host, port), timeout=seconds).close()
            outcome.append(None)
        except (OSError, UnicodeError) as error:
            outcome.append(error)

    thread = threading.Thread(target=connect, daemon=True, name=f"reach {host}")
    thread.start()
    thread.join(seconds)
    if not outcome:
        raise Unreachable(f"{host} did not answer within {seconds:g} s.")
    if isinstance(outcome[0], (socket.gaierror, UnicodeError)):
        raise Unreachable(f"{host} can't be looked up (no network, or no such host).")
    if outcome[0] is not None:
        raise Unreachable(f"{host} can't be reached: {outcome[0].strerror or outcome[0]}.")


class Retry(retry.Retry):
    """urllib3's retries; an invalid Retry-After is ignored, so that the usual pause applies."""

    def get_retry_after(self, response: urllib3.BaseHTTPResponse) -> float | None:
        try:
            return super().get_retry_after(response)
        except (urllib3.exceptions.InvalidHeader, ValueError, TypeError, IndexError, OverflowError):
            return None


def _session() -> requests.Session:
    session = requests.Session()
    session.headers["Accept-Encoding"] = "gzip"  # the only encoding whose end is checked
    session.headers["User-Agent"] = f"peacekeeping/{version('peacekeeping')} (open data pipeline on UN peacekeeping)"
    retries = Retry(
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
        session.mount(scheme, HTTPAdapter(max_retries=retries))
    return session


@contextmanager
def _errors_in_plain_words(url: str) -> Iterator[None]:
    """Turn the exceptions of requests, urllib3 and gzip into SourceErrors."""
    host = urlsplit(url).hostname
    try:
        yield
    except requests.exceptions.SSLError as error:
        raise Unreachable(f"{host}: the TLS certificate can't be verified ({_cause(error)}).") from error
    except urllib3.exceptions.ProtocolError as error:
        raise Unavailable(f"The reply of {host} was cut off{_missing_bytes(error)}.") from error
    except EOFError as error:
        raise Unavailable(f"The reply of {host} was cut off (its gzip encoding has no end).") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise Unavailable(f"The reply of {host} is damaged gzip ({error}).") from error
    except urllib3.exceptions.ReadTimeoutError as error:
        raise Unavailable(f"{host} stopped sending in the middle of the reply.") from error
    except requests.exceptions.Timeout as error:
        raise Unavailable(f"{host} stopped answering ({_cause(error)}).") from error
    except requests.exceptions.ConnectionError as error:
        raise Unavailable(f"The connection to {host} failed ({_cause(error)}).") from error
    except urllib3.exceptions.HTTPError as error:
        raise Unavailable(f"{host} broke off ({_cause(error)}).") from error
    except (requests.exceptions.RequestException, ValueError) as error:
        raise Refused(f"{url} can't be fetched ({_cause(error)}).") from error


def _missing_bytes(error: urllib3.exceptions.ProtocolError) -> str:
    """The bytes received and missing, where the server stated the length."""
    cut = error.args[-1] if error.args else None
    if isinstance(cut, urllib3.exceptions.IncompleteRead) and isinstance(cut.expected, int):
        return f" ({cut.partial:,} bytes came, {cut.expected:,} are missing)"
    return ""


def _cause(error: BaseException) -> str:
    """The reason inside an exception, on one line."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return " ".join(str(reason or error).split())[:200]


class _Body(io.RawIOBase):
    """The body of a response; reading returns as soon as there are some bytes.

    Raises Unavailable after `deadline` (of the monotonic clock). `decoded`: without the content encoding.
    """

    def __init__(self, response: requests.Response, deadline: float, *, decoded: bool) -> None:
        super().__init__()
        self._response, self._deadline, self._decoded = response, deadline, decoded

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        chunk: bytes = self._response.raw.read1(len(buffer), decode_content=self._decoded)
        if chunk and time.monotonic() > self._deadline:
            host = urlsplit(self._response.url).hostname
            raise Unavailable(f"{host} took more than {WHOLE_SECONDS:g} s to send everything.")
        buffer[: len(chunk)] = chunk
        return len(chunk)


class Client:
    """One session with the publisher at an address; a context manager.

    Entering raises Unreachable when there is no answer.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = _session()
        self._deadline = time.monotonic() + WHOLE_SECONDS

    def __enter__(self) -> Client:
        require_reachable(self.url)
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    @contextmanager
    def get(
        self,
        url: str,
        params: Mapping[str, int] | None = None,
        *,
        known: Validator | None = None,
        or_missing: bool = False,
    ) -> Iterator[Reply]:
        """GET, with three retries of temporary faults (408, 425, 429, 5xx, connection).

        The status can be 304 with a `known` validator, and 404 with `or_missing`. Raises Unreachable (no connection),
        Unavailable (can't serve now, stalled, cut off) or Refused (another status, a redirect to another host); so does
        reading the pieces.
        """
        conditions = known.headers() if known else {}
        expected = {requests.codes.ok, *([304] if conditions else []), *([404] if or_missing else [])}
        with _errors_in_plain_words(url):
            response = self._follow(url, params, conditions)
        with closing(response):
            _require_status(response, expected)
            headers = response.headers
            validator = Validator(headers.get("ETag"), headers.get("Last-Modified"))
            content_type, pieces = headers.get("Content-Type", ""), self._pieces(response, url)
            yield Reply(response.status_code, content_type, validator, pieces, headers.get("Date"))

    def _follow(self, url: str, params: Mapping[str, int] | None, headers: Mapping[str, str]) -> requests.Response:
        """GET; follow redirects on the same host only, and never from https to http."""
        start = urlsplit(url)
        for _ in range(MAX_REDIRECTS + 1):
            response = self._session.get(
                url,
                params=params,
                headers=headers,
                stream=True,
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                allow_redirects=False,
            )
            if not response.is_redirect or response.next is None or response.next.url is None:
                return response
            url, params = response.next.url, None
            goal = urlsplit(url)
            response.close()
            if goal.hostname != start.hostname or (start.scheme == "https" and goal.scheme != "https"):
                raise Refused(
                    f"{start.hostname} redirects to {goal.scheme}://{goal.hostname}; expected the same host, "
                    "and https after https. If the publisher has moved, set the new base URL."
                )
        raise Refused(f"{start.hostname} redirects more than {MAX_REDIRECTS} times.")

    def _pieces(self, response: requests.Response, url: str) -> Iterator[bytes]:
        """The body without its content encoding; gzip is read to its end, with the check sum."""
        packed = response.headers.get("Content-Encoding", "").strip().lower() in ("gzip", "x-gzip")
        body = _Body(response, self._deadline, decoded=not packed)
        read = gzip.GzipFile(fileobj=io.BufferedReader(body)).read1 if packed else body.read
        with _errors_in_plain_words(url):
            while chunk := read(CHUNK_BYTES):
                yield chunk

    def last_update(self, url: str) -> str | None:
        """The `Last Update Date` (an ISO day) of a dataset's metadata; None where it is missing or for any fault."""
        try:
            with self.get(url) as reply:
                content: Any = json.loads(_short(reply))
        except (Unavailable, Unreachable, Refused, ValueError, RecursionError):
            return None
        entry = content[0] if isinstance(content, list) and content else content
        value = entry.get("Last Update Date") if isinstance(entry, dict) else None
        try:
            return date.fromisoformat(str(value)[:10]).isoformat()
        except ValueError:
            return None


def _require_status(response: requests.Response, expected: set[int]) -> None:
    came = f"{response.status_code} {response.reason or ''}".rstrip()
    if response.status_code in TRY_AGAIN_STATUSES:
        raise Unavailable(f"{urlsplit(response.url).hostname} answered {came}, also after retries.")
    if response.status_code not in expected:
        raise Refused(f"{response.url} answered {came}; expected 200. The file may have moved.")


def _short(reply: Reply) -> bytes:
    """The first METADATA_BYTES of a body, and at most one more piece."""
    body = b""
    for piece in reply.pieces:
        body += piece
        if len(body) > METADATA_BYTES:
            break
    return body
