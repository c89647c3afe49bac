"""What is asked of hosts before a pass wants it: heard by nobody until then, and nothing is done twice for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from steps.parse.facts import SCRIPT, read_facts
from tests.specs import NOBODY, loopback_home
from tests.transport.relay import Relay
from tests.transport.sshd import Client, Sshd, keygen
from wizard.cli import main
from wizard.core.errors import AuthError, HostKeyUnknownError, UnreachableError
from wizard.core.events import HostState
from wizard.core.prompt import HostKeyQuestion, SecretQuestion
from wizard.core.secret import Secret
from wizard.transport import wire
from wizard.transport.ssh import SshHosts, Target


class Person:
    """Somebody at the keyboard, who confirms or declines host keys."""

    def __init__(self, *, trust: bool) -> None:
        self.asked: list[HostKeyQuestion | SecretQuestion] = []
        self._trust = trust

    def trust(self, question: HostKeyQuestion) -> bool:
        self.asked.append(question)
        return self._trust

    def secret(self, question: SecretQuestion) -> Secret | None:
        self.asked.append(question)
        return None


@pytest.fixture
def relay(server: Sshd) -> Iterator[Relay]:
    """Stands before the server and counts connections."""
    one = Relay(server.port)
    yield one
    one.close()


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The nonce of every request made."""
    made: list[str] = []

    def nonce() -> str:
        made.append(f"{len(made):032x}")
        return made[-1]

    monkeypatch.setattr(wire, "new_nonce", nonce)
    return made


def hosts_behind(client: Client, relay: Relay, server: Sshd, *, key: Path | None = None) -> SshHosts:
    return client.hosts(Target("tower", "127.0.0.1", "root", relay.port, key or server.client_key))


def trusted(client: Client, relay: Relay, server: Sshd) -> None:
    client.known.write_text(server.known_line(f"[127.0.0.1]:{relay.port}"))


def test_the_answer_is_there_and_the_host_was_asked_once(
    client: Client, server: Sshd, relay: Relay, requests: list[str]
) -> None:
    trusted(client, relay, server)
    hosts = hosts_behind(client, relay, server)
    before = time.time()
    hosts.read_ahead(["tower"], SCRIPT)
    facts = read_facts(hosts["tower"])
    assert (relay.accepted, len(requests)) == (1, 1)
    assert before < facts.taken_at <= time.time()
    assert facts.clock.offset is not None and facts.clock.uncertainty is not None
    assert abs(facts.clock.offset) <= facts.clock.uncertainty + 0.01, "it is this machine's own clock"
    again = read_facts(hosts["tower"])
    assert (relay.accepted, len(requests)) == (1, 2), "a later pass asks anew"
    assert again.taken_at > facts.taken_at


def test_an_answer_that_waited_does_not_blur_the_clocks(client: Client, server: Sshd, relay: Relay) -> None:
    trusted(client, relay, server)
    hosts = hosts_behind(client, relay, server)
    hosts.read_ahead(["tower"], SCRIPT)
    answered = hosts["tower"].read(SCRIPT)
    assert 0 < time.time() - answered.at < 60

    class Late:
        name, address = "tower", "127.0.0.1"

        def read(self, _script: str) -> object:
            return answered

    time.sleep(0.2)
    facts = read_facts(Late())  # type: ignore[arg-type]  # all that is read of it
    assert facts.taken_at == answered.at
    assert facts.clock.offset is not None and abs(facts.clock.offset) < answered.seconds + 0.1


def test_nobody_hears_of_it_before_the_host_is_asked_for(client: Client, server: Sshd, relay: Relay) -> None:
    trusted(client, relay, server)
    hosts = hosts_behind(client, relay, server)
    hosts.read_ahead(["tower"], SCRIPT)
    assert relay.accepted == 1, "it returns when the request is on its way"
    assert client.events == []
    hosts["tower"].read(SCRIPT)
    states = [event.status for event in client.events if isinstance(event, HostState)]
    assert states == ["connecting", "connected"]


