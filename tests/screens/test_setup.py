"""The setup by keyboard alone: every screen, its refusals, and what an earlier answer changes later."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from screens.base import StageScreen
from screens.widgets import Choice, Field, Problems, Told
from tests.screens.desk import ADDRESSES, PracticeDesk
from tests.screens.walk import Walk, walk
from wizard.core.draft import Draft
from wizard.core.drafts import DraftStore
from wizard.core.spec import load_spec


def with_hosts(folder: Path, *answers: tuple[str, str]) -> PracticeDesk:
    """A desk with the hosts' addresses answered, and whatever else is given."""
    draft = Draft.new()
    for index, address in enumerate(ADDRESSES.values()):
        draft = draft.put(f"hosts[{index}].address", address)
    for path, value in answers:
        draft = draft.put(path, value)
    desk = PracticeDesk(folder)
    DraftStore(desk.spec).save(draft.at("hosts"), draft.check())
    return desk


async def type_addresses(person: Walk) -> None:
    """From the hosts screen: one address for each of the three machines."""
    for number in (11, 12, 13):
        await person.press("enter")
        await person.type(f"10.213.99.{number}")
        await person.press("shift+tab", "shift+tab", "shift+tab", "down")


def test_from_nothing_to_a_sound_spec_by_keyboard_alone(tmp_path: Path) -> None:
    async def steps(person: Walk) -> None:
        await person.type("attic")
        await person.press("ctrl+n")
        await type_addresses(person)
        await person.press("ctrl+n")
        assert person.stage == "discovery"
        assert person.text().count("ok ") >= 4, "every host was looked at by itself"
        await person.press("ctrl+n")
        assert person.stage == "storage"
        await person.press("ctrl+n")
        assert "does not fit here" in person.said()
        await person.press("down", "down", "enter", "ctrl+n")
        assert person.stage == "machines"
        assert "carries everything" in person.said()
        await person.press("ctrl+n")
        assert person.stage == "network"
        assert "10.213.99.0/24" in person.text(), "suggested from what was seen"
        await person.press("ctrl+n")
        assert person.stage == "witness"
        await person.press("right")
        await person.press("ctrl+q")

    walk(tmp_path, steps)
    spec = load_spec(tmp_path / "cluster.yaml")
    assert (spec.name, spec.storage.kind) == ("attic", "none")
    assert {host.name: host.address for host in spec.hosts} == ADDRESSES
    assert spec.host("pi").etcd_dir == "/mnt/usb/etcd"
    assert "# the address of Kubernetes" in (tmp_path / "cluster.yaml").read_text()


def test_hosts_that_were_tested_where_they_are_named_tell_the_network_as_well(tmp_path: Path) -> None:
    desk = with_hosts(tmp_path, ("storage.kind", "none"))

    async def steps(person: Walk) -> None:
        await person.press("f3")
        assert len(person.app.looker.facts) == 3
        assert not person.app.draft.get("network.cidr"), (
            "nothing is decided while hosts are still being named"
        )
        await person.press("ctrl+n")
        assert person.stage == "discovery"
        assert person.app.draft.get("network.cidr") == "10.213.99.0/24"
        await person.press("ctrl+n", "ctrl+n", "ctrl+n")
        assert person.stage == "network", "no step says that the network is not known"

    walk(tmp_path, steps, desk=desk, place="hosts")


def test_what_is_being_typed_stays_whatever_comes_meanwhile(tmp_path: Path) -> None:
    desk = with_hosts(tmp_path, ("storage.kind", "none"))

    async def steps(person: Walk) -> None:
        line = person.app.screen.query_one("#heartbeat", Field).query_one(Input)
        line.focus()
        await person.settle()
        await person.pilot.press("1", "2")
        screen = person.app.screen
        assert isinstance(screen, StageScreen)
        screen.fill()
        await person.settle()
        assert line.value == "12"
        await person.press("3", "tab")
        assert person.app.draft.get("etcd.heartbeat_ms") == "123"

    walk(tmp_path, steps, desk=desk, place="witness")


def test_a_half_finished_form_is_there_again_after_leaving(tmp_path: Path) -> None:
    async def first(person: Walk) -> None:
        await person.press("enter")
        await person.type("10.213.99.300")
        await person.press("ctrl+q")

    async def second(person: Walk) -> None:
        assert "You were at Hosts" in person.text()
        await person.press("ctrl+n")
        assert person.stage == "hosts"
        assert "10.213.99.300" in person.text(), "what is wrong, too"

    walk(tmp_path, first, desk=with_hosts(tmp_path), place="hosts")
    walk(tmp_path, second)


