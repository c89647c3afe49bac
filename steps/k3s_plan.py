"""What is missing on nodes, as changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from steps import k3s_work as work
from steps.k3s_files import differing, outdated, wanted_files
from steps.k3s_seen import Node, arch_of
from wizard.core.artifact import Artifact, Need
from wizard.core.change import Change
from wizard.core.context import Context
from wizard.payload.k3s_unit import BINARY

TOKENS = "tokens"
IMAGES_FOLDER = "/var/lib/rancher/k3s/agent/images"


def artifacts_of(ctx: Context, node: Node) -> dict[str, Artifact]:
    """The two files of a node, by the names of their artifacts.

    Raises:
        UsageError: there is no such artifact, or it was built and built ones are not accepted.
    """
    arch, version = arch_of(ctx, node.machine), ctx.spec.k3s.version
    return {name: ctx.artifacts.named(name, arch, version) for name in (work.PROGRAM, work.IMAGES)}


def lacking(ctx: Context, node: Node) -> tuple[str, ...]:
    """Which of the two are not there, or are others than those of the lock."""
    wanted = artifacts_of(ctx, node)
    return tuple(name for name, file in wanted.items() if not _there(ctx, node, name, file))


def _there(ctx: Context, node: Node, name: str, file: Artifact) -> bool:
    place = BINARY if name == work.PROGRAM else f"{IMAGES_FOLDER}/{file.file}"
    digest = node.seen.digests.get(place)
    # Before the first download there may be no digest to compare with: then the version has to do.
    known = digest == file.sha256 if file.sha256 else digest is not None
    return known and node.seen.version == ctx.spec.k3s.version


def install_change(ctx: Context, node: Node, missing: Sequence[str]) -> Change:
    """Bring a node what it lacks.

    Args:
        ctx: this pass.
        node: as it stands.
        missing: of the two files.
    """
    wanted, version = artifacts_of(ctx, node), ctx.spec.k3s.version
    arch = arch_of(ctx, node.machine)
    there = f" in place of {node.seen.version}" if node.seen.version not in ("", version) else ""
    places = {work.PROGRAM: BINARY, work.IMAGES: f"{IMAGES_FOLDER}/{wanted[work.IMAGES].file}"}
    return Change(
        key=f"install:{node.name}",
        host=node.name,
        summary=f"Install K3s {version} on {node.name}{there}",
        preview="\n".join(f"{wanted[name].label} -> {places[name]}" for name in missing),
        weight=20.0,
        do=work.install(arch, tuple(missing)),
        needs=tuple(Need(name, arch, version) for name in (work.PROGRAM, work.IMAGES)),
    )


def tokens_change() -> Change:
    """Make the tokens, on this machine."""
    return Change(
        key=TOKENS,
        host="",
        summary="Make the tokens that servers and agents join the cluster with",
        preview="two random ones, kept among the secrets; a file of root alone on each node",
        do=work.make_tokens,
    )


def node_changes(ctx: Context, node: Node, after: tuple[str, ...]) -> Iterator[Change]:
    """What is missing on a node: its files, then its start.

    Args:
        ctx: this pass.
        node: as it stands.
        after: keys of changes that must be done first.
    """
    paths = differing(node, ctx.spec, ctx.lineage_on(node.machine.host), ctx.secrets)
    if paths:
        yield _configure(ctx, node, paths, after)
    mine = (*after, f"configure:{node.name}") if paths else after
    if node.runs and (paths or outdated(node, ctx.spec, ctx.secrets)):
        yield _start(node, mine, anew=True)
    elif not node.runs or not node.enabled:
        # One that waits for something goes on with the files it read, a token among them, unless it is started anew.
        waits = node.seen.unit.active == "activating"
        stuck = waits and (bool(paths) or node.seen.hopeless or outdated(node, ctx.spec, ctx.secrets))
        yield _start(node, mine, anew=stuck)


def _configure(ctx: Context, node: Node, paths: Sequence[str], after: tuple[str, ...]) -> Change:
    text = wanted_files(ctx.spec, node.machine, node.role, ctx.secrets)[0].content.reveal()
    kind = "a server" if node.role == "server" else "an agent"
    return Change(
        key=f"configure:{node.name}",
        host=node.name,
        summary=f"Set up K3s on {node.name} as {kind}",
        preview="\n".join([f"writes {', '.join(dict.fromkeys(paths))}", text]),
        weight=2.0,
        after=after,
        do=work.configure(node.machine),
    )


def _start(node: Node, after: tuple[str, ...], *, anew: bool) -> Change:
    name, unit = node.name, node.unit.removesuffix(".service")
    verb = "restart" if anew else "start"
    what = f"Restart K3s on {name}" if anew else f"Start K3s on {name}, now and at every boot"
    return Change(
        key=f"{verb}:{name}",
        host=name,
        summary=what,
        preview=f"systemctl enable {unit}\nsystemctl {verb} --no-block {unit}",
        weight=30.0 if node.role == "server" else 20.0,
        after=after,
        do=work.start(node.machine, anew=anew),
    )
