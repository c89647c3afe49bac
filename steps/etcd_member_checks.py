"""What must hold on each member once etcd is set up; doctor asks it again and again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from steps.etcd_before import blind, ssh
from steps.etcd_certificates import flaw, member_certificate
from steps.etcd_files import right_version
from steps.etcd_seen import Member, Place, look, look_at_all
from steps.parse.etcd import observations, quantile
from wizard.core.check import Finding, failed, passed, skipped, warned
from wizard.core.context import Context
from wizard.core.decide.witness_data import witness_data
from wizard.core.facts import GIB
from wizard.payload.certificates import (
    LAST_DAYS,
    RENEW_DAYS,
    Certificate,
    bundled,
    read_certificate,
    signed_by,
)
from wizard.payload.etcd_config import AUTHORITY, PKI, QUOTA_BYTES

FSYNC_GOOD, FSYNC_SLOW = witness_data().good_ms / 1000, witness_data().slow_ms / 1000
"""Seconds, 99th percentile of syncing the log: the bounds by which `wizard witness` judges (domain.md 2.2)."""

FEW = 2000
"""With fewer syncs than that nothing is said of the disk yet: the first ones fall into the installation, which keeps the
disk busy itself, and twenty slow ones make the 99th percentile. A cluster in use makes as many within minutes."""

DB_WARN, DB_FAIL = 0.7, 0.9
"""Shares of the quota from where the database is looked at; at the whole of it etcd takes no more writes."""

FREE_FAIL = 256 * 1024 * 1024
"""Bytes. Four write-ahead segments of 64 MB: with less, etcd stops in the middle of a write."""

FREE_WARN = GIB
"""Bytes, where it is also less than a tenth of the disk."""

Test = Callable[[Context, Member], Finding]


def on(ctx: Context, *, place: Place, test: Test) -> Finding:
    """A check of a member that can be asked; what keeps it from being asked explains the rest."""
    if not ctx.present(place.name):
        return blind(skipped(f"Not checked: {place.name} does not run."), "machines.running")
    return test(ctx, look(ctx, place))


def on_running(ctx: Context, *, place: Place, test: Test) -> Finding:
    """A check of what a running member says."""

    def run(ctx: Context, member: Member) -> Finding:
        if not member.seen.answers:
            return blind(skipped(f"Not checked: etcd on {place.name} does not answer."), "etcd.running")
        return test(ctx, member)

    return on(ctx, place=place, test=run)


def running(ctx: Context, member: Member) -> Finding:
    """It is installed, runs, and follows a leader."""
    name, seen, login = member.name, member.seen, ssh(ctx.spec, member.name)
    if not seen.version or not seen.unit.fragment:
        return failed(
            f"etcd is not set up on {name}.",
            evidence=f"program: {seen.version or 'none'}, unit: {seen.unit.fragment or 'none'}",
            cause="`wizard apply` was not run yet, or the machine was made anew.",
            fix="wizard apply",
        )
    if seen.answers and seen.status:
        role = "leads" if seen.status.leader == seen.status.member else "follows"
        return passed(f"etcd {seen.status.version} on {name} runs and {role}.")
    state = f"{seen.unit.active or 'unknown'} ({seen.unit.sub or '-'}), {seen.unit.restarts} restarts"
    if member.runs or seen.unit.sub == "start":
        finding = failed(
            f"etcd on {name} runs and has no leader.",
            evidence="; ".join([state, *seen.errors]),
            cause=seen.reason,
            fix="wizard doctor etcd.quorum",
        )
        return finding if look_at_all(ctx).live else blind(finding, "etcd.quorum")
    stopped = not seen.reason or (seen.unit.active == "inactive" and seen.unit.result == "success")
    return failed(
        f"etcd on {name} does not run.",
        evidence=state,
        cause="Somebody stopped it." if stopped else seen.reason,
        fix=f"{login} systemctl restart --no-block etcd\n{login} journalctl -u etcd -n 50",
    )


def version(ctx: Context, member: Member) -> Finding:
    """The program on the disk, and the one that runs, are of the version asked for."""
    status = member.seen.status
    found = [member.seen.version, status.version if status else member.seen.version]
    if not found[0]:
        return blind(skipped(f"Not checked: etcd is not installed on {member.name}."), "etcd.running")
    wrong = [one for one in found if not right_version(one, ctx.spec)]
    if not wrong:
        return passed(f"etcd {found[0]} on {member.name}.")
    return failed(
        f"{member.name} has etcd {wrong[0]} instead of {ctx.spec.etcd.version}.",
        evidence=f"installed {found[0]}, running {found[1]}",
        cause="The spec was changed, or somebody installed another one.",
        fix="wizard apply",
    )


def boot(ctx: Context, member: Member) -> Finding:
    """It starts with the machine, and its disk is mounted by a name that does not change."""
    name, seen, login = member.name, member.seen, ssh(ctx.spec, member.name)
    if not seen.unit.fragment:
        return blind(skipped(f"Not checked: etcd is not set up on {name}."), "etcd.running")
    if not seen.unit.enabled:
        return failed(
            f"etcd on {name} does not start at boot.",
            evidence="etcd.service is not enabled",
            cause="Somebody disabled it.",
            fix=f"{login} systemctl enable etcd",
        )
    if member.place.witness and not seen.data.root and seen.data.fstab in ("none", "other"):
        return _fstab(ctx, member)
    return passed(f"etcd on {name} starts at boot.", evidence=f"{seen.data.source} on {seen.data.mount}")


def _fstab(ctx: Context, member: Member) -> Finding:
    name, data = member.name, member.seen.data
    how = "is not in /etc/fstab" if data.fstab == "none" else "is in /etc/fstab by a name that may change"
    volumes = [one for disk in ctx.facts(name).disks for one in disk.volumes if data.mount in one.mounts]
    uuid, fstype = (volumes[0].uuid, volumes[0].fstype) if volumes else ("ITS-UUID", "ext4")
    line = f"UUID={uuid} {data.mount} {fstype} defaults,noatime,nofail 0 2"
    return warned(
        f"The disk on {data.mount} of {name} {how}.",
        evidence=f"{data.source} on {data.mount}",
        cause="After a reboot it may not be mounted; etcd then waits for it.",
        fix=f"echo '{line}' | {ssh(ctx.spec, name)} tee -a /etc/fstab",
    )


def certificates(ctx: Context, member: Member) -> Finding:
    """They last, name the member, are for servers and clients, and their keys are read by nobody else (row 70)."""
    name, now = member.name, datetime.now(UTC)
    texts = member.seen.texts
    own = read_certificate(texts.get(f"{PKI}/member.crt", ""))
    signer = _signer(texts)
    doctor = read_certificate(texts.get(f"{PKI}/doctor.crt", ""))
    if own is None or signer is None or doctor is None:
        return blind(skipped(f"Not checked: {name} has no certificates."), "etcd.running")
    problem = _certificate_problem(ctx, member, own)
    if problem:
        return failed(
            f"The certificate of {name} {problem}.", evidence=_said(own), cause=_BY_HAND, fix="wizard apply"
        )
    keys = [
        path for path in (f"{PKI}/member.key", f"{PKI}/doctor.key", f"{PKI}/root.key") if _open(member, path)
    ]
    if keys:
        return failed(
            f"Others on {name} may read {keys[0]}.",
            evidence=f"mode {member.seen.files[keys[0]].mode} {member.seen.files[keys[0]].owner}",
            cause="Somebody changed its mode.",
            fix="wizard apply",
        )
    days = min(one.days_left(now) for one in (own, signer, doctor))
    evidence = f"{_said(own)}; authority until {signer.ends:%Y-%m-%d}"
    if days < RENEW_DAYS:
        make = failed if days < LAST_DAYS else warned
        found = make(
            f"A certificate on {name} ends in {days} days.",
            evidence=evidence,
            cause="etcd renews nothing by itself.",
            fix="wizard apply",
        )
        return blind(found, "etcd.renewal") if own.ends == signer.ends else found
    return passed(f"The certificates of {name} hold for {days} more days.", evidence=evidence)


def _signer(texts: Mapping[str, str]) -> Certificate | None:
    """The authority that signed the member's certificate, else the first it trusts."""
    there, own = bundled(texts.get(AUTHORITY, "")), texts.get(f"{PKI}/member.crt", "")
    signers = [one for one in there if signed_by(own, one)] or list(there)
    return read_certificate(signers[0]) if signers else None


