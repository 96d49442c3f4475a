"""Proxies: loopback is reached directly by every client that this project and Prefect use, other hosts as configured."""

from __future__ import annotations

import httpx
import pytest
import requests
from requests.utils import select_proxy
from websockets.proxy import get_proxy
from websockets.uri import parse_uri

from flows.steps import proxies

PROXY = "http://me:secret@proxy.example:3128"
LOCAL = ("http://127.0.0.1:4200/api", "http://localhost:4200/api", "http://[::1]:4200/api")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        for spelling in (name, name.upper()):
            monkeypatch.setenv(spelling, "")  # so that what the code sets is undone
            monkeypatch.delenv(spelling)


def through_proxy(url: str) -> dict[str, bool]:
    """Which of the clients would use a proxy for an address."""
    chosen = requests.Session().merge_environment_settings(url, {}, None, None, None)["proxies"]
    with httpx.Client() as client:
        transport = client._transport_for_url(httpx.URL(url))
        pool = type(transport._pool).__name__  # type: ignore[attr-defined]
    websocket = get_proxy(parse_uri(url.replace("http", "ws", 1)))
    return {
        "urllib": proxies.proxy_for(url) is not None,
        "requests": select_proxy(url, chosen) is not None,
        "httpx": pool == "HTTPProxy",
        "websockets": websocket is not None,
    }


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_loopback_goes_through_no_proxy_and_other_hosts_do(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, PROXY)
    proxies.except_loopback()
    for url in LOCAL:
        assert not any(through_proxy(url).values()), url
    elsewhere = through_proxy("http://prefect.example:4200/api")
    del elsewhere["websockets"]  # which reads no ALL_PROXY
    assert all(elsewhere.values())


@pytest.mark.parametrize(
    ("given", "becomes"),
    [
        ({"no_proxy": "un.example, [::1]"}, "un.example,::1,127.0.0.1,localhost"),
        ({"NO_PROXY": "un.example"}, "un.example,127.0.0.1,localhost,::1"),
        ({"NO_PROXY": "un.example", "no_proxy": "other.example"}, "other.example,127.0.0.1,localhost,::1"),
        ({"no_proxy": "*"}, "*"),
        ({"no_proxy": "un.example,*"}, "*"),  # as Prefect's client reads it; the other clients know a lone star only
    ],
)
def test_the_users_exceptions_are_kept(given: dict[str, str], becomes: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (given | {"https_proxy": PROXY}).items():
        monkeypatch.setenv(name, value)
    proxies.except_loopback()
    proxies.except_loopback()
    assert [proxies.os.environ[name] for name in ("NO_PROXY", "no_proxy")] == [becomes, becomes]
    assert any(through_proxy("https://un.example/x").values()) == (becomes.startswith("other"))


def test_nothing_is_set_where_there_is_no_proxy() -> None:
    proxies.except_loopback()
    assert "NO_PROXY" not in proxies.os.environ


@pytest.mark.parametrize("value", ["socks5://127.0.0.1:1080", "ftp://proxy.example"])
def test_a_proxy_that_prefect_or_requests_can_not_use_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxies, "find_spec", lambda _: None)
    monkeypatch.setenv("all_proxy", value)
    with pytest.raises(proxies.UnusableProxy, match="all_proxy names a (SOCKS|ftp) proxy"):
        proxies.require_usable()
    monkeypatch.setenv("all_proxy", "proxy.example:3128")
    proxies.require_usable()
