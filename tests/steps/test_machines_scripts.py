"""The remote scripts of guests, run on this machine against a stand-in for libvirt that keeps its guests in files."""

from __future__ import annotations

import os
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from steps.machine_changes import definition_xml
from steps.parse.guest_details import HostGuests, parse_boot, parse_guests
from tests.payload.guest import LINEAGE, guest
from wizard.core.text import printable
from wizard.payload.guests import DataDisk, GuestPlan
from wizard.transport.wire import arg_lines, program_text

STAND_IN = Path(__file__).with_name("fake-libvirt.sh")
MIB = 1024**2
OTHER = LINEAGE.replace("a", "b")
FOREIGN, TOOL = 3, 4


@dataclass(frozen=True, slots=True)
class Tower:
    """A hypervisor made of folders."""

    root: Path

    @property
    def vm(self) -> Path:
        return self.root / "vm"

    @property
    def libvirt(self) -> Path:
        return self.root / "libvirt"

    def plan(self, **changes: object) -> GuestPlan:
        given = {
            "vm_dir": str(self.vm),
            "disk": 20 * MIB,
            "data": DataDisk(8 * MIB, folder=str(self.vm / "etcd-a")),
        }
        return guest(**{**given, **changes})

    def run(self, script: str, args: dict[str, str], payload: bytes = b"") -> tuple[int, str]:
        env = {"PATH": f"{self.root / 'bin'}:{os.environ['PATH']}", "FAKE": str(self.libvirt)}
        program = self.root / "program"
        program.write_bytes(program_text((script,)))
        given = self.root / "input"
        given.write_bytes(arg_lines(args) + payload)
        with given.open("rb") as stdin:
            done = subprocess.run(
                ["/bin/sh", str(program)], stdin=stdin, capture_output=True, timeout=60, check=False, env=env
            )
        return done.returncode, printable((done.stdout + done.stderr).decode(), keep_newlines=True)

    def create(self, plan: GuestPlan, seed: bytes = b"seed with a key") -> tuple[int, str]:
        definition = definition_xml(plan)
        sizes = {"system": str(plan.disk), "data": str(plan.data.size if plan.data else 0)}
        more = {
            "base": "/base",
            "data_dir": plan.data.folder if plan.data else "",
            "xml": str(len(definition)),
        }
        return self.run("do/guest-create", place(plan) | sizes | more, definition + seed)

    def remove(self, plan: GuestPlan, **changes: str) -> tuple[int, str]:
        return self.run("do/guest-remove", place(plan) | {"data_dir": ""} | changes)

    def look(self, *names: str, driver: str = "kvm") -> HostGuests:
        args = {"driver": driver, "dir": str(self.vm), "names": " ".join(names), "base": "b.qcow2"}
        code, text = self.run("read/guests", args)
        assert code == 0
        assert text.rstrip().endswith("== end"), text
        return parse_guests(text)

    def calls(self) -> list[str]:
        return (self.libvirt / "calls").read_text().splitlines()

    def changed_by(self) -> set[str]:
        """What was asked of libvirt that is not looking."""
        words = [call.split() for call in self.calls() if call.startswith("virsh")]
        return {call[call.index("-c") + 2] for call in words} - {"list", "dominfo", "dumpxml", "domstate"}


def place(plan: GuestPlan) -> dict[str, str]:
    return {"driver": plan.driver, "dir": plan.vm_dir, "name": plan.name, "lineage": plan.lineage}


