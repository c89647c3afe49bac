"""Specs for tests that run the command line against loopback: the example's addresses are never contacted."""

from __future__ import annotations

from pathlib import Path

_HOSTS = (("tower-a", "hypervisor", 11), ("tower-b", "hypervisor", 12), ("pi", "witness", 13))
_LAN = "10.213.99"

NOBODY = 1
"""A port of loopback where nothing listens: the connection is refused at once."""


def loopback_home(
    folder: Path,
    *,
    ports: tuple[int, int, int] = (NOBODY, NOBODY, NOBODY),
    extra: str = "",
    proposed: bool = False,
) -> Path:
    """A home folder whose ssh_config sends every host of the spec in it to a loopback port.

    Args:
        folder: becomes HOME; `cluster.yaml` is written into it.
        ports: SSH port of each host on 127.0.0.1.
        extra: more YAML, top-level keys.
        proposed: machines are left to the wizard.

    Returns:
        The spec's path.
    """
    config = folder / ".ssh" / "config"
    config.parent.mkdir(mode=0o700, exist_ok=True)
    config.write_text(
        "".join(
            f"Host {_LAN}.{number}\n  HostName 127.0.0.1\n  Port {port}\n"
            for (_, _, number), port in zip(_HOSTS, ports, strict=True)
        )
    )
    spec = folder / "cluster.yaml"
    spec.write_text(spec_text(extra, proposed=proposed))
    return spec


def spec_text(extra: str = "", *, proposed: bool = False) -> str:
    """A sound spec of two hypervisors and a Pi on a LAN that is routed nowhere here.

    Args:
        extra: more YAML, top-level keys.
        proposed: machines are left to the wizard; else those of `extra`, or none.
    """
    machines = "" if proposed or "machines:" in extra else "machines: []\n"
    hosts = "\n".join(
        f"  - {{name: {name}, role: {role}, address: {_LAN}.{number}}}" for name, role, number in _HOSTS
    )
    return f"""schema: 1
name: loop
network:
  cidr: {_LAN}.0/24
  gateway: {_LAN}.1
  domain: home.arpa
  dhcp: {_LAN}.100-{_LAN}.199
  api_vip: {_LAN}.20
  load_balancer: {_LAN}.230-{_LAN}.250
  upstream_dns: [9.9.9.9]
hosts:
{hosts}
storage: {{kind: none}}
k3s: {{version: v1.36.4+k3s1}}
etcd: {{version: 3.6.14}}
dns: {{kind: coredns}}
{machines}{extra}
"""
