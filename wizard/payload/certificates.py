"""Keys and certificates for etcd: made and read with `cryptography`, nothing is asked of a host.

etcd renews nothing by itself, so lifetimes are long and watched: ten years for the authority, five for what it signs
(domain.md 2.5). Keys are ECDSA P-256: small, quick on a Pi, and understood by every program that talks to etcd.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from wizard.core.dataclass import dataclass
from wizard.core.secret import Secret

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey

_E = TypeVar("_E", bound="x509.ExtensionType")

AUTHORITY_DAYS = 3652
"""Ten years."""

MEMBER_DAYS = 1826
"""Five years, and never longer than the authority."""

RECIPIENT_DAYS = 36_525
"""A hundred years: what was encrypted is read by its key, whether the certificate has ended or not."""

BACKDATED = timedelta(hours=1)
"""How long before it was made a certificate begins: clocks that agree within 30 s may still be a little behind us."""

RENEW_DAYS = 60
"""A certificate with fewer days left is replaced by the next apply, and doctor warns."""

LAST_DAYS = 14
"""With fewer days left doctor fails: there are two weekends to do something about it."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A private key and its certificate, both PEM."""

    key: Secret
    certificate: str


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says of itself."""

    name: str
    """Common name of whom it is for."""
    issuer: str
    begins: datetime
    ends: datetime
    names: tuple[str, ...] = ()
    """DNS names in it."""
    addresses: tuple[str, ...] = ()
    """IP addresses in it."""
    server: bool = False
    """May be shown by a server."""
    client: bool = False
    """May be shown by a client."""
    authority: bool = False

    def days_left(self, now: datetime) -> int:
        """Whole days until it ends; negative = it has ended."""
        return (self.ends - now).days


def make_authority(name: str, now: datetime) -> Pair:
    """A new authority that signs certificates and nothing else.

    Args:
        name: what it is called in certificates.
        now: with a time zone.
    """
    from cryptography import x509

    key = _new_key()
    builder = (
        _builder(name, name, key, now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(sign=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return _signed(builder, key, key)


def make_recipient(name: str, now: datetime) -> Pair:
    """A key, and a certificate that anybody can encrypt to and nobody can be: only the key reads what was encrypted.

    Args:
        name: what it is called.
        now: with a time zone.
    """
    from cryptography import x509

    key = _new_key()
    builder = _builder(name, name, key, now, RECIPIENT_DAYS)
    return _signed(
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True), key, key
    )


def make_member(
    authority: Pair, name: str, addresses: Sequence[str], names: Sequence[str], now: datetime
) -> Pair:
    """The certificate of a member, which is a server to clients and peers and a client to its peers.

    With server usage alone the cluster never forms (domain.md 2.5).

    Args:
        authority: signs it.
        name: of the member.
        addresses: it is reached at, and connects from.
        names: it is reached by.
        now: with a time zone.
    """
    return _issue(authority, name, addresses, names, now, server=True)


def make_client(authority: Pair, name: str, now: datetime) -> Pair:
    """The certificate of a program that only asks: it can be no server and no peer that others connect to.

    Args:
        authority: signs it.
        name: of the program.
        now: with a time zone.
    """
    return _issue(authority, name, (), (), now, server=False)


def _issue(
    authority: Pair, name: str, addresses: Sequence[str], names: Sequence[str], now: datetime, *, server: bool
) -> Pair:
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    signer = x509.load_pem_x509_certificate(authority.certificate.encode())
    key = _new_key()
    uses = [ExtendedKeyUsageOID.SERVER_AUTH] if server else []
    builder = (
        _builder(name, _common_name(signer.subject), key, now, MEMBER_DAYS, latest=signer.not_valid_after_utc)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(sign=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([*uses, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(_public(signer)),
            critical=False,
        )
    )
    reached = [x509.IPAddress(ip_address(one)) for one in addresses] + [x509.DNSName(one) for one in names]
    if reached:
        builder = builder.add_extension(x509.SubjectAlternativeName(reached), critical=False)
    return _signed(builder, key, _private(authority.key))


@lru_cache(maxsize=256)
def read_certificate(pem: str) -> Certificate | None:
    """What a certificate says of itself; None where the text is none.

    Args:
        pem: as read from a file, ours or a host's.
    """
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    try:
        found = x509.load_pem_x509_certificate(pem.encode())
        extensions = found.extensions
    except ValueError:
        return None
    reached = _extension(extensions, x509.SubjectAlternativeName)
    uses = _extension(extensions, x509.ExtendedKeyUsage) or ()
    basic = _extension(extensions, x509.BasicConstraints)
    return Certificate(
        name=_common_name(found.subject),
        issuer=_common_name(found.issuer),
        begins=found.not_valid_before_utc,
        ends=found.not_valid_after_utc,
        names=tuple(reached.get_values_for_type(x509.DNSName)) if reached else (),
        addresses=tuple(str(one) for one in reached.get_values_for_type(x509.IPAddress)) if reached else (),
        server=ExtendedKeyUsageOID.SERVER_AUTH in uses,
        client=ExtendedKeyUsageOID.CLIENT_AUTH in uses,
        authority=bool(basic and basic.ca),
    )


def bundled(pem: str) -> tuple[str, ...]:
    """The certificates of a file of one or more, each as its own text without the last line's end."""
    end = "-----END CERTIFICATE-----"
    return tuple(f"{part.strip()}\n{end}" for part in pem.split(end)[:-1])


