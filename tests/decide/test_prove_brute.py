"""The proof against a model that tries everything out, over random homelabs."""

from __future__ import annotations

import os
import random
from dataclasses import replace
from functools import cache
from itertools import combinations

from tests.decide.brute import START, Guest, Plan, losses, verdicts
from tests.facts.build import facts, spec
from wizard.core.decide.layout_data import layout_data
from wizard.core.decide.loss import World, world
from wizard.core.decide.prove import prove
from wizard.core.decide.prove_services import Judge
from wizard.core.facts import Filesystem, HostFacts
from wizard.core.spec.model import AppSpec, ClusterSpec, HostSpec, MachineSpec, StorageSpec

LAYOUTS = int(os.environ.get("WIZARD_LAYOUTS", "300"))
"""Random homelabs that are tried; the full count is 10,000 (half a minute)."""
PAIRS = 6
"""Pairs of losses tried of each, beside every single loss."""
MIB = 1 << 20
ROLES = ("etcd", "server", "storage", "worker")


def random_plan(seed: int) -> Plan:
    """A homelab of two to four hypervisors with any number of machines of any role anywhere."""
    draw = random.Random(seed)
    hosts = tuple(f"h{n}" for n in range(draw.randint(2, 4)))
    guests = [
        Guest(f"{role}-{host}-{n}", host, role, draw.choice((512, 1536, 2048, 3072, 4096)))
        for host in hosts
        for role in ROLES
        for n in range(draw.choice((0, 1, 1, 1, 2)))
    ]
    apps = tuple(app for app in START if draw.random() < 0.7)
    names = ["left", "right"]
    return Plan(
        hosts=hosts,
        unraid=frozenset(host for host in hosts if draw.random() < 0.4),
        own_disk=frozenset(host for host in hosts if draw.random() < 0.7),
        circuits=tuple((host, draw.choice(names)) for host in (*hosts, "pi") if draw.random() < 0.5),
        guests=tuple(guests),
        copies=draw.randint(1, 3),
        apps=apps,
        volumes=tuple(app for app in ("mariadb", "nextcloud") if app in apps),
        longhorn=draw.random() < 0.8,
    )


@cache
def facts_of(host: str, unraid: bool) -> HostFacts:
    """A hypervisor with everything on `sda` beside an empty `nvme0n1`."""
    space = (Filesystem("/", size=10**12, disks=("sda",)),)
    platform = "unraid" if unraid else "libvirt"
    return facts(
        host=host, hostname=host, machine_id=host, boot_id=host, platform=platform, filesystems=space
    )


def as_spec(plan: Plan) -> tuple[ClusterSpec, dict[str, HostFacts]]:
    """The plan in the wizard's terms."""
    circuit = dict(plan.circuits)
    hosts = [
        HostSpec(
            name,
            "hypervisor",
            f"10.0.0.{20 + n}",
            vm_dir="/vm",
            storage_disk="/dev/nvme0n1" if name in plan.own_disk else None,
            circuit=circuit.get(name),
        )
        for n, name in enumerate(plan.hosts)
    ]
    machines = tuple(
        MachineSpec(one.name, one.host, one.role, f"10.0.0.{50 + n}", 2, one.mebibytes * MIB, 10 * MIB)  # type: ignore[arg-type]
        for n, one in enumerate(plan.guests)
    )
    wanted = replace(
        _EMPTY,
        hosts=(*hosts, HostSpec("pi", "witness", "10.0.0.13", circuit=circuit.get("pi"))),
        machines=machines,
        storage=StorageSpec("longhorn" if plan.longhorn else "existing", plan.copies),
        apps=tuple(AppSpec(name, size=MIB if name in plan.volumes else None) for name in plan.apps),
    )
    return wanted, {host: facts_of(host, host in plan.unraid) for host in plan.hosts}


_EMPTY = spec()


def disagreements(seed: int) -> list[str]:
    """Every single loss and some pairs of one random homelab, judged by both."""
    plan = random_plan(seed)
    wanted, known = as_spec(plan)
    cluster: World = world(wanted, wanted.machines, known)
    judge = Judge(wanted, wanted.machines, cluster)
    masks = {part.name: part.mask for part in cluster.parts}
    dead = losses(plan)
    if set(dead) != set(masks):
        return [f"seed {seed}: only one of them knows {sorted(set(dead) ^ set(masks))}"]
    draw = random.Random(seed)
    pairs = list(combinations(sorted(dead), 2))
    tried = [(), *((name,) for name in dead), *draw.sample(pairs, min(PAIRS, len(pairs)))]
    wrong = []
    answered: dict[frozenset[str], dict[str, bool]] = {}
    for lost in tried:
        gone = frozenset().union(*(dead[name] for name in lost))
        down = 0
        for name in lost:
            down |= masks[name]
        ours = {effect.service: effect.stays for effect in judge.effects(down)}
        if gone not in answered:
            answered[gone] = verdicts(plan, gone)
        if ours != answered[gone]:
            wrong.append(f"seed {seed}, {lost} lost: {set(ours.items()) ^ set(answered[gone].items())}")
    return wrong


def test_no_random_homelab_is_judged_otherwise() -> None:
    wrong = [line for seed in range(LAYOUTS) for line in disagreements(seed)]
    assert not wrong, "\n".join(wrong[:10])


def test_the_whole_proof_agrees_too() -> None:
    """As printed: every loss and every pair, for a few homelabs."""
    for seed in range(40):
        plan = random_plan(seed)
        wanted, known = as_spec(plan)
        if not wanted.machines:
            continue
        dead = losses(plan)
        for loss in prove(wanted, known, "2026-11-22").losses:
            gone = frozenset().union(*(dead[name] for name in loss.lost))
            assert {one.service: one.stays for one in loss.effects} == verdicts(plan, gone), (seed, loss.lost)
            assert all((one.gap_seconds is not None) is one.stays for one in loss.effects)


def test_random_homelabs_are_not_all_alike() -> None:
    """Both answers come up for every service, so that agreement means something."""
    seen: dict[str, set[bool]] = {}
    for seed in range(300):
        plan = random_plan(seed)
        for gone in losses(plan).values():
            for service, stays in verdicts(plan, gone).items():
                seen.setdefault(service, set()).add(stays)
    assert set(seen) == {
        "etcd",
        "api",
        "vip",
        "dns",
        "load-balancer",
        "volume:mariadb",
        "volume:nextcloud",
    } | {f"app:{name}" for name in START}
    # one loss takes every name server only where all hypervisors are on one circuit
    assert all(answers == {True, False} for answers in seen.values()), seen


def test_the_model_and_the_asset_mean_the_same_memory() -> None:
    from tests.decide import brute

    data = layout_data()
    for name, size in {
        **brute.MEBIBYTES,
        "node": brute.ON_EACH_WORKER,
        "longhorn": brute.WITH_LONGHORN,
    }.items():
        assert data.request(name).memory == size * MIB
