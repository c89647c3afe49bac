"""Faults of guests, of files and of etcd, and what is there that is not ours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from wizard.core.errors import WizardError
from wizard.core.secret import Secret
from wizard.payload.certificates import Pair, make_member
from wizard.practice.etcd_process import PKI
from wizard.practice.fault_list import fault
from wizard.practice.machine import Domain, File, Machine
from wizard.practice.scene import Scene

OTHER_LINEAGE = "0c9d2f4e-7b1a-4f6e-8a53-6f1f6f0f7e21"
"""Of a cluster that is not this one."""

# --- what is not ours


@fault("foreign-guest")
def foreign_guest(scene: Scene) -> None:
    """It bears no mark of ours, and is never touched."""
    xml = f"<domain type='kvm'>\n <name>{scene.guest.name}</name>\n</domain>"
    theirs = Domain(scene.guest.name, "qemu", xml, "running", "booted")
    scene.traces.put(scene.tower.domains, scene.guest.name, theirs)


@fault("foreign-folder")
def foreign_folder(scene: Scene) -> None:
    """It is never touched; once the guest is made there is no such folder any more."""
    if not scene.guest.disks[0]:
        path = f"{scene.vm_dir}/{scene.guest.name}/vdisk1.img"
        scene.traces.put(scene.tower.files, path, File(b"holiday pictures"))


@fault("foreign-marker")
def foreign_marker(scene: Scene) -> None:
    """Another wizard left its marker there."""
    text = f"name=other\nlineage={OTHER_LINEAGE}\nserial=4\n"
    scene.traces.put(scene.witness.files, scene.witness.marker_path, File(text.encode()))


@fault("foreign-etcd-data")
def foreign_etcd_data(scene: Scene) -> None:
    """It is never wiped."""
    host, folder = scene.witness, scene.etcd_dir
    data = File(b'{"cluster": 1, "member": 2}', 0o600, "etcd:etcd")
    scene.traces.put(host.files, f"{folder}/data/member/snap/db", data)
    mark = f"lineage={OTHER_LINEAGE}\nmember={host.name}\n"
    scene.traces.put(host.files, f"{folder}/wizard", File(mark.encode()))


# --- files


def _truncated(scene: Scene, name: str, words: str) -> None:
    """Let a file arrive shorter than it was promised, told as a download tells it."""
    scene.artifacts.wrong[name] = WizardError(
        f"{words} is not the file that was promised",
        where=f"the publisher of {name} (practice)",
        why="It is shorter than it should be, and its sha256 is another one.",
        do=(
            "look whether a proxy or a captive portal answers in the publisher's place",
            "wizard artifacts fetch DIR    # on a machine with a better connection, then --artifacts DIR",
        ),
        again="Running again is safe: what was downloaded has been thrown away and nothing was used.",
    )


@fault("image-truncated")
def image_truncated(scene: Scene) -> None:
    """Nothing of it is used."""
    for name in ("debian-cloud-image", "lxc-guest-root"):
        _truncated(scene, name, "The base image of the guests")


@fault("etcd-truncated")
def etcd_truncated(scene: Scene) -> None:
    """Nothing of it is used."""
    _truncated(scene, "etcd", "The etcd archive")


# --- guests


@fault("guest-never-boots")
def guest_never_boots(scene: Scene) -> None:
    """A guest that is up is silent from the start."""
    scene.world.hangs.add(scene.guest.name)


def _when_sealed(scene: Scene, act: str) -> None:
    """Do something to the guest: at once where it is made, else as soon as it is."""

    def happen() -> None:
        with scene.world.guard:
            domain = scene.tower.domains[scene.guest.name]
            {"off": _off, "paused": _paused, "autostart": _no_autostart}[act](scene, domain)

    if scene.guest.name in scene.tower.domains:
        happen()
    else:
        scene.at("after do/guest-seal", happen, host=scene.tower)


def _off(scene: Scene, domain: Domain) -> None:
    scene.traces.set(domain, "state", "shut off")
    scene.traces.set(domain, "reason", "destroyed")


def _paused(scene: Scene, domain: Domain) -> None:
    scene.traces.set(domain, "state", "paused")
    scene.traces.set(domain, "reason", "I/O error")


def _no_autostart(scene: Scene, domain: Domain) -> None:
    scene.traces.set(domain, "autostart", False)


@fault("guest-off")
def guest_off(scene: Scene) -> None:
    """As by a wrong click."""
    _when_sealed(scene, "off")


@fault("guest-paused")
def guest_paused(scene: Scene) -> None:
    """Libvirt pauses a guest whose disk cannot be written."""
    _when_sealed(scene, "paused")


@fault("autostart-off")
def autostart_off(scene: Scene) -> None:
    """It would stay down after a power cut."""
    _when_sealed(scene, "autostart")


# --- etcd


def _ends_at_once(scene: Scene, machine: Machine, why: str) -> None:
    scene.traces.set(machine.etcd, "broken", why)


@fault("member-fails-to-join")
def member_fails_to_join(scene: Scene) -> None:
    """Whatever is done about it."""
    why = (
        "cannot fetch cluster info from peer urls: could not retrieve cluster information from the given URLs"
    )
    _ends_at_once(scene, scene.witness, why)


@fault("member-stopped")
def member_stopped(scene: Scene) -> None:
    """Where it runs at once, else as soon as it was started."""

    def happen() -> None:
        with scene.world.guard:
            scene.traces.set(scene.guest.etcd, "wanted", False)

    if scene.guest.etcd.wanted:
        happen()
    else:
        scene.at("after do/etcd-start", happen, host=scene.guest)


@fault("quorum-lost")
def quorum_lost(scene: Scene) -> None:
    """One ends again and again, the other one's host has no power."""
    _ends_at_once(scene, scene.guest, "walpb: crc mismatch")
    scene.faults.dead.add(scene.witness.name)


@fault("database-full")
def database_full(scene: Scene) -> None:
    """Where there is a cluster at once, else when the first write is tried."""

    def happen() -> None:
        with scene.world.guard:
            for cluster in scene.world.clusters.values():
                scene.traces.set(cluster, "alarms", {"NOSPACE"})

    if scene.world.clusters:
        happen()
    else:
        scene.at("do/etcd-prove", happen)


@fault("certificate-expired")
def certificate_expired(scene: Scene) -> None:
    """Where there is one; a new one is good for long."""
    key, authority = scene.secrets.get("etcd/ca.key"), scene.secrets.get("etcd/ca.crt")
    path = f"{PKI}/member.crt"
    if key is None or authority is None or path not in scene.guest.files:
        return
    long_ago = datetime.now(UTC) - timedelta(days=20 * 365)
    expired = make_member(
        Pair(key, authority.reveal()),
        scene.guest.name,
        [scene.guest.address, "127.0.0.1"],
        ["localhost"],
        long_ago,
    )
    files = scene.guest.files
    scene.traces.put(files, path, File(expired.certificate.encode(), files[path].mode, files[path].owner))
    scene.traces.put(files, f"{PKI}/member.key", _as_file(expired.key, files[f"{PKI}/member.key"]))


def _as_file(key: Secret, like: File) -> File:
    return File(key.reveal().encode(), like.mode, like.owner)
