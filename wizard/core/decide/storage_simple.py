"""Rules for what is quickly judged: NFS, GlusterFS, no storage, and storage that is there already."""

from __future__ import annotations

from collections.abc import Iterator

from wizard.core.decide.storage_data import Requirement
from wizard.core.decide.storage_hosts import Home, Seen, names, size_text, unknown, wide_filesystem
from wizard.core.decide.storage_shared import host_at, keepers, target_address
from wizard.core.spec.model import HostSpec
from wizard.core.spec.rules.services import WITH_VOLUMES

DATABASES = ("mariadb",)
"""Apps that are databases."""


# --- NFS ------------------------------------------------------------------------------------------------------


def one_server(home: Home, _need: Requirement) -> Iterator[Seen]:
    """What stops with each host that could serve; where a target names the server, with that one."""
    lost = names(keepers(home.spec), "all apps with volumes")
    address = target_address(home.spec)
    server = host_at(home.spec, address)
    if address and server is None:
        yield Seen(
            False, f"{address} serves: while it is down these hang: {lost}; its disks are the only copy"
        )
        return
    for host in (server,) if server else home.spec.hypervisors:
        found = f"if it serves: while it is down these hang: {lost}; its disks are the only copy"
        yield Seen(False, found, host.name)


def databases(home: Home, _need: Requirement) -> Iterator[Seen]:
    """No database is asked for."""
    asked = [app.name for app in home.spec.apps if app.name in DATABASES]
    yield Seen(not asked, f"{names(asked)} is asked for" if asked else "none is asked for")


def backup_place(home: Home, _need: Requirement) -> Iterator[Seen]:
    """Backups lie on another machine than the volumes."""
    target = home.spec.storage.backup_target
    if target is None:
        yield Seen(None, "no target is named yet (storage.backup_target)")
        return
    server = host_at(home.spec, target_address(home.spec))
    if server is not None and server.role == "hypervisor":
        found = f"{target} is on {server.name}: a copy of its volumes is lost together with their backups"
        yield Seen(False, found, server.name, "A target on a third machine")
    else:
        yield Seen(True, target, server.name if server else "")


# --- GlusterFS ------------------------------------------------------------------------------------------------


def gluster_copies(home: Home, need: Requirement) -> Iterator[Seen]:
    """Two hypervisors keep a brick each."""
    able = [host.name for host in home.spec.hypervisors]
    yield Seen(len(able) >= need.numbers["bricks"], names(able))


def _arbiter(home: Home) -> HostSpec | None:
    return next(iter((*home.spec.witnesses, *home.spec.hypervisors[2:])), None)


def gluster_arbiter(home: Home, _need: Requirement) -> Iterator[Seen]:
    """The witness, or a third hypervisor."""
    third = _arbiter(home)
    yield Seen(True, "could be it", third.name) if third else Seen(False, "there is no third host")


def gluster_space(home: Home, need: Requirement) -> Iterator[Seen]:
    """An arbiter keeps names and attributes only; not on an SD card."""
    third = _arbiter(home)
    if third is None:
        return
    facts = home.facts.get(third.name)
    if facts is None:
        yield unknown(third.name)
        return
    wanted = need.numbers["kilobytes"] * 1000 * need.numbers["files"] * 10**6
    found = wide_filesystem(facts)
    if found is None or found.free is None:
        yield Seen(False, "no file system beside the SD card", third.name, f"A USB SSD for {third.name}")
        return
    told = f"{size_text(found.free)} free on {found.mount}, {size_text(wanted)} needed"
    yield Seen(found.free >= wanted, told, third.name)


# --- none, and what is there already --------------------------------------------------------------------------


def no_volumes(home: Home, _need: Requirement) -> Iterator[Seen]:
    """What then cannot be installed."""
    asked = keepers(home.spec)
    if asked:
        verb = "keeps" if len(asked) == 1 else "keep"
        do = "Remove them under apps, or write storage.kind: longhorn"
        yield Seen(False, f"{names(asked)} {verb} data and cannot be installed", do=do)
    else:
        yield Seen(True, f"none is asked for; {names(WITH_VOLUMES)} cannot be added later without storage")


def class_named(home: Home, _need: Requirement) -> Iterator[Seen]:
    """The spec says which."""
    name = home.spec.storage.storage_class
    do = "Write storage.class: NAME   (kubectl get storageclass lists them)"
    yield Seen(bool(name), name or "none is named", do="" if name else do)


def class_there(_home: Home, _need: Requirement) -> Iterator[Seen]:
    """Kubernetes is not asked here: it may not run yet."""
    yield Seen(None, "the cluster is not asked by this command")
