"""What stays the same from host to host in an answer: exit code, sections, keys, types, the grammar of lines."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterator, Mapping

from tests.recordings.recording import Said
from wizard.practice.k3s_read import SHOWN

_ID = re.compile(r"(?=.*[0-9])[0-9a-f]{8}-?[0-9a-f]{4}[0-9a-f-]{12,}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}( UTC)?")
_PAIR = re.compile(r'([A-Za-z_][\w()-]*)=(".*"|.*)')
_POSITION = re.compile(r"/run/wizard/op\.\S+/program: (line )?[0-9]+: ")
"""Where a shell says its error is: which file, which line of it."""

_MEMBER = re.compile(r"\b(?=[a-f]*[0-9])[0-9a-f]{13,16}\b")
"""The id of a member of etcd, without leading noughts."""

_STAMP = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_STORE = re.compile(r"ssh://[^\s:]+:[0-9]+")
"""When a backup was made, and where it went to."""

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")

MACHINE = (
    "file /sys/fs/cgroup/", "file /proc/cgroups", "file /proc/mdstat", "file /sys/class/dmi/", "file /run/systemd/",
    "file /sys/block/", "file /etc/ufw/", "file /etc/libvirt/", "nft", "host: kvm=", "host: cgroup2=", "host: model=",
    "host: timesyncd_synchronised=", "host: containerenv=", "file /proc/cpuinfo: ", "nics: ", "ports: ", "addresses: ",
    "before: module_",
    "docker: :container", "libvirt: <text>",
)  # fmt: skip
"""Beginnings of what a lab host has from the machine it runs on, or from what was started in it: such lines may come
and go between two recordings."""


def type_of(value: str) -> str:
    """The type of a value: `<number>`, `<yes/no>`, `<id>`, `<time>`, `<empty>` or `<text>`.

    Args:
        value: with or without quotes around it.
    """
    bare = value.strip().strip('"')
    kinds = (
        ("<empty>", not bare),
        ("<number>", _NUMBER.fullmatch(bare)),
        ("<yes/no>", bare in {"yes", "no", "true", "false"}),
        ("<id>", _ID.fullmatch(bare)),
        ("<time>", _TIME.fullmatch(bare)),
    )
    return next((kind for kind, fits in kinds if fits), "<text>")


def line_shape(line: str) -> str:
    """A line with every value replaced by its type; the words of a sentence stay."""
    line = _POSITION.sub("", line)
    pair = _PAIR.fullmatch(line)
    if pair:
        return f"{pair[1]}={type_of(pair[2])}"
    line = _STORE.sub("<store>", _STAMP.sub("<time>", _MEMBER.sub("<id>", line)))
    return re.sub(r"(?<![\w.-])[+-]?[0-9]+(\.[0-9]+)?(?![\w.-])", "<number>", line)


def shape(said: Said, *, sections: bool = False, tool: bool = False) -> list[str]:
    """An answer as the lines that must be the same on the simulated host and on the real one.

    Args:
        said: the answer.
        sections: it is made of sections, in whatever order.
        tool: a tool's own words stand before our last line: what it says is its own business.
    """
    lines = [f"exit {said.exit_code}"]
    if tool:
        last = said.stdout.rstrip("\n").rpartition("\n")[2]
        return [*lines, f"last {line_shape(last)}"]
    if sections:
        lines += facts_shape(said.stdout)
    else:
        lines += [f"stdout {line_shape(line)}" for line in said.stdout.split("\n")]
    return lines + [f"stderr {line_shape(line)}" for line in said.stderr.split("\n")]


def facts_shape(text: str) -> list[str]:
    """The sections of a facts answer, sorted, each with the sorted shapes of its lines."""
    sections: dict[str, list[str]] = {}
    stray: list[str] = []
    current = stray
    for line in text.split("\n"):
        if line.startswith("== "):
            current = sections.setdefault(line[3:], [])
        elif line.startswith("|"):
            current.append(line[1:])
        elif line:
            stray.append(f"stray line {line_shape(line)}")
    found = {f"{name}:" for name in sections} | set(stray)
    for name, rows in sections.items():
        if name not in _OF_THE_MOMENT:
            found |= {f"{name}: {row}" for row in _rows(name, rows)}
    return sorted(re.sub(r"loop[0-9]+", "loopN", line) for line in found)


def _rows(name: str, rows: list[str]) -> Iterator[str]:
    if name in ("lsblk", "status", "members"):
        try:
            yield from _json_shape(json.loads("\n".join(rows)), "")
        except json.JSONDecodeError:
            yield "no JSON"
        return
    kind = _KINDS.get(name.partition(" ")[0], line_shape)
    shape_of = _SECTIONS.get(name, kind)
    yield from (shaped for row in rows if row.strip() and (shaped := shape_of(row)))


def _json_shape(value: object, path: str) -> Iterator[str]:
    """The paths of a document with their types; what is null somewhere says nothing."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _json_shape(inner, path if key == "children" else f"{path}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from _json_shape(inner, path)
    elif value is not None:
        yield f"{path} {type(value).__name__}"


