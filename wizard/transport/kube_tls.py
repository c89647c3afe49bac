"""TLS to the Kubernetes API: its authority and nobody else's, and the administrator's certificate."""

from __future__ import annotations

import ssl
import tempfile
from pathlib import Path

from wizard.core.kubeconfig import Admin


def client_context(admin: Admin) -> ssl.SSLContext:
    """What a connection to the cluster is made with.

    OpenSSL takes a private key from files only: it lies in one of mode 0600, in a folder of mode 0700, until it was
    read.

    Args:
        admin: of the cluster.

    Raises:
        ssl.SSLError: the key does not belong to the certificate.
    """
    context = ssl.create_default_context(cadata=admin.authority)
    # Python 3.13 sets it by itself, and it refuses authorities without a key identifier, which Kubernetes' may be.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    with tempfile.TemporaryDirectory(prefix="wizard-") as folder:
        pair = Path(folder) / "admin.pem"
        pair.touch(mode=0o600)
        pair.write_text(f"{admin.certificate.rstrip()}\n{admin.key.reveal()}")
        load_pair(context, pair)
    return context


def load_pair(context: ssl.SSLContext, pair: Path) -> None:
    """Show the certificate of a file from now on.

    Args:
        context: of the connections.
        pair: certificate and key, PEM.
    """
    context.load_cert_chain(pair)
