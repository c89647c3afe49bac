"""Names, addresses and hardware addresses that must be there once only, and names that must exist (faults.md 26)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from wizard.core.spec.model import ClusterSpec, Problem


def name_rules(spec: ClusterSpec) -> Iterator[Problem]:
    """Nothing is given away twice, and what is referred to is there."""
    yield from _twice(_names(spec), "The name", "Every host and machine needs a name of its own.")
    yield from _twice(_addresses(spec), "The address", "Every host and machine needs an address of its own.")
    macs = ((f"machines[{i}].mac", machine.mac or "") for i, machine in enumerate(spec.machines))
    yield from _twice(macs, "The MAC address", "Leave mac out: the wizard makes one that stays the same.")
    upstream = (
        (f"network.upstream_dns[{i}]", address) for i, address in enumerate(spec.network.upstream_dns)
    )
    yield from _twice(upstream, "The name server", "Name each once.")
    checks = ((f"waivers[{i}].check", waiver.check) for i, waiver in enumerate(spec.waivers))
    yield from _twice(checks, "The check", "One waiver for each check.")
    yield from _machines_on_hosts(spec)
    yield from _vendor_macs(spec)


def _names(spec: ClusterSpec) -> Iterator[tuple[str, str]]:
    for index, host in enumerate(spec.hosts):
        yield f"hosts[{index}].name", host.name
    for index, machine in enumerate(spec.machines):
        yield f"machines[{index}].name", machine.name


def _addresses(spec: ClusterSpec) -> Iterator[tuple[str, str]]:
    yield "network.gateway", spec.network.gateway
    yield "network.api_vip", spec.network.api_vip
    for index, host in enumerate(spec.hosts):
        yield f"hosts[{index}].address", host.address
    for index, machine in enumerate(spec.machines):
        yield f"machines[{index}].address", machine.address


def _twice(values: Iterable[tuple[str, str]], what: str, hint: str) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for path, value in values:
        if value in first:
            yield Problem(path, f"{what} {value} is given twice: it is {first[value]} already.", hint)
        elif value:
            first[value] = path


def _machines_on_hosts(spec: ClusterSpec) -> Iterator[Problem]:
    roles = {host.name: host.role for host in spec.hosts if host.name}
    hypervisors = ", ".join(name for name, role in roles.items() if role == "hypervisor")
    for index, machine in enumerate(spec.machines):
        path, hint = f"machines[{index}].host", f"Hypervisors: {hypervisors or 'none'}."
        if machine.host and machine.host not in roles:
            # a host whose own name was refused may be the one that is meant
            if spec.hosts and all(host.name for host in spec.hosts):
                yield Problem(path, f"There is no host {machine.host}.", hint)
        elif machine.host and roles[machine.host] == "witness":
            text = f"{machine.host} is the witness: guests run on hypervisors only."
            yield Problem(path, text, hint)


def _vendor_macs(spec: ClusterSpec) -> Iterator[Problem]:
    for index, machine in enumerate(spec.machines):
        if machine.mac and not int(machine.mac[:2], 16) & 2:
            text = f"{machine.mac} belongs to a vendor's block: a real network card may have it."
            hint = "Begin with 52:54:00, the prefix of virtual machines."
            yield Problem(f"machines[{index}].mac", text, hint, level="warning")
