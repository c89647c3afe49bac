"""What a backup of etcd takes: keys among our secrets, files on a member, lines on the hypervisor that keeps it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial

from steps.backup_seen import Keeper, Maker, kept_by, making
from steps.installed_files import files_flaw
from steps.k3s_files import TOKEN
from wizard.core.errors import WizardError
from wizard.core.secret import Secret
from wizard.core.secrets import SecretKeeper, Secrets
from wizard.core.spec import ClusterSpec
from wizard.core.spec.model import BackupSpec
from wizard.payload.certificates import make_recipient
from wizard.payload.etcd_backup import (
    NAME,
    Handed,
    Store,
    authorized_line,
    member_files,
    receiver_text,
)
from wizard.payload.etcd_files import MemberFile
from wizard.payload.ssh_keys import key_pair

READER = "backup"
"""The key that reads backups; its certificate beside it."""


def _member_key(member: str) -> tuple[str, str]:
    """The secrets by which a member hands its backups in: private and public."""
    return f"{READER}/{member}.key", f"{READER}/{member}.pub"


def keys_missing(secrets: Secrets, spec: ClusterSpec) -> bool:
    """Whether one is still to be made."""
    names = [READER, f"{READER}.crt", *(name for one in making(spec) for name in _member_key(one.name))]
    return any(secrets.get(name) is None for name in names)


def ensure_keys(secrets: SecretKeeper, spec: ClusterSpec) -> None:
    """Make those that are missing; the one that reads backups is never made anew while it is there."""
    secrets.ensure(partial(_new_recipient, spec.name), READER, f"{READER}.crt")
    for place in making(spec):
        secrets.ensure(partial(_new_key, spec.name, place.name), *_member_key(place.name))


def _new_recipient(cluster: str) -> Mapping[str, Secret]:
    pair = make_recipient(f"backups of {cluster}", datetime.now(UTC))
    return {READER: pair.key, f"{READER}.crt": Secret(pair.certificate)}


def _new_key(cluster: str, member: str) -> Mapping[str, Secret]:
    return dict(zip(_member_key(member), key_pair(f"{NAME} {cluster} {member}"), strict=True))


def admitted_lines(spec: ClusterSpec, host: str, store: Store, secrets: Secrets) -> Mapping[str, str]:
    """The lines of authorized_keys on a hypervisor by member, of those whose key was made already."""
    keep = spec.backup.keep if spec.backup else 0
    public = {one.name: secrets.get(_member_key(one.name)[1]) for one in kept_by(spec, host)}
    return {
        name: authorized_line(store, name, keep, key.reveal())
        for name, key in public.items()
        if key is not None
    }


def store_files(spec: ClusterSpec, host: str, store: Store, secrets: Secrets) -> list[MemberFile]:
    """What `do/backup-store` brings to a hypervisor: the script first, then the lines under the path `keys`."""
    lines = admitted_lines(spec, host, store, secrets)
    text = "".join(f"{line}\n" for line in lines.values())
    return [
        MemberFile(store.receiver, Secret(receiver_text()), "755"),
        MemberFile("keys", Secret(text), "600"),
    ]


def store_flaw(keeper: Keeper, spec: ClusterSpec, secrets: Secrets) -> str:
    """What keeps a hypervisor from taking in the backups it shall keep; empty where nothing does."""
    seen, lines = keeper.seen, admitted_lines(spec, keeper.name, keeper.store, secrets)
    if seen.receiver != hashlib.sha256(receiver_text().encode()).hexdigest():
        return f"{keeper.store.receiver} is not {'as it shall be' if seen.receiver else 'there'}"
    for place in kept_by(spec, keeper.name):
        line = lines.get(place.name)
        if line is None or seen.admitted.get(place.name) != hashlib.sha256(f"{line}\n".encode()).hexdigest():
            return f"the key of {place.name} is not admitted"
    strangers = sorted(set(seen.admitted) - set(lines))
    return f"a key of {strangers[0]} is admitted, which hands nothing in" if strangers else ""


def maker_files(
    spec: ClusterSpec, backup: BackupSpec, maker: str, store: Store, host_key: str, secrets: Secrets
) -> tuple[MemberFile, ...] | None:
    """The files of a member; None where a key or the token was not made yet, or the store shows no key of its own."""
    certificate, token = secrets.get(f"{READER}.crt"), secrets.get(TOKEN)
    key = secrets.get(_member_key(maker)[0])
    if certificate is None or token is None or key is None or not host_key:
        return None
    handed = Handed(spec.name, maker, store.url, host_key, backup.schedule, certificate.reveal(), token, key)
    return member_files(handed)


def maker_flaw(maker: Maker, keeper: Keeper, spec: ClusterSpec, backup: BackupSpec, secrets: Secrets) -> str:
    """What keeps a member from making its backups; empty where nothing does."""
    files = maker_files(spec, backup, maker.name, keeper.store, keeper.seen.host_key, secrets)
    if files is None:
        return "its keys were not made yet"
    wrong = files_flaw(files, maker.seen.files)
    if wrong:
        return wrong
    if not maker.seen.timer.enabled:
        return "its timer does not start at boot"
    return "" if maker.seen.timer.active == "active" else "its timer is stopped"


def gone(maker: str) -> WizardError:
    """The keys of a member are gone from our secrets since the plan was made."""
    private, public = _member_key(maker)
    return WizardError(
        f"What {maker} makes its backups with is not among the secrets.",
        where=f"{READER}.crt, {private}, {public}, {TOKEN}",
        why="It was made a moment ago; somebody took the file of secrets away meanwhile.",
        do="wizard apply",
    )
