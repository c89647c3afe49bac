"""Other Kubernetes that is there already: MicroK8s, K3s, kubeadm. Ours lives in guests with addresses of their own."""

from __future__ import annotations

from collections.abc import Iterator

from wizard.core.decide.present_data import (
    Occupant,
    Present,
    Reply,
    Site,
    data_line,
    listening,
)
from wizard.core.decide.present_microk8s import migration
from wizard.core.facts import GIB, HostFacts

ETCD_PORTS = (2379, 2380)
"""etcd's clients and peers (domain.md 1.7)."""

K3S_UNITS = ("k3s", "k3s-agent")
"""Its services, as the facts name them."""

_MICROK8S = ("kubelite", "k8s-dqlite", "cluster-agent")
_K3S = ("k3s-server", "k3s-agent", "k3s")
_KUBEADM = ("kubelet", "kube-apiserver", "kube-controller", "kube-scheduler", "etcd")

_DQLITE = "canonical/microk8s issues 3227 and 3735: dqlite is sensitive to disk latency; docs/microk8s.md tells each step"
_PORTS = "docs.k3s.io, installation/requirements: inbound rules"
_EMBEDDED = "docs.k3s.io, datastore: embedded etcd listens on 2379 and 2380"
_STACKED = "kubernetes.io, reference/networking/ports-and-protocols: etcd 2379-2380, kubelet 10250"


def microk8s(site: Site, facts: HostFacts, seen: Occupant) -> Iterator[Present]:
    """The MicroK8s snap, running or not."""
    service = facts.service("microk8s")
    if not (facts.microk8s or service.running):
        return
    guest = site.role == "guest"
    yield Present(
        "microk8s",
        site.name,
        f"{site.name} {'runs' if service.running else 'has'} MicroK8s {seen.first('version')}".rstrip() + ".",
        _microk8s_evidence(facts, seen),
        Reply.REFUSE if guest else Reply.MIGRATE,
        _microk8s_why(site, facts),
        migration(site, seen),
        _PORTS if guest else _DQLITE,
        blocks="machines" if guest else "",
        running=service.running,
    )


def _microk8s_evidence(facts: HostFacts, seen: Occupant) -> tuple[str, ...]:
    parts = (seen.first("version"), _named("revision", seen), _named("channel", seen))
    volumes = seen.all("volume")
    nodes = ", ".join(seen.all("node"))
    ha = seen.first("ha")
    return (
        " ".join(("snap microk8s", *filter(None, parts))),
        *data_line(seen),
        *listening(facts, _MICROK8S),
        *((f"high availability: {ha}",) if ha else ()),
        *((f"dqlite nodes: {nodes}",) if nodes else ()),
        *((f"volumes in default-storage: {', '.join(volumes)}",) if volumes else ()),
    )


def _named(key: str, seen: Occupant) -> str:
    value = seen.first(key)
    return f"{key} {value}" if value else ""


def _microk8s_why(site: Site, facts: HostFacts) -> str:
    if site.role == "guest":
        return "K3s needs 10250 and the pod network of this guest for itself."
    if site.role == "witness":
        return (
            "It does not take etcd's ports. But dqlite and etcd wait for the same disk, and each makes the other slow: "
            "move it away before you rely on this witness."
        )
    free = facts.memory.available
    room = f" ({free / GIB:.1f} GiB are available now)" if free else ""
    return (
        "The two do not meet: ours runs in guests with addresses of their own, MicroK8s keeps 16443 and 10250 of the "
        f"host. Both need memory{room} and the same disks until you have moved what it carries."
    )


def shows_k3s(facts: HostFacts) -> bool:
    """Whether K3s runs there, would after a boot, or has left its data."""
    services = [facts.service(name) for name in K3S_UNITS]
    return "k3s" in facts.traces or any(one.running or one.enabled for one in services)


