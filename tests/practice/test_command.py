"""`wizard practice`: the contract of the command."""

from __future__ import annotations

import json
import re
import shutil
import time
from pathlib import Path

import pytest

from tests.practice.room import FAST, Room
from tests.rows import assert_explained
from wizard import cli
from wizard.core.errors import ExitCode
from wizard.core.faultnames import fault_texts
from wizard.core.spec import load_spec
from wizard.lab.faults import FAULTS
from wizard.practice.codec import decode, encode
from wizard.practice.fault_list import known_faults
from wizard.practice.keeping import WorldFile
from wizard.practice.machine import Machine
from wizard.practice.pace import Pace


def test_without_a_terminal_it_runs_itself_to_the_end_and_all_is_well(room: Room) -> None:
    run = room.practice()
    assert run.exit_code == 0, run.stderr
    assert "done: 69 changes" in run.stdout
    assert "Step 3 of 7: Storage" in run.stderr, "the same questions, answered by what is recommended"
    assert f"wizard practice --dir {room.folder} -- doctor" in run.stderr
    room.content()


def test_a_file_of_answers_is_passed_on_to_the_questions(room: Room, tmp_path: Path) -> None:
    answers = tmp_path / "answers.yaml"
    answers.write_text("name: attic\n")
    run = room.practice("--auto", "--answers", str(answers))
    assert run.exit_code == 0, run.stderr
    assert load_spec(room.folder / "cluster.yaml").name == "attic"
    answers.write_text("name: No Name\n")
    run = room.practice("--answers", str(answers))
    assert_explained(
        run,
        exit_code=ExitCode.BAD_SPEC,
        says=["name has no answer that holds"],
        do=f"wizard practice --dir {room.folder} --plain --auto --answers FILE",
    )


def test_by_itself_nothing_is_destroyed(room: Room) -> None:
    """A guest that the spec names no longer is removed, its disks too: for that a person has to type a word."""
    room.set_up()
    spec, before = room.folder / "cluster.yaml", room.files()["world.json"]
    spec.write_text("".join(line for line in spec.open() if "worker-b" not in line))
    run = room.practice("--auto")
    assert_explained(
        run,
        exit_code=ExitCode.BAD_SPEC,
        says=["destroys something", "worker-b"],
        do=f"Run wizard practice --dir {room.folder} --plain at a terminal.",
    )
    assert room.files()["world.json"] == before


def test_nothing_is_written_outside_its_folder(room: Room, tmp_path: Path) -> None:
    room.set_up()
    for command in ("doctor", "plan", "facts", "storage", "layout", "prove", "check"):
        assert room.practice("--", command).exit_code in (0, 10), command
    assert {path.name for path in tmp_path.iterdir()} == {"home", "practice"}
    assert list((tmp_path / "home").iterdir()) == []
    assert room.folder.stat().st_mode & 0o777 == 0o700
    assert (room.folder / "world.json").stat().st_mode & 0o777 == 0o600


