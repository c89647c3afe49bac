"""The proxy variables of the environment: which proxy a request takes, and what of ours it would swallow.

A proxy that is asked for 192.168.1.20 does not reach it: `NO_PROXY` has to name the hosts, pods and services.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from wizard.core.dataclass import dataclass

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_VARIABLES = {"https": ("https_proxy", "all_proxy"), "http": ("http_proxy", "all_proxy")}


@dataclass(frozen=True, slots=True)
class Swallowed:
    """An address or network of ours that would be asked for through a proxy."""

    target: str
    """As it was given."""
    proxy: str
    """The proxy's address, without user and password."""
    variable: str
    """That names it, e.g. `HTTPS_PROXY`."""


def swallowed(env: Mapping[str, str], targets: Iterable[str]) -> tuple[Swallowed, ...]:
    """Which of our addresses the environment sends through a proxy.

    Args:
        env: the environment.
        targets: addresses (`192.168.1.20`), networks (`10.42.0.0/16`) or names. Networks are matched by
            networks in `NO_PROXY`, as Go's and curl's clients do (kubectl, k3s, curl >= 7.86).

    Returns:
        The ones that `NO_PROXY` does not cover; empty where no proxy is set.
    """
    found = _proxy("https", env) or _proxy("http", env)
    if found is None:
        return ()
    variable, proxy = found
    exempt = _exempt(env)
    return tuple(Swallowed(each, proxy, variable) for each in targets if not _covered(each, exempt))


def no_proxy_with(env: Mapping[str, str], targets: Iterable[str]) -> str:
    """What `NO_PROXY` has to be so that no target is swallowed: what is there, and what is missing.

    Args:
        env: the environment.
        targets: addresses, networks or names.
    """
    missing = [each.target for each in swallowed(env, targets)]
    return ",".join(dict.fromkeys([*_exempt(env), *missing]))


def proxy_for(url: str, env: Mapping[str, str]) -> str:
    """The proxy that a request takes, without user and password; empty = none.

    Args:
        url: that is asked for.
        env: the environment.
    """
    parts = urlsplit(url)
    found = _proxy(parts.scheme, env)
    host = parts.hostname or ""
    return "" if found is None or _covered(host, _exempt(env)) else found[1]


def _proxy(scheme: str, env: Mapping[str, str]) -> tuple[str, str] | None:
    for name in _VARIABLES.get(scheme, ()):
        for variable in (name, name.upper()):
            if value := env.get(variable, "").strip():
                return variable, _without_password(value)
    return None


def _without_password(proxy: str) -> str:
    scheme, mark, rest = proxy.rpartition("://")
    return f"{scheme}{mark}{rest.rpartition('@')[2]}"


def _exempt(env: Mapping[str, str]) -> tuple[str, ...]:
    text = env.get("no_proxy") or env.get("NO_PROXY") or ""
    return tuple(text.replace(",", " ").split())


def _covered(target: str, exempt: tuple[str, ...]) -> bool:
    if "*" in exempt:
        return True
    network = _network(target)
    if network is None:
        return target == "localhost" or any(_names(entry, target) for entry in exempt)
    if network.is_loopback:
        return True
    nets = [net for entry in exempt if (net := _network(entry)) is not None]
    return any(_inside(network, wide) for wide in _collapsed(nets, network.version))


def _names(entry: str, host: str) -> bool:
    suffix = entry.partition(":")[0].removeprefix("*").strip(".").lower()
    name = host.rstrip(".").lower()
    return bool(suffix) and (name == suffix or name.endswith(f".{suffix}"))


def _network(text: str) -> Network | None:
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:  # an address with a port
        bare = bare.partition(":")[0]
    try:
        return ipaddress.ip_network(bare, strict=False)
    except ValueError:
        return None


def _collapsed(nets: list[Network], version: int) -> list[Network]:
    """Two halves that lie side by side cover the whole."""
    if version == 4:  # noqa: PLR2004 - the version of the protocol
        return [*ipaddress.collapse_addresses([n for n in nets if isinstance(n, ipaddress.IPv4Network)])]
    return [*ipaddress.collapse_addresses([n for n in nets if isinstance(n, ipaddress.IPv6Network)])]


def _inside(inner: Network, outer: Network) -> bool:
    if isinstance(inner, ipaddress.IPv4Network) and isinstance(outer, ipaddress.IPv4Network):
        return inner.subnet_of(outer)
    if isinstance(inner, ipaddress.IPv6Network) and isinstance(outer, ipaddress.IPv6Network):
        return inner.subnet_of(outer)
    return False
