"""Rows 26 to 38: addresses, names and layouts that a spec gets wrong; what only the wire shows is in test_wire."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.faults.cluster_site import ClusterSite
from tests.faults.site import Site
from tests.practice.cluster import MACHINES, NET
from tests.rows import assert_explained, assert_found, assert_tolerated
from wizard.core.errors import ExitCode

BAD_SPEC = ExitCode.BAD_SPEC
LAN, POOL, DHCP = f"cidr: {NET}.0/24", f"load_balancer: {NET}.230-{NET}.250", f"dhcp: {NET}.100-{NET}.199"
VIP, PI, GATEWAY = f"api_vip: {NET}.20", f"address: {NET}.13", f"gateway: {NET}.1"
DNS, TOWER, EMPTY = "upstream_dns: [9.9.9.9]", "name: tower-a", "machines: []"
DOMAIN = "domain: home.arpa"

Case = tuple[str, str, str]
"""What stands in the spec, what stands there instead, and words that must be said."""


def refused(site: Site, old: str, new: str, *says: str) -> None:
    """The changed spec stops a command before any host is asked; `check` names the line of every problem."""
    text = site.spec.read_text()
    assert old in text, f"{old!r} is not in the spec"
    changed = text.replace(old, new, 1)
    site.spec.write_text(changed)
    run = site.run("plan")
    assert_explained(run, exit_code=BAD_SPEC, says=["line ", *says], do="wizard check -f cluster.yaml")
    assert not site.world.happened
    assert not site.cluster.folder.exists()
    check = site.run("check", "--json")
    problems = json.loads(check.stdout)["problems"]
    assert check.exit_code == BAD_SPEC
    assert all(problem["line"] and problem["hint"] for problem in problems)
    told = " ".join(f"{one['text']} {one['hint']}" for one in problems)
    assert all(word in told for word in says), told


def with_mac(mac: str, second: str = "") -> str:
    """Two machines of the spec, the first with this MAC, the second with another or none."""
    rows = MACHINES.replace("artifacts: {accept_built: true}\n", "")
    rows = rows.replace("data_disk: 2GiB}", f'data_disk: 2GiB, mac: "{mac}"}}', 1)
    return rows.replace("data_disk: 2GiB}", f'data_disk: 2GiB, mac: "{second}"}}', 1) if second else rows


B26: list[Case] = [
    (PI, f"address: {NET}.11", "given twice: it is hosts[0].address"),
    ("name: pi", "name: tower-b", "The name tower-b is given twice: it is hosts[1].name"),
    (EMPTY, with_mac("52:54:00:00:00:01", "52:54:00:00:00:01"), "52:54:00:00:00:01 is given twice"),
    (EMPTY, MACHINES.replace("name: etcd-b", "name: tower-a"), "it is hosts[0].name"),
]
B27: list[Case] = [
    (PI, "address: 10.213.98.13", "which is not in the LAN 10.213.99.0/24"),
    (PI, f"address: {NET}.0", "the LAN's own address"),
    (PI, f"address: {NET}.255", "broadcast address"),
    (PI, f"address: {NET}.1", "it is network.gateway"),
    (VIP, "api_vip: 10.213.98.20", "which is not in the LAN"),
    (GATEWAY, "gateway: 192.168.1.1", "The gateway has 192.168.1.1, which is not in the LAN"),
    (
        EMPTY,
        MACHINES.replace(f"{NET}.31", "10.1.2.3"),
        "Machine etcd-a has 10.1.2.3, which is not in the LAN",
    ),
]
B28: list[Case] = [
    (DNS, f"{DNS}\n  pod_cidr: 10.213.0.0/16", "overlaps 10.213.99.0/24 (the LAN)"),
    (DNS, f"{DNS}\n  service_cidr: 10.42.128.0/20", "overlaps 10.42.0.0/16 (the pod network)"),
    (DNS, f"{DNS}\n  pod_cidr: 172.17.0.0/16", "docker's own network"),
    (
        DNS,
        f"{DNS}\n  pod_cidr: 10.42.0.5/16",
        "an address inside the network 10.42.0.0/16, not the network itself",
    ),
    (DNS, f"{DNS}\n  service_cidr: 10.43.0.0/29", "/29 does not work"),
    (DNS, f"{DNS}\n  pod_cidr: 10.42.0.0/24", "has room for 1 nodes"),
    (LAN, f"cidr: {NET}.5/24", f"Write {NET}.0/24"),
]
B29: list[Case] = [
    (POOL, f"load_balancer: {NET}.190-{NET}.250", f"share {NET}.190-{NET}.199"),
    (POOL, f"load_balancer: {NET}.120-{NET}.130", "the router may give these to a phone"),
]
B30: list[Case] = [
    (VIP, f"api_vip: {NET}.240", "lies in the load balancer's range"),
    (PI, f"address: {NET}.231", "Host pi has 10.213.99.231, which lies in the load balancer's range"),
    (PI, f"address: {NET}.150", "the router may give it to a phone"),
    (EMPTY, MACHINES.replace(f"{NET}.31", f"{NET}.235"), "Machine etcd-a has 10.213.99.235, which lies in"),
    (EMPTY, MACHINES.replace(f"{NET}.31", f"{NET}.110"), "the router may give it to a phone"),
    (GATEWAY, f"gateway: {NET}.240", "Shorten the range so that the gateway is outside"),
]
B32: list[Case] = [
    (EMPTY, with_mac("52:54:00:00:00"), "is not a MAC address"),
    (EMPTY, with_mac("52:54:00:00:00:zz"), "is not a MAC address"),
    (EMPTY, with_mac("53:54:00:00:00:01"), "multicast"),
    (EMPTY, with_mac("fe:54:00:00:00:01"), "libvirt keeps fe:"),
    (EMPTY, with_mac("00:00:00:00:00:00"), "zero is no address"),
]
B33: list[Case] = [
    (TOWER, "name: türmchen", "characters other than a-z, 0-9 and the hyphen"),
    (TOWER, "name: xn--trmchen-n2a-", "is not a host name"),
    (TOWER, "name: Tower", "upper case"),
    (TOWER, "name: tower_a", "underscore"),
    (TOWER, f"name: {'a' * 64}", "has 64 characters, a host name may have 63"),
    (TOWER, 'name: "4711"', "all digits"),
    (TOWER, "name: tower.", "ends with a dot"),
    (TOWER, "name: localhost", "has a meaning of its own"),
    (TOWER, "name: kubernetes", "has a meaning of its own"),
    (TOWER, "name: -tower", "is not a host name"),
    (DOMAIN, "domain: home_arpa", "underscore"),
]
B34: list[Case] = [
    (PI, "address: 010.213.99.13", "leading zero: some programs read 010 as 8, others as 10"),
    (VIP, f"api_vip: {NET}.020", f"Write {NET}.20 if that is meant"),
    (LAN, "cidr: 010.213.99.0/24", "leading zero"),
]
B35: list[Case] = [
    (LAN, "cidr: fd00:213:99::/64", "This version speaks IPv4 only"),
    (PI, "address: fd00::13", "This version speaks IPv4 only"),
    (PI, f'address: "::ffff:{NET}.13"', f"is an IPv4 address in IPv6 clothing. Write {NET}.13."),
    (PI, "address: fe80::1%eth0", "an address with a zone (%) is known on one link alone"),
    (PI, "address: 169.254.7.8", "is a link-local address"),
    (DNS, 'upstream_dns: ["2620:fe::fe"]', "This version speaks IPv4 only"),
    (DNS, f'{DNS}\n  pod_cidr: "10.42.0.0/16,fd42::/56"', "This version speaks IPv4 only"),
]
B36: list[Case] = [(DNS, f"{DNS}\n  vlan: {tag}", "4094") for tag in ("0", "4095", "-1", "70000", "ten")]
NO_ACME = "There is no ACME here"
TRAEFIK = "apps: {metallb: {}, traefik: "
B38: list[Case] = [
    (EMPTY, f"{EMPTY}\n{TRAEFIK}{{acme: {{email: a@b.c}}}}}}", NO_ACME),
    (EMPTY, f"{EMPTY}\n{TRAEFIK}{{dns_token: abc}}}}", NO_ACME),
    (EMPTY, f"{EMPTY}\n{TRAEFIK}{{cloudflare_api_token: abc}}}}", NO_ACME),
    (EMPTY, f"{EMPTY}\nacme_email: a@b.c", NO_ACME),
    (EMPTY, f"{EMPTY}\napps: {{nextcloud: {{host: c.home.arpa, size: 1G, tls: letsencrypt}}}}", "(ACME)"),
    (EMPTY, f"{EMPTY}\napps: {{nextcloud: {{host: '*.home.arpa', size: 1G}}}}", "is not a host name"),
]
LIMITS: list[Case] = [
    ("name: tower-b, role: hypervisor", "name: tower-b, role: witness", "nothing could take over"),
    ("kind: none", "kind: longhorn, replicas: 3", "need 3 hypervisors, and there are 2"),
    ("v1.36.4+k3s1", "v1.36.4", "vX.Y.Z+k3sN"),
    ("v1.36.4+k3s1", "1.36.4+k3s1", "vX.Y.Z+k3sN"),
]


def rows(cases: list[Case]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Each case as a test, named by what is written."""
    return pytest.mark.parametrize(("old", "new", "says"), cases, ids=[new[-40:] for _, new, _ in cases])


