"""What `wizard facts` prints."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.facts.build import facts, pi_facts, unraid_facts
from wizard.core.errors import UnreachableError
from wizard.core.facts import Clock, Container, Docker, Guest, Libvirt, Marker, Pi, Pool, Port
from wizard.front.facts import Answers, facts_json, facts_text

GONE = UnreachableError(
    "pi does not answer.", where="pi (10.0.0.13)", why="timed out", do=("ping 10.0.0.13",)
)


def everything() -> Answers:
    unraid = unraid_facts().unraid
    assert unraid is not None
    return {
        "tower-a": facts(marker=Marker("home", "l", 12), ports=(Port("tcp", "0.0.0.0", 22, "sshd"),)),
        "tower-b": unraid_facts(
            unraid=replace(unraid, pools=(Pool("cache", "btrfs", 10**12, 8 * 10**11, True), Pool("old"))),
            libvirt=Libvirt(
                True, True, True, True, "12.2.0", ("qemu",), (Guest("etcd-b", "running", True, "qemu"),)
            ),
            docker=Docker(True, True, True, "29.5.3", (Container("pihole", "p", "running"),)),
        ),
        "pi": pi_facts(pi=Pi("Raspberry Pi 5", 0x50000, ("under-voltage has occurred",))),
        "gone": GONE,
    }


def test_every_host_has_a_block_of_at_most_80_columns() -> None:
    text = facts_text(everything())
    assert max(len(line) for line in text.splitlines()) <= 80
    assert text.startswith("tower-a ")
    for word in ("tower-b ", "pi ", "gone\n"):
        assert f"\n{word}" in text


@pytest.mark.parametrize(
    "words",
    [
        "Samsung SSD 870 EVO 500GB",
        "serial S62ANJ0R123456",
        "serial 22301L800123, empty",
        "ext4 on /",
        "over eno1",
        "22/tcp sshd",
        "cluster home, run 12",
        "etcd-b  qemu  running  starts by itself",
        "pihole (running)",
        "pool cache: 800 GB of 1.0 TB free",
        "pool old: not mounted",
        "under-voltage has occurred",
        "kept by systemd-timesyncd",
        "SD mmc",
    ],
)
def test_the_text_says(words: str) -> None:
    assert words in facts_text(everything())


def test_an_error_is_told_in_its_five_parts() -> None:
    block = facts_text({"pi": GONE})
    for part in ("pi does not answer.", "where", "timed out", "ping 10.0.0.13", "again"):
        assert part in block


@pytest.mark.parametrize(
    ("clock", "words"),
    [
        (Clock(1.0, 0.01, 0.02, True, "chrony"), "same time as this machine (+-20 ms), kept by chrony"),
        (Clock(1.0, -7200.0, 0.02, False, "ntpd"), "2 hours behind this machine (+-20 ms), ntpd runs, not"),
        (Clock(1.0, 3.5, 0.02, None, "chrony"), "3.50 s ahead of this machine"),
        (Clock(None, None, None, False, ""), "clock unknown, kept by nobody"),
    ],
)
def test_the_clock_in_words(clock: Clock, words: str) -> None:
    assert words in " ".join(facts_text({"a": facts(clock=clock)}).split())


def test_nothing_known_still_prints_a_block() -> None:
    from wizard.core.facts import HostFacts

    text = facts_text({"bare": HostFacts("bare")})
    assert "unknown processor" in text
    assert "none seen" in text
    assert "no default route" in text


def test_the_json_document() -> None:
    document = json.loads(json.dumps(facts_json("home", everything())))
    assert (document["schema"], document["cluster"]) == (1, "home")
    assert list(document["hosts"]) == ["tower-a", "tower-b", "pi", "gone"]
    first = document["hosts"]["tower-a"]
    assert first["disks"][0]["serial"] == "S62ANJ0R123456"
    assert first["tools"] == sorted(first["tools"])
    assert first["marker"] == {"name": "home", "lineage": "l", "serial": 12}
    assert document["hosts"]["gone"] == {
        "error": {
            "what": "pi does not answer.",
            "where": "pi (10.0.0.13)",
            "why": "timed out",
            "do": ["ping 10.0.0.13"],
            "again": GONE.again,
        }
    }
