"""How every screen of the setup looks, at the smallest size it is designed for and at a comfortable one."""

from __future__ import annotations

from pathlib import Path

import pytest

from screens.dialogs import ErrorDialog, HostKeyDialog, SecretDialog, TypedDialog
from tests.screens.pictures import compare, compare_both
from tests.screens.test_setup import STAGES, with_hosts
from tests.screens.walk import Walk, walk
from wizard.core.errors import HostKeyChangedError
from wizard.core.prompt import HostKeyQuestion, SecretKind, SecretQuestion
from wizard.practice.fault_switches import FaultSwitches


def test_every_screen_of_the_setup(tmp_path: Path) -> None:
    desk = with_hosts(tmp_path)
    desk.steady = True

    async def steps(person: Walk) -> None:
        person.app.go("discovery")
        await person.settle()
        for stage in STAGES:
            person.app.go(stage)
            await person.settle()
            await compare_both(person, stage)

    walk(tmp_path, steps, desk=desk)


def test_the_welcome_and_its_help(tmp_path: Path) -> None:
    async def steps(person: Walk) -> None:
        await compare_both(person, "welcome")
        await person.press("f1")
        await compare_both(person, "help")

    walk(tmp_path, steps)


def test_every_dialog(tmp_path: Path) -> None:
    error = HostKeyChangedError(
        "The host key of tower-b has changed.",
        where="tower-b (10.213.99.12)",
        why="It was SHA256:uXk39Qw, now it is SHA256:Zb1c44A: another machine answers, or it was reinstalled.",
        do="On its own console: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub",
    )
    dialogs = {
        "key": HostKeyDialog(HostKeyQuestion("tower-b", "10.213.99.12", "ssh-ed25519", "SHA256:Zb1c44A")),
        "secret": SecretDialog(SecretQuestion(SecretKind.SUDO, "pi", "Password of admin on pi")),
        "error": ErrorDialog(error),
        "typed": TypedDialog(
            "Wipe a disk?", "Samsung 980 PRO, S5GYNX0R412345A, 500 GB", word="S5GYNX0R", yes="Wipe"
        ),
    }

    async def steps(person: Walk) -> None:
        for name, dialog in dialogs.items():
            person.app.push_screen(dialog)  # type: ignore[call-overload] # each has its own kind of answer
            await person.settle()
            await compare_both(person, f"dialog-{name}")
            await person.press("escape")

    walk(tmp_path, steps)


def test_the_log_and_what_can_be_made_to_go_wrong(tmp_path: Path) -> None:
    desk = with_hosts(tmp_path)
    desk.faults = FaultSwitches(("clock-skewed",))

    async def steps(person: Walk) -> None:
        person.app.log_lines.add([f"14:0{minute}:07  tower-a  create VM etcd-a" for minute in range(5)])
        await person.press("f2")
        await compare_both(person, "log")
        await person.press("escape", "f9")
        await person.sees("host-killed")
        await compare_both(person, "faults")

    walk(tmp_path, steps, desk=desk)


@pytest.mark.parametrize("theme", ["wizard-contrast", "monochrome"])
def test_another_look(tmp_path: Path, theme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = with_hosts(tmp_path)
    desk.steady = True
    if theme == "monochrome":
        monkeypatch.setenv("NO_COLOR", "1")

    async def steps(person: Walk) -> None:
        if theme != "monochrome":
            person.app.theme = theme
        await person.settle()
        await person.still()
        compare(person.app, f"storage-{theme}")
        if theme == "monochrome":
            colours = {word for word in person.app.export_screenshot().split('"') if word.startswith("#")}
            shown = {c for c in colours if len(c) == 7 and c not in CHROME}
            assert all(c[1:3] == c[3:5] == c[5:7] for c in shown), "greys only"

    walk(tmp_path, steps, desk=desk, place="storage")


CHROME = {"#ff5f57", "#febc2e", "#28c840", "#c5c8c6"}
"""Colours of the window that an exported picture is drawn in."""
