"""What must hold on the nodes of K3s; doctor asks it again and again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial

from steps.etcd_before import blind, ssh
from steps.k3s_files import AGENT_TOKEN, TOKEN, differing, outdated, server_names
from steps.k3s_plan import lacking
from steps.k3s_seen import READ_SECONDS, Node, look, look_at, nodes_of
from steps.k3s_work import waiting_for
from wizard.core.check import Check, Finding, Level, When, failed, passed, skipped, warned
from wizard.core.context import Context
from wizard.core.secret import Secret
from wizard.core.spec.model import MachineSpec
from wizard.payload import k3s_config as config
from wizard.payload.certificates import read_certificate
from wizard.payload.etcd_files import MemberFile

CHECK_SECONDS = READ_SECONDS + 10
"""A check may be the one that asks a node first."""

LAST_DAYS = 30
"""K3s makes certificates anew when it is started with less than 90 days left (domain.md 1.2); a node that was not
restarted for so long that only this is left has to be."""

DATA = "/var/lib/rancher/k3s"
SHOWN = {
    "server": f"{DATA}/server/tls/serving-kube-apiserver.crt",
    "agent": f"{DATA}/agent/serving-kubelet.crt",
}
AUTHORITIES = {"server": f"{DATA}/server/tls/server-ca.crt", "agent": f"{DATA}/agent/server-ca.crt"}

Test = Callable[[Context, Node], Finding]


def node_checks(machine: MachineSpec) -> Iterator[Check]:
    """What is asked of every node, server or agent.

    Args:
        machine: its guest.
    """
    name = machine.name
    for check, title, test in (
        ("k3s.running", f"K3s on {name} runs", running),
        ("k3s.config", f"K3s on {name} is set up as the spec has it", configured),
        ("k3s.boot", f"K3s on {name} starts at boot", boot),
        ("k3s.certificates", f"The certificates of {name} hold", certificates),
    ):
        run = partial(on, machine=machine, test=test)
        yield Check(check, title, run, When.AFTER, Level.ERROR, name, timeout=CHECK_SECONDS)


def on(ctx: Context, *, machine: MachineSpec, test: Test) -> Finding:
    """A check of a node that can be asked; what keeps it from being asked explains the rest."""
    if not ctx.present(machine.name):
        return blind(skipped(f"Not checked: {machine.name} does not run."), "machines.running")
    return test(ctx, look(ctx, machine))


# --- before


def downgrade(ctx: Context) -> Finding:
    """Nobody goes back, nor past a minor version: what newer servers wrote, older ones cannot read (row 74)."""
    wanted = numbers(ctx.spec.k3s.version)
    for node in look_at(ctx, nodes_of(ctx.spec)):
        there = numbers(node.seen.version)
        if not there or not node.seen.node.joined or there == wanted:
            continue
        if there > wanted:
            return failed(
                f"K3s on {node.name} cannot go back from {node.seen.version} to {ctx.spec.k3s.version}.",
                evidence=f"installed: {node.seen.version}; wanted: {ctx.spec.k3s.version}",
                cause="k3s.version in the spec is older than what runs: older servers cannot read what newer ones wrote.",
                fix=f"Set k3s.version in cluster.yaml to {node.seen.version}",
            )
        if there[0] != wanted[0] or wanted[1] - there[1] > 1:
            following = f"v{there[0]}.{there[1] + 1}"
            return failed(
                f"K3s on {node.name} cannot go from {node.seen.version} to {ctx.spec.k3s.version} at once.",
                evidence=f"installed: {node.seen.version}; wanted: {ctx.spec.k3s.version}",
                cause="Kubernetes goes one minor version at a time.",
                fix=f"Set k3s.version in cluster.yaml to a version of {following} first",
            )
    return passed(f"K3s {ctx.spec.k3s.version} can be installed.")


def numbers(version: str) -> tuple[int, ...]:
    """A version as numbers that can be compared: `v1.36.4+k3s1` as 1, 36, 4, 1; empty = it is none."""
    found = re.fullmatch(r"v(\d+)\.(\d+)\.(\d+)\+k3s(\d+)", version)
    return tuple(int(part) for part in found.groups()) if found else ()


def token(ctx: Context) -> Finding:
    """Servers that have run were given the token we have: with another one none of them would start again (row 73).

    Where one serves with ours it is that of the cluster: what lies on another was put there by hand, and is put right.
    """
    ran = [node for node in look_at(ctx, ctx.spec.servers()) if node.seen.node.server]
    if any(node.seen.serves and all(_tokens(ctx, node).values()) for node in ran):
        return passed("The servers have our tokens.")
    wrong = ((node, one) for node in ran for one, same in _tokens(ctx, node).items() if same is False)
    for node, (secret, path) in wrong:
        return failed(
            f"{node.name} was given another token than we have.",
            evidence=f"{path} on {node.name} is not {secret} among our secrets",
            cause="The file of secrets was lost, or is of another cluster; what etcd holds is sealed with the token.",
            fix="Put the right secrets.yaml back into the folder that `wizard state path` prints",
        )
    return passed("The servers have our tokens, or none yet.")


def _tokens(ctx: Context, node: Node) -> dict[tuple[str, str], bool | None]:
    """Whether a server's tokens are ours, by the secret and its path; None where there is none."""
    found: dict[tuple[str, str], bool | None] = {}
    for secret, path in ((TOKEN, config.TOKEN), (AGENT_TOKEN, config.AGENT_TOKEN)):
        ours, there = ctx.secrets.get(secret), node.seen.files.get(path)
        found[secret, path] = None if there is None else bool(ours and there.digest == _digest(ours))
    return found


