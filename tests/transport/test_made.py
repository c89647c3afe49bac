"""A machine that we made is trusted by the key it was given, and never on first use."""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.rows import assert_explained
from tests.transport.sshd import Answers, Client, Sshd, keygen
from wizard.compose_hosts import _given_key
from wizard.core.errors import ExitCode, HostError, HostKeyChangedError, HostKeyUnknownError
from wizard.core.events import Note
from wizard.core.secret import Secret
from wizard.core.secrets import MemorySecrets
from wizard.transport.hostkeys import fingerprint
from wizard.transport.ssh import SshHost, SshHosts, Target

UNREACHABLE = ExitCode.UNREACHABLE


def public(server: Sshd) -> str:
    return server.host_key.with_name("host_key.pub").read_text()


def other_key(folder: Path) -> str:
    keygen(folder / "other")
    return (folder / "other.pub").read_text()


def given(secrets: MemorySecrets, text: str) -> MemorySecrets:
    secrets.put({"host/etcd-a.pub": Secret(text)})
    return secrets


def guest(client: Client, server: Sshd, secrets: MemorySecrets, *names: str) -> SshHost:
    """The machine as the composition root makes it; the person would say yes to any key."""
    client.prompter = client.prompter if isinstance(client.prompter, Answers) else Answers(trust=True)
    hosts = SshHosts(
        [
            Target(name, "127.0.0.1", "root", server.port, made_key=lambda: server.client_key)
            if name == "etcd-a"
            else Target(name, "127.0.0.1", "root", server.port, server.client_key)
            for name in names or ("etcd-a",)
        ],
        known_hosts=client.own,
        pinned=client.pinned,
        prompter=client.prompter,
        credentials=client.credentials,
        events=client.events.append,
        config_files=(client.config,),
        made=partial(_given_key, secrets),
    )
    client.opened.append(hosts)
    return hosts[names[0] if names else "etcd-a"]


def ask(host: SshHost) -> str:
    return host.read("read/operation", {"op": "none", "offset": "0", "max": "0", "wait": "0"}).stdout


def refused(client: Client, host: SshHost, kind: type[HostError], *says: str, do: str) -> None:
    """Nothing is asked of the person and nothing is remembered; the server was told nothing."""
    with pytest.raises(kind) as caught:
        ask(host)
    assert_explained(caught.value, exit_code=UNREACHABLE, says=says, do=do)
    assert isinstance(client.prompter, Answers)
    assert client.prompter.asked == []
    assert not client.own.exists()


def test_the_key_it_was_given_is_trusted_without_a_question(client: Client, server: Sshd) -> None:
    host = guest(client, server, given(MemorySecrets(), public(server)))
    assert ask(host) == "absent - 0\n"
    assert isinstance(client.prompter, Answers)
    assert client.prompter.asked == []
    assert not client.own.exists(), "our secrets say whose key it is; known_hosts is not needed"


def test_another_key_at_its_address_stops(client: Client, server: Sshd, tmp_path: Path) -> None:
    text = other_key(tmp_path)
    print_of_given = fingerprint(base64.b64decode(text.split()[1]))
    host = guest(client, server, given(MemorySecrets(), text))
    refused(
        client,
        host,
        HostKeyChangedError,
        print_of_given,
        server.fingerprint(),
        "Nothing was sent",
        do="virsh console",
    )
    assert "Accepted" not in server.log.read_text().split(f"port {server.port}")[-1]


def confirmed_before(client: Client, server: Sshd) -> None:
    client.known.write_text(server.known_line())


def pinned_by_hand(client: Client, server: Sshd) -> None:
    client.pinned = {"etcd-a": server.fingerprint()}


def nothing_said(_client: Client, _server: Sshd) -> None:
    return


@pytest.mark.parametrize("before", [nothing_said, confirmed_before, pinned_by_hand])
def test_with_its_key_lost_it_is_never_trusted_on_first_use(
    client: Client, server: Sshd, before: Callable[[Client, Sshd], None]
) -> None:
    before(client, server)
    host = guest(client, server, MemorySecrets())
    refused(
        client,
        host,
        HostKeyUnknownError,
        "not known any more",
        server.fingerprint(),
        do="put back secrets.yaml",
    )


@pytest.mark.parametrize("before", [confirmed_before, pinned_by_hand])
def test_nothing_outweighs_the_key_it_was_given(
    client: Client, server: Sshd, tmp_path: Path, before: Callable[[Client, Sshd], None]
) -> None:
    before(client, server)
    host = guest(client, server, given(MemorySecrets(), other_key(tmp_path)))
    refused(
        client, host, HostKeyChangedError, "does not have the host key that the wizard gave it", do="virsh"
    )


def test_an_old_key_of_its_address_in_known_hosts_is_in_nobodys_way(
    client: Client, server: Sshd, tmp_path: Path
) -> None:
    """A machine made anew has another key at the same address; the person's known_hosts may remember the old one."""
    kind, text = other_key(tmp_path).split()[:2]
    client.known.write_text(f"[127.0.0.1]:{server.port} {kind} {text}\n")
    assert ask(guest(client, server, given(MemorySecrets(), public(server)))) == "absent - 0\n"


def test_hosts_that_we_did_not_make_are_asked_about_as_ever(client: Client, server: Sshd) -> None:
    client.known.write_text("")
    host = guest(client, server, given(MemorySecrets(), public(server)), "tower", "etcd-a")
    assert ask(host) == "absent - 0\n"
    assert isinstance(client.prompter, Answers)
    assert len(client.prompter.asked) == 1
    assert client.own.read_text() == server.known_line()
    assert not [event for event in client.events if isinstance(event, Note)]


def test_a_public_key_with_or_without_a_comment_is_the_same(server: Sshd) -> None:
    kind, text = public(server).split()[:2]
    for line in (f"{kind} {text}", f"{kind} {text} etcd-a\n"):
        assert _given_key(given(MemorySecrets(), line), "etcd-a") == server.fingerprint()
    assert _given_key(MemorySecrets(), "etcd-a") == ""