def test_facts_that_come_do_not_take_the_line_away_that_is_typed_in(tmp_path: Path) -> None:
    desk = with_hosts(tmp_path, ("storage.kind", "none"))

    async def steps(person: Walk) -> None:
        line = person.app.screen.query_one("#heartbeat", Field).query_one(Input)
        line.focus()
        await person.settle()
        screen = person.app.screen
        screen._options = ()  # type: ignore[attr-defined]
        screen.redraw()  # type: ignore[attr-defined]
        await person.settle()
        assert person.app.focused is line

    walk(tmp_path, steps, desk=desk, place="witness")


def test_the_terminal_s_cursor_stands_where_typing_goes(tmp_path: Path) -> None:
    async def steps(person: Walk) -> None:
        line = person.app.screen.query_one(Input)
        assert person.app.cursor_position == line.cursor_screen_offset
        assert line.cursor_screen_offset.y > 0

    walk(tmp_path, steps)


STAGES = ("hosts", "discovery", "storage", "machines", "network", "witness")


@pytest.mark.parametrize("stage", STAGES)
def test_back_keeps_what_was_answered(tmp_path: Path, stage: str) -> None:
    desk = with_hosts(tmp_path, ("storage.kind", "none"))

    async def steps(person: Walk) -> None:
        before = person.text().splitlines()[:-1]
        await person.press("escape")
        assert person.stage != stage
        person.app.go(stage)
        await person.settle()
        assert person.text().splitlines()[:-1] == before, "all but the keys, which are those of the focus"

    walk(tmp_path, steps, desk=desk, place=stage)


BAD = [
    ("hosts", "address", "10.213.99.300", "hosts[0].address"),
    ("hosts", "port", "ssh", "hosts[0].port"),
    ("hosts", "name", "Tower A", "hosts[0].name"),
    ("hosts", "user", "root;id", "hosts[0].user"),
    ("hosts", "key", "id_ed25519", "hosts[0].key"),
    ("machines", "cpus", "none", "machines[0].cpus"),
    ("machines", "memory", "4X", "machines[0].memory"),
    ("machines", "disk", "much", "machines[0].disk"),
    ("machines", "data_disk", "8", "machines[0].data_disk"),
    ("network", "network.cidr", "10.213.99.0/33", "network.cidr"),
    ("network", "network.gateway", "10.9.9.9", "network.gateway"),
    ("network", "network.dhcp", "10.213.99.199-10.213.99.100", "network.dhcp"),
    ("network", "network.api_vip", "10.213.99.150", "network.api_vip"),
    ("network", "network.pod_cidr", "10.213.0.0/16", "network.pod_cidr"),
    ("network", "network.service_cidr", "10.42.0.0/16", "network.service_cidr"),
    ("network", "network.load_balancer", "10.213.99.250-10.213.99.230", "network.load_balancer"),
    ("network", "network.domain", "home/arpa", "network.domain"),
    ("network", "network.upstream_dns", "9.9.9.9 nine", "network.upstream_dns"),
    ("witness", "etcd.heartbeat_ms", "soon", "etcd.heartbeat_ms"),
    ("witness", "etcd.election_ms", "400", "etcd.election_ms"),
    ("storage", "storage.backup_target", "the shed", "storage.backup_target"),
    ("storage", "storage.class", "my/class", "storage.class"),
]


WAYS = {"storage.class": "existing", "storage.backup_target": "longhorn"}
"""The way to keep data with which a field of the storage is asked for."""


@pytest.mark.parametrize("stage", sorted({stage for stage, *_ in BAD}))
def test_a_wrong_answer_is_told_beside_it_and_next_says_why(tmp_path: Path, stage: str) -> None:
    desk = with_hosts(tmp_path, ("storage.kind", "none"))

    async def try_one(person: Walk, name: str, value: str, path: str) -> None:
        screen = person.app.screen
        field = next(one for one in screen.query(Field) if name in (one.id, one.path))
        before = field.value
        field.focus_line()
        await person.settle()
        await person.type(value)
        await person.press("tab")
        wrong = person.app.checked.errors(path)
        assert wrong, f"the rules refuse {path}"
        beside = field.query_one(Problems)
        assert beside.display, f"{path}: beside the field, as soon as it is left"
        assert wrong[0].text in beside.plain
        await person.press("ctrl+n")
        assert person.stage == stage
        refusal = screen.query_one("#refusal", Told).plain
        assert "Not yet:" in refusal
        assert wrong[0].text in refusal
        assert person.app.focused is field.query_one(Input), "what has to be answered anew has the focus"
        await person.type(before)
        await person.press("tab")
        assert (person.app.checked.errors(path), beside.display) == ([], False)

    async def steps(person: Walk) -> None:
        for _, name, value, path in (row for row in BAD if row[0] == stage):
            if path in WAYS:
                person.app.answer("storage.kind", WAYS[path])
                person.app.screen.redraw()  # type: ignore[attr-defined]
                await person.settle()
            await try_one(person, name, value, path)

    walk(tmp_path, steps, desk=desk, place=stage, size=(120, 50))


