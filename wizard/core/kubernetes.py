"""What the steps may ask of the Kubernetes API, whoever answers: a cluster, the practice world or a recording.

Plan and doctor are given the part that reads; only changes get the part that writes. Objects are written by
server-side apply under a field manager of our own, so that what others set in them stays theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeVar

from wizard.core.dataclass import dataclass
from wizard.core.errors import HostError, RemoteError
from wizard.core.host import ReadOnlyViolationError

if TYPE_CHECKING:
    from wizard.core.context import FactsCache
    from wizard.core.spec.model import MachineSpec

MANAGER = "homelab-wizard"
"""The field manager in whose name everything is applied."""

API_PORT = 6443
"""Where K3s' servers answer, and the address that moves between them."""

Document = Mapping[str, Any]
"""An object as the API writes it: JSON."""

T = TypeVar("T")


class ApiUnreachableError(HostError):
    """No server answers as the Kubernetes API does, or not with a certificate of the cluster's authority."""


class ApiAbsentError(ApiUnreachableError):
    """There is no cluster to ask yet: no server has an administrator's kubeconfig."""


class ApiRefusedError(RemoteError):
    """The API answered, and did not do what was asked."""

    status = 0
    """Of HTTP."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of object and where the API keeps it."""

    version: str
    """Group and version: `v1`, `apps/v1`."""
    name: str
    """As in manifests: `Node`."""
    plural: str
    """As in paths: `nodes`."""
    namespaced: bool = True

    def path(self, namespace: str = "", name: str = "") -> str:
        """The path of one object, or of all of them.

        Args:
            namespace: empty = all namespaces, or the kind has none.
            name: empty = all.
        """
        root = "/api" if "/" not in self.version else "/apis"
        inside = f"/namespaces/{namespace}" if namespace else ""
        return f"{root}/{self.version}{inside}/{self.plural}" + (f"/{name}" if name else "")


NODE = Kind("v1", "Node", "nodes", namespaced=False)
POD = Kind("v1", "Pod", "pods")
SECRET = Kind("v1", "Secret", "secrets")
DEPLOYMENT = Kind("apps/v1", "Deployment", "deployments")


