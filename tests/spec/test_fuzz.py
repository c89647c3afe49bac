"""Whatever a file holds, reading it ends in problems, never in a traceback, and soon."""

from __future__ import annotations

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.spec.base import BASE
from wizard.core.spec import ClusterSpec, Problem, example_text, parse_spec
from wizard.core.spec import values as v
from wizard.core.text import printable

SECONDS = 5.0
"""Of processor time: far above what any input of these sizes takes (milliseconds), far below an explosion."""

YAML_BITS = st.sampled_from(
    ["[", "]", "{", "}", ":", ": ", "- ", "\n", "  ", "\t", "&a ", "*a", "!!python/object:x ", "<<: ", "|\n", ">\n", "'",
     '"', "#", "---\n", "...\n", "%YAML 9\n", "? ", "hosts", "name", "network", "apps", "no", "017", "1e400", "\0",
     "\r\n", "\ufeff",
     "\u2028", "\x85", "9" * 5000, "x" * 5000, "=", "~", "null", "2026-99-99", "1:60:99", "0b2", "-0",
     ".nan", "é", "\U0001f600"]
)  # fmt: skip


def survives(source: str | bytes) -> tuple[Problem, ...]:
    begun = time.thread_time()
    spec, problems = parse_spec(source, source="fuzz")
    assert time.thread_time() - begun < SECONDS
    assert spec is None or isinstance(spec, ClusterSpec)
    assert spec is not None or any(problem.level == "error" for problem in problems)
    for problem in problems:
        for text in (problem.path, problem.text, problem.hint):
            assert text == printable(text)
            assert len(text) < 1_000
    if spec is not None:
        spec.flatten()
    return problems


@given(st.binary(max_size=2_000))
@settings(max_examples=300, deadline=None)
def test_any_bytes(data: bytes) -> None:
    survives(data)


@given(st.lists(YAML_BITS, max_size=60).map("".join))
@settings(max_examples=400, deadline=None)
def test_pieces_of_yaml_in_any_order(text: str) -> None:
    survives(text)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_sound_spec_with_a_piece_cut_out_or_put_in(data: st.DataObject) -> None:
    base = data.draw(st.sampled_from([BASE, example_text()]))
    start = data.draw(st.integers(0, len(base)))
    end = data.draw(st.integers(start, min(len(base), start + 40)))
    survives(base[:start] + data.draw(YAML_BITS | st.text(max_size=20)) + base[end:])


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_any_value_in_any_place(data: st.DataObject) -> None:
    lines = BASE.split("\n")
    number = data.draw(st.integers(0, len(lines) - 2))
    head, colon, _ = lines[number].partition(":")
    value = data.draw(YAML_BITS | st.text(max_size=30))
    survives("\n".join([*lines[:number], f"{head}{colon} {value}", *lines[number + 1 :]]))


@given(st.text(max_size=200))
@settings(max_examples=400, deadline=None)
def test_single_values_are_accepted_or_refused_with_a_hint(text: str) -> None:
    parsers = (
        v.host_name, v.domain_name, v.ipv4, v.cidr, v.address_range, v.mac, v.user_name, v.bridge_name,
        v.absolute_path,
        v.local_path, v.volume_backup_target, v.backup_target, v.schedule, v.k3s_version, v.etcd_version, v.size, v.day,
        v.dotted_id, v.label_text, v.free_text,
    )  # fmt: skip
    for parse in parsers:
        try:
            parse(text)
        except v.BadValueError as error:
            assert str(error)
            assert error.hint


@given(st.text(alphabet="abz019-_.$;|&`'\"\\ \n\0/é", max_size=20))
@settings(max_examples=400, deadline=None)
def test_no_shell_character_passes_as_a_name(text: str) -> None:
    for parse in (v.host_name, v.domain_name, v.user_name, v.bridge_name, v.dotted_id):
        try:
            accepted = parse(text)
        except v.BadValueError:
            continue
        assert not set(accepted) & set("$;|&`'\"\\ \n\0/é")


@given(st.integers(1, 5_000), st.sampled_from("MGT"), st.sampled_from(["", "i", "iB"]))
def test_sizes_are_read_back_from_their_text(number: int, unit: str, suffix: str) -> None:
    count = v.size(f"{number}{unit}{suffix}")
    assert count == number * v.UNITS[unit]
    assert v.size(v.size_text(count)) == count


def test_the_worst_megabytes_are_bounded() -> None:
    for piece in ("[", "{", "a: ", "- ", "&a ", "'", '"', "k: 1\n", "#", "? ", "\t", "!", "|", "a,", "é"):
        survives(piece * ((1 << 20) // len(piece.encode())))
