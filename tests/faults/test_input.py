"""Rows 19 to 25: what a person writes into the spec, and what is set on their machine."""

from __future__ import annotations

import json
import time

import pytest

from tests.faults.site import APPLY, Site
from tests.rows import CliRun, assert_explained, assert_found, assert_tolerated
from wizard.core.errors import ExitCode


def refused(site: Site, text: str | bytes, *says: str) -> None:
    """A spec with this text stops every command before a host is asked; `check --json` names a line."""
    site.spec.write_bytes(text if isinstance(text, bytes) else text.encode())
    for command in (("plan",), APPLY, ("facts",)):
        run = site.run(*command)
        assert_explained(run, exit_code=ExitCode.BAD_SPEC, says=says, do=f"wizard check -f {site.spec.name}")
        assert run.stdout == ""
    assert not site.world.happened
    assert not site.cluster.folder.exists()
    check = site.run("check", "--json")
    assert check.exit_code == ExitCode.BAD_SPEC
    assert all(problem["line"] for problem in json.loads(check.stdout)["problems"])


@pytest.mark.row("A", 19)
def test_row_a19_alias_bomb(site: Site) -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n"
        for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )
    began = time.monotonic()
    refused(site, bomb, "line 1", "line 2", "*a repeats")
    assert time.monotonic() - began < 20, (
        "nothing was expanded: 9 to the 9th power takes minutes and all memory"
    )


@pytest.mark.row("A", 19)
def test_row_a19_more_than_a_mebibyte(site: Site) -> None:
    site.spec.write_bytes(b"#" * (1 << 20) + b"\n" + site.spec.read_bytes())
    run = site.run("plan")
    assert_explained(run, exit_code=ExitCode.BAD_SPEC, says=["1,048,576"], do="head -c 300 cluster.yaml")


@pytest.mark.row("A", 20)
@pytest.mark.parametrize("opening", ["[", "{a: "])
def test_row_a20_five_thousand_brackets(site: Site, opening: str) -> None:
    refused(site, f"name: loop\nhosts:\n  {opening * 5000}", "line 3", "Too deeply nested")


@pytest.mark.row("A", 21)
def test_row_a21_a_key_twice(site: Site) -> None:
    text = site.spec.read_text().replace("  domain: home.arpa\n", "  domain: home.arpa\n  domain: lan\n")
    line = text.splitlines().index("  domain: lan") + 1
    refused(site, text, f"line {line}", f"line {line - 1}", "network.domain")


@pytest.mark.row("A", 22)
@pytest.mark.parametrize(
    ("old", "new", "reading"),
    [
        ("name: loop", "name: no", "false"),
        ("name: loop", "name: 1.20", "1.2"),
        ("name: loop", "name: 22:30", "1350"),
        ("name: loop", "name: 017", "15"),
        ("version: 3.6.14", "version: 3.6", "3.6"),
    ],
)
def test_row_a22_yaml_takes_text_for_something_else(site: Site, old: str, new: str, reading: str) -> None:
    value = new.partition(": ")[2]
    text = site.spec.read_text().replace(old, new)
    line = next(number for number, row in enumerate(text.splitlines(), 1) if new in row)
    refused(site, text, f"line {line}", f'quote it: "{value}"', f"reads {reading}")


@pytest.mark.row("A", 22)
@pytest.mark.parametrize("port", ["017", "0x16", "2_2", "22:0"])
def test_row_a22_a_number_is_plain_digits(site: Site, port: str) -> None:
    text = site.spec.read_text().replace("address: 10.213.99.13}", f"address: 10.213.99.13, port: {port}}}")
    refused(site, text, "hosts[2].port", port)


