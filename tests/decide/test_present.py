"""What is already there, both ways: each thing named with its evidence and answered, and nothing said of nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from steps.parse.present import parse_present
from tests.facts.build import facts, pi_facts, unraid_facts
from wizard.core.decide.present import Occupant, Present, Reply, Site, judge, worth_asking
from wizard.core.facts import HostFacts, Marker, Port, Service

TOWER = Site("tower-a", "hypervisor", "10.0.0.11", "ssh root@10.0.0.11", cluster="home")
PI = Site("pi", "witness", "10.0.0.13", "ssh pi@10.0.0.13 sudo", cluster="home")
GUEST = Site(
    "server-a",
    "guest",
    "10.0.0.21",
    "ssh root@10.0.0.21",
    cluster="home",
    endpoints=("10.0.0.31", "10.0.0.10"),
)

OURS, THEIRS = "1" * 8, "2" * 8

RUNS = Service("x", installed=True, running=True, enabled=True)
BOOTS = replace(RUNS, running=False)
MICROK8S = facts(microk8s=True, services=(replace(RUNS, name="microk8s"),))
K3S = (replace(RUNS, name="k3s"),)
ETCD = (replace(RUNS, name="etcd"),)
EMBEDDED = tuple(Port("tcp", "*", number, "k3s-server") for number in (2379, 2380, 6443, 10250))
STACKED = tuple(Port("tcp", "10.0.0.13", number, "etcd") for number in (2379, 2380))


def told(text: str) -> dict[str, Occupant]:
    return parse_present("== " + text.strip().replace("\n", "\n|").replace("|== ", "== "))


Row = tuple[str, Site, HostFacts, str, Reply, str]
"""Kind, place, facts, what the host tells, the answer, the step it blocks."""

CASES: dict[str, Row] = {
    "MicroK8s on a hypervisor": ("microk8s", TOWER, MICROK8S, "", Reply.MIGRATE, ""),
    "MicroK8s that is stopped": ("microk8s", TOWER, facts(microk8s=True), "", Reply.MIGRATE, ""),
    "MicroK8s on the Pi": ("microk8s", PI, replace(MICROK8S, host="pi"), "", Reply.MIGRATE, ""),
    "MicroK8s in a guest": ("microk8s", GUEST, MICROK8S, "", Reply.REFUSE, "machines"),
    "K3s on a hypervisor": ("k3s", TOWER, facts(services=K3S), "", Reply.KEEP, ""),
    "K3s that starts at boot": (
        "k3s",
        TOWER,
        facts(services=(replace(BOOTS, name="k3s-agent"),)),
        "",
        Reply.KEEP,
        "",
    ),
    "what a K3s left": ("k3s", TOWER, facts(traces=("k3s",)), "", Reply.KEEP, ""),
    "K3s with an etcd of its own on the Pi": (
        "k3s",
        PI,
        pi_facts(services=K3S, ports=EMBEDDED),
        "k3s\ndatastore=embedded etcd",
        Reply.REFUSE,
        "etcd",
    ),
    "K3s with SQLite on the Pi": (
        "k3s",
        PI,
        pi_facts(services=K3S),
        "k3s\ndatastore=SQLite",
        Reply.KEEP,
        "",
    ),
    "another cluster's K3s in a guest": (
        "k3s",
        GUEST,
        facts(services=K3S),
        "k3s\ndatastore-endpoint=https://192.0.2.9:2379",
        Reply.REFUSE,
        "machines",
    ),
    "a K3s with SQLite in a guest": (
        "k3s",
        GUEST,
        facts(services=K3S),
        "k3s\ndatastore=SQLite",
        Reply.REFUSE,
        "machines",
    ),
    "kubeadm on a hypervisor": ("kubeadm", TOWER, facts(traces=("kubeadm",)), "", Reply.KEEP, ""),
    "kubeadm's control plane on the Pi": (
        "kubeadm",
        PI,
        pi_facts(traces=("kubeadm",), services=(replace(RUNS, name="kube-apiserver"),), ports=STACKED),
        "",
        Reply.REFUSE,
        "etcd",
    ),
    "kubeadm's worker on the Pi": (
        "kubeadm",
        PI,
        pi_facts(services=(replace(RUNS, name="kubelet"),)),
        "kubeadm\nrole=worker",
        Reply.KEEP,
        "",
    ),
    "kubeadm in a guest": (
        "kubeadm",
        GUEST,
        facts(services=(replace(RUNS, name="kubelet"),)),
        "",
        Reply.REFUSE,
        "machines",
    ),
    "a Swarm on a hypervisor": ("swarm", TOWER, facts(traces=("swarm",)), "", Reply.KEEP, ""),
    "a Swarm that answers names": (
        "swarm",
        TOWER,
        facts(traces=("swarm",)),
        "swarm\nservice=dns pihole/pihole:latest *:53->53/udp",
        Reply.REFUSE,
        "dns",
    ),
    "a Swarm that answers names on the Pi": (
        "swarm",
        PI,
        pi_facts(traces=("swarm",)),
        "swarm\nservice=dns pihole/pihole:latest *:53->53/udp",
        Reply.KEEP,
        "",
    ),
    "another etcd on the Pi": (
        "etcd",
        PI,
        pi_facts(services=ETCD, ports=STACKED),
        "etcd\nname=other",
        Reply.REFUSE,
        "etcd",
    ),
    "another etcd on a hypervisor": ("etcd", TOWER, facts(services=ETCD), "", Reply.KEEP, ""),
    "data of an etcd on the Pi": ("etcd", PI, pi_facts(traces=("etcd",)), "", Reply.KEEP, ""),
    "dnsmasq on every address": (
        "dns",
        TOWER,
        facts(ports=(Port("udp", "0.0.0.0", 53, "dnsmasq"),)),
        "",
        Reply.REFUSE,
        "dns",
    ),
    "a container on our address": (
        "dns",
        TOWER,
        facts(ports=(Port("udp", "10.0.0.11", 53, "docker-proxy"),)),
        "dns\ncontainer=pihole pihole/pihole:2026.07.2",
        Reply.REFUSE,
        "dns",
    ),
    "systemd-resolved's stub": (
        "dns",
        TOWER,
        facts(ports=(Port("udp", "127.0.0.53%lo", 53, "systemd-resolve"),)),
        "",
        Reply.KEEP,
        "",
    ),
    "systemd-resolved on our address": (
        "dns",
        TOWER,
        facts(ports=(Port("udp", "10.0.0.11", 53, "systemd-resolve"),)),
        "",
        Reply.REFUSE,
        "dns",
    ),
    "libvirt's dnsmasq": (
        "dns",
        TOWER,
        facts(ports=(Port("udp", "192.168.122.1", 53, "dnsmasq"),)),
        "",
        Reply.KEEP,
        "",
    ),
    "a name server on the Pi": (
        "dns",
        PI,
        pi_facts(ports=(Port("udp", "0.0.0.0", 53, "pihole-FTL"),)),
        "",
        Reply.KEEP,
        "",
    ),
    "our own mark": (
        "earlier-run",
        replace(TOWER, lineage=OURS),
        facts(marker=Marker("home", OURS, 3)),
        "",
        Reply.RESUME,
        "",
    ),
    "our name's mark and no state": (
        "earlier-run",
        TOWER,
        facts(marker=Marker("home", OURS, 3)),
        "",
        Reply.REFUSE,
        "hosts",
    ),
    "another cluster's mark": (
        "earlier-run",
        replace(TOWER, lineage=OURS),
        facts(marker=Marker("beach", THEIRS, 3)),
        "",
        Reply.REFUSE,
        "hosts",
    ),
}


def found(row: Row) -> Present:
    kind, site, known, text, *_ = row
    there = judge(site, known, told(text) if text else {})
    return next(one for one in there if one.kind == kind)


@pytest.mark.parametrize("name", CASES)
def test_what_is_there_is_named_and_answered(name: str) -> None:
    row = CASES[name]
    one = found(row)
    assert (one.reply, one.blocks) == row[4:]
    assert row[1].name in one.what
    assert one.why
    assert one.source
    if one.reply in (Reply.REFUSE, Reply.MIGRATE):
        assert one.evidence
        assert one.steps
    assert one.forbids == (one.reply is Reply.REFUSE and one.blocks in ("hosts", "machines", "etcd"))


NOBODY: dict[str, tuple[Site, HostFacts]] = {
    "a hypervisor": (TOWER, facts()),
    "an Unraid": (replace(TOWER, name="tower-b", address="10.0.0.12"), unraid_facts()),
    "a Pi": (PI, pi_facts()),
    "a guest": (GUEST, facts()),
    "a member of ours on the Pi": (replace(PI, own_etcd=True), pi_facts(services=ETCD, ports=STACKED)),
    "a K3s in a guest that its own steps judge": (
        replace(GUEST, own_k3s=True),
        facts(services=K3S, traces=("k3s",)),
    ),
    "an etcd in a guest that the etcd step judges": (replace(GUEST, own_etcd=True), facts(services=ETCD)),
    "a K3s that is not running or left anything": (TOWER, facts(services=(Service("k3s", True),))),
}


@pytest.mark.parametrize("name", NOBODY)
def test_of_nothing_nothing_is_said_and_nobody_is_asked_twice(name: str) -> None:
    site, known = NOBODY[name]
    assert judge(site, known, {}) == ()
    assert not worth_asking(site, known)


@pytest.mark.parametrize(
    "line",
    [
        "datastore-endpoint=https://10.0.0.31:2379,https://10.0.0.32:2379",
        "server=https://10.0.0.10:6443",
    ],
)
def test_a_k3s_that_knows_our_members_or_our_api_is_ours(line: str) -> None:
    assert judge(GUEST, facts(services=K3S), told(f"k3s\n{line}")) == ()


def test_a_guest_that_was_given_k3s_ahead_is_not_anybody_elses() -> None:
    laid = told("k3s\nrole=agent\nbytes=1000")
    known = facts(traces=("k3s",))
    assert judge(GUEST, known, laid) == ()
    program = facts(traces=("k3s",), services=(Service("k3s", installed=True, enabled=None),))
    assert judge(GUEST, program, laid) == ()
    unit = facts(traces=("k3s",), services=(Service("k3s", installed=True, enabled=False),))
    assert [one.kind for one in judge(GUEST, unit, laid)] == ["k3s"]
    assert [one.kind for one in judge(GUEST, known, told("k3s\nrole=server\nbytes=1000"))] == ["k3s"]
    assert [one.kind for one in judge(GUEST, facts(services=K3S), laid)] == ["k3s"]


def test_an_address_that_only_begins_like_ours_is_not_ours() -> None:
    there = judge(GUEST, facts(services=K3S), told("k3s\nserver=https://10.0.0.101:6443"))
    assert [one.kind for one in there] == ["k3s"]


def test_a_harmless_holder_of_port_53_is_no_reason_to_ask_again() -> None:
    assert not worth_asking(TOWER, facts(ports=(Port("udp", "192.168.122.1", 53, "dnsmasq"),)))
    assert worth_asking(TOWER, facts(ports=(Port("udp", "0.0.0.0", 53, "dnsmasq"),)))


# --- the way out of MicroK8s

TOLD = """microk8s
version=v1.32.3
revision=8148
channel=1.32/stable
data=/var/snap/microk8s
bytes=3043328
ha=yes
lock=ha-cluster
node=10.0.0.11:19001
node=10.0.0.12:19001
volume=default-notes-pvc-1
"""


def steps_of(text: str, site: Site = TOWER) -> tuple[str, ...]:
    return next(one.steps for one in judge(site, MICROK8S, told(text)) if one.kind == "microk8s")


def test_microk8s_is_told_with_all_that_was_seen() -> None:
    ports = (Port("tcp", "*", 16443, "kubelite"), Port("tcp", "*", 19001, "k8s-dqlite"))
    one = judge(TOWER, replace(MICROK8S, ports=ports), told(TOLD))[0]
    assert one.what == "tower-a runs MicroK8s v1.32.3."
    assert one.evidence == (
        "snap microk8s v1.32.3 revision 8148 channel 1.32/stable",
        "/var/snap/microk8s: 3.0 MB",
        "listens on 16443/tcp kubelite, 19001/tcp k8s-dqlite",
        "high availability: yes",
        "dqlite nodes: 10.0.0.11:19001, 10.0.0.12:19001",
        "volumes in default-storage: default-notes-pvc-1",
    )
    assert "28.0 GiB are available" in one.why


def test_it_is_exported_whole_before_it_is_stopped_and_never_removed() -> None:
    steps = steps_of(TOLD)
    where = {word: next(at for at, one in enumerate(steps) if word in one) for word in ORDER}
    assert list(where.values()) == sorted(where.values())
    assert not any("snap remove" in one or "microk8s reset" in one for one in steps)
    assert all(one.startswith(("ssh root@10.0.0.11 ", "( umask 077;")) for one in steps)
    assert "snap start --enable microk8s" in steps[-1]


ORDER = (
    "-objects.yaml",
    "-secrets.yaml",
    "dbctl backup",
    "--replicas=0",
    "-volumes.tar",
    "snap stop",
    "ss -lntp",
)


def test_secrets_land_in_a_file_that_nobody_else_reads() -> None:
    assert any(one.startswith("( umask 077;") and "get secret" in one for one in steps_of(TOLD))


def test_a_datastore_that_is_no_dqlite_is_copied_as_it_lies() -> None:
    steps = steps_of("microk8s\nversion=v1.18")
    assert not any("dbctl" in one for one in steps)
    assert any("/var/snap/microk8s/current" in one for one in steps)


def test_without_volumes_none_are_copied() -> None:
    steps = steps_of("microk8s\nversion=v1.32\nlock=ha-cluster")
    assert not any("volumes.tar" in one for one in steps)


# --- port 53


def test_the_stub_of_resolved_is_switched_off_as_its_manual_says() -> None:
    steps = found(CASES["systemd-resolved on our address"]).steps
    assert any("DNSStubListener=no" in one for one in steps)
    assert any("ln -sf /run/systemd/resolve/resolv.conf" in one for one in steps)


def test_a_container_is_stopped_by_its_name() -> None:
    one = found(CASES["a container on our address"])
    assert one.what == "The container pihole has port 53 of tower-a."
    assert any("docker stop pihole" in step for step in one.steps)


@pytest.mark.parametrize(
    ("unit", "command"),
    [("dnsmasq.service", "systemctl disable --now dnsmasq.service"), ("-", "pkill -x dnsmasq")],
)
def test_a_program_is_stopped_as_the_service_it_is(unit: str, command: str) -> None:
    known = facts(ports=(Port("udp", "0.0.0.0", 53, "dnsmasq"),))
    text = f"dns\nprogram=dnsmasq /usr/sbin/dnsmasq dnsmasq - {unit}"
    one = judge(TOWER, known, told(text))[0]
    assert "/usr/sbin/dnsmasq, package dnsmasq" in one.evidence[1]
    assert any(command in step for step in one.steps)


# --- a member of ours that is down, and who has its ports


@pytest.mark.parametrize(
    ("unit", "ours"), [("other-etcd.service", False), ("etcd.service", True), ("", True)]
)
def test_only_another_unit_is_another_etcd_where_ours_is_down(unit: str, ours: bool) -> None:
    known = pi_facts(services=ETCD, ports=STACKED)
    there = judge(replace(PI, own_unit=True), known, told(f"etcd\nunit={unit}\nname=x"))
    assert [one.reply for one in there] == ([] if ours else [Reply.REFUSE])


def test_on_unraid_nothing_is_stopped_by_systemd() -> None:
    site = replace(TOWER, name="tower-b", address="10.0.0.12", ssh="ssh root@10.0.0.12")
    known = unraid_facts(services=(*K3S, replace(RUNS, name="kubelet")))
    steps = [step for one in judge(site, known, {}) for step in one.steps]
    assert sum("pkill -x" in step for step in steps) == 2
    assert not any("systemctl" in step for step in steps)