_BY_HAND = "The member's address changed, or somebody put another certificate there."


def _certificate_problem(ctx: Context, member: Member, own: Certificate) -> str:
    texts = member.seen.texts
    if not signed_by(texts[f"{PKI}/member.crt"], texts[AUTHORITY]):
        return "is not signed by the authority beside it"
    if not (own.server and own.client):
        return f"is not for use by {'clients' if own.server else 'servers'}"
    # How long it lasts is told in days below; here it is about what it says.
    reason = flaw(own, member_certificate(ctx.spec, member.name), own.begins)
    return "" if reason.startswith("ends") else reason


def _open(member: Member, path: str) -> bool:
    there = member.seen.files.get(path)
    return there is not None and there.mode.rjust(3, "0")[-2:] != "00"


def _said(found: Certificate) -> str:
    return f"{found.name} ({', '.join((*found.addresses, *found.names))}) until {found.ends:%Y-%m-%d}"


def fsync(ctx: Context, member: Member) -> Finding:
    """Its disk is quick enough: etcd is as fast as it can sync its log (row 61)."""
    name, metrics = member.name, member.seen.metrics
    found = quantile(metrics.fsync, 0.99) if metrics else None
    if metrics is None or found is None:
        return skipped(f"etcd on {name} has not told how long its disk takes.")
    count, ms = observations(metrics.fsync), found * 1000
    evidence = f"99 % of {count} syncs took at most {ms:.1f} ms"
    if count < FEW:
        return passed(
            f"{name} has synced its log {count} times: too few to judge its disk.", evidence=evidence
        )
    if found <= FSYNC_GOOD:
        return passed(f"The disk of {name} syncs within {ms:.1f} ms.", evidence=evidence)
    if member.place.witness and ctx.spec.witness.accept_slow:
        return passed(
            f"The disk of {name} is slow ({ms:.0f} ms), accepted by witness.accept_slow.", evidence=evidence
        )
    make = failed if found > FSYNC_SLOW else warned
    return make(
        f"The disk of {name} takes {ms:.0f} ms to sync; etcd wants {FSYNC_GOOD * 1000:.0f}.",
        evidence=evidence,
        cause="It is slow, or shared with something that writes a lot.",
        fix=f"{ssh(ctx.spec, name)} iostat -x 5 3   # who else writes; docs/etcd.md#disk",
    )


