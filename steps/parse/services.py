"""Programs that are needed or in the way, and the host's clock."""

from __future__ import annotations

import re

from steps.parse.sections import Sections
from steps.parse.values import decimal, pairs
from wizard.core.facts import Clock, Service

_SERVICES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "k3s": (("k3s-server", "k3s"), ("k3s",)),
    "k3s-agent": (("k3s-agent",), ("k3s-agent",)),
    "microk8s": (("kubelite", "k8s-dqlite"), ()),
    "kube-apiserver": (("kube-apiserver",), ()),
    "kubelet": (("kubelet",), ("kubelet",)),
    "etcd": (("etcd",), ("etcd",)),
    "docker": (("dockerd",), ("docker",)),
    "containerd": (("containerd",), ("containerd",)),
    "libvirtd": (("libvirtd", "virtqemud", "virtlxcd"), ("libvirtd", "virtqemud")),
    "systemd-resolved": (("systemd-resolve",), ("systemd-resolved",)),
    "systemd-timesyncd": (("systemd-timesyn",), ("systemd-timesyncd",)),
    "chrony": (("chronyd",), ("chrony", "chronyd")),
    "ntpd": (("ntpd",), ("ntp", "ntpsec", "ntpd")),
    "keepalived": (("keepalived",), ("keepalived",)),
    "haproxy": (("haproxy",), ("haproxy",)),
    "dnsmasq": (("dnsmasq",), ()),
    "iscsid": (("iscsid",), ("iscsid",)),
    "multipathd": (("multipathd",), ("multipathd",)),
    "firewalld": (("firewalld",), ("firewalld",)),
    "nftables": ((), ("nftables",)),
    "ufw": ((), ("ufw",)),
    "named": (("named",), ()),
    "unbound": (("unbound",), ()),
    "adguard": (("AdGuardHome",), ()),
    "pihole": (("pihole-FTL",), ()),
}
"""Our name, the process names (the kernel keeps 15 letters), the unit names."""

_PROGRAMS = {
    "libvirtd": "libvirtd",
    "docker": "dockerd",
    "etcd": "etcd",
    "k3s": "k3s",
    "keepalived": "keepalived",
}
"""Programs whose presence means installed where no unit file tells (Unraid)."""


def services(sections: Sections) -> tuple[Service, ...]:
    """Every program of the list that is installed or running."""
    seen = _seen(sections)
    tools = set(sections.lines("tools"))
    found = [_service(name, seen, tools, "systemd" in _host(sections)) for name in _SERVICES]
    return tuple(service for service in found if service.installed or service.running)


def _host(sections: Sections) -> dict[str, str]:
    return pairs(sections.lines("host"))


def _seen(sections: Sections) -> set[str]:
    return set(sections.lines("services"))


def _service(name: str, seen: set[str], tools: set[str], systemd: bool) -> Service:
    processes, units = _SERVICES[name]
    unit = any(f"unit {each}" in seen for each in units)
    running = any(f"process {each}" in seen for each in processes)
    installed = unit or running or _PROGRAMS.get(name) in tools
    enabled = any(f"enabled {each}" in seen for each in units) if systemd and unit else None
    return Service(name, installed, running, enabled)


def is_running(sections: Sections, name: str) -> bool | None:
    """Whether one of a service's processes was seen; unknown where the script did not get to look."""
    if "services" not in sections:
        return None
    seen = _seen(sections)
    return any(f"process {process}" in seen for process in _SERVICES[name][0])


def clock(sections: Sections, *, sent: float, received: float) -> Clock:
    """The host's clock against ours.

    The host reads its clock when the script begins and when it ends. Both moments lie between our `sent` and
    `received`, which bounds the offset from both sides (as NTP does with its four time stamps).

    Args:
        sections: the facts script's answer.
        sent: our clock before we asked, epoch seconds.
        received: our clock when the answer was whole.
    """
    begin = decimal(pairs(sections.lines("begin")).get("epoch", "").removesuffix(".%N"))
    end = decimal(pairs(sections.lines("end")).get("epoch", "").removesuffix(".%N"))
    synchronised, by = _keeper(sections)
    if begin is None:
        return Clock(synchronised=synchronised, by=by)
    end = begin if end is None or end < begin else end
    highest, lowest = begin - sent, end - received
    coarse = 0.5 if begin == int(begin) and end == int(end) else 0.0
    uncertainty = max(0.0, (highest - lowest) / 2) + coarse
    return Clock(end, round((highest + lowest) / 2 + coarse, 6), round(uncertainty, 6), synchronised, by)


def _keeper(sections: Sections) -> tuple[bool | None, str]:
    """Whether the clock is kept, and by whom; a chronyd or ntpd that does not say so is not synchronised."""
    if is_running(sections, "chrony"):
        said = pairs(sections.lines("chronyc"), ":")
        status = said.get("Leap status")
        return (None if status is None else status != "Not synchronised"), "chrony"
    if is_running(sections, "ntpd"):
        stratum = re.search(r"stratum=([0-9]{1,2})\b", " ".join(sections.lines("ntpq")))
        return (None if stratum is None else int(stratum[1]) < _UNSYNCHRONISED_STRATUM), "ntpd"
    if is_running(sections, "systemd-timesyncd"):
        return "timesyncd_synchronised" in _host(sections), "systemd-timesyncd"
    return (False if "services" in sections else None), ""


_UNSYNCHRONISED_STRATUM = 16
"""RFC 5905: stratum 16 means unsynchronised."""
