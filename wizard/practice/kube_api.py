"""The Kubernetes API of the simulated homelab: it answers where a server runs and etcd has its majority."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from wizard.core.dataclass import dataclass
from wizard.core.kubeconfig import KUBECONFIG, AdminSource, read_admin
from wizard.core.kubernetes import (
    MANAGER,
    NODE,
    POD,
    SECRET,
    Document,
    Kind,
    KubeObject,
    Ready,
    no_cluster,
    not_the_cluster,
    refused,
    unreachable,
)
from wizard.core.spec.model import MachineSpec
from wizard.payload.node_password import PASSWORDS
from wizard.practice.etcd_cluster import EtcdCluster
from wizard.practice.k3s_process import api_up, cluster_of
from wizard.practice.k3s_state import Kubernetes
from wizard.practice.kube_admin import kubeconfig
from wizard.practice.kube_merge import applied, merged
from wizard.practice.kube_objects import (
    dns_pods,
    forget_password,
    node_document,
    password_secrets,
    stored,
    take_node,
)
from wizard.practice.machine import Machine
from wizard.practice.pace import INSTANT, Pace
from wizard.practice.world import World

CALL_SECONDS = 0.02
"""A question to an API server on a LAN."""


def _nobody() -> None:
    """Nobody is told of writes."""


@dataclass(slots=True)
class PracticeApi:
    """Answers as the API of a world's cluster.

    Args:
        world: it stands in.
        pace: how long things take.
        changed: is called after each write, under the guard of the world.
        admin: who asks: an administrator of another cluster is not let in. None = whoever asks is.
    """

    world: World
    pace: Pace = INSTANT
    changed: Callable[[], None] = _nobody
    admin: AdminSource | None = None
    calls: int = 0
    """Questions it was asked."""

    def know(self, machines: Iterable[MachineSpec]) -> None:
        """As `Api.know`: the world knows its machines."""

    def close(self) -> None:
        """As `Api.close`: nothing is open."""

    def get(self, kind: Kind, name: str, namespace: str = "") -> KubeObject | None:
        """As `ApiReader.get`."""
        with self._asking():
            _, known = self._asked()
            found = _find(known, kind, name, namespace)
        return None if found is None else KubeObject(found)

    def list(self, kind: Kind, namespace: str = "", *, selector: str = "") -> tuple[KubeObject, ...]:
        """As `ApiReader.list`."""
        with self._asking():
            _, known = self._asked()
            every = tuple(KubeObject(one) for one in _all(known, kind, namespace))
        wanted = dict(part.split("=", 1) for part in selector.split(",") if part)
        return tuple(one for one in every if wanted.items() <= one.labels.items())

    def ready(self, address: str = "") -> Ready:
        """As `ApiReader.ready`."""
        with self._asking():
            running = [one for one in self._servers() if address in ("", one.address)]
            if not running:
                raise unreachable({address or "every server": "connection refused"})
            up = next((one for one in running if api_up(self.world, one)), None)
        return Ready(up.address) if up else Ready(running[0].address, ("etcd",))

    def version(self) -> str:
        """As `ApiReader.version`."""
        with self._asking():
            server, _ = self._asked()
            return server.k3s.version

    def apply(self, kind: Kind, document: Document, *, force: bool = True) -> KubeObject:
        """As `Api.apply`, always as with force: nobody else applies here."""
        name, namespace = document["metadata"]["name"], document["metadata"].get("namespace", "")
        with self._asking():
            server, known = self._asked()
            there = _find(known, kind, name, namespace)
            if there is None:
                self._refuse(server, "PATCH", kind, name, namespace, 422, "Invalid")
            place = f"{MANAGER} {kind.plural}/{namespace}/{name}"
            before = json.loads(known.applied.get(place, "{}"))
            known.applied[place] = json.dumps(document, sort_keys=True)
            return self._write(server, known, kind, applied(there, document, before))

    def patch(self, kind: Kind, name: str, body: Document, namespace: str = "") -> KubeObject:
        """As `Api.patch`."""
        with self._asking():
            server, known = self._asked()
            there = _find(known, kind, name, namespace)
            if there is None:
                self._refuse(server, "PATCH", kind, name, namespace, 404, "NotFound")
            expected = body.get("metadata", {}).get("resourceVersion")
            if expected is not None and expected != there["metadata"].get("resourceVersion"):
                self._refuse(server, "PATCH", kind, name, namespace, 409, "Conflict")
            return self._write(server, known, kind, merged(there, body))

    def delete(self, kind: Kind, name: str, namespace: str = "") -> bool:
        """As `Api.delete`."""
        with self._asking():
            server, known = self._asked()
            there = _find(known, kind, name, namespace)
            if there is None:
                return False
            self._writable(server, kind)
            if kind == NODE:
                del known.nodes[name]
            elif kind == SECRET:
                forget_password(known, name)
            else:
                del known.objects[f"{namespace}/{name}"]
            self.changed()
            return True

    # --- behind it

    def _asked(self) -> tuple[Machine, Kubernetes]:
        """The server that answers, and what it finds in etcd.

        Raises:
            ApiAbsentError: K3s never ran as a server.
            ApiUnreachableError: none runs, or etcd has no majority.
        """
        if self.admin is None and not any(KUBECONFIG in one.files for one in self.world.machines.values()):
            raise no_cluster(KUBECONFIG, "K3s writes it when its API comes up, and no server has it.")
        tried: dict[str, str] = {}
        for server in self._servers():
            known = cluster_of(self.world, server) if api_up(self.world, server) else None
            if known is not None:
                return server, known
            tried[server.address] = "etcdserver: request timed out"
        down = {one.address: "connection refused" for one in self.world.machines.values() if _was_server(one)}
        raise unreachable({**down, **tried})

    def _servers(self) -> tuple[Machine, ...]:
        every = self.world.machines.values()
        return tuple(
            one
            for one in every
            if one.alive and one.k3s.role == "server" and one.k3s.wanted and one.k3s.ready
        )

    @contextmanager
    def _asking(self) -> Iterator[None]:
        self.calls += 1
        self.pace.pause(CALL_SECONDS)
        if self.admin is not None:
            self._introduce(self.admin)
        with self.world.guard:
            yield

    def _introduce(self, admin: AdminSource) -> None:
        """Be let in: with what is kept, else with what a server gives anew.

        Raises:
            HostError: there is no administrator's kubeconfig to be had.
        """
        shown = admin.current()
        with self.world.guard:
            servers = [one for one in self._servers() if api_up(self.world, one)]
            known = cluster_of(self.world, servers[0]) if servers else None
        if known is None:
            return
        theirs = read_admin(kubeconfig(known.authority))
        if shown != theirs and admin.renewed() != theirs:
            raise not_the_cluster(servers[0].address, "its certificate is not of this cluster")

    def _write(self, server: Machine, known: Kubernetes, kind: Kind, document: dict[str, Any]) -> KubeObject:
        self._writable(server, kind)
        name, namespace = document["metadata"]["name"], document["metadata"].get("namespace", "")
        if kind == NODE:
            take_node(known.nodes[name], document)
        else:
            known.objects[f"{namespace}/{name}"] = json.dumps(document)
        self._etcd(known).revision += 1
        self.changed()
        found = _find(known, kind, name, namespace)
        assert found is not None, "it was written just now"
        return KubeObject(found)

    def _writable(self, server: Machine, kind: Kind) -> None:
        known = cluster_of(self.world, server)
        if known is not None and "NOSPACE" in self._etcd(known).alarms:
            said = "etcdserver: mvcc: database space exceeded"
            raise refused(server.address, f"PATCH {kind.path()}", 500, "InternalError", said)

    def _etcd(self, known: Kubernetes) -> EtcdCluster:
        return next(one for one in self.world.clusters.values() if one.kubernetes is known)

    def _refuse(
        self, server: Machine, verb: str, kind: Kind, name: str, namespace: str, status: int, reason: str
    ) -> NoReturn:
        said = {
            404: f'{kind.plural} "{name}" not found',
            409: f'Operation cannot be fulfilled on {kind.plural} "{name}": the object has been modified',
            422: f'{kind.name} "{name}" is invalid',
        }[status]
        raise refused(server.address, f"{verb} {kind.path(namespace, name)}", status, reason, said)


def _was_server(machine: Machine) -> bool:
    return machine.k3s.role == "server"


def _all(known: Kubernetes, kind: Kind, namespace: str) -> list[dict[str, Any]]:
    if kind == NODE:
        return [node_document(known.nodes[name]) for name in sorted(known.nodes)]
    if kind == POD:
        return dns_pods(known)
    if kind == SECRET:
        return password_secrets(known) if namespace in ("", PASSWORDS) else []
    places = {place for place in ("kube-system/coredns", *known.objects) if place.startswith(f"{namespace}/")}
    found = (stored(known, place) for place in sorted(places))
    return [one for one in found if one is not None and one["kind"] == kind.name]


def _find(known: Kubernetes, kind: Kind, name: str, namespace: str) -> dict[str, Any] | None:
    return next((one for one in _all(known, kind, namespace) if one["metadata"]["name"] == name), None)