@pytest.mark.row("B", 26)
@rows(B26)
def test_row_b26_twice(site: Site, old: str, new: str, says: str) -> None:
    refused(site, old, new, says)


@pytest.mark.row("B", 26)
def test_row_b26_two_hosts_with_one_machine_id(grown: ClusterSite) -> None:
    """Only the hosts can tell: a disk that was copied. Doctor names both and the way out."""
    same = grown.cluster.machines["tower-b"].sections["file /etc/machine-id"]
    grown.cluster.machines["pi"].sections["file /etc/machine-id"] = same
    run = grown.doctor()
    says = ["tower-b", "pi", "machine-id"]
    assert_found(run, "discover.identity", says=says, fix="machine-id", status="fail")


@pytest.mark.row("B", 27)
@rows(B27)
def test_row_b27_not_an_address_for_a_machine(site: Site, old: str, new: str, says: str) -> None:
    refused(site, old, new, says)


@pytest.mark.row("B", 28)
@rows(B28)
def test_row_b28_networks_that_do_not_fit(site: Site, old: str, new: str, says: str) -> None:
    refused(site, old, new, says)


@pytest.mark.row("B", 29)
@rows(B29)
def test_row_b29_the_pool_and_the_routers_range(site: Site, old: str, new: str, says: str) -> None:
    refused(site, old, new, says)