@pytest.fixture
def tower(tmp_path: Path) -> Tower:
    made = Tower(tmp_path)
    for folder in (made.vm, made.libvirt / "qemu", made.libvirt / "lxc", tmp_path / "bin"):
        folder.mkdir(parents=True)
    (made.libvirt / "calls").touch()
    for tool in ("virsh", "qemu-img"):
        target = tmp_path / "bin" / tool
        target.write_bytes(STAND_IN.read_bytes())
        target.chmod(0o755)
    return made


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_guest_is_made_with_all_it_needs_and_what_is_read_of_it_is_what_was_made(tower: Tower) -> None:
    plan = tower.plan()
    assert tower.create(plan) == (0, "running etcd-a\n")
    folder = tower.vm / "etcd-a"
    assert (folder / "seed.iso").read_bytes() == b"seed with a key"
    assert stat.S_IMODE((folder / "seed.iso").stat().st_mode) == 0o600
    assert (folder / "data.raw").stat().st_size == 8 * MIB
    assert not list(folder.glob("*.new"))
    seen = tower.look("etcd-a")
    found = seen.owned("etcd-a", LINEAGE)
    assert found is not None
    assert (found.state, found.reason, found.autostart) == ("running", "booted", True)
    assert seen.folders["etcd-a"].lineage == LINEAGE
    assert not seen.folders["etcd-a"].booted
    assert {file.name: file.size for file in seen.folders["etcd-a"].files}["data.raw"] == 8 * MIB
    assert seen.free


def test_making_it_again_keeps_its_disks(tower: Tower) -> None:
    tower.create(tower.plan())
    disk = tower.vm / "etcd-a" / "data.raw"
    disk.write_bytes(b"precious")
    assert tower.create(tower.plan())[0] == 0
    assert disk.read_bytes() == b"precious"
    assert sum(" start " in call for call in tower.calls()) == 1


def test_a_foreign_folder_is_not_touched(tower: Tower) -> None:
    for owner in (None, f"lineage={OTHER}\n"):
        folder = tower.vm / "etcd-a"
        folder.mkdir(exist_ok=True)
        (folder / "vdisk1.img").write_bytes(b"somebody's")
        if owner:
            (folder / "owner").write_text(owner)
        before = contents(tower.vm)
        for code, said in (tower.create(tower.plan()), tower.remove(tower.plan())):
            assert code == FOREIGN, said
            assert "not ours" in said
        assert contents(tower.vm) == before
    assert not tower.changed_by()


@pytest.mark.parametrize("xml", ["<domain><name>etcd-a</name></domain>", f"<domain lineage='{OTHER}'/>"])
def test_a_foreign_guest_is_not_touched(tower: Tower, xml: str) -> None:
    (tower.libvirt / "qemu" / "etcd-a.xml").write_text(xml)
    (tower.libvirt / "qemu" / "etcd-a.running").touch()
    plan = tower.plan()
    definition = definition_xml(plan)
    sizes = {"system": "0", "data": "0", "data_dir": ""}
    attempts = [
        tower.create(plan),
        tower.remove(plan),
        tower.run("do/guest-start", place(plan)),
        tower.run("do/guest-autostart", place(plan)),
        tower.run("do/guest-define", place(plan) | sizes, definition),
    ]
    assert [code for code, _ in attempts] == [FOREIGN] * len(attempts)
    assert not tower.changed_by()
    assert (tower.libvirt / "qemu" / "etcd-a.xml").read_text() == xml


def test_a_lineage_is_not_a_pattern_and_part_of_one_is_not_enough(tower: Tower) -> None:
    (tower.libvirt / "qemu" / "etcd-a.xml").write_text(f"<domain lineage='{LINEAGE}-more'/>")
    assert tower.remove(tower.plan())[0] == FOREIGN


def test_a_guest_is_removed_with_its_disks_and_nothing_else(tower: Tower) -> None:
    tower.create(tower.plan())
    neighbour = tower.plan(name="etcd-b", data=None)
    tower.create(neighbour)
    assert tower.remove(tower.plan()) == (0, "removed etcd-a\n")
    assert not (tower.vm / "etcd-a").exists()
    assert tower.look("etcd-a", "etcd-b").names == {"etcd-b"}
    assert (tower.vm / "etcd-b" / "system.qcow2").exists()
    assert tower.remove(tower.plan()) == (0, "removed etcd-a\n"), "it is gone already"


def test_nothing_is_deleted_while_libvirt_is_silent(tower: Tower) -> None:
    tower.create(tower.plan())
    (tower.libvirt / "qemu").rename(tower.libvirt / "away")
    before = contents(tower.vm)
    code, said = tower.remove(tower.plan())
    assert (code, "does not answer" in said) == (TOOL, True)
    assert contents(tower.vm) == before