def test_every_field_of_every_stage_has_a_wrong_answer(tmp_path: Path) -> None:
    tried = {(stage, field) for stage, field, *_ in BAD}
    asked: set[tuple[str, str]] = set()

    async def steps(person: Walk) -> None:
        for stage in STAGES:
            person.app.go(stage)
            await person.settle()
            asked.update((stage, one.id or one.path) for one in person.app.screen.query(Field))

    walk(tmp_path, steps, desk=with_hosts(tmp_path, ("storage.kind", "none")))
    named = {(stage, NAMED.get(field, field)) for stage, field in asked}
    assert named == tried


NAMED = {
    "class": "storage.class",
    "target": "storage.backup_target",
    "heartbeat": "etcd.heartbeat_ms",
    "election": "etcd.election_ms",
}
"""Fields that are found by an id, and the answer each is about."""


def test_a_size_that_was_refused_is_there_again_and_next_leads_to_its_machine(tmp_path: Path) -> None:
    desk = with_hosts(tmp_path, ("storage.kind", "none"))

    async def steps(person: Walk) -> None:
        await person.press("enter", "tab")
        await person.type("4X")
        await person.press("escape")
        assert person.stage == "storage"
        await person.press("ctrl+n")
        assert person.stage == "machines"
        memory = person.app.screen.query_one("#memory", Field)
        assert (memory.value, memory.query_one(Problems).display) == ("4X", True)
        person.app.screen.query_one("#machines").focus()
        await person.press("down")
        assert memory.value != "4X"
        assert "etcd-a: 4X is not a size" in person.text(), "it is told of the machine that is not shown"
        await person.press("ctrl+n")
        assert "Not yet: etcd-a: 4X is not a size" in person.said()
        assert (memory.value, person.app.focused) == ("4X", memory.query_one(Input))
        await person.type("4G")
        await person.press("ctrl+n")
        assert person.stage == "network"
        assert person.app.draft.get("machines[0].memory") == "4G"

    walk(tmp_path, steps, desk=desk, place="machines", size=(120, 40))


TYPED = {
    "hosts": ("port", "2222"),
    "machines": ("disk", "21G"),
    "network": ("network.domain", "attic.lan"),
    "witness": ("heartbeat", "150"),
}
"""What is typed on a stage where one can type without choosing first."""


def test_there_and_back_by_keyboard_every_stage_keeps_what_was_typed(tmp_path: Path) -> None:
    desk = with_hosts(tmp_path, ("storage.kind", "none"))

    def shown(person: Walk) -> dict[str, str]:
        screen = person.app.screen
        fields = {one.path: one.value for one in screen.query(Field)}
        return fields | {one.path: one.value for one in screen.query(Choice)}

    async def steps(person: Walk) -> None:
        seen: dict[str, dict[str, str]] = {}
        for stage in STAGES:
            if stage in TYPED:
                name, value = TYPED[stage]
                field = next(one for one in person.app.screen.query(Field) if name in (one.id, one.path))
                field.focus_line()
                await person.settle()
                await person.type(value)
                await person.press("tab")
            seen[stage] = shown(person)
            await person.press("ctrl+n")
            assert person.stage != stage, person.said()
        assert person.stage == "review"
        for stage in reversed(STAGES):
            await person.press("escape")
            assert (person.stage, shown(person)) == (stage, seen[stage])
        await person.press("escape")
        assert person.stage == "welcome"

    walk(tmp_path, steps, desk=desk, place="hosts")
    written = load_spec(desk.spec)
    assert (written.hosts[0].port, written.network.domain) == (2222, "attic.lan")


def test_machines_own_sizes_are_kept_and_proposed_anew(tmp_path: Path) -> None:
    desk = with_hosts(tmp_path, ("storage.kind", "none"))

    async def steps(person: Walk) -> None:
        assert not person.app.draft.length("machines")
        await person.press("enter")
        await person.type("2")
        await person.press("enter")
        await person.type("3G")
        await person.press("tab")
        assert person.app.draft.get("machines[0].memory") == "3G"
        assert "Your own sizes" in " ".join(person.text().split())
        await person.press("ctrl+r")
        assert not person.app.draft.length("machines")

    walk(tmp_path, steps, desk=desk, place="machines", size=(120, 40))


def test_a_host_that_is_reached_another_way_is_looked_at_again_and_no_other(tmp_path: Path) -> None:
    desk = with_hosts(tmp_path)

    async def steps(person: Walk) -> None:
        assert len(person.app.looker.facts) == 3
        person.app.answer("hosts[1].port", "2222")
        await person.settle()
        assert set(person.app.looker.facts) == {"tower-a", "pi"}
        person.app.answer("storage.kind", "none")
        assert set(person.app.looker.facts) == {"tower-a", "pi"}

    walk(tmp_path, steps, desk=desk, place="discovery")


