"""What a real host said of what is in the way of K3s, as the parser reads it."""

from __future__ import annotations

from ipaddress import IPv4Network

from steps.parse.k3s_before import BeforeSeen, parse_before
from tests.recordings.recording import FOLDER, load
from tests.recordings.stage import LINEAGE


def before(case: str) -> BeforeSeen:
    return parse_before(load(FOLDER / "read-k3s-before" / f"{case}.pi.json").said.stdout)


def test_nonsense_is_unknown_and_no_error() -> None:
    said = "== before\n|route=nowhere eth0\n|module_overlay=unknown\n"
    assert parse_before(said) == BeforeSeen(modules={"overlay": None})


def test_a_real_host_tells_its_cgroups_modules_and_routes() -> None:
    seen = before("nothing")
    assert seen.cgroups is not None and {"cpu", "cpuset", "memory"} <= set(seen.cgroups)
    assert seen.modules == {"overlay": True, "br_netfilter": True}
    assert seen.routes
    assert IPv4Network("0.0.0.0/0") not in {one.network for one in seen.routes}
    assert (seen.lineage, seen.embedded, seen.others, seen.cni) == ("", (), (), ())


def test_what_others_left_is_told_by_its_place() -> None:
    seen = before("leftovers")
    assert seen.embedded == ("/var/lib/rancher/k3s/server/db/etcd",)
    assert seen.others == ("/etc/kubernetes/manifests",)
    assert seen.cni == ("/etc/cni/net.d/10-calico.conflist",)
    assert before("ours").lineage == LINEAGE