def _nic(row: str) -> str:
    """An interface's keys; the flags at the end are of its kind."""
    return " ".join(word.partition("=")[0] for word in row.split()[1:6])


def _columns(row: str) -> str:
    return " ".join(type_of(word) for word in row.split())


def _count(row: str) -> str:
    return f"{len(row.split())} columns"


def _first_word(row: str) -> str:
    return row.split(maxsplit=1)[0]


def _a_word(row: str) -> str:
    return "<text>" if len(row.split()) == 1 else f"more than a word: {row}"


def _address(row: str) -> str:
    """`2: eth0    inet 10.0.0.5/24 ...`"""
    return "<number>: <text> " + " ".join(row.split()[2:3])


def _told(row: str) -> str:
    """A driver's or program's own words: only our marks and the label before a colon count."""
    if row.startswith(":"):
        return row.split(maxsplit=1)[0]
    return f"{row.partition(':')[0]}:" if ":" in row else "<text>"


def _file_shape(row: str) -> str:
    """`KEY=value`, `Key:  value`, or columns of which only the types count."""
    pair = re.fullmatch(r"([\w .()-]+?)\s*:\s*(.*)", row)
    if "=" in row.split(" ", 1)[0]:
        return line_shape(row)
    return f"{pair[1]}: {_unit(pair[2])}" if pair else _columns(row)


def _unit(value: str) -> str:
    return "<number> kB" if re.fullmatch(r"[0-9]+ kB", value) else type_of(value)


def _definition(row: str) -> str:
    """Of a definition as libvirt prints it only our mark counts, and that it is whole; the state stands before it."""
    if not row.lstrip().startswith("<"):
        return row.strip()
    if "lineage=" in row:
        return "our mark"
    return "whole" if row.rstrip().endswith("</domain>") else ""


def _listed_file(row: str) -> str:
    """`file=NAME SIZE BLOCKS`, or a key and its value."""
    return " ".join(row.split()[:1]) if row.startswith("file=") else line_shape(row)


def _kept_file(row: str) -> str:
    """`DIGEST MODE OWNER PATH`"""
    return " ".join(row.split()[1:])


def _metric(row: str) -> str:
    return re.split(r"[{ ]", row)[0]


def _pem_or_config(row: str) -> str:
    """A line of a certificate is text; of a configuration the keys count."""
    return "<text>" if ":" not in row else _file_shape(row)


_OF_THE_MOMENT = ("neighbours", "log")
"""Sections that say what happened around the host, not what it is."""

_KINDS: Mapping[str, Callable[[str], str]] = {
    "file": _file_shape,
    "guest": _definition,
    "folder": _listed_file,
}
"""By the first word of a section's name."""

_SECTIONS: Mapping[str, Callable[[str], str]] = {
    "nics": _nic,
    "addresses": _address,
    "statfs": _columns,
    "services": _first_word,
    "tools": _a_word,
    "ports": _first_word,
    "libvirt": _told,
    "docker": _told,
    "files": _kept_file,
    "metrics": _metric,
    "backups": _columns,
    "keys": _columns,
    "errors": _told,
    "file /etc/etcd/etcd.yml": _pem_or_config,
    "file /run/etcd/etcd.yml": _pem_or_config,
    **{f"file /etc/etcd/pki/{name}.crt": _pem_or_config for name in ("ca", "member", "doctor")},
    "file /run/homelab-k3s/config.yaml": _pem_or_config,
    **{f"file {path}": _pem_or_config for path in SHOWN},
    "nft": _first_word,
    "chronyc": _told,
    "ntpq": _told,
    "vcgencmd": line_shape,
    "file /etc/resolv.conf": _first_word,
    "file /etc/os-release": lambda row: "NAME=<text>",
    "file /proc/mounts": _count,
    "file /proc/net/route": _count,
}
"""How the lines of a section are read where a key and a value is not what they are."""


def difference(expected: list[str], found: list[str], *, other_machine: bool = False) -> str:
    """What differs between two shapes as a readable diff; empty where they agree.

    Args:
        expected: of the committed recording.
        found: of the new answer.
        other_machine: the new answer may come from a lab on another machine (see `MACHINE`).
    """
    if other_machine:
        expected, found = _of_the_host(expected), _of_the_host(found)
    lines = difflib.unified_diff(expected, found, "recorded", "answered now", n=1, lineterm="")
    return "\n".join(lines)


def _of_the_host(lines: list[str]) -> list[str]:
    return [line for line in lines if not line.startswith(MACHINE)]
