"""Rows 39 to 50: real log-ins on loopback through the command line; tests/transport takes every case of each row."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.site import APPLY, Site, until
from tests.rows import CliRun, assert_explained, assert_found, assert_tolerated, folder_digest
from tests.specs import NOBODY, loopback_home
from tests.transport.accounts import PASSWORD, Account
from tests.transport.relay import Relay
from tests.transport.sshd import Sshd, is_root, keygen, run
from wizard import cli
from wizard.core.errors import ExitCode

MakeServer = Callable[..., Sshd]
MakeAccount = Callable[..., Account]

UNREACHABLE = ExitCode.UNREACHABLE


class Laptop:
    """A person's home, with a spec whose first host is an sshd on loopback. Only commands that read are run."""

    def __init__(self, site: Site, server: Sshd) -> None:
        self.site = site
        self.home = site.home
        self.server = server
        self.known = self.home / ".ssh" / "known_hosts"
        self.port = server.port
        self.reach()
        self.known.write_text(server.known_line())

    def reach(self, *, port: int = 0, user: str = "root", key: Path | None = None, config: str = "") -> None:
        """Write the spec and ssh_config anew."""
        self.port = port or self.port
        named = f"ssh: {{user: {user}, key: {key or self.server.client_key}}}"
        loopback_home(self.home, ports=(self.port, NOBODY, NOBODY), extra=named)
        if config:
            file = self.home / ".ssh" / "config"
            file.write_text(f"Host 10.213.99.11\n{config}\n{file.read_text()}")

    def facts(self, *more: str) -> CliRun:
        """`wizard facts tower-a`, for real."""
        return self.wizard("facts", "tower-a", *more)

    def wizard(self, *argv: str) -> CliRun:
        """A command for real."""
        assert argv[0] in ("facts", "plan", "doctor"), "an apply would leave a marker on this very machine"
        self.site.capsys.readouterr()
        code = cli.main(argv)
        out, err = self.site.capsys.readouterr()
        return CliRun(code, out, err)

    def refused(
        self, *says: str, do: str = "", exit_code: ExitCode = UNREACHABLE, more: tuple[str, ...] = ()
    ) -> None:
        """Assert that facts end in a told error and that nothing was written on our side."""
        before = folder_digest(self.home)
        run = self.facts(*more)
        # `facts` tells of a host that failed where its facts would stand.
        told = CliRun(run.exit_code, "", textwrap.dedent(run.stdout.partition("\n")[2]))
        assert_explained(
            told,
            exit_code=exit_code,
            says=("tower-a", *says),
            do=do,
            unchanged=lambda: folder_digest(self.home),
            before=before,
        )

    def works(self, *more: str) -> CliRun:
        """Assert that facts are told."""
        run = self.facts(*more)
        assert_tolerated(run, shows=["tower-a"])
        return run

    def credentials(self, text: str) -> tuple[str, str]:
        """The option that names a file of passwords."""
        file = self.home / "credentials.yaml"
        file.touch(mode=0o600)
        file.write_text(text)
        return ("--credentials", str(file))


@pytest.fixture
def laptop(site: Site, server: Sshd) -> Laptop:
    server.authorize(server.client_key)
    return Laptop(site, server)


@pytest.mark.row("C", 39)
def test_row_c39_unknown_host_key(laptop: Laptop) -> None:
    laptop.known.write_text("")
    pin = f"tower-a={laptop.server.fingerprint()}"
    laptop.refused(laptop.server.fingerprint(), do=f"--host-key {pin}")
    laptop.works("--host-key", pin)


