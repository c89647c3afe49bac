"""What real hosts said of their packages, parsed."""

from __future__ import annotations

import pytest

from steps.parse.packages import Installed, PackagesSeen, parse_packages
from tests.recordings.package_cases import NAME, VERSION
from tests.recordings.recording import load_all


def seen(case: str, host: str = "pi") -> PackagesSeen:
    return parse_packages(load_all()[f"read-packages/{case}.{host}"].said.stdout)


def test_a_package_that_is_there_is_right() -> None:
    found = seen("there")
    assert found.packages == {NAME: Installed("installed", VERSION, enough=True)}
    assert found.right(NAME, VERSION)
    assert (found.apt, found.cut_off, found.broken) == (True, False, ())


@pytest.mark.parametrize(("case", "host"), [("none", "pi"), ("older", "pi"), ("no-apt", "tower-b")])
def test_one_that_is_missing_or_too_old_is_not(case: str, host: str) -> None:
    found = seen(case, host)
    assert not found.right(NAME, VERSION)
    assert found.apt == (host == "pi")


def test_an_installation_that_was_cut_off_makes_nothing_right() -> None:
    found = seen("cut-off")
    assert found.broken == ((NAME, "unpacked"),)
    assert found.cut_off
    assert found.kept_off == ("wizard-recordings.service",)
    whole = parse_packages("== packages\n|package=x installed 1-1 yes\n|unfinished=\n== end\n")
    assert not whole.right("x", "1-1"), "it may be torn"
    assert whole.right("x", "1-0"), "one that was there before, and is later, is not ours"


def test_nonsense_is_unknown() -> None:
    assert parse_packages("|package=a b\nnot a section").packages == {}
