"""What hypervisors are asked about guests: made, started, changed, removed, and never one that is somebody else's."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping

from tests.recordings.case import Case, Play, do
from tests.recordings.recording import Said
from tests.recordings.stage import LINEAGE, OP, OTHER_LINEAGE, PLACE, Stage

TOWERS = ("tower-a", "tower-b")
NAME = "rec-guest"
FOLDER = f"{PLACE}/{NAME}"
BASE = "rec-root.tar.gz"
DISK = "rec-disk.qcow2"
UUID = "7a1f5a52-3f0e-4c53-9d0a-64b6f5a5f0c1"
MIB = 1 << 20
SECONDS = 60.0
"""Deadline of an operation that asks libvirt a few things."""

CONTAINER = f"""<domain type='lxc'><name>{NAME}</name><uuid>{UUID}</uuid><memory unit='MiB'>64</memory><vcpu>1</vcpu>
<metadata><wizard:guest xmlns:wizard='urn:homelab-wizard' lineage='%s'/></metadata>
<os><type>exe</type><init>/bin/sleep</init><initarg>600</initarg></os>
<features><capabilities policy='allow'><sys_resource state='off'/><sys_time state='off'/></capabilities></features>
<devices><filesystem type='mount'><source dir='{FOLDER}/root'/><target dir='/'/></filesystem>
<console type='pty'/></devices></domain>
"""

MACHINE = f"""<domain type='qemu'><name>{NAME}</name><uuid>{UUID}</uuid><memory unit='MiB'>64</memory><vcpu>1</vcpu>
<metadata><wizard:guest xmlns:wizard='urn:homelab-wizard' lineage='%s'/></metadata>
<os><type arch='x86_64' machine='q35'>hvm</type></os>
<devices><disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{FOLDER}/system.qcow2'/>
<target dev='vda' bus='virtio'/></disk><console type='pty'/></devices></domain>
"""

GIVEN = {"dir": PLACE, "name": NAME, "lineage": LINEAGE}


def empty_tar() -> bytes:
    """A tar without a file in it."""
    made = io.BytesIO()
    tarfile.open(fileobj=made, mode="w").close()
    return made.getvalue()


def unpack(stage: Stage, *, definition: str = CONTAINER % LINEAGE, op: str = OP) -> Said:
    """Make the container guest."""
    stage.base_image(f"{PLACE}/wizard-base/{BASE}")
    xml = definition.encode()
    args = GIVEN | {"driver": "lxc", "base": f"{PLACE}/wizard-base/{BASE}", "system": str(512 * MIB)}
    args |= {"data": str(64 * MIB), "serial": "rec-serial", "uuid": OTHER_LINEAGE, "xml": str(len(xml))}
    return do(stage, args, op, "do/guest-unpack", payload=xml + empty_tar(), seconds=SECONDS)


def create(stage: Stage, *, base: bool = True, op: str = OP) -> Said:
    """Make the virtual machine."""
    if base:
        stage.base_disk(f"{PLACE}/wizard-base/{DISK}")
    else:
        stage.write(f"{PLACE}/wizard-base/another", b"")
    xml = (MACHINE % LINEAGE).encode()
    args = GIVEN | {"driver": "qemu", "base": f"{PLACE}/wizard-base/{DISK}", "system": str(128 * MIB)}
    args |= {"data": str(64 * MIB), "data_dir": FOLDER, "xml": str(len(xml))}
    return do(stage, args, op, "do/guest-create", payload=xml + b"no seed", seconds=SECONDS)


def command(
    stage: Stage, script: str, more: Mapping[str, str] | None = None, *, payload: bytes = b""
) -> Said:
    """One of the scripts about a guest that was made."""
    args = GIVEN | {"driver": "lxc"} | dict(more or {})
    return do(stage, args, f"{OP}-2", script, payload=payload, seconds=SECONDS)


def start(stage: Stage) -> Said:
    """do/guest-start on what is there."""
    args = {"driver": "lxc", "name": NAME, "lineage": LINEAGE}
    return do(stage, args, f"{OP}-2", "do/guest-start", seconds=SECONDS)


def autostart(stage: Stage) -> Said:
    """do/guest-autostart on what is there."""
    args = {"driver": "lxc", "name": NAME, "lineage": LINEAGE}
    return do(stage, args, f"{OP}-2", "do/guest-autostart", seconds=SECONDS)


def define(stage: Stage) -> Said:
    """do/guest-define with a larger data disk."""
    more = {"data_dir": FOLDER, "system": "0", "data": str(128 * MIB)}
    return command(stage, "do/guest-define", more, payload=(CONTAINER % LINEAGE).encode())


def remove(stage: Stage) -> Said:
    """do/guest-remove on what is there."""
    return command(stage, "do/guest-remove", {"data_dir": ""})


def guests(stage: Stage) -> Said:
    """read/guests."""
    args = {"driver": "lxc", "dir": PLACE, "names": f"{NAME} rec-absent", "base": BASE}
    return stage.run("read/guests", args)


# --- cases


def guests_none(stage: Stage) -> Said:
    return guests(stage)


def guests_made(stage: Stage) -> Said:
    unpack(stage)
    return guests(stage)


def guests_off(stage: Stage) -> Said:
    unpack(stage)
    stage.power_off(NAME)
    return guests(stage)


def guests_foreign(stage: Stage) -> Said:
    stage.foreign_guest(NAME)
    return guests(stage)


def folder_new(stage: Stage) -> Said:
    stage.remove(PLACE)
    return do(stage, {"dir": PLACE}, OP, "do/guest-folder", seconds=SECONDS)


def unpack_again(stage: Stage) -> Said:
    unpack(stage)
    return unpack(stage, op=f"{OP}-2")


def unpack_foreign_guest(stage: Stage) -> Said:
    stage.foreign_guest(NAME)
    said = unpack(stage)
    assert stage.content(f"{FOLDER}/owner") is None
    return said


def unpack_foreign_folder(stage: Stage) -> Said:
    stage.write(f"{FOLDER}/theirs", b"theirs")
    said = unpack(stage)
    assert stage.content(f"{FOLDER}/theirs") == b"theirs"
    return said


def unpack_refused(stage: Stage) -> Said:
    return unpack(stage, definition="<domain type='lxc'><name>rec-guest</name><memory>")


def create_again(stage: Stage) -> Said:
    create(stage)
    return create(stage, op=f"{OP}-2")


def create_foreign_folder(stage: Stage) -> Said:
    stage.write(f"{FOLDER}/theirs", b"theirs")
    return create(stage)


def create_no_base(stage: Stage) -> Said:
    return create(stage, base=False)


def start_running(stage: Stage) -> Said:
    unpack(stage)
    return start(stage)


def start_off(stage: Stage) -> Said:
    unpack(stage)
    stage.power_off(NAME)
    return start(stage)


def start_foreign(stage: Stage) -> Said:
    stage.foreign_guest(NAME)
    return start(stage)


def autostart_made(stage: Stage) -> Said:
    unpack(stage)
    return autostart(stage)


def autostart_foreign(stage: Stage) -> Said:
    stage.foreign_guest(NAME)
    return autostart(stage)


def define_off(stage: Stage) -> Said:
    unpack(stage)
    stage.power_off(NAME)
    return define(stage)


def define_foreign(stage: Stage) -> Said:
    stage.foreign_guest(NAME)
    return define(stage)


def remove_off(stage: Stage) -> Said:
    unpack(stage)
    stage.power_off(NAME)
    said = remove(stage)
    assert stage.content(f"{FOLDER}/owner") is None
    return said


def remove_absent(stage: Stage) -> Said:
    return remove(stage)


def remove_foreign(stage: Stage) -> Said:
    stage.foreign_guest(NAME)
    return remove(stage)


def remove_foreign_folder(stage: Stage) -> Said:
    stage.write(f"{FOLDER}/theirs", b"theirs")
    said = remove(stage)
    assert stage.content(f"{FOLDER}/theirs") == b"theirs"
    return said


def seal_made(stage: Stage) -> Said:
    unpack(stage)
    return command(stage, "do/guest-seal")


def seal_foreign(stage: Stage) -> Said:
    stage.write(f"{FOLDER}/theirs", b"theirs")
    return command(stage, "do/guest-seal")


def boot_ended(stage: Stage) -> Said:
    return stage.run("read/guest-boot", {})


def _on_towers(script: str, name: str, play: Play, *, tool: bool = False) -> Case:
    return Case(script, name, play, hosts=TOWERS, tool=tool)


GUEST_CASES = (
    _on_towers("read/guests", "none", guests_none),
    _on_towers("read/guests", "made", guests_made),
    _on_towers("read/guests", "off", guests_off),
    _on_towers("read/guests", "foreign", guests_foreign),
    _on_towers("do/guest-folder", "new", folder_new),
    _on_towers("do/guest-unpack", "new", unpack),
    _on_towers("do/guest-unpack", "again", unpack_again),
    _on_towers("do/guest-unpack", "foreign-guest", unpack_foreign_guest),
    _on_towers("do/guest-unpack", "foreign-folder", unpack_foreign_folder),
    _on_towers("do/guest-unpack", "refused", unpack_refused, tool=True),
    _on_towers("do/guest-create", "new", create),
    _on_towers("do/guest-create", "again", create_again),
    _on_towers("do/guest-create", "foreign-folder", create_foreign_folder),
    _on_towers("do/guest-create", "no-base", create_no_base, tool=True),
    _on_towers("do/guest-start", "running", start_running),
    _on_towers("do/guest-start", "off", start_off),
    _on_towers("do/guest-start", "foreign", start_foreign),
    _on_towers("do/guest-autostart", "made", autostart_made),
    _on_towers("do/guest-autostart", "foreign", autostart_foreign),
    _on_towers("do/guest-define", "off", define_off),
    _on_towers("do/guest-define", "foreign", define_foreign),
    _on_towers("do/guest-remove", "off", remove_off),
    _on_towers("do/guest-remove", "absent", remove_absent),
    _on_towers("do/guest-remove", "foreign", remove_foreign),
    _on_towers("do/guest-remove", "foreign-folder", remove_foreign_folder),
    _on_towers("do/guest-seal", "made", seal_made),
    _on_towers("do/guest-seal", "foreign", seal_foreign),
    Case("read/guest-boot", "ended", boot_ended, hosts=("pi",)),
)
"""In the order in which they are recorded."""
