"""The authority gives way to a successor before it ends, in three stages that never part the members.

All come to trust both; then everything is signed anew by the successor; then the old one is dropped. A stage is due when
the days below are left, and never before every member was seen to have the one before: whoever comes late does one stage
with each apply. Between two stages clients of etcd (K3s' servers) get what the members have.
"""

from __future__ import annotations

from datetime import UTC, datetime

from steps.etcd_certificates import (
    AUTHORITY,
    LAST,
    NEXT,
    authority,
    make_missing,
    named,
    pending,
    retiring,
)
from steps.etcd_files import outdated
from steps.etcd_seen import Cluster, Member, look_at_all
from wizard.core.change import Change
from wizard.core.check import Finding, passed, skipped, warned
from wizard.core.context import Context, Work
from wizard.core.dataclass import dataclass
from wizard.core.secret import Secret
from wizard.core.secrets import SecretKeeper
from wizard.payload.certificates import (
    Certificate,
    Pair,
    bundled,
    make_authority,
    read_certificate,
    signed_by,
)
from wizard.payload.etcd_config import AUTHORITY as TRUSTED
from wizard.payload.etcd_config import PKI

TRUST_DAYS, SIGN_DAYS, DROP_DAYS = 180, 120, 60
"""Days the old authority has left when each stage is due: two months lie between two of them, so that even a cluster that
is looked at once a month takes each in its turn; the last is where doctor warns of any certificate (RENEW_DAYS)."""

TRUST, SIGN, DROP = "successor", "hand-over", "retire"
"""The stages, and the keys of their changes."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What is due."""

    name: str
    days: int
    """That the old authority has left."""

    @property
    def change(self) -> Change:
        """It, on this machine; what follows on the members is theirs."""
        return Change(
            key=self.name, host="", summary=_SUMMARIES[self.name].format(days=self.days), do=_DO[self.name]
        )


_SUMMARIES = {
    TRUST: "Make the successor of etcd's authority, which ends in {days} days; all members come to trust both",
    SIGN: "Sign every certificate anew by the successor of etcd's authority, which ends in {days} days",
    DROP: "Drop etcd's old authority, which ends in {days} days: nothing is signed by it any more",
}


def due(ctx: Context, cluster: Cluster, now: datetime | None = None) -> Stage | None:
    """The stage that is to be done now; None where none is.

    Args:
        ctx: this pass.
        cluster: the members as they stand.
        now: with a time zone.
    """
    ours, successor, old = authority(ctx.secrets), pending(ctx.secrets), retiring(ctx.secrets)
    if ours is None:
        return None
    ending = read_certificate(old or ours.certificate)
    if ending is None:
        return None
    days = ending.days_left(now or datetime.now(UTC))
    if old:
        ready = days < DROP_DAYS and all(_signed_anew(one, ours.certificate) for one in cluster.members)
        return Stage(DROP, days) if ready else None
    if successor:
        ready = days < SIGN_DAYS and all(_trusts(ctx, one, successor.certificate) for one in cluster.members)
        return Stage(SIGN, days) if ready else None
    return Stage(TRUST, days) if days < TRUST_DAYS else None


def renewal(ctx: Context) -> Finding:
    """The authority lasts, or the stage of its renewal that is due was done."""
    cluster, now = look_at_all(ctx), datetime.now(UTC)
    ours, old = authority(ctx.secrets), retiring(ctx.secrets)
    ending = read_certificate(old or ours.certificate) if ours else None
    if ending is None:
        return skipped("Not checked: etcd's authority is not among our secrets.")
    days, seen = ending.days_left(now), f"it lasts until {ending.ends:%Y-%m-%d}"
    stage = due(ctx, cluster, now)
    if stage:
        return warned(
            f"etcd's authority ends in {days} days: a stage of its renewal is due.",
            evidence=seen,
            cause="It lasts ten years, and gives way to a successor in three stages.",
            fix="wizard apply",
        )
    begun = bool(old) or pending(ctx.secrets) is not None
    if days < (DROP_DAYS if old else SIGN_DAYS) and begun:
        return warned(
            f"etcd's authority ends in {days} days, and its renewal cannot go on.",
            evidence=seen,
            cause="A member does not run, cannot be asked, or was not brought to the stage before.",
            fix="wizard apply",
        )
    return passed(f"etcd's {'old ' if old else ''}authority lasts until {ending.ends:%Y-%m-%d}.")


def _trusts(ctx: Context, member: Member, successor: str) -> bool:
    """Whether the process that runs was started with the successor among those it trusts."""
    there = bundled(member.seen.texts.get(TRUSTED, ""))
    current = member.runs and not outdated(member, ctx.spec, ctx.lineage_on(member.place.host), ctx.secrets)
    return member.known and current and successor.strip() in there


def _signed_anew(member: Member, by: str) -> bool:
    shown = (member.seen.texts.get(f"{PKI}/{name}.crt", "") for name in ("member", "doctor"))
    return member.known and member.runs and all(signed_by(one, by) for one in shown)


def _make_successor(work: Work) -> str:
    if pending(work.secrets) is None:
        work.secrets.put(named(NEXT, make_authority(f"{work.spec.name} etcd", datetime.now(UTC))))
    found = pending(work.secrets)
    return f"it lasts until {_read(found).ends:%Y-%m-%d}" if found else ""


def _hand_over(work: Work) -> str:
    """One save makes the successor the authority, whose certificates are then those that are missing."""
    _succeed(work.secrets)
    made = make_missing(work.secrets, work.spec)
    return f"signed anew: {', '.join(made)}" if made else "all of them were"


def _succeed(secrets: SecretKeeper) -> None:
    ours, successor = authority(secrets), pending(secrets)
    if ours and successor:
        secrets.put({f"{LAST}.crt": Secret(ours.certificate), **named(AUTHORITY, successor)})


def _retire(work: Work) -> str:
    ours = authority(work.secrets)
    if ours:
        work.secrets.put({f"{LAST}.crt": Secret(ours.certificate)})
    return "the members are told next"


def _read(pair: Pair) -> Certificate:
    found = read_certificate(pair.certificate)
    assert found is not None
    return found


_DO = {TRUST: _make_successor, SIGN: _hand_over, DROP: _retire}
