"""Answers: half filled, written with comments, kept on disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.spec.base import BASE, bend, sound
from wizard.core.draft import Draft
from wizard.core.drafts import DraftStore
from wizard.core.errors import SpecError
from wizard.core.resources import asset_text
from wizard.core.spec import example_text, parse_spec
from wizard.core.spec.writing import comments_of, scalar


def test_the_example_written_anew_means_the_same_and_loses_no_comment() -> None:
    text = Draft.read(example_text(), source="x").text()
    assert parse_spec(text, source="x") == (sound(example_text()), ())
    assert comments_of(example_text()) - comments_of(text) <= {
        "on a USB SSD: an SD card is too slow for etcd and wears out"
    }
    assert Draft.read(text, source="x").text() == text, "writing it again changes nothing"


OTHERS = [
    BASE,
    bend('address: 192.168.10.11} => address: 192.168.10.11, circuit: "no"}'),
    bend(" => dns_records: 1"),
    bend(' => waivers: [{check: witness.disk, reason: "a: b # c", until: "2027-01-31"}]'),
    bend(' => backup: {target: /mnt/b, schedule: "30 3 * * *", keep: 14}'),
    bend(' => backup: {target: /mnt/b, schedule: "@daily", keep: 14}'),
    bend("dns: {kind: adguard} => dns: {kind: adguard, records: {nas.home.arpa: 192.168.10.5}}"),
]


@pytest.mark.parametrize("text", OTHERS)
def test_any_spec_written_anew_means_the_same(text: str) -> None:
    spec, problems = parse_spec(text, source="x")
    again, more = parse_spec(Draft.read(text, source="x").text(), source="x")
    assert again == spec
    assert {(one.path, one.text) for one in more} == {(one.path, one.text) for one in problems}


@pytest.mark.parametrize(
    ("key", "value", "written"),
    [
        ("name", "no", '"no"'),
        ("name", "1.20", '"1.20"'),
        ("port", "22", "22"),
        ("port", "ssh", "ssh"),
        ("accept_slow", "true", "true"),
        ("enabled", "false", "false"),
        ("schedule", "@daily", '"@daily"'),
        ("schedule", "30 3 * * *", '"30 3 * * *"'),
        ("mac", "52:54:00:12:34:56", '"52:54:00:12:34:56"'),
        ("key", "~/.ssh/id_ed25519", "~/.ssh/id_ed25519"),
        ("circuit", 'a "b" # c', '"a \\"b\\" # c"'),
    ],
)
def test_a_value_is_quoted_where_it_would_be_misread(key: str, value: str, written: str) -> None:
    assert scalar(key, value) == written


def test_a_half_filled_draft_is_checked_as_far_as_it_goes() -> None:
    draft = Draft.new().put("hosts[0].address", "192.168.10.300").put("network.cidr", "192.168.10.0/24")
    checked = draft.check()
    assert not checked.whole
    assert [one.path for one in checked.errors("hosts[0]")] == ["hosts[0].address"]
    assert checked.spec.hosts[1].name == "tower-b"
    assert draft.drop("hosts[0]").get("hosts[0].name") == "tower-b"


def test_a_part_of_a_spec_gets_what_no_question_is_about(tmp_path: Path) -> None:
    store = DraftStore(tmp_path / "cluster.yaml")
    store.spec.write_text("artifacts: {accept_built: true}\nnetwork: {cidr: 10.1.2.0/24}\n")
    found = store.load()
    assert found.draft.get("k3s.version") == Draft.new().get("k3s.version")
    assert found.draft.get("network.pod_cidr") == "", "what may be missing stays so"
    assert found.draft.get("network.domain") == "home.arpa"
    assert found.draft.get("artifacts.accept_built") == "true"
    assert [found.draft.get(f"hosts[{index}].role") for index in range(3)] == [
        "hypervisor",
        "hypervisor",
        "witness",
    ]
    assert found.draft.section("apps") == {}, "nothing is installed that nobody asked for"
    assert "as recommended" in found.note


def test_a_whole_spec_is_taken_as_it_is(tmp_path: Path) -> None:
    store = DraftStore(tmp_path / "cluster.yaml")
    store.spec.write_text(BASE)
    assert store.load().draft == Draft.read(BASE, source="x", place="hosts")
    assert store.load().note == ""


def test_a_host_that_is_named_as_before_changes_nothing() -> None:
    nobody = Draft({"name": "home"})
    assert nobody.rename_host(0, "") == nobody
    assert Draft.new().rename_host(0, "tower-a") == Draft.new()


def test_a_draft_comes_back_with_its_place(tmp_path: Path) -> None:
    store = DraftStore(tmp_path / "cluster.yaml")
    assert not store.load().begun
    draft = Draft.new().put("name", "attic").at("storage")
    assert store.save(draft, draft.check()) == ""
    assert not store.spec.exists(), "half filled answers are no spec"
    assert store.load().draft == draft


def test_a_sound_draft_is_written_and_a_hand_edit_is_believed_and_kept(tmp_path: Path) -> None:
    store = DraftStore(tmp_path / "cluster.yaml")
    draft = Draft.read(BASE, source="x", place="network")
    store.save(draft, draft.check())
    assert sound(store.spec.read_text()) == sound(BASE)
    store.spec.write_text(BASE.replace("name: home", "name: shed") + "# mine\n")
    store.spec.chmod(0o640)
    found = store.load()
    assert (found.draft.get("name"), found.draft.place) == ("shed", "network")
    assert "changed since" in found.note
    assert "cluster.yaml.bak" in store.save(found.draft, found.draft.check())
    assert "# mine" in (tmp_path / "cluster.yaml.bak").read_text()
    assert store.spec.stat().st_mode & 0o777 == 0o640
    assert store.save(found.draft, found.draft.check()) == "", "ours now: nothing to keep"


@pytest.mark.parametrize(
    ("written", "answer"),
    [
        (example_text, ("hosts[2].user", "pi")),
        (lambda: Draft.read(BASE, source="x").text(), ("network.mtu", "9000")),
        (lambda: Draft.new().text(), ("name", "attic")),
        (lambda: asset_text("practice/cluster.yaml"), ("name", "attic")),
    ],
)
def test_comments_that_are_the_wizards_own_are_not_worth_a_backup(
    tmp_path: Path, written: Callable[[], str], answer: tuple[str, str]
) -> None:
    store = DraftStore(tmp_path / "cluster.yaml")
    store.spec.write_text(written())
    draft = Draft.read(BASE, source="x").put(*answer)
    assert comments_of(written()) - comments_of(draft.text()), "some are lost"
    assert draft.check().sound
    assert store.save(draft, draft.check()) == ""
    assert not list(tmp_path.glob("*.bak*"))


def test_a_file_that_is_no_spec_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "cluster.yaml").write_text("just words\n")
    with pytest.raises(SpecError) as told:
        DraftStore(tmp_path / "cluster.yaml").load()
    assert "mv " in told.value.do[0]


def test_the_machines_of_a_host_follow_its_name() -> None:
    draft = Draft.read(BASE, source="x").rename_host(0, "attic")
    assert [draft.get(f"machines[{index}].host") for index in range(4)] == ["attic", "tower-b"] * 2
    assert draft.check().sound
