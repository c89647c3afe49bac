"""Faults A 18-23: how the file is written, before its keys mean anything."""

from __future__ import annotations

import time

import pytest

from tests.spec.base import BASE, bend, line_of, only_problem, problems_of, sound
from wizard.core.spec import parse_spec

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


def test_row_a18_control_bidi_and_zero_width_characters_in_a_name() -> None:
    for char in "\u202e\u200b\u200d\u2066":
        text = bend(f"name: home => name: ho{char}me # HERE")
        problem = only_problem(text)
        assert (problem.path, problem.line) == ("name", line_of(text))
        assert f"U+{ord(char):04X}" in problem.text
        assert char not in problem.text + problem.hint + problem.path


def test_row_a18_an_escape_sequence_cannot_reach_the_terminal() -> None:
    problem = only_problem(bend('name: home => name: "ho\\e[31mme" # HERE'))
    assert "U+001B" in problem.text
    assert "\x1b" not in repr(problem.text) + problem.text


def test_row_a18_an_unknown_key_with_an_escape_is_told_without_it() -> None:
    problems = problems_of(bend(' => "col\\e[2Jour": 1'))
    assert problems
    assert not any("\x1b" in p.path + p.text + p.hint for p in problems)


def test_row_a18_text_is_normalised_to_nfc() -> None:
    spec = sound(bend('address: 192.168.10.11} => address: 192.168.10.11, circuit: "Ku\u0308che"}'))
    assert spec.hosts[0].circuit == "K\u00fcche"


def test_row_a18_bytes_that_are_not_utf8_name_their_line() -> None:
    problem = only_problem(BASE.encode().replace(b"domain: home.arpa", b"domain: k\xfcche"))
    assert problem.line == 7
    assert "0xfc" in problem.text


def test_row_a18_utf16_is_told_as_such() -> None:
    assert "UTF-16" in only_problem(BASE.encode("utf-16")).text


def test_row_a18_a_lone_surrogate_in_a_string_is_refused() -> None:
    assert "U+D800" in only_problem("name: \ud800\n").text


def test_row_a19_an_alias_bomb_is_refused_at_once_at_each_line() -> None:
    begun = time.thread_time()
    problems = problems_of(BOMB)
    assert time.thread_time() - begun < 2
    assert any(p.line == 2 and "*a repeats" in p.text for p in problems)
    assert any(p.line == 1 and "&a names" in p.text for p in problems)


def test_row_a19_anchors_aliases_and_merge_keys_are_refused_where_they_stand() -> None:
    text = "x: &anchor {a: 1}\ny: *anchor\nz:\n  <<: 1\n"
    told = {(p.line, p.text.split(" ")[0]) for p in problems_of(text)}
    assert {(1, "&anchor"), (2, "*anchor"), (4, "<<")} <= told


def test_row_a19_more_than_a_mebibyte_is_not_read() -> None:
    problem = only_problem(b"# " + b"x" * (1 << 20))
    assert "1,048,576" in problem.text


def test_row_a19_ten_thousand_nodes_are_the_end() -> None:
    problem = only_problem("hosts: [" + "a," * 20_000 + "]")
    assert "10,000" in problem.text


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_row_a20_five_thousand_nested_brackets(opening: str) -> None:
    problem = only_problem("a:\n  " + opening * 5_000)
    assert "Too deeply nested" in problem.text
    assert problem.line == 2


def test_row_a21_duplicate_keys_name_both_lines() -> None:
    problem = only_problem(bend("domain: home.arpa => domain: home.arpa\n  domain: lan # HERE"))
    assert (problem.path, problem.line) == ("network.domain", 8)
    assert "line 7" in problem.text
    assert "line 8" in problem.text


def test_row_a21_a_whole_section_twice() -> None:
    problem = only_problem(bend(" => dns: {kind: pihole}"))
    assert problem.path == "dns"
    assert f"line {len(BASE.splitlines()) + 1}" in problem.text


@pytest.mark.parametrize(
    ("value", "reading"),
    [
        ("no", "false"),
        ("y", "true"),
        ("Off", "false"),
        ("1.20", "1.2"),
        ("22:30", "1350"),
        ("017", "15"),
        ("0x1f", "31"),
        ("1_000", "1000"),
        ("2026-12-01", "a date"),
        ("2026-13-45", "a date"),
        (".inf", "inf"),
    ],
)
def test_row_a22_yaml_1_1_traps_where_text_is_wanted(value: str, reading: str) -> None:
    text = bend(f"name: home => name: {value} # HERE")
    problem = only_problem(text)
    assert (problem.path, problem.line) == ("name", line_of(text))
    assert f"reads {reading}" in problem.text
    assert f'quote it: "{value}"' in problem.hint