def test_a_question_waits_until_the_host_is_asked_for(client: Client, server: Sshd, relay: Relay) -> None:
    person = Person(trust=True)
    client.prompter = person
    hosts = hosts_behind(client, relay, server)
    hosts.read_ahead(["tower"], SCRIPT)
    assert person.asked == []
    assert hosts["tower"].read(SCRIPT).exit_code == 0
    assert len(person.asked) == 1
    assert relay.accepted == 1
    assert server.fingerprint() in str(person.asked[0])


def test_a_host_key_that_was_declined_is_asked_for_once(client: Client, server: Sshd, relay: Relay) -> None:
    person = Person(trust=False)
    client.prompter = person
    hosts = hosts_behind(client, relay, server)
    hosts.read_ahead(["tower"], SCRIPT)
    with pytest.raises(HostKeyUnknownError):
        hosts["tower"].read(SCRIPT)
    assert (len(person.asked), relay.accepted) == (1, 1)


def test_a_host_that_is_off_is_tried_once(client: Client) -> None:
    hosts = client.hosts(Target("tower", "127.0.0.1", "root", NOBODY))
    hosts.read_ahead(["tower"], SCRIPT)
    assert client.events == []
    with pytest.raises(UnreachableError):
        hosts["tower"].read(SCRIPT)
    states = [event.status for event in client.events if isinstance(event, HostState)]
    assert states == ["connecting", "failed"]


def test_a_refused_log_in_is_not_tried_again(client: Client, server: Sshd, relay: Relay) -> None:
    trusted(client, relay, server)
    hosts = hosts_behind(client, relay, server, key=keygen(client.home / "other"))
    hosts.read_ahead(["tower"], SCRIPT)
    for _ in range(2):
        with pytest.raises(AuthError):
            hosts["tower"].read(SCRIPT)
    assert relay.accepted == 1


def test_letting_go_sends_away_who_still_waits_to_ask(client: Client, server: Sshd, relay: Relay) -> None:
    person = Person(trust=True)
    client.prompter = person
    hosts = hosts_behind(client, relay, server)
    hosts.read_ahead(["tower"], SCRIPT)
    hosts.close()
    waiting = [one for one in threading.enumerate() if one.name.startswith("ahead")]
    for one in waiting:
        one.join(10)
    assert not any(one.is_alive() for one in waiting)
    assert person.asked == []
    assert client.events == []
    assert not client.own.exists(), "nothing was confirmed"


@pytest.fixture
def loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, relay: Relay) -> Relay:
    """A cluster of three names for one server that hangs up; it counts."""
    relay.refuse = True
    loopback_home(tmp_path, ports=(relay.port,) * 3)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WIZARD_HOME", raising=False)
    return relay


@pytest.mark.parametrize("words", [["facts", "nobody"], ["facts", "pi", "nobody"], ["doctor", "--list"]])
def test_what_needs_no_host_connects_to_none(loop: Relay, words: list[str]) -> None:
    main([*words, "--dir", "home"])
    assert loop.accepted == 0


@pytest.mark.parametrize("words", [["facts"], ["plan"], ["doctor"], ["apply", "--yes"]])
def test_no_host_is_connected_to_over_a_corrupt_state(loop: Relay, words: list[str], tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    state = home / "state.json"
    state.write_text("{")
    state.chmod(0o600)
    assert main([*words, "--dir", str(home)]) == 4
    assert loop.accepted == 0


def test_only_the_named_host_is_connected_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, relay: Relay, capsys: pytest.CaptureFixture[str]
) -> None:
    loopback_home(tmp_path, ports=(relay.port, relay.port, NOBODY))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert main(["facts", "pi", "--dir", "home"]) == 3
    assert relay.accepted == 0
    assert "pi" in capsys.readouterr().out
