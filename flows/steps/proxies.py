"""HTTP proxies: none is used for an address on loopback, and which one is in force for another.

Prefect's clients, `requests` and `urllib` all read HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, in either case. A
proxy can't reach this machine's own server, so loopback is added to NO_PROXY once, when a command starts; the processes
that it starts inherit it.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from urllib.parse import urlsplit
from urllib.request import getproxies, getproxies_environment, proxy_bypass

from schemas.errors import UsageError

LOOPBACK = ("127.0.0.1", "localhost", "::1")
SCHEMES = ("http", "https", "socks5", "socks5h")
SOCKS_PACKAGES = {"socksio": "httpx[socks]", "socks": "requests[socks]", "python_socks": "python-socks"}


class UnusableProxy(UsageError):
    """A variable names a proxy that Prefect's client or `requests` can't use."""


def except_loopback() -> None:
    """Add loopback to NO_PROXY where a proxy is set, after the entries that are there."""
    proxies = getproxies_environment()
    entries = [entry.strip() for entry in proxies.pop("no", "").split(",") if entry.strip()]
    if not proxies:
        return
    entries = [entry.strip("[]") for entry in entries]  # Prefect's client fails at [::1]
    value = "*" if "*" in entries else ",".join(dict.fromkeys([*entries, *LOOPBACK]))
    for name in ("no_proxy", "NO_PROXY"):
        os.environ[name] = value


def proxy_for(url: str) -> str | None:
    """The proxy for an address; None where it is reached directly."""
    parts = urlsplit(url)
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    host = (parts.hostname or "") + (f":{parts.port}" if parts.port else "")
    return None if not proxy or proxy_bypass(host) else proxy


def require_usable() -> None:
    """Raise UnusableProxy for a proxy of an unknown kind, or a SOCKS proxy without the packages for it.

    Prefect's client fails at such a variable even where it would not use the proxy.
    """
    for kind in ("http", "https", "all"):
        proxy = getproxies().get(kind, "")
        scheme = proxy.partition("://")[0].lower() if "://" in proxy else "http"
        if proxy and scheme not in SCHEMES:
            raise UnusableProxy(f"{kind}_proxy names a {scheme} proxy; expected one of {', '.join(SCHEMES)}.")
        missing = [package for module, package in SOCKS_PACKAGES.items() if find_spec(module) is None]
        if scheme.startswith("socks") and missing:
            raise UnusableProxy(
                f"{kind}_proxy names a SOCKS proxy, for which packages are missing: pip install {' '.join(missing)}. "
                "Or name an HTTP proxy."
            )


if __name__ == "__main__":  # for `make server`, `make deploy` and `make worker`
    except_loopback()
    print(os.environ.get("no_proxy", ""))
