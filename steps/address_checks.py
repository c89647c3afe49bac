"""What must hold of the address of the API: whose it is, whether the API answers there, who could take it."""

from __future__ import annotations

from collections.abc import Sequence

from steps.address_seen import Server, flaw, group, look, look_at_all, names
from steps.etcd_before import blind, ssh
from steps.wire_checks import judged
from wizard.core.check import Finding, Status, failed, passed, skipped, warned
from wizard.core.context import Context
from wizard.core.decide.addresses import PlannedAddress, planned_addresses
from wizard.core.spec.model import MachineSpec

VIP = "api_vip"
"""What the address is used for, as the plan of addresses names it."""


def boot(ctx: Context, *, machine: MachineSpec) -> Finding:
    """It is set up as it shall be, runs, and does so after a reboot."""
    if not ctx.present(machine.name):
        return blind(skipped(f"Not checked: {machine.name} does not run."), "machines.running")
    server = look(ctx, machine)
    seen, login = server.seen, ssh(ctx.spec, machine.name)
    if not seen.installed:
        found = failed(
            f"{machine.name} has no keepalived.",
            evidence="keepalived: not found",
            cause="Its packages were not installed yet, or somebody removed them.",
            fix="wizard apply",
        )
        return blind(found, "packages.installed")
    wrong = flaw(ctx.spec, server, group(ctx, look_at_all(ctx)))
    if not wrong:
        return passed(f"keepalived on {machine.name} runs with VRRP id {seen.group}, now and after a reboot.")
    stopped = not seen.runs and seen.unit.result in ("success", "")
    return failed(
        f"{machine.name} takes no proper part in the address: {wrong}.",
        evidence=f"{seen.unit.active or 'unknown'}, {'' if seen.unit.enabled else 'not '}enabled; {seen.said or 'no log'}",
        cause="Somebody stopped it."
        if stopped
        else "`wizard apply` was not run yet, or somebody changed it.",
        fix=f"wizard apply\n{login} journalctl -u keepalived -n 50",
    )


def one_owner(ctx: Context) -> Finding:
    """Exactly one has it: two of them would each get a part of what is sent to it."""
    address, found = ctx.spec.network.api_vip, look_at_all(ctx)
    asked = [one for one in found if one.known and one.present]
    owners = [one for one in asked if one.seen.held]
    if len(owners) == 1:
        return passed(f"{owners[0].name} has {address}.", evidence=f"on {owners[0].seen.held}")
    if owners:
        return failed(
            f"{names(owners)} have {address} at the same time.",
            evidence=_states(owners),
            cause="They do not hear each other: something drops VRRP (IP protocol 112) between them, or one of them "
            "hung for a while and has just woken up.",
            fix="\n".join(f"{ssh(ctx.spec, one.name)} systemctl restart keepalived" for one in owners[1:]),
        )
    silent = [one for one in found if one not in asked]
    if silent and not asked:
        return blind(skipped(f"Not checked: {names(silent)} cannot be asked."), "machines.running")
    if silent and any(one.seen.answers is not None and one.seen.answers.yes for one in asked):
        return skipped(f"{address} is not at {names(asked)}; {names(silent)} cannot be asked.")
    return _nobody(ctx, asked)


def _nobody(ctx: Context, asked: Sequence[Server]) -> Finding:
    stopped = [one for one in asked if not one.seen.runs]
    robbed = [one for one in asked if one.seen.runs and one.seen.state == "MASTER"]
    if len(stopped) == len(asked):
        cause = f"keepalived does not run on {names(stopped)}."
    elif robbed:
        cause = f"It was taken off {names(robbed)}, as when a guest's network is set up anew; keepalived has not noticed."
    else:
        cause = "No server whose keepalived runs has an API that is ready."
    restarts = [f"{ssh(ctx.spec, one.name)} systemctl restart keepalived" for one in (*robbed, *stopped)]
    finding = failed(
        f"No server has {ctx.spec.network.api_vip}.",
        evidence=_states(asked),
        cause=cause,
        fix="\n".join(restarts) or f"{ssh(ctx.spec, asked[0].name)} journalctl -u k3s -n 50",
    )
    return blind(finding, "address.boot") if len(stopped) == len(asked) else finding


def _states(found: Sequence[Server]) -> str:
    """For people: what each of them is about."""
    return "; ".join(
        f"{one.name}: keepalived {one.seen.unit.active or 'unknown'} {one.seen.state or '-'}, API {_ready(one)}"
        for one in found
    )


def _ready(server: Server) -> str:
    ready = server.seen.ready
    if ready is None:
        return "not asked"
    return "ready" if ready.yes else f"not ready ({ready.said or 'no words'})"


