"""Guests in a context: when they can be asked, whose they are, and what is asked once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import pytest

from tests.engine.story import SPEC
from wizard.core.artifact import Artifact, NoArtifacts
from wizard.core.context import Context, FactsCache
from wizard.core.engine.plan import prefetch_all
from wizard.core.errors import HostError, RemoteError, UnreachableError
from wizard.core.events import Event, HostState
from wizard.core.facts import Guest, HostFacts, Libvirt, Marker
from wizard.core.host import READ_SECONDS, Args, Operation, OpStatus, Reader, ScriptResult
from wizard.core.secret import Secret
from wizard.core.secrets import MemorySecrets
from wizard.core.spec import parse_spec
from wizard.core.state import new_state
from wizard.practice.faults import unreachable

MACHINES = """
machines:
  - {name: etcd-a, host: tower-a, role: etcd, address: 192.168.10.31, cpus: 2, memory: 2GiB, disk: 10GiB, data_disk: 4GiB}
  - {name: etcd-b, host: tower-b, role: etcd, address: 192.168.10.32, cpus: 2, memory: 2GiB, disk: 10GiB, data_disk: 4GiB}
"""
NAMES = ("tower-a", "tower-b", "pi", "etcd-a", "etcd-b")
OURS = "5f0f1f9e-9b43-4df7-9a6c-1f4d4c9f2b10"
RUNNING = Guest("etcd-a", "running", True, "qemu", OURS)


@dataclass(slots=True)
class Told:
    """A host that gives the facts it was told to, and counts what it is asked."""

    name: str
    facts: HostFacts | HostError
    asked: list[str] = field(default_factory=list)
    address: str = "192.0.2.1"

    def read(self, script: str, args: Args | None = None, *, timeout: float = READ_SECONDS) -> ScriptResult:
        words = " ".join((script, *(f"{key}={value}" for key, value in (args or {}).items())))
        self.asked.append(words)
        if script == "read/broken":
            raise RemoteError("It broke.", where=self.name, why="-", do="-")
        return ScriptResult(0, f"{self.name} answer {len(self.asked)}", "", timeout)

    def operation(self, op: str) -> Operation:
        return Operation(op, OpStatus.ABSENT)


@dataclass(slots=True)
class World:
    """The hosts, and a context of one pass."""

    hosts: dict[str, Told]
    ctx: Context
    events: list[Event] = field(default_factory=list)

    def prefetched(self) -> list[str]:
        prefetch_all(self.ctx, self.events.append)
        return [
            event.host
            for event in self.events
            if isinstance(event, HostState) and event.status == "connecting"
        ]


def world(
    *guests: Guest, serial: int = 3, marker: Marker | None = None, **facts: HostFacts | HostError
) -> World:
    spec, problems = parse_spec(SPEC.replace("machines: []\n", MACHINES), source="guests")
    assert spec is not None, problems
    plain = {name: HostFacts(name) for name in NAMES}
    plain["tower-a"] = HostFacts("tower-a", libvirt=Libvirt(True, True, True, guests=guests), marker=marker)
    known: Mapping[str, HostFacts | HostError] = {
        **plain,
        **{name.replace("_", "-"): it for name, it in facts.items()},
    }
    hosts = {name: Told(name, known[name]) for name in NAMES}

    def read(reader: Reader) -> HostFacts:
        host = hosts[reader.name]
        host.asked.append("facts")
        if isinstance(host.facts, HostError):
            raise host.facts
        return host.facts

    state = replace(new_state("home", "test"), lineage=OURS, serial=serial)
    return World(hosts, Context(spec, hosts, state, FactsCache(hosts, read)))


# --- whose a guest is


@pytest.mark.parametrize(
    ("guest", "is_ours", "present"),
    [
        (RUNNING, True, True),
        (replace(RUNNING, state="paused"), True, False),
        (replace(RUNNING, state="shut off"), True, False),
        (replace(RUNNING, state="crashed"), True, False),
        (replace(RUNNING, owner=""), False, False),
        (replace(RUNNING, owner="0c9d2f4e-7b1a-4f6e-8a53-6f1f6f0f7e21"), False, False),
        (replace(RUNNING, name="etcd-b"), False, False),
    ],
)
def test_a_guest_is_ours_by_its_lineage_and_present_where_it_runs(
    guest: Guest, is_ours: bool, present: bool
) -> None:
    ctx = world(guest).ctx
    assert (ctx.guest("etcd-a") is not None, ctx.present("etcd-a")) == (is_ours, present)


def test_hosts_are_always_present_and_not_asked_about_it() -> None:
    made = world(tower_b=unreachable("tower-b"))
    assert all(made.ctx.present(name) for name in ("tower-a", "tower-b", "pi"))
    assert not any(host.asked for host in made.hosts.values())


def test_a_guest_of_a_dead_hypervisor_is_neither_present_nor_absent() -> None:
    ctx = world(RUNNING, tower_b=unreachable("tower-b")).ctx
    for ask in (ctx.present, ctx.guest):
        with pytest.raises(UnreachableError):
            ask("etcd-b")
    assert ctx.present("etcd-a")


def test_without_a_state_the_hosts_marker_says_what_is_ours() -> None:
    marked = world(RUNNING, serial=0, marker=Marker("home", OURS, 4)).ctx
    assert marked.present("etcd-a")
    assert marked.lineage_on("tower-b") == ""
    other = world(RUNNING, serial=0, marker=Marker("beach", OURS, 4)).ctx
    assert not other.present("etcd-a")
    assert not world(replace(RUNNING, owner=""), serial=0).ctx.present("etcd-a")


def test_with_a_state_another_marker_changes_nothing() -> None:
    ctx = world(RUNNING, marker=Marker("home", "0c9d2f4e-7b1a-4f6e-8a53-6f1f6f0f7e21", 9)).ctx
    assert ctx.lineage_on("tower-a") == OURS
    assert ctx.lineage_on("pi") == OURS


# --- what is read ahead


def test_guests_are_read_after_their_hosts_and_only_where_they_run() -> None:
    made = world(RUNNING)
    assert sorted(made.prefetched()[:3]) == ["pi", "tower-a", "tower-b"]
    assert made.prefetched()[3:4] == ["etcd-a"]
    assert made.hosts["etcd-b"].asked == []
    assert made.hosts["etcd-a"].asked == ["facts"]


def test_a_guest_of_a_dead_hypervisor_is_not_asked() -> None:
    made = world(RUNNING, tower_a=unreachable("tower-a"))
    assert [name for name, _ in prefetch_all(made.ctx, made.events.append)] == ["tower-a"]
    assert made.hosts["etcd-a"].asked == []


def test_a_guest_that_does_not_answer_is_no_unreachable_host() -> None:
    made = world(RUNNING, etcd_a=unreachable("etcd-a"))
    assert prefetch_all(made.ctx, made.events.append) == []
    assert isinstance(made.ctx.try_facts("etcd-a"), UnreachableError)
    assert made.hosts["etcd-a"].asked == ["facts"]


# --- what is asked once


def test_a_question_is_put_once_a_pass_whatever_the_order_of_its_arguments() -> None:
    made = world()
    first = made.ctx.ask("pi", "read/etcd", {"a": "1", "b": "2"})
    assert made.ctx.ask("pi", "read/etcd", {"b": "2", "a": "1"}) is first
    assert made.ctx.ask("pi", "read/etcd", {"a": "1", "b": "3"}) is not first
    assert made.ctx.ask("pi", "read/etcd") is not first
    assert made.ctx.ask("tower-a", "read/etcd", {"a": "1", "b": "2"}).stdout == "tower-a answer 1"
    assert len(made.hosts["pi"].asked) == 3


def test_a_question_that_failed_is_not_put_again_in_the_same_pass() -> None:
    made = world()
    for _ in range(2):
        with pytest.raises(RemoteError):
            made.ctx.ask("pi", "read/broken")
    assert made.hosts["pi"].asked == ["read/broken"]


def test_what_a_parser_made_of_an_answer_is_kept_with_it() -> None:
    made, parsed = world(), list[str]()

    def parse(answer: ScriptResult) -> str:
        parsed.append(answer.stdout)
        return answer.stdout.upper()

    for _ in range(3):
        assert made.ctx.ask("pi", "read/etcd", parse=parse) == "PI ANSWER 1"
    assert made.ctx.ask("pi", "read/etcd").stdout == "pi answer 1"
    assert (parsed, len(made.hosts["pi"].asked)) == (["pi answer 1"], 1)
    made.ctx.cache.forget_answers()
    assert made.ctx.ask("pi", "read/etcd", parse=parse) == "PI ANSWER 2"


def test_an_answer_the_parser_finds_wanting_is_so_for_all_who_ask() -> None:
    made, seen = world(), list[str]()

    def parse(answer: ScriptResult) -> str:
        seen.append(answer.stdout)
        raise RemoteError("It is not whole.", where="pi", why="x", do="x")

    for _ in range(2):
        with pytest.raises(RemoteError, match="not whole"):
            made.ctx.ask("pi", "read/etcd", parse=parse)
    assert len(seen) == 1


def test_what_one_thread_forgets_another_may_be_reading() -> None:
    """Checks that are tried again forget the answers of all hosts while other checks look at them."""
    made = world()
    made.ctx.cache._kept = Vanishing()
    assert made.ctx.facts("pi").host == "pi"


class Vanishing(dict[tuple[str, ...], object]):
    """What was put is gone the next moment, as if another thread had said `forget`."""

    def __setitem__(self, question: tuple[str, ...], answer: object) -> None:
        """Gone."""


def test_threads_that_ask_the_same_wait_for_one_answer() -> None:
    made, together = world(), threading.Barrier(8)
    got: list[str] = []

    def ask() -> None:
        together.wait(10)
        got.append(made.ctx.ask("pi", "read/etcd").stdout)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert got == ["pi answer 1"] * 8


def ask_everything(ctx: Context) -> None:
    for name in ("pi", "tower-a"):
        ctx.facts(name)
        ctx.ask(name, "read/etcd")


@pytest.mark.parametrize(
    ("forget", "pi", "tower"),
    [
        (lambda cache: None, [], []),
        (lambda cache: cache.forget("pi"), ["facts", "read/etcd"], []),
        (lambda cache: cache.forget(""), [], []),
        (lambda cache: cache.forget_answers(), ["read/etcd"], ["read/etcd"]),
    ],
)
def test_what_was_changed_is_asked_again(
    forget: Callable[[FactsCache], None], pi: list[str], tower: list[str]
) -> None:
    made = world()
    ask_everything(made.ctx)
    for host in made.hosts.values():
        host.asked.clear()
    forget(made.ctx.cache)
    ask_everything(made.ctx)
    assert (made.hosts["pi"].asked, made.hosts["tower-a"].asked) == (pi, tower)


# --- secrets and artifacts


def test_secrets_of_a_session_without_a_folder() -> None:
    secrets = MemorySecrets()
    assert secrets.get("ssh/key") is None
    made = secrets.ensure(
        lambda: {"ssh/key": Secret("a"), "ssh/key.pub": Secret("b")}, "ssh/key.pub", "ssh/key"
    )
    assert [one.reveal() for one in made] == ["b", "a"]
    assert secrets.ensure(dict, "ssh/key") == made[1:]
    assert "********" in repr(secrets)
    with pytest.raises(KeyError):
        secrets.ensure(dict, "nothing")


def test_an_artifact_that_was_built_says_so() -> None:
    built = Artifact("etcd", "3.6.14", "amd64", "etcd.tar.gz", "built")
    assert built.label == "etcd 3.6.14 (amd64, built)"
    assert replace(built, origin="publisher").label == "etcd 3.6.14 (amd64)"
    with pytest.raises(KeyError):
        NoArtifacts().named("etcd", "amd64")


def test_what_follows_from_the_facts_is_worked_out_again_when_they_are_others() -> None:
    cache = FactsCache({}, lambda reader: HostFacts(reader.name))
    made: list[str] = []

    def concluded(*facts: HostFacts, what: str = "sum") -> str:
        def conclude() -> str:
            made.append(what)
            return f"{what} {len(made)}"

        return cache.concluded(what, facts, conclude)

    one, other = HostFacts("pi"), HostFacts("pi")
    assert [concluded(one), concluded(one)] == ["sum 1", "sum 1"]
    assert concluded(other) == "sum 2", "equal facts of a later look are other facts"
    assert concluded(other, one) == "sum 3"
    assert concluded(one, what="rest") == "rest 4"
    assert concluded(other, one) == "sum 3"