def test_it_lies_beside_the_clusters_unless_a_folder_is_named(
    room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli.main(["practice", *FAST, "--", "state", "path"]) == 0
    assert (tmp_path / "home/.local/state/homelab-wizard/practice/cluster.yaml").exists()
    monkeypatch.setenv("WIZARD_HOME", str(tmp_path / "elsewhere"))
    assert cli.main(["practice", *FAST, "--", "check"]) == 0
    assert (tmp_path / "elsewhere/cluster.yaml").exists()
    assert cli.main(["practice", *FAST, "--", "check", "--dir", str(tmp_path / "inner")]) == 0
    assert (tmp_path / "inner/cluster.yaml").exists()


def test_every_command_after_the_dashes_works_on_the_practice_homelab(room: Room) -> None:
    room.set_up()
    found = json.loads(room.practice("--", "facts", "--json").stdout)
    assert "tower-a" in json.dumps(found)
    for words in (
        ["storage", "--json"],
        ["layout", "--json"],
        ["prove", "--json"],
        ["plan", "--json"],
        ["state", "show", "--json"],
        ["doctor", "--json"],
        ["check", "--json"],
    ):
        run = room.practice("--", *words)
        assert run.exit_code == 0, (words, run.stderr)
        assert json.loads(run.stdout)
    assert str(room.folder) in room.practice("--", "state", "path").stdout
    assert "hosts.reach" in room.practice("--", "doctor", "--list").stdout


def test_the_setup_stands_after_the_dashes_too(room: Room) -> None:
    run = room.practice("--", "setup", "--auto")
    assert run.exit_code == 0, run.stderr
    assert "done: 69 changes" in run.stdout
    assert room.practice("--", "example").stdout.startswith("#")


def test_before_it_is_set_up_the_plan_tells_the_whole_story_and_doctor_what_is_missing(room: Room) -> None:
    run = room.practice("--", "plan", "--json")
    assert (run.exit_code, json.loads(run.stdout)["changes"]) == (10, 69), run.stderr
    report = room.doctor()
    assert report["verdict"] == "fail"
    assert "hosts.marker" in report["root_causes"]


def test_a_second_run_finds_everything_done(room: Room) -> None:
    room.set_up()
    ran = {name: len(one.ran) for name, one in room.world().machines.items()}
    assert "0 changes done" in room.practice().stdout
    assert {name: len(one.ran) for name, one in room.world().machines.items()} == ran


def test_the_spec_is_the_persons_own_from_then_on(room: Room) -> None:
    room.practice("--", "check")
    spec = room.folder / "cluster.yaml"
    text = spec.read_text()
    spec.write_text(text.replace("name: home ", "name: mine "))
    assert json.loads(room.practice("--", "plan", "--json").stdout)["cluster"] == "mine"
    other = room.folder.parent / "home" / "other.yaml"
    shutil.copy(spec, other)
    assert room.practice("--", "check", "-f", str(other)).stdout.startswith(str(other))


@pytest.mark.parametrize(
    "words", [["lab", "up"], ["artifacts", "list"], ["practice"], ["practise"], ["--json"]]
)
def test_what_has_nothing_to_do_with_simulated_hosts_is_refused(room: Room, words: list[str]) -> None:
    assert_explained(room.practice("--", *words), exit_code=ExitCode.BAD_SPEC)
    assert not room.folder.exists()


@pytest.mark.parametrize("speed", ["0", "-1", "fast", "nan", "1e9"])
def test_a_speed_is_a_number_above_nothing(room: Room, speed: str) -> None:
    assert_explained(room.practice("--speed", speed), exit_code=ExitCode.BAD_SPEC, says=[speed])


def test_two_folders_are_one_too_many(room: Room) -> None:
    run = room.practice("--", "doctor", "--dir", "elsewhere")
    assert_explained(run, exit_code=ExitCode.BAD_SPEC, says=["elsewhere"])


def test_a_seed_gives_the_hosts_their_ids_and_is_kept(room: Room) -> None:
    def ids() -> list[str]:
        found = json.loads(room.practice("--", "facts", "--json").stdout)
        return re.findall(r'"machine_id": "([0-9a-f]+)"', json.dumps(found))

    room.practice("--seed", "7", "--", "check")
    room.practice("--seed", "7", "--", "facts")
    first = ids()
    assert len(set(first)) == 3
    room.practice("--seed", "8", "--", "facts")
    assert ids() == first, "a homelab that is there keeps its seed"
    shutil.rmtree(room.folder)
    room.practice("--seed", "8", "--", "facts")
    other = ids()
    shutil.rmtree(room.folder)
    room.practice("--seed", "7", "--", "facts")
    assert ids() == first != other


def test_the_pi_is_an_arm_machine_and_is_given_files_for_it(built: Room) -> None:
    hosts = json.loads(built.practice("--", "facts", "--json").stdout)["hosts"]
    assert {name: facts["arch"] for name, facts in hosts.items()} == {
        "tower-a": "x86_64",
        "tower-b": "x86_64",
        "pi": "aarch64",
    }
    artifacts = {path.name for path in (built.folder / "artifacts").iterdir()}
    assert {"etcd-3.6.14-arm64", "etcd-3.6.14-amd64"} <= artifacts


# --- the world on the disk


def test_the_world_on_the_disk_is_the_one_that_was_left(room: Room) -> None:
    room.set_up()
    kept = room.files()["world.json"]
    file = WorldFile(room.folder / "world.json")
    world = file.open(load_spec(room.folder / "cluster.yaml"), None)
    file.save(world)
    assert room.files()["world.json"] == kept
    assert {one.state for host in world.machines.values() for one in host.domains.values()} == {"running"}


def test_a_machine_is_the_same_one_after_it_was_kept(room: Room) -> None:
    room.set_up()
    for machine in room.world().machines.values():
        again: Machine = decode(Machine, json.loads(json.dumps(encode(machine))))
        assert encode(again) == encode(machine)
        assert again.files == machine.files


def test_reads_write_nothing(room: Room) -> None:
    room.set_up()
    before = room.files()
    for command in (["doctor"], ["plan"], ["facts"], ["state", "show"]):
        room.practice("--", *command)
    assert room.files() == before


@pytest.mark.parametrize("text", ["", "{", '{"schema": 1}', '{"schema": 2, "world": {}}', "[]"])
def test_a_world_that_cannot_be_read_is_told(room: Room, text: str) -> None:
    room.practice("--", "facts")
    (room.folder / "world.json").write_text(text)
    told = assert_explained(room.practice("--", "doctor"), exit_code=ExitCode.STATE, says=["world.json"])
    assert "rm -r" in told["do"]


# --- names of faults


def test_faults_are_listed_one_a_line_the_name_first(room: Room) -> None:
    lines = room.practice("--list-faults").stdout.splitlines()
    names = [line.split()[0] for line in lines]
    assert names == list(fault_texts("practice"))
    assert all(re.fullmatch("[a-z0-9][a-z0-9-]{3,}", name) for name in names)
    assert all(len(line.split()) > 3 for line in lines)
    assert len(set(names)) == len(names)


def test_every_name_has_its_function() -> None:
    assert set(known_faults()) == set(fault_texts("practice"))


def test_practice_and_lab_name_their_faults_from_one_list(room: Room) -> None:
    assert set(FAULTS) == set(fault_texts("lab"))
    shared = set(fault_texts("lab")) & set(fault_texts("practice"))
    assert {"host-killed", "host-stopped", "link-cut", "disk-full", "clock-skewed", "ssh-down"} <= shared
    room.capsys.readouterr()
    assert cli.main(["lab", "fault", "list", "--dir", str(room.folder)]) == 0
    listed = [line.split()[0] for line in room.capsys.readouterr().out.splitlines()]
    assert listed == list(fault_texts("lab"))


def test_a_fault_nobody_knows_is_refused_before_anything_is_made(room: Room) -> None:
    run = room.practice(faults=["power-of-love"])
    assert_explained(
        run, exit_code=ExitCode.BAD_SPEC, says=["power-of-love"], do="wizard practice --list-faults"
    )
    assert not room.folder.exists()


# --- time


def test_latencies_scatter_the_same_way_for_the_same_seed() -> None:
    from wizard.practice.pace import scatter

    assert scatter("1 pi do/marker 3") == scatter("1 pi do/marker 3") != scatter("2 pi do/marker 3")
    assert all(0.79 < scatter(str(number)) < 1.21 for number in range(200))


def test_time_goes_by_as_fast_as_asked() -> None:
    assert Pace(4.0).ours(60) == 15
    assert Pace().ours(60) == 0
    slow = Pace(2.0)
    slow.closed.set()
    assert not slow.spend("pi", "do/marker", 1), "who closes the homelab waits for nothing"


def test_a_boot_under_way_ends_sooner_at_a_higher_speed(room: Room) -> None:
    room.practice("--", "check")
    world = room.world()
    guest = next(one for one in world.machines.values() if one.carrier)
    guest.up_at = time.time() + 100
    world.go_by(50)
    assert 1 < guest.up_at - time.time() <= 2


def test_a_transfer_tells_how_far_it_is() -> None:
    heard: list[tuple[int, int]] = []
    Pace(1e6).transfer(b"practice artifact etcd 3.6.14 amd64\n", lambda *told: heard.append(told))
    assert len(heard) == 20
    assert heard[-1] == (24_000_000, 24_000_000)
    assert [done for done, _ in heard] == sorted(done for done, _ in heard)
