"""Every decision as one verdict: when it holds, warns, is refused, is accepted; and what is kept of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.decide.homes import home, known, machine, sized
from tests.facts.build import facts
from wizard.core.decide.judgements import CHECKS, Decided, Judgement, decide
from wizard.core.decide.kept import kept_decisions
from wizard.core.decide.layout import make_layout
from wizard.core.facts import GIB, Guest, HostFacts, Libvirt, Virtualisation
from wizard.core.spec.model import ClusterSpec, StorageSpec, WaiverSpec
from wizard.core.state import ApprovedLayout
from wizard.core.view.decided import decided_block

TODAY = "2026-11-27"
TWO_VOTERS = tuple(machine(f"etcd-{x}", "tower-a", "etcd", 50 + n) for n, x in enumerate("ab"))
SERVERS = tuple(machine(f"server-{x}", f"tower-{x}", "server", 53 + n) for n, x in enumerate("ab"))
MEMBERS = tuple(machine(f"etcd-{x}", f"tower-{x}", "etcd", 50 + n) for n, x in enumerate("ab"))
ONE_ZONE = tuple(
    machine(f"storage-{x}", "tower-a", "storage", 60 + n, data_disk=GIB) for n, x in enumerate("ab")
)
THREE_ON_TWO = (*MEMBERS, machine("etcd-c", "tower-b", "etcd", 58))


def judged(spec: ClusterSpec, known_facts: dict[str, HostFacts] | None = None) -> dict[str, Judgement]:
    found = decide(spec, known_facts or known(), None, TODAY).judged
    assert [one.check for one in found] == list(CHECKS)
    return {one.check: one for one in found}


def waiver(check: str, until: str = "2027-01-31") -> tuple[WaiverSpec, ...]:
    return (WaiverSpec(check, "the second SSD is ordered", until),)


def test_in_a_healthy_homelab_every_decision_holds() -> None:
    found = judged(home())
    assert {one.verdict for one in found.values()} == {"holds"}
    assert all(one.text.endswith(".") for one in found.values())
    assert found["layout.survivor"].text == "tower-a and tower-b each carry everything alone."


VM_PI = replace(
    known()["pi"],
    virtualisation=Virtualisation(inside="kvm"),
    hostname="pi",
    machine_id="another",
    boot_id="another",
)
ON_A = replace(facts(), libvirt=Libvirt(guests=(Guest("pi", "running"),)))


@pytest.mark.parametrize(
    ("rule", "spec", "seen"),
    [
        ("two-voters-on-one-hypervisor", home(machines=(*TWO_VOTERS, *SERVERS)), known()),
        ("even-number-of-members", home(machines=(*THREE_ON_TWO, *SERVERS)), known()),
        ("replicas-in-one-zone", home(machines=(*MEMBERS, *SERVERS, *ONE_ZONE)), known()),
        ("name-servers-on-one-host", home(hosts=home().hosts[1:]), known()),
        ("witness-on-a-hypervisor", home(), known(tower_a=ON_A, pi=VM_PI)),
    ],
)
def test_each_rule_is_refused_and_accepted_by_name_until_a_day(
    rule: str, spec: ClusterSpec, seen: dict[str, HostFacts]
) -> None:
    check = f"prove.{rule}"
    found = judged(spec, seen)[check]
    assert (found.verdict, bool(found.text), bool(found.why)) == ("refused", True, True)
    assert f"waivers: - {{check: {check}, reason: ..., until: ...}}" in found.do
    accepted = judged(replace(spec, waivers=waiver(check)), seen)[check]
    assert (accepted.verdict, accepted.text) == ("accepted", found.text)
    assert "the second SSD is ordered" in accepted.evidence
    assert judged(replace(spec, waivers=waiver(check, "2026-11-26")), seen)[check].verdict == "refused"


def test_processors_that_are_not_there_are_refused_and_accepted_by_name() -> None:
    spec = home(machines=(*MEMBERS, *SERVERS))
    assert judged(spec)["layout.machines"].verdict == "holds"
    small = known(tower_a=sized(facts(), 32, 2))
    found = judged(spec, small)["layout.machines"]
    assert (found.verdict, "given 4 processors and tower-a has 2" in found.text) == ("refused", True)
    assert (
        judged(replace(spec, waivers=waiver("layout.machines")), small)["layout.machines"].verdict
        == "accepted"
    )


def test_too_little_memory_for_workers_is_a_warning() -> None:
    machines = (*MEMBERS, *SERVERS, machine("worker-a", "tower-a", "worker", 57, memory=40 * GIB))
    assert judged(home(machines=machines))["layout.machines"].verdict == "warning"


def test_a_hypervisor_that_cannot_carry_all_is_a_warning_with_what_is_missing() -> None:
    found = judged(home(), known(tower_a=sized(facts(), 9)))["layout.survivor"]
    assert found.verdict == "warning"
    assert "tower-a alone would not start:" in found.text
    assert "GiB of memory" in found.evidence


def test_a_storage_that_is_rejected_warns_with_the_way_out() -> None:
    none_free = {name: replace(one, disks=one.disks[:1]) for name, one in known().items()}
    hosts = tuple(replace(host, storage_disk=None) for host in home().hosts)
    found = judged(home(hosts=hosts), none_free)["storage.choice"]
    assert (found.verdict, "longhorn, which is rejected" in found.text) == ("warning", True)
    assert "Buy an SSD" in found.do
    assert judged(home(storage=StorageSpec(kind="none"), apps=()))["storage.choice"].verdict == "holds"


def decided(spec: ClusterSpec, seen: dict[str, HostFacts]) -> Decided:
    return decide(spec, seen, None, TODAY)


def test_what_was_not_chosen_is_kept_with_its_reasons_and_sources() -> None:
    seen = known(tower_a=sized(facts(), 12))
    kept = kept_decisions(home(), seen, decided(home(), seen))
    assert kept["storage.longhorn"].startswith("chosen, ")
    for other in ("nfs", "cephfs", "glusterfs"):
        assert kept[f"storage.{other}"].startswith("not chosen, rejected: ")
        assert len(kept[f"storage.{other}"]) > 100, "with reasons and sources"
    assert "k3s#10902" in kept["layout.embedded-etcd"]
    assert kept["layout.worker-a"].startswith("larger was not chosen: 3 GiB of 16 GiB of memory; tower-a has")
    assert "layout.worker-b" not in kept or "tower-b has" in kept["layout.worker-b"]


def test_what_was_accepted_is_kept_and_shown() -> None:
    check = "prove.replicas-in-one-zone"
    spec = home(machines=(*MEMBERS, *SERVERS, *ONE_ZONE), waivers=waiver(check))
    found = decided(spec, known())
    assert "the second SSD is ordered" in kept_decisions(spec, known(), found)[f"accepted.{check}"]
    shown = "\n".join(decided_block(found))
    assert " ! accepted: Volumes have 2 copies" in shown
    assert check in shown
    assert "The spec names no machines" not in shown


def test_a_proposal_is_shown_as_such_and_with_its_day_once_it_was_approved() -> None:
    shown = decided_block(decided(home(), known()))
    assert shown[0].startswith("The spec names no machines; these are proposed")
    assert any("etcd-a" in line and "10.0.0.14" in line for line in shown)
    approved = ApprovedLayout(make_layout(home(), known()).machines, 1_795_000_000.0, "")
    later = decided_block(decide(home(), known(), approved, TODAY))
    assert later[0].startswith("The machines that were proposed, approved on 2026-11-")
    assert decided_block(None) == []