@dataclass(frozen=True, slots=True)
class KubeObject:
    """An object of the cluster."""

    document: Document = field(repr=False)
    """All of it: it may be a Secret, so it is never shown."""

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.at("metadata", "name") or "")

    @property
    def namespace(self) -> str:
        """Its namespace; empty where the kind has none."""
        return str(self.at("metadata", "namespace") or "")

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels."""
        return dict(self.at("metadata", "labels") or {})

    def at(self, *path: str) -> Any:  # noqa: ANN401 - JSON
        """What stands at a path of keys; None where nothing does.

        Args:
            *path: e.g. `spec`, `taints`.
        """
        found: Any = self.document
        for key in path:
            if not isinstance(found, Mapping):
                return None
            found = found.get(key)
        return found


@dataclass(frozen=True, slots=True)
class Ready:
    """What the API says of itself at `/readyz`."""

    address: str
    """Who was asked."""
    failing: tuple[str, ...] = ()
    """Names of its own checks that do not hold: `etcd`, `poststarthook/rbac/bootstrap-roles` ..."""

    @property
    def ok(self) -> bool:
        """Whether it is ready to serve."""
        return not self.failing


class ApiReader(Protocol):
    """The part of the API that changes nothing."""

    def get(self, kind: Kind, name: str, namespace: str = "") -> KubeObject | None:
        """One object; None where there is none of that name.

        Raises:
            ApiUnreachableError: nobody answers.
            ApiRefusedError: the API cannot tell.
        """

    def list(self, kind: Kind, namespace: str = "", *, selector: str = "") -> tuple[KubeObject, ...]:
        """All objects of a kind.

        Args:
            kind: which.
            namespace: only in this one.
            selector: of labels: `k8s-app=kube-dns`.

        Raises:
            ApiUnreachableError: nobody answers.
            ApiRefusedError: the API cannot tell.
        """

    def ready(self, address: str = "") -> Ready:
        """Whether the API is ready to serve.

        Args:
            address: ask this one (the address that moves, or a server); empty = whichever answers.

        Raises:
            ApiUnreachableError: nobody answers there.
        """

    def version(self) -> str:
        """The version of the server that answers: `v1.36.4+k3s1`.

        Raises:
            ApiUnreachableError: nobody answers.
        """


class Api(ApiReader, Protocol):
    """The API with the part that writes. Only changes get one. Each call may be repeated: it says what shall be."""

    def know(self, machines: Iterable[MachineSpec]) -> None:
        """Take these for the machines of the cluster: its servers are where the API is.

        Args:
            machines: of the spec, or proposed or approved.
        """

    def close(self) -> None:
        """Drop every connection."""

    def apply(self, kind: Kind, document: Document, *, force: bool = True) -> KubeObject:
        """Have an object as far as it is described, by server-side apply under `MANAGER`.

        Args:
            kind: which.
            document: apiVersion, kind, metadata.name and the fields that are ours.
            force: take over fields that another manager has set otherwise.

        Returns:
            It, as it is now.

        Raises:
            ApiUnreachableError: nobody answers.
            ApiRefusedError: it is not valid, in conflict, or not allowed.
        """

    def patch(self, kind: Kind, name: str, body: Document, namespace: str = "") -> KubeObject:
        """Change an object by a JSON merge patch: null removes a key, a list replaces the list.

        With `metadata.resourceVersion` in the body it is refused when somebody else changed the object meanwhile.

        Raises:
            ApiUnreachableError: nobody answers.
            ApiRefusedError: there is none of that name, it is not valid, in conflict, or not allowed.
        """

    def delete(self, kind: Kind, name: str, namespace: str = "") -> bool:
        """Remove an object.

        Returns:
            False where there was none.

        Raises:
            ApiUnreachableError: nobody answers.
            ApiRefusedError: it is not allowed.
        """


class NoApi:
    """Where no cluster is to be asked: every question is told so."""

    def know(self, machines: Iterable[MachineSpec]) -> None:
        """As `Api.know`."""

    def close(self) -> None:
        """As `Api.close`."""

    def get(self, kind: Kind, name: str, namespace: str = "") -> KubeObject | None:
        """As `ApiReader.get`: nobody answers."""
        raise _no_way()

    def list(self, kind: Kind, namespace: str = "", *, selector: str = "") -> tuple[KubeObject, ...]:
        """As `ApiReader.list`: nobody answers."""
        raise _no_way()

    def ready(self, address: str = "") -> Ready:
        """As `ApiReader.ready`: nobody answers."""
        raise _no_way()

    def version(self) -> str:
        """As `ApiReader.version`: nobody answers."""
        raise _no_way()

    def apply(self, kind: Kind, document: Document, *, force: bool = True) -> KubeObject:
        """As `Api.apply`: nobody answers."""
        raise _no_way()

    def patch(self, kind: Kind, name: str, body: Document, namespace: str = "") -> KubeObject:
        """As `Api.patch`: nobody answers."""
        raise _no_way()

    def delete(self, kind: Kind, name: str, namespace: str = "") -> bool:
        """As `Api.delete`: nobody answers."""
        raise _no_way()


class ReadOnlyApi:
    """What plan and doctor put into the context: the API asked once per pass for each thing, and never written to.

    Args:
        api: that answers.
        cache: of the pass.
    """

    def __init__(self, api: ApiReader, cache: FactsCache) -> None:
        self._api = api
        self._cache = cache

    def get(self, kind: Kind, name: str, namespace: str = "") -> KubeObject | None:
        """As `ApiReader.get`."""
        words = ("get", kind.version, kind.plural, namespace, name)
        return self._once(words, lambda: (self._api.get(kind, name, namespace),))[0]

    def list(self, kind: Kind, namespace: str = "", *, selector: str = "") -> tuple[KubeObject, ...]:
        """As `ApiReader.list`."""
        words = ("list", kind.version, kind.plural, namespace, selector)
        return self._once(words, lambda: self._api.list(kind, namespace, selector=selector))

    def ready(self, address: str = "") -> Ready:
        """As `ApiReader.ready`."""
        return self._once(("ready", address), lambda: self._api.ready(address))

    def version(self) -> str:
        """As `ApiReader.version`."""
        return self._once(("version",), self._api.version)

    def _once(self, words: tuple[str, ...], ask: Callable[[], T]) -> T:
        answer = self._cache.api(words, ask)
        if isinstance(answer, HostError | RemoteError):
            raise answer
        return answer

    def __getattr__(self, attribute: str) -> NoReturn:
        raise ReadOnlyViolationError(f"{attribute} on the Kubernetes API during a pass that only reads")


def _no_way() -> ApiAbsentError:
    return no_cluster("this session", "It was opened without a way to the Kubernetes API.")


def no_cluster(where: str, why: str) -> ApiAbsentError:
    """There is nothing to ask yet.

    Args:
        where: that was looked at.
        why: as far as it is known.
    """
    return ApiAbsentError(
        "There is no Kubernetes API to ask yet.",
        where=where,
        why=why,
        do=("wizard plan    # what is still missing", "wizard apply"),
    )


def unreachable(tried: Mapping[str, str]) -> ApiUnreachableError:
    """Nobody answered.

    Args:
        tried: why each address did not, in the order they were asked.
    """
    said = "; ".join(f"{address}: {why}" for address, why in tried.items())
    return ApiUnreachableError(
        "The Kubernetes API does not answer.",
        where=", ".join(tried) or "no address",
        why=f"{said}." if said else "No server is in the spec.",
        do=(
            "wizard doctor k3s-servers etcd    # is a server up, and has etcd its majority?",
            "the API returns by itself once both are there",
        ),
        again="Running again is safe: what is written to the API says what shall be, not what to add.",
    )


def not_the_cluster(address: str, why: str) -> ApiUnreachableError:
    """What answers has no certificate of the cluster's authority, although that was asked for anew.

    Args:
        address: that answers.
        why: what is wrong with it.
    """
    return ApiUnreachableError(
        "What answers in the Kubernetes API's place is not this cluster.",
        where=address,
        why=why,
        do=(
            "does another machine have this address? wizard layout",
            "was a server set up anew by other hands? wizard doctor k3s-servers",
        ),
    )


def refused(where: str, asked: str, status: int, reason: str, message: str) -> ApiRefusedError:
    """The API said no.

    Args:
        where: the address that answered.
        asked: `PATCH /api/v1/nodes/storage-a`.
        status: of HTTP.
        reason: in the API's word: `Conflict`, `Forbidden`, `Invalid` ...
        message: its sentence.
    """
    error = ApiRefusedError(
        "The Kubernetes API did not do what was asked.",
        where=f"{where}: {asked}",
        why=f"{message or 'no further word'} ({reason or 'no reason'}, {status})",
        do=_REMEDIES.get(status, ("wizard doctor", "wizard apply")),
        again="Running again is safe: what is written to the API says what shall be, not what to add.",
    )
    error.status = status
    return error


_REMEDIES: Mapping[int, tuple[str, ...]] = {
    401: ("wizard kubeconfig    # fetches the administrator's certificate anew",),
    403: ("wizard kubeconfig    # fetches the administrator's certificate anew",),
    409: ("wizard apply    # somebody changed the same thing at the same moment",),
    429: ("wait a little: the API is overloaded", "wizard apply"),
}
