"""The screens in a real terminal, by keyboard, on the lab's hosts: from the welcome to a homelab that doctor finds well.

Typed are the name, where the hosts are, the network, and every choice; the guests, which are smaller than any that would be
proposed, stand in `cluster.yaml` already, and so does the key.
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

from tests.lab.cluster.site import INSTALL_SECONDS, Site
from tests.lab.conftest import Lab
from tests.lab.screens.conftest import assert_well
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

PREPARED = ("schema", "ssh", "machines", "k3s", "artifacts")
"""What of the lab's spec a person need not type."""


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
    name_the_hosts(terminal, site.lab)
    trust_the_hosts(terminal, site.lab)
    answer(terminal)
    said_yes(terminal)
    changes = killed_in_the_middle(terminal)
    resumed(terminal)
    verdict = terminal_doctor(terminal)
    tell(f"from the welcome to {verdict!r}, killed at {changes}: {time.monotonic() - began:.0f} s")
    terminal.keys("C-q")
    terminal.left(0)
    assert_well(site, operator, verdict)


def begin(terminal: Terminal) -> None:
    """The welcome, and a name."""
    terminal.sees("A homelab that stays up")
    terminal.until(lambda: terminal.line_of_cursor().startswith("Name"))
    terminal.fill("Name", "lab", over=True)
    terminal.keys("C-n")
    terminal.sees("Which machines are there?")


def name_the_hosts(terminal: Terminal, lab: Lab) -> None:
    """Three are there with usual names; where each is, and as whom one logs in, is typed."""
    for number, name in enumerate(lab.names):
        if number:
            up_to_the_list(terminal)
            terminal.keys("Down")
            terminal.sees(f"Name        {name}")
        terminal.keys("Enter")
        # The cursor is there as soon as the line is another host's; that it is typed into is seen by a letter.
        terminal.patient("7", lambda: terminal.line_of_cursor().startswith("Address     7"))
        terminal.keys("C-a", "C-k")
        # The example is shown where nothing is typed; letters could overtake the keys that empty the line.
        terminal.until(lambda: terminal.line_of_cursor().startswith("Address     192.168"))
        terminal.fill("Address", lab.address(name))
        if lab.user(name) != "root":
            terminal.fill("User", lab.user(name))
    terminal.keys("Tab")
    for name in lab.names:
        terminal.sees(f"{name:<10} {lab.address(name)}")


def up_to_the_list(terminal: Terminal) -> None:
    """From the address."""
    terminal.keys("BTab")
    terminal.sees("space Other")
    terminal.keys("BTab")
    terminal.until(lambda: terminal.line_of_cursor().startswith("Name"))
    before = terminal.cursor()[1]
    terminal.keys("BTab")
    terminal.settled(before)


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
    as_the_lab_runs_guests(terminal)
    to(terminal, "Where should your data live?", "( ) no storage")
    terminal.keys("Down", "Down", "Enter")
    terminal.sees("(*) no storage")
    choose_folders(terminal)
    to(terminal, "Which guests shall be made?", "server-b")
    to(terminal, "Which addresses are free for the cluster?", "API address")
    terminal.until(lambda: terminal.line_of_cursor().startswith("LAN"))
    terminal.fill("Domain", "lab.home.arpa", over=True)
    to(terminal, "Where does the witness keep its data?", "etcd's data < ")
    terminal.patient("Right", lambda: "< /mnt/usb/etcd >" in terminal.text())
    terminal.sees("< stop there >")
    terminal.keys("Tab")
    terminal.sees("space Other")
    terminal.keys("Right")
    terminal.sees("< go on, say so >")


def as_the_lab_runs_guests(terminal: Terminal) -> None:
    """In containers, on both hypervisors: what fits would be a virtual machine, as on a person's own."""
    for first in (True, False):
        if not first:
            terminal.keys("BTab", "Down")
            terminal.sees("< as fits >")
        terminal.keys("Tab")
        terminal.sees("space Other")
        terminal.keys("Right", "Right")
        terminal.sees("< lxc >")


def choose_folders(terminal: Terminal) -> None:
    """Where the guests of each hypervisor lie: on the pool that was seen there."""
    for folder in ("/mnt/vm/domains", "/mnt/cache/domains"):
        before = terminal.cursor()[1]
        terminal.keys("Tab")
        terminal.sees("space Other")
        terminal.settled(before)
        terminal.patient("Right", lambda: f"< {folder} >" in terminal.text())  # noqa: B023


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
