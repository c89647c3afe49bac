"""The Kubernetes API over real TLS on loopback: who is trusted, who is asked, what is said when nobody answers."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.rows import assert_explained
from tests.transport.kube_server import ApiServer, Cluster, status
from wizard.core.errors import ExitCode
from wizard.core.kubeconfig import Admin
from wizard.core.kubernetes import (
    DEPLOYMENT,
    MANAGER,
    NODE,
    ApiRefusedError,
    ApiUnreachableError,
    no_cluster,
)
from wizard.core.spec.model import MachineSpec
from wizard.transport.kubernetes import KubernetesApi, Timeouts

NODE_A = {"metadata": {"name": "storage-a", "labels": {"zone": "tower-a"}}}
SHORT = Timeouts(connect=5.0, read=0.3)


@dataclass
class Given:
    """An administrator's certificate as it is kept, and as a server would give it now."""

    kept: Admin
    fresh: Admin | None = None
    fetched: int = 0

    def know(self, machines: Iterable[MachineSpec]) -> None:
        """It is fetched from nowhere."""

    def current(self) -> Admin:
        return self.kept

    def renewed(self) -> Admin:
        self.fetched += 1
        if self.fresh is None:
            raise no_cluster("server-a", "it does not answer")
        self.kept = self.fresh
        return self.kept


@dataclass
class Site:
    """Servers of one cluster, and a client that knows all of them."""

    cluster: Cluster = field(default_factory=Cluster)
    servers: dict[str, ApiServer] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)
    apis: list[KubernetesApi] = field(default_factory=list)

    def server(
        self, name: str, cluster: Cluster | None = None, addresses: tuple[str, ...] = ("127.0.0.1",)
    ) -> ApiServer:
        made = self.servers[name] = ApiServer(cluster or self.cluster, addresses)
        self.urls[name] = made.url
        return made

    def away(self, name: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.urls[name] = f"https://127.0.0.1:{listener.getsockname()[1]}"

    def api(self, given: Given | None = None, timeouts: Timeouts = SHORT) -> KubernetesApi:
        known = given or Given(self.cluster.admin())
        first, *servers = self.urls
        made = KubernetesApi(first, known, self.urls.__getitem__, timeouts)
        made.know(MachineSpec(name, "tower-a", "server", name, 1, 1, 1) for name in servers)
        self.apis.append(made)
        return made


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    for api in made.apis:
        api.close()
    for server in made.servers.values():
        server.stop()


def test_an_object_is_asked_for_with_the_administrators_certificate(site: Site) -> None:
    server = site.server("vip")
    server.on("GET", "/api/v1/nodes/storage-a", (200, NODE_A))
    found = site.api().get(NODE, "storage-a")
    assert found is not None
    assert found.name == "storage-a"
    assert found.labels == {"zone": "tower-a"}
    assert [one.client for one in server.asked] == ["system:admin"]


def test_what_is_not_there_is_none(site: Site) -> None:
    site.server("vip")
    assert site.api().get(DEPLOYMENT, "coredns", "kube-system") is None
    assert site.servers["vip"].asked[0].path == "/apis/apps/v1/namespaces/kube-system/deployments/coredns"


def test_a_list_bears_kind_and_selector_and_one_connection_serves_many_questions(site: Site) -> None:
    server = site.server("vip")
    server.on("GET", "/api/v1/nodes", (200, {"kind": "NodeList", "items": [NODE_A]}))
    api = site.api()
    for _ in range(3):
        (found,) = api.list(NODE, selector="zone=tower-a")
    assert found.at("kind") == "Node"
    assert server.asked[0].query == "labelSelector=zone%3Dtower-a"
    assert server.connections == 1


def test_what_is_applied_is_ours_by_name(site: Site) -> None:
    server = site.server("vip")
    path = "/apis/apps/v1/namespaces/kube-system/deployments/coredns"
    server.on("PATCH", path, lambda asked: (200, asked.body))
    wanted = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "coredns", "namespace": "kube-system"},
        "spec": {"replicas": 2},
    }
    assert site.api().apply(DEPLOYMENT, wanted).at("spec", "replicas") == 2
    (asked,) = server.asked
    assert asked.query == f"fieldManager={MANAGER}&force=true"
    assert asked.content == "application/apply-patch+yaml"


def test_a_merge_patch_and_a_removal(site: Site) -> None:
    server = site.server("vip")
    server.on("PATCH", "/api/v1/nodes/storage-a", lambda asked: (200, {**NODE_A, "spec": asked.body["spec"]}))
    server.on("DELETE", "/api/v1/nodes/storage-a", status(200, "", ""))
    api = site.api()
    assert api.patch(NODE, "storage-a", {"spec": {"taints": None}}).at("spec") == {"taints": None}
    assert server.asked[0].content == "application/merge-patch+json"
    assert api.delete(NODE, "storage-a") is True
    assert api.delete(NODE, "worker-z") is False


def test_the_version_and_whether_it_is_ready(site: Site) -> None:
    server = site.server("vip")
    server.on("GET", "/version", (200, {"gitVersion": "v1.36.4+k3s1"}))
    server.on("GET", "/readyz", (200, "[+]ping ok\nreadyz check passed\n"))
    api = site.api()
    assert api.version() == "v1.36.4+k3s1"
    assert api.ready().ok
    server.on("GET", "/readyz", (500, "[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed\n"))
    assert api.ready("vip").failing == ("etcd",)


