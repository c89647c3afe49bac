"""What a hypervisor says of its guests, taken apart; what is not understood is unknown, never an error."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from steps.parse.guest_details import (
    Boot,
    Folder,
    ImageFile,
    Neighbour,
    console_text,
    parse_boot,
    parse_guests,
)
from tests.steps.guests import LINEAGE, Said
from tests.steps.test_machines import plan_of
from wizard.core.text import printable

GIB = 1024**3


def test_a_whole_answer() -> None:
    said = Said(neighbours=["10.0.0.31 0x1 0x2 52:54:00:AA:bb:cc * br0"]).has(plan_of("etcd-a"))
    said.host["base"] = 147
    seen = parse_guests(said.text)
    assert seen.answers
    assert (seen.base, seen.free, seen.size, seen.mount) == (147, 5 * 10**8 * 1024, 10**9 * 1024, "/")
    domain = seen.domains["etcd-a"]
    assert (domain.state, domain.reason, domain.autostart) == ("running", "booted", True)
    assert (domain.memory, domain.cpus) == (2 * GIB, 2)
    assert seen.folders["etcd-a"] == Folder(
        "etcd-a",
        LINEAGE,
        booted=True,
        files=(ImageFile("system.qcow2", GIB, GIB), ImageFile("data.raw", 8 * GIB, 2 * GIB)),
    )
    assert seen.neighbours == (Neighbour("10.0.0.31", "52:54:00:aa:bb:cc"),)


def test_a_silent_libvirt_has_no_guests_but_words() -> None:
    text = "== domains\n|error: failed to connect to the hypervisor\n|:exit 1\n== end\n"
    seen = parse_guests(text)
    assert not seen.answers
    assert seen.names == frozenset()
    assert "failed to connect" in seen.complaint


@pytest.mark.parametrize(
    "xml",
    [
        "<domain><name>etcd-a</name>",
        "<!DOCTYPE d [<!ENTITY a 'b'>]><domain/>",
        "<domain><metadata><guest lineage='x'/></metadata></domain>",
        "",
    ],
)
def test_what_is_no_definition_of_ours_has_no_mark(xml: str) -> None:
    seen = parse_guests(f"== domains\n|etcd-a\n|:exit 0\n== guest etcd-a\n|shut off\n|{xml}\n== end\n")
    assert seen.domains["etcd-a"].mark is None
    assert seen.domains["etcd-a"].state == "shut off"


def test_console_lines_are_told_without_what_was_meant_for_a_terminal() -> None:
    said = Said(consoles={"etcd-a": "login: \x1b[31mfoo\x1b[0m\n\x1b[2J\n"}).has(plan_of("etcd-a"))
    assert parse_guests(said.text).domains["etcd-a"].console == ("login: foo",)
    assert console_text("a" * 1000) == "a" * 200


BOOTS = [
    ("== boot\n|cloud_init=none\n|system=running\n== end\n", Boot("none", "running"), True),
    (
        "== boot\n|cloud_init=running\n|system=starting\n|unit=a\n|unit=b\n== end\n",
        Boot("running", "starting", units=("a", "b")),
        False,
    ),
    ("== boot\n|cloud_init=done\n|system=starting\n== end\n", Boot("done", "starting"), False),
    (
        "== boot\n|cloud_init=failed\n|error=no network\n|system=degraded\n== end\n",
        Boot("failed", "degraded", errors=("no network",)),
        True,
    ),
]


@pytest.mark.parametrize(("text", "boot", "ended"), BOOTS)
def test_boots(text: str, boot: Boot, ended: bool) -> None:
    found = parse_boot(text)
    assert found == boot
    assert found is not None
    assert found.ended is ended


def test_half_an_answer_is_none() -> None:
    assert parse_boot("== boot\n|cloud_init=done\n") is None


@given(some.text())
def test_whatever_a_host_says_is_no_error(text: str) -> None:
    parse_guests(text)
    parse_boot(text)
    seen = parse_guests(f"== guest etcd-a\n|{text}\n== console etcd-a\n|{text}\n== folder x\n|{text}")
    last = seen.domains["etcd-a"].last_line
    assert printable(last) == last
