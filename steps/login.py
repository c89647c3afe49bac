"""How a person gives a command on a host: what every fix begins with."""

from __future__ import annotations

from wizard.core.spec.model import ClusterSpec, HostSpec


def login(spec: ClusterSpec, host: HostSpec) -> str:
    """How a command is given on a host, as a person would type it: `ssh pi@10.0.0.13 sudo`.

    Args:
        spec: names the user where the host does not.
        host: of it.
    """
    user = host.user or spec.ssh.user
    port = f"-p {host.port} " if host.port else ""
    return f"ssh {port}{user}@{host.address}" + ("" if user == "root" else " sudo")
