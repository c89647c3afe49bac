"""Storage, apps and backups: what one of them needs of another."""

from __future__ import annotations

from collections.abc import Iterator

from wizard.core.spec.model import ClusterSpec, Problem

NEEDS = {"traefik": ("metallb",), "nextcloud": ("mariadb", "redis", "traefik")}
"""Which of our apps an app cannot be installed without."""
WITH_VOLUMES = ("mariadb", "nextcloud")


def service_rules(spec: ClusterSpec) -> Iterator[Problem]:
    """What is wanted can be installed with what else is wanted."""
    yield from _storage(spec)
    yield from _apps(spec)
    yield from _kubernetes(spec)
    yield from _backup(spec)
    yield from _records(spec)


def _storage(spec: ClusterSpec) -> Iterator[Problem]:
    storage = spec.storage
    if storage.kind == "existing" and not storage.storage_class:
        text = "An existing storage is known by its class, and none is named."
        yield Problem("storage.kind", text, "Add class: NAME (kubectl get storageclass lists them).")
    if storage.backup_target and storage.kind != "longhorn":
        text = f"Only Longhorn sends volume backups; with kind: {storage.kind} nobody would."
        yield Problem("storage.backup_target", text, "Remove it, or write kind: longhorn.")
    for app in spec.apps:
        if storage.kind == "none" and app.name in WITH_VOLUMES:
            text = f"{app.name} keeps its data on a volume, and storage is none."
            yield Problem(f"apps.{app.name}", text, "Remove the app, or write kind: longhorn.")


def _apps(spec: ClusterSpec) -> Iterator[Problem]:
    wanted = {app.name for app in spec.apps}
    for app in spec.apps:
        missing = [need for need in NEEDS.get(app.name, ()) if need not in wanted]
        if missing:
            text = f"{app.name} needs {' and '.join(missing)}."
            lines = ", ".join(
                "mariadb: {size: 10G}" if need == "mariadb" else f"{need}: {{}}" for need in missing
            )
            yield Problem(f"apps.{app.name}", text, f"Add to apps: {lines}.")


def _kubernetes(spec: ClusterSpec) -> Iterator[Problem]:
    if spec.apps and not spec.k3s.enabled:
        names = ", ".join(app.name for app in spec.apps)
        text = f"Without Kubernetes no app is installed; named are {names}."
        yield Problem("k3s.enabled", text, "Remove enabled: false, or the apps.", level="warning")


def _backup(spec: ClusterSpec) -> Iterator[Problem]:
    if spec.backup and not spec.k3s.enabled:
        text = "Without Kubernetes no backup is made: the state of the cluster is what it writes into etcd."
        yield Problem("k3s.enabled", text, "Remove enabled: false, or backup.", level="warning")


def _records(spec: ClusterSpec) -> Iterator[Problem]:
    """A name of ours that is also told to mean something else."""
    ours = {f"{host.name}.{spec.network.domain}": host.address for host in spec.hosts}
    ours |= {f"{machine.name}.{spec.network.domain}": machine.address for machine in spec.machines}
    for name, address in spec.dns.records.items():
        if name in ours and ours[name] and address != ours[name]:
            text = f"{name} is a machine of this spec at {ours[name]}, and the record says {address}."
            yield Problem(
                f"dns.records.{name}", text, "Remove the record: the wizard publishes its own names."
            )
