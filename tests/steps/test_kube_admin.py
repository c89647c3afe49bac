"""How the administrator's kubeconfig comes to us: kept while it is good, fetched anew when it ends or another rules."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from steps.kube_admin import NAME, KeptAdmin
from steps.parse.kube_admin import parse_kube_admin
from tests.rows import assert_explained
from wizard.core.errors import ExitCode, UnreachableError
from wizard.core.host import READ_SECONDS, Args, Host, ScriptResult
from wizard.core.kubeconfig import KubeconfigError, read_admin, write_admin
from wizard.core.kubernetes import ApiAbsentError
from wizard.core.secret import Secret
from wizard.core.secrets import MemorySecrets
from wizard.core.spec.model import MachineSpec
from wizard.payload.certificates import Pair, make_authority, make_client

NOW = datetime.now(UTC)
SERVERS = [
    MachineSpec("server-a", "tower-a", "server", "192.0.2.41", 2, 1, 1),
    MachineSpec("etcd-a", "tower-a", "etcd", "192.0.2.31", 2, 1, 1),
    MachineSpec("server-b", "tower-b", "server", "192.0.2.42", 2, 1, 1),
]


def kubeconfig(authority: Pair, now: datetime = NOW) -> str:
    """As K3s writes it."""
    pair = make_client(authority, "system:admin", now)
    from wizard.core.kubeconfig import Admin

    admin = Admin(authority.certificate, pair.certificate, pair.key)
    return yaml.safe_dump(write_admin(admin, "https://127.0.0.1:6443", "default"))


@dataclass
class Server:
    """A host that answers one script."""

    name: str
    text: str | None = None
    away: bool = False
    asked: int = 0
    address: str = "192.0.2.1"

    def read(self, script: str, args: Args | None = None, *, timeout: float = READ_SECONDS) -> ScriptResult:
        assert script == "read/k3s-admin"
        self.asked += 1
        if self.away:
            raise UnreachableError(
                f"{self.name} does not answer.", where=self.name, why="timed out", do="wizard doctor"
            )
        rows = "".join(f"|{line}\n" for line in (self.text or "").splitlines())
        there = "|there=no\n" if self.text is None else f"|there=yes\n== kubeconfig\n{rows}"
        return ScriptResult(0, f"== admin\n{there}== end\n", "", 0.0)


@dataclass
class Fleet:
    """Two servers, what is kept here, and what was said."""

    servers: dict[str, Server] = field(
        default_factory=lambda: {name: Server(name) for name in ("server-a", "server-b")}
    )
    secrets: MemorySecrets = field(default_factory=MemorySecrets)
    said: list[str] = field(default_factory=list)

    def __getitem__(self, name: str) -> Host:
        return self.servers[name]  # type: ignore[return-value]  # it is only read from

    def __iter__(self) -> Iterator[str]:
        return iter(self.servers)

    def know(self, machines: Iterable[MachineSpec]) -> None:
        """All are known."""

    def close(self) -> None:
        """Nothing is open."""

    def keeper(self, *, keep: bool = True) -> KeptAdmin:
        made = KeptAdmin(self, self.secrets, keep=keep, say=self.said.append)
        made.know(SERVERS)
        return made

    def kept(self) -> str:
        found = self.secrets.get(NAME)
        return found.reveal() if found else ""


@pytest.fixture(scope="module")
def authority() -> Pair:
    return make_authority("k3s-server-ca", NOW)


def test_it_is_fetched_once_from_the_first_server_that_has_it_and_kept(authority: Pair) -> None:
    fleet = Fleet()
    fleet.servers["server-b"].text = text = kubeconfig(authority)
    keeper = fleet.keeper()
    assert keeper.current() == keeper.current() == read_admin(text)
    assert fleet.kept() == text
    assert [one.asked for one in fleet.servers.values()] == [1, 1]
    assert fleet.keeper().current() == read_admin(text)
    assert [one.asked for one in fleet.servers.values()] == [1, 1]
    assert fleet.said == []


def test_a_session_that_only_looks_keeps_nothing(authority: Pair) -> None:
    fleet = Fleet()
    fleet.servers["server-a"].text = kubeconfig(authority)
    fleet.keeper(keep=False).current()
    assert fleet.secrets.values == {}


def test_a_server_that_is_away_is_passed_over(authority: Pair) -> None:
    fleet = Fleet()
    fleet.servers["server-a"].away = True
    fleet.servers["server-b"].text = kubeconfig(authority)
    assert fleet.keeper().current().fingerprint.startswith("SHA256:")


def test_one_that_ends_tomorrow_is_fetched_anew(authority: Pair) -> None:
    fleet = Fleet()
    long_ago = NOW - timedelta(days=1825)
    fleet.secrets.put({NAME: Secret(kubeconfig(authority, long_ago))})
    fleet.servers["server-a"].text = text = kubeconfig(authority)
    assert fleet.keeper().current() == read_admin(text)
    assert fleet.kept() == text
    assert fleet.said == [], "it is the same authority's"


def test_another_authority_is_noticed_and_said(authority: Pair) -> None:
    """Row 78: the kubeconfig that is kept is of the cluster's authority before."""
    fleet = Fleet()
    before = kubeconfig(authority)
    fleet.secrets.put({NAME: Secret(before)})
    fleet.servers["server-a"].text = text = kubeconfig(make_authority("k3s-server-ca", NOW))
    keeper = fleet.keeper()
    assert keeper.current() == read_admin(before), "what is kept is believed until it is of no use"
    keeper.renewed()
    assert fleet.kept() == text
    (said,) = fleet.said
    for known in (read_admin(before).fingerprint, read_admin(text).fingerprint, "wizard kubeconfig"):
        assert known in said


