"""What is refused whatever else holds: layouts in which one loss takes away what the other machines were there for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from wizard.core.dataclass import dataclass
from wizard.core.decide.loss import World, carriers, physical
from wizard.core.facts import HostFacts
from wizard.core.spec.model import ClusterSpec

RULES: Mapping[str, str] = {
    "two-voters-on-one-hypervisor": "Each etcd member is on a machine of its own",
    "even-number-of-members": "etcd has an odd number of members",
    "replicas-in-one-zone": "The copies of a volume are on different machines",
    "name-servers-on-one-host": "The name servers are on different machines",
    "witness-on-a-hypervisor": "The witness is on neither hypervisor",
}
"""Each rule, and what holds where it is kept."""

FEWEST = 2
"""Of anything that is there twice so that one may be lost."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A layout that is not accepted."""

    rule: str
    """`two-voters-on-one-hypervisor` ..."""
    text: str
    override: str
    """The key of the spec that accepts it all the same."""
    overridden: str = ""
    """The reason that was given for accepting it; empty = it is not accepted."""


def refusals(
    spec: ClusterSpec, facts: Mapping[str, HostFacts], world: World, today: str
) -> Iterator[Refusal]:
    """Every rule that is broken, the ones that were overridden included.

    Args:
        spec: what is wanted.
        facts: by host.
        world: made of them.
        today: as `2026-11-22`; an override that has run out is none.
    """
    found = (
        *_voters(world),
        *_even(world),
        *_replicas(spec, world),
        *_name_servers(world),
        *_witness(spec, facts),
    )
    for rule, text in found:
        check = override_id(rule)
        yield Refusal(rule, text, waiver_line(check), waived(spec, check, today))


def waived(spec: ClusterSpec, check: str, today: str) -> str:
    """The reason that the spec gives for accepting a check's failure; empty = it does not, or not any longer.

    Args:
        spec: what is wanted.
        check: the id.
        today: as `2026-11-22`.
    """
    found = spec.waiver(check, today)
    return found.reason if found else ""


def waiver_line(check: str) -> str:
    """The key of the spec that accepts a check's failure."""
    return f"waivers: - {{check: {check}, reason: ..., until: ...}}"


def override_id(rule: str) -> str:
    """The check that a waiver of the spec names to accept a rule's breach."""
    return f"prove.{rule}"


def _voters(world: World) -> Iterator[tuple[str, str]]:
    on: defaultdict[str, list[str]] = defaultdict(list)
    for name in world.members:
        on[world.zone[name]].append(name)
    for host, names in on.items():
        if len(names) > 1:
            text = f"{' and '.join(names)} are etcd members on one machine, {host}: they stop together."
            yield "two-voters-on-one-hypervisor", text


def _even(world: World) -> Iterator[tuple[str, str]]:
    if (count := len(world.members)) % 2 == 0:
        text = f"etcd has {count} members: an even number bears no more losses than one less, and can split in halves."
        yield "even-number-of-members", text


def _replicas(spec: ClusterSpec, world: World) -> Iterator[tuple[str, str]]:
    wanted = spec.storage.replicas
    if spec.storage.kind != "longhorn" or wanted < FEWEST or not any(app.size for app in spec.apps):
        return
    zones = {world.zone[name] for name in world.stores}
    if world.stores and len(zones) < wanted:
        names = ", ".join(sorted(world.stores))
        text = f"Volumes have {wanted} copies, and {names} are on {_hosts(zones)}: copies share a zone, or are not made."
        yield "replicas-in-one-zone", text


def _hosts(zones: set[str]) -> str:
    return f"one machine, {next(iter(zones))}" if len(zones) == 1 else f"{len(zones)} machines"


def _name_servers(world: World) -> Iterator[tuple[str, str]]:
    zones = {world.zone[name] for name in world.dns}
    if len(zones) < FEWEST:
        where = next(iter(zones), "no hypervisor")
        yield (
            "name-servers-on-one-host",
            f"Every name server of the LAN is on {where}: with it all names are gone.",
        )


def _witness(spec: ClusterSpec, facts: Mapping[str, HostFacts]) -> Iterator[tuple[str, str]]:
    on = carriers(spec, facts)
    for witness in spec.witnesses:
        below = physical(witness.name, on)
        if below != witness.name:
            text = (
                f"The witness {witness.name} runs on {below}: it stops with the hypervisor it is to replace."
            )
            yield "witness-on-a-hypervisor", text


def witness_notes(spec: ClusterSpec, facts: Mapping[str, HostFacts]) -> Iterator[str]:
    """A witness that is a virtual machine on a host we do not know.

    Args:
        spec: what is wanted.
        facts: by host.
    """
    on = carriers(spec, facts)
    for witness in spec.witnesses:
        found = facts.get(witness.name)
        if found is None or witness.name in on or found.virtualisation.container:
            continue
        if (inside := found.virtualisation.inside) not in ("", "none"):
            yield f"The witness {witness.name} is a virtual machine ({inside}): on which machine it runs is not known."
