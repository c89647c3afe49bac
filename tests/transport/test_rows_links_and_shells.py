"""Rows 44 to 50 of the fault list, over a real sshd."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.rows import assert_explained
from tests.transport.accounts import Account
from tests.transport.relay import Relay
from tests.transport.sshd import Client, Sshd, free_port
from wizard.core.errors import AuthError, ExitCode, LinkLostError, RemoteError, UnreachableError
from wizard.core.events import Note
from wizard.core.host import ScriptResult
from wizard.transport import ssh_link
from wizard.transport.ssh import SshHost, Target

UNREACHABLE = ExitCode.UNREACHABLE
MakeServer = Callable[..., Sshd]
MakeAccount = Callable[..., Account]


def ask(host: SshHost, timeout: float = 20) -> ScriptResult:
    return host.read(
        "read/operation", {"op": "none", "offset": "0", "max": "0", "wait": "0"}, timeout=timeout
    )


def answered(host: SshHost) -> None:
    assert ask(host).stdout == "absent - 0\n"


# 44: ways to the host


def jump_config(client: Client, server: Sshd, way: str) -> None:
    client.known.write_text(server.known_line() + server.known_line("inner"))
    client.config.write_text(
        f"Host inner\n HostName 127.0.0.1\n Port {server.port}\n User root\n HostKeyAlias inner\n"
        f" IdentityFile {server.client_key}\n {way}\n"
        f"Host jump\n HostName 127.0.0.1\n Port {server.port}\n User root\n IdentityFile {server.client_key}\n"
    )


def test_row_c44_proxy_jump(client: Client, server: Sshd) -> None:
    jump_config(client, server, "ProxyJump jump")
    answered(client.hosts(Target("tower", "inner"))["tower"])


def test_row_c44_two_jumps_in_one_line(client: Client, server: Sshd) -> None:
    jump_config(client, server, f"ProxyJump jump,root@jump:{server.port}")
    answered(client.hosts(Target("tower", "inner"))["tower"])


def test_row_c44_jump_host_down(client: Client, server: Sshd) -> None:
    jump_config(client, server, f"ProxyJump root@127.0.0.1:{free_port()}")
    with pytest.raises(UnreachableError) as caught:
        ask(client.hosts(Target("tower", "inner"))["tower"])
    assert_explained(caught.value, exit_code=UNREACHABLE, says=["jump host 127.0.0.1 is down"])


def test_row_c44_host_behind_the_jump_down(client: Client, server: Sshd) -> None:
    jump_config(client, server, "ProxyJump jump")
    with pytest.raises(UnreachableError) as caught:
        ask(client.hosts(Target("tower", "inner", port=free_port()))["tower"])
    assert_explained(caught.value, exit_code=UNREACHABLE, says=["through the jump host"], do="ssh -J")


def test_row_c44_jump_circle(client: Client, server: Sshd) -> None:
    client.config.write_text("Host a\n ProxyJump b\nHost b\n ProxyJump a\n")
    with pytest.raises(UnreachableError) as caught:
        ask(client.hosts(Target("tower", "a"))["tower"])
    assert_explained(caught.value, exit_code=UNREACHABLE, says=["circle"])


def test_row_c44_proxy_command(client: Client, server: Sshd, tmp_path: Path) -> None:
    script = tmp_path / "way"
    script.write_text(
        "import socket,sys,threading,os\n"
        "s=socket.create_connection(('127.0.0.1',int(sys.argv[1])))\n"
        "def up():\n"
        "    while d:=os.read(0,65536): s.sendall(d)\n"
        "    s.shutdown(1)\n"
        "threading.Thread(target=up,daemon=True).start()\n"
        "while d:=s.recv(65536): os.write(1,d)\n"
    )
    import sys

    jump_config(client, server, f"ProxyCommand {sys.executable} {script} %p")
    answered(client.hosts(Target("tower", "inner"))["tower"])


def test_row_c44_proxy_command_that_fails(
    client: Client, server: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh_link, "CONNECT_TRIES", 1)
    jump_config(client, server, "ProxyCommand /nonexistent/command")
    with pytest.raises(UnreachableError) as caught:
        ask(client.hosts(Target("tower", "inner"))["tower"])
    assert_explained(caught.value, exit_code=UNREACHABLE, says=["/nonexistent/command"])


def test_row_c44_unsupported_directive_is_told_as_an_event(client: Client, server: Sshd) -> None:
    jump_config(client, server, "PKCS11Provider /lib/token.so")
    answered(client.hosts(Target("tower", "inner"))["tower"])
    notes = [event.text for event in client.events if isinstance(event, Note)]
    assert len(notes) == 1
    assert "pkcs11provider" in notes[0]


# 45: login shells


@pytest.mark.parametrize("shell", ["dash", "bash", "zsh", "csh", "tcsh", "fish"])
def test_row_c45_any_login_shell(client: Client, server: Sshd, account: MakeAccount, shell: str) -> None:
    path = shutil.which(shell)
    if not path:
        pytest.skip(f"{shell} is not installed")
    answered(client.host(server, user=account(shell, shell=path, root=True).name))


def test_row_c45_nologin(client: Client, server: Sshd, account: MakeAccount) -> None:
    user = account("nol", shell="/usr/sbin/nologin")
    with pytest.raises(AuthError) as caught:
        ask(client.host(server, user=user.name))
    assert_explained(caught.value, exit_code=UNREACHABLE, says=["nologin"], do=f"chsh -s /bin/sh {user.name}")


@pytest.mark.parametrize(
    "profile",
    [
        "echo Welcome to the jungle; printf 'no line end'; echo oops >&2; eval \\\"$SSH_ORIGINAL_COMMAND\\\"",
        'sleep 1; eval \\"$SSH_ORIGINAL_COMMAND\\"',
        "printf 'wizard-frame:1:x\\\\n\\\\033[2J'; eval \\\"$SSH_ORIGINAL_COMMAND\\\"",
        '(eval \\"$SSH_ORIGINAL_COMMAND\\"); echo goodbye; head -c 300000 /dev/zero',
    ],
)
def test_row_c45_noisy_and_slow_profiles(client: Client, make_server: MakeServer, profile: str) -> None:
    server = make_server().start()
    server.authorize(server.client_key, f'command="{profile}"')
    answered(client.host(server))


# 46: not a shell at all


@pytest.mark.parametrize("forced", ["/bin/echo only backups here", "/bin/cat", "/bin/true", "/bin/false"])
def test_row_c46_forced_command(client: Client, make_server: MakeServer, forced: str) -> None:
    server = make_server().start()
    server.authorize(server.client_key, f'command="{forced}"')
    with pytest.raises(AuthError) as caught:
        ask(client.host(server))
    assert_explained(caught.value, exit_code=UNREACHABLE, says=["forced command"], do="authorized_keys")


def test_row_c46_sftp_only(client: Client, make_server: MakeServer) -> None:
    server = make_server("ForceCommand internal-sftp").start()
    with pytest.raises(AuthError) as caught:
        ask(client.host(server), timeout=5)
    assert_explained(caught.value, exit_code=UNREACHABLE, says=["does not run commands"])


def test_row_c46_no_sftp_subsystem_is_needed(client: Client, server: Sshd, tmp_path: Path) -> None:
    assert "sftp /bin/false" in (server.folder / "sshd_config").read_text()
    assert client.host(server).put(b"x" * 100_000, str(tmp_path / "file")) is True


def test_row_c46_banner_and_motd(client: Client, make_server: MakeServer, tmp_path: Path) -> None:
    (tmp_path / "banner").write_text("\x1b[31mWARNING\n" * 50)
    server = make_server(f"Banner {tmp_path / 'banner'}", "PrintMotd yes").start()
    answered(client.host(server))


# 47: limits of the server


def test_row_c47_few_sessions_are_waited_for(client: Client, make_server: MakeServer) -> None:
    server = make_server("MaxSessions 2").start()
    host = client.host(server)
    answered(host)
    results: list[str] = []
    threads = [threading.Thread(target=lambda: results.append(ask(host).stdout)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert results == ["absent - 0\n"] * 6
    assert server.log.read_text().count("Accepted publickey") == 1


def test_row_c47_no_session_at_all(
    client: Client, make_server: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wizard.transport import session

    monkeypatch.setattr(session, "CHANNEL_SECONDS", 0.3)
    server = make_server("MaxSessions 0").start()
    with pytest.raises(RemoteError) as caught:
        ask(client.host(server))
    assert_explained(caught.value, exit_code=ExitCode.FAILED, says=["MaxSessions"], do="MaxSessions 10")


def test_row_c47_dropped_before_the_login_is_tried_again_with_pauses(
    client: Client, server: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    relay = Relay(server.port)
    relay.refuse = True

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        relay.refuse = len(pauses) < 2

    monkeypatch.setattr(ssh_link, "sleep", pause)
    answered(client.host(server, port=relay.port))
    assert pauses == [0.5, 1.0]
    relay.close()


def test_row_c47_dropped_every_time(client: Client, server: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh_link, "sleep", lambda _seconds: None)
    relay = Relay(server.port)
    relay.refuse = True
    with pytest.raises(UnreachableError) as caught:
        ask(client.host(server, port=relay.port))
    assert_explained(caught.value, exit_code=UNREACHABLE, says=["MaxStartups", "fail2ban"], do="ssh -v")
    assert relay.accepted == ssh_link.CONNECT_TRIES
    relay.close()


# 48: bad links


def test_row_c48_slow_link(client: Client, server: Sshd) -> None:
    relay = Relay(server.port, delay=0.25)
    answered(client.host(server, port=relay.port))
    relay.close()


@pytest.mark.parametrize("cut", [1, 20, 600, 1500, 2500])
def test_row_c48_cut_at_byte_n_while_connecting(
    client: Client, server: Sshd, cut: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh_link, "sleep", lambda _seconds: None)
    relay = Relay(server.port, cut_after=cut)
    try:
        answered(client.host(server, port=relay.port))
    except (UnreachableError, LinkLostError, AuthError) as error:
        assert_explained(error, exit_code=UNREACHABLE)
    answered(client.host(server, port=relay.port))
    relay.close()


def test_row_c48_reset_between_two_reads_is_not_even_noticed(client: Client, server: Sshd) -> None:
    relay = Relay(server.port)
    host = client.host(server, port=relay.port)
    answered(host)
    relay.reset()
    answered(host)
    relay.close()


def test_row_c48_half_open_link_ends_at_the_deadline(client: Client, server: Sshd) -> None:
    relay = Relay(server.port)
    host = client.host(server, port=relay.port)
    answered(host)
    relay.stall()
    started = time.monotonic()
    with pytest.raises((RemoteError, LinkLostError)) as caught:
        ask(host, timeout=1)
    assert time.monotonic() - started < 10
    assert caught.value.again
    relay.close()


def test_row_c48_nothing_listens(client: Client, server: Sshd) -> None:
    with pytest.raises(UnreachableError) as caught:
        ask(client.host(server, port=free_port()))
    assert_explained(caught.value, exit_code=UNREACHABLE, says=["Nothing listens"])


def test_row_c48_unknown_name(client: Client) -> None:
    with pytest.raises(UnreachableError) as caught:
        ask(client.hosts(Target("tower", "no-such-host.invalid", "root"))["tower"])
    assert_explained(caught.value, exit_code=UNREACHABLE, says=["not known"], do="getent hosts")


def test_row_c48_not_an_ssh_server(client: Client, server: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    monkeypatch.setattr(ssh_link, "sleep", lambda _seconds: None)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            for _ in range(ssh_link.CONNECT_TRIES):
                near, _ = listener.accept()
                near.sendall(b"HTTP/1.0 400 \x1b[2J no\r\n\r\n")
                near.close()

        threading.Thread(target=greet, daemon=True).start()
        with pytest.raises(UnreachableError) as caught:
            ask(client.host(server, port=listener.getsockname()[1]))
    assert_explained(caught.value, exit_code=UNREACHABLE, says=["no SSH server"])


# 50 and hostile output


HIDE = """
sed 's,^root:.*,root:x:0:0::/root:/bin/dash,' /etc/passwd >/run/wizard/passwd && mount --bind /run/wizard/passwd /etc/passwd
for name in bash python3 perl curl wget jq systemctl apt-get sudo sftp scp rsync; do
    for folder in /usr/bin /usr/local/bin /usr/sbin; do
        if [ -e "$folder/$name" ]; then mount --bind /dev/null "$(readlink -f "$folder/$name")"; fi
    done
