from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.transport.accounts import Account
from tests.transport.sshd import Client, Sshd, is_root
from wizard.core.host import script_text
from wizard.transport import wire


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """A plain sshd that lets one key in as root."""
    if not is_root():
        pytest.skip("a real sshd with log-ins needs root and /usr/sbin/sshd")
    sshd = Sshd(tmp_path_factory.mktemp("sshd"), own_run=True).start()
    yield sshd
    sshd.stop()


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[Callable[..., Sshd]]:
    """Servers with options of a test's own."""
    if not is_root():
        pytest.skip("a real sshd with log-ins needs root and /usr/sbin/sshd")
    made: list[Sshd] = []

    def make(*options: str, own_run: bool = True) -> Sshd:
        made.append(Sshd(tmp_path / f"sshd{len(made)}", options, own_run))
        return made[-1]

    yield make
    for sshd in made:
        sshd.stop()


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A person with an empty home and no agent."""
    one = Client(tmp_path / "home")
    monkeypatch.setenv("HOME", str(one.home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    yield one
    one.close()


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets `do/test/NAME` and `read/test/NAME` stand for tests/transport/scripts/NAME.sh."""

    def text(script: str) -> str:
        folder, name = script.rsplit("/", 1)
        if folder in ("do/test", "read/test"):
            return (Path(__file__).parent / "scripts" / f"{name}.sh").read_text()
        return script_text(script)

    monkeypatch.setattr(wire, "script_text", text)


@pytest.fixture
def account() -> Iterator[Callable[..., Account]]:
    """Makes accounts that are gone after the test."""
    if not is_root():
        pytest.skip("accounts need root")
    made: list[Account] = []

    def make(label: str, *, shell: str = "/bin/sh", root: bool = False) -> Account:
        made.append(Account.make(label, shell=shell, root=root))
        return made[-1]

    yield make
    for one in made:
        one.remove()
