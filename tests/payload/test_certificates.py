"""Certificates as those who check them see them: chains, uses, names, lifetimes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import verification

from wizard.core.secret import MASK
from wizard.payload.certificates import (
    BACKDATED,
    Pair,
    belongs,
    make_authority,
    make_client,
    make_member,
    read_certificate,
    signed_by,
)

NOW = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
AUTHORITY = make_authority("home etcd", NOW)
MEMBER = make_member(AUTHORITY, "pi", ("10.0.0.13", "127.0.0.1"), ("pi", "localhost"), NOW)
CLIENT = make_client(AUTHORITY, "k3s", NOW)


def loaded(pair: Pair) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pair.certificate.encode())


def verifier(at: datetime) -> verification.PolicyBuilder:
    store = verification.Store([loaded(AUTHORITY)])
    return verification.PolicyBuilder().store(store).time(at)


@pytest.mark.parametrize("subject", [x509.IPAddress(ip_address("10.0.0.13")), x509.DNSName("pi")])
def test_a_member_is_believed_as_a_server(subject: x509.IPAddress | x509.DNSName) -> None:
    """By the same rules a TLS client follows."""
    assert verifier(NOW).build_server_verifier(subject).verify(loaded(MEMBER), [])


def test_a_member_is_believed_as_a_client_of_its_peers() -> None:
    found = verifier(NOW).build_client_verifier().verify(loaded(MEMBER), [])
    assert found.chain[0] == loaded(MEMBER)


def test_another_address_is_not_believed() -> None:
    check = verifier(NOW).build_server_verifier(x509.IPAddress(ip_address("10.0.0.14")))
    with pytest.raises(verification.VerificationError):
        check.verify(loaded(MEMBER), [])


def test_a_client_can_be_no_server() -> None:
    found = read_certificate(CLIENT.certificate)
    assert found
    assert (found.client, found.server, found.authority) == (True, False, False)
    with pytest.raises(verification.VerificationError):
        verifier(NOW).build_server_verifier(x509.DNSName("k3s")).verify(loaded(CLIENT), [])


def test_a_clock_that_is_a_little_behind_still_believes_it() -> None:
    behind = NOW - BACKDATED + timedelta(minutes=1)
    assert verifier(behind).build_server_verifier(x509.DNSName("pi")).verify(loaded(MEMBER), [])


def test_lifetimes_and_no_certificate_outlives_its_authority() -> None:
    authority, member = read_certificate(AUTHORITY.certificate), read_certificate(MEMBER.certificate)
    assert authority and member
    assert (authority.days_left(NOW), member.days_left(NOW)) == (3652, 1826)
    late = read_certificate(make_client(AUTHORITY, "k3s", NOW + timedelta(days=3000)).certificate)
    assert late
    assert late.ends == authority.ends
    assert authority.days_left(authority.ends + timedelta(seconds=1)) == -1


def test_keys_are_p256_and_masked() -> None:
    key = load_pem_private_key(MEMBER.key.reveal().encode(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert key.curve.name == "secp256r1"
    assert MASK in repr(MEMBER)
    assert MEMBER.key.reveal() not in repr(MEMBER)


def test_who_signed_and_whose_key() -> None:
    other = make_authority("home etcd", NOW)
    assert signed_by(MEMBER.certificate, AUTHORITY.certificate)
    assert not signed_by(MEMBER.certificate, other.certificate)
    assert not signed_by("nonsense", AUTHORITY.certificate)
    assert belongs(MEMBER.key, MEMBER.certificate)
    assert not belongs(CLIENT.key, MEMBER.certificate)
    assert not belongs(CLIENT.key, "nonsense")


def test_what_a_certificate_says() -> None:
    found = read_certificate(MEMBER.certificate)
    assert found
    assert (found.name, found.issuer) == ("pi", "home etcd")
    assert found.addresses == ("10.0.0.13", "127.0.0.1")
    assert found.names == ("pi", "localhost")
    assert (found.client, found.server) == (True, True)
    assert loaded(AUTHORITY).extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign


@pytest.mark.parametrize("text", ["", "x", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate_is_none(text: str) -> None:
    assert read_certificate(text) is None
