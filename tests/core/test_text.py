"""Text from elsewhere reaches a terminal as it reads, or not at all."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from tests.rows import five_parts
from wizard.core.errors import ExitCode, HostError, WizardError, render
from wizard.core.text import printable


@given(st.text())
def test_nothing_that_moves_the_cursor_is_left(text: str) -> None:
    for char in printable(text):
        assert char == "\ufffd" or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}


@given(st.text())
def test_lines_stay_lines_only_where_wanted(text: str) -> None:
    assert "\u202e" not in printable("abc\u202edef")
    assert printable(text, keep_newlines=True).count("\n") == text.count("\n")


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S"])))
def test_letters_of_any_language_are_kept(text: str) -> None:
    assert printable(text) == text


def test_escapes_and_bidi_marks_are_taken_out() -> None:
    assert printable("\x1b[2Jgone\x07") == "\ufffd[2Jgone\ufffd"
    assert "\u202e" not in printable("abc\u202edef")
    assert printable("a\tb\r\nc") == "a b c"


@given(st.text(min_size=1), st.text(), st.text(), st.lists(st.text(min_size=1), min_size=1))
def test_an_error_always_has_five_parts(what: str, where: str, why: str, do: list[str]) -> None:
    text = render(
        WizardError(f"x{what}", where=f"x{where}", why=f"x{why}", do=tuple(f"x{item}" for item in do))
    )
    assert all(part for part in five_parts(text).values())
    assert "\x1b" not in text


def test_exit_codes_are_the_contract() -> None:
    assert [int(code) for code in ExitCode] == [0, 1, 2, 3, 4, 10, 130]
    assert HostError("a", where="b", why="c", do="d").exit_code == 3
