"""The files that a publisher links on a page."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import PurePosixPath
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from sources.client import Client
from sources.download import read_body
from sources.errors import Refused

MAX_PAGE_BYTES = 4 * 1024 * 1024
HTML = ("text/html", "application/xhtml+xml", "")


class _Links(HTMLParser):
    """Collects the addresses of all links."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        address = dict(attrs).get("href")
        if tag == "a" and address:
            self.found.append(address.strip())


def linked_files(client: Client, url: str, pattern: str) -> list[str]:
    """The addresses of the files that a page links, in its order, each once: on its host, with a name of the pattern.

    Raises what the client raises; Refused also for a page that is no HTML or too large.
    """
    with client.get(url) as reply:
        if reply.kind() not in HTML:
            raise Refused(f"{url} came as {reply.kind()}; expected a web page (text/html).")
        body = read_body(reply, url, MAX_PAGE_BYTES)
    parser = _Links()
    parser.feed(body.decode("utf-8", "replace"))
    wanted = re.compile(pattern, re.IGNORECASE)
    return list(dict.fromkeys(address for link in parser.found if (address := _wanted(link, url, wanted))))


def _wanted(link: str, page: str, pattern: re.Pattern[str]) -> str:
    """The whole address of a link to a wanted file on the page's host; empty for any other."""
    try:
        address = urldefrag(urljoin(page, link)).url
        parts, host = urlsplit(address), urlsplit(page).hostname
    except ValueError:  # no address
        return ""
    name = unquote(PurePosixPath(parts.path).name)
    return address if parts.hostname == host and pattern.fullmatch(name) else ""