# --- who is asked


def test_the_next_address_is_asked_when_one_does_not_answer(site: Site) -> None:
    site.away("vip")
    server = site.server("server-a")
    server.on("GET", "/version", (200, {"gitVersion": "v1.36.4"}))
    api = site.api()
    assert api.version() == "v1.36.4"
    assert api.version() == "v1.36.4"
    assert len(server.asked) == 2


def test_a_server_without_its_etcd_is_passed_over_and_the_one_that_answers_is_asked_first_then(
    site: Site,
) -> None:
    lame, well = site.server("server-a"), site.server("server-b")
    lame.on("GET", "/version", status(500, "InternalError", "etcdserver: request timed out"))
    well.on("GET", "/version", (200, {"gitVersion": "v1.36.4"}))
    api = site.api()
    assert (api.version(), api.version()) == ("v1.36.4", "v1.36.4")
    assert len(lame.asked) == 1


def test_a_connection_that_is_cut_in_the_middle_is_asked_again_elsewhere(site: Site) -> None:
    cut, well = site.server("vip"), site.server("server-a")
    cut.on("PATCH", "/api/v1/nodes/storage-a", lambda _: None)
    well.on("PATCH", "/api/v1/nodes/storage-a", (200, NODE_A))
    assert (
        site.api().patch(NODE, "storage-a", {"metadata": {"labels": {"zone": "tower-a"}}}).name == "storage-a"
    )


def test_nobody_answers(site: Site) -> None:
    site.away("vip")
    slow = site.server("server-a")
    slow.on("GET", "/version", slow.stalls)
    with pytest.raises(ApiUnreachableError) as told:
        site.api().version()
    assert_explained(
        told.value,
        exit_code=ExitCode.UNREACHABLE,
        says=("vip: connection refused", "server-a: it took the question and did not answer in time"),
        do="wizard doctor",
    )


def test_no_proxy_is_taken(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    site.server("vip").on("GET", "/version", (200, {"gitVersion": "v1"}))
    assert site.api().version() == "v1"


# --- who is trusted


def test_a_server_of_another_cluster_is_told_from_ours(site: Site) -> None:
    """Row 78: a server whose authority is another one than the kept kubeconfig's, which no server gives anew."""
    other = site.server("vip", Cluster())
    given = Given(site.cluster.admin())
    with pytest.raises(ApiUnreachableError) as told:
        site.api(given).version()
    assert_explained(
        told.value,
        exit_code=ExitCode.UNREACHABLE,
        says=("is not this cluster", "its certificate is not of this cluster"),
        do="wizard layout",
    )
    assert given.fetched == 1
    assert other.asked == []


def test_a_certificate_for_another_address_is_not_trusted(site: Site) -> None:
    site.server("vip", addresses=("192.0.2.9",))
    with pytest.raises(ApiUnreachableError, match="is not this cluster"):
        site.api().version()


def test_a_cluster_that_was_made_anew_is_trusted_once_a_server_gave_its_kubeconfig(site: Site) -> None:
    anew = Cluster()
    site.server("vip", anew).on("GET", "/version", (200, {"gitVersion": "v2"}))
    given = Given(site.cluster.admin(), fresh=anew.admin())
    assert site.api(given).version() == "v2"
    assert given.fetched == 1


def test_a_certificate_that_is_no_longer_let_in_is_fetched_anew_once(site: Site) -> None:
    server = site.server("vip")
    server.on(
        "GET",
        "/version",
        lambda asked: (
            (200, {"gitVersion": "v1"})
            if asked.client == "new"
            else status(401, "Unauthorized", "Unauthorized")
        ),
    )
    given = Given(site.cluster.admin("old"), fresh=site.cluster.admin("new"))
    api = site.api(given)
    assert api.version() == "v1"
    given.kept = given.fresh = site.cluster.admin("old")
    api.close()
    with pytest.raises(ApiRefusedError) as told:
        api.version()
    assert_explained(told.value, exit_code=ExitCode.FAILED, says=("Unauthorized",), do="wizard kubeconfig")


def test_what_is_not_valid_is_told_in_the_apis_words(site: Site) -> None:
    said = 'Node "storage-a" is invalid: metadata.labels: Invalid value: "a b"'
    site.server("vip").on("PATCH", "/api/v1/nodes/storage-a", status(422, "Invalid", said))
    with pytest.raises(ApiRefusedError) as told:
        site.api().patch(NODE, "storage-a", {"metadata": {"labels": {"zone": "a b"}}})
    assert_explained(
        told.value,
        exit_code=ExitCode.FAILED,
        says=("vip: PATCH /api/v1/nodes/storage-a", said, "Invalid, 422"),
        do="wizard",
    )


def test_the_key_lies_on_the_disk_only_while_it_is_read(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tempfile

    modes: list[int] = []
    site.server("vip").on("GET", "/version", (200, {"gitVersion": "v1"}))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    from wizard.transport import kube_tls

    real: Callable[..., object] = kube_tls.load_pair

    def seen(context: object, pair: Path) -> None:
        modes.extend((pair.stat().st_mode & 0o777, pair.parent.stat().st_mode & 0o777))
        real(context, pair)

    monkeypatch.setattr(kube_tls, "load_pair", seen)
    assert site.api().version() == "v1"
    assert modes == [0o600, 0o700]
    assert list(tmp_path.iterdir()) == []