def space(ctx: Context, member: Member) -> Finding:
    """There is room in the database's quota and on its disk."""
    name, seen, login = member.name, member.seen, ssh(ctx.spec, member.name)
    size = seen.status.db_size if seen.status else None
    quota = (seen.metrics.quota if seen.metrics else None) or QUOTA_BYTES
    free, whole = seen.data.free, seen.data.size
    evidence = f"database {_mb(size)} of {_mb(quota)}; {_mb(free)} of {_mb(whole)} free on {seen.data.mount}"
    if free is not None and (free < FREE_FAIL or (free < FREE_WARN and whole and free < whole / 10)):
        make = failed if free < FREE_FAIL else warned
        return make(
            f"{seen.data.mount} on {name} has only {_mb(free)} left.",
            evidence=evidence,
            cause="Something else fills the disk, or it is too small.",
            fix=f"{login} du -xh -d 2 {seen.data.mount}",
        )
    if size is not None and size > DB_WARN * quota:
        make = failed if size > DB_FAIL * quota else warned
        return make(
            f"The database on {name} fills {100 * size / quota:.0f} % of its quota.",
            evidence=evidence,
            cause="Old revisions were not compacted, or freed pages not given back.",
            fix=f"{login} {etcdctl()} defrag",
        )
    return passed(f"The database on {name} is {_mb(size)}; there is room.", evidence=evidence)


def _mb(count: int | None) -> str:
    return "unknown" if count is None else f"{count / 1e6:,.0f} MB"


def etcdctl(endpoint: str = "https://127.0.0.1:2379") -> str:
    """The beginning of a command to etcd, as root types it on a member."""
    return (
        f"/usr/local/bin/etcdctl --endpoints={endpoint} --cacert={AUTHORITY} --cert={PKI}/root.crt "
        f"--key={PKI}/root.key"
    )
