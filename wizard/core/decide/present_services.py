"""Other things that are there already: a Swarm, an etcd, whoever answers on port 53, an earlier run of ours."""

from __future__ import annotations

from collections.abc import Iterator

from wizard.core.decide.present_data import (
    Occupant,
    Present,
    Reply,
    Site,
    data_line,
    listening,
    port_text,
)
from wizard.core.decide.present_kubernetes import ETCD_PORTS
from wizard.core.decide.traces import DNS_PORT, WILDCARDS
from wizard.core.facts import HostFacts, Port

OWN_UNIT = "etcd.service"
"""What a member of ours runs as."""

SWARM_PORTS = (2377, 7946, 4789)
"""Management, gossip and VXLAN (docs.docker.com, engine/swarm/swarm-tutorial)."""

_SWARM = "docs.docker.com, engine/swarm/ingress: a published port is taken on every node"
_WITNESS = "etcd.io, op-guide/configuration: listen-client-urls 2379, listen-peer-urls 2380"
_STUB = "resolved.conf(5): DNSStubListener"
_NAMES = "one program a port and address; the cluster's name servers answer on port 53 of both hypervisors"


def swarm(site: Site, facts: HostFacts, seen: Occupant) -> Iterator[Present]:
    """A Docker Swarm this host is part of; it meets us where one of its services publishes port 53."""
    if "swarm" not in facts.traces:
        return
    names = [one for one in seen.all("service") if f":{DNS_PORT}->" in one]
    refuse = bool(names) and site.role == "hypervisor"
    role = seen.first("role") or "node"
    yield Present(
        "swarm",
        site.name,
        f"{site.name} is a {role} of a Docker Swarm.",
        _swarm_evidence(facts, seen),
        Reply.REFUSE if refuse else Reply.KEEP,
        _swarm_why(site, refuse),
        _swarm_steps(site, names) if refuse else (f"{site.ssh} docker node ls   # what it is part of",),
        _SWARM,
        "dns" if refuse else "",
        running=bool(facts.docker.running),
    )


def _swarm_evidence(facts: HostFacts, seen: Occupant) -> tuple[str, ...]:
    nodes, services = ", ".join(seen.all("node")), "; ".join(seen.all("service"))
    ports = [port_text(one) for one in facts.ports if one.port in SWARM_PORTS]
    state = " ".join(filter(None, ("docker", seen.first("version"), "swarm", seen.first("state"))))
    return (
        state,
        *data_line(seen),
        *((", ".join(ports),) if ports else ()),
        *((f"nodes: {nodes}",) if nodes else ()),
        *((f"services: {services}",) if services else ()),
    )


def _swarm_why(site: Site, refuse: bool) -> str:
    if refuse:
        return "One of its services publishes port 53, on every node of the Swarm: our name server needs it here."
    if site.role == "hypervisor":
        return (
            "Our name server is a plain container beside it, on the host's own network: the two do not meet."
        )
    return "etcd and K3s use none of its ports."


def _swarm_steps(site: Site, names: list[str]) -> tuple[str, ...]:
    service = names[0].split()[0]
    return (
        f"{site.ssh} docker service inspect {service}   # own names it answers go to dns.records in cluster.yaml",
        f"{site.ssh} docker service update --publish-rm {DNS_PORT} {service}   # when nobody asks it any more",
        f"{site.ssh} docker service update --publish-add {DNS_PORT}:{DNS_PORT}/udp {service}   # the way back",
    )


def etcd(site: Site, facts: HostFacts, seen: Occupant) -> Iterator[Present]:
    """An etcd that is not a member of ours."""
    service = facts.service("etcd")
    taken = [one for one in facts.ports if one.port in ETCD_PORTS and one.process == "etcd"]
    running = service.running or bool(taken)
    ours = site.own_etcd or (site.own_unit and seen.first("unit") in ("", OWN_UNIT))
    if ours or not (running or service.enabled or "etcd" in facts.traces):
        return
    if "kubeadm" in facts.traces and facts.service("kubelet").running and not service.running:
        return  # that control plane's own, in a container: told with it
    refuse = site.role != "hypervisor" and (bool(taken) or running)
    yield Present(
        "etcd",
        site.name,
        f"{site.name} {'runs' if running else 'keeps data of'} another etcd{_called(seen)}.",
        _etcd_evidence(facts, seen),
        Reply.REFUSE if refuse else Reply.KEEP,
        _etcd_why(site, refuse),
        _etcd_steps(site, seen) if refuse else (),
        _WITNESS,
        "etcd" if refuse else "",
        running,
    )


