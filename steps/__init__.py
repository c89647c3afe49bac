"""The stages of the setup. This list is the table of contents of the whole program."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wizard.core.step import Step

    STEPS: tuple[Step, ...]
    """In the order of the story; made when somebody first asks for it."""


def _story() -> tuple[Step, ...]:
    from steps.api_address import ApiAddress
    from steps.backup import Backup
    from steps.decisions import Decisions
    from steps.discover import Discover
    from steps.etcd import Etcd
    from steps.etcd_programs import EtcdPrograms
    from steps.guests import Guests
    from steps.here import Here
    from steps.hosts import Hosts
    from steps.k3s_agents import K3sAgents
    from steps.k3s_programs import K3sPrograms
    from steps.k3s_servers import K3sServers
    from steps.machines import Machines
    from steps.nodes import Nodes
    from steps.packages import MemberPackages, Packages

    return (
        Here(),
        Hosts(),
        Discover(),
        Decisions(),
        Machines(),
        EtcdPrograms(),
        Guests(),
        Etcd(),
        Packages(),
        K3sPrograms(),
        K3sServers(),
        ApiAddress(),
        K3sAgents(),
        Nodes(),
        Backup(),
        MemberPackages(),
    )


def __getattr__(name: str) -> tuple[Step, ...]:
    """`STEPS`, at first use: whoever needs a parser of `steps.parse` alone does not load every stage for it."""
    if name != "STEPS":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()["STEPS"] = story = _story()
    return story
