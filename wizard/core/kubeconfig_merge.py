"""A cluster's entry among the others of a person's kubeconfig: only ours is written, and only in our own place."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from wizard.core.dataclass import dataclass
from wizard.core.errors import RefusedError
from wizard.core.kubeconfig import Admin, KubeconfigError, decoded, fingerprint, write_admin

LISTS = ("clusters", "users", "contexts")
"""The lists of named entries a kubeconfig is made of."""


@dataclass(frozen=True, slots=True)
class Merged:
    """A kubeconfig with our entry in it."""

    document: Mapping[str, Any]
    changed: bool
    """It is another one than before."""
    current: bool
    """kubectl uses the entry without being told to."""
    noticed: tuple[str, ...] = ()
    """What the person should know, a sentence each."""


def merge(
    document: Mapping[str, Any], admin: Admin, server: str, name: str, *, where: Path, chosen: str
) -> Merged:
    """Put a cluster into a kubeconfig, or bring its entry there up to date.

    An entry of the name is the cluster's own where it has the same address or the same authority.

    Args:
        document: of the file; it stays as it is.
        admin: of the cluster.
        server: its URL.
        name: of its cluster, user and context.
        where: the file, for messages.
        chosen: the context that is in use by all files together; empty = none.

    Raises:
        RefusedError: an entry of the name is another cluster's.
    """
    wanted = write_admin(admin, server, name)
    noticed = check_ours(document, admin, server, name, where=where)
    found = copy.deepcopy(dict(document)) or {"apiVersion": "v1", "kind": "Config"}
    for key in LISTS:
        found[key] = _put(found.get(key) or [], wanted[key][0], keep=("namespace", "extensions"))
    if not chosen:
        found["current-context"] = name
    return Merged(found, found != dict(document), chosen in ("", name), tuple(noticed))


def check_ours(
    document: Mapping[str, Any], admin: Admin, server: str, name: str, *, where: Path
) -> Sequence[str]:
    """Make sure that what has the name is the cluster's own.

    Args:
        document: of a file.
        admin: of the cluster.
        server: its URL.
        name: of its cluster, user and context.
        where: the file, for messages.

    Returns:
        What should be said about it.

    Raises:
        RefusedError: it is another cluster's.
    """
    there = {key: _named(document, key, name) for key in LISTS}
    cluster = _inner(there["clusters"], "cluster")
    context = _inner(there["contexts"], "context")
    if context and (context.get("cluster"), context.get("user")) != (name, name):
        raise _others(where, name, f"The context {name} is of the cluster {context.get('cluster')!r}.")
    if not cluster:
        if there["users"]:
            raise _others(where, name, f"There is a user {name} that belongs to no cluster of ours.")
        return ()
    known, url = fingerprint(_authority(cluster)), str(cluster.get("server", ""))
    if url != server and known != admin.fingerprint:
        raise _others(where, name, f"The cluster {name} is at {url or 'no address'}, with another authority.")
    if known == admin.fingerprint:
        return ()
    return (
        f"The certificate authority of {name} changed ({known or 'none'} before, {admin.fingerprint} now): "
        "K3s was set up anew since. The entry is replaced.",
    )


def holds(document: Mapping[str, Any], name: str) -> bool:
    """Whether a kubeconfig has any entry of a name."""
    return any(_named(document, key, name) for key in LISTS)


def problem(document: object) -> str:
    """Why this is no kubeconfig that can be added to; empty = it is one.

    Args:
        document: as it was read.
    """
    if not isinstance(document, dict):
        return "it is no list of keys and values"
    for key in LISTS:
        entries = document.get(key)
        if entries is not None and not isinstance(entries, list):
            return f"its {key} are no list"
        if any(not isinstance(one, dict) or "name" not in one for one in entries or ()):
            return f"one of its {key} has no name"
    return ""


def _put(entries: Sequence[Mapping[str, Any]], wanted: Mapping[str, Any], keep: Sequence[str]) -> list[Any]:
    """The entries with ours where it was, or at the end; what a person added to it stays."""
    (kind,) = (key for key in wanted if key != "name")
    made: list[Any] = []
    for one in entries:
        if one.get("name") != wanted["name"]:
            made.append(one)
        elif wanted not in made:
            inner = one.get(kind) or {}
            kept = {key: inner[key] for key in keep if key in inner}
            made.append({"name": wanted["name"], kind: {**wanted[kind], **kept}})
    if all(one.get("name") != wanted["name"] for one in made):
        made.append(dict(wanted))
    return made


def _named(document: Mapping[str, Any], key: str, name: str) -> Mapping[str, Any] | None:
    return next(_entries(document, key, name), None)


def _entries(document: Mapping[str, Any], key: str, name: str) -> Iterator[Mapping[str, Any]]:
    yield from (one for one in document.get(key) or () if one.get("name") == name)


def _inner(entry: Mapping[str, Any] | None, kind: str) -> Mapping[str, Any]:
    found = entry.get(kind) if entry else None
    return found if isinstance(found, Mapping) else {}


def _authority(cluster: Mapping[str, Any]) -> str:
    """The authority of an entry; one that is named as a file is not looked at."""
    try:
        return decoded(str(cluster.get("certificate-authority-data", "")), "certificate-authority-data")
    except KubeconfigError:
        return ""


def _others(where: Path, name: str, why: str) -> RefusedError:
    return RefusedError(
        f"Your kubeconfig has an entry {name} already, and it is not this cluster's.",
        where=str(where),
        why=f"{why} It is left alone.",
        do=(
            f"wizard kubeconfig --context {name}-homelab    # under another name",
            "kubectl config get-contexts    # what there is",
        ),
    )
