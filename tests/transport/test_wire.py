from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wizard.transport import wire

NONCE = "0123456789abcdef0123456789abcdef"
NOISE = st.binary(max_size=200) | st.sampled_from(
    [b" begin\n", b"\n end 0\n", b"begin\n\nend 1\n", b"Welcome!"]
)
MARK = NONCE.encode()


@given(before=NOISE, body=st.binary(max_size=300), after=NOISE, errors=NOISE, code=st.integers(0, 255))
def test_noise_around_an_answer_never_shows(
    before: bytes, body: bytes, after: bytes, errors: bytes, code: int
) -> None:
    stdout = before + MARK + b" begin\n" + body + b"\n" + MARK + b" end %d\n" % code + after
    stderr = before + MARK + b" begin\n" + errors + MARK + b" end\n" + after
    assert wire.parse(stdout, stderr, NONCE) == wire.Reply(code, body, errors)


@given(noise=st.lists(NOISE), nonces=st.lists(st.text("0123456789abcdef", min_size=32, max_size=32)))
def test_marks_of_others_are_no_answer(noise: list[bytes], nonces: list[str]) -> None:
    fakes = [f"{nonce} begin\nyes\n{nonce} end 0\n".encode() for nonce in nonces if nonce != NONCE]
    assert wire.parse(b"".join([*noise, *fakes]), b"", NONCE) is None


@given(cut=st.integers(0, 92))
def test_a_cut_answer_is_no_answer(cut: int) -> None:
    whole = MARK + b" begin\nhello\n\n" + MARK + b" end 0\n"
    assert wire.parse(whole[: min(cut, len(whole) - 1)], b"", NONCE) is None


@given(st.binary(max_size=100))
def test_decoding_never_fails_and_leaves_no_nul(data: bytes) -> None:
    assert "\0" not in wire.decode(data)


@pytest.mark.parametrize(
    ("name", "value"), [("a", "b\nc"), ("a", "b\0"), ("A", "x"), ("", "x"), ("a-b", "x"), ("1a", "x")]
)
def test_arguments_that_would_break_the_framing_are_refused(name: str, value: str) -> None:
    with pytest.raises(ValueError, match="argument"):
        wire.arg_lines({name: value})


def test_command_lines_hold_nothing_that_a_login_shell_changes() -> None:
    for command in (
        wire.shell_command(),
        wire.sudo_command(password=True),
        wire.sudo_command(password=False),
    ):
        inner = command.split("/bin/sh -c '", 1)[1]
        assert inner.endswith("'")
        assert not set(inner[:-1]) & set("'\\!\n\t")
        assert command.isascii()


@pytest.mark.parametrize(
    "shell", [["dash"], ["bash"], ["bash", "--posix"], ["zsh"], ["csh"], ["fish"], ["busybox", "sh"]]
)
@settings(max_examples=8, deadline=None)
@given(
    value=st.text(st.characters(exclude_characters="\n\0", exclude_categories=["Cs"]), max_size=40),
    junk=NOISE,
)
def test_any_shell_carries_arguments_and_payload_unchanged(shell: list[str], value: str, junk: bytes) -> None:
    program = b'while IFS= read -r x; do [ -n "$x" ] || break; eval "arg_${x%%=*}=\\${x#*=}"; done\n'
    program += b'printf %s "$arg_v"; printf "|"; cat; exit 3\n'
    payload = bytes(range(256)) + junk
    head = b"leftover line\n" + wire.request(program, {"v": value}, NONCE)
    try:
        done = subprocess.run(
            [*shell, "-c", wire.shell_command()],
            input=head + payload,
            capture_output=True,
            timeout=20,
            check=False,
        )
    except FileNotFoundError:
        pytest.skip(f"{shell[0]} is not installed")
    reply = wire.parse(done.stdout, done.stderr, NONCE)
    assert reply == wire.Reply(3, value.encode() + b"|" + payload, b"")


def test_the_program_is_not_run_when_it_is_cut_short() -> None:
    whole = wire.request(b"echo ran; " * 50, {}, NONCE)
    done = subprocess.run(
        ["sh", "-c", wire.shell_command()], input=whole[:200], capture_output=True, check=False
    )
    assert done.returncode == 97
    assert b"ran" not in done.stdout