@pytest.mark.row("C", 39)
@pytest.mark.parametrize("answer", ["yes", "no"])
def test_row_c39_unknown_host_key_is_asked_about_at_a_terminal(laptop: Laptop, answer: str) -> None:
    laptop.known.write_text("")
    laptop.site.command = lambda *argv: [sys.executable, "-m", "wizard", *argv]  # type: ignore[method-assign]
    terminal = laptop.site.at_terminal("facts", "tower-a")
    shown = terminal.read_until("Trust it? (yes/no) ")
    assert laptop.server.fingerprint() in shown
    terminal.type(f"{answer}\n")
    run = terminal.read_all()
    confirmed = laptop.site.cluster.known_hosts
    if answer == "yes":
        assert_tolerated(run, shows=["tower-a"])
        assert confirmed.read_text() == laptop.server.known_line()
    else:
        assert run.exit_code == UNREACHABLE
        assert not confirmed.exists()
        assert_tolerated(run, shows=["again", "nothing was changed"], exit_code=UNREACHABLE)


@pytest.mark.row("C", 39)
def test_row_c39_changed_host_key(laptop: Laptop, tmp_path: Path) -> None:
    old = keygen(tmp_path / "old")
    kind, blob = old.with_name("old.pub").read_text().split()[:2]
    laptop.known.write_text(f"[127.0.0.1]:{laptop.port} {kind} {blob}\n")
    was = run("ssh-keygen", "-lf", old).split()[1]
    laptop.refused(was, laptop.server.fingerprint(), do="ssh-keygen -R")


@pytest.mark.row("C", 39)
def test_row_c39_hashed_known_hosts_and_two_keys_for_one_address(laptop: Laptop, tmp_path: Path) -> None:
    kind, blob = keygen(tmp_path / "other", "ecdsa").with_name("other.pub").read_text().split()[:2]
    laptop.known.write_text(f"[127.0.0.1]:{laptop.port} {kind} {blob}\n{laptop.server.known_line()}")
    run("ssh-keygen", "-q", "-H", "-f", laptop.known)
    assert "127.0.0.1" not in laptop.known.read_text()
    laptop.works()


@pytest.mark.row("C", 40)
def test_row_c40_a_passphrase_nobody_gives(laptop: Laptop, tmp_path: Path) -> None:
    locked = keygen(tmp_path / "locked", passphrase="sesame")
    laptop.server.authorize(locked)
    laptop.reach(key=locked)
    laptop.refused("encrypted", do=f"ssh-add {locked}")
    laptop.works(*laptop.credentials("'*':\n  passphrase: sesame\n"))