def test_row_a22_a_mac_address_that_yaml_takes_for_a_number() -> None:
    text = bend("address: 192.168.10.21, => address: 192.168.10.21, mac: 52:54:00:12:34:56,")
    problem = only_problem(text)
    assert problem.path == "machines[0].mac"
    assert 'quote it: "52:54:00:12:34:56"' in problem.hint


def test_row_a22_quoted_they_are_what_they_say() -> None:
    assert sound(bend('name: home => name: "no"')).name == "no"


@pytest.mark.parametrize("value", ["017", "0x10", "1_0", "2:30", "+2", "0b1", "02"])
def test_row_a22_numbers_are_plain_digits(value: str) -> None:
    problem = only_problem(bend(f"replicas: 2 => replicas: {value}"))
    assert problem.path == "storage.replicas"
    assert value in problem.text


@pytest.mark.parametrize("value", ["yes", "on", "True", '"true"', "1"])
def test_row_a22_booleans_are_true_or_false(value: str) -> None:
    problem = only_problem(bend(f" => witness: {{accept_slow: {value}}}"))
    assert problem.path == "witness.accept_slow"
    assert problem.hint == "Write true or false, without quotes."


def test_row_a22_a_key_that_is_no_text_to_yaml() -> None:
    problems = problems_of(bend(" => no: 1"))
    assert any("false" in p.text and '"no"' in p.hint for p in problems)


def test_row_a23_a_tab_in_the_indentation() -> None:
    text = bend("  gateway: 192 => \tgateway: 192")
    problem = only_problem(text)
    assert problem.line == 6
    assert "tab" in problem.text.lower()


def test_row_a23_windows_line_ends_are_a_warning_and_work() -> None:
    spec, problems = parse_spec(BASE.replace("\n", "\r\n").encode(), source="x")
    assert [(p.level, p.line) for p in problems] == [("warning", 1)]
    assert spec == sound(BASE)


def test_row_a23_a_byte_order_mark_is_a_warning_and_works() -> None:
    spec, problems = parse_spec(BASE.encode("utf-8-sig"), source="x")
    assert [(p.level, p.line) for p in problems] == [("warning", 1)]
    assert spec == sound(BASE)


def test_row_a23_a_nul_byte_and_other_controls_name_their_line() -> None:
    assert (only_problem("a: 1\nb: \0\n").line, "NUL" in only_problem("\0").text) == (2, True)
    assert only_problem("a: 1\nb: 2\nc: \x1b[0m\n").line == 3
    assert only_problem("a: 1\rb: 2\n").line == 1


@pytest.mark.parametrize(
    "tag", ["!!python/object:os.system", "!!python/object/apply:os.system", "!!binary", "!x"]
)
def test_row_a23_tags_are_refused_with_their_line(tag: str) -> None:
    text = bend(f"name: home => name: {tag} home # HERE")
    problem = only_problem(text)
    assert (problem.path, problem.line) == ("name", line_of(text))
    assert "tag" in problem.text


def test_row_a23_a_tag_on_a_section() -> None:
    text = bend("hosts: => hosts: !!python/object:os.system # HERE")
    assert only_problem(text).line == line_of(text)


@pytest.mark.parametrize("text", ["", "# only a comment\n", "\n\n"])
def test_an_empty_file_says_how_to_begin(text: str) -> None:
    assert "wizard example" in only_problem(text).hint


@pytest.mark.parametrize("text", ["just words", "- a\n- b\n", "---\n", "5"])
def test_a_file_that_is_not_a_section(text: str) -> None:
    assert "keys and values" in only_problem(text).text


def test_a_second_document_names_its_line() -> None:
    assert only_problem("a: 1\n---\nb: 2\n").line == 2


@pytest.mark.parametrize(
    ("text", "line"), [("a: [1, 2\n", 2), ("a: b: c\n", 1), ('a: "x\n', 2), ("a: @x\n", 1)]
)
def test_what_is_not_yaml_names_its_line(text: str, line: int) -> None:
    problem = only_problem(text)
    assert problem.line == line
    assert "not YAML" in problem.text


def test_a_section_as_a_key_is_refused() -> None:
    assert only_problem("? [a, b]\n: 1\n").line == 1


def test_a_repeated_secret_like_value_is_never_echoed_in_full() -> None:
    long = "x" * 300
    assert all(long not in p.text + p.hint for p in problems_of(bend(f"name: home => name: {long}")))
