"""How often a command that runs in this process asks: hosts and guests by SSH, the Kubernetes API by HTTP."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from typing import Any
from unittest.mock import patch

from wizard.cli import main
from wizard.transport.kubernetes import KubernetesApi
from wizard.transport.ssh_link import Link

REQUESTS = 3
"""How often a host or guest may be asked where nothing is to be done (issue 4, section 6; issue 8, section 5)."""

API_CALLS = 20
"""How often the Kubernetes API may be asked in the same (issue 8, section 5)."""


@dataclass(slots=True)
class Asked:
    """What a command asked, and how it ended."""

    hosts: Counter[str] = field(default_factory=Counter)
    """Requests by host or guest; a request is a channel."""
    calls: int = 0
    """To the API, whichever of its addresses they went to."""
    code: int = 0
    said: str = ""

    @property
    def most(self) -> int:
        """Of whoever was asked most."""
        return max(self.hosts.values())


def asked_by(*words: str) -> Asked:
    """Run a command in this process and count.

    Args:
        words: the command line without the program.
    """
    asked, said = Asked(), StringIO()
    with _counting(asked), redirect_stdout(said), redirect_stderr(said):
        asked.code = main(words)
    asked.said = said.getvalue()
    return asked


@contextmanager
def _counting(asked: Asked) -> Iterator[None]:
    opened, sent = Link.channel, KubernetesApi._at

    def channel(link: Link, *args: float, **named: float) -> Any:  # noqa: ANN401 - paramiko's
        asked.hosts[link.host] += 1
        return opened(link, *args, **named)

    def at(api: KubernetesApi, *args: Any) -> Any:  # noqa: ANN401 - JSON
        asked.calls += 1
        return sent(api, *args)

    with patch.object(Link, "channel", channel), patch.object(KubernetesApi, "_at", at):
        yield