def test_what_is_kept_and_damaged_is_fetched_anew(authority: Pair) -> None:
    fleet = Fleet()
    fleet.secrets.put({NAME: Secret("clusters: [")})
    fleet.servers["server-a"].text = text = kubeconfig(authority)
    assert fleet.keeper().current() == read_admin(text)


def test_there_is_none_yet() -> None:
    fleet = Fleet()
    with pytest.raises(ApiAbsentError) as told:
        fleet.keeper().current()
    assert_explained(
        told.value,
        exit_code=ExitCode.UNREACHABLE,
        says=("/etc/rancher/k3s/k3s.yaml on server-a, server-b", "server-a has none; server-b has none"),
        do="wizard apply",
    )


def test_no_server_can_be_asked() -> None:
    fleet = Fleet()
    for server in fleet.servers.values():
        server.away = True
    with pytest.raises(UnreachableError, match="server-a does not answer"):
        fleet.keeper().current()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("clusters: [", "not YAML"),
        ("[]", "no clusters"),
        ("clusters: [{cluster: {certificate-authority-data: '%'}}]\nusers: [{user: {a: b}}]\n", "not base64"),
        (
            "clusters: [{cluster: {certificate-authority-data: "
            f"{b64encode(b'x').decode()}}}}}]\nusers: [{{user: {{a: b}}}}]\n",
            "no PEM",
        ),
    ],
)
def test_what_is_no_kubeconfig_is_told_without_being_quoted(text: str, why: str) -> None:
    with pytest.raises(KubeconfigError, match=why):
        read_admin(text)
    fleet = Fleet()
    fleet.servers["server-a"].text = text
    with pytest.raises(ApiAbsentError, match="no Kubernetes API"):
        fleet.keeper().current()


def test_the_parser_takes_nothing_that_was_cut() -> None:
    whole = "== admin\n|there=yes\n== kubeconfig\n|a: b\n|  c: d\n== end\n"
    assert parse_kube_admin(whole) == "a: b\n  c: d\n"
    assert parse_kube_admin(whole.replace("== end\n", "")) is None
    assert parse_kube_admin("== admin\n|there=no\n== end\n") is None


def test_a_key_is_shown_nowhere(authority: Pair) -> None:
    admin = read_admin(kubeconfig(authority))
    assert admin.key.reveal().splitlines()[1] not in repr(admin)