def signed_by(pem: str, authority: str) -> bool:
    """Whether a certificate was signed by an authority, or by one of a bundle of them.

    Args:
        pem: the certificate.
        authority: one or more; text that is none counts as no.
    """
    return any(_issued(pem, one) for one in bundled(authority))


def _issued(pem: str, authority: str) -> bool:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature

    try:
        signer = x509.load_pem_x509_certificate(authority.encode())
        x509.load_pem_x509_certificate(pem.encode()).verify_directly_issued_by(signer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def belongs(key: Secret, pem: str) -> bool:
    """Whether a private key is the one a certificate was made for."""
    from cryptography import x509

    try:
        return _private(key).public_key() == _public(x509.load_pem_x509_certificate(pem.encode()))
    except (ValueError, TypeError):
        return False


def _new_key() -> EllipticCurvePrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())


def _private(key: Secret) -> EllipticCurvePrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    found = load_pem_private_key(key.reveal().encode(), password=None)
    if not isinstance(found, EllipticCurvePrivateKey):
        raise TypeError("not a key on an elliptic curve")
    return found


def _public(certificate: x509.Certificate) -> EllipticCurvePublicKey:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

    found = certificate.public_key()
    if not isinstance(found, EllipticCurvePublicKey):
        raise TypeError("not a key on an elliptic curve")
    return found


def _builder(
    name: str,
    issuer: str,
    key: EllipticCurvePrivateKey,
    now: datetime,
    days: int,
    *,
    latest: datetime | None = None,
) -> x509.CertificateBuilder:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    ends = now + timedelta(days=days)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(min(ends, latest) if latest else ends)
    )


def _usage(*, sign: bool) -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=not sign,
        key_cert_sign=sign,
        crl_sign=sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _signed(
    builder: x509.CertificateBuilder, key: EllipticCurvePrivateKey, signer: EllipticCurvePrivateKey
) -> Pair:
    from cryptography.hazmat.primitives import hashes, serialization

    certificate = builder.sign(signer, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Pair(Secret(private.decode()), certificate.public_bytes(serialization.Encoding.PEM).decode())


def _common_name(name: x509.Name) -> str:
    from cryptography.x509.oid import NameOID

    return next((str(one.value) for one in name.get_attributes_for_oid(NameOID.COMMON_NAME)), "")


def _extension(extensions: x509.Extensions, kind: type[_E]) -> _E | None:
    from cryptography import x509

    try:
        return extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