@pytest.mark.row("C", 40)
def test_row_c40_an_agent_full_of_other_keys(
    laptop: Laptop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sock = tmp_path / "agent"
    with subprocess.Popen(["ssh-agent", "-D", "-a", str(sock)], stdout=subprocess.DEVNULL) as agent:
        try:
            until(sock.exists)
            monkeypatch.setenv("SSH_AUTH_SOCK", str(sock))
            for number in range(8):
                run("ssh-add", "-q", keygen(tmp_path / f"other{number}"))
            laptop.works()
            laptop.reach(key=keygen(tmp_path / "stranger"))
            laptop.refused("other0", do="ssh-copy-id")
        finally:
            agent.terminate()


@pytest.mark.row("C", 41)
def test_row_c41_a_key_others_can_read(laptop: Laptop, tmp_path: Path) -> None:
    key = keygen(tmp_path / "open")
    key.chmod(0o644)
    laptop.reach(key=key)
    laptop.refused("0644", do=f"chmod 600 {key}")


@pytest.mark.row("C", 41)
@pytest.mark.parametrize(
    ("content", "says", "do"),
    [
        ("PuTTY-User-Key-File-3: ssh-ed25519\n", "PuTTY", "puttygen"),
        ("hello\n", "not a private key", "ssh-keygen"),
    ],
)
def test_row_c41_a_key_of_a_wrong_format(
    laptop: Laptop, tmp_path: Path, content: str, says: str, do: str
) -> None:
    key = tmp_path / "key"
    key.touch(mode=0o600)
    key.write_text(content)
    laptop.reach(key=key)
    laptop.refused(says, do=do)


@pytest.mark.row("C", 42)
def test_row_c42_a_wrong_password(laptop: Laptop, account: MakeAccount, tmp_path: Path) -> None:
    user = account("cli")
    laptop.reach(user=user.name, key=keygen(tmp_path / "stranger"))
    option = laptop.credentials("tower-a:\n  password: canary-wrong\n")
    laptop.refused("password", user.name, more=option)
    assert "canary-wrong" not in laptop.facts(*option).stderr


@pytest.mark.row("C", 42)
def test_row_c42_a_password_that_must_be_changed_first(
    laptop: Laptop, make_server: MakeServer, account: MakeAccount
) -> None:
    server = make_server("UsePAM yes").start()
    user = account("due", root=True)
    subprocess.run(["chage", "-d", "0", user.name], check=True)
    laptop.reach(port=server.port, user=user.name, key=server.client_key)
    laptop.known.write_text(server.known_line())
    laptop.refused("expired", do="passwd")


@pytest.mark.row("C", 43)
@pytest.mark.parametrize(
    ("rule", "secret", "says", "do"),
    [
        ("USER ALL=(ALL) ALL", "canary-wrong", "password is wrong", "sudo true"),
        ("USER ALL=(ALL) ALL", "", "password is needed", "--credentials"),
        ("Defaults:USER requiretty\nUSER ALL=(ALL) NOPASSWD: ALL", "", "terminal", "!requiretty"),
        ("", PASSWORD, "not allowed", "usermod -aG sudo"),
    ],
    ids=["wrong password", "no password", "requiretty", "not in sudoers"],
)
def test_row_c43_sudo(
    laptop: Laptop, account: MakeAccount, rule: str, secret: str, says: str, do: str
) -> None:
    user = account("su")
    if rule:
        user.may(rule)
    laptop.reach(user=user.name)
    option = laptop.credentials(f"tower-a:\n  sudo: {secret}\n") if secret else ()
    laptop.refused(says, do=do, more=option)


@pytest.mark.row("C", 43)
def test_row_c43_the_lecture_is_no_obstacle(laptop: Laptop, account: MakeAccount) -> None:
    user = account("lec")
    user.may("Defaults:USER lecture=always\nUSER ALL=(ALL) ALL")
    laptop.reach(user=user.name)
    shown = laptop.works(*laptop.credentials(f"tower-a:\n  sudo: {PASSWORD}\n"))
    assert PASSWORD not in shown.stdout + shown.stderr


@pytest.mark.row("C", 44)
def test_row_c44_the_jump_host_is_down(laptop: Laptop) -> None:
    laptop.reach(config=f"  ProxyJump 127.0.0.1:{NOBODY}")
    laptop.refused("jump host 127.0.0.1 is down", "Nothing listens")


@pytest.mark.row("C", 44)
def test_row_c44_a_directive_we_do_not_obey_is_named(laptop: Laptop) -> None:
    laptop.reach(config="  PKCS11Provider /lib/token.so")
    run = laptop.works()
    assert "pkcs11provider" in run.stderr
    assert f"{laptop.home}/.ssh/config:2" in run.stderr
    assert "pkcs11provider" not in run.stdout, "talk goes to stderr"


@pytest.mark.row("C", 45)
@pytest.mark.parametrize("shell", ["/bin/bash", "/bin/dash", "/usr/bin/fish", "/bin/csh"])
def test_row_c45_any_login_shell(laptop: Laptop, account: MakeAccount, shell: str) -> None:
    if not Path(shell).exists():
        pytest.skip(f"{shell} is not installed")
    laptop.reach(user=account("sh", shell=shell, root=True).name)
    laptop.works()


@pytest.mark.row("C", 45)
def test_row_c45_nologin(laptop: Laptop, account: MakeAccount) -> None:
    user = account("nol", shell="/usr/sbin/nologin")
    laptop.reach(user=user.name)
    laptop.refused("nologin", do=f"chsh -s /bin/sh {user.name}")


@pytest.mark.row("C", 45)
def test_row_c45_a_profile_that_talks(laptop: Laptop) -> None:
    noise = "echo Welcome; printf '\\\\033[2J'; echo oops >&2; eval \\\"$SSH_ORIGINAL_COMMAND\\\""
    laptop.server.authorize(laptop.server.client_key, f'command="{noise}"')
    shown = laptop.works()
    assert "Welcome" not in shown.stdout


@pytest.mark.row("C", 46)
@pytest.mark.parametrize("forced", ["/bin/echo only backups here", "/bin/true"])
def test_row_c46_a_forced_command(laptop: Laptop, forced: str) -> None:
    laptop.server.authorize(laptop.server.client_key, f'command="{forced}"')
    laptop.refused("does not run commands", "forced command", do="authorized_keys")


@pytest.mark.row("C", 46)
def test_row_c46_a_banner_and_no_sftp(laptop: Laptop, make_server: MakeServer, tmp_path: Path) -> None:
    (tmp_path / "banner").write_text("\x1b[31mWARNING\n" * 50)
    server = make_server(f"Banner {tmp_path / 'banner'}", "PrintMotd yes").start()
    laptop.reach(port=server.port, key=server.client_key)
    laptop.known.write_text(server.known_line())
    laptop.works()


@pytest.mark.row("C", 47)
def test_row_c47_dropped_before_the_login(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    from wizard.transport import ssh_link

    pauses: list[float] = []
    monkeypatch.setattr(ssh_link, "sleep", pauses.append)
    relay = Relay(laptop.server.port)
    relay.refuse = True
    laptop.reach(port=relay.port)
    laptop.refused("MaxStartups", "fail2ban", do="ssh -v")
    assert relay.accepted == ssh_link.CONNECT_TRIES
    assert pauses == sorted(pauses)
    assert len(set(pauses)) > 1, "each pause is longer than the one before"
    relay.close()


@pytest.mark.row("C", 47)
def test_row_c47_one_connection_a_run(laptop: Laptop) -> None:
    log = laptop.server.log
    before = log.read_text().count("Accepted publickey")
    assert_found(
        laptop.wizard("doctor", "--json"),
        "hosts.reach",
        says=["tower-b", "Nothing listens"],
        fix="",
        status="fail",
    )
    assert log.read_text().count("Accepted publickey") == before + 1


@pytest.mark.row("C", 48)
def test_row_c48_nothing_listens(laptop: Laptop) -> None:
    laptop.reach(port=NOBODY)
    laptop.refused("Nothing listens")


@pytest.mark.row("C", 48)
def test_row_c48_a_slow_link(laptop: Laptop) -> None:
    relay = Relay(laptop.server.port, delay=0.25)
    laptop.reach(port=relay.port)
    laptop.known.write_text(laptop.server.known_line(f"[127.0.0.1]:{relay.port}"))
    laptop.works()
    relay.close()


@pytest.mark.row("C", 48)
@pytest.mark.parametrize("cut", [20, 1500, 4000])
def test_row_c48_cut_at_byte_n(laptop: Laptop, monkeypatch: pytest.MonkeyPatch, cut: int) -> None:
    """Cut once, wherever it was: a read is made again over a new connection, or the error says what to do."""
    from wizard.transport import ssh_link

    monkeypatch.setattr(ssh_link, "sleep", lambda _seconds: None)
    relay = Relay(laptop.server.port, cut_after=cut)
    laptop.reach(port=relay.port)
    laptop.known.write_text(laptop.server.known_line(f"[127.0.0.1]:{relay.port}"))
    run = laptop.facts()
    if run.exit_code:
        assert_explained(run, exit_code=UNREACHABLE, says=["tower-a"])
    laptop.works()
    relay.close()


@pytest.fixture
def sick(site: Site) -> Iterator[Laptop]:
    """A host whose root is read-only and whose /tmp is full and noexec; its keys lie elsewhere."""
    if not is_root():
        pytest.skip("mounts need root")
    folder = Path(tempfile.mkdtemp(dir="/dev/shm", prefix="wizard-sshd-"))
    server = Sshd(folder, own_run=True)
    server.authorized = folder / "authorized_keys"
    server.authorize(server.client_key)
    server.start()
    assert server.process is not None
    inside = ["nsenter", "-t", str(server.process.pid), "-m"]
    spoil = (
        "mount -t tmpfs -o size=4k,noexec none /tmp && ! head -c 100000 /dev/zero >/tmp/filler 2>/dev/null"
        " && mount -o remount,ro,bind /"
    )
    try:
        subprocess.run([*inside, "sh", "-c", spoil], check=True)
        yield Laptop(site, server)
    finally:
        server.stop()
        shutil.rmtree(folder)


@pytest.mark.row("C", 49)
def test_row_c49_a_host_that_takes_no_byte_is_still_read_and_judged(sick: Laptop) -> None:
    sick.works()
    run = sick.wizard("doctor", "--json", "discover.space")
    found = assert_found(run, "discover.space", says=["tower-a", "read-only"], fix="ssh ", status="fail")
    assert found["host"] == "tower-a"


@pytest.mark.row("C", 49)
def test_row_c49_the_marker_finds_no_room(site: Site) -> None:
    site.faults.fail["do/marker"] = (1, "printf: write error: No space left on device\n")
    run = site.run(*APPLY)
    assert_explained(run, exit_code=ExitCode.FAILED, says=["No space left on device"])
    assert_tolerated(site.run("state", "show"), shows=["hosts: half done", "3 failed"])
    site.faults.fail.clear()
    assert_tolerated(site.run(*APPLY), shows=["done: 3 changes"])
    assert site.run("plan").exit_code == ExitCode.OK


HIDDEN = (
    "python3",
    "curl",
    "wget",
    "bash",
    "systemctl",
    "apt-get",
    "dpkg",
    "jq",
    "perl",
    "lsblk",
    "ss",
    "ip",
)
"""What Unraid or a small system may lack; the parts of util-linux among them are missing from busybox."""


@pytest.mark.row("C", 50)
def test_row_c50_no_python_curl_bash_or_systemd(
    laptop: Laptop, make_server: MakeServer, account: MakeAccount, tmp_path: Path
) -> None:
    """The server's own view of this machine, with these programs hidden in it by files nobody can run."""
    server = make_server().start()
    assert server.process is not None
    (tmp_path / "hidden").touch(mode=0o644)
    found = [shutil.which(name, path="/usr/bin:/bin:/usr/sbin") for name in HIDDEN]
    paths = {Path(path).resolve() for path in found if path}
    for path in paths:
        run("nsenter", "-t", str(server.process.pid), "-m", "mount", "--bind", tmp_path / "hidden", path)
    assert any(path.name == "bash" for path in paths)
    user = account("un", shell="/bin/dash", root=True)
    laptop.reach(port=server.port, user=user.name, key=server.client_key)
    laptop.known.write_text(server.known_line())
    told = json.loads(laptop.works("--json").stdout)
    facts = told["hosts"]["tower-a"]
    assert not set(HIDDEN) & set(facts["tools"])
    assert facts["kernel"] == os.uname().release


@pytest.mark.row("C", 50)
def test_row_c50_the_whole_story_on_an_unraid(site: Site) -> None:
    """tower-b answers as the Unraid-like lab host did, which has neither systemd nor apt nor python."""
    sections = site.world.machine("tower-b").sections
    assert not {"systemctl", "apt-get", "python3"} & set(sections["tools"])
    assert_tolerated(site.run(*APPLY), shows=["leave our marker on tower-b"])
    assert_tolerated(site.run("doctor"), shows=["All is well."])
    assert "/boot/config/wizard/marker" in site.world.machine("tower-b").files
