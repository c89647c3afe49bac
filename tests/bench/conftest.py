"""What the benchmarks share: the lab, seven more hosts, the rivals, and the report."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.bench import rivals as rivals_module
from tests.bench.hosts import Farm, farm
from tests.bench.measure import run
from tests.bench.report import ROOT, WRITE, Report
from tests.bench.rivals import Rivals
from tests.lab.conftest import Lab, lab

__all__ = ["lab"]

WIZARD = ROOT / ".venv" / "bin" / "wizard"


@dataclass(frozen=True, slots=True)
class Homelab:
    """Hosts as all contestants are told of them."""

    folder: Path
    spec: Path
    home: Path
    """For `--dir`: the hosts' keys are confirmed in it."""
    key: Path
    logins: tuple[str, ...]

    @property
    def known_hosts(self) -> Path:
        return self.home / "known_hosts"

    def wizard(self, *words: str) -> list[str]:
        """A command of the wizard on these hosts."""
        return [wizard(), *words, "-f", str(self.spec), "--dir", str(self.home)]

    def shell(self) -> list[str]:
        """The facts script by ssh from a shell, all hosts at once."""
        script = ROOT / "assets" / "remote" / "read" / "facts.sh"
        answers = self.folder / "answers"
        answers.mkdir(exist_ok=True)
        runner = Path(__file__).with_name("parallel-ssh.sh")
        words = ["sh", runner, self.key, self.known_hosts, script, answers, *self.logins]
        return [str(word) for word in words]

    def answered(self) -> bool:
        """Whether every host's answer to the shell's ssh is whole."""
        answers = [self.folder / "answers" / login for login in self.logins]
        return all("== end" in answer.read_text(errors="replace") for answer in answers)


def wizard() -> str:
    """The installed command; the one in PATH where there is no `.venv`."""
    found = str(WIZARD) if WIZARD.exists() else shutil.which("wizard")
    assert found, "the wizard is not installed"
    return found


@pytest.fixture(scope="session")
def report() -> Iterator[Report]:
    shared = Report()
    yield shared
    if os.environ.get(WRITE) and shared.rows:
        shared.write()


@pytest.fixture(scope="session", autouse=True)
def byte_code() -> None:
    """The wizard's byte code, as an installed program has it."""
    folders = [str(ROOT / name) for name in ("wizard", "steps", "screens")]
    python = str(Path(wizard()).with_name("python"))
    run([python, "-m", "compileall", "-q", *folders, str(Path(python).parents[1] / "lib")], ok=(0, 1))


@pytest.fixture(scope="session")
def rivals() -> Rivals:
    return rivals_module.install()


@pytest.fixture(scope="session")
def more_hosts(lab: Lab) -> Iterator[Farm]:
    with farm(lab) as up:
        yield up


@pytest.fixture(scope="session")
def three(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Homelab:
    """The lab as it stands: a Debian and an Unraid-like hypervisor and a Pi."""
    logins = tuple(f"{lab.user(name)}@{lab.address(name)}" for name in lab.names)
    folder = tmp_path_factory.mktemp("three")
    return homelab(folder, lab.spec_text(), lab.known_hosts.read_text(), lab.key, logins)


@pytest.fixture(scope="session")
def seven(more_hosts: Farm, tmp_path_factory: pytest.TempPathFactory) -> Homelab:
    """Seven hosts of the Pi image, which have Python."""
    return of_farm(more_hosts, tmp_path_factory.mktemp("seven"), 7)


def of_farm(up: Farm, folder: Path, count: int) -> Homelab:
    return homelab(folder, up.spec(count), up.known_hosts(), up.key, tuple(up.logins(count)))


def homelab(folder: Path, spec: str, known_hosts: str, key: Path, logins: tuple[str, ...]) -> Homelab:
    home = folder / "home"
    home.mkdir(mode=0o700)
    (home / "known_hosts").write_text(known_hosts)
    (folder / "cluster.yaml").write_text(spec)
    return Homelab(folder, folder / "cluster.yaml", home, key, logins)
