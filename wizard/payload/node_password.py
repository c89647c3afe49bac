"""Where K3s keeps the passwords by which it knows its nodes (domain.md 1.2)."""

from __future__ import annotations

PASSWORDS = "kube-system"
"""The namespace of the secrets."""


def password_secret(node: str) -> str:
    """The secret that holds a node's password, hashed; where it is gone, the next that comes by the name is believed."""
    return f"{node.lower()}.node-password.k3s"
