"""Rows 39 to 43 of the fault list, over a real sshd."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.rows import assert_explained
from tests.transport.accounts import PASSWORD, Account
from tests.transport.sshd import Answers, Client, Sshd, keygen, run
from wizard.core.errors import (
    AuthError,
    ExitCode,
    HostKeyChangedError,
    HostKeyUnknownError,
    PrivilegeError,
    UsageError,
)
from wizard.core.events import Note
from wizard.core.host import ScriptResult
from wizard.core.prompt import SecretKind, SecretQuestion
from wizard.core.secret import Secret
from wizard.core.typed import TypedSecrets
from wizard.transport.credentials import Credentials, load_credentials
from wizard.transport.ssh import SshHost, Target

UNREACHABLE = ExitCode.UNREACHABLE
MakeServer = Callable[..., Sshd]
MakeAccount = Callable[..., Account]


def ask(host: SshHost) -> ScriptResult:
    return host.read("read/operation", {"op": "none", "offset": "0", "max": "0", "wait": "0"})


def answered(host: SshHost) -> None:
    assert ask(host).stdout == "absent - 0\n"


# 39: host keys


def test_row_c39_unknown_key_is_shown_and_nothing_is_written(client: Client, server: Sshd) -> None:
    client.known.write_text("")
    with pytest.raises(HostKeyUnknownError) as caught:
        ask(client.host(server))
    pin = f"--host-key tower={server.fingerprint()}"
    assert_explained(caught.value, exit_code=UNREACHABLE, says=[server.fingerprint(), "ssh-ed25519"], do=pin)
    assert client.known.read_text() == ""
    assert not client.own.exists()


def test_row_c39_confirmed_key_is_kept_in_our_own_file(client: Client, server: Sshd) -> None:
    client.known.write_text("")
    client.prompter = Answers(trust=True)
    answered(client.host(server))
    assert client.own.read_text() == server.known_line()
    assert client.known.read_text() == ""
    again = Answers(trust=False)
    client.prompter = again
    answered(client.host(server))
    assert again.asked == []


def test_row_c39_pinned_key_needs_no_question(client: Client, server: Sshd) -> None:
    client.known.write_text("")
    client.pinned = {"tower": server.fingerprint()}
    answered(client.host(server))
    assert client.own.read_text() == server.known_line()


def test_row_c39_wrong_pin_stops(client: Client, server: Sshd) -> None:
    client.pinned = {"tower": "SHA256:" + "A" * 43}
    with pytest.raises(HostKeyChangedError) as caught:
        ask(client.host(server))
    assert_explained(caught.value, exit_code=UNREACHABLE, says=["SHA256:AAAA", server.fingerprint()])


def test_row_c39_changed_key_names_both_fingerprints_file_and_line(
    client: Client, server: Sshd, tmp_path: Path
) -> None:
    keygen(tmp_path / "old")
    old = (tmp_path / "old.pub").read_text().split()
    client.known.write_text(f"# first\n[127.0.0.1]:{server.port} {old[0]} {old[1]}\n")
    client.prompter = Answers(trust=True)
    with pytest.raises(HostKeyChangedError) as caught:
        ask(client.host(server))
    told = [run("ssh-keygen", "-lf", tmp_path / "old").split()[1], server.fingerprint(), f"{client.known}:2"]
    assert_explained(caught.value, exit_code=UNREACHABLE, says=told, do="ssh-keygen -R")
    assert client.prompter.asked == []
    assert "Accepted" not in server.log.read_text().split(f"port {server.port}")[-1]
    client.pinned = {"tower": server.fingerprint()}
    answered(client.host(server))


def test_row_c39_other_key_type_than_the_confirmed_one_is_a_change(
    client: Client, server: Sshd, tmp_path: Path
) -> None:
    keygen(tmp_path / "old", "ecdsa")
    old = (tmp_path / "old.pub").read_text().split()
    client.known.write_text(f"[127.0.0.1]:{server.port} {old[0]} {old[1]}\n")
    with pytest.raises(HostKeyChangedError):
        ask(client.host(server))


def test_row_c39_server_with_several_keys_is_asked_for_the_confirmed_type(
    client: Client, make_server: MakeServer, tmp_path: Path
) -> None:
    rsa = keygen(tmp_path / "rsa_host", "rsa")
    server = make_server(f"HostKey {rsa}").start()
    kind, blob = (tmp_path / "rsa_host.pub").read_text().split()[:2]
    client.known.write_text(f"[127.0.0.1]:{server.port} {kind} {blob}\n")
    answered(client.host(server))


def test_row_c39_revoked_key_is_refused_even_when_pinned(client: Client, server: Sshd) -> None:
    client.known.write_text(server.known_line() + "@revoked " + server.known_line("*"))
    client.pinned = {"tower": server.fingerprint()}
    with pytest.raises(HostKeyChangedError) as caught:
        ask(client.host(server))
    assert "revoked" in caught.value.what


def test_row_c39_alias_and_user_files_of_ssh_config_count(
    client: Client, server: Sshd, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").write_text(server.known_line("the-alias"))
    client.config.write_text(
        f"Host box\n HostName 127.0.0.1\n Port {server.port}\n User root\n HostKeyAlias the-alias\n"
        f" IdentityFile {server.client_key}\n UserKnownHostsFile {tmp_path / 'elsewhere'}\n"
    )
    answered(client.hosts(Target("tower", "box"))["tower"])


def test_row_c39_two_hosts_with_one_key_are_pointed_out(client: Client, server: Sshd) -> None:
    client.known.write_text(server.known_line() + server.known_line(f"[localhost]:{server.port}"))
    hosts = client.hosts(
        *(
            Target(name, name2, "root", server.port, server.client_key)
            for name, name2 in (("a", "127.0.0.1"), ("b", "localhost"))
        )
    )
    answered(hosts["a"])
    answered(hosts["b"])
    notes = [event.text for event in client.events if isinstance(event, Note)]
    assert any("a and b have the same host key" in text for text in notes)


# 40: passphrases and agents


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    if not shutil.which("ssh-agent"):
        pytest.skip("no ssh-agent")
    sock = tmp_path / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(sock)], stdout=subprocess.DEVNULL)
    while not sock.exists():
        time.sleep(0.01)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(sock))
    yield sock
    process.terminate()
    process.wait()


def test_row_c40_passphrase_is_asked_once_for_all_hosts(client: Client, server: Sshd, tmp_path: Path) -> None:
    locked = keygen(tmp_path / "locked", passphrase="sesame")
    server.authorized.write_text(server.authorized.read_text() + locked.with_name("locked.pub").read_text())
    client.prompter = Answers(secrets=["wrong", "sesame"])
    client.known.write_text(server.known_line())
    hosts = client.hosts(*(Target(name, "127.0.0.1", "root", server.port, locked) for name in "ab"))
    answered(hosts["a"])
    answered(hosts["b"])
    kinds = [question.kind for question in client.prompter.asked if isinstance(question, SecretQuestion)]
    assert kinds == [SecretKind.PASSPHRASE] * 2


def test_row_c40_a_second_question_for_a_passphrase_says_why(
    client: Client, server: Sshd, tmp_path: Path
) -> None:
    locked = keygen(tmp_path / "locked", passphrase="sesame")
    client.prompter = Answers(secrets=["wrong"])
    with pytest.raises(AuthError):
        ask(client.host(server, key=locked))
    first, second = (one.prompt for one in client.prompter.asked if isinstance(one, SecretQuestion))
    assert "not right" not in first
    assert "That was not right." in second


def test_row_c40_passphrase_nobody_gives(client: Client, server: Sshd, tmp_path: Path) -> None:
    locked = keygen(tmp_path / "locked", passphrase="sesame")
    with pytest.raises(AuthError) as caught:
        ask(client.host(server, key=locked))
    assert_explained(caught.value, exit_code=UNREACHABLE, says=["encrypted"], do=f"ssh-add {locked}")


def test_row_c40_named_key_comes_from_the_agent_before_all_others(
    client: Client, make_server: MakeServer, agent: Path, tmp_path: Path
) -> None:
    server = make_server("MaxAuthTries 2").start()
    locked = keygen(tmp_path / "locked", passphrase="sesame")
    for number in range(7):
        run("ssh-add", "-q", keygen(tmp_path / f"other{number}"))
    helper = tmp_path / "askpass"
    helper.write_text("#!/bin/sh\necho sesame\n")
    helper.chmod(0o700)
    environ = {**os.environ, "SSH_ASKPASS": str(helper), "SSH_ASKPASS_REQUIRE": "force"}
    subprocess.run(["ssh-add", "-q", str(locked)], env=environ, check=True)
    server.authorize(locked)
    answered(client.host(server, key=locked))


def test_row_c40_many_agent_keys_end_in_one_clear_error_and_no_second_try(
    client: Client, server: Sshd, agent: Path, tmp_path: Path
) -> None:
    for number in range(8):
        run("ssh-add", "-q", keygen(tmp_path / f"other{number}"))
    client.known.write_text(server.known_line())
    host = client.hosts(Target("tower", "127.0.0.1", "root", server.port))["tower"]
    before = server.log.read_text().count("Connection from")
    for _ in range(2):
        with pytest.raises(AuthError) as caught:
            ask(host)
    assert_explained(caught.value, exit_code=UNREACHABLE, says=["agent key other0"], do="ssh-copy-id")
    assert server.log.read_text().count("Connection from") == before + 1


def test_row_c40_dead_agent_is_no_agent(
    client: Client, server: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/nonexistent/agent")
    answered(client.host(server))


# 41: key files


def test_row_c41_key_readable_by_others(client: Client, server: Sshd, tmp_path: Path) -> None:
    key = keygen(tmp_path / "open")
    key.chmod(0o644)
    with pytest.raises(AuthError) as caught:
        ask(client.host(server, key=key))
    assert_explained(caught.value, exit_code=UNREACHABLE, says=["0644"], do=f"chmod 600 {key}")


@pytest.mark.parametrize(
    ("content", "word", "do"),
    [
        ("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n", "PuTTY", "puttygen"),
        ("ssh-ed25519 AAAAC3NzaC1 me\n", "public half", "ssh-keygen -l"),
        (
            "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
            "damaged",
            "ssh-keygen -y",
        ),
        ("-----BEGIN DSA PRIVATE KEY-----\nAAAA\n", "no longer", "ed25519"),
        ("hello\n", "not a private key", "ssh-keygen"),
    ],
)
def test_row_c41_wrong_format(
    client: Client, server: Sshd, tmp_path: Path, content: str, word: str, do: str
) -> None:
    key = tmp_path / "key.ppk"
    key.write_text(content)
    key.chmod(0o600)
    with pytest.raises(AuthError) as caught:
        ask(client.host(server, key=key))
    assert_explained(caught.value, exit_code=UNREACHABLE, says=[word], do=do)


def test_row_c41_missing_key(client: Client, server: Sshd, tmp_path: Path) -> None:
    with pytest.raises(AuthError) as caught:
        ask(client.host(server, key=tmp_path / "none"))
    assert_explained(caught.value, exit_code=UNREACHABLE, says=["is not there"])


@pytest.mark.parametrize(
    ("kind", "more"), [("rsa", []), ("ecdsa", []), ("rsa", ["-m", "PEM"]), ("ecdsa", ["-m", "PEM"])]
)
def test_row_c41_every_usual_kind_of_key_works(
    client: Client, server: Sshd, tmp_path: Path, kind: str, more: list[str]
) -> None:
    key = tmp_path / "key"
    run("ssh-keygen", "-q", "-t", kind, *more, "-N", "", "-f", key)
    server.authorized.write_text(server.authorized.read_text() + (tmp_path / "key.pub").read_text())
    answered(client.host(server, key=key))


def test_row_c41_expired_certificate(client: Client, make_server: MakeServer, tmp_path: Path) -> None:
    authority = keygen(tmp_path / "ca")
    server = make_server(f"TrustedUserCAKeys {authority}.pub").start()
    key = keygen(tmp_path / "user")
    run(
        "ssh-keygen", "-q", "-s", authority, "-I", "me", "-n", "root", "-V", "20200101:20200102", f"{key}.pub"
    )
    with pytest.raises(AuthError) as caught:
        ask(client.host(server, key=key))
    assert_explained(
        caught.value, exit_code=UNREACHABLE, says=["expired on 2020-01-0"], do="ssh-keygen -L -f"
    )
    run("ssh-keygen", "-q", "-s", authority, "-I", "me", "-n", "root", f"{key}.pub")
    answered(client.host(server, key=key))


def test_row_c41_security_key_needs_the_agent(client: Client, server: Sshd, tmp_path: Path) -> None:
    import base64

    kind = b"sk-ssh-ed25519@openssh.com"
    blob = len(kind).to_bytes(4) + kind
    body = b"openssh-key-v1\0" + b"".join(len(p).to_bytes(4) + p for p in (b"none", b"none", b""))
    body += (1).to_bytes(4) + len(blob).to_bytes(4) + blob
    key = tmp_path / "sk"
    text = base64.b64encode(body).decode()
    key.write_text(f"-----BEGIN OPENSSH PRIVATE KEY-----\n{text}\n-----END OPENSSH PRIVATE KEY-----\n")
    key.chmod(0o600)
    with pytest.raises(AuthError) as caught:
        ask(client.host(server, key=key))
    assert_explained(caught.value, exit_code=UNREACHABLE, says=["touch"], do=f"ssh-add {key}")


# 42: users and passwords


def test_row_c42_refused_key_says_what_was_tried(
    client: Client, make_server: MakeServer, tmp_path: Path
) -> None:
    server = make_server("Banner /etc/hostname").start()
    with pytest.raises(AuthError) as caught:
        ask(client.host(server, key=keygen(tmp_path / "stranger")))
    assert_explained(caught.value, exit_code=UNREACHABLE, says=["Tried:", "stranger"], do="ssh-copy-id")


def test_row_c42_password_by_file_and_by_question(client: Client, server: Sshd, account: MakeAccount) -> None:
    user = account("pw", root=True)
    client.known.write_text(server.known_line())
    target = Target("tower", "127.0.0.1", user.name, server.port)
    client.credentials = Credentials({("tower", "password"): Secret(PASSWORD)})
    answered(client.hosts(target)["tower"])
    client.credentials = Credentials()
    client.prompter = Answers(secrets=[PASSWORD])
    answered(client.hosts(target)["tower"])
    assert len(client.prompter.asked) == 1


def test_row_c42_wrong_password_is_tried_once(client: Client, server: Sshd, account: MakeAccount) -> None:
    user = account("bad")
    client.known.write_text(server.known_line())
    client.credentials = Credentials({("tower", "password"): Secret("wrong")})
    host = client.hosts(Target("tower", "127.0.0.1", user.name, server.port))["tower"]
    for _ in range(2):
        with pytest.raises(AuthError) as caught:
            ask(host)
    parts = assert_explained(caught.value, exit_code=UNREACHABLE, says=["Tried: password"])
    assert "wrong" not in "".join(parts.values()).split("Tried")[1].split("accepts")[0]
    assert server.log.read_text().count(f"Failed password for {user.name}") == 1


def test_row_c42_what_was_typed_and_right_is_not_asked_for_by_the_next_session(
    client: Client, server: Sshd, account: MakeAccount, tmp_path: Path
) -> None:
    locked = keygen(tmp_path / "locked", passphrase="sesame")
    server.authorized.write_text(server.authorized.read_text() + locked.with_name("locked.pub").read_text())
    user, sudoer = account("once", root=True), account("many")
    sudoer.may("USER ALL=(ALL) ALL")
    client.known.write_text(server.known_line())
    client.typed = TypedSecrets()
    targets = (
        Target("by-password", "127.0.0.1", user.name, server.port),
        Target("by-key", "127.0.0.1", "root", server.port, locked),
        Target("by-sudo", "127.0.0.1", sudoer.name, server.port, server.client_key),
    )
    first = client.prompter = Answers(secrets=[PASSWORD, "sesame", PASSWORD])
    second = Answers()
    for prompter in (first, second):
        client.prompter = prompter
        hosts = client.hosts(*targets)
        for target in targets:
            answered(hosts[target.name])
    kinds = [one.kind for one in first.asked if isinstance(one, SecretQuestion)]
    assert kinds == [SecretKind.PASSWORD, SecretKind.PASSPHRASE, SecretKind.SUDO]
    assert second.asked == []
    assert PASSWORD not in repr(client.typed)


def test_row_c42_what_was_wrong_is_asked_for_anew_by_the_next_session(
    client: Client, server: Sshd, account: MakeAccount
) -> None:
    user = account("anew", root=True)
    client.known.write_text(server.known_line())
    client.typed = TypedSecrets()
    target = Target("tower", "127.0.0.1", user.name, server.port)
    client.prompter = Answers(secrets=["wrong"])
    with pytest.raises(AuthError):
        ask(client.hosts(target)["tower"])
    client.prompter = Answers(secrets=[PASSWORD])
    answered(client.hosts(target)["tower"])
    subprocess.run(["chpasswd"], input=f"{user.name}:another\n", text=True, check=True)
    client.prompter = Answers(secrets=[])
    with pytest.raises(AuthError):
        ask(client.hosts(target)["tower"])
    client.prompter = Answers(secrets=["another"])
    answered(client.hosts(target)["tower"])


def test_row_c42_a_password_is_known_for_the_login_it_opened_not_for_a_name(
    client: Client, server: Sshd, account: MakeAccount
) -> None:
    one, other = account("one", root=True), account("two", root=True)
    client.known.write_text(server.known_line())
    client.typed = TypedSecrets()
    client.prompter = Answers(secrets=[PASSWORD])
    answered(client.hosts(Target("tower", "127.0.0.1", one.name, server.port))["tower"])
    nobody = client.prompter = Answers()
    with pytest.raises(AuthError):
        ask(client.hosts(Target("tower", "127.0.0.1", other.name, server.port))["tower"])
    assert len(nobody.asked) == 1


def test_row_c42_the_time_a_person_takes_is_not_the_host_s(
    client: Client, server: Sshd, account: MakeAccount
) -> None:
    user = account("slow", root=True)
    client.known.write_text(server.known_line())
    client.prompter = Answers(secrets=[PASSWORD], think=lambda: time.sleep(3.1))
    host = client.hosts(Target("tower", "127.0.0.1", user.name, server.port))["tower"]
    args = {"op": "none", "offset": "0", "max": "0", "wait": "0"}
    assert host.read("read/operation", args, timeout=3).stdout == "absent - 0\n"


@pytest.mark.parametrize("known", [True, False])
def test_row_c42_a_host_that_hangs_up_on_who_thinks_for_long_is_called_again_with_the_answer(
    client: Client, make_server: MakeServer, account: MakeAccount, *, known: bool
) -> None:
    server = make_server("LoginGraceTime 1").start()
    user = account("thinks", root=True)
    client.known.write_text(server.known_line() if known else "")
    times = server.log.read_text().count("Connection from")

    def until_it_hung_up() -> None:
        for _ in range(200 if len(answers.asked) == 1 else 0):
            if "Timeout before authentication" in server.log.read_text():
                return
            time.sleep(0.05)

    answers = client.prompter = Answers(trust=True, secrets=[PASSWORD], think=until_it_hung_up)
    answered(client.hosts(Target("tower", "127.0.0.1", user.name, server.port))["tower"])
    assert len(answers.asked) == (1 if known else 2), "each is asked once"
    assert server.log.read_text().count("Connection from") == times + 2


def test_row_c42_locked_account(client: Client, server: Sshd, account: MakeAccount) -> None:
    user = account("lock")
    subprocess.run(["usermod", "-L", user.name], check=True)
    client.credentials = Credentials({("tower", "password"): Secret(PASSWORD)})
    with pytest.raises(AuthError) as caught:
        ask(client.host(server, user=user.name))
    assert_explained(caught.value, exit_code=UNREACHABLE, says=[user.name])


def test_row_c42_password_that_must_be_changed_first(
    client: Client, make_server: MakeServer, account: MakeAccount
) -> None:
    server = make_server("UsePAM yes").start()
    user = account("old", root=True)
    subprocess.run(["chage", "-d", "0", user.name], check=True)
    with pytest.raises(AuthError) as caught:
        ask(client.host(server, user=user.name))
    assert_explained(caught.value, exit_code=UNREACHABLE, says=["expired"], do="passwd")


# 43: sudo


def test_row_c43_sudo_without_password(client: Client, server: Sshd, account: MakeAccount) -> None:
    user = account("np")
    user.may("USER ALL=(ALL) NOPASSWD: ALL")
    answered(client.host(server, user=user.name))


def test_row_c43_sudo_password_on_stdin_is_asked_once(
    client: Client, server: Sshd, account: MakeAccount
) -> None:
    user = account("pw")
    user.may("Defaults:USER lecture=always\nUSER ALL=(ALL) ALL")
    client.prompter = Answers(secrets=[PASSWORD])
    host = client.host(server, user=user.name)
    answered(host)
    answered(host)
    assert [q.kind for q in client.prompter.asked if isinstance(q, SecretQuestion)] == [SecretKind.SUDO]
    host.put(b"as root", f"/run/sudo-{user.name}", mode=0o600)
    file = Path(f"/run/sudo-{user.name}")
    assert file.read_bytes() == b"as root"
    assert file.stat().st_uid == 0
    file.unlink()


def test_row_c43_wrong_sudo_password(client: Client, server: Sshd, account: MakeAccount) -> None:
    user = account("no")
    user.may("USER ALL=(ALL) ALL")
    client.prompter = Answers(secrets=["wrong", PASSWORD])
    host = client.host(server, user=user.name)
    for _ in range(2):
        with pytest.raises(PrivilegeError) as caught:
            ask(host)
    assert_explained(caught.value, exit_code=UNREACHABLE, says=["password is wrong"], do="sudo true")
    assert len(client.prompter.asked) == 1, "a refused password is not tried again"


def test_row_c43_no_sudo_password(client: Client, server: Sshd, account: MakeAccount) -> None:
    user = account("none")
    user.may("USER ALL=(ALL) ALL")
    with pytest.raises(PrivilegeError) as caught:
        ask(client.host(server, user=user.name))
    assert_explained(caught.value, exit_code=UNREACHABLE, says=["password is needed"], do="--credentials")


def test_row_c43_requiretty(client: Client, server: Sshd, account: MakeAccount) -> None:
    user = account("tty")
    user.may("Defaults:USER requiretty\nUSER ALL=(ALL) NOPASSWD: ALL")
    with pytest.raises(PrivilegeError) as caught:
        ask(client.host(server, user=user.name))
    assert_explained(caught.value, exit_code=UNREACHABLE, says=["terminal"], do="!requiretty")


def test_row_c43_not_in_sudoers(client: Client, server: Sshd, account: MakeAccount) -> None:
    user = account("out")
    client.prompter = Answers(secrets=[PASSWORD])
    with pytest.raises(PrivilegeError) as caught:
        ask(client.host(server, user=user.name))
    assert_explained(caught.value, exit_code=UNREACHABLE, says=["not allowed"], do="usermod -aG sudo")


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ("sudo: Account or password is expired, reset your password and try again", "expired"),
        ("sudo: I'm sorry anna. I'm afraid I can't do that", "not allowed"),
        ("sudo: Authentication failed, try again.", "wrong"),
        ("sudo: interactive authentication is required", "wrong"),
        ("bash: line 1: exec: sudo: not found", "no sudo"),
        ("env: 'sudo': No such file or directory", "no sudo"),
        ("sudo: sorry, you must have a tty to run sudo", "terminal"),
        ("anna is not in the sudoers file.  This incident will be reported.", "not allowed"),
    ],
)
def test_row_c43_texts_of_sudo_and_sudo_rs(said: str, word: str) -> None:
    from wizard.transport.sudo import explain

    why, do = explain(said, "anna")
    assert word in why
    assert do


# the credentials file


def test_credentials_file(tmp_path: Path) -> None:
    file = tmp_path / "credentials.yaml"
    file.write_text("tower:\n  password: one\n  sudo: two\n'*':\n  passphrase: three\n")
    file.chmod(0o600)
    known = load_credentials(file)
    assert known.get("tower", "sudo") == Secret("two")
    assert known.get("other", "passphrase") == Secret("three")
    assert known.get("other", "password") is None


@pytest.mark.parametrize(
    ("content", "mode"),
    [
        ("tower: {password: x}", 0o644),
        ("tower: {pass: x}", 0o600),
        ("tower: {sudo: 1}", 0o600),
        ("- a", 0o600),
        ("{", 0o600),
    ],
)
def test_credentials_file_that_is_refused(tmp_path: Path, content: str, mode: int) -> None:
    file = tmp_path / "credentials.yaml"
    file.write_text(content)
    file.chmod(mode)
    with pytest.raises(UsageError) as caught:
        load_credentials(file)
    assert_explained(caught.value, exit_code=ExitCode.BAD_SPEC, says=[str(file)])
