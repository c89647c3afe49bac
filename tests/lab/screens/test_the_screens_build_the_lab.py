"""The screens in a real terminal, by keyboard, on the lab's hosts: from the welcome to a homelab that doctor finds well.

Typed are the name, the network, and every choice; the hosts and guests stand in `cluster.yaml` already.
"""

from __future__ import annotations

import re
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.lab.cluster.site import INSTALL_SECONDS, MEMBERS, Site, newcomer
from tests.lab.conftest import Lab
from tests.lab.story.operators import Operator
from tests.lab.story.world import tell, until
from tests.screens.terminal import Terminal

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux"),
]

SIZE = (100, 40)
"""Columns and lines: the whole plan's beginning is seen, and the machines beside their meaning."""

DONE_BEFORE_THE_KILL = 5
"""Changes: the first guests are being made then, and none of etcd has begun."""

PREPARED = ("schema", "ssh", "hosts", "machines", "artifacts")
"""What of the lab's spec a person need not type."""

SLOW_DISK = {"etcd.fsync"}
"""The check that a machine busy with other things may fail; it is not what is tested here."""


@pytest.fixture
def site(lab: Lab, tmp_path: Path) -> Iterator[Site]:
    """The lab's hosts, bare before and after; the operator here only takes away."""
    found = Site(lab, newcomer(lab, tmp_path / "cleaner", without=("storage",)))
    found.settle()
    found.wipe()
    yield found
    lab.mend_all()
    found.wipe()


@pytest.fixture
def operator(site: Site, tmp_path: Path) -> Operator:
    """A person who trusts no host yet and has answered which machines there are."""
    home = tmp_path / "operator"
    home.mkdir()
    whole = yaml.safe_load((site.operator.home / "cluster.yaml").read_text())
    part = {name: whole[name] for name in PREPARED}
    (home / "cluster.yaml").write_text(yaml.safe_dump(part, sort_keys=False))
    return Operator(home)


@pytest.fixture
def terminal(operator: Operator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """The operator's, with nothing begun in it."""
    words = [sys.executable, "-m", "wizard", "setup", "--dir", str(operator.folder)]
    env = {**operator.environment, "SSH_AUTH_SOCK": ""}
    found = Terminal(tmp_path_factory.mktemp("t"), words, SIZE, env, operator.home)
    yield found
    found.end()


def test_from_the_welcome_to_done_with_a_kill_in_the_middle_and_doctor_is_content(
    site: Site, operator: Operator, terminal: Terminal
) -> None:
    began = time.monotonic()
    terminal.begin()
    begin(terminal)
    trust_the_hosts(terminal, site.lab)
    answer(terminal)
    said_yes(terminal)
    changes = killed_in_the_middle(terminal)
    resumed(terminal)
    verdict = terminal_doctor(terminal)
    tell(f"from the welcome to {verdict!r}, killed at {changes}: {time.monotonic() - began:.0f} s")
    terminal.keys("C-q")
    terminal.left(0)
    assert "Nothing to do" in operator.run("plan", code=0).stdout
    assert_well(operator, verdict)
    voters = {one["name"] for one in Site(site.lab, operator).members() if not one.get("isLearner")}
    assert voters == set(MEMBERS)


def begin(terminal: Terminal) -> None:
    """The welcome, and a name."""
    terminal.sees("A homelab that stays up")
    terminal.until(lambda: terminal.line_of_cursor().startswith("Name"))
    terminal.fill("Name", "lab", over=True)
    terminal.keys("C-n")
    terminal.sees("Which machines are there?")


def trust_the_hosts(terminal: Terminal, lab: Lab) -> None:
    """Each fingerprint is compared with what the lab knows, then trusted; each host lets us in."""
    terminal.sees("f5 Add")
    terminal.keys("F3")
    questions = {name: f"Is this {name}?" for name in lab.names}
    for _ in lab.names:
        asked = terminal.sees(*questions.values())
        name = next(one for one, question in questions.items() if question == asked)
        terminal.sees(lab.fingerprint(name))
        terminal.keys("Right", "Enter")
        terminal.until(lambda: asked not in terminal.text())  # noqa: B023
        del questions[name]
    for name in lab.names:
        terminal.sees(f"ok {name}")


def answer(terminal: Terminal) -> None:
    """Discovery, storage, machines, network, witness."""
    to(terminal, "What are your machines like?", "Debian GNU/Linux 13")
    to(terminal, "Where should your data live?", "( ) no storage")
    terminal.keys("Down", "Down", "Enter")
    terminal.sees("(*) no storage")
    to(terminal, "Which guests shall be made?", "server-b")
    to(terminal, "Which addresses are free for the cluster?", "API address")
    terminal.until(lambda: terminal.line_of_cursor().startswith("LAN"))
    terminal.fill("Domain", "lab.home.arpa", over=True)
    to(terminal, "Where does the witness keep its data?", "etcd's data < /mnt/usb/etcd >")
    terminal.sees("< stop there >")
    terminal.keys("Tab")
    terminal.sees("space Other")
    terminal.keys("Right")
    terminal.sees("< go on, say so >")


def to(terminal: Terminal, question: str, detail: str) -> None:
    """To the next stage, which asks its question and knows what it is about."""
    terminal.keys("C-n")
    terminal.sees(question)
    terminal.sees(detail)


def said_yes(terminal: Terminal) -> None:
    """The plan and what each loss takes away, looked at; then it is built."""
    to(terminal, "Is this what you want?", "nothing destroyed")
    terminal.sees("Make etcd-a on tower-a")
    terminal.keys("f")
    terminal.sees("network of pi")
    terminal.keys("t")
    terminal.sees("3 members planned")
    to(terminal, "Building", "Stop after this")


def killed_in_the_middle(terminal: Terminal) -> str:
    """kill -9 once some changes are done. Returns how far it was."""
    told: list[str] = []

    def far_enough() -> bool:
        found = re.search(r"Building · (\d+) of (\d+)", terminal.text())
        told[:] = [found[0]] if found else []
        return found is not None and int(found[1]) >= DONE_BEFORE_THE_KILL

    until(far_enough, "some changes are done", seconds=INSTALL_SECONDS, pause=0.1)
    terminal.kill()
    return told[0]


def resumed(terminal: Terminal) -> None:
    """The next start says what is half done, and goes on from there."""
    terminal.start()
    terminal.sees("Something is half done")
    terminal.sees("done and still true")
    terminal.keys("C-n")
    ended = ("lab is built", "Not finished", "Stopped ·")
    until(
        lambda: any(word in terminal.text() for word in ended),
        "the run has ended",
        seconds=INSTALL_SECONDS,
        pause=0.2,
    )
    assert "lab is built" in terminal.text(), terminal.text()


def terminal_doctor(terminal: Terminal) -> str:
    """What doctor says in one sentence."""
    terminal.sees("d Doctor")
    terminal.keys("d")
    return terminal.sees("All is well.", "It works, and something", "Something is wrong")


def assert_well(operator: Operator, verdict: str) -> None:
    """Green, or nothing worse than a disk that is slow because the machine is busy."""
    document = operator.run("doctor", "--json").document
    unwell = {one["id"] for one in document["findings"] if one["status"] in ("fail", "warn")}
    assert unwell <= SLOW_DISK, document
    assert verdict == "All is well." or unwell, "the screens saw something that the command does not"
