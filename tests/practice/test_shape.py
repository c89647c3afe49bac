"""The comparison of shapes finds what matters and forgives what does not."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.recordings.cases import HOSTS
from tests.recordings.recording import RECORD, Recording, Said, gaps, load, load_all, recorded, save
from tests.recordings.shape import difference, facts_shape, line_shape, shape, type_of

FACTS = {host: load_all()[f"read-facts/marked.{host}"].said for host in HOSTS}


def differs(real: Said, played: Said, *, sections: bool = False, other_machine: bool = False) -> str:
    return difference(
        shape(real, sections=sections), shape(played, sections=sections), other_machine=other_machine
    )


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("", "<empty>"),
        ('""', "<empty>"),
        ("-1", "<number>"),
        ("12.5", "<number>"),
        ("yes", "<yes/no>"),
        ("5f0f1f9e-9b43-4df7-9a6c-1f4d4c9f2b10", "<id>"),
        ("48b29b13be0c30cf375b317141f651f6", "<id>"),
        ("2026-11-22 19:46:00 UTC", "<time>"),
        ("Debian GNU/Linux 13", "<text>"),
    ],
)
def test_types_of_values(value: str, kind: str) -> None:
    assert type_of(value) == kind


def test_words_stay_and_numbers_do_not() -> None:
    assert line_shape("have 595") == line_shape("have 1") == "have <number>"
    assert line_shape("done 0 64") != line_shape("running - 0")
    assert line_shape("serial=4") == "serial=<number>"


BUSY = Said(("lib/runlock",), {}, 75, "busy\nholder=anna@laptop\nsince=2026-11-22 19:46:00 UTC\n")


def test_other_values_are_the_same_shape() -> None:
    assert not differs(BUSY, replace(BUSY, stdout="busy\nholder=bert\nsince=2027-01-02 03:04:05 UTC\n"))


@pytest.mark.parametrize(
    ("changed", "seen"),
    [
        (replace(BUSY, exit_code=76), "-exit 75"),
        (replace(BUSY, stdout=BUSY.stdout.replace("holder=", "owner=")), "+stdout owner=<text>"),
        (replace(BUSY, stdout=BUSY.stdout.replace("busy", "taken")), "+stdout taken"),
        (replace(BUSY, stdout="busy\nholder=anna@laptop\n"), "-stdout since=<time>"),
        (
            replace(BUSY, stdout=BUSY.stdout.replace("2026-11-22 19:46:00 UTC", "17")),
            "+stdout since=<number>",
        ),
        (replace(BUSY, stdout=BUSY.stdout.rstrip()), "-stdout "),
        (replace(BUSY, stderr="sh: flock: not found\n"), "+stderr sh: flock: not found"),
    ],
)
def test_another_answer_is_found(changed: Said, seen: str) -> None:
    assert seen in differs(BUSY, changed).splitlines()


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize(
    ("old", "new", "seen"),
    [
        ("== statfs\n", "== stats\n", "-statfs:"),
        (r"\|epoch=", "|time=", "-begin: epoch=<number>"),
        (r"\|arch=x86_64", "|arch=", "+host: arch=<empty>"),
        (r"\|MemTotal:", "|Memory:", "-file /proc/meminfo: MemTotal: <number> kB"),
        ('"size":', '"bytes":', "-lsblk: .blockdevices.size int"),
        (r'"size": (\d+)', r'"size": "\1"', "+lsblk: .blockdevices.size str"),
        (r'"blockdevices": \[', '"blockdevices": ', "+lsblk: no JSON"),
        (r"\|lineage=", "|line=", "line=<id>"),
        ("== end", "== begin", "-end:"),
        (r"\|4096 ", "|4k ", "<number> <text>"),
        (r"\|awk\n", "|GNU awk\n", "+tools: more than a word: GNU awk"),
    ],
)
def test_another_fact_is_found(host: str, old: str, new: str, seen: str) -> None:
    real = FACTS[host]
    changed = replace(real, stdout=re.sub(old, new, real.stdout))
    assert changed != real
    assert seen in differs(real, changed, sections=True)


@pytest.mark.parametrize("host", HOSTS)
def test_a_section_that_is_missing_is_found(host: str) -> None:
    real = FACTS[host]
    for name in (line[3:] for line in real.stdout.splitlines() if line.startswith("== ")):
        if name.startswith("file /sys/block/loop"):
            continue
        without = real.stdout.replace(f"== {name}\n", "== gone\n")
        assert f"-{name}:" in differs(real, replace(real, stdout=without), sections=True)


def test_a_line_outside_every_section_is_found() -> None:
    real = FACTS["tower-b"]
    noisy = replace(real, stdout=f"Welcome to tower-b\n{real.stdout}")
    assert "+stray line Welcome to tower-b" in differs(real, noisy, sections=True)


def test_what_comes_from_the_machine_beneath_is_forgiven_only_to_another_lab() -> None:
    known = FACTS["tower-a"]
    # Whether the machine they were recorded on has these is its own matter.
    real = replace(known, stdout=known.stdout.replace("|kvm=1\n", "").replace("|cgroup2=1\n", ""))
    other = replace(real, stdout=real.stdout.replace("|dockerenv=1", "|dockerenv=1\n|kvm=1\n|cgroup2=1"))
    assert "kvm" in differs(real, other, sections=True)
    assert not differs(real, other, sections=True, other_machine=True)
    broken = replace(other, stdout=other.stdout.replace("== tools", "== programs"))
    assert "-tools:" in differs(real, broken, sections=True, other_machine=True)


def test_facts_are_the_same_in_another_order() -> None:
    parts = FACTS["pi"].stdout.split("== ")
    assert facts_shape("== ".join(["", *reversed(parts[1:])])) == facts_shape(FACTS["pi"].stdout)


def test_a_recording_is_read_as_it_was_written(tmp_path: Path) -> None:
    said = Said(("do/marker", "lib/start"), {"name": "home"}, 3, "a\n\n b", "c\n", 7)
    made = recorded("do/marker", "foreign", "pi", "pi", said)
    assert load(save(made, tmp_path)) == made
    assert load_all(tmp_path) == {"do-marker/foreign.pi": made}


def test_a_changed_new_or_removed_script_is_found_with_the_command_that_records() -> None:
    made = recorded("do/marker", "fresh", "pi", "pi", Said(("do/marker",), {}, 0, ""))
    assert list(gaps([made], list(made.digests))) == []
    old = replace(made, digests={**made.digests, "do/marker": "0" * 16})
    assert list(gaps([old], [])) == [f"do/marker was changed since it was recorded: {RECORD}"]
    assert list(gaps([made], ["do/new"])) == [f"do/new was never recorded: {RECORD}"]
    gone: Recording = replace(made, digests={**made.digests, "do/gone": "1" * 16})
    assert list(gaps([gone], [])) == [f"do/gone is recorded and gone: {RECORD}"]