def _digest(secret: Secret) -> str:
    return MemberFile("", Secret(f"{secret.reveal()}\n")).digest


# --- after


def installed(ctx: Context, node: Node) -> Finding:
    """The program and the images on the disk are those of the lock."""
    wanted, there = ctx.spec.k3s.version, node.seen.version
    missing = lacking(ctx, node)
    if not missing:
        return passed(f"{node.name} has K3s {there} and its images.")
    found = (
        "; ".join(f"{path}: {digest[:12]}" for path, digest in node.seen.digests.items())
        or "none of its files"
    )
    if there and there != wanted:
        return failed(
            f"{node.name} has K3s {there} instead of {wanted}.",
            evidence=found,
            cause="The spec was changed, or somebody installed another one.",
            fix="wizard apply",
        )
    return failed(
        f"{node.name} lacks {' and '.join(missing)} of K3s {wanted}.",
        evidence=found,
        cause="It was not installed yet, or what lies there is not what the lock names.",
        fix="wizard apply",
    )


def running(ctx: Context, node: Node) -> Finding:
    """It runs; a server's API says that it is ready."""
    name, seen, login = node.name, node.seen, ssh(ctx.spec, node.name)
    unit = node.unit.removesuffix(".service")
    if not seen.unit.fragment or seen.name != node.unit:
        return failed(
            f"K3s is not set up on {name}.",
            evidence=f"program: {seen.version or 'none'}, unit: {seen.unit.fragment or 'none'}",
            cause="`wizard apply` was not run yet, or the guest was made anew.",
            fix="wizard apply",
        )
    state = f"{seen.unit.active or 'unknown'} ({seen.unit.sub or '-'}), {seen.unit.restarts} restarts"
    if node.runs and node.role == "server" and not seen.serves:
        return failed(
            f"K3s on {name} runs, and its API is not ready.",
            evidence=seen.ready or state,
            cause="etcd has no quorum, or does not answer this server.",
            fix="wizard doctor etcd.quorum",
        )
    if node.runs:
        what = "its API is ready" if node.role == "server" else "it told systemd so"
        return passed(f"K3s {seen.version} on {name} runs: {what}.")
    if seen.stranger:
        return failed(
            f"The cluster knows another machine as {name}, and turns this one away.",
            evidence=seen.reason,
            cause="The guest was made anew; what the cluster knows its node by went with the old disk.",
            fix="wizard apply",
        )
    stopped = not seen.reason or seen.unit.active == "inactive"
    return failed(
        f"K3s on {name} does not run: {waiting_for(seen)}.",
        evidence=state,
        cause="Somebody stopped it." if stopped else seen.reason,
        fix=f"{login} systemctl restart --no-block {unit}\n{login} journalctl -u {unit} -n 50",
    )


