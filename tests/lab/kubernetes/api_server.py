"""A real API server on this machine's loopback, with an etcd of its own: for the calls alone, nothing else runs."""

from __future__ import annotations

import os
import socket
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.lab.conftest import talk
from tests.lab.story.world import until
from tests.transport.test_kubernetes import Given
from wizard.core.errors import HostError
from wizard.core.kubeconfig import Admin
from wizard.lab import artifacts, etcd, k3s
from wizard.payload.certificates import Pair, make_authority, make_client, make_member
from wizard.transport.kubernetes import KubernetesApi, Timeouts

HERE = "127.0.0.1"
START_SECONDS = 120.0
"""Deadline of the start of both on a busy machine."""


@dataclass(frozen=True, slots=True)
class RealApi:
    """An API server that answers, as the wizard reaches it."""

    api: KubernetesApi
    admin: Admin
    url: str


@contextmanager
def real_api(folder: Path) -> Iterator[RealApi]:
    """Start etcd and the API server in a folder, and end both."""
    now = datetime.now(UTC)
    authority = make_authority("k3s-server-ca", now)
    client = _masters_client(authority, now)
    admin = Admin(authority.certificate, client.certificate, client.key)
    serving = make_member(authority, "kube-apiserver", (HERE, "10.43.0.1"), ("kubernetes",), now)
    for name, text in {
        "ca.crt": authority.certificate,
        "ca.key": authority.key.reveal(),
        "serving.crt": serving.certificate,
        "serving.key": serving.key.reveal(),
    }.items():
        (folder / name).write_text(text)
    store, peer, port = _ports(3)
    programs = _programs(folder)
    with ExitStack() as stack:
        _started(stack, folder, "etcd", _etcd(programs / "etcd", folder, store, peer))
        _started(stack, folder, "kube-apiserver", _server(programs / "kube-apiserver", folder, store, port))
        url = f"https://{HERE}:{port}"
        api = KubernetesApi(HERE, Given(admin), lambda _: url, Timeouts(connect=2.0, read=20.0))
        stack.callback(api.close)
        until(lambda: _is_ready(api), "the API server is ready", seconds=START_SECONDS, pause=0.3)
        yield RealApi(api, admin, url)


def _is_ready(api: KubernetesApi) -> bool:
    try:
        return api.ready().ok
    except HostError:
        return False


def _masters_client(authority: Pair, now: datetime) -> Pair:
    """A certificate of the group that may do everything, which ours of etcd have no need to name."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.x509.oid import NameOID

    plain = make_client(authority, "system:admin", now)
    key = serialization.load_pem_private_key(authority.key.reveal().encode(), None)
    seen = x509.load_pem_x509_certificate(plain.certificate.encode())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "system:masters"),
            x509.NameAttribute(NameOID.COMMON_NAME, "system:admin"),
        ]
    )
    builder = x509.CertificateBuilder(
        seen.issuer, subject, seen.public_key(), 7, seen.not_valid_before_utc, seen.not_valid_after_utc
    )
    for extension in seen.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    made = builder.sign(key, hashes.SHA256())  # type: ignore[arg-type]  # a key on a curve, as we made it
    return Pair(plain.key, made.public_bytes(serialization.Encoding.PEM).decode())


def _ports(count: int) -> list[int]:
    held = [socket.create_server((HERE, 0)) for _ in range(count)]
    found = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return found


def _programs(folder: Path) -> Path:
    """The stand-in for K3s is each of its programs under that program's name."""
    with tarfile.open(artifacts.make(etcd.recipe(), talk)) as tar:
        member = next(one for one in tar if one.name.endswith("/etcd"))
        member.name = "etcd"
        tar.extract(member, folder, filter="data")
    (folder / "kube-apiserver").symlink_to(artifacts.make(k3s.recipe(), talk))
    return folder


def _etcd(program: Path, folder: Path, store: int, peer: int) -> list[str]:
    return [
        str(program),
        f"--data-dir={folder / 'data'}",
        f"--listen-client-urls=http://{HERE}:{store}",
        f"--advertise-client-urls=http://{HERE}:{store}",
        f"--listen-peer-urls=http://{HERE}:{peer}",
        f"--initial-advertise-peer-urls=http://{HERE}:{peer}",
        f"--initial-cluster=default=http://{HERE}:{peer}",
        "--unsafe-no-fsync",
    ]


def _server(program: Path, folder: Path, store: int, port: int) -> list[str]:
    return [
        str(program),
        f"--etcd-servers=http://{HERE}:{store}",
        f"--bind-address={HERE}",
        f"--advertise-address={HERE}",
        f"--secure-port={port}",
        f"--client-ca-file={folder / 'ca.crt'}",
        f"--tls-cert-file={folder / 'serving.crt'}",
        f"--tls-private-key-file={folder / 'serving.key'}",
        "--authorization-mode=Node,RBAC",
        "--service-cluster-ip-range=10.43.0.0/16",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={folder / 'ca.crt'}",
        f"--service-account-signing-key-file={folder / 'ca.key'}",
        "--disable-admission-plugins=ServiceAccount,TaintNodesByCondition",
        f"--cert-dir={folder}",
    ]


def _started(stack: ExitStack, folder: Path, name: str, words: list[str]) -> None:
    log = stack.enter_context((folder / f"{name}.log").open("wb"))
    env = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    process = subprocess.Popen(words, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=folder, env=env)

    def end() -> None:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)

    stack.callback(end)
