"""The files of one member as they shall be, and whether those on it are so."""

from __future__ import annotations

import hashlib

from steps.etcd_certificates import AUTHORITY as AUTHORITY_SECRET
from steps.etcd_certificates import authority, kept, pending, retiring, trusted
from steps.etcd_seen import Member, Place, places
from steps.parse.units import InstalledFile
from wizard.core.errors import WizardError
from wizard.core.secret import Secret
from wizard.core.secrets import Secrets
from wizard.core.spec import ClusterSpec
from wizard.payload.etcd_config import (
    AUTHORITY,
    CONFIG,
    ELECTION_MS,
    HEARTBEAT_MS,
    PKI,
    EtcdConfig,
    config_text,
    in_force,
)
from wizard.payload.etcd_files import MemberFile
from wizard.payload.etcd_unit import RUNNING_CONFIG, UNIT, unit_text


def config_of(spec: ClusterSpec, place: Place, lineage: str, secrets: Secrets, *, joining: bool) -> str:
    """The configuration of a member.

    Args:
        spec: what is wanted.
        place: the member.
        lineage: of the cluster; empty = not known before the first apply.
        secrets: where the authorities are kept: etcd reads whom it trusts when it starts, and only then.
        joining: the cluster is there already and it has no data.
    """
    several = trusted(secrets) if pending(secrets) or retiring(secrets) else ""
    unit = hashlib.sha256((unit_text(spec.name, place.base) + several).encode()).hexdigest()[:16]
    return config_text(
        EtcdConfig(
            name=place.name,
            address=place.address,
            base=place.base,
            members={one.name: one.address for one in places(spec)},
            token=f"{spec.name}-{lineage or 'GIVEN-AT-THE-FIRST-APPLY'}",
            joining=joining,
            heartbeat_ms=spec.etcd.heartbeat_ms or HEARTBEAT_MS,
            election_ms=spec.etcd.election_ms or ELECTION_MS,
            unit=unit,
        )
    )


def plain_files(
    spec: ClusterSpec, place: Place, lineage: str, secrets: Secrets, *, joining: bool
) -> list[MemberFile]:
    """Configuration and unit."""
    return [
        MemberFile(CONFIG, Secret(config_of(spec, place, lineage, secrets, joining=joining))),
        MemberFile(UNIT, Secret(unit_text(spec.name, place.base))),
    ]


def key_files(secrets: Secrets, place: Place) -> list[MemberFile] | None:
    """Keys and certificates; None where one was not made yet."""
    own, doctor, root = (kept(secrets, f"etcd/{name}") for name in (place.name, "doctor", "root"))
    if authority(secrets) is None or own is None or doctor is None or root is None:
        return None
    return [
        MemberFile(AUTHORITY, Secret(trusted(secrets))),
        MemberFile(f"{PKI}/member.crt", Secret(own.certificate)),
        MemberFile(f"{PKI}/member.key", own.key, "600", "etcd:etcd"),
        # Whoever holds root's may read and write the whole cluster. Both are for the account root alone.
        MemberFile(f"{PKI}/doctor.crt", Secret(doctor.certificate), "600"),
        MemberFile(f"{PKI}/doctor.key", doctor.key, "600"),
        MemberFile(f"{PKI}/root.crt", Secret(root.certificate), "600"),
        MemberFile(f"{PKI}/root.key", root.key, "600"),
    ]


def all_files(
    spec: ClusterSpec, place: Place, lineage: str, secrets: Secrets, *, joining: bool
) -> list[MemberFile]:
    """Everything `do/etcd-configure` brings to a member.

    Raises:
        WizardError: its certificates are gone from our secrets since the plan was made.
    """
    keys = key_files(secrets, place)
    if keys is None:
        raise WizardError(
            f"The certificates of {place.name} are not among the secrets.",
            where=f"{AUTHORITY_SECRET}.crt, etcd/{place.name}.crt",
            why="They were made a moment ago; somebody took the file of secrets away meanwhile.",
            do="wizard apply",
        )
    return [*plain_files(spec, place, lineage, secrets, joining=joining), *keys]


def differing(
    member: Member, spec: ClusterSpec, lineage: str, secrets: Secrets, *, joining: bool
) -> list[str]:
    """The paths on a member that are not as they shall be, our mark beside its data among them."""
    place, seen = member.place, member.seen
    plain = plain_files(spec, place, lineage, secrets, joining=joining)
    found = [] if seen.data.marker == lineage and lineage else [f"{place.base}/wizard"]
    for file in (*plain, *(key_files(secrets, place) or ())):
        there = seen.files.get(file.path)
        dressed = there is not None and (there.mode, there.owner) == (file.mode, file.owner)
        kept_data = member.has_data and not joining
        same = _same_config(member, file, kept_data) if file.path == CONFIG else _same(there, file)
        if not dressed or not same:
            found.append(file.path)
    return found


def _same(there: InstalledFile | None, file: MemberFile) -> bool:
    return there is not None and there.digest == file.digest


def _same_config(member: Member, file: MemberFile, bootstrapped: bool) -> bool:
    there = in_force(member.seen.texts.get(CONFIG, ""), bootstrapped=bootstrapped)
    return there == in_force(file.content.reveal(), bootstrapped=bootstrapped)


def outdated(member: Member, spec: ClusterSpec, lineage: str, secrets: Secrets) -> bool:
    """Whether the process that runs was started with another configuration, unit or program than is wanted."""
    wanted = in_force(config_of(spec, member.place, lineage, secrets, joining=False), bootstrapped=True)
    running = in_force(member.seen.texts.get(RUNNING_CONFIG, ""), bootstrapped=True)
    status = member.seen.status
    return running != wanted or (status is not None and not right_version(status.version, spec))


def right_version(version: str, spec: ClusterSpec) -> bool:
    """Whether a version will do: the one asked for; of the distributions' 3.5 also a later patch."""
    wanted = spec.etcd.version
    if version == wanted or not wanted.startswith("3.5.") or not version.startswith("3.5."):
        return version == wanted
    return patch(version) >= patch(wanted)


def patch(version: str) -> int:
    """The last number of a version, 0 where there is none."""
    digits = version.split("-", maxsplit=1)[0].rpartition(".")[2]
    return int(digits) if digits.isdecimal() else 0