def _called(seen: Occupant) -> str:
    name, version = seen.first("name"), seen.first("version")
    return (f" {version}" if version else "") + (f" that calls itself {name}" if name else "")


def _etcd_evidence(facts: HostFacts, seen: Occupant) -> tuple[str, ...]:
    came = f"package {seen.first('package')}" if seen.first("package") else ""
    unit = f"unit {seen.first('unit')}" if seen.first("unit") else ""
    program = ", ".join(filter(None, (seen.first("program"), came, unit)))
    other = seen.first("lineage")
    return (
        *((program,) if program else ()),
        *data_line(seen),
        *listening(facts, ("etcd",)),
        *((f"made by a wizard for the cluster of lineage {other}",) if other else ()),
    )


def _etcd_why(site: Site, refuse: bool) -> str:
    if refuse:
        return f"Our member on {site.name} needs 2379 and 2380 of the same address."
    if site.role == "hypervisor":
        return "Our members live in guests with addresses of their own: the two do not meet."
    return "It does not run, and its folder is not ours: it is left alone."


def _etcd_steps(site: Site, seen: Occupant) -> tuple[str, ...]:
    unit = seen.first("unit") or "etcd.service"
    data = seen.first("data") or "/var/lib/etcd"
    copy = f"/root/{site.name}-etcd.db"
    return (
        f"{site.ssh} etcdctl --endpoints=http://127.0.0.1:2379 snapshot save {copy}   # if anybody needs its data",
        f"{site.ssh} systemctl disable --now {unit}   # if nobody does; its data in {data} stays",
        "wizard doctor discover.etcd",
        f"{site.ssh} systemctl enable --now {unit}   # the way back, as long as ours does not run",
    )


def in_our_way(site: Site, facts: HostFacts) -> list[Port]:
    """The holders of port 53 that our name server would meet: on a hypervisor's own address, or on all of them."""
    if site.role != "hypervisor":
        return []
    reachable = (*WILDCARDS, site.address)
    return [one for one in facts.ports if one.port == DNS_PORT and one.address.partition("%")[0] in reachable]


def dns(site: Site, facts: HostFacts, seen: Occupant) -> Iterator[Present]:
    """Whoever answers on port 53; it meets us only where our name server will be: the hypervisor's own address."""
    found = [one for one in facts.ports if one.port == DNS_PORT]
    if site.role == "guest":
        return
    meets = in_our_way(site, facts)
    for process in dict.fromkeys(one.process for one in found):
        own, other = ([one for one in ports if one.process == process] for ports in (meets, found))
        yield _holder(site, own, other, process, seen)


def _holder(site: Site, meets: list[Port], ports: list[Port], process: str, seen: Occupant) -> Present:
    """One program that answers there: where it meets us, and everywhere."""
    refuse = bool(meets)
    container = next(iter(seen.all("container")), "")
    name = _name(process, container)
    programs = [one for one in seen.all("program") if one.split()[:1] == [process]]
    return Present(
        "dns",
        site.name,
        f"{name} has port 53 of {site.name}.",
        (
            ", ".join(dict.fromkeys(port_text(one) for one in meets or ports)),
            *(_program(one) for one in programs),
            *((f"container {container}",) if _in_container(process) and container else ()),
        ),
        Reply.REFUSE if refuse else Reply.KEEP,
        _dns_why(site, meets),
        _dns_steps(site, process, container, _unit(programs)) if refuse else (),
        _STUB if process.startswith("systemd-resolve") else _NAMES,
        "dns" if refuse else "",
        running=refuse,
    )