@pytest.mark.row("B", 30)
@rows(B30)
def test_row_b30_an_address_that_somebody_gives_away(site: Site, old: str, new: str, says: str) -> None:
    refused(site, old, new, says)


@pytest.mark.row("B", 32)
@rows(B32)
def test_row_b32_hardware_addresses(site: Site, old: str, new: str, says: str) -> None:
    refused(site, old, new, says)


@pytest.mark.row("B", 32)
def test_row_b32_an_address_of_a_vendors_block_is_a_warning(site: Site) -> None:
    site.spec.write_text(site.spec.read_text().replace(EMPTY, with_mac("a4:bf:01:00:00:01")))
    run = site.run("check")
    assert_tolerated(run, shows=["belongs to a vendor's block", "Begin with 52:54:00"])


@pytest.mark.row("B", 33)
@rows(B33)
def test_row_b33_names(site: Site, old: str, new: str, says: str) -> None:
    refused(site, old, new, says)


@pytest.mark.row("B", 34)
@rows(B34)
def test_row_b34_leading_zeros(site: Site, old: str, new: str, says: str) -> None:
    refused(site, old, new, says)


@pytest.mark.row("B", 35)
@rows(B35)
def test_row_b35_ipv6(site: Site, old: str, new: str, says: str) -> None:
    refused(site, old, new, says)


@pytest.mark.row("B", 36)
@rows(B36)
def test_row_b36_vlan(site: Site, old: str, new: str, says: str) -> None:
    refused(site, old, new, says)


@pytest.mark.row("B", 38)
@rows(B38)
def test_row_b38_certificates_from_outside(site: Site, old: str, new: str, says: str) -> None:
    refused(site, old, new, says)


@rows(LIMITS)
def test_what_else_the_spec_alone_shows(site: Site, old: str, new: str, says: str) -> None:
    refused(site, old, new, says)
