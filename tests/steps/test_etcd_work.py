"""What is done on a member, against a host that answers as it is told to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from steps import etcd_work
from steps.parse.etcd import parse_etcd
from tests.steps.etcd_world import LINEAGE, NEW, Says, empty, place, running, secrets, set_up, stopped, wanted
from wizard.core.artifact import Artifact, Need
from wizard.core.context import Work
from wizard.core.errors import CancelledError, LinkLostError, RemoteError
from wizard.core.host import Args, Operation, OpStatus, ScriptResult
from wizard.core.secret import Secret
from wizard.core.secrets import MemorySecrets


@dataclass(slots=True)
class Doer:
    """A host that notes what it is asked to do."""

    name: str
    asked: list[tuple[str, str, dict[str, str]]]
    looks: Iterator[Says]
    ended: set[str] = field(default_factory=set)
    payloads: list[Secret] = field(default_factory=list)
    put_paths: list[str] = field(default_factory=list)
    breaks_after: int = -1
    """How many scripts run on all hosts before the link breaks, once."""
    address: str = "10.0.0.13"

    def read(self, script: str, args: Args | None = None, *, timeout: float = 30.0) -> ScriptResult:
        assert script == "read/etcd"
        return ScriptResult(0, next(self.looks).text, "", 0.1)

    def operation(self, op: str) -> Operation:
        return Operation(op, OpStatus.DONE if op in self.ended else OpStatus.ABSENT)

    def do(
        self, script: str, args: Args | None = None, *, op: str, payload: object = b"", **_: object
    ) -> Operation:
        if op in self.ended:
            return Operation(op, OpStatus.DONE, 0, "passed")
        if self.breaks_after == len(self.asked):
            self.breaks_after = -1
            raise LinkLostError("gone", where=self.name, why="cut", do="wait")
        self.asked.append((self.name, script, dict(args or {})))
        if isinstance(payload, Secret):
            self.payloads.append(payload)
        self.ended.add(op)
        return Operation(op, OpStatus.DONE, 0, f"{script.removeprefix('do/')} done\nid=c3\n")

    def put(self, content: object, path: str, **_: object) -> bool:
        assert isinstance(content, Path)
        self.put_paths.append(path)
        return True

    def run_lock(self, holder: str, serial: int, lineage: str) -> Any:  # noqa: ANN401
        raise AssertionError("a change takes no lock")


class Bench:
    """Everything a change is given, and what came of it."""

    def __init__(self, *looks: Says) -> None:
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.said: list[str] = []
        self.cancelled = threading.Event()
        self.kept: MemorySecrets = secrets()
        endless = _last_again(looks)
        self.hosts = {name: Doer(name, self.asked, endless) for name in ("etcd-a", "etcd-b", "pi")}

    def work(self) -> Work:
        return Work(
            host_name="pi",
            hosts=self.hosts,  # type: ignore[arg-type]
            spec=wanted(),
            state=NEW,
            op="etcd.x.1",
            progress=lambda text, _share: self.said.append(text),
            line=lambda _text: None,
            cancelled=self.cancelled,
            secrets=self.kept,
            artifacts=Files(),
        )

    def scripts(self) -> list[tuple[str, str]]:
        return [(host, script) for host, script, _ in self.asked]


def _last_again(looks: tuple[Says, ...]) -> Iterator[Says]:
    yield from looks
    while looks:
        yield looks[-1]


class Files:
    """One artifact, on this machine."""

    def named(self, name: str, arch: str, version: str = "") -> Artifact:
        return Artifact(name, version, arch, "x.tar.gz", "publisher")

    def obtain(
        self, name: str, arch: str, version: str = "", *, on_bytes: Callable[[int, int], None] | None = None
    ) -> tuple[Artifact, Path]:
        if on_bytes:
            on_bytes(5_000_000, 20_000_000)
        return self.named(name, arch, version), Path("/x.tar.gz")

    def lacking(self, needs: Sequence[Need]) -> None:
        """Everything can be had."""


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading.Event, "wait", lambda self, _seconds=None: self.is_set())


UP = running("pi", secrets())
WAITING = replace(
    stopped(UP),
    active="activating",
    sub="start",
    metrics=("etcd_server_has_leader 0",),
    log=('{"msg":"no peers"}',),
)


def test_an_archive_is_sent_and_unpacked() -> None:
    bench = Bench()
    etcd_work.install("arm64")(bench.work())
    archive = "/opt/etcd-v3.6.14-linux-arm64.tar.gz"
    assert bench.hosts["pi"].put_paths == [archive]
    assert bench.asked == [("pi", "do/etcd-install", {"version": "3.6.14", "archive": archive})]
    assert "downloading etcd for pi: 5 of 20 MB" in bench.said
    # Taken up again after it ended: nothing is sent, since nobody would take it away.
    etcd_work.install("arm64")(bench.work())
    assert bench.hosts["pi"].put_paths == [archive]


def test_keys_travel_in_the_payload_and_nowhere_else() -> None:
    bench = Bench()
    etcd_work.configure(place("pi"), joining=False, etcd=wanted().etcd)(bench.work())
    key = bench.kept.get("etcd/pi.key")
    assert key
    body = key.reveal().splitlines()[1]
    assert body in bench.hosts["pi"].payloads[0].reveal()
    assert body not in str(bench.asked) + str(bench.said)
    _, _, args = bench.asked[0]
    assert args == {"base": "/mnt/usb/etcd", "root": "no", "lineage": LINEAGE, "member": "pi"}
    for foreign in ("ca", "k3s", "etcd-a"):
        other = bench.kept.get(f"etcd/{foreign}.key")
        assert other
        assert other.reveal().splitlines()[1] not in bench.hosts["pi"].payloads[0].reveal()


def test_a_start_tells_what_it_waits_for() -> None:
    bench = Bench(WAITING, WAITING, UP)
    assert etcd_work.start(place("pi"))(bench.work()) == "etcd 3.6.14 on pi follows a leader"
    assert bench.said == ["etcd on pi: waiting for a quorum; last log line: no peers"] * 2


def test_a_member_that_ends_at_once_again_and_again_fails_with_its_own_reason() -> None:
    log = ('{"level":"fatal","msg":"discovery failed","error":"permission denied"}', "systemd: Failed")
    crashing = replace(stopped(UP), active="activating", sub="auto-restart", log=log)
    bench = Bench(replace(crashing, restarts=2), replace(crashing, restarts=6))
    with pytest.raises(RemoteError) as told:
        etcd_work.start(place("pi"))(bench.work())
    assert told.value.why == "discovery failed: permission denied"
    assert "journalctl -u etcd" in told.value.do[0]


def test_a_quorum_that_never_comes_ends_the_wait() -> None:
    clock = iter(range(0, 1000, 60))
    work = replace(Bench(WAITING).work(), clock=lambda: float(next(clock)))
    with pytest.raises(RemoteError, match="waiting for a quorum"):
        etcd_work.start(place("pi"))(work)


def test_who_asks_to_stop_is_let_go() -> None:
    bench = Bench(WAITING)
    bench.cancelled.set()
    with pytest.raises(CancelledError):
        etcd_work.start(place("pi"))(bench.work())


REPLACED = [
    ("pi", "do/etcd-aside"),
    ("etcd-a", "do/etcd-member"),
    ("pi", "do/etcd-start"),
    ("etcd-a", "do/etcd-member"),
]
OTHERS = (place("etcd-a"), place("etcd-b"))


def test_a_replacement_goes_through_the_others() -> None:
    bench = Bench(UP)
    assert etcd_work.replace(place("pi"), OTHERS, aside=True)(bench.work()) == "etcd-member done"
    assert bench.scripts() == REPLACED
    first, last = bench.asked[1][2], bench.asked[3][2]
    assert (first["action"], last["action"]) == ("replace", "promote")
    assert first["others"] == "https://10.0.0.31:2379,https://10.0.0.32:2379"
    assert first["peer"] == "https://10.0.0.13:2380"


@pytest.mark.parametrize("cut", range(4))
def test_a_replacement_cut_anywhere_goes_on_without_doing_anything_twice(cut: int) -> None:
    bench = Bench(UP)
    bench.hosts[REPLACED[cut][0]].breaks_after = cut
    change = etcd_work.replace(place("pi"), OTHERS, aside=True)
    with pytest.raises(LinkLostError):
        change(bench.work())
    change(bench.work())
    assert bench.scripts() == REPLACED


def test_a_restart_asks_for_the_health_of_all_others_first() -> None:
    bench = Bench(UP)
    etcd_work.restart(place("pi"), OTHERS)(bench.work())
    assert bench.asked[0][2] == {
        "action": "restart",
        "others": "https://10.0.0.31:2379,https://10.0.0.32:2379",
    }


def test_the_proof_goes_through_every_endpoint_under_a_key_of_its_own() -> None:
    bench = Bench()
    etcd_work.prove(bench.work())
    args = bench.asked[0][2]
    assert args["endpoints"].count("https://") == 3
    assert args["key"] == "/wizard/prove/etcd.x.1"


@pytest.mark.parametrize(
    ("says", "words"),
    [
        (WAITING, "waiting for a quorum"),
        (replace(WAITING, metrics=()), "starting"),
        (replace(WAITING, sub="auto-restart", restarts=2), "was started 3 times and ended each time"),
        (replace(stopped(UP), active="active"), "waiting for a leader"),
        (set_up("pi", secrets()), "is inactive"),
        (empty("pi", active=""), "is not known to systemd"),
    ],
)
def test_what_is_waited_for_in_words(says: Says, words: str) -> None:
    assert etcd_work.waiting_for(parse_etcd(says.text)) == words