def test_nothing_is_deleted_below_a_guest_of_the_other_driver(tower: Tower) -> None:
    tower.create(tower.plan())
    for file in (tower.libvirt / "qemu").glob("etcd-a.*"):
        file.rename(tower.libvirt / "lxc" / file.name)
    before = contents(tower.vm)
    assert tower.remove(tower.plan())[0] == FOREIGN
    assert contents(tower.vm) == before


def test_a_data_folder_elsewhere_is_ours_or_not_touched(tower: Tower) -> None:
    elsewhere = tower.root / "ssd" / "etcd-a"
    plan = tower.plan(data=DataDisk(8 * MIB, folder=str(elsewhere)))
    assert tower.create(plan)[0] == 0
    assert (elsewhere / "data.raw").stat().st_size == 8 * MIB
    assert tower.remove(plan, data_dir=str(elsewhere))[0] == 0
    assert not elsewhere.exists()
    elsewhere.mkdir()
    (elsewhere / "photo").write_bytes(b"x")
    assert tower.create(plan)[0] == FOREIGN
    assert (elsewhere / "photo").read_bytes() == b"x"


def test_the_seed_with_the_key_is_gone_after_the_first_boot(tower: Tower) -> None:
    plan = tower.plan()
    tower.create(plan)
    assert tower.run("do/guest-seal", place(plan), b"seed without") == (0, "sealed etcd-a\n")
    assert (tower.vm / "etcd-a" / "seed.iso").read_bytes() == b"seed without"
    assert tower.look("etcd-a").folders["etcd-a"].booted
    media = [call for call in tower.calls() if "change-media" in call]
    assert ["--eject" in call for call in media] == [True, False]
    assert tower.run("do/guest-seal", place(plan) | {"lineage": OTHER}, b"x")[0] == FOREIGN
    assert (tower.vm / "etcd-a" / "seed.iso").read_bytes() == b"seed without"


def test_disks_grow_and_never_shrink_and_the_guest_runs_again(tower: Tower) -> None:
    tower.create(tower.plan())
    larger = tower.plan(memory=3 * 1024**3)
    sizes = {"system": "0", "data": str(9 * MIB), "data_dir": str(tower.vm / "etcd-a")}
    code, said = tower.run("do/guest-define", place(larger) | sizes, definition_xml(larger))
    assert code == 0, said
    assert f"grown {tower.vm}/etcd-a/data.raw {9 * MIB}" in said
    seen = tower.look("etcd-a").domains["etcd-a"]
    assert seen.state == "running"
    assert seen.mark is not None
    assert seen.mark.definition == larger.definition
    code, said = tower.run(
        "do/guest-define", place(larger) | sizes | {"data": str(MIB)}, definition_xml(larger)
    )
    assert code == 0
    assert "grown" not in said
    assert (tower.vm / "etcd-a" / "data.raw").stat().st_size == 9 * MIB


def test_what_lies_in_the_folder_is_told_whoever_it_belongs_to(tower: Tower) -> None:
    (tower.vm / "wizard-base").mkdir()
    (tower.vm / "wizard-base" / "b.qcow2").write_bytes(b"x" * 77)
    (tower.vm / "Windows 11").mkdir()
    (tower.vm / "Windows 11" / "vdisk1.img").write_bytes(b"x")
    seen = tower.look()
    assert seen.base == 77
    assert set(seen.folders) == {"Windows 11"}
    assert seen.folders["Windows 11"].lineage == ""


def test_a_folder_that_is_not_there_yet_has_the_room_of_the_one_above(tower: Tower) -> None:
    args = {"driver": "kvm", "dir": str(tower.root / "not" / "yet"), "names": "", "base": "b"}
    code, text = tower.run("read/guests", args)
    seen = parse_guests(text)
    assert (code, seen.folder_there, seen.base) == (0, False, None)
    assert seen.free
    assert tower.run("do/guest-folder", {"dir": args["dir"]})[0] == 0
    assert (tower.root / "not" / "yet" / "wizard-base").is_dir()


def test_a_boot_is_told_on_a_machine_without_cloud_init(tower: Tower) -> None:
    code, text = tower.run("read/guest-boot", {})
    boot = parse_boot(text)
    assert code == 0
    assert boot is not None
    assert boot.cloud_init in ("none", "done", "failed", "running")
