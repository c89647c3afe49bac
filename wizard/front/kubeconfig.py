"""What `wizard kubeconfig` says it has done."""

from __future__ import annotations

from wizard.core.kubeconfig import Admin
from wizard.core.kubeconfig_files import Written

KUBECONFIG_SCHEMA = 1
"""Version of the document `kubeconfig --json` prints."""


def kubeconfig_text(name: str, server: str, written: Written) -> str:
    """As a person reads it.

    Args:
        name: of the context.
        server: URL of the API.
        written: what was done.
    """
    verb = "is in" if written.changed else "is unchanged in"
    lines = [f"{name} ({server}) {verb} {written.path}", *written.noticed]
    if written.backup:
        lines.append(f"As it was before: {written.backup}")
    chosen = "" if written.current else f" --context {name}"
    return "\n".join([*lines, f"kubectl{chosen} get nodes"])


def kubeconfig_json(
    cluster: str, name: str, server: str, admin: Admin, written: Written
) -> dict[str, object]:
    """The document of `kubeconfig --json`; no key is in it.

    Args:
        cluster: name of the spec.
        name: of the context.
        server: URL of the API.
        admin: what was put there.
        written: what was done.
    """
    return {
        "schema": KUBECONFIG_SCHEMA,
        "cluster": cluster,
        "context": name,
        "server": server,
        "authority": admin.fingerprint,
        "file": str(written.path),
        "backup": str(written.backup) if written.backup else None,
        "changed": written.changed,
        "current": written.current,
        "noticed": list(written.noticed),
    }