@pytest.mark.row("A", 23)
@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (b"  gateway", b"\tgateway", "tab"),
        (b"name: loop", b"name: lo\0op", "NUL"),
        (b"name: loop", b"name: !!python/object/apply:os.system ['touch /tmp/owned']", "tag"),
        (b"name: loop", b"name: l\xf6\xf6p", "0xf6"),
        (b"name: loop", b"name: &x loop", "&x"),
    ],
    ids=["tab", "NUL", "python object", "not UTF-8", "anchor"],
)
def test_row_a23_the_line_is_named(site: Site, old: bytes, new: bytes, says: str) -> None:
    raw = site.spec.read_bytes().replace(old, new)
    line = raw[: raw.index(new)].count(b"\n") + 1
    refused(site, raw, f"line {line}", says)


@pytest.mark.row("A", 23)
@pytest.mark.parametrize("bend", ["line ends", "byte order mark"])
def test_row_a23_a_windows_editor_is_tolerated(site: Site, bend: str) -> None:
    text = site.spec.read_text()
    site.spec.write_bytes(
        text.replace("\n", "\r\n").encode() if bend == "line ends" else text.encode("utf-8-sig")
    )
    assert_tolerated(site.run("check"), shows=["can be used, with 1 warning"])
    assert_tolerated(site.run("plan"), exit_code=ExitCode.PLAN_CHANGES)


@pytest.mark.row("A", 24)
@pytest.mark.parametrize(("skew", "status"), [(3600.0, "fail"), (-86400.0, "fail"), (20.0, "warn")])
def test_row_a24_the_operators_clock_is_wrong(site: Site, skew: float, status: str) -> None:
    """All hosts agree with each other: it is this machine that is off, and the middle of all that says so."""
    site.applied()
    site.skews = dict.fromkeys(("tower-a", "tower-b", "pi"), skew)
    assert_found(
        site.run("doctor", "--json"),
        "discover.clocks",
        says=["this machine is off by", "tower-a", "pi"],
        fix="sudo timedatectl set-ntp true",
        status=status,
    )
    text = site.run("doctor", "--short")
    assert "The clock of this machine is off by" in text.stdout
    assert text.exit_code == (ExitCode.FAILED if status == "fail" else ExitCode.OK)


@pytest.mark.row("A", 24)
def test_row_a24_one_hosts_clock_is_wrong(site: Site) -> None:
    site.applied()
    site.skews = {"pi": -4e8}
    found = _doctor(site)
    assert_found(
        found, "discover.clocks", says=["pi is off by", "no clock of its own"], fix="ssh ", status="fail"
    )
    assert "this machine is off" not in found.stdout


def _doctor(site: Site) -> CliRun:
    return site.run("doctor", "--json")


@pytest.mark.row("A", 25)
@pytest.mark.parametrize("variable", ["https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy"])
def test_row_a25_a_proxy_swallows_the_lan(site: Site, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    site.applied()
    monkeypatch.setenv(variable, "http://anna:hunter2@proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "localhost,10.213.99.11")
    run = _doctor(site)
    found = assert_found(
        run,
        "here.proxy",
        says=["10.213.99.12", "10.213.99.13", "10.42.0.0/16", "10.43.0.0/16", f"{variable} is"],
        fix="export NO_PROXY=localhost,10.213.99.11,10.213.99.12",
        status="warn",
    )
    assert "hunter2" not in run.stdout
    name, _, value = found["fix"].removeprefix("export ").partition("=")
    monkeypatch.setenv(name, value)
    assert json.loads(_doctor(site).stdout)["verdict"] == "ok", "the command that was named mends it"


@pytest.mark.row("A", 25)
def test_row_a25_the_lower_case_variable_wins_and_is_the_one_named(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.applied()
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("no_proxy", "localhost")
    found = assert_found(_doctor(site), "here.proxy", fix="export no_proxy=localhost,10.213", status="warn")
    name, _, value = found["fix"].removeprefix("export ").partition("=")
    monkeypatch.setenv(name, value)
    assert json.loads(_doctor(site).stdout)["verdict"] == "ok"


@pytest.mark.row("A", 25)
def test_row_a25_a_wide_no_proxy_is_enough(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.applied()
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "10.0.0.0/8")
    assert_tolerated(site.run("doctor"), shows=["All is well."])