def answers(ctx: Context) -> Finding:
    """An API is ready there, and shows a certificate of our authority that names the address; every server asks."""
    address, found = ctx.spec.network.api_vip, look_at_all(ctx)
    asked = [one for one in found if one.seen.answers is not None]
    if not asked:
        return blind(skipped("Not checked: no server can ask yet."), "address.boot")
    refused = [one for one in asked if one.seen.answers is not None and not one.seen.answers.yes]
    if not refused:
        return passed(f"The API answers {names(asked)} at {address}.")
    said = "; ".join(f"{one.name}: {one.seen.answers.said}" for one in refused if one.seen.answers)
    finding = failed(
        f"The API does not answer {names(refused)} at {address}.",
        evidence=said or "no words",
        cause=_why(said),
        fix=f"{ssh(ctx.spec, refused[0].name)} /etc/homelab/api-ready {address}",
    )
    if _stranger(found):
        return blind(finding, "address.foreign")
    return finding if any(one.seen.held for one in found) else blind(finding, "address.one_owner")


def _why(said: str) -> str:
    """The likely cause, from what curl says."""
    if "certificate" in said or "SSL" in said:
        return "The API's certificate does not name the address (tls-san in K3s' config.yaml), or another API answers."
    return "The API of its owner is not ready, or what is sent to the address does not arrive."


def standby(ctx: Context) -> Finding:
    """Whoever does not have it could take it: its keepalived runs and its own API is ready."""
    address, found = ctx.spec.network.api_vip, look_at_all(ctx)
    if len(ctx.spec.servers()) == 1:
        return skipped(f"There is only one server: {address} has nowhere to go.")
    owner = next((one for one in found if one.seen.held), None)
    others = [one for one in found if one is not owner]
    ready = [one for one in others if one.seen.runs and one.seen.ready is not None and one.seen.ready.yes]
    if owner is None:
        return blind(skipped("Not checked: no server is known to have the address."), "address.one_owner")
    if ready:
        return passed(f"{names(ready)} can take {address} from {owner.name}.")
    away = [one for one in others if not (one.known and one.present)]
    login = ssh(ctx.spec, others[0].name)
    return warned(
        f"Nobody could take {address} from {owner.name}.",
        evidence=_states([one for one in others if one not in away]) or f"{names(away)} cannot be asked",
        cause=f"{names(away)} does not run."
        if away
        else "Another server's API is not ready, or its keepalived is off.",
        fix="wizard doctor machines.running" if away else f"{login} systemctl status k3s keepalived",
    )


def free(ctx: Context) -> Finding:
    """Before it is first used: nobody else answers there. Where a server of ours has it, it is ours."""
    if any(one.seen.held for one in look_at_all(ctx)):
        return passed(f"{ctx.spec.network.api_vip} is at a server of ours.")
    planned = [one for one in planned_addresses(ctx.spec, ctx.spec.machines) if one.used_for == VIP]
    return _verdict(judged(ctx, planned)[0])


def foreign(ctx: Context) -> Finding:
    """As the hypervisors hear it (one look at the wire serves the machines' step, too), and whose card answers servers."""
    finding = _verdict(judged(ctx, planned_addresses(ctx.spec, ctx.spec.machines))[0])
    if finding.status is Status.FAIL:
        return blind(finding, "machines.wire")
    met = _stranger(look_at_all(ctx))
    return _taken(ctx.spec.network.api_vip, met) if met else finding


def _stranger(found: Sequence[Server]) -> str:
    """Which server is answered at the address by a card of none of them; empty where none is, or that is not known."""
    ours = {one.seen.mac for one in found if one.seen.mac}
    if not all(one.known and one.present for one in found):
        return ""
    met = (
        f"{one.name} is answered by {one.seen.at}" for one in found if one.seen.at and one.seen.at not in ours
    )
    return next(met, "")


def _verdict(addresses: Sequence[PlannedAddress]) -> Finding:
    one = next(one for one in addresses if one.used_for == VIP)
    if one.conflict:
        return _taken(one.address, one.conflict)
    if one.probe == "not-checked":
        return skipped(f"Who answers at {one.address} was not checked: {one.why}.")
    return passed(f"Nobody else answers at {one.address}.", evidence=f"answered by {one.by or 'nobody'}")


def _taken(address: str, seen: str) -> Finding:
    return failed(
        f"Another device has {address}, the address of the API.",
        evidence=seen,
        cause="It was given that address by hand or by DHCP.",
        fix="Give that device another address, or choose another network.api_vip in cluster.yaml",
    )
