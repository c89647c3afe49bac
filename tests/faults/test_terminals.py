"""Rows 17 and 18: terminals of every kind and none, and locales without the letters we need."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.faults.site import APPLY, Site, plain
from tests.rows import CliRun, assert_explained, assert_tolerated
from wizard.core.errors import ExitCode

COMMANDS = (("plan",), APPLY, ("facts",), ("doctor",), ("plan",), ("state", "show"), ("doctor", "--short"))
"""A whole story: what is missing, bring it about, look at it."""

EXITS = (10, 0, 0, 0, 0, 0, 0)

TERMINALS = {
    "small": ((40, 10), {"TERM": "xterm"}),
    "tiny": ((20, 5), {"TERM": "xterm"}),
    "dumb": ((80, 24), {"TERM": "dumb"}),
    "no colour": ((80, 24), {"TERM": "xterm", "NO_COLOR": "1"}),
    "tmux": ((80, 24), {"TERM": "tmux-256color", "TMUX": "/tmp/tmux,1,0"}),
    "Windows Terminal": (
        (120, 30),
        {"TERM": "xterm-256color", "WT_SESSION": "x", "WSL_DISTRO_NAME": "Debian"},
    ),
    "no size": ((0, 0), {"TERM": "xterm"}),
}


@pytest.mark.row("A", 17)
@pytest.mark.parametrize("kind", TERMINALS)
def test_row_a17_any_terminal(site: Site, kind: str) -> None:
    size, env = TERMINALS[kind]
    run = site.at_terminal(*APPLY, size=size, **env).read_all()
    assert_tolerated(run)
    assert plain(run.stdout)
    assert "marker on tower-a" in " ".join(run.stdout.split())
    refused = site.at_terminal("plan", "-f", "absent.yaml", size=size, **env).read_all()
    assert refused.exit_code == ExitCode.BAD_SPEC
    words = " ".join(refused.stdout.split())
    for part in ("There is no spec here.", "where", "why", "do", "wizard example > absent.yaml", "again"):
        assert part in words, "what is too wide is wrapped, not cut"


@pytest.mark.row("A", 17)
def test_row_a17_help_fits_a_tiny_terminal(site: Site) -> None:
    for command in (("--help",), ("doctor", "--help")):
        run = site.at_terminal(*command, size=(20, 5), COLUMNS="20").read_all()
        assert_tolerated(run, shows=["--help"])


@pytest.mark.row("A", 17)
def test_row_a17_resize_storm_at_the_question(site: Site) -> None:
    terminal = site.at_terminal("apply", "--plain")
    terminal.read_until("(yes/no) ")
    for columns in range(10, 200, 10):
        terminal.resize(columns, columns // 4)
    terminal.type("yes\n")
    assert_tolerated(terminal.read_all(), shows=["done: 3 changes"])


@pytest.mark.row("A", 17)
def test_row_a17_not_a_terminal(site: Site) -> None:
    before = site.world.ran()
    run = site.whole("apply")
    assert_explained(
        run,
        exit_code=ExitCode.BAD_SPEC,
        says=["Nobody can be asked"],
        do="wizard apply --plain --yes",
        unchanged=site.world.ran,
        before=before,
    )
    for command, code in zip(COMMANDS, EXITS, strict=True):
        run = site.whole(*command, TERM="xterm")
        assert_tolerated(run, exit_code=ExitCode(code))
        assert plain(run.stdout + run.stderr)


@pytest.mark.row("A", 17)
@pytest.mark.parametrize("command", [("plan",), APPLY, ("doctor",), ("example",)])
def test_row_a17_a_reader_who_has_seen_enough(site: Site, command: tuple[str, ...]) -> None:
    """`wizard ... | head -1`: no word about pipes; an apply goes on to its end."""
    writing, reading = os.pipe()[::-1]
    process = subprocess.Popen(
        site.command(*command),
        stdin=subprocess.DEVNULL,
        stdout=writing,
        stderr=subprocess.PIPE,
        env=site.env(),
    )
    site.started.append(process)
    os.close(writing)
    os.close(reading)
    _, err = process.communicate(timeout=30)
    run = CliRun(process.returncode, "", err.decode())
    assert "pipe" not in run.stderr.lower()
    if command == APPLY:
        assert_tolerated(run)
        site.nothing_left()
    else:
        assert_tolerated(run, exit_code=ExitCode(run.exit_code))


@pytest.mark.row("A", 17)
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_row_a17_streams_that_are_closed_from_the_start(site: Site, closed: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", *site.command(*APPLY)],
        env=site.env(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert_tolerated(CliRun(done.returncode, done.stdout, done.stderr))
    site.nothing_left()


LOCALES = {
    "POSIX": {"LC_ALL": "POSIX"},
    "C without UTF-8 mode": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "latin-1": {"PYTHONIOENCODING": "latin-1:strict"},
}


@pytest.mark.row("A", 18)
@pytest.mark.parametrize("name", LOCALES)
def test_row_a18_any_locale(site: Site, name: str) -> None:
    """Names from the spec and from hosts hold letters that the terminal may not have."""
    backup = 'backup: {target: "/srv/Küche-漢字-🙂", schedule: "@daily", keep: 3}'
    text = site.spec.read_text().replace(
        "address: 10.213.99.13}", 'address: 10.213.99.13, circuit: "Küche 漢字"}'
    )
    site.spec.write_text(f"{text}{backup}\n")
    env = LOCALES[name]
    for command, code in ((APPLY, 0), (("doctor",), 0), (("facts", "--json"), 0)):
        run = _bytes(site, command, env)
        assert_tolerated(run, exit_code=ExitCode(code))
        assert plain(run.stdout)
    refused = _bytes(site, ("plan", "-f", "Küche/漢字.yaml"), env)
    assert_explained(refused, exit_code=ExitCode.BAD_SPEC, do="wizard example >")


def _bytes(site: Site, command: tuple[str, ...], env: dict[str, str]) -> CliRun:
    """A run whose output need not be UTF-8."""
    clean = {key: value for key, value in site.env().items() if not key.startswith("LC_") and key != "LANG"}
    done = subprocess.run(
        site.command(*command),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
        env=clean | env,
    )
    encoding = "latin-1" if "latin-1" in env.get("PYTHONIOENCODING", "") else "utf-8"
    return CliRun(done.returncode, done.stdout.decode(encoding), done.stderr.decode(encoding))


@pytest.mark.row("A", 18)
def test_row_a18_a_file_name_that_is_no_text(site: Site) -> None:
    name = os.fsdecode(b"clust\xff\x1b[2Jer.yaml")
    (site.home / name).write_bytes(site.spec.read_bytes().replace(b"name: loop", b"name: no such\x1b name"))
    for command in (("plan", "-f", name), ("check", "-f", name)):
        run = site.whole(*command)
        assert plain(run.stdout + run.stderr)
        assert run.exit_code == ExitCode.BAD_SPEC
    assert_explained(site.whole("plan", "-f", name), exit_code=ExitCode.BAD_SPEC, do="wizard check -f")
    run = site.whole("plan", "--dir", os.fsdecode(b"fold\xffer"))
    assert_tolerated(run, exit_code=ExitCode.PLAN_CHANGES)


@pytest.mark.row("A", 18)
@pytest.mark.parametrize("char", ["\u202e", "\u2066", "\u200b", "\u200d", "\ufeff", "\u0007"])
def test_row_a18_characters_that_draw_nothing_in_a_name(site: Site, char: str) -> None:
    site.spec.write_text(site.spec.read_text().replace("name: loop", f'name: "lo{char}op"'))
    run = site.run("plan")
    assert_explained(
        run, exit_code=ExitCode.BAD_SPEC, says=["line 2", f"U+{ord(char):04X}"], do="wizard check"
    )
    assert char not in run.stderr
    assert not site.world.happened


@pytest.mark.row("A", 18)
def test_row_a18_one_spelling_of_a_letter(site: Site) -> None:
    """`u` with a combining diaeresis and the letter with its own code are one answer, not a changed one."""
    letters = {"one": "K\u00fcche", "two": "Ku\u0308che"}
    text = site.spec.read_text()
    for name, circuit in letters.items():
        site.spec.write_text(
            text.replace("address: 10.213.99.13}", f'address: 10.213.99.13, circuit: "{circuit}"}}')
        )
        if name == "one":
            site.applied()
    run = site.run("plan")
    assert_tolerated(run, shows=["Nothing to do."])
    assert "circuit" not in run.stdout


@pytest.mark.row("A", 18)
def test_row_a18_an_answer_that_is_no_text(site: Site) -> None:
    terminal = site.at_terminal("apply", "--plain")
    terminal.read_until("(yes/no) ")
    os.write(terminal.near, b"\xff\xfeyes\n")
    assert_explained(terminal.read_all(), exit_code=ExitCode.CANCELLED)
    assert not any(site.world.ran().values())
