"""What `read/k3s-admin` says: the administrator's kubeconfig of a server, or that there is none."""

from __future__ import annotations

from steps.parse.sections import split_sections


def parse_kube_admin(text: str) -> str | None:
    """The kubeconfig as it lies on the server; None where there is none, or it was not printed to its end.

    Args:
        text: as the script printed it.
    """
    sections = split_sections(text)
    if "there=yes" not in sections.lines("admin") or "end" not in sections:
        return None
    return "".join(f"{line}\n" for line in sections.lines("kubeconfig"))