def _program(line: str) -> str:
    """`NAME PATH PACKAGE CONFIG UNIT` as it was told, `-` for what is not known."""
    _, path, package, config, unit = [*line.split(), "-", "-", "-", "-"][:5]
    said = (("package", package), ("configured by", config), ("unit", unit))
    return ", ".join((path, *(f"{word} {value}" for word, value in said if value != "-")))


def _name(process: str, container: str) -> str:
    if _in_container(process) and container:
        return f"The container {container.split(maxsplit=1)[0]}"
    return process or "A program that does not tell its name"


def _in_container(process: str) -> bool:
    return process in ("docker-proxy", "", "pihole-FTL", "AdGuardHome", "coredns", "dotnet")


def _dns_why(site: Site, meets: list[Port]) -> str:
    if site.role == "witness":
        return "Our name servers run on the hypervisors: nothing of ours needs it here."
    if meets:
        return f"Our name server will answer on {site.address}:53, and only one program can."
    return f"It does not listen on {site.address}: our name server binds to that address alone."


def _unit(programs: list[str]) -> str:
    """The service it belongs to; empty where it is none."""
    units = [words[4] for one in programs if len(words := one.split()) > 4]  # noqa: PLR2004 - the fifth word
    return next((unit for unit in units if unit != "-"), "")


def _dns_steps(site: Site, process: str, container: str, unit: str) -> tuple[str, ...]:
    if process.startswith("systemd-resolve"):
        return (
            f"{site.ssh} mkdir -p /etc/systemd/resolved.conf.d",
            f"printf '[Resolve]\\nDNSStubListener=no\\n' | {site.ssh} tee /etc/systemd/resolved.conf.d/no-stub.conf",
            f"{site.ssh} ln -sf /run/systemd/resolve/resolv.conf /etc/resolv.conf",
            f"{site.ssh} systemctl restart systemd-resolved",
        )
    keep = "# own names it answers: write them to dns.records in cluster.yaml"
    if _in_container(process) and container:
        name = container.split(maxsplit=1)[0]
        return (
            f"{site.ssh} docker inspect {name}   {keep}",
            f"{site.ssh} docker stop {name}   # when the LAN has another name server to ask meanwhile",
            f"{site.ssh} docker update --restart=no {name}",
            f"{site.ssh} docker start {name}   # the way back",
        )
    if not unit:
        return (
            f"{site.ssh} ss -lntup 'sport = :53'   {keep}",
            f"{site.ssh} pkill -x {process or 'NAME'}   # it is no service: look for what starts it, too",
            "wizard doctor discover.dns",
        )
    return (
        f"{site.ssh} ss -lntup 'sport = :53'   {keep}",
        f"{site.ssh} systemctl disable --now {unit}   # when the LAN has another name server to ask meanwhile",
        f"{site.ssh} systemctl enable --now {unit}   # the way back",
    )


def earlier_run(site: Site, facts: HostFacts) -> Iterator[Present]:
    """The wizard's own mark: ours goes on, another cluster's is refused (the run lock and the hosts step refuse too)."""
    marker = facts.marker
    if marker is None:
        return
    evidence = (f"marker: cluster {marker.name}, lineage {marker.lineage}, run {marker.serial}",)
    what = f"{site.name} was set up by the wizard for the cluster {marker.name}, run {marker.serial}."
    if site.lineage and marker.lineage == site.lineage:
        why = "It is this cluster, and its run state is on this machine."
        yield Present(
            "earlier-run", site.name, what, evidence, Reply.RESUME, why, ("wizard apply",), "docs/state.md"
        )
        return
    here = marker.name == site.cluster and not site.lineage
    why = (
        "It bears this cluster's name, but its run state is not on this machine."
        if here
        else "It belongs to another cluster: what that one needs here would be changed."
    )
    first = (
        "wizard state path   # put the state of the machine that ran the wizard there"
        if here
        else "wizard state show"
    )
    steps = (
        first,
        f"{site.ssh} rm -f /var/lib/wizard/marker /boot/config/wizard/marker   # only if that state is lost for good",
    )
    yield Present(
        "earlier-run", site.name, what, evidence, Reply.REFUSE, why, steps, "docs/state.md", "hosts"
    )
