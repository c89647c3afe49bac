"""What runs inside the host: libvirt's guests and docker's containers."""

from __future__ import annotations

import re
from collections import Counter

from steps.parse.sections import Sections
from steps.parse.services import is_running
from steps.parse.values import first_json, mapping, pairs, word
from wizard.core.dataclass import dataclass
from wizard.core.facts import Container, Docker, Guest, Libvirt

_STATES = ("no state", "running", "idle", "paused", "in shutdown", "shut off", "crashed", "pmsuspended")
"""Every state `virsh list` prints."""

_KILLED = 137
"""Exit code of a command that `timeout -s KILL` ended."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one libvirt driver said."""

    driver: str
    lines: tuple[str, ...]
    exit_code: int


def libvirt(sections: Sections) -> Libvirt:
    """Libvirt with its guests; of a sleeping or unwilling libvirt the definitions on disk are told."""
    tools = set(sections.lines("tools"))
    installed = bool(tools & {"virsh", "libvirtd", "virtqemud"})
    answers = _answers(sections.lines("libvirt"))
    good = [answer for answer in answers if answer.exit_code == 0]
    owners = _owners(sections)
    guests = [guest for answer in good for guest in _guests(answer, owners)]
    known = {(guest.driver, guest.name) for guest in guests}
    guests += [guest for guest in _defined(sections, owners) if (guest.driver, guest.name) not in known]
    return Libvirt(
        installed=installed,
        running=is_running(sections, "libvirtd"),
        answers=bool(good) if answers else None,
        wakes="libvirt_socket" in pairs(sections.lines("host")),
        version=_version(good),
        drivers=tuple(answer.driver for answer in good),
        guests=tuple(guests),
        note="" if good or not answers else _complaint(answers),
    )


def _answers(lines: tuple[str, ...]) -> list[_Answer]:
    found: list[_Answer] = []
    driver, told = "", list[str]()
    for line in lines:
        if line.startswith(":driver "):
            driver, told = line.removeprefix(":driver ").partition(":")[0], []
        elif line.startswith(":exit "):
            code = line.removeprefix(":exit ").strip()
            found.append(_Answer(driver, tuple(told), int(code) if code in ("0", "1", "137") else 1))
        else:
            told.append(line)
    return found


def _guests(answer: _Answer, owners: dict[tuple[str, str], str]) -> list[Guest]:
    """All guests are listed first, then once more those that start by themselves."""
    rows = [row for line in answer.lines if (row := _guest_row(line))]
    times = Counter(name for name, _ in rows)
    return [
        Guest(name, state, times[name] > 1, answer.driver, owners.get((answer.driver, name), ""))
        for name, state in dict(rows).items()
    ]


def _guest_row(line: str) -> tuple[str, str] | None:
    match = re.fullmatch(rf" *(?:-|[0-9]+) +(\S.*?) +({'|'.join(_STATES)})\s*", line)
    return (match[1], match[2]) if match else None


def _version(answers: list[_Answer]) -> str:
    text = "\n".join(line for answer in answers for line in answer.lines)
    found = re.search(r"Using library: libvirt ([0-9.]{1,20})", text)
    return found[1] if found else ""


def _complaint(answers: list[_Answer]) -> str:
    worst = answers[0]
    if worst.exit_code == _KILLED:
        return "did not answer within 4 seconds"
    return " ".join(line.strip() for line in worst.lines if line.strip())[:300] or "said nothing"


def _definitions(sections: Sections) -> list[tuple[str, str, str]]:
    """(driver, guest, lineage of its owner) of every definition on disk."""
    found = []
    for path, lines in sections.files("/etc/libvirt/"):
        driver = path.removeprefix("/etc/libvirt/").partition("/")[0]
        text = "\n".join(lines)
        name = re.search(r"<name>([^<]+)</name>", text)
        owner = re.search(r"lineage=['\"]([0-9a-fA-F-]{8,64})['\"]", text)
        if name:
            found.append((driver, name[1], owner[1] if owner else ""))
    return found


def _owners(sections: Sections) -> dict[tuple[str, str], str]:
    return {(driver, name): owner for driver, name, owner in _definitions(sections)}


def _defined(sections: Sections, owners: dict[tuple[str, str], str]) -> list[Guest]:
    links = {line for line in sections.lines("services") if line.startswith("autostart ")}
    return [
        Guest(name, "defined", _autostart_link(driver, name) in links, driver, owners[driver, name])
        for driver, name, _ in _definitions(sections)
    ]


def _autostart_link(driver: str, name: str) -> str:
    return f"autostart /etc/libvirt/{driver}/autostart/{name}.xml"


def docker(sections: Sections) -> Docker:
    """Docker with its containers."""
    lines = sections.lines("docker")
    code = next((line.removeprefix(":exit ") for line in lines if line.startswith(":exit ")), None)
    complaint = " ".join(line.strip() for line in lines if not line.startswith(":"))[:300]
    return Docker(
        installed=bool(set(sections.lines("tools")) & {"docker", "dockerd"}),
        running=is_running(sections, "docker"),
        answers=None if code is None else code == "0",
        version=_docker_version(lines),
        containers=tuple(container for line in lines if (container := _container(line))),
        note="" if code in (None, "0") else complaint or "did not answer within 4 seconds",
    )


def _docker_version(lines: tuple[str, ...]) -> str:
    """Out of the daemon's own JSON (by curl) or the client's one line."""
    for line in lines:
        if line.startswith(":server "):
            return line.removeprefix(":server ").strip()
        if line.startswith(":version "):
            return word(mapping(first_json(line)).get("Version"))
    return ""


def _container(line: str) -> Container | None:
    sign, *cells = line.split(" ")
    if sign != ":container" or len(cells) < len(Container.__slots__):
        return None
    name, image, *state = cells
    return Container(name.partition(",")[0], image, " ".join(state))
