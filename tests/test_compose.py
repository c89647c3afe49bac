"""What is asked of the hosts while the rest of a command is still being loaded."""

from __future__ import annotations

from argparse import Namespace

import pytest

from tests.facts.build import spec
from wizard.compose import _asked_anyway

EVERY = ["tower-a", "tower-b", "pi"]


@pytest.mark.parametrize("command", ["plan", "apply", "doctor", "storage", "layout", "prove", "witness"])
def test_a_command_that_looks_at_every_host_asks_all_of_them_ahead(command: str) -> None:
    assert _asked_anyway(Namespace(command=command, list=False), spec()) == EVERY


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (Namespace(command="facts", host=[]), EVERY),
        (Namespace(command="facts", host=["pi", "pi"]), ["pi"]),
        (Namespace(command="facts", host=["nas"]), []),
        (Namespace(command="doctor", list=True), []),
        (Namespace(command="state show"), []),
    ],
)
def test_nobody_is_asked_by_a_command_that_may_yet_be_refused_or_looks_at_nobody(
    options: Namespace, names: list[str]
) -> None:
    assert _asked_anyway(options, spec()) == names