done
"""


@pytest.mark.usefixtures("scripts")
def test_row_c50_only_a_handful_of_programs(client: Client, make_server: MakeServer, tmp_path: Path) -> None:
    """Reads, operations, files and the lock where bash, python, perl, curl and systemd cannot be run."""
    server = make_server().start()
    assert server.process is not None
    subprocess.run(["nsenter", "-m", "-t", str(server.process.pid), "sh", "-c", HIDE], check=True)
    hidden = ["nsenter", "-m", "-t", str(server.process.pid), "bash", "-c", "true"]
    assert subprocess.run(hidden, check=False, capture_output=True).returncode != 0
    host = client.host(server)
    with host.run_lock("me", 1, "x"):
        answered(host)
        assert host.put(b"x", str(tmp_path / "file")) is True
        assert host.do("do/test/echo", {"text": "hello"}, op="row.50", timeout=20).output == "hello\n"


@pytest.mark.usefixtures("scripts")
def test_hostile_output_is_decoded_and_bounded(client: Client, server: Sshd) -> None:
    host = client.host(server)
    result = host.read("read/test/hostile")
    assert (result.exit_code, result.stdout) == (7, "a\x1b[2Jb\ufffdc\ufffdd [red]markup[/red]")
    assert result.stderr == "err\x1b]0;title\n"
    with pytest.raises(RemoteError) as caught:
        host.read("read/test/flood")
    assert_explained(caught.value, exit_code=ExitCode.FAILED, says=["far more"])
    answered(host)


@pytest.mark.usefixtures("scripts")
def test_deadline_of_a_read(client: Client, server: Sshd) -> None:
    host = client.host(server)
    answered(host)
    started = time.monotonic()
    with pytest.raises(RemoteError) as caught:
        host.read("read/test/sleepy", timeout=1)
    assert 0.9 < time.monotonic() - started < 5
    assert_explained(caught.value, exit_code=ExitCode.FAILED, says=["within 1 seconds"])


@pytest.mark.usefixtures("scripts")
def test_syntax_error_in_a_script_is_a_result(client: Client, server: Sshd) -> None:
    result = client.host(server).read("read/test/broken")
    assert result.exit_code != 0
    assert result.stderr


def test_our_own_stdin_is_never_read(client: Client, server: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"typed by a person")
    saved = os.dup(0)
    os.dup2(reader, 0)
    try:
        answered(client.host(server))
        assert os.read(0, 100) == b"typed by a person"
    finally:
        os.dup2(saved, 0)
        for one in (saved, reader, writer):
            os.close(one)


def test_nothing_is_printed_by_the_libraries(
    client: Client, server: Sshd, capfd: pytest.CaptureFixture[str]
) -> None:
    answered(client.host(server))
    with pytest.raises(UnreachableError):
        ask(client.host(server, port=free_port()))
    assert capfd.readouterr() == ("", "")


def test_import_stays_light() -> None:
    import sys

    code = "import sys, wizard.transport.ssh; print([m for m in ('paramiko', 'fabric', 'invoke') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
