"""A session in this process, as the command line puts it together, whose connections stay open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from steps import STEPS
from steps.parse.facts import read_facts
from tests.bench.conftest import Homelab
from wizard.core.home import ClusterHome
from wizard.core.prompt import Silent
from wizard.core.session import Session
from wizard.core.spec import load_spec
from wizard.core.state import new_state
from wizard.core.store import StateStore
from wizard.transport.credentials import Credentials
from wizard.transport.ssh import SshHosts, Target


@contextmanager
def warm(homelab: Homelab) -> Iterator[Session]:
    """A session on these hosts."""
    spec = load_spec(homelab.spec)
    targets = [
        Target(host.name, host.address, host.user or spec.ssh.user, host.port, homelab.key)
        for host in spec.hosts
    ]
    hosts = SshHosts(
        targets,
        known_hosts=homelab.known_hosts,
        pinned={},
        prompter=Silent(),
        credentials=Credentials(),
        events=lambda event: None,
    )
    store = StateStore(ClusterHome(homelab.home), writer="bench")
    try:
        yield Session(
            spec, hosts, STEPS, new_state(spec.name, "bench"), store, read_facts, lambda event: None
        )
    finally:
        hosts.close()