def configured(ctx: Context, node: Node) -> Finding:
    """Its files are as they shall be, and its process was started with them."""
    if not node.seen.unit.fragment:
        return blind(skipped(f"Not checked: K3s is not set up on {node.name}."), "k3s.running")
    paths = differing(node, ctx.spec, ctx.lineage_on(node.machine.host), ctx.secrets)
    if paths:
        return failed(
            f"K3s on {node.name} is not set up as the spec has it.",
            evidence=f"differs: {', '.join(paths)}",
            cause="The spec was changed, or somebody changed the files.",
            fix="wizard apply",
        )
    if node.runs and outdated(node, ctx.spec, ctx.secrets):
        return failed(
            f"K3s on {node.name} was not started anew since it was set up.",
            evidence="its process read another configuration",
            cause="A restart failed, or was left out.",
            fix="wizard apply",
        )
    return passed(f"K3s on {node.name} is set up as the spec has it.")


def boot(ctx: Context, node: Node) -> Finding:
    """It starts with its guest."""
    if not node.seen.unit.fragment:
        return blind(skipped(f"Not checked: K3s is not set up on {node.name}."), "k3s.running")
    if not node.enabled:
        return failed(
            f"K3s on {node.name} does not start at boot.",
            evidence=f"{node.unit} is not enabled",
            cause="Somebody disabled it.",
            fix=f"{ssh(ctx.spec, node.name)} systemctl enable {node.unit.removesuffix('.service')}",
        )
    return passed(f"K3s on {node.name} starts at boot.")


def certificates(ctx: Context, node: Node) -> Finding:
    """What it shows lasts, and a server's names all that it is reached by."""
    name = node.name
    text = node.seen.texts.get(SHOWN[node.role], "")
    if not text:
        return blind(skipped(f"Not checked: K3s on {name} has no certificates yet."), "k3s.running")
    found, login = read_certificate(text), ssh(ctx.spec, name)
    unit = node.unit.removesuffix(".service")
    if found is None:
        return failed(
            f"The certificate of {name} cannot be read.",
            evidence=SHOWN[node.role],
            cause="The file is damaged.",
            fix=f"{login} k3s certificate rotate\n{login} systemctl restart {unit}",
        )
    missing = [one for one in server_names(ctx.spec) if one not in (*found.addresses, *found.names)]
    if node.role == "server" and missing:
        return failed(
            f"The certificate of {name} does not name {', '.join(missing)}.",
            evidence=f"it names {', '.join((*found.addresses, *found.names))}",
            cause="The address or the domain in the spec was changed since K3s was first started.",
            fix=f"{login} sh -c 'systemctl stop {unit}; k3s certificate rotate; systemctl start {unit}'",
        )
    days = found.days_left(datetime.now(UTC))
    if days < LAST_DAYS:
        make = failed if days < 0 else warned
        return make(
            f"The certificate of {name} {'has ended' if days < 0 else f'ends in {days} days'}.",
            evidence=f"it lasts until {found.ends:%Y-%m-%d}",
            cause="K3s makes it anew when it is started, and was not for a long time.",
            fix=f"{login} systemctl restart {unit}",
        )
    return passed(f"The certificate of {name} lasts until {found.ends:%Y-%m-%d}.")


def one_cluster(ctx: Context) -> Finding:
    """All nodes trust one and the same authority."""
    nodes = [node for node in look_at(ctx, nodes_of(ctx.spec)) if node.known]
    by: dict[str, list[str]] = {}
    for node in nodes:
        text = node.seen.texts.get(AUTHORITIES[node.role], "").strip()
        if text:
            by.setdefault(text, []).append(node.name)
    if len(by) > 1:
        groups = sorted(by.values(), key=len, reverse=True)
        return failed(
            f"{' and '.join(groups[-1])} is a node of another cluster than {' and '.join(groups[0])}.",
            evidence=f"{len(by)} different authorities",
            cause="It joined while the servers had other data in etcd, or was taken from elsewhere.",
            fix="\n".join(_aside(ctx, node) for node in nodes if node.name in groups[-1]),
        )
    return passed("All nodes are of one cluster." if by else "No node has joined a cluster yet.")


def _aside(ctx: Context, node: Node) -> str:
    unit = node.unit.removesuffix(".service")
    words = f"systemctl disable --now {unit}; mv {DATA} {DATA}.old; rm {config.MARK}"
    return f"{ssh(ctx.spec, node.name)} sh -c '{words}'   # if nobody needs it; then wizard apply"