def k3s(site: Site, facts: HostFacts, seen: Occupant) -> Iterator[Present]:
    """A K3s on the host itself, or one in a guest that does not know our etcd."""
    services = [facts.service(name) for name in K3S_UNITS]
    running = any(one.running for one in services)
    if site.own_k3s or not shows_k3s(facts):
        return
    if site.role == "guest" and (_joined(site, seen) or _laid_out(facts, seen, running)):
        return
    reply, why, blocks = _k3s_answer(site, facts, running)
    yield Present(
        "k3s",
        site.name,
        f"{site.name} {_verb(running)} K3s {seen.first('version')}".rstrip() + f"{_as_role(seen)}.",
        _k3s_evidence(facts, seen),
        reply,
        why,
        _k3s_steps(site, facts, running),
        _EMBEDDED if blocks == "etcd" else _PORTS,
        blocks,
        running or any(one.enabled is True for one in services),
    )


def _verb(running: bool) -> str:
    return "runs" if running else "keeps what is left of"


def _as_role(seen: Occupant) -> str:
    role = seen.first("role")
    return f" as {'an' if role[0] in 'aeiou' else 'a'} {role}" if role else ""


def _joined(site: Site, seen: Occupant) -> bool:
    """Whether its configuration names our etcd or our API."""
    named = " ".join((*seen.all("datastore-endpoint"), *seen.all("server")))
    return any(f"//{address}:" in named for address in site.endpoints)


def _laid_out(facts: HostFacts, seen: Occupant, running: bool) -> bool:
    """Whether there is an agent's folder and nothing that would start one: so is a guest that was given K3s ahead.

    One that joined another cluster is told by its certificate where K3s is set up (`do/k3s-configure`).
    """
    named = (*seen.all("datastore-endpoint"), *seen.all("server"))
    # The program alone counts as installed; whether it starts at boot is known of a unit only.
    units = any(facts.service(name).enabled is not None for name in K3S_UNITS)
    return seen.first("role") == "agent" and not (running or units or named)


def _k3s_answer(site: Site, facts: HostFacts, running: bool) -> tuple[Reply, str, str]:
    if site.role == "guest":
        why = "This guest is for our cluster; K3s cannot be part of two, and it would take up the data it finds."
        return Reply.REFUSE, why, "machines"
    holds = [one for one in facts.ports if one.port in ETCD_PORTS and one.process in _K3S]
    if site.role == "witness" and holds:
        why = "Its embedded etcd holds the ports that our third etcd member needs on this machine."
        return Reply.REFUSE, why, "etcd"
    if site.role == "witness":
        why = "It takes none of etcd's ports, but its datastore and our member wait for the same disk."
        return Reply.KEEP, why, ""
    why = "Ours runs in guests with addresses of their own; 6443 and 10250 of the host stay with it."
    return Reply.KEEP, why if running else "It does not run. Nothing of ours touches it.", ""


def _k3s_evidence(facts: HostFacts, seen: Occupant) -> tuple[str, ...]:
    endpoints = (*seen.all("datastore"), *seen.all("datastore-endpoint"), *seen.all("server"))
    nodes = ", ".join(seen.all("node"))
    program = " ".join(filter(None, (seen.first("package"), seen.first("version"))))
    return (
        *((program,) if program else ()),
        *data_line(seen),
        *listening(facts, _K3S),
        *((f"datastore or server: {', '.join(dict.fromkeys(endpoints))}",) if endpoints else ()),
        *((f"nodes: {nodes}",) if nodes else ()),
        *_units(facts, K3S_UNITS),
    )


def _units(facts: HostFacts, names: tuple[str, ...]) -> tuple[str, ...]:
    found = [f"{name}: {_state(facts, name)}" for name in names if facts.service(name).installed]
    return tuple(found)


def _state(facts: HostFacts, name: str) -> str:
    service = facts.service(name)
    return "running" if service.running else "starts at boot" if service.enabled else "installed, stopped"


