from __future__ import annotations

import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from wizard.transport.ssh_config import resolve
from wizard.transport.ssh_link import Target
from wizard.transport.ssh_socket import open_socket

CONFIG = """\
# a comment
Host tower-a
    HostName 192.0.2.%h.example
    User=anna
    Port 2222
    IdentityFile ~/.ssh/one
    IdentityFile "%d/.ssh/two words"
    IdentitiesOnly yes
    ProxyJump bob@jump:2200,second
    HostKeyAlias alias
    UserKnownHostsFile /kh/one /kh/two

Host tower-? !tower-b
    User late
    Port 99
    ProxyCommand nc %h %p

Match originalhost tower-c user carl
    Port 33
Match host *.example,other !user root
    ProxyCommand connect --to %h:%p as %r
Include more.conf
Host *
    User everyone
    ConnectTimeout 7
    ServerAliveInterval 9
    ServerAliveCountMax 2
"""

HOSTS = ["tower-a", "tower-b", "tower-c", "tower-d", "x.example", "other", "unknown", "inc"]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / ".ssh"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    (folder / "more.conf").write_text("Host inc\n  Port 44\n  HostName inc.example\n")
    (folder / "config").write_text(CONFIG.replace("Include more.conf", f"Include {folder}/more.conf"))
    return folder / "config"


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("user", ["", "root", "carl"])
def test_says_what_ssh_itself_says(config: Path, host: str, user: str) -> None:
    if not shutil.which("ssh"):
        pytest.skip("no ssh to compare with")
    login = ["-l", user] if user else []
    text = subprocess.run(
        ["ssh", "-G", "-F", str(config), *login, host], capture_output=True, text=True, check=True
    )
    told: dict[str, list[str]] = {}
    for line in text.stdout.splitlines():
        key, _, value = line.partition(" ")
        told.setdefault(key, []).append(value)
    ours = resolve(host, [config], user=user)
    assert ours.hostname == told["hostname"][0]
    assert ours.user == told["user"][0]
    assert str(ours.port) == told["port"][0]
    assert ",".join(ours.proxy_jump) == told.get("proxyjump", [""])[0]
    assert bool(ours.proxy_command) == ("proxycommand" in told)
    assert ours.host_key_alias == told.get("hostkeyalias", [""])[0]
    assert ours.identities_only is (told["identitiesonly"][0] == "yes")
    assert str(ours.alive_interval) == told["serveraliveinterval"][0]
    assert str(ours.alive_count) == told["serveralivecountmax"][0]
    assert (ours.connect_timeout or 0) == int(told["connecttimeout"][0].replace("none", "0"))


@pytest.mark.parametrize(
    ("lines", "alive", "dead"), [("", 15, 45), ("ServerAliveInterval 4\n ServerAliveCountMax 2", 4, 8)]
)
def test_the_kernel_gives_a_silent_link_up_when_the_configuration_says(
    tmp_path: Path, lines: str, alive: int, dead: int
) -> None:
    file = tmp_path / "config"
    with socket.create_server(("127.0.0.1", 0)) as server:
        file.write_text(f"Host *\n HostName 127.0.0.1\n Port {server.getsockname()[1]}\n {lines}\n")
        link, _ = open_socket(Target("tower", "tower"), resolve("tower", [file]), None)
        assert isinstance(link, socket.socket)
        with link:
            assert link.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == alive
            assert link.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == dead * 1000
            probes = link.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL) * 3
            assert alive + probes <= dead


def test_tokens_lists_and_files(config: Path, tmp_path: Path) -> None:
    ours = resolve("tower-a", [config])
    assert ours.identity_files == (tmp_path / ".ssh/one", tmp_path / ".ssh/two words")
    assert ours.known_hosts[:2] == (Path("/kh/one"), Path("/kh/two"))
    assert resolve("x.example", [config], user="me").proxy_command == "connect --to x.example:22 as me"


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("PKCS11Provider /lib/x.so", "pkcs11provider"),
        ("BindAddress 10.0.0.1", "bindaddress"),
        ("KnownHostsCommand /bin/x", "knownhostscommand"),
        ("CanonicalizeHostname yes", "canonicalizehostname"),
        ("RevokedHostKeys /x", "revokedhostkeys"),
        ("Match exec true\n  Port 5", "exec"),
        ("Match localnetwork 10.0.0.0/8\n  Port 5", "localnetwork"),
    ],
)
def test_row_c44_what_is_not_obeyed_is_named_with_its_line(tmp_path: Path, line: str, word: str) -> None:
    file = tmp_path / "config"
    file.write_text(f"Host *\n  Port 22\n{line}\n")
    ours = resolve("any", [file])
    assert ours.port == 22
    assert len(ours.notes) == 1
    assert word in ours.notes[0]
    assert f"{file}:3" in ours.notes[0]


def test_harmless_directives_are_not_mentioned(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(
        "Host *\n ControlMaster auto\n SendEnv LANG\n HashKnownHosts yes\n GSSAPIAuthentication yes\n"
    )
    assert resolve("any", [file]).notes == ()


def test_include_circles_and_missing_files_end(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(f"Include {file}\nInclude /nonexistent/*\nHost *\n Port 24\n")
    assert resolve("any", [file, tmp_path / "missing"]).port == 24
