"""The facts script itself, run on this machine by every shell that is here."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from steps.parse.facts import parse_facts
from steps.parse.sections import split_sections
from wizard.core.host import script_text

SHELLS = [
    shell for shell in (["dash"], ["bash"], ["bash", "--posix"], ["busybox", "sh"]) if shutil.which(shell[0])
]
NEEDED = ("awk", "sed")
UNRAID_LACKS = ("systemctl", "python3", "apt-get", "jq")


def answer(shell: list[str], path: str | None = None) -> str:
    """What the script prints, given on stdin's side as our wire gives it: evaluated, with no stdin of its own."""
    env = {"PATH": path or os.environ["PATH"], "LC_ALL": "C"}
    done = subprocess.run(
        [shutil.which(shell[0]) or shell[0], *shell[1:], "-c", script_text("read/facts")],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=env,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_every_shell_gives_the_same_facts_of_this_machine(shell: list[str]) -> None:
    sent = time.time()
    facts = parse_facts("here", answer(shell), sent=sent, received=time.time())
    assert facts.arch == os.uname().machine
    assert facts.kernel == os.uname().release
    assert facts.page_size == os.sysconf("SC_PAGE_SIZE")
    assert facts.cpu.threads
    assert facts.memory.total == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert facts.privileges.uid == os.geteuid()
    assert {"awk", "sed"} <= facts.tools
    root = facts.filesystem("/")
    assert root is not None
    assert root.size == os.statvfs("/").f_blocks * os.statvfs("/").f_frsize
    assert facts.clock.offset == pytest.approx(0.0, abs=(facts.clock.uncertainty or 0.0) + 0.001)


def test_every_line_is_a_head_or_begins_with_a_bar() -> None:
    lines = answer(["sh"]).rstrip("\n").split("\n")
    assert lines[0] == "== begin"
    assert [line for line in lines if not line.startswith(("|", "== "))] == []
    heads = [line for line in lines if line.startswith("== ")]
    assert len(heads) == len(set(heads))
    assert heads[-1] == "== end"


def test_with_awk_and_sed_alone_it_still_tells_what_it_can(tmp_path: Path) -> None:
    """A shell builtin `command -v` finds only what lies in this folder: no lsblk, ip, ss, stat, date, timeout."""
    for name in NEEDED:
        (tmp_path / name).symlink_to(shutil.which(name) or "/missing")
    text = script_text("read/facts").replace("PATH=$PATH:/usr/local/sbin", "PATH=$PATH #")
    done = subprocess.run(
        ["/bin/sh", "-c", text],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PATH": str(tmp_path)},
    )
    facts = parse_facts("bare", done.stdout, sent=0.0, received=0.0)
    assert done.returncode == 0
    assert facts.tools == {"awk", "sed"}
    assert facts.cpu.threads
    assert facts.memory.total
    assert facts.clock.epoch is None
    assert any("lsblk is missing" in note for note in facts.notes)
    assert any("ip is missing" in note for note in facts.notes)
    sections = split_sections(done.stdout)
    assert "sysblock" in sections
    assert "file /proc/net/tcp" in sections


def test_tools_that_never_answer_do_not_hang_the_facts(tmp_path: Path) -> None:
    """They stand first on the PATH; asked side by side, both are given up after four seconds."""
    for name in ("ss", "lsblk"):
        tool = tmp_path / name
        tool.write_text("#!/bin/sh\nexec sleep 600\n")
        tool.chmod(0o755)
    began = time.monotonic()
    text = answer(["sh"], f"{tmp_path}:{os.environ['PATH']}")
    assert time.monotonic() - began < 30
    sections = split_sections(text)
    assert "sysblock" in sections
    assert parse_facts("here", text, sent=0.0, received=0.0).ports == ()
    assert "end" in sections


@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace to see every file that is opened")
def test_nothing_is_written_made_or_removed(tmp_path: Path) -> None:
    """Every system call that could change a file is recorded; only /dev/null and the terminal may be written."""
    trace = tmp_path / "trace"
    calls = "openat,open,creat,mkdir,mkdirat,unlink,unlinkat,rename,renameat,renameat2,link,symlink,symlinkat"
    calls += ",mknod,mknodat,chmod,fchmod,fchmodat,chown,fchownat,truncate,utimensat,mount,umount2"
    subprocess.run(
        [
            "strace",
            "-f",
            "-qq",
            "-o",
            str(trace),
            "-e",
            f"trace={calls}",
            "sh",
            "-c",
            script_text("read/facts"),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
        check=True,
    )
    seen = trace.read_text().splitlines()
    assert len(seen) > 100
    opened = [line for line in seen if "open" in line.split("(")[0]]
    writing = [
        line for line in opened if any(flag in line for flag in ("O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC"))
    ]
    assert [line for line in writing if '"/dev/null"' not in line and '"/dev/tty"' not in line] == []
    other = [line for line in seen if "open" not in line.split("(")[0] and " = 0" in line]
    assert other == []