def _k3s_steps(site: Site, facts: HostFacts, running: bool) -> tuple[str, ...]:
    save = (
        f"{site.ssh} tar -C /var/lib/rancher/k3s -cf - server > {site.name}-k3s-server.tar   # token and data"
    )
    look = (f"{site.ssh} k3s kubectl get pods,pvc --all-namespaces   # what it carries",) if running else ()
    return (
        *look,
        save,
        _stop(site, facts, "k3s", "k3s-server", "if nobody needs it; k3s-agent on an agent"),
        f"{site.ssh} k3s-killall.sh   # its pods go on until then",
        f"{site.ssh} k3s-uninstall.sh   # only when nothing of it is needed any more: removes its data",
    )


def _stop(site: Site, facts: HostFacts, unit: str, process: str, note: str) -> str:
    """How it is stopped for good: Unraid has no systemd, and starts what its flash drive says."""
    if facts.unraid:
        return f"{site.ssh} pkill -x {process}   # {note}; take what starts it out of /boot/config/go, too"
    return f"{site.ssh} systemctl disable --now {unit}   # {note}"


def kubeadm(site: Site, facts: HostFacts, seen: Occupant) -> Iterator[Present]:
    """A node that kubeadm, or whoever else brings a bare kubelet, made."""
    services = [facts.service(name) for name in ("kubelet", "kube-apiserver")]
    running = any(one.running for one in services)
    if not (running or any(one.enabled for one in services) or "kubeadm" in facts.traces):
        return
    reply, why, blocks = _kubeadm_answer(site, facts, seen)
    version = seen.first("version")
    yield Present(
        "kubeadm",
        site.name,
        f"{site.name} {_verb(running)} Kubernetes {version}".rstrip() + f" (kubeadm){_as_role(seen)}.",
        _kubeadm_evidence(facts, seen),
        reply,
        why,
        (
            f"{site.ssh} kubectl --kubeconfig /etc/kubernetes/admin.conf get pods,pvc --all-namespaces   # what it carries",
            f"{site.ssh} tar -C / -cf - etc/kubernetes > {site.name}-kubernetes.tar   # keys and manifests",
            _stop(site, facts, "kubelet", "kubelet", "if nobody needs it"),
            f"{site.ssh} kubeadm reset   # only when nothing of it is needed any more: removes its etcd's data",
        ),
        _STACKED,
        blocks,
        running or any(one.enabled is True for one in services),
    )


def _kubeadm_answer(site: Site, facts: HostFacts, seen: Occupant) -> tuple[Reply, str, str]:
    if site.role == "guest":
        why = "This guest is for our cluster, and K3s needs its kubelet's port 10250 and pod network."
        return Reply.REFUSE, why, "machines"
    holds = [one for one in facts.ports if one.port in ETCD_PORTS and one.process in ("etcd", "")]
    if site.role == "witness" and (holds or seen.first("datastore")):
        why = (
            "Its control plane keeps an etcd of its own on the ports our third member needs on this machine."
        )
        return Reply.REFUSE, why, "etcd"
    if site.role == "witness":
        return Reply.KEEP, "It takes none of etcd's ports, but its pods share the disk of our member.", ""
    why = "Ours runs in guests with addresses of their own; 6443, 10250, 2379 and 2380 of the host stay with it."
    return Reply.KEEP, why, ""


def _kubeadm_evidence(facts: HostFacts, seen: Occupant) -> tuple[str, ...]:
    program = " ".join(filter(None, (seen.first("package"), seen.first("version"))))
    nodes = ", ".join(seen.all("node"))
    return (
        *((program,) if program else ()),
        *data_line(seen),
        *listening(facts, _KUBEADM),
        *((f"API server: {seen.first('server')}",) if seen.first("server") else ()),
        *((f"datastore: {seen.first('datastore')}",) if seen.first("datastore") else ()),
        *((f"nodes: {nodes}",) if nodes else ()),
        *_units(facts, ("kubelet", "kube-apiserver")),
    )
