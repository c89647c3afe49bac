"""Which certificates etcd needs, whether those we have will do, and making what is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from steps.etcd_seen import places
from wizard.core.dataclass import dataclass
from wizard.core.secret import Secret
from wizard.core.secrets import SecretKeeper, Secrets
from wizard.core.spec import ClusterSpec
from wizard.payload.certificates import (
    RENEW_DAYS,
    Certificate,
    Pair,
    belongs,
    make_authority,
    make_client,
    make_member,
    read_certificate,
    signed_by,
)

AUTHORITY = "etcd/ca"
NEXT = f"{AUTHORITY}-next"
"""Its successor, trusted and not signing yet; once it signs, both are the same."""

LAST = f"{AUTHORITY}-last"
"""The certificate of its predecessor, trusted and not signing any more; once dropped, it is that of the authority."""

CLIENTS = ("k3s", "doctor", "root")
"""Who asks etcd, by the name it knows them by: K3s' servers, the wizard's checks, which only look, and its changes."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One certificate the cluster needs."""

    name: str
    addresses: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    server: bool = False

    @property
    def secret(self) -> str:
        """What its key and certificate are called among the secrets, without the suffix."""
        return f"etcd/{self.name}"


def member_certificate(spec: ClusterSpec, name: str) -> Wanted:
    """What a member's certificate must say."""
    place = next(one for one in places(spec) if one.name == name)
    names = (name, f"{name}.{spec.network.domain}", "localhost")
    return Wanted(name, (place.address, "127.0.0.1"), names, server=True)


def wanted_certificates(spec: ClusterSpec) -> list[Wanted]:
    """Every certificate the cluster needs, besides the authority's own."""
    members = [member_certificate(spec, place.name) for place in places(spec)]
    return [*members, *(Wanted(name) for name in CLIENTS)]


def kept(secrets: Secrets, secret: str) -> Pair | None:
    """A key and its certificate from among the secrets."""
    key, certificate = secrets.get(f"{secret}.key"), secrets.get(f"{secret}.crt")
    return Pair(key, certificate.reveal()) if key and certificate else None


def authority(secrets: Secrets) -> Pair | None:
    """The cluster's own authority, where there is one yet."""
    return kept(secrets, AUTHORITY)


def pending(secrets: Secrets) -> Pair | None:
    """The authority's successor, from its making until it signs."""
    ours, successor = authority(secrets), kept(secrets, NEXT)
    return successor if ours and successor and successor.certificate != ours.certificate else None


def retiring(secrets: Secrets) -> str:
    """The certificate of the authority's predecessor, until it is dropped; empty where there is none."""
    ours, old = authority(secrets), secrets.get(f"{LAST}.crt")
    return old.reveal() if ours and old and old.reveal() != ours.certificate else ""


def trusted(secrets: Secrets) -> str:
    """The authorities that members and clients trust, one after the other, the oldest first; empty before the first."""
    ours, successor = authority(secrets), pending(secrets)
    if ours is None:
        return ""
    return "".join((retiring(secrets), ours.certificate, successor.certificate if successor else ""))


def flaw(found: Certificate | None, wanted: Wanted, now: datetime, *, latest: datetime | None = None) -> str:
    """Why a certificate will not do, as the end of a sentence; empty = it will.

    Args:
        found: what it says; None = it cannot be read.
        wanted: what it should say.
        now: with a time zone.
        latest: when its authority ends: one that lasts until then cannot be made to last longer.
    """
    if found is None:
        return "cannot be read"
    if found.days_left(now) < RENEW_DAYS and found.ends != latest:
        return f"ends in {found.days_left(now)} days" if found.days_left(now) >= 0 else "has ended"
    missing = {*wanted.addresses, *wanted.names} - {*found.addresses, *found.names}
    if missing:
        return f"does not name {', '.join(sorted(missing))}"
    if not found.client:
        return "is not for use by clients"
    return "is not for use by servers" if wanted.server and not found.server else ""


def to_make(secrets: Secrets, spec: ClusterSpec, now: datetime) -> Iterator[tuple[Wanted, str]]:
    """Each certificate that is missing among our secrets or will not do, and why."""
    signer = authority(secrets)
    for wanted in wanted_certificates(spec):
        pair = kept(secrets, wanted.secret)
        if pair is None or signer is None:
            yield wanted, "is not there yet"
        elif reason := flaw(read_certificate(pair.certificate), wanted, now, latest=_end(signer)):
            yield wanted, reason
        elif not belongs(pair.key, pair.certificate) or not signed_by(pair.certificate, signer.certificate):
            yield wanted, "is not signed by our authority"


def _end(signer: Pair) -> datetime | None:
    found = read_certificate(signer.certificate)
    return found.ends if found else None


def make_missing(secrets: SecretKeeper, spec: ClusterSpec) -> list[str]:
    """Make the authority where there is none, and every certificate that is missing or will not do.

    Each is saved before the next is made: taken up again, only what is still missing is made.

    Returns:
        The names of what was made.

    Raises:
        StateError: one could not be saved.
    """
    now = datetime.now(UTC)

    def new_authority() -> Mapping[str, Secret]:
        return named(AUTHORITY, make_authority(f"{spec.name} etcd", now))

    key, certificate = secrets.ensure(new_authority, f"{AUTHORITY}.key", f"{AUTHORITY}.crt")
    signer = Pair(key, certificate.reveal())
    made = []
    for wanted, _ in list(to_make(secrets, spec, now)):
        secrets.put(named(wanted.secret, _make(signer, wanted, now)))
        made.append(wanted.name)
    return made


def _make(signer: Pair, wanted: Wanted, now: datetime) -> Pair:
    if wanted.server:
        return make_member(signer, wanted.name, wanted.addresses, wanted.names, now)
    return make_client(signer, wanted.name, now)


def named(secret: str, pair: Pair) -> Mapping[str, Secret]:
    """A key and its certificate as they are kept among the secrets."""
    return {f"{secret}.key": pair.key, f"{secret}.crt": Secret(pair.certificate)}
