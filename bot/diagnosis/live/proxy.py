"""Which proxy the environment means for a server, as kubectl reads it."""

from __future__ import annotations

import ipaddress
import urllib.request
from urllib.parse import urlsplit

__all__ = ["proxy_for"]


def proxy_for(server: str) -> str | None:
    """Return the proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY mean for a server; none for one on this machine."""
    target = urlsplit(server)
    host = target.hostname or ""
    address = _address(host)
    if host == "localhost" or (address and address.is_loopback) or urllib.request.proxy_bypass(host):
        return None
    proxies = urllib.request.getproxies()
    if address and any(address in network for network in _networks(proxies.get("no", ""))):
        return None
    proxy = proxies.get(target.scheme)
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _networks(no_proxy: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    networks = []
    for part in no_proxy.split(","):
        try:
            networks.append(ipaddress.ip_network(part.strip()))
        except ValueError:  # a name or a suffix, which the standard library understands
            continue
    return networks
