"""etcd clusters of the simulated homelab: who is a member, who runs, who leads, and what they hold together."""

from __future__ import annotations

import hashlib
from dataclasses import field

from wizard.core.dataclass import dataclass
from wizard.practice.k3s_state import Kubernetes


@dataclass(slots=True)
class Peer:
    """One entry of a cluster's list of members."""

    id: int
    peer: str
    """URL its peers reach it at."""
    name: str = ""
    """Empty until it has been there once."""
    client: str = ""
    learner: bool = False


@dataclass(slots=True)
class EtcdCluster:
    """What the members of one cluster agree on."""

    id: int
    members: dict[int, Peer] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    revision: int = 1
    term: int = 2
    leader: int = 0
    """Id of the member that leads; 0 = there is no quorum."""
    running: frozenset[int] = frozenset()
    """Members that run and see each other."""
    alarms: set[str] = field(default_factory=set)
    """`NOSPACE`."""
    formed: bool = False
    """It had a quorum once."""
    removed: set[int] = field(default_factory=set)
    """Members that were taken out for good."""
    roles: bool = False
    """Clients are told apart by the names in their certificates."""
    writes: int = 0
    """How many were taken."""
    kubernetes: Kubernetes | None = None
    """What K3s' servers keep in it."""

    @property
    def voters(self) -> list[Peer]:
        """Who decides."""
        return [one for one in self.members.values() if not one.learner]

    def settle(self, running: frozenset[int]) -> None:
        """Elect a leader among those who run, or have none.

        Args:
            running: ids of members that run and see each other.
        """
        self.running = running
        votes = sorted(one.id for one in self.voters if one.id in running)
        if len(votes) * 2 <= len(self.voters):
            self.leader = 0
        elif self.leader not in votes:
            self.leader = votes[0]
            self.term += 1
            self.formed = True

    def hand_over(self, member: int) -> None:
        """Let another member lead; that is an election like any other."""
        if self.leader != member:
            self.leader = member
            self.term += 1

    def by_peer(self, url: str) -> Peer | None:
        """The member of a peer URL."""
        return next((one for one in self.members.values() if one.peer == url), None)

    def add(self, url: str) -> Peer:
        """Take a new member in, as a learner."""
        self.revision += 0
        one = Peer(number_of(f"{url} {self.id} {len(self.removed)} {len(self.members)}"), url, learner=True)
        self.members[one.id] = one
        return one

    def remove(self, member: int) -> None:
        """Take a member out for good."""
        del self.members[member]
        self.removed.add(member)


def number_of(text: str) -> int:
    """An id as etcd makes them: the first eight bytes of a digest."""
    return int.from_bytes(hashlib.sha1(text.encode(), usedforsecurity=False).digest()[:8], "big")


def new_cluster(token: str, peers: list[str]) -> EtcdCluster:
    """A cluster as its first members agree on it: the same list and token make the same ids.

    Args:
        token: of its configuration.
        peers: URL of every one of its first members.
    """
    cluster = EtcdCluster(number_of(" ".join((token, *sorted(peers)))))
    for url in sorted(peers):
        one = Peer(number_of(f"{url} {token}"), url)
        cluster.members[one.id] = one
    return cluster
