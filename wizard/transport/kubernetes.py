"""The Kubernetes API by the `kubernetes` package: the only place that knows it, loaded when a cluster is first asked.

The package's generic call is used, not its dynamic client: that one asks the API what kinds it has before each
first question, and the steps know theirs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any

from wizard.core.dataclass import dataclass
from wizard.core.errors import HostError, RemoteError
from wizard.core.kubeconfig import Admin, AdminSource, api_url
from wizard.core.kubernetes import (
    MANAGER,
    Document,
    Kind,
    KubeObject,
    Ready,
    not_the_cluster,
    refused,
    unreachable,
)
from wizard.transport.kube_errors import Refusal, Silence, Stranger, meaning
from wizard.transport.kube_tls import client_context

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

    from wizard.core.spec.model import MachineSpec

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"

_NOT_FOUND, _UNAUTHORIZED = 404, 401


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. A server whose etcd has no majority takes ten before it says so."""

    connect: float = 3.0
    read: float = 20.0


@dataclass(frozen=True, slots=True)
class _Call:
    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: Document | None = field(default=None, repr=False)
    content: str = "application/json"
    text: bool = False
    """The answer is no JSON."""


@dataclass(slots=True)
class KubernetesApi:
    """The API of one cluster, at whichever of its addresses answers first.

    Args:
        vip: the address that moves; it is asked before the servers.
        admin: who we are.
        url: of an address.
        timeouts: of each request.
    """

    vip: str
    admin: AdminSource
    url: Callable[[str], str] = api_url
    timeouts: Timeouts = field(default_factory=Timeouts)
    _servers: tuple[str, ...] = ()
    """Their addresses."""
    _clients: dict[str, ApiClient] = field(default_factory=dict)
    _answers: str = ""
    """The address that answered last: it is asked first."""
    _renewed: bool = False
    _guard: threading.RLock = field(default_factory=threading.RLock)

    def know(self, machines: Iterable[MachineSpec]) -> None:
        """As `Api.know`."""
        self._servers = tuple(machine.address for machine in machines if machine.role == "server")

    def get(self, kind: Kind, name: str, namespace: str = "") -> KubeObject | None:
        """As `ApiReader.get`."""
        found = self._ask(_Call("GET", kind.path(namespace, name)), may_lack=True)
        return None if found is None else KubeObject(found)

    def list(self, kind: Kind, namespace: str = "", *, selector: str = "") -> tuple[KubeObject, ...]:
        """As `ApiReader.list`."""
        query = (("labelSelector", selector),) if selector else ()
        found = self._ask(_Call("GET", kind.path(namespace), query))
        # The items of a list bear neither kind nor version.
        return tuple(
            KubeObject({"apiVersion": kind.version, "kind": kind.name, **one}) for one in found["items"]
        )

    def ready(self, address: str = "") -> Ready:
        """As `ApiReader.ready`."""
        call = _Call("GET", "/readyz", (("verbose", ""),), text=True)
        tried: dict[str, str] = {}
        for one in [address] if address else self._order():
            try:
                self._trusted(one, call)
            except (Silence, Stranger) as other:
                tried[one] = other.why
            except Refusal as error:
                return Ready(one, _failing(error))
            else:
                return Ready(one)
        raise unreachable(tried)

    def version(self) -> str:
        """As `ApiReader.version`."""
        return str(self._ask(_Call("GET", "/version"))["gitVersion"])

    def apply(self, kind: Kind, document: Document, *, force: bool = True) -> KubeObject:
        """As `Api.apply`."""
        about = document["metadata"]
        query = (("fieldManager", MANAGER), ("force", "true" if force else "false"))
        path = kind.path(about.get("namespace", ""), about["name"])
        return KubeObject(self._ask(_Call("PATCH", path, query, document, APPLY)))

    def patch(self, kind: Kind, name: str, body: Document, namespace: str = "") -> KubeObject:
        """As `Api.patch`."""
        query = (("fieldManager", MANAGER),)
        return KubeObject(self._ask(_Call("PATCH", kind.path(namespace, name), query, body, MERGE)))

    def delete(self, kind: Kind, name: str, namespace: str = "") -> bool:
        """As `Api.delete`."""
        return self._ask(_Call("DELETE", kind.path(namespace, name)), may_lack=True) is not None

    def close(self) -> None:
        """Drop every connection."""
        with self._guard:
            for client in self._clients.values():
                client.rest_client.pool_manager.clear()
                client.close()
            self._clients.clear()

    # --- asking

    def _ask(self, call: _Call, *, may_lack: bool = False) -> Any:  # noqa: ANN401 - JSON
        """Ask the addresses in turn until one answers; each call may be repeated, so a cut connection is no end."""
        tried: dict[str, str] = {}
        stranger: tuple[str, str] | None = None
        for address in self._order():
            try:
                answer = self._trusted(address, call)
            except Silence as silence:
                tried[address] = silence.why
            except Stranger as other:
                tried[address], stranger = other.why, stranger or (address, other.why)
            except Refusal as error:
                self._answers = address
                if error.status == _NOT_FOUND and may_lack:
                    return None
                asked = f"{call.method} {call.path}"
                raise refused(address, asked, error.status, error.reason, error.text) from error
            else:
                self._answers = address
                return answer
        raise not_the_cluster(*stranger) if stranger else unreachable(tried)

    def _order(self) -> Sequence[str]:
        return sorted((self.vip, *self._servers), key=lambda one: one != self._answers)

    def _trusted(self, address: str, call: _Call) -> Any:  # noqa: ANN401 - JSON
        """Ask one address; once in this session a certificate that is of no use there is fetched anew."""
        try:
            return self._at(address, call)
        except Stranger:
            if not self._renew():
                raise
        except Refusal as error:
            if error.status != _UNAUTHORIZED or not self._renew():
                raise
        return self._at(address, call)

    def _renew(self) -> bool:
        """Fetch the administrator's certificate anew, unless that was done before or no server can be asked."""
        with self._guard:
            if self._renewed:
                return False
            self._renewed = True
            try:
                self.admin.renewed()
            except (HostError, RemoteError):
                return False
            self.close()
            return True

    def _at(self, address: str, call: _Call) -> Any:  # noqa: ANN401 - JSON

        client = self._client(address)
        kinds = dict.fromkeys((200, 201, 202), "str" if call.text else "object")
        try:
            answer, _, _ = client.call_api(
                call.path,
                call.method,
                query_params=list(call.query),
                header_params={
                    "Accept": "*/*" if call.text else "application/json",
                    "Content-Type": call.content,
                },
                body=call.body,
                response_types_map=kinds,
                _request_timeout=(self.timeouts.connect, self.timeouts.read),
            )
        except Exception as error:
            raise meaning(error) from error
        return answer

    def _client(self, address: str) -> ApiClient:
        with self._guard:
            if address not in self._clients:
                self._clients[address] = _connected(self.url(address), self.admin.current())
            return self._clients[address]


def _connected(url: str, admin: Admin) -> ApiClient:
    import urllib3
    from kubernetes import client

    configuration = client.Configuration(host=url)
    # What the environment says of proxies is not for our own servers.
    configuration.proxy = None
    made = client.ApiClient(configuration)
    made.rest_client.pool_manager = urllib3.PoolManager(
        ssl_context=client_context(admin), retries=False, maxsize=4
    )
    return made


def _failing(error: Refusal) -> tuple[str, ...]:
    """The checks of `/readyz?verbose` that do not hold: `[-]etcd failed: reason withheld`; else what was said."""
    rows = (line.strip() for line in error.text.splitlines())
    found = tuple(row[3:].split(" ")[0] for row in rows if row.startswith("[-]"))
    return found or (f"{error.status} {error.reason}".strip(),)