def test_hosts_are_added_and_removed(tmp_path: Path) -> None:
    async def steps(person: Walk) -> None:
        await person.press("f5")
        await person.type("tower-c")
        await person.press("tab")
        assert person.app.draft.get("hosts[3].name") == "tower-c"
        await person.press("f8")
        assert person.app.draft.length("hosts") == 3

    walk(tmp_path, steps, place="hosts")


def test_a_hand_edited_file_is_kept_and_it_is_said(tmp_path: Path) -> None:
    desk = with_hosts(tmp_path, ("storage.kind", "none"))

    async def steps(person: Walk) -> None:
        await person.press("ctrl+n")

    walk(tmp_path, steps, desk=desk, place="discovery")
    spec = tmp_path / "cluster.yaml"
    spec.write_text(spec.read_text() + "# bought in 2024, do not touch\n")

    async def again(person: Walk) -> None:
        assert "changed since" in person.said()
        person.app.answer("name", "attic")
        await person.settle()
        assert "cluster.yaml.bak" in person.said()

    walk(tmp_path, again, desk=desk)
    assert "do not touch" in (tmp_path / "cluster.yaml.bak").read_text()
    assert load_spec(spec).name == "attic"


def test_an_earlier_answer_says_what_it_changes_later(tmp_path: Path) -> None:
    desk = with_hosts(tmp_path, ("storage.kind", "none"))

    async def steps(person: Walk) -> None:
        await person.press("ctrl+n")
        assert person.stage == "machines"
        await person.press("ctrl+n", "escape", "escape")
        assert person.stage == "storage"
        await person.press("up", "up", "enter")
        assert "Machines needs you" in person.said()
        assert "!! Machines" in person.text()
        await person.press("down", "down", "enter")
        assert "Machines is fine now." in person.said()

    walk(tmp_path, steps, desk=desk, place="storage")


def test_the_disks_of_etcd_are_measured_and_timers_follow(tmp_path: Path) -> None:
    desk = with_hosts(tmp_path, ("storage.kind", "none"))

    async def steps(person: Walk) -> None:
        await person.press("right")
        await person.press("ctrl+r")
        while person.app.measuring.running:
            await person.pilot.pause(0.05)
        await person.settle()
        assert "etcd-a" in person.text()
        assert "heartbeat" in person.text()

    walk(tmp_path, steps, desk=desk, place="witness", size=(120, 40))


async def asked(person: Walk) -> None:
    """The wire is asked, and has answered."""
    await person.press("ctrl+r")
    while person.app.wire.running:
        await person.pilot.pause(0.05)
    await person.settle()


def test_the_wire_is_asked_who_has_the_addresses(tmp_path: Path) -> None:
    desk = with_hosts(tmp_path, ("storage.kind", "none"))

    async def steps(person: Walk) -> None:
        assert "ctrl+r asks the wire" in person.said()
        await asked(person)
        assert isinstance(person.app.wire.result, tuple)
        assert "ok .20" in person.text(), "nobody has the API address"
        assert "ok .11" in person.text(), "tower-a has its own"
        world = desk.machines["tower-a"].world
        assert world is not None
        world.lan.strangers["10.213.99.20"] = ("b8:27:eb:00:00:07",)
        await asked(person)
        assert "ok .20" not in person.text()
        assert "b8:27:eb:00:00:07" in person.text()
        person.app.answer("network.api_vip", "10.213.99.40")
        person.app.screen.redraw()  # type: ignore[attr-defined]
        await person.settle()
        assert "ctrl+r asks the wire" in person.said(), "what was said is about other answers"

    walk(tmp_path, steps, desk=desk, place="network", size=(120, 40))


def test_what_is_on_a_host_already_is_told_with_what_is_answered(tmp_path: Path) -> None:
    desk = with_hosts(tmp_path, ("storage.kind", "none"))

    async def steps(person: Walk) -> None:
        assert "Already there" not in person.text()
        desk.machines["tower-a"].occupants = {"microk8s-present", "port-53-taken"}
        desk.machines["pi"].occupants = {"k3s-present"}
        await person.press("ctrl+r")
        said = " ".join(person.text().split())
        assert "!! tower-a" in said
        assert "ok tower-b" in said
        assert "xx pi" in said
        for words in ("Already there", "MicroK8s", "stays for now, moved by you", "port 53", "seen", "do"):
            assert words in said
        await person.press("down", "down")
        said = " ".join(person.text().split())
        assert "K3s" in said
        assert "in the way: nothing is built beside it" in said

    walk(tmp_path, steps, desk=desk, place="discovery", size=(200, 50))
